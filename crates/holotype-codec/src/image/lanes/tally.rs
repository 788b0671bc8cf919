//! Numbers into tokens of tables. `docs/codecs/lanes.md` §5.

use super::flags::Flags;
use super::tables::{N_CLASSES, Tables};
use super::{BY_TABLES, N_LANES, SKEW, n_steps};
use crate::entropy::logarithm::entropy;
use crate::entropy::static_rans::{Encoder, Step};
use crate::image::PlaneShape;
use crate::image::levels::{Counts, N_DIRECT, N_TOKENS, encode_steps};
use crate::simd::WordLanes;
use std::ops::Range;

/// A number and the class of the energy around it: its raw bits, how many there are (4 bits from bit 12), its token (8
/// bits from bit 16), the class (from bit 24).
#[derive(Debug, Clone, Copy)]
struct Mark(u32);

impl Mark {
    #[inline(always)]
    fn class(self) -> usize {
        (self.0 >> 24) as usize
    }

    #[inline(always)]
    fn token(self) -> usize {
        (self.0 >> 16 & 255) as usize
    }

    #[inline(always)]
    fn n_raw_bits(self) -> u32 {
        self.0 >> 12 & 15
    }

    #[inline(always)]
    fn raw_bits(self) -> u32 {
        self.0 & 0xFFF
    }

    /// Those of a step.
    #[inline(always)]
    fn all<L: WordLanes>(l: L, numbers: &[u16; N_LANES], energies: &[u16; N_LANES]) -> [u32; N_LANES] {
        let (numbers, energies) = (l.widen_u16(l.load_u16(numbers)), l.widen_u16(l.load_u16(energies)));
        let mut marks = [0; N_LANES];
        for (marks, (number, energy)) in
            marks.as_chunks_mut().0.iter_mut().zip(numbers.into_iter().zip(energies))
        {
            let is_large = l.gt_i32(number, l.splat_i32(N_DIRECT as i32 - 1));
            // The exponent of a float is the logarithm.
            let log = l.sub_i32(l.shr::<23>(l.bits(l.to_f32(number))), l.splat_i32(127));
            let n_bits = l.and(is_large, l.sub_i32(log, l.splat_i32(3)));
            let octave = l.shl::<3>(l.add_i32(log, l.splat_i32(N_DIRECT as i32 / 8 - 6)));
            let head = l.shr_each(number, n_bits);
            let token = l.select_i32(is_large, l.add_i32(octave, l.and(head, l.splat_i32(7))), number);
            let raw = l.sub_i32(number, l.shl_each(head, n_bits));
            let below = l.or(raw, l.shl::<12>(n_bits));
            let above = l.or(l.shl::<16>(token), l.shl::<24>(Tables::class(l, energy)));
            let mut eight = [0; 8];
            l.store_i32(l.or(below, above), &mut eight);
            *marks = eight.map(|mark| mark as u32);
        }
        marks
    }
}

/// How often each token comes in each class of energy.
pub(super) struct Tally {
    counts: Box<[Counts; N_CLASSES]>,
    n_raw_bits: u64,
}

/// About what a class adds to tables, in bits.
const CLASS_BITS: u64 = 200;

impl Tally {
    pub(super) fn new() -> Self {
        Self { counts: Box::new([[0; N_TOKENS]; N_CLASSES]), n_raw_bits: 0 }
    }

    /// Counts a step.
    #[inline(always)]
    pub(super) fn add<L: WordLanes>(&mut self, l: L, numbers: &[u16; N_LANES], energies: &[u16; N_LANES]) {
        self.count(&Mark::all(l, numbers, energies));
    }

    #[inline(always)]
    fn count(&mut self, marks: &[u32]) {
        for mark in marks.iter().map(|mark| Mark(*mark)) {
            if let Some(n) = self.counts.as_flattened_mut().get_mut(mark.class() * N_TOKENS + mark.token()) {
                *n += 1;
            }
            self.n_raw_bits += u64::from(mark.n_raw_bits());
        }
    }

    /// Numbers counted.
    pub(super) fn n(&self) -> u64 {
        self.counts.as_flattened().iter().map(|n| u64::from(*n)).sum()
    }

    /// Bits that a plane takes, nearly, of which every `share`th number was counted.
    pub(super) fn least_bits(&self, share: u64) -> u64 {
        let n_classes = self.counts.iter().filter(|counts| counts.iter().any(|n| *n > 0)).count() as u64;
        self.bits() * share + n_classes * CLASS_BITS
    }

    /// Bits of what was counted, under the statistics of each class: whatever the tables, it takes no less.
    fn bits(&self) -> u64 {
        (self.counts.iter().map(|counts| entropy(counts)).sum::<u64>() >> 16) + self.n_raw_bits
    }
}

/// A plane on its way into words: all its numbers, then the words.
pub(super) struct Coder {
    shape: PlaneShape,
    flags: Flags,
    /// Strip by strip, step by step.
    marks: Vec<[u32; N_LANES]>,
    tally: Tally,
}

impl Coder {
    pub(super) fn new(shape: &PlaneShape, steps_log2: u8) -> Self {
        let n = n_steps(shape.width) * shape.height.div_ceil(N_LANES);
        let flags = Flags::new(steps_log2, shape);
        Self { shape: shape.clone(), flags, marks: Vec::with_capacity(n), tally: Tally::new() }
    }

    /// Takes the next strip.
    #[inline(always)]
    pub(super) fn add<L: WordLanes>(
        &mut self,
        l: L,
        numbers: &[[u16; N_LANES]],
        energies: &[[u16; N_LANES]],
    ) {
        let strip = self.marks.len() / numbers.len();
        for (t, numbers) in numbers.iter().enumerate() {
            if numbers.iter().fold(0, |all, z| all | z) != 0 {
                self.flags.set(strip, t);
            }
        }
        for (t, (numbers, energies)) in numbers.iter().zip(energies).enumerate() {
            let marks = Mark::all(l, numbers, energies);
            if self.flags.is_coded(strip, t) {
                self.tally.count(&marks[active_lanes(&self.shape, strip, t)]);
            }
            self.marks.push(marks);
        }
    }

    /// Bytes that the plane takes at least.
    pub(super) fn least_bytes(&self) -> u64 {
        self.tally.bits() / 8
    }

    /// Appends the coded plane.
    pub(super) fn finish(self, out: &mut Vec<u8>) {
        let Self { shape, flags, marks, tally } = self;
        out.push(BY_TABLES);
        flags.write(out);
        if !flags.has_any() {
            return;
        }
        let tables = Tables::fit(&tally.counts);
        let steps = EncodeTables::new(&tables);
        let n_steps = n_steps(shape.width);
        let mut coder = Encoder::<N_LANES>::new(marks.len() * N_LANES / 4);
        for (at, marks) in marks.iter().enumerate().rev() {
            let (strip, t) = (at / n_steps, at % n_steps);
            if !flags.is_coded(strip, t) {
                continue;
            }
            coder.begin_step();
            let lanes = active_lanes(&shape, strip, t);
            let marks = || lanes.clone().zip(&marks[lanes.clone()]).map(|(i, mark)| (i, Mark(*mark))).rev();
            // Raw bits come after the tokens when decoding, so they go first here.
            for (i, mark) in marks().filter(|(_, mark)| mark.n_raw_bits() > 0) {
                coder.bits(i, mark.raw_bits(), mark.n_raw_bits());
            }
            for (i, mark) in marks() {
                coder.token(i, steps.step(mark));
            }
        }
        let (states, words) = coder.finish();
        let tables = tables.bytes();
        out.extend_from_slice(&(tables.len() as u16).to_le_bytes());
        out.extend_from_slice(&tables);
        states.iter().for_each(|state| out.extend_from_slice(&state.to_le_bytes()));
        out.extend_from_slice(&(words.bytes().len() as u32 / 2).to_le_bytes());
        out.extend_from_slice(words.bytes());
    }
}

/// Lanes of a strip that stand on a sample at step `t`.
fn active_lanes(shape: &PlaneShape, strip: usize, t: usize) -> Range<usize> {
    let n_rows = (shape.height - strip * N_LANES).min(N_LANES);
    let first = if t < shape.width { 0 } else { (t - shape.width) / SKEW + 1 };
    first.min(n_rows)..n_rows.min(t / SKEW + 1)
}

/// Tables to encode with.
struct EncodeTables {
    /// Where the steps of each class begin.
    first: [usize; 64],
    steps: Vec<[i32; 2]>,
}

impl EncodeTables {
    fn new(tables: &Tables) -> Self {
        let mut steps = vec![[0; 2]; tables.levels.len() * N_TOKENS];
        for (steps, levels) in steps.chunks_exact_mut(N_TOKENS).zip(&tables.levels) {
            encode_steps(levels, steps);
        }
        let mut first = [0; 64];
        for (first, table) in first.iter_mut().zip(tables.of_classes) {
            *first = usize::from(table) * N_TOKENS;
        }
        Self { first, steps }
    }

    #[inline(always)]
    fn step(&self, mark: Mark) -> Step {
        Step::of(self.steps[self.first[mark.class() % 64] + mark.token()])
    }
}
