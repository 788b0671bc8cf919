//! The fast coder of planes: gradient prediction of words of 16 bit in 32 interleaved streams, one plane after the
//! other. `docs/codecs/lanes.md` is the specification.
//!
//! Row `i` of a strip of 32 rows is lane `i`. At step `t` a lane stands at column `t - 2i`, so that its neighbours
//! above, the one to the right included, are done: 32 samples advance together.
//!
//! * `spread`: Golomb–Rice codes, of which energies around a number say how many low bits it keeps.
//! * `tables`, `tally`, `states`: static rANS, where that makes a plane much smaller; twice the time.

mod active;
mod colour;
mod decode;
mod encode;
mod flags;
mod spread;
mod states;
mod strip;
mod tables;
mod tally;

use super::{PlaneShape, Planes};
use crate::CodecError;
use crate::entropy::byte_rans::MIN_STATE;
use crate::simd::{Kernel, WordLanes, dispatch};
use colour::Colour;
use flags::Flags;
use spread::Spread;
use tables::Tables;

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

/// When planes are coded by tables. That takes twice the time of bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum UseOfTables {
    /// Where it makes them a twelfth smaller.
    IfMuchSmaller,
    /// Where it makes them smaller.
    IfSmaller,
}

impl UseOfTables {
    /// Bits that a plane by tables may take.
    fn worth(self, by_bits: u64) -> u64 {
        match self {
            Self::IfMuchSmaller => by_bits - by_bits / 12,
            Self::IfSmaller => by_bits,
        }
    }
}

/// Codes planes. `None` if tables are used and it is certain, before that, that they take more than `most_bytes`.
pub(super) fn encode(planes: &Planes, use_of_tables: UseOfTables, most_bytes: usize) -> Option<Vec<u8>> {
    dispatch(Encode { planes, use_of_tables, most_bytes })
}

/// Decodes what [`encode`] made.
pub(super) fn decode(bytes: &[u8], shape: &PlaneShape) -> Result<Planes, CodecError> {
    dispatch(Decode { bytes, shape })
}

struct Encode<'a> {
    planes: &'a Planes,
    use_of_tables: UseOfTables,
    most_bytes: usize,
}

impl Kernel for Encode<'_> {
    type Output = Option<Vec<u8>>;

    #[inline(always)]
    fn run<L: WordLanes>(self, l: L) -> Option<Vec<u8>> {
        let Self { planes, use_of_tables, most_bytes } = self;
        let colour = Colour::choose(planes);
        let mut out = vec![colour as u8];
        for c in 0..planes.samples.len() {
            encode::Plane::new(planes, colour, c).code(l, use_of_tables, most_bytes, &mut out)?;
        }
        Some(out)
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
    flags: Flags,
    streams: Streams,
    words: &'a [[u8; 2]],
}

/// What the streams of a plane begin with.
enum Streams {
    /// Bits, below a leading one.
    Bits(Spread, [u32; N_LANES]),
    /// States.
    States(Tables, [u32; N_LANES]),
}

impl Streams {
    /// Those of a plane where nothing is coded.
    const NONE: Self = Self::Bits(Spread::LEAST, [1 << 16; N_LANES]);
}

/// What a plane begins with whose numbers are coded by tables; of others it is less.
const BY_TABLES: u8 = 8;

impl<'a> Coded<'a> {
    /// The next plane and what follows it.
    fn parse(bytes: &'a [u8], shape: &PlaneShape) -> Result<(Self, &'a [u8]), CodecError> {
        if let [BY_TABLES, rest @ ..] = bytes {
            let (flags, rest) = Flags::parse(rest, shape)?;
            if !flags.has_any() {
                return Ok((Self { flags, streams: Streams::NONE, words: &[] }, rest));
            }
            let (n_bytes, rest) = rest.split_first_chunk().ok_or(TRUNCATED)?;
            let n_bytes = usize::from(u16::from_le_bytes(*n_bytes));
            let (tables, rest) = rest.split_at_checked(n_bytes).ok_or(TRUNCATED)?;
            let tables = Tables::parse(tables)?;
            let (states, words, rest) = begins_and_words(rest)?;
            if states.iter().any(|state| !(MIN_STATE..1 << 31).contains(state)) {
                return Err(CodecError::Corrupt { what: "a coder state is out of range" });
            }
            return Ok((Self { flags, streams: Streams::States(tables, states), words }, rest));
        }
        let (spread, rest) = bytes.split_first_chunk().ok_or(TRUNCATED)?;
        let spread = Spread::parse(*spread)?;
        let (flags, rest) = Flags::parse(rest, shape)?;
        if !flags.has_any() {
            return Ok((Self { flags, streams: Streams::NONE, words: &[] }, rest));
        }
        let (lanes, words, rest) = begins_and_words(rest)?;
        if lanes.iter().any(|lane| *lane < 1 << 16) {
            return Err(CodecError::Corrupt { what: "a lane begins with fewer than 16 bits" });
        }
        Ok((Self { flags, streams: Streams::Bits(spread, lanes), words }, rest))
    }
}

/// What the lanes begin with, the plane's words, and what follows them.
type BeginsAndWords<'a> = ([u32; N_LANES], &'a [[u8; 2]], &'a [u8]);

fn begins_and_words(bytes: &[u8]) -> Result<BeginsAndWords<'_>, CodecError> {
    let (lanes, rest) = bytes.split_at_checked(4 * N_LANES).ok_or(TRUNCATED)?;
    let lanes = lanes.as_chunks().0;
    let lanes = std::array::from_fn(|i| u32::from_le_bytes(lanes[i]));
    let (n_words, rest) = rest.split_first_chunk().ok_or(TRUNCATED)?;
    let n_bytes = (u32::from_le_bytes(*n_words) as usize).checked_mul(2).ok_or(TRUNCATED)?;
    let (words, rest) = rest.split_at_checked(n_bytes).ok_or(TRUNCATED)?;
    Ok((lanes, words.as_chunks().0, rest))
}

#[cfg(test)]
mod tests;
