use super::NAME;
use super::chunks::{self, Chunks};
use crate::formats::{ImageReader, Input, SourceImage, no_image};
use crate::{Alpha, ColourModel, Error, ImageDescriptor, Limits, MetadataKind, Palette, Result, SampleType};
use png::{BitDepth, ColorType, Decoder, Reader, Transformations};

/// Opens a PNG file.
pub(in crate::formats) fn open<'a, I: Input + 'a>(
    mut input: I,
    limits: &Limits,
) -> Result<Box<dyn ImageReader + 'a>> {
    let chunks = chunks::read(&mut input, limits, false)?;
    let mut decoder = Decoder::new_with_limits(input, png::Limits { bytes: 256 << 20 });
    decoder.set_transformations(Transformations::IDENTITY);
    decoder.ignore_checksums(false);
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    let header = decoder.read_header_info().map_err(damaged)?;
    let (width, height) = header.size();
    let n_pixels = u64::from(width) * u64::from(height);
    if n_pixels > limits.max_pixels {
        return Err(Error::LimitExceeded {
            what: "the number of pixels",
            found: n_pixels,
            limit: limits.max_pixels,
        });
    }
    let decoder = decoder.read_info().map_err(damaged)?;
    Ok(Box::new(PngReader {
        decoder,
        chunks: Some(chunks),
        max_bytes: limits.max_decoded_bytes,
        state: State::Start,
    }))
}

struct PngReader<I: Input> {
    decoder: Reader<I>,
    chunks: Option<Chunks>,
    max_bytes: u64,
    state: State,
}

enum State {
    Start,
    /// Rows come from the decoder.
    Rows {
        row_bytes: usize,
        depth: BitDepth,
        n_left: u32,
    },
    /// An interlaced image, decoded whole; rows come from here.
    Whole {
        samples: Vec<u8>,
        at: usize,
        packed_row_bytes: usize,
        row_bytes: usize,
        depth: BitDepth,
    },
    End,
}

impl<I: Input> ImageReader for PngReader<I> {
    fn next_image(&mut self) -> Result<Option<SourceImage>> {
        let Some(chunks) = self.chunks.take() else {
            self.state = State::End;
            return Ok(None);
        };
        let info = self.decoder.info();
        let (depth, interlaced, height) = (info.bit_depth, info.interlaced, info.height);
        let image = describe(info, chunks)?;
        let row_bytes =
            image.descriptor.row_bytes().ok_or_else(|| Error::invalid("the image's size overflows"))?;
        self.state = if interlaced {
            let packed_row_bytes = self.decoder.output_line_size(info_width(&image)).unwrap_or(usize::MAX);
            let n_bytes = packed_row_bytes as u64 * u64::from(height);
            if n_bytes > self.max_bytes {
                return Err(Error::LimitExceeded {
                    what: "the size of an interlaced image",
                    found: n_bytes,
                    limit: self.max_bytes,
                });
            }
            let mut samples = vec![0; n_bytes as usize];
            self.decoder.next_frame(&mut samples).map_err(damaged)?;
            self.decoder.finish().map_err(damaged)?;
            State::Whole { samples, at: 0, packed_row_bytes, row_bytes, depth }
        } else {
            State::Rows { row_bytes, depth, n_left: height }
        };
        Ok(Some(image))
    }

    fn read_rows(&mut self, rows: &mut [u8]) -> Result<()> {
        match &mut self.state {
            State::Rows { row_bytes, depth, n_left } => {
                for row in rows.chunks_exact_mut(*row_bytes) {
                    let packed = self.decoder.next_row().map_err(damaged)?;
                    let packed = packed.ok_or_else(|| Error::source_format(NAME, "rows are missing"))?;
                    unpack(packed.data(), *depth, row);
                    *n_left = n_left.saturating_sub(1);
                    if *n_left == 0 {
                        // Reads on to the end: the checksums of the image data stand there.
                        self.decoder.finish().map_err(damaged)?;
                    }
                }
            }
            State::Whole { samples, at, packed_row_bytes, row_bytes, depth } => {
                for row in rows.chunks_exact_mut(*row_bytes) {
                    let packed = samples.get(*at..*at + *packed_row_bytes).ok_or_else(no_image)?;
                    unpack(packed, *depth, row);
                    *at += *packed_row_bytes;
                }
            }
            State::Start | State::End => return Err(no_image()),
        }
        Ok(())
    }

    fn is_streaming(&self) -> bool {
        !self.decoder.info().interlaced
    }
}

fn info_width(image: &SourceImage) -> u32 {
    image.descriptor.width
}

fn describe(info: &png::Info<'_>, chunks: Chunks) -> Result<SourceImage> {
    let Chunks { mut metadata, palette, transparency } = chunks;
    metadata.push(MetadataKind::SourceFormat, "", "png");
    let bits = info.bit_depth as u8;
    let n_channels = info.color_type.samples() as u16;
    let sample = match (info.color_type, info.bit_depth) {
        (ColorType::Grayscale, BitDepth::One) => SampleType::Bool,
        (_, BitDepth::Sixteen) => SampleType::U16,
        _ => SampleType::U8,
    };
    let mut descriptor =
        ImageDescriptor::new(info.width, info.height, n_channels, sample).with_bits_per_sample(bits);
    if info.color_type == ColorType::Indexed {
        let rgb = palette.ok_or_else(|| Error::source_format(NAME, "the palette is missing"))?;
        let (entries, []) = rgb.as_chunks::<3>() else {
            return Err(Error::source_format(NAME, "the palette is not a whole number of entries"));
        };
        let rgb = entries.iter().map(|entry| entry.map(u16::from)).collect();
        descriptor =
            descriptor.with_palette(Palette { bits: 8, rgb, alpha: transparency.unwrap_or_default() });
    } else {
        let (colour, alpha) = match info.color_type {
            ColorType::Grayscale => (ColourModel::Gray, Alpha::None),
            ColorType::GrayscaleAlpha => (ColourModel::Gray, Alpha::Straight),
            ColorType::Rgba => (ColourModel::Rgb, Alpha::Straight),
            _ => (ColourModel::Rgb, Alpha::None),
        };
        descriptor = descriptor.with_colour(colour, alpha);
        for (name, data) in [("PLTE", palette), ("tRNS", transparency)] {
            if let Some(data) = data {
                metadata.push(MetadataKind::PngChunk, name, data);
            }
        }
    }
    descriptor.validate().map_err(|e| Error::source_format(NAME, e))?;
    Ok(SourceImage { descriptor, metadata })
}

/// One packed row as samples: 1, 2 and 4 bit take a byte each, 16 bit become little-endian.
fn unpack(packed: &[u8], depth: BitDepth, row: &mut [u8]) {
    match depth {
        BitDepth::Eight => row.copy_from_slice(&packed[..row.len()]),
        BitDepth::Sixteen => {
            for (out, sample) in row.chunks_exact_mut(2).zip(packed.chunks_exact(2)) {
                out.copy_from_slice(&[sample[1], sample[0]]);
            }
        }
        small => {
            let bits = small as usize;
            let per_byte = 8 / bits;
            let mask = (1_u8 << bits) - 1;
            for (x, out) in row.iter_mut().enumerate() {
                let shift = 8 - bits * (x % per_byte + 1);
                *out = packed.get(x / per_byte).map_or(0, |byte| byte >> shift & mask);
            }
        }
    }
}

fn damaged(error: png::DecodingError) -> Error {
    match error {
        png::DecodingError::LimitsExceeded => Error::unsupported("PNG whose rows need more than 256 MiB"),
        other => Error::source_format(NAME, other),
    }
}
