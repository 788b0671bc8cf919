//! Animations of other formats, frame by frame as they are shown, and back. `docs/formats.md`.

use super::{Format, Input, Opaque, Output, gif, lost_metadata, opaque, png, refuse, webp, y4m};
use crate::{Error, Frame, ImageDescriptor, Limits, Metadata, MetadataEntry, Result, TimeBase};

/// A format that animations come from or go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AnimationFormat {
    /// Animated PNG.
    Apng,
    /// GIF of several frames.
    Gif,
    /// Animated WebP.
    WebP,
    /// YUV4MPEG2: uncompressed video.
    Y4m,
}

impl AnimationFormat {
    /// Every format.
    pub const ALL: [Self; 4] = [Self::Apng, Self::Gif, Self::WebP, Self::Y4m];

    /// The format files with that extension usually have.
    #[must_use]
    pub fn from_extension(extension: &str) -> Option<Self> {
        match extension.to_ascii_lowercase().as_str() {
            "apng" | "png" => Some(Self::Apng),
            "gif" => Some(Self::Gif),
            "webp" => Some(Self::WebP),
            "y4m" => Some(Self::Y4m),
            _ => None,
        }
    }

    /// The format of the animation that `input` is, if it is one. The position is restored.
    ///
    /// # Errors
    /// `SourceFormat` if the file is damaged; `Io`.
    pub fn detect(input: &mut dyn Input) -> Result<Option<Self>> {
        let io = |e| Error::io("the animation", e);
        let prefix = super::prefix(input).map_err(io)?;
        if prefix.starts_with(y4m::MAGIC) {
            return Ok(Some(Self::Y4m));
        }
        let format = match Format::detect(&prefix) {
            Some(Format::Png) => Self::Apng,
            Some(Format::Gif) => Self::Gif,
            Some(Format::WebP) => Self::WebP,
            _ => return Ok(None),
        };
        let still = match format {
            Self::Gif => Format::Gif,
            Self::WebP => Format::WebP,
            _ => Format::Png,
        };
        Ok((opaque(still, input)? == Some(Opaque::Animated)).then_some(format))
    }
}

/// What is known of an animation in another format.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AnimationInfo {
    /// What every frame is.
    pub descriptor: ImageDescriptor,
    /// What the subsampled channels of every frame are, which are not among the samples of the frame.
    pub chroma: Option<ImageDescriptor>,
    /// Number of frames, where the format tells it in front.
    pub n_frames: Option<u64>,
    /// How often it is shown; 0 for ever.
    pub loop_count: u64,
    /// Unit of delays.
    pub time_base: TimeBase,
    /// Metadata of the whole.
    pub metadata: Metadata,
}

impl AnimationInfo {
    /// An animation of frames of one kind, shown for ever, delays in milliseconds.
    #[must_use]
    pub fn new(descriptor: ImageDescriptor) -> Self {
        Self {
            descriptor,
            chroma: None,
            n_frames: None,
            loop_count: 0,
            time_base: TimeBase::default(),
            metadata: Metadata::default(),
        }
    }
}

/// Gives the frames of an animation as they are shown: whole, one after another.
pub trait AnimationReader: Send {
    /// What is known of all.
    fn info(&self) -> &AnimationInfo;

    /// The next frame; `None` after the last.
    ///
    /// # Errors
    /// `SourceFormat` if the file is damaged, `Unsupported` if a frame cannot be had exactly, `LimitExceeded`.
    fn next_frame(&mut self) -> Result<Option<Frame>>;

    /// The subsampled channels of the frame given last, as [`AnimationInfo::chroma`] says; `None` if there are none, or
    /// they were taken.
    fn take_chroma(&mut self) -> Option<Vec<u8>> {
        None
    }
}

/// Writes an animation in another format.
pub trait AnimationWriter: Send {
    /// Takes the next frame.
    ///
    /// # Errors
    /// `WouldLose` if the format cannot hold it; `Io`.
    fn write_frame(&mut self, frame: &Frame) -> Result<()>;

    /// Takes the subsampled channels of the frame given last, as [`AnimationInfo::chroma`] says.
    ///
    /// # Errors
    /// `WouldLose` if the format cannot hold them; `Io`.
    fn write_chroma(&mut self, _samples: &[u8]) -> Result<()> {
        Err(lost_chroma("this format"))
    }

    /// Ends the file and flushes it.
    ///
    /// # Errors
    /// `InvalidArgument` if there were not as many frames as said; `Io`.
    fn finish(self: Box<Self>) -> Result<()>;
}

/// Opens an animation. With `allow_approximate` also where its frames are an approximation of what was drawn, which
/// decoders may disagree about: lossy WebP, and half transparent pixels drawn over others.
///
/// # Errors
/// `SourceFormat` if it is damaged, `Unsupported` if it cannot be read exactly, `LimitExceeded`.
pub fn open_animation<'a>(
    format: AnimationFormat,
    input: Box<dyn Input + 'a>,
    limits: &Limits,
    allow_approximate: bool,
) -> Result<Box<dyn AnimationReader + 'a>> {
    match format {
        AnimationFormat::Apng => png::open_animation(input, limits, allow_approximate),
        AnimationFormat::Gif => gif::open_animation(input, limits),
        AnimationFormat::WebP => webp::open_animation(input, limits, allow_approximate),
        AnimationFormat::Y4m => y4m::open(input, limits),
    }
}

/// Starts an animation of frames that are all as `info` says. Samples are never lost; metadata only with
/// `allow_metadata_loss`.
///
/// # Errors
/// `WouldLose` if the format cannot hold it; `Io`.
pub fn create_animation<'a>(
    format: AnimationFormat,
    out: Box<dyn Output + 'a>,
    info: &AnimationInfo,
    allow_metadata_loss: bool,
) -> Result<Box<dyn AnimationWriter + 'a>> {
    if info.chroma.is_some() && format != AnimationFormat::Y4m {
        return Err(lost_chroma("this format"));
    }
    match format {
        AnimationFormat::Apng => png::create_animation(out, info, allow_metadata_loss),
        AnimationFormat::Gif => gif::create_animation(out, info, allow_metadata_loss),
        AnimationFormat::WebP => webp::create_animation(out, info, allow_metadata_loss),
        AnimationFormat::Y4m => y4m::create(out, info, allow_metadata_loss),
    }
}

/// The error of a format that cannot hold subsampled channels.
pub(crate) fn lost_chroma(format: &'static str) -> Error {
    Error::WouldLose { format, losses: vec!["subsampled colour".into()] }
}

/// What all writers ask of a frame: that it is as the others, and tells nothing the format does not hold.
pub(crate) fn check_frame(
    format: &'static str,
    info: &AnimationInfo,
    frame: &Frame,
    index: u64,
    allow_metadata_loss: bool,
) -> Result<()> {
    let mut samples = Vec::new();
    if frame.descriptor != info.descriptor {
        samples.push(format!("frame {index}, which is not of the size and type of the first"));
    }
    if frame.descriptor.raw_bytes() != Some(frame.samples.len() as u64) {
        return Err(Error::invalid(format!("frame {index} has not the samples its descriptor says")));
    }
    let is_known = |e: &MetadataEntry| e.kind == crate::MetadataKind::SourceFormat;
    let mut metadata = lost_metadata(&frame.metadata, is_known);
    metadata.iter_mut().for_each(|entry| *entry = format!("{entry} of frame {index}"));
    refuse(format, (samples, metadata), allow_metadata_loss)
}
