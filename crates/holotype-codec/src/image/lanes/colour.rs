//! Colour transforms of words, modulo 65536.

use crate::CodecError;
use crate::image::{PlaneShape, Planes};

/// What becomes of red, green and blue; wire values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Colour {
    /// They stay.
    None = 0,
    /// G, R − G + 32768, B − G + 32768.
    Green = 1,
    /// G, R − G + 32768, B − (R + G + 1) / 2 + 32768.
    GreenRed = 2,
}

/// What a difference of 0 becomes.
const MIDDLE: u16 = 1 << 15;

impl Colour {
    pub(super) fn from_code(code: u8, shape: &PlaneShape) -> Result<Self, CodecError> {
        let colour = [Self::None, Self::Green, Self::GreenRed]
            .get(usize::from(code))
            .copied()
            .ok_or(CodecError::Unsupported { what: "colour of lanes", id: u32::from(code) })?;
        if colour != Self::None && !shape.is_rgb {
            return Err(CodecError::Corrupt { what: "the colour transform does not fit the planes" });
        }
        Ok(colour)
    }

    /// The transform with the smallest gradients on a sparse sample.
    pub(super) fn choose(planes: &Planes) -> Self {
        let PlaneShape { width, height, is_rgb, .. } = planes.shape;
        let [r, g, b, ..] = planes.samples.as_slice() else { return Self::None };
        if !is_rgb || width < 2 || height < 2 {
            return Self::None;
        }
        let mut costs = [0_u64; 3];
        for y in (1..height).step_by(height / 64 + 1) {
            for x in (1..width).step_by(5) {
                let at = y * width + x;
                let around = [at, at - 1, at - width, at - width - 1].map(|i| [r[i], g[i], b[i]]);
                for (colour, cost) in [Self::None, Self::Green, Self::GreenRed].into_iter().zip(&mut costs) {
                    let [v, w, n, nw] = around.map(|p| colour.pixel(p));
                    for k in 0..3 {
                        let error = v[k].wrapping_sub(gradient(w[k], n[k], nw[k]));
                        // About the bits of the error: large ones must not outweigh all others.
                        *cost += u64::from(16 - (error.min(error.wrapping_neg())).leading_zeros());
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

    fn pixel(self, [r, g, b]: [u16; 3]) -> [u16; 3] {
        match self {
            Self::None => [r, g, b],
            Self::Green => [g, difference(r, g), difference(b, g)],
            Self::GreenRed => [g, difference(r, g), difference(b, mean(r, g))],
        }
    }

    /// Samples `range` of transformed plane `c`.
    #[inline(always)]
    pub(super) fn row(self, planes: &Planes, c: usize, range: std::ops::Range<usize>, out: &mut [u16]) {
        let plane = |c: usize| planes.samples.get(c).and_then(|p| p.get(range.clone())).unwrap_or(&[]);
        match (self, c) {
            (Self::None, _) | (_, 3..) => out.copy_from_slice(plane(c)),
            (_, 0) => out.copy_from_slice(plane(1)),
            (Self::Green, _) | (_, 1) => {
                let pairs = plane(if c == 1 { 0 } else { 2 }).iter().zip(plane(1));
                out.iter_mut().zip(pairs).for_each(|(to, (v, g))| *to = difference(*v, *g));
            }
            _ => {
                let pixels = plane(0).iter().zip(plane(1)).zip(plane(2));
                out.iter_mut().zip(pixels).for_each(|(to, ((r, g), b))| *to = difference(*b, mean(*r, *g)));
            }
        }
    }

    /// Red, green and blue from the transformed planes.
    #[inline(always)]
    pub(super) fn inverse(self, planes: &mut [Vec<u16>]) {
        let [p, q, s, ..] = planes else { return };
        if self == Self::None {
            return;
        }
        for ((p, q), s) in p.iter_mut().zip(q.iter_mut()).zip(s.iter_mut()) {
            let g = *p;
            let r = (*q ^ MIDDLE).wrapping_add(g);
            let from = if self == Self::Green { g } else { mean(r, g) };
            (*p, *q, *s) = (r, g, (*s ^ MIDDLE).wrapping_add(from));
        }
    }
}

#[inline(always)]
fn difference(a: u16, b: u16) -> u16 {
    a.wrapping_sub(b) ^ MIDDLE
}

#[inline(always)]
fn mean(a: u16, b: u16) -> u16 {
    ((u32::from(a) + u32::from(b) + 1) >> 1) as u16
}

/// W + N − NW, kept between W and N.
#[inline(always)]
pub(super) fn gradient(w: u16, n: u16, nw: u16) -> u16 {
    w.wrapping_add(n).wrapping_sub(nw.clamp(w.min(n), w.max(n)))
}
