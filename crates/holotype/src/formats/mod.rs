//! Real image files in and out, values exact. One file per format.

mod animated;
mod bmp;
mod canvas;
mod changed;
mod exr;
mod format;
mod gif;
mod guard;
mod held;
mod jpeg;
mod npy;
pub(crate) mod png;
mod pnm;
mod qoi;
mod resolution;
mod thumbnail;
mod tiff;
mod webp;
mod y4m;

pub(crate) use animated::check_frame;
pub use animated::{
    AnimationFormat, AnimationInfo, AnimationReader, AnimationWriter, create_animation, open_animation,
};
pub use format::Format;
pub(crate) use format::prefix;
pub(crate) use thumbnail::preview_of_file;

use crate::{
    Alpha, ChannelOrder, ColourModel, Error, ExportOptions, ImageDescriptor, Limits, Metadata, MetadataEntry,
    Result, SampleType,
};
use std::io::{BufRead, Seek, Write};

/// A seekable input.
pub trait Input: BufRead + Seek + Send {}
impl<T: BufRead + Seek + Send> Input for T {}

/// A seekable output.
pub trait Output: Write + Seek + Send {}
impl<T: Write + Seek + Send> Output for T {}

/// Reads the images of one source file, one after another, in bands of rows.
pub trait ImageReader: Send {
    /// Moves to the next image. The first call moves to the first image.
    ///
    /// # Errors
    /// `SourceFormat` if the file is damaged, `Unsupported` if it cannot be read exactly, `LimitExceeded`.
    fn next_image(&mut self) -> Result<Option<SourceImage>>;

    /// Fills `rows` with the next `rows.len() / row_bytes` rows of the current image: row-major interleaved
    /// little-endian samples as its descriptor says.
    ///
    /// # Errors
    /// As [`Self::next_image`].
    fn read_rows(&mut self, rows: &mut [u8]) -> Result<()>;

    /// True if memory stays bounded by a band of rows rather than by the image.
    fn is_streaming(&self) -> bool;
}

/// One image found in a source file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceImage {
    /// What it is.
    pub descriptor: ImageDescriptor,
    /// Its metadata, byte for byte.
    pub metadata: Metadata,
}

/// Writes the images of one exported file.
pub trait ImageWriter: Send {
    /// Starts the next image.
    ///
    /// # Errors
    /// `WouldLose` or `Unsupported` if the format cannot hold it.
    fn start_image(&mut self, image: &SourceImage) -> Result<()>;

    /// Takes the next whole rows of the image.
    ///
    /// # Errors
    /// `Io`.
    fn write_rows(&mut self, rows: &[u8]) -> Result<()>;

    /// Ends the file and flushes it.
    ///
    /// # Errors
    /// `Io`.
    fn finish(self: Box<Self>) -> Result<()>;
}

/// An error for rows asked for before an image was started.
pub(crate) fn no_image() -> Error {
    Error::invalid("no image was started")
}

/// Why a file is better kept as it is than as pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Opaque {
    /// Its pixels are an approximation already; exact pixels would take more space and lose the original.
    Lossy,
    /// It has several frames.
    Animated,
}

/// Why the file `input` is better kept as it is, if it is. The position is restored.
///
/// # Errors
/// `SourceFormat`, `Io`.
pub fn opaque(format: Format, input: &mut dyn Input) -> Result<Option<Opaque>> {
    let animated = |yes: bool| yes.then_some(Opaque::Animated);
    match format {
        Format::Jpeg => Ok(Some(Opaque::Lossy)),
        Format::Png => png::is_animated(input).map(animated),
        Format::Gif => gif::is_animated(input).map(animated),
        Format::WebP => webp::opaque(input),
        _ => Ok(None),
    }
}

/// Opens a source file.
///
/// # Errors
/// `SourceFormat` if it is damaged, `Unsupported` if it cannot be read exactly, `LimitExceeded`.
pub fn open_reader(format: Format, input: Box<dyn Input>, limits: &Limits) -> Result<Box<dyn ImageReader>> {
    match format {
        Format::Png => png::open(input, limits),
        Format::Tiff => tiff::open(input, limits),
        Format::Pnm | Format::Pfm => pnm::open(input, limits),
        Format::Bmp => bmp::open(input, limits),
        Format::Jpeg => jpeg::open(input, limits),
        Format::WebP => webp::open(input, limits),
        Format::Gif => gif::open(input, limits),
        Format::Exr => exr::open(input, limits),
        Format::Npy => npy::open(input, limits),
        Format::Qoi => qoi::open(input, limits),
    }
}

/// Starts a file of `format` on `out`.
///
/// Samples are never lost; metadata only where `options` allow it.
///
/// # Errors
/// `Unsupported` if the format is not written.
pub fn open_writer<'a>(
    format: Format,
    out: Box<dyn Output + 'a>,
    options: &ExportOptions,
) -> Result<Box<dyn ImageWriter + 'a>> {
    let allow_metadata_loss = options.allow_metadata_loss;
    match format {
        Format::Png => png::create(out, allow_metadata_loss),
        Format::Tiff => tiff::create(out, options),
        Format::Pnm | Format::Pfm => pnm::create(out, allow_metadata_loss),
        Format::Bmp => bmp::create(out, allow_metadata_loss),
        Format::WebP => webp::create(out, allow_metadata_loss),
        Format::Exr => exr::create(out, allow_metadata_loss),
        Format::Gif => gif::create(out, allow_metadata_loss),
        Format::Npy => npy::create(out, allow_metadata_loss),
        Format::Qoi => qoi::create(out, allow_metadata_loss),
        Format::Jpeg => {
            Err(Error::unsupported("JPEG is lossy and not written; a kept file comes out as it was"))
        }
    }
}

/// Refuses an export that would lose samples, or metadata without leave: (samples, metadata).
fn refuse(format: &'static str, losses: (Vec<String>, Vec<String>), allow_metadata_loss: bool) -> Result<()> {
    let (mut losses, metadata) = losses;
    if !allow_metadata_loss {
        losses.extend(metadata);
    }
    if losses.is_empty() { Ok(()) } else { Err(Error::WouldLose { format, losses }) }
}

/// What a format of 8-bit RGB and straight RGBA does not hold of an image's samples, for [`refuse`].
fn beyond_rgb8(image: &ImageDescriptor) -> Vec<String> {
    let mut losses = Vec::new();
    let (colour, n) = (image.colour.name(), image.n_channels);
    let is_rgb = image.colour == ColourModel::Rgb
        && matches!((image.alpha, n), (Alpha::None, 3) | (Alpha::Straight, 4));
    if !is_rgb || image.sample != SampleType::U8 || image.bits_per_sample != 8 {
        losses.push(format!("{colour} {} samples in {n} channels", image.sample.name()));
    }
    if image.order == ChannelOrder::Bgr || !image.channel_names.is_empty() {
        losses.push("channel order or names".into());
    }
    losses
}

/// The metadata a format does not hold, for [`refuse`].
fn lost_metadata(metadata: &Metadata, holds: impl Fn(&MetadataEntry) -> bool) -> Vec<String> {
    let lost = metadata.entries.iter().filter(|e| !holds(e));
    lost.map(|e| format!("{} {}", e.kind.name(), e.key).trim_end().to_owned()).collect()
}
