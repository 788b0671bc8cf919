use super::Frame;
use crate::formats::{self, Format, ImageReader};
use crate::{Error, Limits, Result, memory};
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::PathBuf;

/// Bytes looked at to recognise a format.
const PREFIX_BYTES: u64 = 64;

/// Frames from image files, one after another: every image of each file is one. One is in memory at a time.
pub struct FrameFiles {
    paths: std::vec::IntoIter<PathBuf>,
    open: Option<(PathBuf, Box<dyn ImageReader>)>,
    delay: u64,
    limits: Limits,
}

impl std::fmt::Debug for FrameFiles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FrameFiles").field("paths", &self.paths).finish_non_exhaustive()
    }
}

impl FrameFiles {
    /// Frames from these files, each shown for `delay` ticks.
    #[must_use]
    pub fn new(paths: Vec<PathBuf>, delay: u64) -> Self {
        Self { paths: paths.into_iter(), open: None, delay, limits: Limits::default() }
    }

    /// The next frame, with the metadata of its image; `None` after the last.
    ///
    /// # Errors
    /// `Io`; `Unsupported` if a file is in no format that is read, or has animation or sound of its own;
    /// `SourceFormat` if it is damaged; `LimitExceeded`.
    pub fn next_frame(&mut self) -> Result<Option<Frame>> {
        loop {
            let Some((path, reader)) = &mut self.open else {
                let Some(path) = self.paths.next() else { return Ok(None) };
                self.open = Some((path.clone(), self.reader(&path)?));
                continue;
            };
            let Some(image) = reader.next_image()? else {
                self.open = None;
                continue;
            };
            let n_bytes = image.descriptor.raw_bytes().unwrap_or(u64::MAX);
            if n_bytes > self.limits.max_decoded_bytes {
                let limit = self.limits.max_decoded_bytes;
                return Err(Error::LimitExceeded { what: "the size of a frame", found: n_bytes, limit });
            }
            let mut samples = memory::zeroed("a frame", n_bytes)?;
            reader.read_rows(&mut samples).map_err(|e| match e {
                Error::Io { source, .. } => Error::io(&*path, source),
                other => other,
            })?;
            return Ok(Some(Frame::new(image.descriptor, samples, self.delay).with_metadata(image.metadata)));
        }
    }

    fn reader(&self, path: &PathBuf) -> Result<Box<dyn ImageReader>> {
        let io = |e| Error::io(path, e);
        let mut input = BufReader::with_capacity(1 << 18, File::open(path).map_err(io)?);
        let mut prefix = Vec::new();
        (&mut input).take(PREFIX_BYTES).read_to_end(&mut prefix).map_err(io)?;
        input.seek(SeekFrom::Start(0)).map_err(io)?;
        let unknown =
            || Error::unsupported(format!("`{}` is in no image format this program reads", path.display()));
        formats::open_reader(Format::detect(&prefix).ok_or_else(unknown)?, Box::new(input), &self.limits)
    }
}
