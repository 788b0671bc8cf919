//! Words into samples.

use super::active::{Active, load};
use super::spread::Spread;
use super::states::States;
use super::strip::Strip;
use super::{Coded, ESCAPE, N_LANES, N_NEAR, SKEW, Streams, TRUNCATED, n_steps};
use crate::CodecError;
use crate::entropy::words::WordReader;
use crate::image::PlaneShape;
use crate::simd::WordLanes;

/// The samples of a plane, before the colour transform is undone.
#[inline(always)]
pub(super) fn plane<L: WordLanes>(
    l: L,
    coded: &Coded<'_>,
    shape: &PlaneShape,
) -> Result<Vec<u16>, CodecError> {
    let words = WordReader::new(coded.words);
    match &coded.streams {
        Streams::Bits(spread, begins) => rows(l, coded, shape, words, Lanes::<L>::new(l, *spread, *begins)),
        Streams::States(tables, states) => rows(l, coded, shape, words, States::<L>::new(l, tables, states)),
    }
}

/// Where residuals come from.
pub(super) trait Residuals<L: WordLanes> {
    /// A residual from every active lane, 0 from the others.
    fn take<const FULL: bool>(
        &mut self,
        l: L,
        energy: L::W,
        active: impl Fn() -> [L::I; 4],
        words: &mut WordReader<'_>,
    ) -> L::W;

    /// True if all that is left is what an encoder begins with.
    fn are_done(&self, l: L) -> bool;
}

#[inline(always)]
fn rows<L: WordLanes>(
    l: L,
    coded: &Coded<'_>,
    shape: &PlaneShape,
    mut words: WordReader<'_>,
    mut lanes: impl Residuals<L>,
) -> Result<Vec<u16>, CodecError> {
    let PlaneShape { width, height, .. } = *shape;
    let mut state = Strips {
        strip: Strip::new(width),
        top: vec![0; n_steps(width) + 2],
        top_magnitude: vec![0; n_steps(width) + 2],
    };
    let mut samples = Vec::with_capacity(width * height);
    for strip in 0..height.div_ceil(N_LANES) {
        let n_rows = (height - strip * N_LANES).min(N_LANES);
        state.decode(l, coded, strip, n_rows, &mut lanes, &mut words);
        // A forged size must not cost the time and memory of a true one.
        if words.is_past_the_end() {
            return Err(TRUNCATED);
        }
        state.strip.restore_rows(l);
        (0..n_rows).for_each(|i| samples.extend_from_slice(state.strip.row(i)));
    }
    if !words.is_at_the_end() || !lanes.are_done(l) {
        return Err(CodecError::Corrupt { what: "lanes do not end where they should" });
    }
    Ok(samples)
}

/// What goes from strip to strip.
struct Strips {
    strip: Strip,
    /// The row above the strip, its first column at 1, and the magnitudes of its residuals.
    top: Vec<u16>,
    top_magnitude: Vec<u16>,
}

impl Strips {
    #[inline(always)]
    fn decode<L: WordLanes>(
        &mut self,
        l: L,
        coded: &Coded<'_>,
        strip: usize,
        n_rows: usize,
        lanes: &mut impl Residuals<L>,
        words: &mut WordReader<'_>,
    ) {
        let Self { strip: Strip { steps, .. }, top, top_magnitude } = self;
        let width = top.len() - 2 - SKEW * (N_LANES - 1);
        let active = Active::new(l, width, n_rows);
        let zero = l.splat_u16(0);
        let lane_0 = |value: u16| l.shift_up_u16(zero, value);
        let (mut w, mut n, mut nw) = (lane_0(top[1]), lane_0(top[1]), lane_0(top[0]));
        let (mut mw, mut mn, mut mnw) = (zero, lane_0(top_magnitude[1]), lane_0(top_magnitude[0]));
        for (t, step) in steps.iter_mut().enumerate().take(n_steps(width)) {
            let ne = l.shift_up_u16(w, top[t + 2]);
            let mne = l.shift_up_u16(mw, top_magnitude[t + 2]);
            let (low, high) = (l.min_u16(w, n), l.max_u16(w, n));
            let prediction = l.sub_u16(l.add_u16(w, n), l.min_u16(l.max_u16(nw, low), high));
            let is_full = active.is_full(t);
            let mut error = zero;
            if coded.flags.is_coded(strip, t) {
                let near = l.average_u16(mw, mn);
                let energy = l.add_capped_u16(near, l.average_u16(l.average_u16(mnw, mne), near));
                error = if is_full {
                    lanes.take::<true>(l, energy, || active.masks(l, t), words)
                } else {
                    lanes.take::<false>(l, energy, || active.masks(l, t), words)
                };
            }
            let mut value = l.add_u16(prediction, error);
            if !is_full {
                // A lane left of the picture takes what is above right of it.
                let on = active.word_mask(l, t);
                value = l.select_u16(on, value, ne);
            }
            let magnitude = l.min_u16(error, l.sub_u16(zero, error));
            l.store_u16(value, step);
            if t >= SKEW * (N_LANES - 1) {
                let x = t - SKEW * (N_LANES - 1);
                top[x + 1] = l.last_u16(value);
                top_magnitude[x + 1] = l.last_u16(magnitude);
            }
            (nw, n, w) = (n, ne, value);
            (mnw, mn, mw) = (mn, mne, magnitude);
        }
    }
}

/// The streams of bits of the lanes.
struct Lanes<L: WordLanes> {
    spread: Spread,
    /// The next bits of each lane, left-aligned.
    bits: [L::I; 4],
    /// How many of them there are: 16 to 31.
    n_bits: [L::I; 4],
}

impl<L: WordLanes> Lanes<L> {
    #[inline(always)]
    fn new(l: L, spread: Spread, begins: [u32; N_LANES]) -> Self {
        // The leading one ends the unused bits; at least 16 bits follow it.
        let unused = begins.map(|begin| begin.leading_zeros() + 1);
        let lanes = |f: &dyn Fn(usize) -> i32| std::array::from_fn(|j| std::array::from_fn(|k| f(8 * j + k)));
        Self {
            spread,
            bits: load(l, &lanes(&|i| begins[i].checked_shl(unused[i]).unwrap_or(0) as i32)),
            n_bits: load(l, &lanes(&|i| 32 - unused[i] as i32)),
        }
    }

    /// Drops the first `length` ≤ 16 bits of eight lanes and lets those with fewer than 16 draw a word.
    #[inline(always)]
    fn drop(&mut self, l: L, j: usize, length: L::I, words: &mut WordReader<'_>) {
        let bits = l.shl_each(self.bits[j], length);
        let n_bits = l.sub_i32(self.n_bits[j], length);
        let is_low = l.gt_i32(l.splat_i32(16), n_bits);
        let (fresh, n_words) = l.expand_u16(&words.peek(), is_low);
        words.skip(n_words);
        self.bits[j] = l.or(bits, l.shl_each(fresh, l.sub_i32(l.splat_i32(16), n_bits)));
        self.n_bits[j] = l.add_i32(n_bits, l.and(is_low, l.splat_i32(16)));
    }
}

impl<L: WordLanes> Residuals<L> for Lanes<L> {
    #[inline(always)]
    fn are_done(&self, l: L) -> bool {
        let mut is_done = true;
        for j in 0..4 {
            let are_spent = l.eq_i32(self.bits[j], l.splat_i32(0));
            is_done &= l.sign_mask(l.and(are_spent, l.eq_i32(self.n_bits[j], l.splat_i32(16)))) == 255;
        }
        is_done
    }

    #[inline(always)]
    fn take<const FULL: bool>(
        &mut self,
        l: L,
        energy: L::W,
        active: impl Fn() -> [L::I; 4],
        words: &mut WordReader<'_>,
    ) -> L::W {
        let zero = l.splat_i32(0);
        let active = if FULL { [zero; 4] } else { active() };
        let mut numbers = l.widen_u16(energy);
        let mut far = numbers;
        let mut has_far = zero;
        for j in 0..4 {
            let k = self.spread.low_bits(l, numbers[j]);
            let near = l.min_i32(k, l.splat_i32(N_NEAR));
            let bits = self.bits[j];
            // Leading zeros of the top nine bits, by the exponent of a float; 8 or more is an escape.
            let exponent = l.shr::<23>(l.bits(l.to_f32(l.shr::<23>(bits))));
            let quotient = l.sub_i32(l.splat_i32(135), exponent);
            let is_escape = l.gt_i32(quotient, l.splat_i32(ESCAPE - 1));
            // The one above the near bits counts as well.
            let code = l.shr_each(l.shl_each(bits, quotient), l.sub_i32(l.splat_i32(31), near));
            let upper = l.add_i32(code, l.shl_each(l.sub_i32(quotient, l.splat_i32(1)), near));
            let length = l.add_i32(l.add_i32(quotient, near), l.splat_i32(1));
            numbers[j] = l.select_i32(is_escape, zero, upper);
            far[j] = l.select_i32(is_escape, l.splat_i32(16), l.sub_i32(k, near));
            let mut length = l.select_i32(is_escape, l.splat_i32(ESCAPE), length);
            if !FULL {
                numbers[j] = l.and(numbers[j], active[j]);
                far[j] = l.and(far[j], active[j]);
                length = l.and(length, active[j]);
            }
            has_far = l.or(has_far, l.sub_i32(zero, far[j]));
            self.drop(l, j, length, words);
        }
        if l.sign_mask(has_far) != 0 {
            for j in 0..4 {
                let low = l.shr_each(self.bits[j], l.sub_i32(l.splat_i32(32), far[j]));
                numbers[j] = l.or(l.shl_each(numbers[j], far[j]), low);
                self.drop(l, j, far[j], words);
            }
        }
        residuals(l, numbers)
    }
}

/// Zigzag: half the number, all bits turned if it is odd.
#[inline(always)]
pub(super) fn residuals<L: WordLanes>(l: L, numbers: [L::I; 4]) -> L::W {
    let numbers = l.narrow_u16(numbers);
    let is_odd = l.sub_u16(l.splat_u16(0), l.and_u16(numbers, l.splat_u16(1)));
    l.xor_u16(l.halve_u16(numbers), is_odd)
}
