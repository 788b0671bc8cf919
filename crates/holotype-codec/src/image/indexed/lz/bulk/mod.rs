//! Copies whose literals and numbers are decoded by lanes before any pixel is: pictures with many literals.
//! `docs/codecs/indexed.md` §8.

mod decode;
mod encode;
mod fill;
mod lanes;

pub(in crate::image::indexed) use decode::decode;
pub(super) use encode::encode;

use super::{Around, token};
use crate::entropy::number::zigzag;
use crate::entropy::static_rans::{N_SLOTS, PRECISION_BITS};
use crate::image::levels::normalise;
use crate::image::tables::{Layout, Tables};
use crate::simd::{median, sub_bytes};

/// How numbers become tokens: those below 2^`direct` are tokens, then come 2^`fine` for each octave.
#[derive(Debug, Clone, Copy)]
pub(super) struct Form {
    direct: u32,
    fine: u32,
}

/// Sixteen, then four to an octave.
pub(super) const FORM: Form = Form { direct: 4, fine: 2 };
/// Numbers have less than so many bits: what follows a token fits 15.
pub(super) const N_NUMBER_BITS: u32 = 18;

impl Form {
    /// A number's token, and how many low bits follow it.
    #[inline(always)]
    pub(super) const fn token_of(self, number: u32) -> (u32, u32) {
        let Self { direct, fine } = self;
        if number < 1 << direct {
            return (number, 0);
        }
        let log = 31 - number.leading_zeros();
        let part = number >> (log - fine) & ((1 << fine) - 1);
        ((1 << direct) + ((log - direct) << fine) + part, log - fine)
    }

    /// How many low bits follow a token.
    #[inline(always)]
    pub(super) fn n_low_bits(self, token: u32) -> u32 {
        let Self { direct, fine } = self;
        token.checked_sub(1 << direct).map_or(0, |above| (above >> fine) + direct - fine)
    }
}

/// Lists of numbers, in the order in which they are coded.
mod list {
    /// Lengths of runs from 9 on.
    pub(super) const NORTHS: usize = 0;
    pub(super) const WESTS: usize = 1;
    /// Lengths of copies.
    pub(super) const LENGTHS: usize = 2;
    /// New distances.
    pub(super) const ROWS: usize = 3;
    pub(super) const COLUMNS: usize = 4;
    pub(super) const N: usize = 5;
}

/// Contexts of numbers: one a list, three for columns.
const OF_NUMBERS: Layout =
    Layout { n_contexts: 7, n_sides: 1, n_tokens: FORM.token_of((1 << N_NUMBER_BITS) - 1).0 as usize + 1 };
/// Contexts of tokens: those of adaptive copies.
const OF_TOKENS: Layout = Layout { n_contexts: 80, n_sides: 16, n_tokens: token::AGAIN + 1 };
/// Contexts of one channel of literals.
const N_LITERAL_CONTEXTS: usize = 64;

fn of_literals(n_channels: usize) -> Layout {
    Layout {
        n_contexts: N_LITERAL_CONTEXTS * n_channels,
        n_sides: 8,
        n_tokens: FORM.token_of(255).0 as usize + 1,
    }
}

/// The context of the `i`-th channel of a literal, from the sizes of the same channel of the two literals before it,
/// the last first, and of the channel before.
#[inline(always)]
pub(super) fn literal_context(i: usize, before: [u8; 2], size: u8) -> usize {
    i * N_LITERAL_CONTEXTS + usize::from((before[0] + before[1]).div_ceil(2)) * 8 + usize::from(size)
}

/// Bit length, at most 7.
#[inline(always)]
pub(super) fn size_of(number: u32) -> u8 {
    (32 - number.leading_zeros()).min(7) as u8
}

/// A channel of literals that is coded: its place in the pixel.
#[derive(Debug, Clone, Copy)]
pub(super) struct Channel(u32);

impl Channel {
    /// Those of `n_channels` that are not constant; green first where red and blue follow it.
    pub(super) fn all(n_channels: u32, is_colour: bool, mask: u32) -> Vec<Self> {
        let order: &[u32] = if is_colour { &[3, 1, 0, 2] } else { &[0, 1, 2, 3] };
        order.iter().filter(|c| **c < n_channels && mask >> **c & 1 == 0).map(|c| Self(*c)).collect()
    }

    /// The channel's number in a literal's residual.
    #[inline(always)]
    pub(super) fn number(self, residual: u32) -> u32 {
        zigzag(i64::from((residual >> (8 * self.0)) as u8 as i8)) as u32
    }
}

/// Red and blue less green, plus 128: gray is the same in all pixels.
#[inline(always)]
pub(super) fn less_green(pixel: u32) -> u32 {
    let green = pixel >> 8 & 255;
    pixel & 0xff00_ff00 | ((pixel & 0x00ff_00ff) + 0x0180_0180 - (green | green << 16)) & 0x00ff_00ff
}

/// Inverse of [`less_green`].
#[inline(always)]
pub(super) fn with_green(pixel: u32) -> u32 {
    let green = pixel >> 8 & 255;
    pixel & 0xff00_ff00 | ((pixel & 0x00ff_00ff) + 0x0080_0080 + (green | green << 16)) & 0x00ff_00ff
}

/// What a pixel is beside its prediction.
#[inline(always)]
pub(super) fn residual(around: &Around, pixel: u32) -> u32 {
    sub_bytes(pixel, median(around.west, around.north, around.north_west))
}

/// Literals from which on they are coded in two halves, side by side.
const MIN_HALVED: usize = 4096;

/// Segments of literals, each of which a lane codes from its first to its last, and how many literals the longest has.
fn segments(n_literals: usize) -> (usize, usize) {
    let n_segments = if n_literals < MIN_HALVED { 8 } else { 16 };
    (n_segments, n_literals.div_ceil(n_segments))
}

/// Calls `put` for each slot of each table with the table, the slot, and what it says: frequency − 1 (11 bits), the slot's
/// place among those of its token (11), token (the rest).
fn for_slots(tables: &Tables, mut put: impl FnMut(usize, usize, u32)) {
    for (table, levels) in tables.levels.iter().enumerate() {
        let mut slot = 0;
        for (token, frequency) in normalise(levels).into_iter().enumerate() {
            let entry = frequency.wrapping_sub(1) | (token as u32) << (2 * PRECISION_BITS);
            for place in 0..frequency.min(N_SLOTS as u32) {
                put(table, slot, entry | place << PRECISION_BITS);
                slot += 1;
            }
        }
    }
}
