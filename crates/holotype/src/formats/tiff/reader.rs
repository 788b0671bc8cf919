use super::ifd::{self, Entry};
use super::overlay::Overlay;
use super::{NAME, tag};
use crate::formats::{ImageReader, Input, SourceImage, no_image};
use crate::{
    Alpha, ColourModel, Error, ImageDescriptor, Limits, Metadata, MetadataKind, Palette, Result, SampleType,
};
use ::tiff::TiffError;
use ::tiff::decoder::{ChunkType, Decoder};

/// Opens a TIFF file.
pub(in crate::formats) fn open(mut input: Box<dyn Input>, limits: &Limits) -> Result<Box<dyn ImageReader>> {
    let (directories, is_big_endian) = ifd::read_all(input.as_mut(), limits)?;
    let patches = directories.iter().filter_map(|entries| as_gray(entries, is_big_endian)).collect();
    let mut tiff_limits = ::tiff::decoder::Limits::default();
    tiff_limits.decoding_buffer_size = usize::try_from(limits.max_decoded_bytes).unwrap_or(usize::MAX);
    tiff_limits.intermediate_buffer_size = tiff_limits.decoding_buffer_size;
    tiff_limits.ifd_value_size = usize::try_from(limits.max_metadata_bytes).unwrap_or(usize::MAX);
    let decoder = Decoder::new(Overlay::new(input, patches)).map_err(damaged)?.with_limits(tiff_limits);
    Ok(Box::new(TiffReader {
        decoder,
        directories: directories.into_iter(),
        limits: *limits,
        page: None,
        n_started: 0,
    }))
}

/// The bytes that make a directory's samples plain ones, unless they are black and white already.
fn as_gray(entries: &[Entry], is_big_endian: bool) -> Option<(u64, Vec<u8>)> {
    let entry = entries.iter().find(|e| e.tag == tag::PHOTOMETRIC)?;
    let (&lowest, rest) = entry.values.split_first()?;
    if (lowest <= 1 && rest.iter().all(|&b| b == 0)) || entry.values.len() > 8 {
        return None;
    }
    let mut one = vec![0; entry.values.len()];
    one[0] = 1;
    if is_big_endian {
        one.reverse();
    }
    Some((entry.offset_bytes, one))
}

struct TiffReader {
    decoder: Decoder<Overlay>,
    directories: std::vec::IntoIter<Vec<Entry>>,
    limits: Limits,
    page: Option<Page>,
    n_started: u64,
}

/// The image being read: rows come from one row of chunks at a time.
struct Page {
    descriptor: ImageDescriptor,
    row_bytes: usize,
    chunk_width: u32,
    chunk_height: u32,
    chunks_across: u32,
    chunks_down: u32,
    /// One plane, or one a sample.
    n_planes: u32,
    bits: u8,
    inverted: bool,
    next_chunk_row: u32,
    band: Vec<u8>,
    at: usize,
}

impl ImageReader for TiffReader {
    fn next_image(&mut self) -> Result<Option<SourceImage>> {
        self.page = None;
        let Some(entries) = self.directories.next() else { return Ok(None) };
        if self.n_started > 0 {
            self.decoder.next_image().map_err(damaged)?;
        }
        self.n_started += 1;
        let fields = Fields(&entries);
        let descriptor = describe(&fields)?;
        let n_pixels = descriptor.n_pixels();
        if n_pixels > self.limits.max_pixels {
            return Err(Error::LimitExceeded {
                what: "the number of pixels",
                found: n_pixels,
                limit: self.limits.max_pixels,
            });
        }
        let (chunk_width, chunk_height) = self.decoder.chunk_dimensions();
        let chunk_width =
            if self.decoder.get_chunk_type() == ChunkType::Strip { descriptor.width } else { chunk_width };
        let chunk_height = chunk_height.min(descriptor.height);
        if chunk_width == 0 || chunk_height == 0 {
            return Err(Error::source_format(NAME, "a strip or tile is empty"));
        }
        let row_bytes = descriptor.row_bytes().ok_or_else(|| Error::invalid("the image's size overflows"))?;
        let band_bytes = row_bytes as u64 * u64::from(chunk_height);
        if band_bytes > self.limits.max_decoded_bytes {
            return Err(Error::LimitExceeded {
                what: "the size of a strip",
                found: band_bytes,
                limit: self.limits.max_decoded_bytes,
            });
        }
        let planar = fields.number(tag::PLANAR).unwrap_or(1) == 2 && descriptor.n_channels > 1;
        self.page = Some(Page {
            row_bytes,
            chunk_width,
            chunk_height,
            chunks_across: descriptor.width.div_ceil(chunk_width),
            chunks_down: descriptor.height.div_ceil(chunk_height),
            n_planes: if planar { u32::from(descriptor.n_channels) } else { 1 },
            bits: fields.number(tag::BITS_PER_SAMPLE).unwrap_or(1) as u8,
            inverted: descriptor.colour == ColourModel::GrayInverted,
            next_chunk_row: 0,
            band: Vec::new(),
            at: 0,
            descriptor: descriptor.clone(),
        });
        Ok(Some(SourceImage { descriptor, metadata: metadata(&entries) }))
    }

    fn read_rows(&mut self, rows: &mut [u8]) -> Result<()> {
        let page = self.page.as_mut().ok_or_else(no_image)?;
        for row in rows.chunks_exact_mut(page.row_bytes) {
            if page.at == page.band.len() {
                page.fill(&mut self.decoder)?;
            }
            let part = page.band.get(page.at..page.at + page.row_bytes).ok_or_else(no_image)?;
            row.copy_from_slice(part);
            page.at += page.row_bytes;
        }
        Ok(())
    }

    fn is_streaming(&self) -> bool {
        self.page.as_ref().is_some_and(|page| page.chunks_down > 1)
    }
}

impl Page {
    /// Decodes the next row of chunks into the band.
    fn fill(&mut self, decoder: &mut Decoder<Overlay>) -> Result<()> {
        let row = self.next_chunk_row;
        if row >= self.chunks_down {
            return Err(no_image());
        }
        self.next_chunk_row += 1;
        let first_y = row * self.chunk_height;
        let n_rows = self.chunk_height.min(self.descriptor.height - first_y) as usize;
        self.band.clear();
        self.band.resize(self.row_bytes * n_rows, 0);
        self.at = 0;
        let sample_bytes = self.descriptor.sample.n_bytes();
        let channels_in_chunk = if self.n_planes == 1 { usize::from(self.descriptor.n_channels) } else { 1 };
        let mut chunk = Vec::new();
        for plane in 0..self.n_planes {
            for column in 0..self.chunks_across {
                let index = (plane * self.chunks_down + row) * self.chunks_across + column;
                let x = column * self.chunk_width;
                let width = self.chunk_width.min(self.descriptor.width - x) as usize;
                let packed_row_bytes = (width * channels_in_chunk * usize::from(self.bits)).div_ceil(8);
                chunk.clear();
                chunk.resize(packed_row_bytes * n_rows, 0);
                let (data_width, data_height) = decoder.chunk_data_dimensions(index);
                if (data_width as usize, data_height as usize) != (width, n_rows) {
                    return Err(Error::source_format(NAME, "a strip or tile has an unexpected size"));
                }
                decoder.read_chunk_bytes(index, &mut chunk).map_err(damaged)?;
                for (y, packed) in chunk.chunks_exact(packed_row_bytes).enumerate() {
                    let out = &mut self.band[y * self.row_bytes..(y + 1) * self.row_bytes];
                    let pixel_bytes = self.descriptor.pixel_bytes();
                    let first = x as usize * pixel_bytes + plane as usize * sample_bytes;
                    if self.bits < 8 {
                        let samples = &mut out[first..];
                        let step = if self.n_planes == 1 { 1 } else { pixel_bytes };
                        unpack(
                            packed,
                            self.bits,
                            samples.iter_mut().step_by(step).take(width * channels_in_chunk),
                        );
                    } else if self.n_planes == 1 {
                        out[first..first + packed.len()].copy_from_slice(packed);
                    } else {
                        for (i, sample) in packed.chunks_exact(sample_bytes).enumerate() {
                            let at = first + i * pixel_bytes;
                            out[at..at + sample_bytes].copy_from_slice(sample);
                        }
                    }
                }
            }
        }
        if self.inverted {
            // The decoder turns white-is-zero into black-is-zero; the samples are kept as they lie in the file.
            let mask = if self.bits < 8 { (1 << self.bits) - 1 } else { 0xff };
            self.band.iter_mut().for_each(|b| *b = !*b & mask);
        }
        if cfg!(target_endian = "big") && sample_bytes > 1 {
            self.band.chunks_exact_mut(sample_bytes).for_each(<[u8]>::reverse);
        }
        Ok(())
    }
}

fn unpack<'a>(packed: &[u8], bits: u8, out: impl Iterator<Item = &'a mut u8>) {
    let bits = usize::from(bits);
    let per_byte = 8 / bits;
    for (i, sample) in out.enumerate() {
        let shift = 8 - bits * (i % per_byte + 1);
        *sample = packed.get(i / per_byte).map_or(0, |byte| byte >> shift & ((1_u16 << bits) - 1) as u8);
    }
}

/// Typed looks at a directory.
struct Fields<'a>(&'a [Entry]);

impl Fields<'_> {
    fn numbers(&self, tag: u16) -> Vec<u64> {
        let Some(entry) = self.0.iter().find(|e| e.tag == tag) else { return Vec::new() };
        let Some((size, _)) = ifd::value_bytes(entry.field_type) else { return Vec::new() };
        let fold = |bytes: &[u8]| bytes.iter().rev().fold(0, |n, b| n << 8 | u64::from(*b));
        entry.values.chunks_exact(size).map(fold).collect()
    }

    fn number(&self, tag: u16) -> Option<u64> {
        self.numbers(tag).first().copied()
    }
}

fn describe(fields: &Fields<'_>) -> Result<ImageDescriptor> {
    let unsupported = |what: String| Err(Error::unsupported(format!("TIFF with {what}")));
    let size = |tag| fields.number(tag).and_then(|n| u32::try_from(n).ok()).filter(|n| *n > 0);
    let (Some(width), Some(height)) = (size(tag::WIDTH), size(tag::HEIGHT)) else {
        return Err(Error::source_format(NAME, "the image has no size"));
    };
    let compression = fields.number(tag::COMPRESSION).unwrap_or(1);
    if matches!(compression, 6 | 7) {
        return unsupported("JPEG compression: it is lossy, keep the file itself".into());
    }
    let n_channels = u16::try_from(fields.number(tag::SAMPLES_PER_PIXEL).unwrap_or(1)).unwrap_or(0);
    let bits = fields.numbers(tag::BITS_PER_SAMPLE);
    let first_bits = bits.first().copied().unwrap_or(1);
    if bits.iter().any(|b| *b != first_bits) {
        return unsupported(format!("channels of different depths {bits:?}"));
    }
    let formats = fields.numbers(tag::SAMPLE_FORMAT);
    let format = formats.first().copied().unwrap_or(1);
    if formats.iter().any(|f| *f != format) {
        return unsupported("channels of different sample formats".into());
    }
    let sample = match (format, first_bits) {
        (1 | 4, 1) => SampleType::Bool,
        (1 | 4, 2 | 4 | 8) => SampleType::U8,
        (1 | 4, 16) => SampleType::U16,
        (1 | 4, 32) => SampleType::U32,
        (1 | 4, 64) => SampleType::U64,
        (2, 8) => SampleType::I8,
        (2, 16) => SampleType::I16,
        (2, 32) => SampleType::I32,
        (2, 64) => SampleType::I64,
        (3, 16) => SampleType::F16,
        (3, 32) => SampleType::F32,
        (3, 64) => SampleType::F64,
        _ => return unsupported(format!("samples of {first_bits} bit in format {format}")),
    };
    let extra = fields.numbers(tag::EXTRA_SAMPLES);
    let photometric = fields.number(tag::PHOTOMETRIC).unwrap_or(1);
    let (colour, n_colour) = match photometric {
        0 => (ColourModel::GrayInverted, 1),
        1 => (ColourModel::Gray, 1),
        2 => (ColourModel::Rgb, 3),
        3 => (ColourModel::Palette, 1),
        5 => (ColourModel::Cmyk, 4),
        6 if fields.numbers(tag::YCBCR_SUBSAMPLING) != [1, 1] => {
            return unsupported("subsampled YCbCr samples".into());
        }
        6 => (ColourModel::YCbCr, 3),
        8 => (ColourModel::Lab, 3),
        // Masks, ICC and ITU Lab, colour filters, linear sensors, logarithmic luminance: samples as they are.
        4 | 9 | 10 | 32803 | 34892 | 32844 | 32845 => (ColourModel::Channels, 1),
        other => return unsupported(format!("photometric interpretation {other}")),
    };
    if colour == ColourModel::GrayInverted && (format != 1 || n_channels != 1) {
        return unsupported("white-is-zero samples that are not one channel of unsigned integers".into());
    }
    let alpha = match extra.first() {
        Some(1) if n_channels > n_colour => Alpha::Premultiplied,
        Some(2) if n_channels > n_colour => Alpha::Straight,
        _ => Alpha::None,
    };
    let mut image = ImageDescriptor::new(width, height, n_channels, sample)
        .with_colour(colour, alpha)
        .with_bits_per_sample(first_bits as u8);
    if colour == ColourModel::Gray && n_channels > 1 && alpha == Alpha::None {
        image.colour = ColourModel::Channels;
    }
    if colour == ColourModel::Palette {
        let map = fields.numbers(tag::COLOR_MAP);
        let (components, []) = map.as_chunks::<3>() else {
            return Err(Error::source_format(NAME, "the colour map is not a whole number of entries"));
        };
        let n = components.len();
        let rgb = (0..n).map(|i| [map[i] as u16, map[n + i] as u16, map[2 * n + i] as u16]).collect();
        image = image.with_palette(Palette { bits: 16, rgb, alpha: Vec::new() });
    }
    image.validate().map_err(|e| Error::source_format(NAME, e))?;
    Ok(image)
}

fn metadata(entries: &[Entry]) -> Metadata {
    let mut metadata = Metadata::default();
    let is_kept = |e: &&Entry| {
        let is_odd = e.tag == tag::PHOTOMETRIC && !matches!(e.values.as_slice(), [0..=3 | 5 | 6 | 8, 0, ..]);
        is_odd || !tag::STRUCTURAL.contains(&e.tag)
    };
    for entry in entries.iter().filter(is_kept) {
        match entry.tag {
            tag::ICC => metadata.push(MetadataKind::Icc, "", entry.values.clone()),
            tag::XMP => metadata.push(MetadataKind::Xmp, "", entry.values.clone()),
            tag::IPTC if entry.field_type != 4 => metadata.push(MetadataKind::Iptc, "", entry.values.clone()),
            tag::EXIF_IFD | tag::GPS_IFD => {
                for child in &entry.children {
                    push(&mut metadata, format!("{}/{}", entry.tag, child.tag), child);
                }
            }
            number => push(&mut metadata, number.to_string(), entry),
        }
    }
    metadata.push(MetadataKind::SourceFormat, "", "tiff");
    metadata
}

fn push(metadata: &mut Metadata, key: String, entry: &Entry) {
    let data = [&entry.field_type.to_le_bytes()[..], &entry.values].concat();
    metadata.push(MetadataKind::TiffTag, key, data);
}

fn damaged(error: TiffError) -> Error {
    match error {
        TiffError::UnsupportedError(e) => Error::unsupported(format!("TIFF: {e}")),
        TiffError::LimitsExceeded => Error::unsupported("TIFF whose strips exceed the size limit"),
        other => Error::source_format(NAME, other),
    }
}
