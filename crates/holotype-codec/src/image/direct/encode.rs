//! Samples into words, last first.

use super::colour::Colour;
use super::flags::{self, Flags, n_steps};
use super::residuals::{self, Residuals, Step};
use super::rice::{Costs, ESCAPE, Thresholds, low_bits};
use super::{Header, N_LANES, SKEW, active};
use crate::TileRef;
use crate::entropy::words::WordWriter;
use crate::simd::ByteLanes;

/// The lanes of a plane: their next bits, the first one on top, and how many there are.
#[derive(Debug, Clone)]
struct Lanes {
    bits: [[i32; 8]; 4],
    n_bits: [[i32; 8]; 4],
}

/// Strips from which thresholds are learned, and about as many of their steps.
const N_SAMPLED_STRIPS: usize = 3;
const N_SAMPLED_STEPS: usize = 400;

/// The header, and the words in the order of decoding.
#[inline(always)]
pub(super) fn code<L: ByteLanes>(l: L, tile: &TileRef<'_>, colour: Colour) -> (Header, WordWriter) {
    let shape = tile.shape();
    let width = shape.width as usize;
    let mut planes: Vec<Residuals> = (0..shape.n_channels).map(|_| Residuals::new(width)).collect();
    let thresholds = sample(l, tile, colour, &mut planes);
    let mut flags = Flags::empty(&shape);
    let mut lanes = vec![Lanes { bits: [[0; 8]; 4], n_bits: [[16; 8]; 4] }; planes.len()];
    let in_lanes: Vec<_> = thresholds.iter().map(Thresholds::in_lanes).collect();
    let mut words = WordWriter::new(shape.row_bytes() * tile.rows().len() / 2);
    for strip in (0..tile.rows().len().div_ceil(N_LANES)).rev() {
        let n_rows = residuals::take(l, tile, colour, strip, &mut planes);
        for (c, plane) in planes.iter().enumerate() {
            for (i, stretch) in plane.zigzag.chunks(flags::N_STEPS).enumerate() {
                if stretch.iter().any(|numbers| *numbers != [0; N_LANES]) {
                    flags.set(strip, i, c);
                }
            }
        }
        for t in (0..n_steps(width)).rev() {
            words.reserve(N_LANES * planes.len());
            let is_full = n_rows == N_LANES && t >= SKEW * (N_LANES - 1) && t < width;
            let places = planes.iter().zip(&mut lanes).zip(&in_lanes).enumerate();
            for (c, ((plane, lanes), thresholds)) in places.rev() {
                if !flags.is_coded(strip, t / flags::N_STEPS, c) {
                    continue;
                }
                let low = low_bits(l, thresholds, l.load_u8(&plane.energy[t]));
                if is_full {
                    lanes.put::<L, true>(l, &plane.zigzag[t], low, l.splat_u8(255), &mut words);
                } else {
                    let active = l.load_u8(&active(t, width, n_rows));
                    lanes.put::<L, false>(l, &plane.zigzag[t], low, active, &mut words);
                }
            }
        }
    }
    let begin = |lanes: &Lanes| -> Vec<u32> {
        let pairs = lanes.bits.iter().flatten().zip(lanes.n_bits.iter().flatten());
        pairs.map(|(bits, n)| *bits as u32 | 1 << n).collect()
    };
    let lanes = lanes.iter().flat_map(begin).collect();
    (Header { colour, thresholds, flags, lanes }, words)
}

/// The thresholds of every plane, from some strips.
#[inline(always)]
fn sample<L: ByteLanes>(
    l: L,
    tile: &TileRef<'_>,
    colour: Colour,
    planes: &mut [Residuals],
) -> Vec<Thresholds> {
    let n_strips = tile.rows().len().div_ceil(N_LANES);
    let step = n_strips.div_ceil(N_SAMPLED_STRIPS);
    let mut costs: Vec<Costs> = planes.iter().map(|_| Costs::new()).collect();
    for strip in (step / 2..n_strips).step_by(step) {
        let n_rows = residuals::take(l, tile, colour, strip, planes);
        // Lanes outside would speak for fewer low bits than there are.
        let full = SKEW * (N_LANES - 1)..tile.shape().width as usize;
        let steps = if n_rows == N_LANES && !full.is_empty() { full } else { 0..usize::MAX };
        for (costs, plane) in costs.iter_mut().zip(&*planes) {
            let n_steps = plane.zigzag.len() * n_strips.div_ceil(step);
            costs.add(l, plane, steps.clone(), n_steps / N_SAMPLED_STEPS + 1);
        }
    }
    costs.iter().map(Costs::fit).collect()
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
        words: &mut WordWriter,
    ) {
        let [a, b, c, d] = l.widen_u8(l.load_u8(numbers));
        let [low_a, low_b, low_c, low_d] = l.widen_u8(low);
        let [on_a, on_b, on_c, on_d] = l.widen_u8(active);
        self.put_eight::<L, FULL>(l, 3, d, low_d, on_d, words);
        self.put_eight::<L, FULL>(l, 2, c, low_c, on_c, words);
        self.put_eight::<L, FULL>(l, 1, b, low_b, on_b, words);
        self.put_eight::<L, FULL>(l, 0, a, low_a, on_a, words);
    }

    /// Numbers of eight lanes that keep `k` low bits.
    #[inline(always)]
    fn put_eight<L: ByteLanes, const FULL: bool>(
        &mut self,
        l: L,
        j: usize,
        z: L::I,
        k: L::I,
        active: L::I,
        words: &mut WordWriter,
    ) {
        let one = l.splat_i32(1);
        let quotient = l.shr_each(z, k);
        // A one above the low bits: the number less the quotient but one.
        let mut code = l.sub_i32(z, l.shl_each(l.sub_i32(quotient, one), k));
        let mut length = l.add_i32(l.add_i32(quotient, k), one);
        let is_escape = l.gt_i32(quotient, l.splat_i32(ESCAPE as i32 - 1));
        if l.sign_mask(is_escape) != 0 {
            code = l.select_i32(is_escape, z, code);
            length = l.select_i32(is_escape, l.splat_i32(16), length);
        }
        if !FULL {
            let on = l.gt_i32(active, l.splat_i32(0));
            (length, code) = (l.and(length, on), l.and(code, on));
        }
        let (bits, n_bits) = (l.load_i32(&self.bits[j]), l.load_i32(&self.n_bits[j]));
        let is_large = l.gt_i32(l.add_i32(n_bits, length), l.splat_i32(31));
        let (full, n_words) = l.compress_u16(bits, is_large);
        words.put(&full, n_words);
        let shift = l.and(is_large, l.splat_i32(16));
        let (bits, n_bits) = (l.shr_each(bits, shift), l.sub_i32(n_bits, shift));
        l.store_i32(l.or(bits, l.shl_each(code, n_bits)), &mut self.bits[j]);
        l.store_i32(l.add_i32(n_bits, length), &mut self.n_bits[j]);
    }
}
