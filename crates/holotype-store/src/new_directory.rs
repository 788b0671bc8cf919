use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// A folder that appears under its name with all that is in it, or not at all.
///
/// It is made in a hidden folder beside its destination that others may not enter; [`NewDirectory::commit`] moves it
/// to its name. Dropping without a commit removes it and everything in it.
#[derive(Debug)]
pub struct NewDirectory {
    /// The hidden folder, which holds `made`.
    hidden: PathBuf,
    made: PathBuf,
    destination: PathBuf,
}

impl NewDirectory {
    /// Starts a folder that will appear at `destination`.
    ///
    /// # Errors
    /// `AlreadyExists` if there is something, other than an empty folder; whatever the system says.
    pub fn create(destination: impl AsRef<Path>) -> io::Result<Self> {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        let destination = destination.as_ref().to_path_buf();
        check_free(&destination)?;
        let name = destination
            .file_name()
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the destination has no name"))?;
        loop {
            let mut hidden = std::ffi::OsString::from(".");
            hidden.push(name);
            let n = COUNTER.fetch_add(1, Ordering::Relaxed);
            hidden.push(format!(".{}-{n}.partial", std::process::id()));
            let hidden = destination.with_file_name(hidden);
            match create_private(&hidden) {
                Ok(()) => {
                    let made = hidden.join("made");
                    let this = Self { hidden, made, destination };
                    fs::create_dir(&this.made)?;
                    return Ok(this);
                }
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(e),
            }
        }
    }

    /// Where to put what is to be in it.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.made
    }

    /// Makes the folder visible.
    ///
    /// # Errors
    /// `AlreadyExists` if something appeared at the destination meanwhile; whatever the system says.
    pub fn commit(self) -> io::Result<()> {
        check_free(&self.destination)?;
        // A folder takes the place of an empty one, and of nothing else.
        if self.destination.is_dir() {
            fs::remove_dir(&self.destination)?;
        }
        fs::rename(&self.made, &self.destination)
    }
}

fn check_free(destination: &Path) -> io::Result<()> {
    match destination.symlink_metadata() {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(e),
        Ok(known) if known.is_dir() && fs::read_dir(destination)?.next().is_none() => Ok(()),
        Ok(_) => Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            "there is something already; choose a new or empty folder",
        )),
    }
}

#[cfg(unix)]
fn create_private(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().mode(0o700).create(path)
}

#[cfg(not(unix))]
fn create_private(path: &Path) -> io::Result<()> {
    fs::create_dir(path)
}

impl Drop for NewDirectory {
    fn drop(&mut self) {
        // Folders that may not be written are emptied only once they may. After a commit nothing is left.
        if fs::remove_dir_all(&self.hidden).is_err() {
            let _ = make_writable(&self.hidden).and_then(|()| fs::remove_dir_all(&self.hidden));
        }
    }
}

#[cfg(unix)]
fn make_writable(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            make_writable(&entry.path())?;
        }
    }
    Ok(())
}

#[cfg(not(unix))]
fn make_writable(_folder: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn appears_whole_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tree");
        let made = NewDirectory::create(&path).unwrap();
        fs::create_dir(made.path().join("a")).unwrap();
        fs::write(made.path().join("a/b"), b"x").unwrap();
        assert!(!path.exists());
        drop(made);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);

        let made = NewDirectory::create(&path).unwrap();
        fs::write(made.path().join("b"), b"y").unwrap();
        made.commit().unwrap();
        assert_eq!(fs::read(path.join("b")).unwrap(), b"y");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn takes_the_place_of_an_empty_folder_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tree");
        fs::create_dir(&path).unwrap();
        let made = NewDirectory::create(&path).unwrap();
        fs::write(path.join("late"), b"").unwrap();
        assert_eq!(made.commit().unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(NewDirectory::create(&path).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        fs::remove_file(path.join("late")).unwrap();
        NewDirectory::create(&path).unwrap().commit().unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
