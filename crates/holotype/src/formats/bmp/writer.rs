use super::masks::Masks;
use super::{COLOUR_SPACE, EMBEDDED, LINKED, LINKED_PROFILE, MASKS, NAME, RESOLUTION, SRGB};
use crate::formats::{ImageWriter, Output, SourceImage, lost_metadata, no_image, refuse, resolution};
use crate::{
    Alpha, ChannelOrder, ColourModel, Error, ImageDescriptor, Metadata, MetadataKind, Result, SampleType,
};
use std::io::SeekFrom;

/// Starts a BMP file.
pub(in crate::formats) fn create<'a>(
    out: Box<dyn Output + 'a>,
    allow_metadata_loss: bool,
) -> Result<Box<dyn ImageWriter + 'a>> {
    Ok(Box::new(BmpWriter { out, allow_metadata_loss, image: None }))
}

struct BmpWriter<'a> {
    out: Box<dyn Output + 'a>,
    allow_metadata_loss: bool,
    image: Option<InImage>,
}

struct InImage {
    pixels: Pixels,
    row_bytes: usize,
    stride: usize,
    pixels_offset: u64,
    n_rows_left: u32,
    profile: Vec<u8>,
}

/// How pixels are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pixels {
    Indices(u32),
    Bytes,
    Words(Masks),
}

impl Pixels {
    /// The form that holds the image exactly.
    fn of(image: &ImageDescriptor, metadata: &Metadata) -> Option<Self> {
        if image.order != ChannelOrder::Rgb || !image.channel_names.is_empty() {
            return None;
        }
        let bits = u32::from(image.bits_per_sample);
        let is_small = matches!(image.sample, SampleType::Bool | SampleType::U8) && matches!(bits, 1 | 4 | 8);
        match (image.colour, image.alpha, image.n_channels) {
            (ColourModel::Gray, Alpha::None, 1) if is_small => Some(Self::Indices(bits)),
            (ColourModel::Palette, Alpha::None, 1) if is_small => {
                let palette = image.palette.as_ref()?;
                let fits = palette.bits == 8 && palette.alpha.is_empty() && palette.rgb.len() <= 1 << bits;
                (fits && !palette.rgb.is_empty()).then_some(Self::Indices(bits))
            }
            (ColourModel::Rgb, Alpha::None | Alpha::Straight, n @ (3 | 4)) => {
                let is_byte = image.sample == SampleType::U8 && bits == 8;
                if let Some(masks) = metadata.get_key(MetadataKind::User, MASKS).and_then(Masks::from_text)
                    && masks.n_channels() == usize::from(n)
                    && masks.depth() == bits
                    && image.sample == if bits > 8 { SampleType::U16 } else { SampleType::U8 }
                {
                    return Some(Self::Words(masks));
                }
                let plain = if n == 3 { Self::Bytes } else { Self::Words(Masks::RGBA) };
                (is_byte && (n == 4) == (image.alpha == Alpha::Straight)).then_some(plain)
            }
            _ => None,
        }
    }

    fn bits(self) -> u32 {
        match self {
            Self::Indices(bits) => bits,
            Self::Bytes => 24,
            Self::Words(masks) => masks.word_bits,
        }
    }
}

impl ImageWriter for BmpWriter<'_> {
    fn start_image(&mut self, image: &SourceImage) -> Result<()> {
        let SourceImage { descriptor: d, metadata } = image;
        let pixels = Pixels::of(d, metadata);
        let mut samples = Vec::new();
        if pixels.is_none() {
            samples.push(format!(
                "{} {} samples of {} bit in {} channels with {} alpha",
                d.colour.name(),
                d.sample.name(),
                d.bits_per_sample,
                d.n_channels,
                d.alpha.name()
            ));
        }
        let held = [RESOLUTION, MASKS, COLOUR_SPACE, LINKED_PROFILE];
        let lost = lost_metadata(metadata, |e| match e.kind {
            MetadataKind::SourceFormat | MetadataKind::Icc => true,
            MetadataKind::User => held.contains(&e.key.as_str()),
            _ => resolution::is_in_bmp(metadata, e),
        });
        refuse(NAME, (samples, lost), self.allow_metadata_loss)?;
        if self.image.is_some() {
            return Err(Error::invalid("a BMP file holds one image"));
        }
        let pixels = pixels.ok_or_else(no_image)?;
        let stride = (u64::from(d.width) * u64::from(pixels.bits())).div_ceil(32) * 4;
        let n_pixel_bytes = stride.saturating_mul(u64::from(d.height));
        let profile = metadata
            .get(MetadataKind::Icc)
            .or_else(|| metadata.get_key(MetadataKind::User, LINKED_PROFILE))
            .unwrap_or_default();
        let head = head(d, metadata, pixels, n_pixel_bytes, profile)?;
        self.out.write_all(&head).map_err(output_error)?;
        self.image = Some(InImage {
            pixels,
            row_bytes: d.row_bytes().ok_or_else(no_image)?,
            stride: stride as usize,
            pixels_offset: head.len() as u64,
            n_rows_left: d.height,
            profile: profile.to_vec(),
        });
        Ok(())
    }

    fn write_rows(&mut self, rows: &[u8]) -> Result<()> {
        let image = self.image.as_mut().ok_or_else(no_image)?;
        let mut packed = Vec::with_capacity(rows.len() / image.row_bytes * image.stride);
        for row in rows.chunks_exact(image.row_bytes).rev() {
            let start = packed.len();
            pack(row, image.pixels, &mut packed)?;
            packed.resize(start + image.stride, 0);
        }
        let n = u32::try_from(rows.len() / image.row_bytes).map_err(|_| no_image())?;
        image.n_rows_left = image.n_rows_left.checked_sub(n).ok_or_else(no_image)?;
        // The last row lies first.
        let at = image.pixels_offset + u64::from(image.n_rows_left) * image.stride as u64;
        self.out.seek(SeekFrom::Start(at)).map_err(output_error)?;
        self.out.write_all(&packed).map_err(output_error)
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        let image = self.image.ok_or_else(no_image)?;
        self.out.seek(SeekFrom::End(0)).map_err(output_error)?;
        self.out.write_all(&image.profile).and_then(|()| self.out.flush()).map_err(output_error)
    }
}

fn pack(row: &[u8], pixels: Pixels, packed: &mut Vec<u8>) -> Result<()> {
    match pixels {
        Pixels::Indices(8) => packed.extend_from_slice(row),
        Pixels::Indices(bits) => {
            let per_byte = 8 / bits as usize;
            packed.extend(row.chunks(per_byte).map(|part| {
                let shift = |i: usize| 8 - bits as usize * (i + 1);
                part.iter().enumerate().fold(0, |byte, (i, sample)| byte | sample << shift(i))
            }));
        }
        Pixels::Bytes => {
            packed.extend(row.chunks_exact(3).flat_map(|rgb| [rgb[2], rgb[1], rgb[0]]));
        }
        Pixels::Words(masks) => {
            let sample_bytes = if masks.depth() > 8 { 2 } else { 1 };
            for pixel in row.chunks_exact(masks.n_channels() * sample_bytes) {
                let samples = pixel
                    .chunks_exact(sample_bytes)
                    .map(|s| s.iter().rev().fold(0_u16, |n, b| n << 8 | u16::from(*b)));
                let word = masks.join(samples).ok_or_else(|| Error::WouldLose {
                    format: NAME,
                    losses: vec!["samples that are not what the recorded bit masks give".into()],
                })?;
                packed.extend_from_slice(&word.to_le_bytes()[..masks.word_bits as usize / 8]);
            }
        }
    }
    Ok(())
}

/// Both headers and the palette.
fn head(
    image: &ImageDescriptor,
    metadata: &Metadata,
    pixels: Pixels,
    n_pixel_bytes: u64,
    profile: &[u8],
) -> Result<Vec<u8>> {
    let too_large = || Error::unsupported("a BMP file of 4 GiB or more, or of more than 2³¹ pixels a side");
    let (Ok(width), Ok(height)) = (i32::try_from(image.width), i32::try_from(image.height)) else {
        return Err(too_large());
    };
    let palette: Vec<u8> = match (pixels, &image.palette) {
        (Pixels::Indices(_), Some(palette)) => {
            palette.rgb.iter().flat_map(|&[r, g, b]| [b as u8, g as u8, r as u8, 0]).collect()
        }
        (Pixels::Indices(bits), None) => {
            let max = (1_u32 << bits) - 1;
            (0..=max).map(|i| (i * (255 / max)) as u8).flat_map(|v| [v, v, v, 0]).collect()
        }
        _ => Vec::new(),
    };
    let stored_space = metadata.get_key(MetadataKind::User, COLOUR_SPACE).filter(|space| space.len() == 56);
    let has_alpha = matches!(pixels, Pixels::Words(masks) if masks.has_alpha());
    let is_v5 = stored_space.is_some() || !profile.is_empty() || has_alpha;
    let header_bytes: u32 = if is_v5 { 124 } else { 40 };
    let masks = match pixels {
        Pixels::Words(masks) => Some(masks),
        _ => None,
    };
    let n_mask_bytes = if masks.is_some() && !is_v5 { 12 } else { 0 };
    let pixels_offset = 14 + header_bytes as usize + n_mask_bytes + palette.len();
    let file_bytes = (pixels_offset + profile.len()) as u64 + n_pixel_bytes;
    let file_bytes = u32::try_from(file_bytes).map_err(|_| too_large())?;
    let profile_offset = (pixels_offset as u64 + n_pixel_bytes - 14) as u32;
    let [x, y] = resolution::for_bmp(metadata).unwrap_or([0, 0]);

    let mut head = b"BM".to_vec();
    let mut put = |n: u32| head.extend_from_slice(&n.to_le_bytes());
    put(file_bytes);
    put(0);
    put(pixels_offset as u32);
    put(header_bytes);
    put(width as u32);
    put(height as u32);
    put(1 | pixels.bits() << 16);
    put(if masks.is_some() { 3 } else { 0 });
    put(n_pixel_bytes as u32);
    put(x as u32);
    put(y as u32);
    put(palette.len() as u32 / 4);
    put(0);
    let n_masks = if is_v5 { 4 } else { n_mask_bytes / 4 };
    masks.map_or([0; 4], |m| m.channels).into_iter().take(n_masks).for_each(&mut put);
    if is_v5 {
        let mut space = [0; 56];
        space[..4].copy_from_slice(&SRGB.to_le_bytes());
        if let Some(stored) = stored_space {
            space.copy_from_slice(stored);
        } else {
            space[52] = 4; // The intent of images: perceptual.
        }
        let is_linked = metadata.get(MetadataKind::Icc).is_none();
        if !profile.is_empty() {
            space[..4].copy_from_slice(&(if is_linked { LINKED } else { EMBEDDED }).to_le_bytes());
        } else if matches!(u32::from_le_bytes([space[0], space[1], space[2], space[3]]), LINKED | EMBEDDED) {
            space[..4].copy_from_slice(&SRGB.to_le_bytes());
        }
        head.extend_from_slice(&space);
        for n in [if profile.is_empty() { 0 } else { profile_offset }, profile.len() as u32, 0] {
            head.extend_from_slice(&n.to_le_bytes());
        }
    }
    head.extend_from_slice(&palette);
    Ok(head)
}

fn output_error(source: std::io::Error) -> Error {
    Error::io("the BMP file", source)
}
