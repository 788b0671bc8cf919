use super::attributes;
use crate::{Error, Result};
use std::fs::{File, Metadata};
use std::io;
use std::path::{Path, PathBuf};

/// Which file of the system one is, whatever its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct FileId {
    device: u64,
    inode: u64,
}

impl FileId {
    /// `None` where the system has no such numbers.
    #[cfg(unix)]
    pub(super) fn of(known: &Metadata) -> Option<Self> {
        use std::os::unix::fs::MetadataExt as _;
        Some(Self { device: known.dev(), inode: known.ino() })
    }

    #[cfg(not(unix))]
    pub(super) fn of(_known: &Metadata) -> Option<Self> {
        None
    }
}

/// A regular file that was found, and is opened when its turn comes: of a million no more than a few are open.
#[derive(Debug, Clone)]
pub(crate) struct FoundFile {
    path: PathBuf,
    id: Option<FileId>,
}

impl FoundFile {
    pub(super) fn new(path: impl Into<PathBuf>, id: Option<FileId>) -> Self {
        Self { path: path.into(), id }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens it and asks what the system knows of it.
    ///
    /// # Errors
    /// `InvalidArgument` if something else stands at its path by now: another file, as after a link was put there or above it, a
    /// pipe, which is not waited for, or a device. `Io`.
    pub(crate) fn open(&self) -> Result<(File, Metadata)> {
        let failed = |e| Error::io(&self.path, e);
        let file = open(&self.path).map_err(failed)?;
        let known = file.metadata().map_err(failed)?;
        if !known.is_file() {
            return Err(Error::invalid(format!("{} is no regular file any more", self.path.display())));
        }
        if self.id.is_some() && self.id != FileId::of(&known) {
            return Err(attributes::changed(&self.path));
        }
        Ok((file, known))
    }
}

#[cfg(unix)]
fn open(path: &Path) -> io::Result<File> {
    use rustix::fs::OFlags;
    use std::os::unix::fs::OpenOptionsExt as _;
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    File::options().read(true).custom_flags(flags).open(path)
}

#[cfg(not(unix))]
fn open(path: &Path) -> io::Result<File> {
    File::open(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;
    use std::fs;

    #[test]
    #[cfg(unix)]
    fn what_took_the_place_of_a_file_is_not_read() {
        let dir = tempfile::tempdir().unwrap();
        let [folder, other] = ["folder", "other"].map(|name| dir.path().join(name));
        fs::create_dir(&folder).unwrap();
        fs::create_dir(&other).unwrap();
        fs::write(other.join("file"), "secret").unwrap();
        let path = folder.join("file");
        let find = || {
            fs::write(&path, "public").unwrap();
            FoundFile::new(&path, FileId::of(&fs::symlink_metadata(&path).unwrap()))
        };
        let refused = |found: &FoundFile| found.open().unwrap_err().kind() == ErrorKind::InvalidArgument;
        let found = find();
        assert_eq!(found.open().unwrap().1.len(), 6);

        fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink(other.join("file"), &path).unwrap();
        assert!(refused(&found), "a link in its place");
        fs::remove_file(&path).unwrap();
        assert!(matches!(found.open(), Err(Error::Io { .. })), "nothing in its place");
        fs::create_dir(&path).unwrap();
        assert!(refused(&found), "a folder in its place");
        fs::remove_dir(&path).unwrap();

        let found = find();
        let moved = dir.path().join("moved");
        fs::rename(&folder, &moved).unwrap();
        std::os::unix::fs::symlink(&other, &folder).unwrap();
        assert!(refused(&found), "a link in place of the folder it lies in");
        fs::remove_file(&folder).unwrap();
        fs::rename(&moved, &folder).unwrap();
        fs::write(&path, "later").unwrap();
        assert_eq!(found.open().unwrap().1.len(), 5, "the same file, written again");
    }
}
