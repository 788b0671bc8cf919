//! The header of a tile that needs an earlier frame: motion and weights in one stream. `docs/codecs/inter.md` §2.

use crate::CodecError;
use crate::entropy::binary::{AdaptiveBit, AdaptiveNumber, BitCoder};

/// Models of the numbers in a header.
#[derive(Debug, Default)]
pub(super) struct Models {
    pub(super) count: AdaptiveNumber,
    pub(super) vector: AdaptiveNumber,
    pub(super) like_left: [AdaptiveBit; 2],
    pub(super) like_above: AdaptiveBit,
    pub(super) index: AdaptiveNumber,
    pub(super) weight: AdaptiveNumber,
    pub(super) joins: AdaptiveBit,
    pub(super) has_classes: AdaptiveBit,
    pub(super) classes: [AdaptiveBit; 3],
}

/// Small numbers of either sign as numbers: 0, −1, 1, −2, …
fn zigzag(value: i32) -> u32 {
    (value << 1 ^ value >> 31) as u32
}

/// Codes a number of either sign.
pub(super) fn code_signed(model: &mut AdaptiveNumber, coder: &mut impl BitCoder, value: i32) -> i32 {
    let coded = model.code(coder, zigzag(value));
    (coded >> 1) as i32 ^ -((coded & 1) as i32)
}

/// Puts the size of the header before it.
pub(super) fn join(header: &[u8], body: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&(header.len() as u32).to_le_bytes()[..3]);
    out.extend_from_slice(header);
    out.extend_from_slice(body);
}

/// Inverse of [`join`].
pub(super) fn split(bytes: &[u8]) -> Result<(&[u8], &[u8]), CodecError> {
    const TRUNCATED: CodecError = CodecError::Truncated { what: "header of a tile" };
    let [a, b, c, rest @ ..] = bytes else { return Err(TRUNCATED) };
    rest.split_at_checked(u32::from_le_bytes([*a, *b, *c, 0]) as usize).ok_or(TRUNCATED)
}
