use crate::CutShort;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Seek as _, SeekFrom, Write};
use std::path::Path;
use std::thread;
use std::time::Duration;

/// How often a lock that someone has is asked for again, and how long to wait before.
const MAX_TRIES: u32 = 4;
const PAUSE: Duration = Duration::from_millis(5);

/// A file that is written to after bytes that stay as they are.
///
/// While it is open no other `AppendFile` of the same file can be. [`Write::flush`] makes what was written durable.
/// Dropping it without a commit cuts off what was written.
#[derive(Debug)]
pub struct AppendFile {
    file: File,
    /// Bytes that stay; set once writing starts.
    kept_bytes: Option<u64>,
}

impl AppendFile {
    /// Opens `path` for appending, and locks it; nothing is written yet.
    ///
    /// # Errors
    /// `WouldBlock` if someone else is appending to it; `InvalidInput` if it is not a regular file; whatever the system
    /// says.
    pub fn open(path: impl AsRef<Path>) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        let mut tries = 0;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if tries < MAX_TRIES => {
                    // A reader that asks whether anyone appends has the lock for a moment.
                    tries += 1;
                    thread::sleep(PAUSE);
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(io::Error::new(io::ErrorKind::WouldBlock, "someone else is appending to it"));
                }
                // File systems that know no locks have no one else either, as far as anyone can tell.
                Err(TryLockError::Error(e)) if e.kind() == io::ErrorKind::Unsupported => break,
                Err(TryLockError::Error(e)) => return Err(e),
            }
        }
        Ok(Self { file, kept_bytes: None })
    }

    /// True if someone has it open, here or in another process; false where file systems know no locks.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn is_open(path: impl AsRef<Path>) -> io::Result<bool> {
        let file = File::open(path)?;
        match file.try_lock_shared() {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(e)) if e.kind() == io::ErrorKind::Unsupported => Ok(false),
            Err(TryLockError::Error(e)) => Err(e),
        }
    }

    /// Keeps the first `n_bytes`, cuts off the others, and writes from there.
    ///
    /// # Errors
    /// `UnexpectedEof` if there are fewer; whatever the system says.
    pub fn begin(&mut self, n_bytes: u64) -> io::Result<()> {
        let found = self.file.metadata()?.len();
        if found < n_bytes {
            return Err(CutShort { offset_bytes: 0, expected: n_bytes, found }.into_io());
        }
        self.file.set_len(n_bytes)?;
        self.file.seek(SeekFrom::Start(n_bytes))?;
        self.kept_bytes = Some(n_bytes);
        Ok(())
    }

    /// Makes what was written durable, and keeps it.
    ///
    /// # Errors
    /// Whatever the system says; what was written is then cut off, as far as the system lets us.
    pub fn commit(mut self) -> io::Result<()> {
        self.file.sync_all()?;
        self.kept_bytes = None;
        Ok(())
    }
}

impl Write for AppendFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.kept_bytes.is_none() {
            return Err(io::Error::other("writing has not begun"));
        }
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }
}

impl Drop for AppendFile {
    fn drop(&mut self) {
        if let Some(n_bytes) = self.kept_bytes {
            // Readers refuse what is left if this fails, and the next one who appends cuts it off.
            let _ = self.file.set_len(n_bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn what_is_not_committed_is_cut_off() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        fs::write(&path, b"kept, torn").unwrap();
        let mut file = AppendFile::open(&path).unwrap();
        assert!(file.write(b"too early").is_err());
        file.begin(5).unwrap();
        file.write_all(b" and given up").unwrap();
        file.flush().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"kept, and given up");
        drop(file);
        assert_eq!(fs::read(&path).unwrap(), b"kept,");

        let mut file = AppendFile::open(&path).unwrap();
        assert!(file.begin(6).is_err(), "fewer bytes are there");
        file.begin(5).unwrap();
        file.write_all(b" and more").unwrap();
        file.commit().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"kept, and more");
    }

    #[test]
    fn two_cannot_append_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        fs::write(&path, b"kept").unwrap();
        assert!(!AppendFile::is_open(&path).unwrap());
        let first = AppendFile::open(&path).unwrap();
        assert!(AppendFile::is_open(&path).unwrap());
        assert_eq!(AppendFile::open(&path).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        drop(first);
        assert!(!AppendFile::is_open(&path).unwrap());
        assert!(AppendFile::open(&path).is_ok());
    }
}
