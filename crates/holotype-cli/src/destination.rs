use crate::exit::Failure;
use crate::names::is_stream;
use holotype::{Error, FileOutput, Replace};
use std::io::{self, Cursor, Seek, SeekFrom, Write};
use std::path::Path;

/// Where a result goes: a file that appears whole, or stdout.
///
/// Stdout cannot seek, so what some formats patch at the end is held in memory until it is complete.
pub(crate) enum Destination {
    /// A file, through a temporary one.
    File(FileOutput),
    /// Stdout, written by [`Self::commit`].
    Stdout(Cursor<Vec<u8>>),
}

impl Destination {
    pub(crate) fn create(path: &Path, force: bool) -> Result<Self, Failure> {
        if is_stream(path) {
            return Ok(Self::Stdout(Cursor::new(Vec::new())));
        }
        let replace = if force { Replace::Allow } else { Replace::Never };
        Ok(Self::File(FileOutput::create(path, replace)?))
    }

    /// Makes the result visible.
    pub(crate) fn commit(self) -> Result<(), Failure> {
        match self {
            Self::File(file) => file.commit()?,
            Self::Stdout(bytes) => {
                let mut out = io::stdout().lock();
                out.write_all(bytes.get_ref()).and_then(|()| out.flush()).map_err(|e| Error::io("-", e))?;
            }
        }
        Ok(())
    }
}

impl Write for Destination {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.write(bytes),
            Self::Stdout(held) => held.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::File(file) => file.flush(),
            Self::Stdout(held) => held.flush(),
        }
    }
}

impl Seek for Destination {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match self {
            Self::File(file) => file.seek(to),
            Self::Stdout(held) => held.seek(to),
        }
    }
}
