//! Tensor slices: words → transform → coder → bytes. `docs/codecs/tensor.md` is the specification.
//!
//! * `layout`, `word`: a slice as words of one, two, four or eight bytes, and how they sort.
//! * `lorenzo`, `narrow`: reversible transforms of words.
//! * `planes`, `lz`, `numeric`: coders of words.
//! * `choose`: which of them is tried; never needed to decode.

mod choose;
mod element;
mod layout;
mod lorenzo;
mod lz;
mod narrow;
mod numeric;
mod planes;
mod stream;
mod word;

pub use element::{ElementType, WordKind};
pub use layout::SliceLayout;

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

/// Decodes what [`encode_slice`] made, into `out` of the layout's size.
///
/// # Errors
/// `Truncated`, `Corrupt` or `Unsupported`; `out` then holds unspecified bytes.
pub fn decode_slice(coded: &[u8], layout: &SliceLayout, out: &mut [u8]) -> Result<(), CodecError> {
    if out.len() != layout.n_bytes() {
        return Err(CodecError::InvalidArgument { what: "the buffer does not match the slice's layout" });
    }
    stream::decode(coded, layout, out)
}

#[cfg(test)]
mod tests;
