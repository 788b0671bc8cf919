use super::header::{self, Header, Layout};
use super::masks::Masks;
use super::{COLOUR_SPACE, LINKED_PROFILE, MASKS, NAME, RESOLUTION, SRGB, rle};
use crate::formats::held::{Held, check_size, input_bytes, read_bytes, whole_bytes};
use crate::formats::{ImageReader, Input, SourceImage, no_image};
use crate::{
    Alpha, ColourModel, Error, ImageDescriptor, Limits, Metadata, MetadataKind, Palette, Result, SampleType,
};
use std::io::SeekFrom;

/// Opens a BMP file.
pub(in crate::formats) fn open(mut input: Box<dyn Input>, limits: &Limits) -> Result<Box<dyn ImageReader>> {
    let mut header = header::read(input.as_mut(), limits)?;
    let held = match header.layout {
        Layout::Runs(bits) => Some(read_runs(input.as_mut(), &header, bits, limits)?),
        _ => {
            let end = u64::from(header.height).saturating_mul(header.stride());
            if header.pixels_offset.saturating_add(end) > input_bytes(NAME, input.as_mut())? {
                return Err(Error::source_format(NAME, "the file ends before its last row"));
            }
            if header.layout == Layout::Words(Masks::RGBX) && uses_fourth_byte(input.as_mut(), &header)? {
                header.layout = Layout::Words(Masks::RGBA);
            }
            None
        }
    };
    let image = describe(&header)?;
    check_size(NAME, &image.descriptor, limits)?;
    Ok(Box::new(BmpReader { input, header, image: Some(image), held, next_row: 0, is_started: false }))
}

struct BmpReader {
    input: Box<dyn Input>,
    header: Header,
    image: Option<SourceImage>,
    /// The decoded run lengths.
    held: Option<Held>,
    next_row: u32,
    is_started: bool,
}

impl Header {
    /// Bytes of a stored row.
    fn stride(&self) -> u64 {
        let bits = match self.layout {
            Layout::Indices(bits) | Layout::Runs(bits) => bits,
            Layout::Bytes => 24,
            Layout::Words(masks) => masks.word_bits,
        };
        (u64::from(self.width) * u64::from(bits)).div_ceil(32) * 4
    }
}

impl ImageReader for BmpReader {
    fn next_image(&mut self) -> Result<Option<SourceImage>> {
        self.is_started = self.image.is_some();
        Ok(self.image.take())
    }

    fn read_rows(&mut self, rows: &mut [u8]) -> Result<()> {
        if let (true, Some(held)) = (self.is_started, &mut self.held) {
            return held.read_rows(rows);
        }
        let row_bytes = self.header.row_bytes();
        let n = u32::try_from(rows.len() / row_bytes).map_err(|_| no_image())?;
        let end = self.next_row.checked_add(n).filter(|end| self.is_started && *end <= self.header.height);
        let end = end.ok_or_else(no_image)?;
        // The rows of a band lie together, whichever way up.
        let first = if self.header.is_top_down { self.next_row } else { self.header.height - end };
        let stride = self.header.stride();
        let at = self.header.pixels_offset + u64::from(first) * stride;
        self.input.seek(SeekFrom::Start(at)).map_err(damaged)?;
        let packed = read_bytes(NAME, self.input.as_mut(), u64::from(n) * stride)?;
        for (y, packed) in packed.chunks_exact(stride as usize).enumerate() {
            let y = if self.header.is_top_down { y } else { n as usize - 1 - y };
            unpack(packed, self.header.layout, &mut rows[y * row_bytes..(y + 1) * row_bytes]);
        }
        self.next_row = end;
        Ok(())
    }

    fn is_streaming(&self) -> bool {
        self.held.is_none()
    }
}

impl Header {
    fn row_bytes(&self) -> usize {
        let pixel_bytes = match self.layout {
            Layout::Indices(_) | Layout::Runs(_) => 1,
            Layout::Bytes => 3,
            Layout::Words(masks) => masks.n_channels() * if masks.depth() > 8 { 2 } else { 1 },
        };
        self.width as usize * pixel_bytes
    }
}

fn unpack(packed: &[u8], layout: Layout, row: &mut [u8]) {
    match layout {
        Layout::Indices(8) | Layout::Runs(_) => row.copy_from_slice(&packed[..row.len()]),
        Layout::Indices(bits) => {
            let bits = bits as usize;
            for (x, out) in row.iter_mut().enumerate() {
                let shift = 8 - bits - x * bits % 8;
                *out = packed[x * bits / 8] >> shift & ((1 << bits) - 1);
            }
        }
        Layout::Bytes => {
            for (out, bgr) in row.chunks_exact_mut(3).zip(packed.chunks_exact(3)) {
                out.copy_from_slice(&[bgr[2], bgr[1], bgr[0]]);
            }
        }
        Layout::Words(masks) => {
            let word_bytes = masks.word_bits as usize / 8;
            let sample_bytes = if masks.depth() > 8 { 2 } else { 1 };
            let pixels = row.chunks_exact_mut(masks.n_channels() * sample_bytes);
            for (out, word) in pixels.zip(packed.chunks_exact(word_bytes)) {
                let word = word.iter().rev().fold(0, |n, b| n << 8 | u32::from(*b));
                for (out, sample) in out.chunks_exact_mut(sample_bytes).zip(masks.split(word)) {
                    out.copy_from_slice(&sample.to_le_bytes()[..sample_bytes]);
                }
            }
        }
    }
}

fn read_runs(input: &mut dyn Input, header: &Header, bits: u32, limits: &Limits) -> Result<Held> {
    let image = ImageDescriptor::new(header.width, header.height, 1, SampleType::U8);
    check_size(NAME, &image, limits)?;
    let n_bytes = whole_bytes(&image, limits)?;
    let n_coded = input_bytes(NAME, input)?.saturating_sub(header.pixels_offset);
    // A pixel takes at most two bytes, a row two more; what follows is not looked at.
    let n_coded = n_coded.min(2 * (n_bytes as u64 + u64::from(header.height)) + 16);
    input.seek(SeekFrom::Start(header.pixels_offset)).map_err(damaged)?;
    let coded = read_bytes(NAME, input, n_coded)?;
    let mut samples = vec![0; n_bytes];
    rle::decode(&coded, bits, header.width as usize, header.height as usize, &mut samples)?;
    Ok(Held::new(samples))
}

/// True if the byte that plain 32-bit pixels do not use is used all the same, as alpha.
fn uses_fourth_byte(input: &mut dyn Input, header: &Header) -> Result<bool> {
    input.seek(SeekFrom::Start(header.pixels_offset)).map_err(damaged)?;
    let mut n_left = header.stride() * u64::from(header.height);
    while n_left > 0 {
        let part = read_bytes(NAME, input, n_left.min(1 << 16))?;
        if part.iter().skip(3).step_by(4).any(|&b| b != 0) {
            return Ok(true);
        }
        n_left -= part.len() as u64;
    }
    Ok(false)
}

fn describe(header: &Header) -> Result<SourceImage> {
    let mut metadata = Metadata::default();
    let image = |n, sample| ImageDescriptor::new(header.width, header.height, n, sample);
    let descriptor = match header.layout {
        Layout::Indices(bits) | Layout::Runs(bits) => {
            if is_gray_ramp(&header.palette, bits) {
                let sample = if bits == 1 { SampleType::Bool } else { SampleType::U8 };
                image(1, sample).with_bits_per_sample(bits as u8)
            } else {
                let palette = Palette { bits: 8, rgb: header.palette.clone(), alpha: Vec::new() };
                image(1, SampleType::U8).with_bits_per_sample(bits as u8).with_palette(palette)
            }
        }
        Layout::Bytes => image(3, SampleType::U8),
        Layout::Words(masks) => {
            if masks != Masks::RGBX && masks != Masks::RGBA {
                metadata.push(MetadataKind::User, MASKS, masks.to_text());
            }
            let sample = if masks.depth() > 8 { SampleType::U16 } else { SampleType::U8 };
            let alpha = if masks.has_alpha() { Alpha::Straight } else { Alpha::None };
            image(masks.n_channels() as u16, sample)
                .with_colour(ColourModel::Rgb, alpha)
                .with_bits_per_sample(masks.depth() as u8)
        }
    };
    if header.resolution != [0, 0] {
        let [x, y] = header.resolution;
        metadata.push(MetadataKind::User, RESOLUTION, format!("{x} {y}"));
    }
    if let Some(space) = header.colour_space.as_ref().filter(|space| !is_plain_srgb(space)) {
        metadata.push(MetadataKind::User, COLOUR_SPACE, space.clone());
    }
    if let Some(profile) = &header.profile {
        metadata.push(MetadataKind::Icc, "", profile.clone());
    }
    if let Some(name) = &header.linked_profile {
        metadata.push(MetadataKind::User, LINKED_PROFILE, name.clone());
    }
    metadata.push(MetadataKind::SourceFormat, "", "bmp");
    Ok(SourceImage { descriptor, metadata })
}

/// True if a header says no more of its colours than one without these fields does.
fn is_plain_srgb(space: &[u8]) -> bool {
    let (name, rest) = space.split_at(4);
    let (points, intent) = rest.split_at(48);
    name == SRGB.to_le_bytes() && points.iter().all(|&b| b == 0) && matches!(intent, [0 | 4, 0, 0, 0])
}

/// True if the palette holds every gray from black to white: the image is gray, its indices are the samples.
fn is_gray_ramp(palette: &[[u16; 3]], bits: u32) -> bool {
    let max = (1_u16 << bits) - 1;
    palette.len() == usize::from(max) + 1 && (0..).zip(palette).all(|(i, rgb)| *rgb == [i * (255 / max); 3])
}

fn damaged(error: std::io::Error) -> Error {
    Error::source_format(NAME, error)
}
