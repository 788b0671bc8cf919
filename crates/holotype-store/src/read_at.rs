use crate::CutShort;
use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// A source of bytes read by position: any number of threads at once, no shared offset.
pub trait ReadAt: Send + Sync {
    /// Length of the source in bytes, fixed when it was opened.
    fn len_bytes(&self) -> u64;

    /// Fills `out` with the bytes from `offset_bytes`.
    ///
    /// # Errors
    /// `UnexpectedEof`, with [`CutShort`] where it is known how far the source goes, if it ends first; whatever the
    /// system says.
    fn read_exact_at(&self, offset_bytes: u64, out: &mut [u8]) -> io::Result<()>;

    /// The bytes `offset_bytes..offset_bytes + n_bytes` without a copy, if the source holds them in memory.
    fn slice(&self, offset_bytes: u64, n_bytes: u64) -> Option<&[u8]> {
        let _ = (offset_bytes, n_bytes);
        None
    }

    /// Says which ranges are read next. A source far away fetches neighbours together and holds them until they
    /// are read; others do nothing.
    ///
    /// # Errors
    /// As [`Self::read_exact_at`].
    fn will_read(&self, ranges: &[Range<u64>]) -> io::Result<()> {
        let _ = ranges;
        Ok(())
    }

    /// True if each read costs a request: then what follows is worth fetching with it.
    fn is_far(&self) -> bool {
        false
    }

    /// Fills each buffer from its offset, neighbours fetched together.
    ///
    /// # Errors
    /// As [`Self::read_exact_at`]; buffers then hold unspecified bytes.
    fn read_ranges(&self, wanted: &mut [(u64, &mut [u8])]) -> io::Result<()> {
        let ranges: Vec<Range<u64>> =
            wanted.iter().map(|(offset, out)| *offset..offset.saturating_add(out.len() as u64)).collect();
        self.will_read(&ranges)?;
        wanted.iter_mut().try_for_each(|(offset, out)| self.read_exact_at(*offset, out))
    }
}

impl<T: ReadAt + ?Sized> ReadAt for Arc<T> {
    fn len_bytes(&self) -> u64 {
        (**self).len_bytes()
    }

    fn read_exact_at(&self, offset_bytes: u64, out: &mut [u8]) -> io::Result<()> {
        (**self).read_exact_at(offset_bytes, out)
    }

    fn slice(&self, offset_bytes: u64, n_bytes: u64) -> Option<&[u8]> {
        (**self).slice(offset_bytes, n_bytes)
    }

    fn will_read(&self, ranges: &[Range<u64>]) -> io::Result<()> {
        (**self).will_read(ranges)
    }

    fn is_far(&self) -> bool {
        (**self).is_far()
    }
}

/// Bytes in memory.
#[derive(Debug, Clone)]
pub struct MemorySource<B> {
    bytes: B,
}

impl<B: AsRef<[u8]> + Send + Sync> MemorySource<B> {
    /// Wraps `bytes`.
    pub fn new(bytes: B) -> Self {
        Self { bytes }
    }
}

impl<B: AsRef<[u8]> + Send + Sync> ReadAt for MemorySource<B> {
    fn len_bytes(&self) -> u64 {
        self.bytes.as_ref().len() as u64
    }

    fn read_exact_at(&self, offset_bytes: u64, out: &mut [u8]) -> io::Result<()> {
        let bytes = self.slice(offset_bytes, out.len() as u64);
        let bytes = bytes.ok_or_else(|| CutShort::past_the_end(offset_bytes, out.len(), self.len_bytes()))?;
        out.copy_from_slice(bytes);
        Ok(())
    }

    fn slice(&self, offset_bytes: u64, n_bytes: u64) -> Option<&[u8]> {
        let start = usize::try_from(offset_bytes).ok()?;
        let end = start.checked_add(usize::try_from(n_bytes).ok()?)?;
        self.bytes.as_ref().get(start..end)
    }
}

/// A local file, read with `pread`.
#[derive(Debug)]
pub struct FileSource {
    file: File,
    n_bytes: u64,
}

impl FileSource {
    /// Opens `path` for reading.
    ///
    /// # Errors
    /// Whatever the system says; `InvalidInput` if it is not a regular file.
    pub fn open(path: impl AsRef<Path>) -> io::Result<Self> {
        let not_regular = || io::Error::new(io::ErrorKind::InvalidInput, "not a regular file");
        // Asked before it is opened: a pipe would be waited for.
        if !fs::metadata(&path)?.is_file() {
            return Err(not_regular());
        }
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(not_regular());
        }
        Ok(Self { n_bytes: metadata.len(), file })
    }
}

impl ReadAt for FileSource {
    fn len_bytes(&self) -> u64 {
        self.n_bytes
    }

    fn read_exact_at(&self, offset_bytes: u64, out: &mut [u8]) -> io::Result<()> {
        let mut n_done = 0;
        while n_done < out.len() {
            match read_at(&self.file, offset_bytes.saturating_add(n_done as u64), &mut out[n_done..]) {
                Ok(0) => {
                    let (expected, found) = (out.len() as u64, n_done as u64);
                    return Err(CutShort { offset_bytes, expected, found }.into_io());
                }
                Ok(n) => n_done += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }
}

#[cfg(unix)]
fn read_at(file: &File, offset_bytes: u64, out: &mut [u8]) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, out, offset_bytes)
}

#[cfg(windows)]
fn read_at(file: &File, offset_bytes: u64, out: &mut [u8]) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, out, offset_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn memory_and_file_read_the_same_ranges() {
        let bytes: Vec<u8> = (0..=255).collect();
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&bytes).unwrap();
        let memory = MemorySource::new(bytes.clone());
        let disk = FileSource::open(file.path()).unwrap();
        assert_eq!((memory.len_bytes(), disk.len_bytes()), (256, 256));
        for (offset, n) in [(0, 0), (0, 256), (7, 9), (255, 1), (256, 0)] {
            let mut a = vec![0; n];
            let mut b = vec![0; n];
            memory.read_exact_at(offset, &mut a).unwrap();
            disk.read_exact_at(offset, &mut b).unwrap();
            assert_eq!(a, bytes[offset as usize..offset as usize + n]);
            assert_eq!(a, b);
        }
        for source in [&memory as &dyn ReadAt, &disk] {
            for (offset_bytes, found) in [(250, 6), (255, 1), (256, 0), (300, 0)] {
                let err = source.read_exact_at(offset_bytes, &mut [0; 7]).unwrap_err();
                assert_eq!(err.kind(), io::ErrorKind::UnexpectedEof);
                assert_eq!(CutShort::of(&err), Some(&CutShort { offset_bytes, expected: 7, found }));
            }
        }
        assert!(memory.slice(u64::MAX, 2).is_none());
    }

    #[test]
    fn a_directory_is_not_a_source() {
        let dir = tempfile::tempdir().unwrap();
        assert!(FileSource::open(dir.path()).is_err());
    }
}
