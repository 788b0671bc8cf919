//! Deflate streams (RFC 1951) as zlib makes them, bit for bit, so that files that hold one need not keep it.
//! `docs/codecs/deflate.md`.
//!
//! * `matches`: which bytes become references to earlier ones, by level and strategy.
//! * `block`: tokens grouped, and the cheapest form of a group.
//! * `tree`: code lengths and codes.
//! * `bits`: bits, lowest first.
//!
//! The choices are zlib's own, which have not changed since 1.2.5.1; only plain levels 1 to 9 are here.

mod bits;
mod block;
mod matches;
#[cfg(test)]
mod tests;
mod tree;

use crate::CodecError;
use block::Blocks;
use matches::End;

/// How zlib was set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DeflateParameters {
    /// Level, 1 to 9.
    pub level: u8,
    /// Base-2 logarithm of the window, 9 to 15.
    pub window_bits: u8,
    /// Memory level, 1 to 9: it sets how many tokens are in a block.
    pub memory_level: u8,
    /// What kind of data it was told of.
    pub strategy: DeflateStrategy,
}

/// Strategies of zlib, by their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum DeflateStrategy {
    /// `Z_DEFAULT_STRATEGY`.
    Default = 0,
    /// `Z_FILTERED`.
    Filtered = 1,
    /// `Z_HUFFMAN_ONLY`.
    HuffmanOnly = 2,
    /// `Z_RLE`.
    RunLength = 3,
    /// `Z_FIXED`.
    Fixed = 4,
}

impl DeflateStrategy {
    /// All, by number.
    pub const ALL: [Self; 5] =
        [Self::Default, Self::Filtered, Self::HuffmanOnly, Self::RunLength, Self::Fixed];
}

impl DeflateParameters {
    /// From their numbers.
    ///
    /// # Errors
    /// `Unsupported` for one that is not known.
    pub fn new(level: u8, window_bits: u8, memory_level: u8, strategy: u8) -> Result<Self, CodecError> {
        let unknown = |what, id: u8| CodecError::Unsupported { what, id: id.into() };
        if !(1..=9).contains(&level) {
            return Err(unknown("level of deflate", level));
        }
        if !(9..=15).contains(&window_bits) {
            return Err(unknown("window of deflate", window_bits));
        }
        if !(1..=9).contains(&memory_level) {
            return Err(unknown("memory level of deflate", memory_level));
        }
        let strategy = DeflateStrategy::ALL.get(usize::from(strategy)).copied();
        let strategy = strategy.ok_or(unknown("strategy of deflate", u8::MAX))?;
        Ok(Self { level, window_bits, memory_level, strategy })
    }
}

/// Codes `data` as zlib does, as a raw stream, until it is at its end or `check` refuses what is written so far.
///
/// Memory: 6 bytes for each of `2^window_bits` and `2^(memory_level + 7)` places, and the output.
pub fn deflate(
    data: &[u8],
    parameters: DeflateParameters,
    check: &mut dyn FnMut(&[u8]) -> bool,
) -> Option<Vec<u8>> {
    let mut blocks = Blocks::new(data, parameters);
    match matches::find(data, parameters, &mut |token| blocks.push(token, check)) {
        End::Refused => None,
        End::Done(last) => Some(blocks.finish(last)),
    }
}
