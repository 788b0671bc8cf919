use crate::{Error, Result};
use holotype_store::AtomicFile;
pub use holotype_store::Replace;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// A buffered file that appears under its name whole, by [`FileOutput::commit`], or not at all.
#[derive(Debug)]
pub struct FileOutput {
    file: BufWriter<AtomicFile>,
    path: PathBuf,
}

impl FileOutput {
    /// Starts a file that will appear at `path`.
    ///
    /// # Errors
    /// `Io`; `AlreadyExists` inside it as `replace` says.
    pub fn create(path: impl AsRef<Path>, replace: Replace) -> Result<Self> {
        let path = path.as_ref().to_path_buf();
        let file = AtomicFile::create(&path, replace).map_err(|e| Error::io(&path, e))?;
        Ok(Self { file: BufWriter::with_capacity(1 << 18, file), path })
    }

    /// The hidden file that bytes go to until they are committed.
    #[must_use]
    pub fn hidden_path(&self) -> &Path {
        self.file.get_ref().hidden_path()
    }

    /// Makes the file durable and visible.
    ///
    /// # Errors
    /// `Io`; the destination is then unchanged.
    pub fn commit(self) -> Result<()> {
        let Self { file, path } = self;
        file.into_inner()
            .map_err(io::IntoInnerError::into_error)
            .and_then(AtomicFile::commit)
            .map_err(|e| Error::io(path, e))
    }
}

impl Write for FileOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Seek for FileOutput {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}
