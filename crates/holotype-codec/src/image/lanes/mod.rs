//! The fast coder of planes: gradient prediction and Golomb–Rice codes of words of 16 bit in 32 interleaved
//! streams, one plane after the other. `docs/codecs/lanes.md` is the specification.
//!
//! Row `i` of a strip of 32 rows is lane `i`. At step `t` a lane stands at column `t - 2i`, so that its neighbours
//! above, the one to the right included, are done: 32 samples advance together.

mod active;
mod colour;
mod decode;
mod encode;
mod flags;
mod spread;
mod strip;

use super::{PlaneShape, Planes};
use crate::CodecError;
use crate::simd::{Kernel, WordLanes, dispatch};
use colour::Colour;
use flags::Flags;
use spread::Spread;

/// Rows of a strip.
const N_LANES: usize = 32;
/// Columns by which a lane trails the lane above.
const SKEW: usize = 2;
/// Zeros that stand for a whole word instead of a quotient.
const ESCAPE: i32 = 8;
/// As many of a number's low bits go with its quotient.
const N_NEAR: i32 = 8;

/// Steps of a strip.
fn n_steps(width: usize) -> usize {
    width + SKEW * (N_LANES - 1)
}

/// Codes planes.
pub(super) fn encode(planes: &Planes) -> Vec<u8> {
    dispatch(Encode(planes))
}

/// Decodes what [`encode`] made.
pub(super) fn decode(bytes: &[u8], shape: &PlaneShape) -> Result<Planes, CodecError> {
    dispatch(Decode { bytes, shape })
}

struct Encode<'a>(&'a Planes);

impl Kernel for Encode<'_> {
    type Output = Vec<u8>;

    #[inline(always)]
    fn run<L: WordLanes>(self, l: L) -> Vec<u8> {
        let colour = Colour::choose(self.0);
        let mut out = vec![colour as u8];
        for c in 0..self.0.samples.len() {
            encode::Plane::new(self.0, colour, c).code(l, &mut out);
        }
        out
    }
}

struct Decode<'a> {
    bytes: &'a [u8],
    shape: &'a PlaneShape,
}

impl Kernel for Decode<'_> {
    type Output = Result<Planes, CodecError>;

    #[inline(always)]
    fn run<L: WordLanes>(self, l: L) -> Self::Output {
        let Self { bytes, shape } = self;
        let (&code, mut rest) = bytes.split_first().ok_or(TRUNCATED)?;
        let colour = Colour::from_code(code, shape)?;
        let mut samples = Vec::new();
        for _ in &shape.maxes {
            let coded;
            (coded, rest) = Coded::parse(rest, shape)?;
            samples.push(decode::plane(l, &coded, shape)?);
        }
        if !rest.is_empty() {
            return Err(CodecError::Corrupt { what: "bytes after the last plane" });
        }
        colour.inverse(&mut samples);
        if samples.iter().zip(&shape.maxes).any(|(plane, max)| largest(plane) > *max) {
            return Err(CodecError::Corrupt { what: "a sample exceeds its plane's range" });
        }
        Ok(Planes { shape: shape.clone(), samples })
    }
}

#[inline(always)]
fn largest(plane: &[u16]) -> u16 {
    plane.iter().fold(0, |max, v| max.max(*v))
}

const TRUNCATED: CodecError = CodecError::Truncated { what: "lanes" };

/// A coded plane, read but not decoded.
struct Coded<'a> {
    spread: Spread,
    flags: Flags,
    /// Bits a lane begins with, below a leading one; none if no flag is set.
    lanes: Option<[u32; N_LANES]>,
    words: &'a [[u8; 2]],
}

impl<'a> Coded<'a> {
    /// The next plane and what follows it.
    fn parse(bytes: &'a [u8], shape: &PlaneShape) -> Result<(Self, &'a [u8]), CodecError> {
        let (spread, rest) = bytes.split_first_chunk().ok_or(TRUNCATED)?;
        let spread = Spread::parse(*spread)?;
        let (&steps_log2, rest) = rest.split_first().ok_or(TRUNCATED)?;
        let (flags, rest) = Flags::parse(steps_log2, rest, shape)?;
        if !flags.has_any() {
            return Ok((Self { spread, flags, lanes: None, words: &[] }, rest));
        }
        let (lanes, rest) = rest.split_at_checked(4 * N_LANES).ok_or(TRUNCATED)?;
        let lanes = lanes.as_chunks().0;
        let lanes: [u32; N_LANES] = std::array::from_fn(|i| u32::from_le_bytes(lanes[i]));
        if lanes.iter().any(|lane| *lane < 1 << 16) {
            return Err(CodecError::Corrupt { what: "a lane begins with fewer than 16 bits" });
        }
        let (n_words, rest) = rest.split_first_chunk().ok_or(TRUNCATED)?;
        let n_bytes = (u32::from_le_bytes(*n_words) as usize).checked_mul(2).ok_or(TRUNCATED)?;
        let (words, rest) = rest.split_at_checked(n_bytes).ok_or(TRUNCATED)?;
        Ok((Self { spread, flags, lanes: Some(lanes), words: words.as_chunks().0 }, rest))
    }
}

#[cfg(test)]
mod tests;
