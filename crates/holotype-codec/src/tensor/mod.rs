//! Tensor slices: words → transform → coder → bytes. `docs/codecs/tensor.md` is the specification.
//!
//! * `layout`, `word`: a slice as words of one, two, four or eight bytes, and how they sort.
//! * `lorenzo`, `narrow`: reversible transforms of words.
//! * `planes`, `lz`, `numeric`: coders of words.
//! * `delta`: what a slice differs from its parent.
//! * `multiples`: floats that are multiples of a step, as rounding within a bound makes them.
//! * `ranks`: words of few values.
//! * `leading`: exponents and the bits after them.
//! * `choose`: which of them is tried; never needed to decode.

mod choose;
mod delta;
mod element;
mod layout;
mod leading;
mod lorenzo;
mod lz;
mod multiples;
mod narrow;
mod numeric;
mod planes;
mod ranks;
mod stream;
mod word;

pub use element::{ElementType, WordKind};
pub use layout::SliceLayout;
pub use multiples::{finite_range, may_be_rounded, round_slice};

use crate::CodecError;

/// How slices are coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum TensorCodec {
    /// Whatever a look at each slice finds best; as they are if that saves less than 3 %.
    #[default]
    Auto,
    /// As they are.
    Raw,
    /// Planes of bytes, each with its own entropy coder: fast.
    Planes,
    /// Planes of bytes, then Zstandard.
    ShuffleZstd,
    /// Differences along one to three axes of integers that sort as the elements do, then planes.
    Lorenzo,
    /// pco: bins of numbers, with common factors and differences.
    Pco,
}

impl TensorCodec {
    /// Every codec.
    pub const ALL: [Self; 6] =
        [Self::Auto, Self::Raw, Self::Planes, Self::ShuffleZstd, Self::Lorenzo, Self::Pco];

    /// Its name, as in `shuffle-zstd`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Raw => "raw",
            Self::Planes => "planes",
            Self::ShuffleZstd => "shuffle-zstd",
            Self::Lorenzo => "lorenzo",
            Self::Pco => "pco",
        }
    }
}

/// Codes one slice; nothing if it is best kept as it is. Same slice and codec, same bytes; never more than the
/// slice.
///
/// # Errors
/// `InvalidArgument` if `bytes` are not as many as the layout's.
///
/// ```
/// use holotype_codec::tensor::{ElementType, SliceLayout, TensorCodec, decode_slice, encode_slice};
/// let ramp: Vec<u8> = (0..4096_u32).flat_map(|i| (i * i).to_le_bytes()).collect();
/// let layout = SliceLayout::new(ElementType::U32, 0, &[64, 64])?;
/// let coded = encode_slice(&ramp, &layout, TensorCodec::Auto)?.unwrap();
/// assert!(coded.len() < ramp.len() / 20);
/// let mut out = vec![0; ramp.len()];
/// decode_slice(&coded, &layout, &mut out)?;
/// assert_eq!(out, ramp);
/// # Ok::<(), holotype_codec::CodecError>(())
/// ```
pub fn encode_slice(
    bytes: &[u8],
    layout: &SliceLayout,
    codec: TensorCodec,
) -> Result<Option<Vec<u8>>, CodecError> {
    if bytes.len() != layout.n_bytes() {
        return Err(CodecError::InvalidArgument { what: "the bytes do not match the slice's layout" });
    }
    Ok(choose::encode(bytes, layout, codec))
}

/// Codes one slice by the same part of a parent, a tensor it was made from: what it differs, under what the parent
/// tells of it. Decoding needs the same parent.
///
/// # Errors
/// `InvalidArgument` if `bytes` or `parent` are not as many as the layout's.
///
/// ```
/// use holotype_codec::tensor::{ElementType, SliceLayout, decode_slice_by, encode_slice_by};
/// let parent: Vec<u8> = (0..4096).flat_map(|i| (i as f32 * 0.1).sin().to_le_bytes()).collect();
/// let child: Vec<u8> = (0..4096).flat_map(|i| ((i as f32 * 0.1).sin() * 1.0001).to_le_bytes()).collect();
/// let layout = SliceLayout::new(ElementType::F32, 0, &[64, 64])?;
/// let coded = encode_slice_by(&child, &parent, &layout)?;
/// assert!(coded.len() < child.len() / 2);
/// let mut out = vec![0; child.len()];
/// decode_slice_by(&coded, Some(&parent), &layout, &mut out)?;
/// assert_eq!(out, child);
/// # Ok::<(), holotype_codec::CodecError>(())
/// ```
pub fn encode_slice_by(bytes: &[u8], parent: &[u8], layout: &SliceLayout) -> Result<Vec<u8>, CodecError> {
    if bytes.len() != layout.n_bytes() || parent.len() != layout.n_bytes() {
        return Err(CodecError::InvalidArgument { what: "the bytes do not match the slice's layout" });
    }
    Ok(delta::encode(bytes, parent, layout))
}

/// Codes one slice that [`round_slice`] made with the same bound; nothing if its elements cannot be rounded.
///
/// # Errors
/// `InvalidArgument` if `bytes` are not as many as the layout's, or the bound is not positive and finite.
///
/// ```
/// use holotype_codec::tensor::{ElementType, SliceLayout, decode_slice, encode_multiples, round_slice};
/// let mut values: Vec<u8> = (0..4096).flat_map(|i| (i as f32 * 0.1).sin().to_le_bytes()).collect();
/// round_slice(&mut values, ElementType::F32, 1e-3)?;
/// let layout = SliceLayout::new(ElementType::F32, 0, &[64, 64])?;
/// let coded = encode_multiples(&values, &layout, 1e-3)?.unwrap();
/// assert!(coded.len() < values.len() / 3);
/// let mut out = vec![0; values.len()];
/// decode_slice(&coded, &layout, &mut out)?;
/// assert_eq!(out, values);
/// # Ok::<(), holotype_codec::CodecError>(())
/// ```
pub fn encode_multiples(
    bytes: &[u8],
    layout: &SliceLayout,
    max_error: f64,
) -> Result<Option<Vec<u8>>, CodecError> {
    if bytes.len() != layout.n_bytes() || !(max_error > 0.0 && (2.0 * max_error).is_finite()) {
        return Err(CodecError::InvalidArgument { what: "the bytes or the bound do not fit" });
    }
    Ok(multiples::encode(bytes, layout, 2.0 * max_error))
}

/// True if [`decode_slice_by`] needs a parent for this.
#[must_use]
pub fn needs_parent(coded: &[u8]) -> bool {
    coded.first() == Some(&(stream::Coder::Delta as u8))
}

/// Decodes what [`encode_slice`] made, into `out` of the layout's size.
///
/// # Errors
/// `Truncated`, `Corrupt` or `Unsupported`; `out` then holds unspecified bytes.
pub fn decode_slice(coded: &[u8], layout: &SliceLayout, out: &mut [u8]) -> Result<(), CodecError> {
    decode_slice_by(coded, None, layout, out)
}

/// Decodes what [`encode_slice`] or [`encode_slice_by`] made, into `out` of the layout's size.
///
/// # Errors
/// As [`decode_slice`]; `Corrupt` too if it needs a parent and there is none.
pub fn decode_slice_by(
    coded: &[u8],
    parent: Option<&[u8]>,
    layout: &SliceLayout,
    out: &mut [u8],
) -> Result<(), CodecError> {
    if out.len() != layout.n_bytes() || parent.is_some_and(|parent| parent.len() != layout.n_bytes()) {
        return Err(CodecError::InvalidArgument { what: "the buffer does not match the slice's layout" });
    }
    stream::decode(coded, layout, parent, out)
}

#[cfg(test)]
mod tests;
