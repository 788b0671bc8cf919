//! Samples into words, last first.

use super::colour::Colour;
use super::flags::{Flags, n_steps};
use super::residuals::{self, Residuals, Step};
use super::rice::{Costs, ESCAPE, Thresholds};
use super::{Header, N_LANES, SKEW, active};
use crate::TileRef;
use crate::image::streams::WordWriter;
use crate::simd::ByteLanes;

/// The lanes of a plane: their next bits, the first one on top, and how many there are.
#[derive(Debug, Clone)]
struct Lanes {
    bits: [[i32; 8]; 4],
    n_bits: [[i32; 8]; 4],
}

/// Strips from which thresholds are learned, and about as many of their steps.
const N_SAMPLED_STRIPS: usize = 3;
const N_SAMPLED_STEPS: usize = 800;

/// The header, and the words in the order of decoding.
#[inline(always)]
pub(super) fn code<L: ByteLanes>(l: L, tile: &TileRef<'_>, colour: Colour) -> (Header, WordWriter) {
    let shape = tile.shape();
    let width = shape.width as usize;
    let mut planes: Vec<Residuals> = (0..shape.n_channels).map(|_| Residuals::new(width)).collect();
    let thresholds = sample(l, tile, colour, &mut planes);
    let mut flags = Flags::empty(&shape);
    let mut lanes = vec![Lanes { bits: [[0; 8]; 4], n_bits: [[16; 8]; 4] }; planes.len()];
    let mut words = WordWriter::new(shape.row_bytes() * tile.rows().len() / 2);
    for strip in (0..tile.rows().len().div_ceil(N_LANES)).rev() {
        let n_rows = residuals::take(l, tile, colour, strip, &mut planes);
        for (c, plane) in planes.iter().enumerate() {
            for (t, numbers) in plane.zigzag.iter().enumerate() {
                if *numbers != [0; N_LANES] {
                    flags.set(strip, t, c);
                }
            }
        }
        for t in (0..n_steps(width)).rev() {
            words.reserve(N_LANES * planes.len());
            let is_full = n_rows == N_LANES && t >= SKEW * (N_LANES - 1) && t < width;
            let places = planes.iter().zip(&mut lanes).zip(&thresholds).enumerate();
            for (c, ((plane, lanes), thresholds)) in places.rev() {
                if flags.is_coded(strip, t, c) {
                    let low = thresholds.low_bits(l, l.load_u8(&plane.energy[t]));
                    if is_full {
                        lanes.put::<L, true>(l, &plane.zigzag[t], low, l.splat_u8(255), &mut words);
                    } else {
                        let active = l.load_u8(&active(t, width, n_rows));
                        lanes.put::<L, false>(l, &plane.zigzag[t], low, active, &mut words);
                    }
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
            costs.add(plane, steps.clone(), n_steps / N_SAMPLED_STEPS + 1);
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
