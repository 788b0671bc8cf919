//! Samples into tokens.

use super::cluster;
use super::group::Group;
use super::kernel::{Place, Residuals, walk};
use super::model::PlaneModel;
use super::tables::{MAX_CLUSTERS, N_CONTEXTS, N_DIRECT, N_TOKENS, normalise, token_of};
use crate::entropy::static_rans::Encoder;
use crate::simd::{ByteLanes, Kernel, Lanes};

/// Bits of a number in a [`Mark`]; the context stands above.
const NUMBER_BITS: u32 = 18;
const NUMBER_MASK: u32 = (1 << NUMBER_BITS) - 1;
/// A lane without a sample.
const NO_SAMPLE: i32 = -1;

/// Context and number of the eight lanes of a step.
type Mark = [i32; 8];

/// Walks planes and notes what is to be coded: one list of marks a plane.
pub(super) struct Collect<'a> {
    pub(super) models: &'a [PlaneModel],
    /// Row-major samples of each plane.
    pub(super) planes: &'a [Vec<i32>],
    pub(super) width: usize,
    pub(super) height: usize,
}

impl Kernel for Collect<'_> {
    type Output = Vec<Vec<Mark>>;

    #[inline(always)]
    fn run<L: ByteLanes>(self, l: L) -> Self::Output {
        let Self { models, planes, width, height } = self;
        let n_steps = height.div_ceil(8) * (width + 24);
        let mut sink = Sink {
            planes,
            width,
            height,
            groups: vec![Group::new(width); planes.len()],
            marks: planes.iter().map(|_| Vec::with_capacity(n_steps)).collect(),
        };
        walk(l, models, width, height, &mut sink);
        sink.marks
    }
}

struct Sink<'a> {
    planes: &'a [Vec<i32>],
    width: usize,
    height: usize,
    groups: Vec<Group>,
    marks: Vec<Vec<Mark>>,
}

impl<L: Lanes> Residuals<L> for Sink<'_> {
    #[inline(always)]
    fn begin_group(&mut self, row: usize) {
        let n_rows = (self.height - row).min(8);
        for (group, plane) in self.groups.iter_mut().zip(self.planes) {
            group.fill(plane, self.width, row * self.width, n_rows);
        }
    }

    #[inline(always)]
    fn code(&mut self, l: L, c: usize, t: isize, place: &Place<L>) -> L::I {
        let (Some(group), Some(marks)) = (self.groups.get(c), self.marks.get_mut(c)) else {
            return place.prediction;
        };
        let value = l.load_i32(&group.step(t));
        let residual = l.sub_i32(value, place.prediction);
        let residual = l.sub_i32(l.xor(residual, place.is_flipped), place.is_flipped);
        let number = l.xor(l.shl::<1>(residual), l.sar::<31>(residual));
        let mark = l.or(l.shl::<{ NUMBER_BITS as i32 }>(place.context), number);
        let mark = l.select_i32(place.active, mark, l.splat_i32(NO_SAMPLE));
        let mut out = [0; 8];
        l.store_i32(mark, &mut out);
        marks.push(out);
        value
    }

    #[inline(always)]
    fn end_group(&mut self, _: usize, _: usize) -> bool {
        true
    }
}

/// Chooses the tables of a plane and codes its marks: states and words.
pub(super) fn code_marks(marks: &[Mark], model: &mut PlaneModel) -> ([u32; 8], Vec<u16>) {
    let mut counts = vec![[0_u32; N_TOKENS]; N_CONTEXTS];
    for mark in marks.iter().flatten().filter(|mark| **mark != NO_SAMPLE) {
        let (context, number) = split(*mark);
        counts[context][token_of(number).0 as usize] += 1;
    }
    model.tables = cluster::choose(&counts);
    // First slot and frequency by cluster and token.
    let mut tables = vec![[(0, 1); N_TOKENS.next_power_of_two()]; MAX_CLUSTERS];
    for (table, levels) in tables.iter_mut().zip(&model.tables.levels) {
        table.iter_mut().zip(starts(&normalise(levels))).for_each(|(to, from)| *to = from);
    }
    let mut coder = Encoder::new();
    for step in marks.iter().rev() {
        coder.begin_step();
        let largest = step.iter().fold(0, |all, mark| all | mark) as u32;
        // Raw bits come after the tokens when decoding, so they go first here.
        if largest & NUMBER_MASK >= N_DIRECT {
            for (k, mark) in step.iter().enumerate().rev().filter(|(_, mark)| **mark != NO_SAMPLE) {
                let number = split(*mark).1;
                let (_, n_bits) = token_of(number);
                if n_bits > 0 {
                    coder.bits(k, number & ((1 << n_bits) - 1), n_bits);
                }
            }
        }
        for (k, &mark) in step.iter().enumerate().rev() {
            if mark != NO_SAMPLE {
                let (context, number) = split(mark);
                let cluster = usize::from(model.tables.clusters[context % N_CONTEXTS]);
                let token = token_of(number).0 as usize;
                let (start, frequency) = tables[cluster % MAX_CLUSTERS][token % N_TOKENS.next_power_of_two()];
                coder.token(k, start, frequency);
            }
        }
    }
    let (states, words) = coder.finish();
    model.n_words = words.len();
    (states, words)
}

#[inline]
fn split(mark: i32) -> (usize, u32) {
    (mark as usize >> NUMBER_BITS, mark as u32 & NUMBER_MASK)
}

/// First slot and frequency of every token.
fn starts(frequencies: &[u32]) -> Vec<(u32, u32)> {
    let mut start = 0;
    let with_start = frequencies.iter().map(|&frequency| {
        let at = start;
        start += frequency;
        (at, frequency)
    });
    with_start.collect()
}
