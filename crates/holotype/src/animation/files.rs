use super::Frame;
use crate::formats::{self, AnimationFormat, AnimationReader, Format, ImageReader, Input};
use crate::{Error, Limits, Result, memory, video};
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

/// Frames from image files and animations, one after another: every image of each file is one, every frame of an
/// animation too. One is in memory at a time.
pub struct FrameFiles {
    paths: std::vec::IntoIter<PathBuf>,
    open: Option<(PathBuf, Opened)>,
    delay: u64,
    limits: Limits,
    allow_approximate: bool,
}

enum Opened {
    Images(Box<dyn ImageReader>),
    Animation(Box<dyn AnimationReader>),
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
        let limits = Limits::default();
        Self { paths: paths.into_iter(), open: None, delay, limits, allow_approximate: false }
    }

    /// Takes what [`open_animated`] takes only on request.
    #[must_use]
    pub fn with_approximate(mut self, allow: bool) -> Self {
        self.allow_approximate = allow;
        self
    }

    /// The next frame, with the metadata of its image; `None` after the last.
    ///
    /// # Errors
    /// `Io`; `Unsupported` if a file is in no format that is read, or cannot be read exactly; `SourceFormat` if it is
    /// damaged; `LimitExceeded`.
    pub fn next_frame(&mut self) -> Result<Option<Frame>> {
        loop {
            let Some((path, opened)) = &mut self.open else {
                let Some(path) = self.paths.next() else { return Ok(None) };
                let opened = match open_animated(&path, &self.limits, self.allow_approximate)? {
                    Some(animation) if animation.info().chroma.is_some() => {
                        let file = path.display();
                        let what = format!("`{file}` has subsampled colour: only a file alone is taken so");
                        return Err(Error::unsupported(what));
                    }
                    Some(animation) => Opened::Animation(animation),
                    None => Opened::Images(self.images(&path)?),
                };
                self.open = Some((path, opened));
                continue;
            };
            let next = match opened {
                Opened::Animation(reader) => {
                    reader.next_frame()?.map(|frame| Frame { delay: self.delay, ..frame })
                }
                Opened::Images(reader) => next_image(reader.as_mut(), path, self.delay, &self.limits)?,
            };
            match next {
                Some(frame) => return Ok(Some(frame)),
                None => self.open = None,
            }
        }
    }

    fn images(&self, path: &Path) -> Result<Box<dyn ImageReader>> {
        let (input, prefix) = open(path)?;
        let unknown =
            || Error::unsupported(format!("`{}` is in no image format this program reads", path.display()));
        formats::open_reader(Format::detect(&prefix).ok_or_else(unknown)?, Box::new(input), &self.limits)
    }
}

fn open(path: &Path) -> Result<(BufReader<File>, Vec<u8>)> {
    let io = |e| Error::io(path, e);
    let mut input = BufReader::with_capacity(1 << 18, File::open(path).map_err(io)?);
    let prefix = formats::prefix(&mut input).map_err(io)?;
    Ok((input, prefix))
}

fn next_image(
    reader: &mut dyn ImageReader,
    path: &Path,
    delay: u64,
    limits: &Limits,
) -> Result<Option<Frame>> {
    let Some(image) = reader.next_image()? else { return Ok(None) };
    let n_bytes = image.descriptor.raw_bytes().unwrap_or(u64::MAX);
    if n_bytes > limits.max_decoded_bytes {
        let limit = limits.max_decoded_bytes;
        return Err(Error::LimitExceeded { what: "the size of a frame", found: n_bytes, limit });
    }
    let mut samples = memory::zeroed("a frame", n_bytes)?;
    reader.read_rows(&mut samples).map_err(|e| match e {
        Error::Io { source, .. } => Error::io(path, source),
        other => other,
    })?;
    Ok(Some(Frame::new(image.descriptor, samples, delay).with_metadata(image.metadata)))
}

/// Opens a file that is an animation or a video; `None` if it is neither. Videos are read by `ffmpeg`, which has to be
/// installed. With `allow_approximate` also where its frames are an approximation, which decoders may disagree about:
/// lossy WebP, half transparent pixels drawn over others, videos with subsampled colour.
///
/// # Errors
/// `Io`; `Unsupported` if it cannot be read exactly, or `ffmpeg` is missing; `SourceFormat` if it is damaged;
/// `LimitExceeded`.
pub fn open_animated(
    path: &Path,
    limits: &Limits,
    allow_approximate: bool,
) -> Result<Option<Box<dyn AnimationReader>>> {
    let (input, prefix) = open(path)?;
    if video::is_video(&prefix) {
        return Ok(Some(Box::new(video::VideoReader::open(path, limits, allow_approximate)?)));
    }
    let mut input: Box<dyn Input> = Box::new(input);
    let Some(format) = AnimationFormat::detect(input.as_mut())? else { return Ok(None) };
    formats::open_animation(format, input, limits, allow_approximate).map(Some)
}
