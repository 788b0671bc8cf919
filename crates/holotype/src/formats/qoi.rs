//! QOI, "the quite OK image format", as its one-page specification says. Read and written row by row.

use super::held::{check_size, read_bytes};
use super::{
    ImageReader, ImageWriter, Input, Output, SourceImage, beyond_rgb8, lost_metadata, no_image, refuse,
};
use crate::{Error, ImageDescriptor, Limits, Metadata, MetadataKind, Result, SampleType};
use std::io::Read as _;

const NAME: &str = "QOI";
/// Key of the [`MetadataKind::User`] entry for a colour space byte other than 0, decimal.
const COLOUR_SPACE: &str = "qoi:colour-space";
const END: [u8; 8] = [0, 0, 0, 0, 0, 0, 0, 1];

type Pixel = [u8; 4];

/// What both sides know of the pixels so far.
struct Seen {
    table: [Pixel; 64],
    last: Pixel,
    /// How often the last pixel still repeats (reader), or did since the last code (writer).
    run: u8,
}

impl Seen {
    fn new() -> Self {
        Self { table: [[0; 4]; 64], last: [0, 0, 0, 255], run: 0 }
    }

    fn slot([r, g, b, a]: Pixel) -> usize {
        (usize::from(r) * 3 + usize::from(g) * 5 + usize::from(b) * 7 + usize::from(a) * 11) % 64
    }
}

/// Opens a QOI file.
pub(super) fn open(mut input: Box<dyn Input>, limits: &Limits) -> Result<Box<dyn ImageReader>> {
    let head = read_bytes(NAME, input.as_mut(), 14)?;
    let side = |at: usize| u32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    let (width, height, n_channels, space) = (side(4), side(8), head[12], head[13]);
    if !matches!(n_channels, 3 | 4) {
        return Err(Error::source_format(NAME, format!("{n_channels} channels")));
    }
    let descriptor = ImageDescriptor::new(width, height, u16::from(n_channels), SampleType::U8);
    check_size(NAME, &descriptor, limits)?;
    let mut metadata = Metadata::default();
    if space != 0 {
        metadata.push(MetadataKind::User, COLOUR_SPACE, space.to_string());
    }
    metadata.push(MetadataKind::SourceFormat, "", "qoi");
    Ok(Box::new(QoiReader {
        input,
        n_pixels_left: descriptor.n_pixels(),
        n_channels: usize::from(n_channels),
        image: Some(SourceImage { descriptor, metadata }),
        seen: Seen::new(),
    }))
}

struct QoiReader {
    input: Box<dyn Input>,
    image: Option<SourceImage>,
    n_channels: usize,
    n_pixels_left: u64,
    seen: Seen,
}

impl QoiReader {
    fn byte(&mut self) -> Result<u8> {
        let mut byte = [0];
        self.input.read_exact(&mut byte).map_err(damaged)?;
        Ok(byte[0])
    }

    fn pixel(&mut self) -> Result<Pixel> {
        if self.seen.run > 0 {
            self.seen.run -= 1;
            return Ok(self.seen.last);
        }
        let [r, g, b, a] = self.seen.last;
        let code = self.byte()?;
        let pixel = match (code, code >> 6) {
            (0xfe, _) => [self.byte()?, self.byte()?, self.byte()?, a],
            (0xff, _) => [self.byte()?, self.byte()?, self.byte()?, self.byte()?],
            (_, 0) => self.seen.table[usize::from(code)],
            (_, 1) => {
                let step = |shift: u32| (code >> shift & 3).wrapping_sub(2);
                [r.wrapping_add(step(4)), g.wrapping_add(step(2)), b.wrapping_add(step(0)), a]
            }
            (_, 2) => {
                let green = (code & 63).wrapping_sub(32);
                let others = self.byte()?;
                let step = |n: u8| green.wrapping_add(n).wrapping_sub(8);
                let (red, blue) = (step(others >> 4), step(others & 15));
                [r.wrapping_add(red), g.wrapping_add(green), b.wrapping_add(blue), a]
            }
            _ => {
                self.seen.run = code & 63;
                self.seen.last
            }
        };
        self.seen.table[Seen::slot(pixel)] = pixel;
        self.seen.last = pixel;
        Ok(pixel)
    }
}

impl ImageReader for QoiReader {
    fn next_image(&mut self) -> Result<Option<SourceImage>> {
        Ok(self.image.take())
    }

    fn read_rows(&mut self, rows: &mut [u8]) -> Result<()> {
        let n = (rows.len() / self.n_channels) as u64;
        if self.image.is_some() || n > self.n_pixels_left {
            return Err(no_image());
        }
        for out in rows.chunks_exact_mut(self.n_channels) {
            let pixel = self.pixel()?;
            if out.len() == 3 && pixel[3] != 255 {
                return Err(Error::unsupported("QOI of three channels with pixels that are not opaque"));
            }
            out.copy_from_slice(&pixel[..out.len()]);
        }
        self.n_pixels_left -= n;
        if self.n_pixels_left == 0 {
            if self.seen.run > 0 || read_bytes(NAME, self.input.as_mut(), 8)? != END {
                return Err(Error::source_format(NAME, "the end marker is missing"));
            }
            if self.input.read(&mut [0]).map_err(damaged)? > 0 {
                return Err(Error::unsupported("the QOI file is followed by other data"));
            }
        }
        Ok(())
    }

    fn is_streaming(&self) -> bool {
        true
    }
}

/// Starts a QOI file.
pub(super) fn create<'a>(
    out: Box<dyn Output + 'a>,
    allow_metadata_loss: bool,
) -> Result<Box<dyn ImageWriter + 'a>> {
    Ok(Box::new(QoiWriter { out, allow_metadata_loss, n_channels: None, seen: Seen::new() }))
}

struct QoiWriter<'a> {
    out: Box<dyn Output + 'a>,
    allow_metadata_loss: bool,
    n_channels: Option<usize>,
    seen: Seen,
}

impl ImageWriter for QoiWriter<'_> {
    fn start_image(&mut self, image: &SourceImage) -> Result<()> {
        let SourceImage { descriptor: d, metadata } = image;
        let samples = beyond_rgb8(d);
        let lost = lost_metadata(metadata, |e| {
            e.kind == MetadataKind::SourceFormat || (e.kind == MetadataKind::User && e.key == COLOUR_SPACE)
        });
        refuse(NAME, (samples, lost), self.allow_metadata_loss)?;
        if self.n_channels.is_some() {
            return Err(Error::invalid("a QOI file holds one image"));
        }
        self.n_channels = Some(usize::from(d.n_channels));
        let space = metadata.get_key(MetadataKind::User, COLOUR_SPACE);
        let space = space.and_then(|text| std::str::from_utf8(text).ok()?.parse().ok()).unwrap_or(0);
        let mut head = b"qoif".to_vec();
        head.extend_from_slice(&d.width.to_be_bytes());
        head.extend_from_slice(&d.height.to_be_bytes());
        head.extend_from_slice(&[d.n_channels as u8, space]);
        self.out.write_all(&head).map_err(output_error)
    }

    fn write_rows(&mut self, rows: &[u8]) -> Result<()> {
        let n_channels = self.n_channels.ok_or_else(no_image)?;
        let mut coded = Vec::with_capacity(rows.len() / 2);
        for pixel in rows.chunks_exact(n_channels) {
            self.seen.put([pixel[0], pixel[1], pixel[2], *pixel.get(3).unwrap_or(&255)], &mut coded);
        }
        self.out.write_all(&coded).map_err(output_error)
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        let mut end = Vec::new();
        self.seen.end_run(&mut end);
        end.extend_from_slice(&END);
        self.out.write_all(&end).and_then(|()| self.out.flush()).map_err(output_error)
    }
}

impl Seen {
    fn end_run(&mut self, out: &mut Vec<u8>) {
        if self.run > 0 {
            out.push(0xc0 | (self.run - 1));
            self.run = 0;
        }
    }

    fn put(&mut self, pixel: Pixel, out: &mut Vec<u8>) {
        if pixel == self.last {
            self.run += 1;
            if self.run == 62 {
                self.end_run(out);
            }
            return;
        }
        self.end_run(out);
        let slot = Self::slot(pixel);
        let before = std::mem::replace(&mut self.last, pixel);
        if self.table[slot] == pixel {
            out.push(slot as u8);
            return;
        }
        self.table[slot] = pixel;
        let [r, g, b, a] = pixel;
        if a != before[3] {
            out.extend_from_slice(&[0xff, r, g, b, a]);
            return;
        }
        let [dr, dg, db] = [0, 1, 2].map(|c| pixel[c].wrapping_sub(before[c]));
        let small = [dr, dg, db].map(|d| d.wrapping_add(2));
        let (green, red, blue) =
            (dg.wrapping_add(32), dr.wrapping_sub(dg).wrapping_add(8), db.wrapping_sub(dg).wrapping_add(8));
        if small.iter().all(|&d| d < 4) {
            out.push(0x40 | small[0] << 4 | small[1] << 2 | small[2]);
        } else if green < 64 && red < 16 && blue < 16 {
            out.extend_from_slice(&[0x80 | green, red << 4 | blue]);
        } else {
            out.extend_from_slice(&[0xfe, r, g, b]);
        }
    }
}

fn damaged(error: std::io::Error) -> Error {
    Error::source_format(NAME, error)
}

fn output_error(source: std::io::Error) -> Error {
    Error::io("the QOI file", source)
}
