use crate::atomic_file::sync_parent;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

/// Writes a new file that only its owner may read (mode 0600 where the platform has modes).
///
/// The mode is there from the first moment on, whatever the umask.
///
/// # Errors
/// `AlreadyExists`: a secret is never replaced; whatever the system says, and then no file is left.
pub fn create_secret_file(path: impl AsRef<Path>, bytes: &[u8]) -> io::Result<()> {
    let path = path.as_ref();
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    drop(file);
    if let Err(error) = written {
        // The error to report is the first one.
        let _ = fs::remove_file(path);
        return Err(error);
    }
    sync_parent(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_owner_reads_it_and_nothing_replaces_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("me.key");
        create_secret_file(&path, b"secret").unwrap();
        assert_eq!(create_secret_file(&path, b"other").unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"secret");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }
}
