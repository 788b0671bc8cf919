//! Records of images that hold another program's texts, wherever these are.

use super::source::{AlphaBits, Derivation, derive, from_pixels};
use crate::formats::{self, Format, ImageReader, Input};
use crate::{
    Alpha, Archive, Error, ImageDescriptor, ImageItem, ItemKind, Limits, Metadata, Region, Result, SampleType,
};
use std::io::Cursor;

/// Rows read at a time.
const BAND_ROWS: usize = 64;
/// Larger images are not searched for texts in their pixels.
const MAX_PIXELS: u64 = 1 << 27;

/// The record of an image file, from its texts or those hidden in its alpha channel; nothing if there are none.
///
/// # Errors
/// `Unsupported` if the format is unknown; `SourceFormat` if the file is damaged; `LimitExceeded`; `Io`.
pub fn derive_file(mut input: Box<dyn Input>, limits: &Limits) -> Result<Option<Derivation>> {
    let io = |e| Error::io("the image", e);
    let prefix = formats::prefix(&mut input).map_err(io)?;
    let format =
        Format::detect(&prefix).ok_or_else(|| Error::unsupported("the image is in no format known here"))?;
    let mut reader = formats::open_reader(format, input, limits)?;
    let Some(image) = reader.next_image()? else { return Ok(None) };
    if let Some(found) = derive(&image.metadata) {
        return Ok(Some(found));
    }
    if !may_hide(&image.descriptor) {
        return Ok(None);
    }
    from_pixels(&mut Rows { reader, descriptor: image.descriptor, bits: Vec::new() }, &image.metadata)
}

impl Archive {
    /// The record of an image that another program made, from its texts or those hidden in its alpha channel; nothing
    /// if there are none. The archive is not changed.
    ///
    /// # Errors
    /// As [`Archive::item`]; `InvalidArgument` if the item is no image nor a file that holds one; what reading gives.
    pub fn derive_generation(&self, name: &str) -> Result<Option<Derivation>> {
        match self.kind(name)? {
            ItemKind::Image => derive_image(&self.image(name)?),
            ItemKind::File => {
                let limit = self.limits().max_decoded_bytes;
                let n_bytes = self.item(name)?.raw_bytes();
                if n_bytes > limit {
                    return Err(Error::LimitExceeded { what: "the size of the file", found: n_bytes, limit });
                }
                let mut bytes = Vec::new();
                self.read_file(name, &mut |part| {
                    bytes.extend_from_slice(part);
                    Ok(())
                })?;
                derive_file(Box::new(Cursor::new(bytes)), self.limits())
            }
            _ => Err(Error::invalid(format!("item `{name}` is no image"))),
        }
    }
}

fn derive_image(image: &ImageItem<'_>) -> Result<Option<Derivation>> {
    match derive(image.metadata()) {
        None if may_hide(image.descriptor()) => from_pixels(&mut Columns { image }, image.metadata()),
        found => Ok(found),
    }
}

/// True if texts may be hidden in the alpha channel.
fn may_hide(image: &ImageDescriptor) -> bool {
    image.sample == SampleType::U8 && image.alpha != Alpha::None && image.n_pixels() <= MAX_PIXELS
}

/// The alpha of an image of an archive: only the tiles of the columns asked for are read.
struct Columns<'a, 'b> {
    image: &'a ImageItem<'b>,
}

impl AlphaBits for Columns<'_, '_> {
    fn first(&mut self, n: usize) -> Result<Vec<bool>> {
        let image = self.image.descriptor();
        let (height, n_channels) = (image.height as usize, usize::from(image.n_channels));
        let n_columns = n.div_ceil(height).clamp(1, image.width as usize);
        let region = Region { x: 0, y: 0, width: n_columns as u32, height: image.height };
        let mut samples = vec![0; n_columns * height * n_channels];
        self.image.read_into(region, &mut samples, 0)?;
        Ok(columns(&samples, n_columns, n_channels).take(n).collect())
    }
}

/// The alpha of a file that is read.
struct Rows {
    reader: Box<dyn ImageReader>,
    descriptor: ImageDescriptor,
    /// The lowest bits of alpha in rows, once they are read.
    bits: Vec<bool>,
}

impl Rows {
    fn read(&mut self) -> Result<()> {
        let (n_rows, n_channels) = (self.descriptor.height as usize, usize::from(self.descriptor.n_channels));
        let row_bytes = self.descriptor.width as usize * n_channels;
        let mut band = Vec::new();
        for first in (0..n_rows).step_by(BAND_ROWS) {
            band.resize(BAND_ROWS.min(n_rows - first) * row_bytes, 0);
            self.reader.read_rows(&mut band)?;
            self.bits.extend(band.chunks_exact(n_channels).map(|pixel| pixel[n_channels - 1] & 1 == 1));
        }
        Ok(())
    }
}

impl AlphaBits for Rows {
    fn first(&mut self, n: usize) -> Result<Vec<bool>> {
        if self.bits.is_empty() {
            self.read()?;
        }
        let (width, height) = (self.descriptor.width as usize, self.descriptor.height as usize);
        let places = (0..width).flat_map(|x| (0..height).map(move |y| y * width + x));
        Ok(places.take(n).map(|at| self.bits.get(at).copied().unwrap_or(false)).collect())
    }
}

/// The lowest bits of the last channel, in columns.
fn columns(samples: &[u8], width: usize, n_channels: usize) -> impl Iterator<Item = bool> + '_ {
    let height = samples.len() / (width * n_channels).max(1);
    let at = move |x: usize, y: usize| (y * width + x) * n_channels + n_channels - 1;
    (0..width).flat_map(move |x| {
        (0..height).map(move |y| samples.get(at(x, y)).is_some_and(|alpha| alpha & 1 == 1))
    })
}

/// The metadata of an image file, of its first image.
pub(super) fn metadata_of(bytes: Vec<u8>, limits: &Limits) -> Result<Metadata> {
    let Some(format) = Format::detect(&bytes) else { return Ok(Metadata::default()) };
    let image = formats::open_reader(format, Box::new(Cursor::new(bytes)), limits)?.next_image()?;
    Ok(image.map(|image| image.metadata).unwrap_or_default())
}

/// True if a text is hidden in an image's alpha channel.
pub(super) fn is_hidden(image: &ImageItem<'_>) -> Result<bool> {
    Ok(may_hide(image.descriptor()) && from_pixels(&mut Columns { image }, image.metadata())?.is_some())
}
