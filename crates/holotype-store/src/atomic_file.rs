use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// Whether an existing destination may be replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Replace {
    /// Fail with `AlreadyExists` if the destination exists, when creating and again when committing.
    #[default]
    Never,
    /// Replace it in one step.
    Allow,
}

/// A file that appears under its name whole or not at all.
///
/// Bytes go to a hidden file in the same directory; [`AtomicFile::commit`] syncs it, moves it to its name and
/// syncs the directory. Dropping without a commit removes it.
#[derive(Debug)]
pub struct AtomicFile {
    file: Option<File>,
    temporary: PathBuf,
    destination: PathBuf,
    replace: Replace,
}

impl AtomicFile {
    /// Starts a file that will appear at `destination`.
    ///
    /// # Errors
    /// `AlreadyExists` as `replace` says; whatever the system says.
    pub fn create(destination: impl AsRef<Path>, replace: Replace) -> io::Result<Self> {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        let destination = destination.as_ref().to_path_buf();
        if replace == Replace::Never && destination.symlink_metadata().is_ok() {
            return Err(already_exists());
        }
        let name = destination
            .file_name()
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the destination has no file name"))?;
        loop {
            let mut hidden = std::ffi::OsString::from(".");
            hidden.push(name);
            let n = COUNTER.fetch_add(1, Ordering::Relaxed);
            hidden.push(format!(".{}-{n}.partial", std::process::id()));
            let temporary = destination.with_file_name(hidden);
            match OpenOptions::new().read(true).write(true).create_new(true).open(&temporary) {
                Ok(file) => return Ok(Self { file: Some(file), temporary, destination, replace }),
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(e),
            }
        }
    }

    /// The hidden file that bytes go to until they are committed.
    #[must_use]
    pub fn hidden_path(&self) -> &Path {
        &self.temporary
    }

    /// Makes the file durable and visible.
    ///
    /// # Errors
    /// `AlreadyExists` if the destination appeared meanwhile and may not be replaced; whatever the system
    /// says. The destination is then unchanged and the hidden file gone.
    pub fn commit(mut self) -> io::Result<()> {
        let file = self.file.take().ok_or_else(closed)?;
        file.sync_all()?;
        drop(file);
        match self.replace {
            Replace::Allow => fs::rename(&self.temporary, &self.destination)?,
            Replace::Never => link_new(&self.temporary, &self.destination)?,
        }
        sync_parent(&self.destination)
    }

    fn file(&mut self) -> io::Result<&mut File> {
        self.file.as_mut().ok_or_else(closed)
    }
}

/// Moves `from` to `to` unless `to` exists. A hard link fails atomically where it does; file systems without
/// hard links fall back to a check and a rename.
fn link_new(from: &Path, to: &Path) -> io::Result<()> {
    match fs::hard_link(from, to) {
        Ok(()) => fs::remove_file(from),
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Err(e),
        Err(_) if to.symlink_metadata().is_ok() => Err(already_exists()),
        Err(_) => fs::rename(from, to),
    }
}

#[cfg(unix)]
pub(crate) fn sync_parent(path: &Path) -> io::Result<()> {
    let parent = match path.parent() {
        Some(p) if !p.as_os_str().is_empty() => p,
        _ => Path::new("."),
    };
    File::open(parent)?.sync_all()
}

#[cfg(not(unix))]
pub(crate) fn sync_parent(_path: &Path) -> io::Result<()> {
    Ok(())
}

fn already_exists() -> io::Error {
    io::Error::new(io::ErrorKind::AlreadyExists, "the destination exists")
}

fn closed() -> io::Error {
    io::Error::other("the file is already committed")
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file()?.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file()?.flush()
    }
}

impl Seek for AtomicFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file()?.seek(to)
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        drop(self.file.take());
        // After a commit the hidden name is gone and this fails harmlessly.
        let _ = fs::remove_file(&self.temporary);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn appears_whole_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.holo");
        let mut file = AtomicFile::create(&path, Replace::Never).unwrap();
        file.write_all(b"half").unwrap();
        assert!(!path.exists());
        drop(file);
        assert!(names(dir.path()).is_empty());

        let mut file = AtomicFile::create(&path, Replace::Never).unwrap();
        file.write_all(b"whole").unwrap();
        file.commit().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"whole");
        assert_eq!(names(dir.path()), ["a.holo"]);
    }

    #[test]
    fn never_replaces_unless_allowed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.holo");
        let racing = AtomicFile::create(&path, Replace::Never).unwrap();
        fs::write(&path, b"old").unwrap();
        assert_eq!(racing.commit().unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(
            AtomicFile::create(&path, Replace::Never).unwrap_err().kind(),
            io::ErrorKind::AlreadyExists
        );
        let mut file = AtomicFile::create(&path, Replace::Allow).unwrap();
        file.write_all(b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"old");
        file.commit().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(names(dir.path()), ["a.holo"]);
    }
}
