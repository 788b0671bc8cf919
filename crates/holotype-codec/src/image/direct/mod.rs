//! The fast path of byte tiles: gradient prediction and Golomb–Rice codes in 32 interleaved streams, straight from
//! the samples. `docs/codecs/direct.md` is the specification.
//!
//! Row `i` of a strip of 32 rows is lane `i`. At step `t` a lane stands at column `t - 2i`, so that its neighbours
//! above, the one to the right included, are done: 32 samples advance together, in one stream of words.

mod colour;
mod decode;
mod encode;
mod flags;
mod residuals;
mod rice;
mod strip;

use crate::entropy::words::WordWriter;
use crate::simd::{ByteLanes, Kernel, dispatch};
use crate::{CodecError, TileMut, TileRef, TileShape};
use colour::Colour;
use flags::Flags;
use rice::Thresholds;

/// Rows of a strip.
const N_LANES: usize = 32;
/// Columns by which a lane trails the lane above.
const SKEW: usize = 2;
/// Most samples a pixel may have.
const MAX_PLANES: usize = 4;

/// Everything before the words.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Header {
    colour: Colour,
    /// One for each plane.
    thresholds: Vec<Thresholds>,
    flags: Flags,
    /// Bits a lane begins with, below a leading one; plane after plane.
    lanes: Vec<u32>,
}

/// True if this path takes such tiles.
pub(super) fn accepts(shape: &TileShape) -> bool {
    shape.sample.n_bytes() == 1 && usize::from(shape.n_channels) <= MAX_PLANES
}

/// Codes a tile behind what `out` holds; the path must take such tiles.
pub(super) fn encode(tile: &TileRef<'_>, out: &mut Vec<u8>) {
    let (header, words) = dispatch(Encode(tile));
    write(&header, &words, out);
}

fn write(header: &Header, words: &WordWriter, out: &mut Vec<u8>) {
    let header = header.bytes();
    out.reserve_exact(header.len() + words.bytes().len());
    out.extend_from_slice(&header);
    out.extend_from_slice(words.bytes());
}

/// Decodes what [`encode`] made.
pub(super) fn decode(bytes: &[u8], out: &mut TileMut<'_, '_>) -> Result<(), CodecError> {
    if !accepts(&out.shape()) {
        return Err(CodecError::Corrupt { what: "the fast path holds bytes, at most four a pixel" });
    }
    let (header, words) = Header::parse(bytes, &out.shape())?;
    dispatch(decode::Decode { header: &header, words, out })
}

struct Encode<'a, 'b>(&'a TileRef<'b>);

impl Kernel for Encode<'_, '_> {
    type Output = (Header, WordWriter);

    #[inline(always)]
    fn run<L: ByteLanes>(self, l: L) -> Self::Output {
        encode::code(l, self.0, Colour::choose(self.0))
    }
}

/// 255 in the lanes that stand on a sample at step `t` of a strip of `n_rows` rows: one piece of them.
#[inline(always)]
fn active(t: usize, width: usize, n_rows: usize) -> [u8; N_LANES] {
    const FIRST: [u8; 2 * N_LANES] = {
        let mut first = [0; 2 * N_LANES];
        let mut i = 0;
        while i < N_LANES {
            first[i] = 255;
            i += 1;
        }
        first
    };
    let first = |n: usize| -> [u8; N_LANES] {
        let n = n.min(N_LANES);
        FIRST[N_LANES - n..].first_chunk().copied().unwrap_or([255; N_LANES])
    };
    // Lane i stands at column t - SKEW * i: past the end in the first lanes, before the start in the last.
    let ahead = first((t + SKEW).saturating_sub(width) / SKEW);
    let begun = first(n_rows.min(t / SKEW + 1));
    std::array::from_fn(|i| begun[i] & !ahead[i])
}

impl Header {
    fn bytes(&self) -> Vec<u8> {
        let mut out = vec![self.colour as u8];
        self.thresholds.iter().for_each(|t| out.extend_from_slice(&t.0));
        out.extend_from_slice(self.flags.bytes());
        self.lanes.iter().for_each(|lane| out.extend_from_slice(&lane.to_le_bytes()));
        out
    }

    fn parse<'a>(bytes: &'a [u8], shape: &TileShape) -> Result<(Self, &'a [[u8; 2]]), CodecError> {
        let truncated = CodecError::Truncated { what: "fast path header" };
        let n_planes = usize::from(shape.n_channels);
        let (&code, rest) = bytes.split_first().ok_or_else(|| truncated.clone())?;
        let colour = Colour::from_code(code, shape)?;
        let (thresholds, rest) =
            rest.split_at_checked(n_planes * Thresholds::N).ok_or_else(|| truncated.clone())?;
        let (thresholds, _) = thresholds.as_chunks();
        let thresholds: Vec<_> = thresholds.iter().map(|t| Thresholds(*t)).collect();
        if !thresholds.iter().all(|t| t.0.is_sorted()) {
            return Err(CodecError::Corrupt { what: "thresholds do not ascend" });
        }
        let (flags, rest) = rest.split_at_checked(Flags::n_bytes(shape)).ok_or_else(|| truncated.clone())?;
        let flags = Flags::parse(flags, shape)?;
        let (lanes, words) = rest.split_at_checked(4 * N_LANES * n_planes).ok_or(truncated)?;
        let (lanes, _) = lanes.as_chunks();
        let lanes: Vec<u32> = lanes.iter().map(|lane| u32::from_le_bytes(*lane)).collect();
        if lanes.iter().any(|lane| *lane < 1 << 16) {
            return Err(CodecError::Corrupt { what: "a lane begins with fewer than 16 bits" });
        }
        let (words, rest) = words.as_chunks();
        if !rest.is_empty() {
            return Err(CodecError::Corrupt { what: "half a word" });
        }
        Ok((Self { colour, thresholds, flags, lanes }, words))
    }
}

#[cfg(test)]
mod tests;
