use super::{AFTER_END, ALPHA, CHUNK, EXIF, ICC, MAX_SIDE, NAME, XMP, riff};
use crate::formats::{ImageWriter, Output, SourceImage, beyond_rgb8, lost_metadata, no_image, refuse};
use crate::{Error, Metadata, MetadataEntry, MetadataKind, Result};
use image_webp::{ColorType, WebPEncoder};

/// Starts a lossless WebP file. Its samples are held until the end.
pub(in crate::formats) fn create<'a>(
    out: Box<dyn Output + 'a>,
    allow_metadata_loss: bool,
) -> Result<Box<dyn ImageWriter + 'a>> {
    Ok(Box::new(WebPWriter { out, allow_metadata_loss, image: None, samples: Vec::new() }))
}

struct WebPWriter<'a> {
    out: Box<dyn Output + 'a>,
    allow_metadata_loss: bool,
    image: Option<SourceImage>,
    samples: Vec<u8>,
}

impl ImageWriter for WebPWriter<'_> {
    fn start_image(&mut self, image: &SourceImage) -> Result<()> {
        let SourceImage { descriptor: d, metadata } = image;
        let mut samples = beyond_rgb8(d);
        if d.width > MAX_SIDE || d.height > MAX_SIDE {
            samples.push(format!("a side of more than {MAX_SIDE} pixels"));
        }
        let lost = lost_metadata(metadata, is_held);
        refuse(NAME, (samples, lost), self.allow_metadata_loss)?;
        if self.image.is_some() {
            return Err(Error::invalid("a WebP file is written with one image"));
        }
        self.image = Some(image.clone());
        Ok(())
    }

    fn write_rows(&mut self, rows: &[u8]) -> Result<()> {
        self.samples.extend_from_slice(rows);
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        let image = self.image.take().ok_or_else(no_image)?;
        let d = &image.descriptor;
        if Some(self.samples.len() as u64) != d.raw_bytes() {
            return Err(no_image());
        }
        let coded = encode(&self.samples, d.width, d.height, d.n_channels)?;
        let mut bytes = file(&image, &coded)?;
        bytes.extend_from_slice(image.metadata.get_key(MetadataKind::User, AFTER_END).unwrap_or_default());
        self.out.write_all(&bytes).and_then(|()| self.out.flush()).map_err(|e| Error::io("the WebP file", e))
    }
}

/// True for metadata that WebP holds.
pub(super) fn is_held(entry: &MetadataEntry) -> bool {
    match entry.kind {
        MetadataKind::SourceFormat | MetadataKind::Icc | MetadataKind::Exif | MetadataKind::Xmp => true,
        MetadataKind::User => entry.key.starts_with(CHUNK) || entry.key == AFTER_END,
        _ => false,
    }
}

/// Samples of 3 or 4 channels as the data of a `VP8L` chunk.
pub(super) fn encode(samples: &[u8], width: u32, height: u32, n_channels: u16) -> Result<Vec<u8>> {
    let colour = if n_channels == 4 { ColorType::Rgba8 } else { ColorType::Rgb8 };
    let mut simple = Vec::new();
    WebPEncoder::new(&mut simple)
        .encode(samples, width, height, colour)
        .map_err(|e| Error::unsupported(format!("WebP: {e}")))?;
    let n_bytes = simple.get(16..20).map_or(0, |n| u32::from_le_bytes([n[0], n[1], n[2], n[3]]));
    Ok(simple.get(20..20 + n_bytes as usize).ok_or_else(no_image)?.to_vec())
}

/// A file with the metadata around its image chunk.
fn file(image: &SourceImage, coded: &[u8]) -> Result<Vec<u8>> {
    let SourceImage { descriptor: d, metadata } = image;
    let mut others: Vec<(&[u8], &[u8])> = Vec::new();
    let mut flags = if d.n_channels == 4 { ALPHA } else { 0 };
    let profile = metadata.get(MetadataKind::Icc);
    for (kind, flag, name) in [(MetadataKind::Exif, EXIF, b"EXIF"), (MetadataKind::Xmp, XMP, b"XMP ")] {
        if let Some(data) = metadata.get(kind) {
            flags |= flag;
            others.push((name, data));
        }
    }
    others.extend(unknown(metadata)?);
    if profile.is_none() && others.is_empty() {
        return riff::file(&[(b"VP8L", coded)]);
    }
    if profile.is_some() {
        flags |= ICC;
    }
    if others.iter().any(|(name, _)| name == b"EXIF") {
        flags |= EXIF;
    }
    let header = riff::extended_header(flags, d.width, d.height);
    let mut chunks: Vec<(&[u8], &[u8])> = vec![(b"VP8X", &header)];
    chunks.extend(profile.map(|data| (&b"ICCP"[..], data)));
    chunks.push((b"VP8L", coded));
    chunks.extend_from_slice(&others);
    riff::file(&chunks)
}

pub(super) fn unknown(metadata: &Metadata) -> Result<Vec<(&[u8], &[u8])>> {
    let entries = metadata.entries.iter().filter(|e| e.kind == MetadataKind::User);
    let named = entries.filter_map(|e| Some((e.key.strip_prefix(CHUNK)?.as_bytes(), e.data.as_slice())));
    named
        .map(|(name, data)| {
            if name.len() == 4 {
                Ok((name, data))
            } else {
                Err(Error::invalid("a WebP chunk's name has 4 letters"))
            }
        })
        .collect()
}
