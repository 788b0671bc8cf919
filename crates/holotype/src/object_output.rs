use crate::{Error, Replace, Result};
use holotype_store::{RemoteOptions, S3Upload};
use std::io::{self, Write};

/// An object of S3 that is sent as it is written and appears whole, by [`ObjectOutput::commit`], or not at all.
///
/// ```no_run
/// use holotype::{Metadata, ObjectOutput, RemoteOptions, Replace, Writer, WriterOptions};
/// let out = ObjectOutput::create("s3://finds/1887.holo", &RemoteOptions::default(), Replace::Never)?;
/// let mut writer = Writer::new(out, WriterOptions::default())?;
/// writer.pack_file("scan.tif", "scan.tif", &Metadata::default())?;
/// let (out, _seal) = writer.finish()?;
/// out.commit()?;
/// # Ok::<(), holotype::Error>(())
/// ```
#[derive(Debug)]
pub struct ObjectOutput {
    upload: S3Upload,
    n_bytes: u64,
}

impl ObjectOutput {
    /// Starts an object that will appear at `address`, which is `s3://bucket/key`.
    ///
    /// # Errors
    /// `Remote`; `Io` with `AlreadyExists` inside it as `replace` says.
    pub fn create(address: &str, options: &RemoteOptions, replace: Replace) -> Result<Self> {
        let shown = address.split(['?', '#']).next().unwrap_or_default();
        let upload = S3Upload::create(address, options, replace).map_err(|e| Error::io(shown, e))?;
        Ok(Self { upload, n_bytes: 0 })
    }

    /// Bytes written so far.
    #[must_use]
    pub fn n_bytes(&self) -> u64 {
        self.n_bytes
    }

    /// Makes the object visible.
    ///
    /// # Errors
    /// As [`Self::create`]; what was there before is then unchanged.
    pub fn commit(self) -> Result<()> {
        let address = self.upload.address().to_owned();
        self.upload.commit().map_err(|e| Error::io(address, e))
    }
}

impl Write for ObjectOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.upload.write(bytes)?;
        self.n_bytes += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.upload.flush()
    }
}
