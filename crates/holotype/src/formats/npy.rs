//! NPY, versions 1 to 3: arrays of `[height, width]` or `[height, width, channels]`, C order, either byte order.

use super::{ImageReader, ImageWriter, Input, Output, SourceImage, no_image, refuse};
use crate::{Alpha, ColourModel, Error, ImageDescriptor, Limits, Metadata, MetadataKind, Result, SampleType};
use std::io::Read as _;

const NAME: &str = "NPY";

/// Opens an NPY file.
pub(super) fn open(input: Box<dyn Input>, limits: &Limits) -> Result<Box<dyn ImageReader>> {
    Ok(Box::new(NpyReader { input, limits: *limits, layout: None }))
}

struct NpyReader {
    input: Box<dyn Input>,
    limits: Limits,
    /// Bytes of a sample, and whether they are big-endian.
    layout: Option<(usize, bool)>,
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
        if field(&header, "fortran_order").is_some_and(|v| v.starts_with("True")) {
            return Err(Error::unsupported("NPY in Fortran order"));
        }
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
        if descriptor.n_pixels() > self.limits.max_pixels {
            return Err(Error::LimitExceeded {
                what: "the number of pixels",
                found: descriptor.n_pixels(),
                limit: self.limits.max_pixels,
            });
        }
        self.layout = Some((sample.n_bytes(), order == ">"));
        let mut metadata = Metadata::default();
        metadata.push(MetadataKind::SourceFormat, "", "npy");
        if shape.len() == 3 && channels == 1 {
            metadata.push(MetadataKind::User, "npy:channel-axis", "1");
        }
        Ok(Some(SourceImage { descriptor, metadata }))
    }

    fn read_rows(&mut self, rows: &mut [u8]) -> Result<()> {
        let (n_bytes, is_big_endian) = self.layout.ok_or_else(no_image)?;
        self.input.read_exact(rows).map_err(damaged)?;
        if is_big_endian {
            rows.chunks_exact_mut(n_bytes).for_each(<[u8]>::reverse);
        }
        Ok(())
    }

    fn is_streaming(&self) -> bool {
        true
    }
}

/// Starts an NPY file.
pub(super) fn create<'a>(
    out: Box<dyn Output + 'a>,
    allow_metadata_loss: bool,
) -> Result<Box<dyn ImageWriter + 'a>> {
    Ok(Box::new(NpyWriter { out, allow_metadata_loss, is_started: false }))
}

struct NpyWriter<'a> {
    out: Box<dyn Output + 'a>,
    allow_metadata_loss: bool,
    is_started: bool,
}

impl ImageWriter for NpyWriter<'_> {
    fn start_image(&mut self, image: &SourceImage) -> Result<()> {
        let SourceImage { descriptor: d, metadata } = image;
        let mut samples = Vec::new();
        if d.palette.is_some() {
            samples.push("a palette".to_owned());
        }
        let held =
            |e: &&crate::MetadataEntry| e.kind == MetadataKind::SourceFormat || e.key == "npy:channel-axis";
        let lost =
            metadata.entries.iter().filter(|e| !held(e)).map(|e| format!("{} {}", e.kind.name(), e.key));
        refuse(NAME, (samples, lost.collect()), self.allow_metadata_loss)?;
        if self.is_started {
            return Err(Error::invalid("an NPY file holds one array"));
        }
        self.is_started = true;
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
        let has_axis = d.n_channels > 1 || metadata.get_key(MetadataKind::User, "npy:channel-axis").is_some();
        let channels = if has_axis { format!(", {}", d.n_channels) } else { String::new() };
        let mut header = format!(
            "{{'descr': '{code}', 'fortran_order': False, 'shape': ({}, {}{channels}), }}",
            d.height, d.width
        );
        while (10 + header.len() + 1) % 64 != 0 {
            header.push(' ');
        }
        header.push('\n');
        let head = [b"\x93NUMPY\x01\0", &(header.len() as u16).to_le_bytes()[..], header.as_bytes()].concat();
        self.out.write_all(&head).map_err(output_error)
    }

    fn write_rows(&mut self, rows: &[u8]) -> Result<()> {
        self.out.write_all(rows).map_err(output_error)
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        self.out.flush().map_err(output_error)
    }
}

fn damaged(error: std::io::Error) -> Error {
    Error::source_format(NAME, error)
}

fn output_error(source: std::io::Error) -> Error {
    Error::io("the NPY file", source)
}
