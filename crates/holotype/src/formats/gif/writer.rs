use super::{
    AFTER_TRAILER, APPLICATION, CONTROL, GLOBAL_PALETTE, ICC_ID, NAME, SCREEN, TRANSPARENT, XMP_ID,
    xmp_trailer,
};
use crate::formats::{ImageWriter, Output, SourceImage, lost_metadata, no_image, refuse};
use crate::{Alpha, Error, ImageDescriptor, MetadataEntry, MetadataKind, Palette, Result, SampleType};
use weezl::{BitOrder, encode::Encoder};

/// Starts a GIF file. Its samples are held until the end.
pub(in crate::formats) fn create<'a>(
    out: Box<dyn Output + 'a>,
    allow_metadata_loss: bool,
) -> Result<Box<dyn ImageWriter + 'a>> {
    Ok(Box::new(GifWriter { out, allow_metadata_loss, image: None, samples: Vec::new() }))
}

struct GifWriter<'a> {
    out: Box<dyn Output + 'a>,
    allow_metadata_loss: bool,
    image: Option<SourceImage>,
    samples: Vec<u8>,
}

/// The palette and its transparent index, if GIF can hold both.
fn palette_of(image: &ImageDescriptor) -> Option<(&Palette, Option<u8>)> {
    let palette = image.palette.as_ref()?;
    let fits = palette.bits == 8 && (1..=256).contains(&palette.rgb.len()) && image.alpha == Alpha::None;
    let is_u8 = image.sample == SampleType::U8 && image.n_channels == 1 && image.channel_names.is_empty();
    let mut clear = palette.alpha.iter().enumerate().filter(|(_, a)| **a != 255);
    let transparent = match (clear.next(), clear.next()) {
        (None, _) => None,
        (Some((i, 0)), None) => Some(i as u8),
        _ => return None,
    };
    (fits && is_u8).then_some((palette, transparent))
}

impl ImageWriter for GifWriter<'_> {
    fn start_image(&mut self, image: &SourceImage) -> Result<()> {
        let d = &image.descriptor;
        let mut samples = Vec::new();
        if palette_of(d).is_none() {
            samples.push(format!(
                "{} {} samples; only indices into a palette of at most 256 entries, one of them transparent",
                d.colour.name(),
                d.sample.name()
            ));
        }
        if d.width > 65535 || d.height > 65535 {
            samples.push("a side of more than 65535 pixels".into());
        }
        let held = [SCREEN, GLOBAL_PALETTE, CONTROL, TRANSPARENT, AFTER_TRAILER];
        let lost = lost_metadata(&image.metadata, |e| match e.kind {
            MetadataKind::SourceFormat | MetadataKind::Comment | MetadataKind::Xmp | MetadataKind::Icc => {
                true
            }
            MetadataKind::User => held.contains(&e.key.as_str()) || e.key.starts_with(APPLICATION),
            _ => false,
        });
        refuse(NAME, (samples, lost), self.allow_metadata_loss)?;
        if self.image.is_some() {
            return Err(Error::invalid("a GIF file is written with one image"));
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
        let (palette, transparent) = palette_of(&image.descriptor).ok_or_else(no_image)?;
        let bytes = file(&image, palette, transparent, &self.samples)?;
        self.out.write_all(&bytes).and_then(|()| self.out.flush()).map_err(|e| Error::io("the GIF file", e))
    }
}

fn file(image: &SourceImage, palette: &Palette, transparent: Option<u8>, samples: &[u8]) -> Result<Vec<u8>> {
    let SourceImage { descriptor, metadata } = image;
    let (width, height) = (descriptor.width as u16, descriptor.height as u16);
    let user = |key| metadata.get_key(MetadataKind::User, key);
    let [screen_width, screen_height, left, top, background, aspect] =
        user(SCREEN).and_then(screen).unwrap_or([width, height, 0, 0, 0, 0]);
    let own: Vec<u8> = palette.rgb.iter().flatten().map(|&v| v as u8).collect();
    let (global, local) = match user(GLOBAL_PALETTE) {
        Some(global) => (global, Some(own.as_slice())),
        None => (own.as_slice(), None),
    };
    let mut out = b"GIF89a".to_vec();
    put(&mut out, &[screen_width, screen_height]);
    out.extend_from_slice(&[0xf0 | table_bits(global), background as u8, aspect as u8]);
    put_table(&mut out, global);
    for entry in &metadata.entries {
        put_entry(&mut out, entry);
    }
    let transparent = transparent.or_else(|| parse(user(TRANSPARENT)?));
    let control = user(CONTROL).and_then(|c| <[u8; 3]>::try_from(c).ok());
    if transparent.is_some() || control.is_some() {
        let [flags, delay @ ..] = control.unwrap_or_default();
        let flags = flags & !1 | u8::from(transparent.is_some());
        out.extend_from_slice(&[0x21, 0xf9, 4, flags, delay[0], delay[1], transparent.unwrap_or(0), 0]);
    }
    out.push(0x2c);
    put(&mut out, &[left, top, width, height]);
    out.push(local.map_or(0, |table| 0x80 | table_bits(table)));
    put_table(&mut out, local.unwrap_or_default());
    let code_bits = descriptor.bits_per_sample.max(2);
    out.push(code_bits);
    let packed = Encoder::new(BitOrder::Lsb, code_bits)
        .encode(samples)
        .map_err(|_| Error::invalid("an index is larger than `bits_per_sample` allows"))?;
    put_sub_blocks(&mut out, &packed);
    out.push(0x3b);
    out.extend_from_slice(user(AFTER_TRAILER).unwrap_or_default());
    Ok(out)
}

pub(super) fn put(out: &mut Vec<u8>, numbers: &[u16]) {
    out.extend(numbers.iter().flat_map(|n| n.to_le_bytes()));
}

/// The size of a palette as its flags say it: 2 to the power of this and one.
pub(super) fn table_bits(table: &[u8]) -> u8 {
    ((table.len() / 3).max(2).next_power_of_two().ilog2() - 1) as u8
}

/// A palette, filled up with black.
pub(super) fn put_table(out: &mut Vec<u8>, table: &[u8]) {
    if !table.is_empty() {
        let end = out.len() + (6 << table_bits(table));
        out.extend_from_slice(table);
        out.resize(end, 0);
    }
}

pub(super) fn put_sub_blocks(out: &mut Vec<u8>, data: &[u8]) {
    for part in data.chunks(255) {
        out.push(part.len() as u8);
        out.extend_from_slice(part);
    }
    out.push(0);
}

pub(super) fn put_entry(out: &mut Vec<u8>, entry: &MetadataEntry) {
    let MetadataEntry { kind, key, data } = entry;
    match kind {
        MetadataKind::Comment => {
            out.extend_from_slice(&[0x21, 0xfe]);
            put_sub_blocks(out, data);
        }
        MetadataKind::Icc => {
            out.extend_from_slice(&[0x21, 0xff, 11]);
            out.extend_from_slice(ICC_ID);
            put_sub_blocks(out, data);
        }
        MetadataKind::Xmp => {
            out.extend_from_slice(&[0x21, 0xff, 11]);
            out.extend_from_slice(XMP_ID);
            out.extend_from_slice(data);
            out.extend_from_slice(&xmp_trailer());
            out.push(0);
        }
        MetadataKind::User => {
            let Some(id) = key.strip_prefix(APPLICATION) else { return };
            out.extend_from_slice(&[0x21, 0xff, 11]);
            let mut id: Vec<u8> = id.chars().map(|c| c as u8).collect();
            id.resize(11, b' ');
            out.extend_from_slice(&id);
            // Kept as its sub-blocks lay.
            out.extend_from_slice(data);
            out.push(0);
        }
        _ => {}
    }
}

pub(super) fn screen(text: &[u8]) -> Option<[u16; 6]> {
    let numbers = std::str::from_utf8(text).ok()?.split(' ').map(|n| n.parse().ok());
    numbers.collect::<Option<Vec<u16>>>()?.try_into().ok()
}

fn parse(text: &[u8]) -> Option<u8> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_powers_of_two() {
        for (n, bits) in [(1, 0), (2, 0), (3, 1), (4, 1), (5, 2), (255, 7), (256, 7)] {
            let mut out = Vec::new();
            put_table(&mut out, &vec![9; n * 3]);
            assert_eq!((table_bits(&vec![9; n * 3]), out.len()), (bits, 6 << bits), "{n} entries");
        }
    }
}
