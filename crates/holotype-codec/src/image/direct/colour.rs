//! Colour transforms of bytes, modulo 256.

use crate::simd::ByteLanes;
use crate::{CodecError, TileRef, TileShape};

/// Rows that a choice looks at, and how far apart the pixels in them.
const N_SAMPLED_ROWS: usize = 32;
const SAMPLED_STEP: usize = 7;

/// What becomes of red, green and blue; wire values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Colour {
    /// They stay.
    None = 0,
    /// G, R − G + 128, B − G + 128.
    Green = 1,
    /// G, R − G + 128, B − (R + G + 1) / 2 + 128.
    GreenRed = 2,
}

impl Colour {
    pub(super) fn from_code(code: u8, shape: &TileShape) -> Result<Self, CodecError> {
        let colour = [Self::None, Self::Green, Self::GreenRed]
            .get(usize::from(code))
            .copied()
            .ok_or(CodecError::Unsupported { what: "colour of the fast path", id: u32::from(code) })?;
        if colour != Self::None && !fits(shape) {
            return Err(CodecError::Corrupt { what: "the colour transform does not fit the tile" });
        }
        Ok(colour)
    }

    /// The transform with the smallest gradients on a sparse sample.
    pub(super) fn choose(tile: &TileRef<'_>) -> Self {
        let shape = tile.shape();
        if !fits(&shape) || shape.width < 2 {
            return Self::None;
        }
        let n = usize::from(shape.n_channels);
        let mut costs = [0_u64; 3];
        let rows = tile.rows();
        for pair in rows.windows(2).step_by(rows.len() / N_SAMPLED_ROWS + 1) {
            let [above, row] = pair else { continue };
            for x in (1..shape.width as usize).step_by(SAMPLED_STEP) {
                let pixels = [&above[(x - 1) * n..], &above[x * n..], &row[(x - 1) * n..], &row[x * n..]];
                for (colour, cost) in [Self::None, Self::Green, Self::GreenRed].into_iter().zip(&mut costs) {
                    let [nw, n, w, v] = pixels.map(|p| colour.forward([p[0], p[1], p[2]]));
                    for k in 0..3 {
                        let error = v[k].wrapping_sub(gradient(w[k], n[k], nw[k]));
                        *cost += u64::from(error.min(error.wrapping_neg()));
                    }
                }
            }
        }
        match costs {
            [a, b, c] if a <= b && a <= c => Self::None,
            [_, b, c] if b <= c => Self::Green,
            _ => Self::GreenRed,
        }
    }

    #[inline(always)]
    pub(super) fn forward(self, [r, g, b]: [u8; 3]) -> [u8; 3] {
        match self {
            Self::None => [r, g, b],
            Self::Green => [g, r.wrapping_sub(g) ^ 128, b.wrapping_sub(g) ^ 128],
            Self::GreenRed => [g, r.wrapping_sub(g) ^ 128, b.wrapping_sub(mean(r, g)) ^ 128],
        }
    }

    #[inline(always)]
    pub(super) fn inverse(self, [p, q, s]: [u8; 3]) -> [u8; 3] {
        let r = (q ^ 128).wrapping_add(p);
        match self {
            Self::None => [p, q, s],
            Self::Green => [r, p, (s ^ 128).wrapping_add(p)],
            Self::GreenRed => [r, p, (s ^ 128).wrapping_add(mean(r, p))],
        }
    }
}

impl Colour {
    /// [`Self::forward`] in every lane.
    #[inline(always)]
    pub(super) fn forward_lanes<L: ByteLanes>(self, l: L, [r, g, b]: [L::B; 3]) -> [L::B; 3] {
        let half = l.splat_u8(128);
        let below = match self {
            Self::None => return [r, g, b],
            Self::Green => g,
            Self::GreenRed => l.average_u8(r, g),
        };
        [g, l.add_u8(l.sub_u8(r, g), half), l.add_u8(l.sub_u8(b, below), half)]
    }

    /// [`Self::inverse`] in every lane.
    #[inline(always)]
    pub(super) fn inverse_lanes<L: ByteLanes>(self, l: L, [p, q, s]: [L::B; 3]) -> [L::B; 3] {
        let half = l.splat_u8(128);
        let r = l.add_u8(l.add_u8(q, half), p);
        let below = match self {
            Self::None => return [p, q, s],
            Self::Green => p,
            Self::GreenRed => l.average_u8(r, p),
        };
        [r, p, l.add_u8(l.add_u8(s, half), below)]
    }
}

fn fits(shape: &TileShape) -> bool {
    shape.is_rgb && shape.n_channels >= 3
}

#[inline(always)]
fn mean(a: u8, b: u8) -> u8 {
    ((u16::from(a) + u16::from(b) + 1) >> 1) as u8
}

/// W + N − NW, kept between W and N.
#[inline(always)]
pub(super) fn gradient(w: u8, n: u8, nw: u8) -> u8 {
    w.wrapping_add(n).wrapping_sub(nw.clamp(w.min(n), w.max(n)))
}
