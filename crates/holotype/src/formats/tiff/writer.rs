use super::ifd::value_bytes;
use super::{NAME, tag};
use crate::formats::{ImageWriter, Output, SourceImage, no_image, refuse};
use crate::{
    Alpha, ChannelOrder, ColourModel, Error, ExportOptions, ImageDescriptor, Metadata, MetadataKind, Result,
    SampleType, parallel,
};
use flate2::{Compression, write::ZlibEncoder};
use std::io::{Seek as _, SeekFrom, Write as _};

/// Bytes of samples in a strip, at least one row.
const STRIP_BYTES: usize = 256 << 10;
/// Deflated strips that wait to be written.
const STRIPS_A_THREAD: usize = 4;

/// Starts a TIFF file; it becomes a BigTIFF if its samples alone pass 2 GiB.
pub(in crate::formats) fn create<'a>(
    out: Box<dyn Output + 'a>,
    options: &ExportOptions,
) -> Result<Box<dyn ImageWriter + 'a>> {
    let ExportOptions { n_threads, allow_metadata_loss, .. } = *options;
    Ok(Box::new(TiffWriter { out, n_threads, allow_metadata_loss, is_big: None, link_bytes: 0, page: None }))
}

struct TiffWriter<'a> {
    out: Box<dyn Output + 'a>,
    n_threads: usize,
    allow_metadata_loss: bool,
    /// Decided by the first image.
    is_big: Option<bool>,
    /// Where the offset of the next directory goes.
    link_bytes: u64,
    page: Option<Page>,
}

struct Page {
    image: SourceImage,
    row_bytes: usize,
    rows_per_strip: usize,
    pending: Vec<u8>,
    strips: Vec<(u64, u64)>,
}

/// What TIFF cannot hold of an image: (samples, metadata).
fn losses(image: &SourceImage) -> (Vec<String>, Vec<String>) {
    let SourceImage { descriptor, metadata } = image;
    let mut samples = Vec::new();
    if descriptor.order == ChannelOrder::Bgr {
        samples.push("samples in BGR order".into());
    }
    let natural =
        if descriptor.sample == SampleType::Bool { 1 } else { 8 * descriptor.sample.n_bytes() as u8 };
    if descriptor.bits_per_sample != natural && !is_small(descriptor) {
        samples.push(format!("{} samples of {} bit", descriptor.sample.name(), descriptor.bits_per_sample));
    }
    if descriptor.palette.as_ref().is_some_and(|p| !p.alpha.is_empty()) {
        samples.push("a palette with alpha".into());
    }
    if !descriptor.channel_names.is_empty() {
        samples.push("channel names".into());
    }
    let held = |kind| {
        matches!(
            kind,
            MetadataKind::Icc
                | MetadataKind::Xmp
                | MetadataKind::Iptc
                | MetadataKind::TiffTag
                | MetadataKind::SourceFormat
        )
    };
    let lost =
        metadata.entries.iter().filter(|e| !held(e.kind)).map(|e| format!("{} {}", e.kind.name(), e.key));
    (samples, lost.collect())
}

fn is_small(image: &ImageDescriptor) -> bool {
    image.n_channels == 1 && image.sample == SampleType::U8 && matches!(image.bits_per_sample, 2 | 4)
}

fn photometric(image: &ImageDescriptor) -> u64 {
    match image.colour {
        ColourModel::GrayInverted => 0,
        ColourModel::Gray | ColourModel::Channels => 1,
        ColourModel::Rgb => 2,
        ColourModel::Palette => 3,
        ColourModel::Cmyk => 5,
        ColourModel::YCbCr => 6,
        ColourModel::Lab => 8,
    }
}

impl ImageWriter for TiffWriter<'_> {
    fn start_image(&mut self, image: &SourceImage) -> Result<()> {
        refuse(NAME, losses(image), self.allow_metadata_loss)?;
        self.end_page()?;
        let raw_bytes = image.descriptor.raw_bytes().unwrap_or(u64::MAX);
        if self.is_big.is_none() {
            let is_big = raw_bytes > 2 << 30;
            self.is_big = Some(is_big);
            self.link_bytes = if is_big { 8 } else { 4 };
            let head: &[u8] =
                if is_big { b"II\x2b\0\x08\0\0\0\0\0\0\0\0\0\0\0" } else { b"II\x2a\0\0\0\0\0" };
            self.out.write_all(head).map_err(output_error)?;
        }
        let row_bytes = image.descriptor.row_bytes().ok_or_else(no_image)?;
        self.page = Some(Page {
            image: image.clone(),
            row_bytes,
            rows_per_strip: (STRIP_BYTES / row_bytes).max(1),
            pending: Vec::new(),
            strips: Vec::new(),
        });
        Ok(())
    }

    fn write_rows(&mut self, rows: &[u8]) -> Result<()> {
        let Self { out, page, n_threads, .. } = self;
        let page = page.as_mut().ok_or_else(no_image)?;
        page.pending.extend_from_slice(rows);
        let strip_bytes = page.rows_per_strip * page.row_bytes;
        let n_whole = page.pending.len() / strip_bytes * strip_bytes;
        page.write_strips(out, n_whole, *n_threads)
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        self.end_page()?;
        self.out.flush().map_err(output_error)
    }
}

impl Page {
    /// Writes the first `n_bytes` of the pending rows, in strips that are deflated on threads.
    fn write_strips(&mut self, out: &mut dyn Output, n_bytes: usize, n_threads: usize) -> Result<()> {
        let strips: Vec<_> = self.pending[..n_bytes].chunks(self.rows_per_strip * self.row_bytes).collect();
        let n_threads = parallel::n_threads(n_threads, strips.len());
        let (image, row_bytes) = (&self.image.descriptor, self.row_bytes);
        for job in parallel::batches(strips, STRIPS_A_THREAD * n_threads) {
            for strip in parallel::map(n_threads, job, |strip| deflate_strip(image, row_bytes, strip))? {
                let start = out.stream_position().map_err(output_error)?;
                out.write_all(&strip).map_err(output_error)?;
                self.strips.push((start, strip.len() as u64));
            }
        }
        self.pending.drain(..n_bytes);
        Ok(())
    }
}

/// Quickly, and well if that makes it small: more work gains a photograph little.
fn deflate_strip(image: &ImageDescriptor, row_bytes: usize, strip: &[u8]) -> Result<Vec<u8>> {
    let packed: Vec<u8> = strip.chunks_exact(row_bytes).flat_map(|row| pack(image, row)).collect();
    let deflate = |level| {
        let mut packer = ZlibEncoder::new(Vec::with_capacity(packed.len()), Compression::new(level));
        packer.write_all(&packed).and_then(|()| packer.finish()).map_err(output_error)
    };
    let quick = deflate(1)?;
    if quick.len() > packed.len() / 2 { Ok(quick) } else { deflate(6) }
}

/// A row as the file holds it: small depths packed, 8- and 16-bit integers as differences (predictor 2).
fn pack(image: &ImageDescriptor, row: &[u8]) -> Vec<u8> {
    let bits = usize::from(image.bits_per_sample);
    if bits < 8 {
        let per_byte = 8 / bits;
        let mut packed = vec![0; row.len().div_ceil(per_byte)];
        for (i, sample) in row.iter().enumerate() {
            packed[i / per_byte] |= sample << (8 - bits * (i % per_byte + 1));
        }
        return packed;
    }
    if !has_predictor(image) {
        return row.to_vec();
    }
    let n = usize::from(image.n_channels);
    if image.sample.n_bytes() == 1 {
        return (0..row.len()).map(|i| row[i].wrapping_sub(if i >= n { row[i - n] } else { 0 })).collect();
    }
    let samples: Vec<u16> = row.chunks_exact(2).map(|s| u16::from_le_bytes([s[0], s[1]])).collect();
    let left = |i: usize| if i >= n { samples[i - n] } else { 0 };
    samples.iter().enumerate().flat_map(|(i, s)| s.wrapping_sub(left(i)).to_le_bytes()).collect()
}

fn has_predictor(image: &ImageDescriptor) -> bool {
    matches!(image.sample, SampleType::U8 | SampleType::U16 | SampleType::I8 | SampleType::I16)
        && image.bits_per_sample >= 8
        && image.colour != ColourModel::Palette
}

/// A field: tag, type, little-endian values.
type Field = (u16, u16, Vec<u8>);

fn short(tag: u16, values: &[u64]) -> Field {
    (tag, 3, values.iter().flat_map(|v| (*v as u16).to_le_bytes()).collect())
}

impl TiffWriter<'_> {
    /// Writes what is left of the page and its directory, and links it.
    fn end_page(&mut self) -> Result<()> {
        let Some(mut page) = self.page.take() else { return Ok(()) };
        if !page.pending.is_empty() {
            let n_bytes = page.pending.len();
            page.write_strips(&mut self.out, n_bytes, self.n_threads)?;
        }
        let is_big = self.is_big.unwrap_or(false);
        let end = self.out.stream_position().map_err(output_error)?;
        if !is_big && end > u64::from(u32::MAX) - (1 << 20) {
            return Err(Error::unsupported("a TIFF file of several images beyond 4 GiB"));
        }
        let mut fields = Vec::new();
        let mut children: Vec<(u16, Vec<Field>)> = Vec::new();
        metadata_fields(&page.image.metadata, &mut fields, &mut children)?;
        structure(&page, is_big, &mut fields);
        for (parent, mut entries) in children {
            entries.sort_by_key(|f| f.0);
            let (offset, _) = self.write_directory(&entries, is_big)?;
            fields.push(if is_big {
                (parent, 18, offset.to_le_bytes().to_vec())
            } else {
                (parent, 4, (offset as u32).to_le_bytes().to_vec())
            });
        }
        fields.sort_by_key(|f| f.0);
        let (offset, link) = self.write_directory(&fields, is_big)?;
        self.out.seek(SeekFrom::Start(self.link_bytes)).map_err(output_error)?;
        let bytes = offset.to_le_bytes();
        self.out.write_all(&bytes[..if is_big { 8 } else { 4 }]).map_err(output_error)?;
        self.out.seek(SeekFrom::End(0)).map_err(output_error)?;
        self.link_bytes = link;
        Ok(())
    }

    /// Writes values, then a directory; returns its offset and where its link to the next one is.
    fn write_directory(&mut self, fields: &[Field], is_big: bool) -> Result<(u64, u64)> {
        let io = |out: &mut dyn Output| -> std::io::Result<(u64, u64)> {
            let inline_bytes = if is_big { 8 } else { 4 };
            let offset_bytes = |v: u64| v.to_le_bytes()[..inline_bytes].to_vec();
            let mut entries = Vec::new();
            for (tag, field_type, values) in fields {
                let size = value_bytes(*field_type).map_or(1, |(size, _)| size);
                let mut inline = values.clone();
                if values.len() > inline_bytes {
                    let at = out.stream_position()?;
                    out.write_all(&vec![0; (at % 2) as usize])?;
                    inline = offset_bytes(out.stream_position()?);
                    out.write_all(values)?;
                }
                inline.resize(inline_bytes, 0);
                entries.extend_from_slice(&tag.to_le_bytes());
                entries.extend_from_slice(&field_type.to_le_bytes());
                entries.extend_from_slice(&offset_bytes((values.len() / size) as u64));
                entries.extend_from_slice(&inline);
            }
            let at = out.stream_position()?;
            out.write_all(&vec![0; (at % 2) as usize])?;
            let start = out.stream_position()?;
            let count = (fields.len() as u64).to_le_bytes();
            out.write_all(&count[..if is_big { 8 } else { 2 }])?;
            out.write_all(&entries)?;
            let link = out.stream_position()?;
            out.write_all(&vec![0; inline_bytes])?;
            Ok((start, link))
        };
        io(&mut self.out).map_err(output_error)
    }
}

/// Adds the fields that say how the samples lie, to those of the metadata.
fn structure(page: &Page, is_big: bool, fields: &mut Vec<Field>) {
    let image = &page.image.descriptor;
    let n = usize::from(image.n_channels);
    let long = |tag, values: &[u64]| -> Field {
        if is_big {
            (tag, 16, values.iter().flat_map(|v| v.to_le_bytes()).collect())
        } else {
            (tag, 4, values.iter().flat_map(|v| (*v as u32).to_le_bytes()).collect())
        }
    };
    let format = if image.sample.is_float() { 3 } else { 1 + u64::from(image.sample.is_signed_integer()) };
    // Interpretations that are no colour model here are kept as metadata.
    let is_interpreted = fields.iter().any(|f| f.0 == tag::PHOTOMETRIC);
    if !is_interpreted {
        fields.push(short(tag::PHOTOMETRIC, &[photometric(image)]));
    }
    if image.colour == ColourModel::YCbCr && !fields.iter().any(|f| f.0 == tag::YCBCR_SUBSAMPLING) {
        fields.push(short(tag::YCBCR_SUBSAMPLING, &[1, 1]));
    }
    fields.extend([
        long(tag::WIDTH, &[u64::from(image.width)]),
        long(tag::HEIGHT, &[u64::from(image.height)]),
        short(tag::BITS_PER_SAMPLE, &vec![u64::from(image.bits_per_sample); n]),
        short(tag::COMPRESSION, &[8]),
        long(tag::STRIP_OFFSETS, &page.strips.iter().map(|s| s.0).collect::<Vec<_>>()),
        short(tag::SAMPLES_PER_PIXEL, &[n as u64]),
        long(tag::ROWS_PER_STRIP, &[page.rows_per_strip as u64]),
        long(tag::STRIP_BYTE_COUNTS, &page.strips.iter().map(|s| s.1).collect::<Vec<_>>()),
        short(tag::PLANAR, &[1]),
        short(tag::PREDICTOR, &[1 + u64::from(has_predictor(image))]),
        short(tag::SAMPLE_FORMAT, &vec![format; n]),
    ]);
    let n_extra = n - usize::from(image.colour.n_colour_channels().unwrap_or(1)).min(n);
    if n_extra > 0 && !(is_interpreted && image.alpha == Alpha::None) {
        let mut extra = vec![0; n_extra];
        extra[0] = match image.alpha {
            Alpha::Premultiplied => 1,
            Alpha::Straight => 2,
            _ => 0,
        };
        fields.push(short(tag::EXTRA_SAMPLES, &extra));
    }
    if let Some(palette) = &image.palette {
        let scale = if palette.bits == 8 { 257 } else { 1 };
        let size = 1 << image.bits_per_sample;
        let mut map = vec![0; 3 * size];
        for (i, entry) in palette.rgb.iter().take(size).enumerate() {
            for (c, value) in entry.iter().enumerate() {
                map[c * size + i] = u64::from(*value) * scale;
            }
        }
        fields.push(short(tag::COLOR_MAP, &map));
    }
}

fn metadata_fields(
    metadata: &Metadata,
    fields: &mut Vec<Field>,
    children: &mut Vec<(u16, Vec<Field>)>,
) -> Result<()> {
    for entry in &metadata.entries {
        match entry.kind {
            MetadataKind::Icc => fields.push((tag::ICC, 7, entry.data.clone())),
            MetadataKind::Xmp => fields.push((tag::XMP, 1, entry.data.clone())),
            MetadataKind::Iptc => fields.push((tag::IPTC, 7, entry.data.clone())),
            MetadataKind::TiffTag => {
                let malformed = || Error::invalid(format!("the TIFF tag `{}` is malformed", entry.key));
                let (field_type, values) = entry.data.split_first_chunk::<2>().ok_or_else(malformed)?;
                let field_type = u16::from_le_bytes(*field_type);
                let (size, _) = value_bytes(field_type).ok_or_else(malformed)?;
                if !values.len().is_multiple_of(size) {
                    return Err(malformed());
                }
                let (parent, number) =
                    entry.key.split_once('/').map_or((None, entry.key.as_str()), |(p, n)| (Some(p), n));
                let field = (number.parse().map_err(|_| malformed())?, field_type, values.to_vec());
                match parent.map(str::parse::<u16>) {
                    None => fields.push(field),
                    Some(Ok(parent)) => match children.iter_mut().find(|(tag, _)| *tag == parent) {
                        Some((_, list)) => list.push(field),
                        None => children.push((parent, vec![field])),
                    },
                    Some(Err(_)) => return Err(malformed()),
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn output_error(source: std::io::Error) -> Error {
    Error::io("the TIFF file", source)
}
