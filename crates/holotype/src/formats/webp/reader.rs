use super::riff::{self, Chunk};
use super::{AFTER_END, ALPHA, CHUNK, NAME};
use crate::formats::guard::guarded;
use crate::formats::held::{Whole, check_size, whole_bytes};
use crate::formats::{ImageReader, Input, SourceImage};
use crate::{Error, ImageDescriptor, Limits, Metadata, MetadataKind, Result, SampleType};
use image_webp::{DecodingError, WebPDecoder};
use std::io::Cursor;

/// Opens a WebP file of one image, lossless or lossy.
pub(in crate::formats) fn open(mut input: Box<dyn Input>, limits: &Limits) -> Result<Box<dyn ImageReader>> {
    if riff::opaque(input.as_mut())? == Some(crate::formats::Opaque::Animated) {
        return Err(Error::unsupported("animated WebP: it is kept as a file, not as pixels"));
    }
    let (chunks, after) = riff::chunks(input.as_mut(), limits)?;
    let coded = Coded::of(&chunks)?;
    let n_channels = if coded.has_alpha { 4 } else { 3 };
    let descriptor = ImageDescriptor::new(coded.width, coded.height, n_channels, SampleType::U8);
    check_size(NAME, &descriptor, limits)?;
    let mut samples = vec![0; whole_bytes(&descriptor, limits)?];
    guarded(NAME, || coded.decode(&mut samples))?;
    let image = SourceImage { descriptor, metadata: metadata(chunks, after) };
    Ok(Whole::reader(image, samples))
}

/// Opens the only or first picture, for a preview.
pub(in crate::formats) fn open_first(input: &mut dyn Input, limits: &Limits) -> Result<Box<dyn ImageReader>> {
    guarded(NAME, || first(input, limits))
}

fn first(input: &mut dyn Input, limits: &Limits) -> Result<Box<dyn ImageReader>> {
    let mut decoder = WebPDecoder::new(input).map_err(damaged)?;
    let (width, height) = decoder.dimensions();
    let n_channels = if decoder.has_alpha() { 4 } else { 3 };
    let descriptor = ImageDescriptor::new(width, height, n_channels, SampleType::U8);
    check_size(NAME, &descriptor, limits)?;
    let n_bytes = whole_bytes(&descriptor, limits)?;
    decoder.set_memory_limit(n_bytes.saturating_mul(2).max(1 << 20));
    let mut samples = vec![0; n_bytes];
    decoder.read_image(&mut samples).map_err(damaged)?;
    let image = SourceImage { descriptor, metadata: Metadata::default() };
    Ok(Whole::reader(image, samples))
}

/// The chunks that hold the pixels, and what they themselves say. As in libwebp, alpha goes by them and not by
/// the flags of the container.
pub(super) struct Coded<'a> {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) has_alpha: bool,
    chunks: Vec<(&'a [u8], &'a [u8])>,
}

impl<'a> Coded<'a> {
    pub(super) fn of(chunks: &'a [Chunk]) -> Result<Self> {
        let data = |name: &[u8; 4]| chunks.iter().find(|(n, _)| n == name).map(|(_, data)| data.as_slice());
        let missing = || Error::source_format(NAME, "the image data is missing");
        if let Some(lossless) = data(b"VP8L") {
            let &[0x2f, a, b, c, d, ..] = lossless else { return Err(missing()) };
            let header = u32::from_le_bytes([a, b, c, d]);
            return Ok(Self {
                width: (header & 0x3fff) + 1,
                height: (header >> 14 & 0x3fff) + 1,
                has_alpha: header >> 28 & 1 == 1,
                chunks: vec![(b"VP8L", lossless)],
            });
        }
        let lossy = data(b"VP8 ").ok_or_else(missing)?;
        let &[_, _, _, 0x9d, 0x01, 0x2a, w0, w1, h0, h1, ..] = lossy else { return Err(missing()) };
        let side = |a, b| u32::from(u16::from_le_bytes([a, b]) & 0x3fff);
        let alpha = data(b"ALPH");
        let mut coded: Vec<(&[u8], &[u8])> = alpha.map(|data| (&b"ALPH"[..], data)).into_iter().collect();
        coded.push((b"VP8 ", lossy));
        Ok(Self { width: side(w0, w1), height: side(h0, h1), has_alpha: alpha.is_some(), chunks: coded })
    }

    /// True if the samples are an approximation.
    pub(super) fn is_lossy(&self) -> bool {
        self.chunks.iter().all(|(name, _)| *name != b"VP8L")
    }

    pub(super) fn decode(&self, samples: &mut [u8]) -> Result<()> {
        let mut decoder = WebPDecoder::new(Cursor::new(self.as_file()?)).map_err(damaged)?;
        if decoder.dimensions() != (self.width, self.height) || decoder.has_alpha() != self.has_alpha {
            return Err(Error::source_format(NAME, "the headers contradict each other"));
        }
        decoder.read_image(samples).map_err(damaged)
    }

    /// A file with nothing else, whose container says the same.
    fn as_file(&self) -> Result<Vec<u8>> {
        let flags = if self.has_alpha { ALPHA } else { 0 };
        let header = riff::extended_header(flags, self.width, self.height);
        let mut chunks: Vec<(&[u8], &[u8])> = vec![(b"VP8X", &header)];
        chunks.extend_from_slice(&self.chunks);
        riff::file(&chunks)
    }
}

pub(super) fn metadata(chunks: Vec<Chunk>, after: Vec<u8>) -> Metadata {
    let mut metadata = Metadata::default();
    for (name, data) in chunks {
        match &name {
            b"VP8X" | b"VP8L" | b"VP8 " | b"ALPH" => {}
            b"ICCP" => metadata.push(MetadataKind::Icc, "", data),
            b"XMP " => metadata.push(MetadataKind::Xmp, "", data),
            b"EXIF" if data.starts_with(b"II") || data.starts_with(b"MM") => {
                metadata.push(MetadataKind::Exif, "", data);
            }
            _ => {
                let name: String = name.iter().map(|&b| char::from(b)).collect();
                metadata.push(MetadataKind::User, format!("{CHUNK}{name}"), data);
            }
        }
    }
    if !after.is_empty() {
        metadata.push(MetadataKind::User, AFTER_END, after);
    }
    metadata.push(MetadataKind::SourceFormat, "", "webp");
    metadata
}

fn damaged(error: DecodingError) -> Error {
    match error {
        DecodingError::UnsupportedFeature(what) => Error::unsupported(format!("WebP: {what}")),
        other => Error::source_format(NAME, other),
    }
}
