//! Samples into tokens.

use super::group::Group;
use super::kernel::{Place, Residuals, walk};
use super::model::PlaneModel;
use super::notes::{Mark, NO_SAMPLE, NUMBER_BITS, Notes, is_plain, split};
use crate::entropy::static_rans::{Encoder, Step};
use crate::entropy::words::WordWriter;
use crate::image::levels::{N_DIRECT, N_TOKENS, encode_steps, token_of};
use crate::image::race::{Limit, N_PARTS};
use crate::image::tables::MAX_CLUSTERS;
use crate::simd::{ByteLanes, Kernel, Lanes};

/// Smaller planes are coded sooner than it is counted what that takes.
const N_ASKED_SAMPLES: usize = 1 << 14;

/// Walks planes and notes what is to be coded; `None` if the limit does not allow it.
pub(super) struct Collect<'a, 'race, 'tile> {
    pub(super) models: &'a [PlaneModel],
    /// Row-major samples of each plane.
    pub(super) planes: &'a [Vec<i32>],
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) limit: Limit<'race, 'tile>,
}

impl Kernel for Collect<'_, '_, '_> {
    type Output = Option<Vec<Notes>>;

    #[inline(always)]
    fn run<L: ByteLanes>(self, l: L) -> Self::Output {
        let Self { models, planes, width, height, limit } = self;
        let n_steps = height.div_ceil(8) * (width + 24);
        let mut sink = Sink {
            planes,
            width,
            height,
            groups: vec![Group::new(width); planes.len()],
            notes: planes.iter().map(|_| Notes::with_capacity(n_steps)).collect(),
            is_limited: limit.is_some() && width * height >= N_ASKED_SAMPLES,
            limit,
            next_asked: height.div_ceil(N_PARTS),
            fits: true,
        };
        walk(l, models, width, height, &mut sink);
        sink.fits.then_some(sink.notes)
    }
}

struct Sink<'a, 'race, 'tile> {
    planes: &'a [Vec<i32>],
    width: usize,
    height: usize,
    groups: Vec<Group>,
    notes: Vec<Notes>,
    limit: Limit<'race, 'tile>,
    is_limited: bool,
    /// Rows after which what was found is counted next.
    next_asked: usize,
    /// Whether the limit allowed what was found by then.
    fits: bool,
}

impl<L: Lanes> Residuals<L> for Sink<'_, '_, '_> {
    #[inline(always)]
    fn begin_group(&mut self, row: usize) {
        let n_rows = (self.height - row).min(8);
        for (group, plane) in self.groups.iter_mut().zip(self.planes) {
            group.fill(plane, self.width, row * self.width, n_rows);
        }
    }

    #[inline(always)]
    fn code(&mut self, l: L, c: usize, t: isize, place: &Place<L>) -> L::I {
        let (Some(group), Some(notes)) = (self.groups.get(c), self.notes.get_mut(c)) else {
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
        notes.marks.push(out);
        value
    }

    #[inline(always)]
    fn end_group(&mut self, row: usize, n_rows: usize) -> bool {
        let n_done = row + n_rows;
        if n_done >= self.next_asked && self.is_limited {
            self.next_asked = (self.next_asked + self.height.div_ceil(N_PARTS)).min(self.height);
            let least_bits = self.notes.iter_mut().map(Notes::least_bits).sum();
            self.fits = self.limit.allows(n_done, least_bits);
        }
        self.fits
    }
}

/// Codes what was noted of planes of one size, under the tables of their models: states and words of each. Planes side
/// by side, for the lanes of one wait for each other. To be run as a kernel.
pub(super) struct Code<'a> {
    pub(super) notes: &'a [Notes],
    pub(super) models: &'a [PlaneModel],
}

impl Kernel for Code<'_> {
    type Output = Vec<([u32; 8], WordWriter)>;

    #[inline(always)]
    fn run<L: ByteLanes>(self, l: L) -> Self::Output {
        let n_steps = self.notes.first().map_or(0, |notes| notes.marks.len());
        let coder = |(notes, model)| PlaneCoder::new(notes, model);
        let mut coders: Vec<_> = self.notes.iter().zip(self.models).map(coder).collect();
        for at in (0..n_steps).rev() {
            coders.iter_mut().for_each(|coder| coder.add(l, at));
        }
        coders.into_iter().map(|coder| coder.states.finish()).collect()
    }
}

/// A plane on its way into words.
struct PlaneCoder<'a> {
    marks: &'a [Mark],
    tables: EncodeTables,
    states: Encoder<8>,
}

impl<'a> PlaneCoder<'a> {
    fn new(notes: &'a Notes, model: &PlaneModel) -> Self {
        let marks = notes.marks.as_slice();
        Self { marks, tables: EncodeTables::new(model), states: Encoder::new(3 * marks.len()) }
    }

    /// Adds a step; the last comes first.
    #[inline(always)]
    fn add<L: Lanes>(&mut self, l: L, at: usize) {
        let Self { marks, tables, states } = self;
        let step = &marks[at];
        states.begin_step();
        if L::IS_VECTOR && is_plain(step) {
            // In a loop: mapping an array is not always inlined.
            let mut places = [0; 8];
            for (place, mark) in places.iter_mut().zip(step) {
                *place = tables.place(*mark as usize >> NUMBER_BITS, *mark as usize % N_DIRECT as usize);
            }
            states.tokens(l, l.look_up_pairs(&tables.steps, places));
            return;
        }
        // Raw bits come after the tokens when decoding, so they go first here.
        let coded = || step.iter().enumerate().rev().filter(|(_, mark)| **mark != NO_SAMPLE);
        for (k, mark) in coded() {
            let number = split(*mark).1;
            let (_, n_bits) = token_of(number);
            if n_bits > 0 {
                states.bits(k, number & ((1 << n_bits) - 1), n_bits);
            }
        }
        for (k, mark) in coded() {
            let (context, number) = split(*mark);
            let place = tables.place(context, token_of(number).0 as usize);
            states.token(k, Step::of(tables.steps[place % N_STEPS]));
        }
    }
}

/// Steps of one cluster.
const N_CLUSTER_STEPS: usize = N_TOKENS.next_power_of_two();
/// Steps of all clusters.
const N_STEPS: usize = MAX_CLUSTERS.next_power_of_two() * N_CLUSTER_STEPS;

/// Tables to encode with.
struct EncodeTables {
    /// Where the steps of each context's cluster begin.
    first: Box<[u16; 1 << 10]>,
    steps: Box<[[i32; 2]; N_STEPS]>,
}

impl EncodeTables {
    fn new(model: &PlaneModel) -> Self {
        let mut first = Box::new([0; 1 << 10]);
        for (first, cluster) in first.iter_mut().zip(model.tables.clusters.iter()) {
            *first = u16::from(*cluster) * N_CLUSTER_STEPS as u16;
        }
        let mut steps = Box::new([[0; 2]; N_STEPS]);
        for (steps, levels) in steps.chunks_exact_mut(N_CLUSTER_STEPS).zip(&model.tables.levels) {
            encode_steps(levels, steps);
        }
        Self { first, steps }
    }

    /// Where the step of a token stands.
    #[inline(always)]
    fn place(&self, context: usize, token: usize) -> usize {
        usize::from(self.first[context % (1 << 10)]) + token
    }
}
