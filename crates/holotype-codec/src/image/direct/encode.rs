//! Residuals into words, last first.

use super::flags::{Flags, n_steps};
use super::residuals::{Residuals, Step};
use super::rice::{ESCAPE, Thresholds};
use super::{N_LANES, SKEW, active};
use crate::TileShape;
use crate::simd::ByteLanes;

/// The lanes of a plane: their next bits, the first one on top, and how many there are.
#[derive(Debug, Clone)]
struct Lanes {
    bits: [[i32; 8]; 4],
    n_bits: [[i32; 8]; 4],
}

/// Words, written from the end of a buffer that grows at its front.
struct Words {
    buffer: Vec<u16>,
    /// Index of the first word.
    first: usize,
}

impl Words {
    /// Makes room for `n` more words and a vector.
    fn reserve(&mut self, n: usize) {
        if self.first < n + 8 {
            let n_old = self.buffer.len();
            let mut larger = vec![0; n_old + (n_old + n).max(1 << 15)];
            let shift = larger.len() - n_old;
            larger[shift..].copy_from_slice(&self.buffer);
            self.buffer = larger;
            self.first += shift;
        }
    }

    /// Puts the last `n` of eight words before the others.
    #[inline(always)]
    fn put(&mut self, eight: &[u16; 8], n: usize) {
        // The places before the new words are overwritten later.
        if let Some(place) = self.buffer.get_mut(self.first - 8..self.first) {
            place.copy_from_slice(eight);
        }
        self.first -= n;
    }
}

/// What the lanes begin with, and the words in the order of decoding.
#[inline(always)]
pub(super) fn code<L: ByteLanes>(
    l: L,
    planes: &[Residuals],
    thresholds: &[Thresholds],
    flags: &Flags,
    shape: &TileShape,
) -> (Vec<u32>, Vec<u16>) {
    let (width, height) = (shape.width as usize, shape.height as usize);
    let mut lanes = vec![Lanes { bits: [[0; 8]; 4], n_bits: [[16; 8]; 4] }; planes.len()];
    let mut words = Words { buffer: Vec::new(), first: 0 };
    let n = n_steps(width);
    for strip in (0..height.div_ceil(N_LANES)).rev() {
        let n_rows = (height - strip * N_LANES).min(N_LANES);
        for t in (0..n).rev() {
            words.reserve(N_LANES * planes.len());
            let is_full = n_rows == N_LANES && t >= SKEW * (N_LANES - 1) && t < width;
            let places = planes.iter().zip(&mut lanes).zip(thresholds).enumerate();
            for (c, ((plane, lanes), thresholds)) in places.rev() {
                if flags.is_coded(strip, t, c) {
                    let at = strip * n + t;
                    let low = thresholds.low_bits(l, l.load_u8(&plane.energy[at]));
                    if is_full {
                        lanes.put::<L, true>(l, &plane.zigzag[at], low, l.splat_u8(255), &mut words);
                    } else {
                        let active = l.load_u8(&active(t, width, n_rows));
                        lanes.put::<L, false>(l, &plane.zigzag[at], low, active, &mut words);
                    }
                }
            }
        }
    }
    let begin = |lanes: &Lanes| -> Vec<u32> {
        let pairs = lanes.bits.iter().flatten().zip(lanes.n_bits.iter().flatten());
        pairs.map(|(bits, n)| *bits as u32 | 1 << n).collect()
    };
    (lanes.iter().flat_map(begin).collect(), words.buffer.split_off(words.first))
}

impl Lanes {
    /// A number in every active lane.
    #[inline(always)]
    fn put<L: ByteLanes, const FULL: bool>(
        &mut self,
        l: L,
        numbers: &Step,
        low: L::B,
        active: L::B,
        words: &mut Words,
    ) {
        let numbers = l.widen_u8(l.load_u8(numbers));
        let (low, active) = (l.widen_u8(low), l.widen_u8(active));
        let one = l.splat_i32(1);
        for j in (0..4).rev() {
            let (z, k) = (numbers[j], low[j]);
            let quotient = l.shr_each(z, k);
            let is_escape = l.gt_i32(quotient, l.splat_i32(ESCAPE as i32 - 1));
            // A one above the low bits: the number less the quotient but one.
            let plain = l.sub_i32(z, l.shl_each(l.sub_i32(quotient, one), k));
            let code = l.select_i32(is_escape, z, plain);
            let length = l.add_i32(l.add_i32(quotient, k), one);
            let mut length = l.select_i32(is_escape, l.splat_i32(16), length);
            let mut code = code;
            if !FULL {
                let on = l.gt_i32(active[j], l.splat_i32(0));
                (length, code) = (l.and(length, on), l.and(code, on));
            }
            let (bits, n_bits) = (l.load_i32(&self.bits[j]), l.load_i32(&self.n_bits[j]));
            let is_large = l.gt_i32(l.add_i32(n_bits, length), l.splat_i32(31));
            let mask = l.sign_mask(is_large);
            words.put(&l.compress_u16(bits, mask), mask.count_ones() as usize);
            let shift = l.and(is_large, l.splat_i32(16));
            let (bits, n_bits) = (l.shr_each(bits, shift), l.sub_i32(n_bits, shift));
            l.store_i32(l.or(bits, l.shl_each(code, n_bits)), &mut self.bits[j]);
            l.store_i32(l.add_i32(n_bits, length), &mut self.n_bits[j]);
        }
    }
}
