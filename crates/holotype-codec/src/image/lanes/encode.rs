//! Samples into words, last first.

use super::active::Active;
use super::colour::{Colour, gradient};
use super::flags::Flags;
use super::spread::{Costs, Spread};
use super::strip::Strip;
use super::tally::{self, Tally};
use super::{ESCAPE, N_LANES, N_NEAR, SKEW, UseOfTables, n_steps};
use crate::entropy::words::WordWriter;
use crate::image::{PlaneShape, Planes};
use crate::simd::WordLanes;

/// One plane on its way into words, a strip at a time.
pub(super) struct Plane<'a> {
    planes: &'a Planes,
    colour: Colour,
    c: usize,
    strip: Strip,
    /// The row above the strip, its first column at 1, and the magnitudes of its residuals.
    top: Vec<u16>,
    top_magnitude: Vec<u16>,
    /// Of the strip, step by step: residuals as numbers, 0 in lanes outside, and the energies around them.
    zigzag: Vec<[u16; N_LANES]>,
    energy: Vec<[u16; N_LANES]>,
}

/// What some strips tell of a plane.
struct Sample {
    spread: Spread,
    steps_log2: u8,
    /// True if tables make the plane smaller by as much as is asked.
    gains_by_tables: bool,
}

/// True if any number is not 0.
#[inline(always)]
fn is_coded(steps: &&[[u16; N_LANES]]) -> bool {
    steps.as_flattened().iter().fold(0, |all, z| all | z) != 0
}

/// Smaller planes do not pay for tables.
const MIN_SAMPLES: u64 = 1 << 13;
/// Strips from which the spread is learned, and about as many of their steps.
const N_SAMPLED_STRIPS: usize = 4;
const N_SAMPLED_STEPS: usize = 800;

impl<'a> Plane<'a> {
    pub(super) fn new(planes: &'a Planes, colour: Colour, c: usize) -> Self {
        let width = planes.shape.width;
        let n = n_steps(width);
        Self {
            planes,
            colour,
            c,
            strip: Strip::new(width),
            top: vec![0; n + 2],
            top_magnitude: vec![0; n + 2],
            zigzag: vec![[0; N_LANES]; n],
            energy: vec![[0; N_LANES]; n],
        }
    }

    /// Appends the coded plane; `None` if by tables that is certain to take more than `most_bytes` in all.
    #[inline(always)]
    pub(super) fn code<L: WordLanes>(
        mut self,
        l: L,
        use_of_tables: UseOfTables,
        most_bytes: usize,
        out: &mut Vec<u8>,
    ) -> Option<()> {
        let PlaneShape { width, height, .. } = self.planes.shape;
        let n_strips = height.div_ceil(N_LANES);
        let Sample { spread, steps_log2, gains_by_tables } = self.sample(l, n_strips, use_of_tables);
        if gains_by_tables {
            return self.code_by_tables(l, steps_log2, most_bytes, out);
        }
        let mut flags = Flags::new(steps_log2, &self.planes.shape);
        let mut lanes = Lanes::<L>::new(l);
        let mut words = WordWriter::new(width * height);
        for strip in (0..n_strips).rev() {
            let n_rows = self.predict(l, strip);
            let active = Active::new(l, width, n_rows);
            for (t, numbers) in self.zigzag.iter().enumerate() {
                if numbers.iter().fold(0, |all, z| all | z) != 0 {
                    flags.set(strip, t);
                }
            }
            for t in (0..n_steps(width)).rev() {
                if flags.is_coded(strip, t) {
                    words.reserve(2 * N_LANES);
                    let numbers = l.widen_u16(l.load_u16(&self.zigzag[t]));
                    let low = spread.all_low_bits(l, l.load_u16(&self.energy[t]));
                    if active.is_full(t) {
                        lanes.put::<true>(l, numbers, low, numbers, &mut words);
                    } else {
                        lanes.put::<false>(l, numbers, low, active.masks(l, t), &mut words);
                    }
                }
            }
        }
        out.extend_from_slice(&spread.bytes());
        flags.write(out);
        if flags.has_any() {
            lanes.write(l, out);
            out.extend_from_slice(&(words.bytes().len() as u32 / 2).to_le_bytes());
            out.extend_from_slice(words.bytes());
        }
        Some(())
    }

    /// Appends the plane, coded by tables; `None` if that is certain to take more than `most_bytes` in all.
    #[inline(always)]
    pub(super) fn code_by_tables<L: WordLanes>(
        mut self,
        l: L,
        steps_log2: u8,
        most_bytes: usize,
        out: &mut Vec<u8>,
    ) -> Option<()> {
        let mut coder = tally::Coder::new(&self.planes.shape, steps_log2);
        for strip in 0..self.planes.shape.height.div_ceil(N_LANES) {
            self.predict(l, strip);
            coder.add(l, &self.zigzag, &self.energy);
        }
        if coder.least_bytes() > most_bytes.saturating_sub(out.len()) as u64 {
            return None;
        }
        coder.finish(out);
        Some(())
    }

    /// What is to be known of the plane before it is coded, from some strips.
    #[inline(always)]
    fn sample<L: WordLanes>(&mut self, l: L, n_strips: usize, use_of_tables: UseOfTables) -> Sample {
        let mut costs = Costs::new();
        let mut tally = Tally::new();
        // Numbers of stretches that need not be coded, a bit each if they were.
        let mut n_free = 0;
        let (mut n_short, mut n_long) = (0, 0);
        let step = n_strips.div_ceil(N_SAMPLED_STRIPS);
        let n_steps = self.zigzag.len() * n_strips.div_ceil(step);
        for strip in (step / 2..n_strips).step_by(step) {
            let n_rows = self.predict(l, strip);
            let active = Active::new(l, self.planes.shape.width, n_rows);
            let has_full = active.is_full(SKEW * (N_LANES - 1));
            let pairs = self.zigzag.iter().zip(&self.energy).enumerate();
            for (t, (numbers, energies)) in pairs.step_by(n_steps / N_SAMPLED_STEPS + 1) {
                // Lanes outside would speak for fewer low bits than there are.
                if active.is_full(t) || !has_full {
                    numbers.iter().zip(energies).for_each(|(z, energy)| costs.add(*z, *energy));
                    let stretch = t - t % 8;
                    if is_coded(&&self.zigzag[stretch..self.zigzag.len().min(stretch + 8)]) {
                        tally.add(l, numbers, energies);
                    } else {
                        n_free += N_LANES as u64;
                    }
                }
            }
            n_short += self.zigzag.chunks(8).filter(is_coded).count();
            n_long += self.zigzag.chunks(32).filter(is_coded).count();
        }
        // A short stretch without a residual saves a bit for each of its 256 samples, three more flags cost three.
        let n_saved = (4 * n_long).saturating_sub(n_short) * 256;
        let (spread, n_bits) = costs.fit();
        let n_samples = (self.planes.shape.width * self.planes.shape.height) as u64;
        let share = n_samples.div_ceil(tally.n() + n_free + 1);
        let by_bits = n_bits.saturating_sub(n_free) * share;
        let gains_by_tables =
            n_samples >= MIN_SAMPLES && tally.least_bits(share) < use_of_tables.worth(by_bits);
        Sample { spread, steps_log2: if n_saved > n_steps / 8 { 3 } else { 5 }, gains_by_tables }
    }

    /// Takes the residuals of a strip and says how many rows it has.
    #[inline(always)]
    fn predict<L: WordLanes>(&mut self, l: L, strip: usize) -> usize {
        let PlaneShape { width, height, .. } = self.planes.shape;
        let first = strip * N_LANES;
        let n_rows = (height - first).min(N_LANES);
        for i in 0..n_rows {
            let range = (first + i) * width..(first + i + 1) * width;
            self.colour.row(self.planes, self.c, range, self.strip.row_mut(i));
        }
        self.load_top(first);
        self.strip.take_steps(l);
        let active = Active::new(l, width, n_rows);
        let zero = l.splat_u16(0);
        let lane_0 = |value: u16| l.shift_up_u16(zero, value);
        let (mut w, mut n, mut nw) = (lane_0(self.top[1]), lane_0(self.top[1]), lane_0(self.top[0]));
        let (mut mw, mut mn) = (zero, lane_0(self.top_magnitude[1]));
        let mut mnw = lane_0(self.top_magnitude[0]);
        let places = self.zigzag.iter_mut().zip(&mut self.energy).zip(&self.strip.steps);
        let tops = self.top[2..].iter().zip(&self.top_magnitude[2..]);
        for (t, (((zigzag, energies), values), (top, top_magnitude))) in places.zip(tops).enumerate() {
            let ne = l.shift_up_u16(w, *top);
            let mne = l.shift_up_u16(mw, *top_magnitude);
            let (low, high) = (l.min_u16(w, n), l.max_u16(w, n));
            let prediction = l.sub_u16(l.add_u16(w, n), l.min_u16(l.max_u16(nw, low), high));
            let near = l.average_u16(mw, mn);
            let energy = l.add_capped_u16(near, l.average_u16(l.average_u16(mnw, mne), near));
            let mut value = l.load_u16(values);
            let mut error = l.sub_u16(value, prediction);
            if !active.is_full(t) {
                let on = active.word_mask(l, t);
                value = l.select_u16(on, value, ne);
                error = l.and_u16(error, on);
            }
            l.store_u16(l.xor_u16(l.double_u16(error), l.sign_u16(error)), zigzag);
            l.store_u16(energy, energies);
            let magnitude = l.min_u16(error, l.sub_u16(zero, error));
            (nw, n, w) = (n, ne, value);
            (mnw, mn, mw) = (mn, mne, magnitude);
        }
        n_rows
    }

    /// The row above row `first` and the magnitudes of its residuals; zeros above the plane.
    #[inline(always)]
    fn load_top(&mut self, first: usize) {
        let width = self.planes.shape.width;
        let (top, magnitudes) = (&mut self.top[1..=width], &mut self.top_magnitude[1..=width]);
        if first == 0 {
            top.fill(0);
            magnitudes.fill(0);
            return;
        }
        self.colour.row(self.planes, self.c, (first - 1) * width..first * width, top);
        // The rows above have at least 32 rows: no strip but the last is shorter.
        let mut above = vec![0; width];
        self.colour.row(self.planes, self.c, (first - 2) * width..(first - 1) * width, &mut above);
        let magnitude = |w: u16, n: u16, nw: u16, value: u16| {
            let error = value.wrapping_sub(gradient(w, n, nw));
            error.min(error.wrapping_neg())
        };
        if let (Some(m), Some(n), Some(value)) = (magnitudes.first_mut(), above.first(), top.first()) {
            *m = magnitude(*n, *n, *n, *value);
        }
        let places = magnitudes.iter_mut().skip(1).zip(top.windows(2)).zip(above.windows(2));
        for ((m, row), above) in places {
            *m = magnitude(row[0], above[1], above[0], row[1]);
        }
    }
}

/// The streams of the lanes: their next bits, the first one on top, and how many there are.
struct Lanes<L: WordLanes> {
    bits: [L::I; 4],
    n_bits: [L::I; 4],
}

impl<L: WordLanes> Lanes<L> {
    #[inline(always)]
    fn new(l: L) -> Self {
        Self { bits: [l.splat_i32(0); 4], n_bits: [l.splat_i32(16); 4] }
    }

    /// What the lanes begin with.
    #[inline(always)]
    fn write(&self, l: L, out: &mut Vec<u8>) {
        for (bits, n_bits) in self.bits.iter().zip(&self.n_bits) {
            let mut begins = [0; 8];
            l.store_i32(l.or(*bits, l.shl_each(l.splat_i32(1), *n_bits)), &mut begins);
            begins.iter().for_each(|begin| out.extend_from_slice(&begin.to_le_bytes()));
        }
    }

    /// A number in every active lane.
    #[inline(always)]
    fn put<const FULL: bool>(
        &mut self,
        l: L,
        numbers: [L::I; 4],
        low: [L::I; 4],
        active: [L::I; 4],
        words: &mut WordWriter,
    ) {
        let (zero, one) = (l.splat_i32(0), l.splat_i32(1));
        let (mut head, mut head_length) = (numbers, numbers);
        let (mut tail, mut tail_length) = (numbers, numbers);
        let mut has_tail = zero;
        for j in 0..4 {
            let (z, k) = (numbers[j], low[j]);
            let quotient = l.shr_each(z, k);
            let is_escape = l.gt_i32(quotient, l.splat_i32(ESCAPE - 1));
            let near = l.min_i32(k, l.splat_i32(N_NEAR));
            let far = l.sub_i32(k, near);
            // A one above the near bits: what is left of the number, less the quotient but one.
            let upper = l.shr_each(z, far);
            let code = l.sub_i32(upper, l.shl_each(l.sub_i32(quotient, one), near));
            let length = l.add_i32(l.add_i32(quotient, near), one);
            head[j] = l.select_i32(is_escape, zero, code);
            head_length[j] = l.select_i32(is_escape, l.splat_i32(ESCAPE), length);
            tail[j] = l.select_i32(is_escape, z, l.sub_i32(z, l.shl_each(upper, far)));
            tail_length[j] = l.select_i32(is_escape, l.splat_i32(16), far);
            if !FULL {
                head[j] = l.and(head[j], active[j]);
                head_length[j] = l.and(head_length[j], active[j]);
                tail[j] = l.and(tail[j], active[j]);
                tail_length[j] = l.and(tail_length[j], active[j]);
            }
            has_tail = l.or(has_tail, l.sub_i32(zero, tail_length[j]));
        }
        if l.sign_mask(has_tail) != 0 {
            for j in (0..4).rev() {
                self.push(l, j, tail[j], tail_length[j], words);
            }
        }
        for j in (0..4).rev() {
            self.push(l, j, head[j], head_length[j], words);
        }
    }

    /// Puts a code of at most 16 bits before the bits of each of eight lanes.
    #[inline(always)]
    fn push(&mut self, l: L, j: usize, code: L::I, length: L::I, words: &mut WordWriter) {
        let (bits, n_bits) = (self.bits[j], self.n_bits[j]);
        let is_large = l.gt_i32(l.add_i32(n_bits, length), l.splat_i32(31));
        let (full, n_words) = l.compress_u16(bits, is_large);
        words.put(&full, n_words);
        let shift = l.and(is_large, l.splat_i32(16));
        let (bits, n_bits) = (l.shr_each(bits, shift), l.sub_i32(n_bits, shift));
        self.bits[j] = l.or(bits, l.shl_each(code, n_bits));
        self.n_bits[j] = l.add_i32(n_bits, length);
    }
}
