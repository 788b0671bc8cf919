//! The parts of a file, and their record. `docs/format.md` §19.

use super::png::{ImageData, filtered};
use super::raster::Layout;
use crate::ImageDescriptor;
use holotype_codec::deflate::DeflateParameters;
use holotype_container::cbor::{self, Value};

const RASTER: u64 = 0;
const PNG: u64 = 1;

/// How a file is made of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Recipe {
    pub(super) parts: Vec<Part>,
}

/// A part of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// These bytes.
    Verbatim(Vec<u8>),
    /// The image's rows.
    Raster(Layout),
    /// The `IDAT` chunks of a PNG file that holds the image's rows.
    Png(Layout, ImageData),
}

impl Recipe {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        Value::Array(self.parts.iter().map(Part::encode).collect()).encode_into(&mut out);
        out
    }

    pub(super) fn decode(bytes: &[u8], limits: &holotype_container::Limits) -> Result<Self, &'static str> {
        let malformed = "the recipe of its file is malformed";
        let value = cbor::decode(bytes, limits).map_err(|_| malformed)?;
        let parts = value.as_array().filter(|parts| parts.len() <= 16).ok_or(malformed)?;
        let parts = parts.iter().map(|part| Part::decode(part).ok_or(malformed)).collect::<Result<_, _>>()?;
        Ok(Self { parts })
    }

    /// The file's bytes, which are `n_bytes`.
    pub(super) fn restore(
        &self,
        image: &ImageDescriptor,
        samples: &[u8],
        n_bytes: u64,
    ) -> Result<Vec<u8>, &'static str> {
        let too_long = "the file it stands for has another length";
        let mut out = Vec::new();
        for part in &self.parts {
            match part {
                Part::Verbatim(bytes) => out.extend_from_slice(bytes),
                Part::Raster(layout) => {
                    let n = layout.n_bytes(image).ok_or(too_long)?;
                    if n > n_bytes.saturating_sub(out.len() as u64) {
                        return Err(too_long);
                    }
                    layout.write(image, samples, &mut out)?;
                }
                Part::Png(layout, data) => {
                    let (rows, n_row, pixel_bytes) = rows(*layout, image, samples)?;
                    if data.filters.len() != image.height as usize {
                        return Err("there are more or fewer filters than rows");
                    }
                    data.write(&filtered(&rows, n_row, pixel_bytes, &data.filters), &mut out)?;
                }
            }
            if out.len() as u64 > n_bytes {
                return Err(too_long);
            }
        }
        if out.len() as u64 == n_bytes { Ok(out) } else { Err(too_long) }
    }
}

/// The rows of a PNG file, bytes of one, and from a pixel to the next.
pub(super) fn rows(
    layout: Layout,
    image: &ImageDescriptor,
    samples: &[u8],
) -> Result<(Vec<u8>, usize, usize), &'static str> {
    let n_row = layout.row_bytes(image).and_then(|n| usize::try_from(n).ok()).ok_or("rows are too long")?;
    let mut rows = Vec::new();
    layout.write(image, samples, &mut rows)?;
    let pixel_bits = usize::from(image.n_channels)
        * if layout.is_packed { image.bits_per_sample.into() } else { 8 * image.sample.n_bytes() };
    Ok((rows, n_row, pixel_bits.div_ceil(8)))
}

impl Part {
    fn encode(&self) -> Value {
        let number = |n: u64| Value::Unsigned(n);
        let layout = |layout: &Layout| [number(layout.code()), number(layout.alignment.into())];
        match self {
            Self::Verbatim(bytes) => Value::Bytes(bytes.clone()),
            Self::Raster(rows) => Value::Array([vec![number(RASTER)], layout(rows).to_vec()].concat()),
            Self::Png(rows, data) => {
                let ImageData { filters, head, parameters, chunks } = data;
                let mut parts = vec![number(PNG)];
                parts.extend(layout(rows));
                parts.push(Value::Bytes(filters.clone()));
                parts.push(Value::Bytes(head.to_vec()));
                let DeflateParameters { level, window_bits, memory_level, strategy } = parameters;
                let set = [*level, *window_bits, *memory_level, *strategy as u8];
                parts.push(Value::Array(set.map(|n| number(n.into())).to_vec()));
                let runs = chunks.chunk_by(|a, b| a == b);
                let runs = runs.flat_map(|run| [u64::from(run[0]), run.len() as u64]).map(number);
                parts.push(Value::Array(runs.collect()));
                Value::Array(parts)
            }
        }
    }

    fn decode(value: &Value) -> Option<Self> {
        if let Value::Bytes(bytes) = value {
            return Some(Self::Verbatim(bytes.clone()));
        }
        let parts = value.as_array()?;
        let [Value::Unsigned(kind), Value::Unsigned(code), Value::Unsigned(alignment), rest @ ..] = parts
        else {
            return None;
        };
        let layout = Layout::from_code(*code, *alignment)?;
        match (*kind, rest) {
            (RASTER, []) => Some(Self::Raster(layout)),
            (PNG, [Value::Bytes(filters), Value::Bytes(head), Value::Array(set), Value::Array(chunks)]) => {
                let set =
                    set.iter().map(|n| u8::try_from(n.as_unsigned()?).ok()).collect::<Option<Vec<_>>>()?;
                let [level, window_bits, memory_level, strategy] = set.as_slice().try_into().ok()?;
                let parameters = DeflateParameters::new(level, window_bits, memory_level, strategy).ok()?;
                let filters = filters.clone();
                let head = head.as_slice().try_into().ok()?;
                let data = ImageData { filters, head, parameters, chunks: decode_chunks(chunks)? };
                data.filters.iter().all(|filter| *filter <= 4).then_some(Self::Png(layout, data))
            }
            _ => None,
        }
    }
}

/// Sizes of chunks from runs of equal ones.
fn decode_chunks(runs: &[Value]) -> Option<Vec<u32>> {
    /// More chunks than a file of a sane size has.
    const MAX_CHUNKS: u64 = 1 << 20;
    let (runs, []) = runs.as_chunks::<2>() else { return None };
    let mut chunks = Vec::new();
    for [n_bytes, count] in runs {
        let (n_bytes, count) = (u32::try_from(n_bytes.as_unsigned()?).ok()?, count.as_unsigned()?);
        if count == 0 || count > MAX_CHUNKS - chunks.len() as u64 {
            return None;
        }
        chunks.resize(chunks.len() + count as usize, n_bytes);
    }
    Some(chunks)
}
