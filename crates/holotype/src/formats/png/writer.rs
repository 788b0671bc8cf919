use super::{AFTER_IEND, NAME, XMP_KEYWORD};
use crate::formats::{ImageWriter, Output, SourceImage, no_image, refuse, resolution};
use crate::{
    Alpha, ChannelOrder, ColourModel, Error, ImageDescriptor, Metadata, MetadataEntry, MetadataKind, Result,
    SampleType,
};
use flate2::{Compression, write::ZlibEncoder};
use std::io::Write;

/// Bytes of image data in one chunk.
pub(super) const IDAT_BYTES: usize = 1 << 16;
/// Chunks that stand before the palette.
const BEFORE_PALETTE: [&str; 7] = ["cHRM", "gAMA", "sBIT", "sRGB", "cICP", "mDCV", "cLLI"];

/// What PNG cannot hold of an image: (samples, metadata).
pub(super) fn losses(image: &SourceImage) -> (Vec<String>, Vec<String>) {
    let SourceImage { descriptor, metadata } = image;
    let mut samples = Vec::new();
    if colour_type(descriptor).is_none() {
        samples.push(format!(
            "{} {} samples in {} channels with {} alpha",
            descriptor.colour.name(),
            descriptor.sample.name(),
            descriptor.n_channels,
            descriptor.alpha.name()
        ));
    }
    if depth(descriptor).is_none() {
        samples.push(format!("{} samples of {} bit", descriptor.sample.name(), descriptor.bits_per_sample));
    }
    if descriptor.palette.as_ref().is_some_and(|p| p.bits != 8 || p.rgb.len() > 256) {
        samples.push("a palette of more than 8 bit".into());
    }
    if !descriptor.channel_names.is_empty() {
        samples.push("channel names".into());
    }
    let held = |e: &&MetadataEntry| {
        matches!(
            e.kind,
            MetadataKind::Icc
                | MetadataKind::Exif
                | MetadataKind::Xmp
                | MetadataKind::PngChunk
                | MetadataKind::SourceFormat
                | MetadataKind::Text
        ) || (e.kind == MetadataKind::User && e.key == AFTER_IEND)
            || resolution::is_in_png(metadata, e)
    };
    let lost = metadata.entries.iter().filter(|e| !held(e)).map(|e| format!("{} {}", e.kind.name(), e.key));
    (samples, lost.collect())
}

/// Starts a PNG file.
pub(in crate::formats) fn create<'a>(
    out: Box<dyn Output + 'a>,
    allow_metadata_loss: bool,
) -> Result<Box<dyn ImageWriter + 'a>> {
    Ok(Box::new(PngWriter { out: Some(Chunked { out }), allow_metadata_loss, image: None }))
}

struct PngWriter<'a> {
    out: Option<Chunked<Box<dyn Output + 'a>>>,
    allow_metadata_loss: bool,
    image: Option<InImage<'a>>,
}

struct InImage<'a> {
    data: ZlibEncoder<Idat<Box<dyn Output + 'a>>>,
    descriptor: ImageDescriptor,
    metadata: Metadata,
    depth: u8,
    filter: Filter,
}

impl ImageWriter for PngWriter<'_> {
    fn start_image(&mut self, image: &SourceImage) -> Result<()> {
        refuse(NAME, losses(image), self.allow_metadata_loss)?;
        let mut out = self.out.take().ok_or_else(|| Error::invalid("a PNG file holds one image"))?;
        let SourceImage { descriptor, metadata } = image;
        let (Some(colour), Some(depth)) = (colour_type(descriptor), depth(descriptor)) else {
            return Err(no_image());
        };
        write_head(&mut out, descriptor, metadata, colour, depth).map_err(output_error)?;
        let packed_pixel_bits = usize::from(depth) * usize::from(descriptor.n_channels);
        let row_bytes = (descriptor.width as usize * packed_pixel_bits).div_ceil(8);
        let idat = Idat { out, buffer: Vec::with_capacity(IDAT_BYTES) };
        self.image = Some(InImage {
            data: ZlibEncoder::new(idat, Compression::new(6)),
            descriptor: descriptor.clone(),
            metadata: metadata.clone(),
            depth,
            filter: Filter::new(
                row_bytes,
                packed_pixel_bits.div_ceil(8),
                depth >= 8 && descriptor.palette.is_none(),
            ),
        });
        Ok(())
    }

    fn write_rows(&mut self, rows: &[u8]) -> Result<()> {
        let InImage { data, descriptor, depth, filter, .. } = self.image.as_mut().ok_or_else(no_image)?;
        let row_bytes = descriptor.row_bytes().ok_or_else(no_image)?;
        for row in rows.chunks_exact(row_bytes) {
            pack(row, *depth, &mut filter.row);
            data.write_all(filter.next()).map_err(output_error)?;
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<()> {
        let InImage { data, metadata, .. } = self.image.ok_or_else(no_image)?;
        let mut out = data.finish().and_then(Idat::finish).map_err(output_error)?;
        out.chunk(*b"IEND", &[]).map_err(output_error)?;
        if let Some(after) = metadata.get_key(MetadataKind::User, AFTER_IEND) {
            out.out.write_all(after).map_err(output_error)?;
        }
        out.out.flush().map_err(output_error)
    }
}

pub(super) fn output_error(source: std::io::Error) -> Error {
    Error::io("the PNG file", source)
}

pub(super) fn colour_type(image: &ImageDescriptor) -> Option<u8> {
    if image.order != ChannelOrder::Rgb {
        return None;
    }
    match (image.colour, image.alpha, image.n_channels) {
        (ColourModel::Gray, Alpha::None, 1) => Some(0),
        (ColourModel::Rgb, Alpha::None, 3) => Some(2),
        (ColourModel::Palette, Alpha::None, 1) => Some(3),
        (ColourModel::Gray, Alpha::Straight, 2) => Some(4),
        (ColourModel::Rgb, Alpha::Straight, 4) => Some(6),
        _ => None,
    }
}

pub(super) fn depth(image: &ImageDescriptor) -> Option<u8> {
    let may_be_small = image.n_channels == 1;
    match (image.sample, image.bits_per_sample) {
        (SampleType::Bool, 1) if may_be_small => Some(1),
        (SampleType::U8, bits @ (1 | 2 | 4)) if may_be_small => Some(bits),
        (SampleType::U8, 8) => Some(8),
        (SampleType::U16, 16) => Some(16),
        _ => None,
    }
}

pub(super) fn write_head<W: Write>(
    out: &mut Chunked<W>,
    image: &ImageDescriptor,
    metadata: &Metadata,
    colour: u8,
    depth: u8,
) -> std::io::Result<()> {
    out.out.write_all(b"\x89PNG\r\n\x1a\n")?;
    let mut header = [0; 13];
    header[..4].copy_from_slice(&image.width.to_be_bytes());
    header[4..8].copy_from_slice(&image.height.to_be_bytes());
    header[8] = depth;
    header[9] = colour;
    out.chunk(*b"IHDR", &header)?;
    let stands_first = |e: &MetadataEntry| {
        e.kind == MetadataKind::Icc
            || (e.kind == MetadataKind::PngChunk && BEFORE_PALETTE.contains(&e.key.as_str()))
    };
    for entry in metadata.entries.iter().filter(|e| stands_first(e)) {
        write_entry(out, entry)?;
    }
    if let Some(palette) = &image.palette {
        let rgb: Vec<u8> = palette.rgb.iter().flatten().map(|&v| v as u8).collect();
        out.chunk(*b"PLTE", &rgb)?;
        if !palette.alpha.is_empty() {
            out.chunk(*b"tRNS", &palette.alpha)?;
        }
    }
    for entry in metadata.entries.iter().filter(|e| !stands_first(e)) {
        write_entry(out, entry)?;
    }
    match resolution::for_png(metadata) {
        Some(chunk) => out.chunk(*b"pHYs", &chunk),
        None => Ok(()),
    }
}

fn write_entry<W: Write>(out: &mut Chunked<W>, entry: &MetadataEntry) -> std::io::Result<()> {
    let MetadataEntry { kind, key, data } = entry;
    match kind {
        MetadataKind::Icc => {
            let name = if key.is_empty() { "icc" } else { key };
            let mut chunk: Vec<u8> =
                name.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')).collect();
            chunk.extend_from_slice(&[0, 0]);
            let mut packer = ZlibEncoder::new(chunk, Compression::best());
            packer.write_all(data)?;
            out.chunk(*b"iCCP", &packer.finish()?)
        }
        MetadataKind::Exif => out.chunk(*b"eXIf", data),
        MetadataKind::Xmp => out.chunk(*b"iTXt", &[XMP_KEYWORD, &[0; 5], data.as_slice()].concat()),
        MetadataKind::Text => out.chunk(*b"iTXt", &[key.as_bytes(), &[0; 5], data.as_slice()].concat()),
        MetadataKind::PngChunk => match <[u8; 4]>::try_from(key.as_bytes()) {
            Ok(kind) if kind.iter().all(u8::is_ascii_alphabetic) => out.chunk(kind, data),
            _ => Err(std::io::Error::new(std::io::ErrorKind::InvalidData, "a chunk type has four letters")),
        },
        _ => Ok(()),
    }
}

/// Samples as PNG packs them: small depths most significant first, 16 bit big-endian.
pub(crate) fn pack(row: &[u8], depth: u8, packed: &mut [u8]) {
    match depth {
        8 => packed.copy_from_slice(&row[..packed.len()]),
        16 => {
            for (out, sample) in packed.chunks_exact_mut(2).zip(row.chunks_exact(2)) {
                out.copy_from_slice(&[sample[1], sample[0]]);
            }
        }
        small => {
            packed.fill(0);
            let per_byte = 8 / usize::from(small);
            for (x, sample) in row.iter().enumerate() {
                let shift = 8 - usize::from(small) * (x % per_byte + 1);
                packed[x / per_byte] |= sample << shift;
            }
        }
    }
}

/// Writes chunks with their CRC.
pub(crate) struct Chunked<W> {
    pub(crate) out: W,
}

impl<W: Write> Chunked<W> {
    pub(crate) fn chunk(&mut self, kind: [u8; 4], data: &[u8]) -> std::io::Result<()> {
        let n_bytes = u32::try_from(data.len()).map_err(|_| {
            std::io::Error::new(std::io::ErrorKind::InvalidInput, "a PNG chunk is longer than 4 GiB")
        })?;
        let mut crc = flate2::Crc::new();
        crc.update(&kind);
        crc.update(data);
        self.out.write_all(&n_bytes.to_be_bytes())?;
        self.out.write_all(&kind)?;
        self.out.write_all(data)?;
        self.out.write_all(&crc.sum().to_be_bytes())
    }
}

/// Cuts compressed image data into chunks.
struct Idat<W> {
    out: Chunked<W>,
    buffer: Vec<u8>,
}

impl<W: Write> Idat<W> {
    fn finish(mut self) -> std::io::Result<Chunked<W>> {
        if !self.buffer.is_empty() {
            self.out.chunk(*b"IDAT", &self.buffer)?;
        }
        Ok(self.out)
    }
}

impl<W: Write> Write for Idat<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        while self.buffer.len() >= IDAT_BYTES {
            self.out.chunk(*b"IDAT", &self.buffer[..IDAT_BYTES])?;
            self.buffer.drain(..IDAT_BYTES);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Chooses each row's filter by the smallest sum of absolute residuals (PNG, section 12.7).
pub(super) struct Filter {
    pub(super) row: Vec<u8>,
    above: Vec<u8>,
    best: Vec<u8>,
    trial: Vec<u8>,
    pixel_bytes: usize,
    adaptive: bool,
}

impl Filter {
    pub(super) fn new(row_bytes: usize, pixel_bytes: usize, adaptive: bool) -> Self {
        let zeros = vec![0; row_bytes];
        Self { row: zeros.clone(), above: zeros, best: Vec::new(), trial: Vec::new(), pixel_bytes, adaptive }
    }

    /// The filtered row, filter type first.
    pub(super) fn next(&mut self) -> &[u8] {
        let Self { row, above, best, trial, pixel_bytes, adaptive } = self;
        let mut best_cost = u64::MAX;
        for kind in 0..if *adaptive { 5_u8 } else { 1 } {
            trial.clear();
            trial.push(kind);
            trial.extend(row.iter().enumerate().map(|(i, &x)| {
                let at = |line: &[u8]| i.checked_sub(*pixel_bytes).map_or(0, |j| line[j]);
                let (a, b, c) = (at(row), above[i], at(above));
                x.wrapping_sub(match kind {
                    0 => 0,
                    1 => a,
                    2 => b,
                    3 => ((u16::from(a) + u16::from(b)) / 2) as u8,
                    _ => paeth(a, b, c),
                })
            }));
            let cost = trial[1..].iter().map(|&v| u64::from((v as i8).unsigned_abs())).sum();
            if cost < best_cost {
                best_cost = cost;
                std::mem::swap(best, trial);
            }
        }
        above.copy_from_slice(row);
        best
    }
}

fn paeth(a: u8, b: u8, c: u8) -> u8 {
    let p = i16::from(a) + i16::from(b) - i16::from(c);
    let distance = |v: u8| (p - i16::from(v)).abs();
    let (pa, pb, pc) = (distance(a), distance(b), distance(c));
    if pa <= pb && pa <= pc {
        a
    } else if pb <= pc {
        b
    } else {
        c
    }
}
