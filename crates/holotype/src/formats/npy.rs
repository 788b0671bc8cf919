//! NPY, versions 1 to 3: arrays of `[height, width]` or `[height, width, channels]`, C or Fortran order, either byte order.

use super::held::{Held, limit, read_bytes, whole_bytes};
use super::{ImageReader, ImageWriter, Input, Output, SourceImage, lost_metadata, no_image, refuse};
use crate::{Alpha, ColourModel, Error, ImageDescriptor, Limits, Metadata, MetadataKind, Result, SampleType};
use std::io::Read as _;

const NAME: &str = "NPY";
/// Keys of [`MetadataKind::User`] entries: a third axis of length 1, and columns first.
const CHANNEL_AXIS: &str = "npy:channel-axis";
const FORTRAN: &str = "npy:fortran-order";

/// Opens an NPY file.
pub(super) fn open(input: Box<dyn Input>, limits: &Limits) -> Result<Box<dyn ImageReader>> {
    Ok(Box::new(NpyReader { input, limits: *limits, layout: None, held: None }))
}

struct NpyReader {
    input: Box<dyn Input>,
    limits: Limits,
    /// Bytes of a sample, and whether they are big-endian.
    layout: Option<(usize, bool)>,
    /// An array in Fortran order, turned.
    held: Option<Held>,
}

/// Samples of `[height, width, channels]` from the order in which the first axis runs fastest, or, with `back`,
/// into it.
fn turn(samples: &[u8], image: &ImageDescriptor, back: bool) -> Vec<u8> {
    let n = image.sample.n_bytes();
    let (width, height) = (image.width as usize, image.height as usize);
    let channels = usize::from(image.n_channels);
    let mut out = vec![0; samples.len()];
    for c in 0..channels {
        for x in 0..width {
            for y in 0..height {
                let rows = ((y * width + x) * channels + c) * n;
                let columns = ((c * width + x) * height + y) * n;
                let (from, to) = if back { (rows, columns) } else { (columns, rows) };
                out[to..to + n].copy_from_slice(&samples[from..from + n]);
            }
        }
    }
    out
}

/// The value of `key` in the header's dictionary, up to the next field.
fn field<'a>(header: &'a str, key: &str) -> Option<&'a str> {
    let quoted = [format!("'{key}':"), format!("\"{key}\":")];
    let at = quoted.iter().find_map(|q| header.find(q.as_str()).map(|i| i + q.len()))?;
    Some(header[at..].trim_start())
}

fn sample_of(code: &str) -> Option<SampleType> {
    Some(match code {
        "b1" => SampleType::Bool,
        "u1" => SampleType::U8,
        "i1" => SampleType::I8,
        "u2" => SampleType::U16,
        "i2" => SampleType::I16,
        "u4" => SampleType::U32,
        "i4" => SampleType::I32,
        "u8" => SampleType::U64,
        "i8" => SampleType::I64,
        "f2" => SampleType::F16,
        "f4" => SampleType::F32,
        "f8" => SampleType::F64,
        _ => return None,
    })
}

impl ImageReader for NpyReader {
    fn next_image(&mut self) -> Result<Option<SourceImage>> {
        if self.layout.is_some() {
            return Ok(None);
        }
        let broken = |what: &str| Error::source_format(NAME, what);
        let mut start = [0; 8];
        self.input.read_exact(&mut start).map_err(damaged)?;
        let size_bytes = if start[6] == 1 { 2 } else { 4 };
        let mut size = [0; 4];
        self.input.read_exact(&mut size[..size_bytes]).map_err(damaged)?;
        let n = u32::from_le_bytes(size);
        if n > 1 << 16 {
            return Err(broken("the header is too long"));
        }
        let mut header = vec![0; n as usize];
        self.input.read_exact(&mut header).map_err(damaged)?;
        let header = String::from_utf8(header).map_err(|_| broken("the header is not text"))?;
        let descr = field(&header, "descr").ok_or_else(|| broken("the type is missing"))?;
        let descr = descr.get(1..4).ok_or_else(|| broken("the type is missing"))?;
        let (order, code) = descr.split_at_checked(1).ok_or_else(|| broken("the type is missing"))?;
        let sample = sample_of(code).ok_or_else(|| Error::unsupported(format!("NPY of type `{descr}`")))?;
        let is_fortran = field(&header, "fortran_order").is_some_and(|v| v.starts_with("True"));
        let shape = field(&header, "shape").and_then(|v| v.strip_prefix('(')?.split(')').next());
        let shape = shape.ok_or_else(|| broken("the shape is missing"))?;
        let shape: Vec<u64> = shape
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(|part| part.parse().map_err(|_| broken("the shape is no tuple of numbers")))
            .collect::<Result<_>>()?;
        let (height, width, channels) = match shape.as_slice() {
            [h, w] => (*h, *w, 1),
            [h, w, c] => (*h, *w, *c),
            _ => return Err(Error::unsupported(format!("NPY of {} dimensions as an image", shape.len()))),
        };
        let side =
            |n: u64| u32::try_from(n).map_err(|_| Error::unsupported("NPY with a side of 2³² or more"));
        let channels =
            u16::try_from(channels).map_err(|_| Error::unsupported("NPY with more than 65535 channels"))?;
        let mut descriptor = ImageDescriptor::new(side(width)?, side(height)?, channels, sample);
        if channels == 2 {
            descriptor = descriptor.with_colour(ColourModel::Channels, Alpha::None);
        }
        descriptor.validate().map_err(|e| Error::source_format(NAME, e))?;
        limit("the number of pixels", descriptor.n_pixels(), self.limits.max_pixels)?;
        if is_fortran {
            let n_bytes = whole_bytes(&descriptor, &self.limits)?;
            let columns = read_bytes(NAME, self.input.as_mut(), n_bytes as u64)?;
            self.held = Some(Held::new(turn(&columns, &descriptor, false)));
        }
        self.layout = Some((sample.n_bytes(), order == ">"));
        let mut metadata = Metadata::default();
        metadata.push(MetadataKind::SourceFormat, "", "npy");
        if shape.len() == 3 && channels == 1 {
            metadata.push(MetadataKind::User, CHANNEL_AXIS, "1");
        }
        if is_fortran {
            metadata.push(MetadataKind::User, FORTRAN, "1");
        }
        Ok(Some(SourceImage { descriptor, metadata }))
    }

    fn read_rows(&mut self, rows: &mut [u8]) -> Result<()> {
        let (n_bytes, is_big_endian) = self.layout.ok_or_else(no_image)?;
        match &mut self.held {
            Some(held) => held.read_rows(rows)?,
            None => self.input.read_exact(rows).map_err(damaged)?,
        }
        if is_big_endian {
            rows.chunks_exact_mut(n_bytes).for_each(<[u8]>::reverse);
        }
        Ok(())
    }

    fn is_streaming(&self) -> bool {
        self.held.is_none()
    }
}

/// Starts an NPY file.
pub(super) fn create<'a>(
    out: Box<dyn Output + 'a>,
    allow_metadata_loss: bool,
) -> Result<Box<dyn ImageWriter + 'a>> {
    Ok(Box::new(NpyWriter { out, allow_metadata_loss, image: None, is_fortran: false, held: Vec::new() }))
}

struct NpyWriter<'a> {
    out: Box<dyn Output + 'a>,
    allow_metadata_loss: bool,
    image: Option<ImageDescriptor>,
    is_fortran: bool,
    /// The samples of an array that is written in Fortran order.
    held: Vec<u8>,
}

impl ImageWriter for NpyWriter<'_> {
    fn start_image(&mut self, image: &SourceImage) -> Result<()> {
        let SourceImage { descriptor: d, metadata } = image;
        let mut samples = Vec::new();
        if d.palette.is_some() {
            samples.push("a palette".to_owned());
        }
        let lost = lost_metadata(metadata, |e| match e.kind {
            MetadataKind::SourceFormat => true,
            MetadataKind::User => e.key == CHANNEL_AXIS || e.key == FORTRAN,
            _ => false,
        });
        refuse(NAME, (samples, lost), self.allow_metadata_loss)?;
        if self.image.is_some() {
            return Err(Error::invalid("an NPY file holds one array"));
        }
        self.image = Some(d.clone());
        self.is_fortran = metadata.get_key(MetadataKind::User, FORTRAN).is_some();
        let code = match d.sample {
            SampleType::Bool => "|b1".to_owned(),
            SampleType::U8 => "|u1".to_owned(),
            SampleType::I8 => "|i1".to_owned(),
            other => {
                let kind = if other.is_float() {
                    'f'
                } else if other.is_signed_integer() {
                    'i'
                } else {
                    'u'
                };
                format!("<{kind}{}", other.n_bytes())
            }
        };
        let has_axis = d.n_channels > 1 || metadata.get_key(MetadataKind::User, CHANNEL_AXIS).is_some();
        let channels = if has_axis { format!(", {}", d.n_channels) } else { String::new() };
        let mut header = format!(
            "{{'descr': '{code}', 'fortran_order': {}, 'shape': ({}, {}{channels}), }}",
            if self.is_fortran { "True" } else { "False" },
            d.height,
            d.width
        );
        while (10 + header.len() + 1) % 64 != 0 {
            header.push(' ');
        }
        header.push('\n');
        let head = [b"\x93NUMPY\x01\0", &(header.len() as u16).to_le_bytes()[..], header.as_bytes()].concat();
        self.out.write_all(&head).map_err(output_error)
    }

    fn write_rows(&mut self, rows: &[u8]) -> Result<()> {
        if self.is_fortran {
            self.held.extend_from_slice(rows);
            return Ok(());
        }
        self.out.write_all(rows).map_err(output_error)
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        let image = self.image.take().ok_or_else(no_image)?;
        if self.is_fortran {
            if Some(self.held.len() as u64) != image.raw_bytes() {
                return Err(no_image());
            }
            self.out.write_all(&turn(&self.held, &image, true)).map_err(output_error)?;
        }
        self.out.flush().map_err(output_error)
    }
}

fn damaged(error: std::io::Error) -> Error {
    Error::source_format(NAME, error)
}

fn output_error(source: std::io::Error) -> Error {
    Error::io("the NPY file", source)
}
