//! Samples into tokens.

use super::cluster;
use super::group::Group;
use super::kernel::{Place, Residuals, walk};
use super::model::PlaneModel;
use super::notes::{NO_SAMPLE, NUMBER_BITS, Notes, is_plain, split};
use super::tables::MAX_CLUSTERS;
use crate::entropy::static_rans::{EncodeEntry, Encoder};
use crate::image::levels::{N_DIRECT, N_TOKENS, encode_entries, token_of};
use crate::simd::{ByteLanes, Kernel, Lanes, dispatch};

/// How often a walk asks whether what it found fits: after every so many parts of the rows.
const N_ASKED: usize = 8;

/// Walks planes and notes what is to be coded; `None` if that takes more than `most_bytes`.
pub(super) struct Collect<'a> {
    pub(super) models: &'a [PlaneModel],
    /// Row-major samples of each plane.
    pub(super) planes: &'a [Vec<i32>],
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) most_bytes: usize,
}

impl Kernel for Collect<'_> {
    type Output = Option<Vec<Notes>>;

    #[inline(always)]
    fn run<L: ByteLanes>(self, l: L) -> Self::Output {
        let Self { models, planes, width, height, most_bytes } = self;
        let n_steps = height.div_ceil(8) * (width + 24);
        let mut sink = Sink {
            planes,
            width,
            height,
            groups: vec![Group::new(width); planes.len()],
            notes: planes.iter().map(|_| Notes::with_capacity(n_steps)).collect(),
            most_bits: (most_bytes as u64).saturating_mul(8),
            next_asked: height.div_ceil(N_ASKED),
            fits: true,
        };
        walk(l, models, width, height, &mut sink);
        sink.fits.then_some(sink.notes)
    }
}

struct Sink<'a> {
    planes: &'a [Vec<i32>],
    width: usize,
    height: usize,
    groups: Vec<Group>,
    notes: Vec<Notes>,
    most_bits: u64,
    /// Rows after which what was found is counted next.
    next_asked: usize,
    /// Whether what was found by then may take no more than it is allowed.
    fits: bool,
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
        if row + n_rows >= self.next_asked && self.most_bits < u64::MAX {
            self.next_asked = (self.next_asked + self.height.div_ceil(N_ASKED)).min(self.height);
            self.fits = self.notes.iter_mut().map(Notes::least_bits).sum::<u64>() <= self.most_bits;
        }
        self.fits
    }
}

/// Chooses the tables of a plane and codes what was noted: states and words.
pub(super) fn code_marks(mut notes: Notes, model: &mut PlaneModel) -> ([u32; 8], Vec<u16>) {
    model.tables = dispatch(cluster::Choose { counts: notes.counts() });
    let tables = EncodeTables::new(model);
    let mut coder = Encoder::<8>::new();
    for step in notes.marks.iter().rev() {
        coder.begin_step();
        if is_plain(step) {
            for (k, &mark) in step.iter().enumerate().rev() {
                coder.token(k, tables.entry(mark as usize >> NUMBER_BITS, mark as usize % N_DIRECT as usize));
            }
            continue;
        }
        // Raw bits come after the tokens when decoding, so they go first here.
        let coded = || step.iter().enumerate().rev().filter(|(_, mark)| **mark != NO_SAMPLE);
        for (k, mark) in coded() {
            let number = split(*mark).1;
            let (_, n_bits) = token_of(number);
            if n_bits > 0 {
                coder.bits(k, number & ((1 << n_bits) - 1), n_bits);
            }
        }
        for (k, mark) in coded() {
            let (context, number) = split(*mark);
            coder.token(k, tables.entry(context, token_of(number).0 as usize));
        }
    }
    let (states, words) = coder.finish();
    model.n_words = words.len();
    (states, words)
}

/// Tables to encode with.
struct EncodeTables {
    /// First entry of each context's cluster.
    first: Box<[u16; 1 << 10]>,
    entries: Vec<EncodeEntry>,
}

/// Entries of one cluster.
const N_ENTRIES: usize = N_TOKENS.next_power_of_two();

impl EncodeTables {
    fn new(model: &PlaneModel) -> Self {
        let mut first = Box::new([0; 1 << 10]);
        for (first, cluster) in first.iter_mut().zip(model.tables.clusters.iter()) {
            *first = u16::from(*cluster) * N_ENTRIES as u16;
        }
        let mut entries = vec![EncodeEntry::default(); MAX_CLUSTERS.next_power_of_two() * N_ENTRIES];
        for (entries, levels) in entries.chunks_exact_mut(N_ENTRIES).zip(&model.tables.levels) {
            encode_entries(levels, entries);
        }
        Self { first, entries }
    }

    #[inline]
    fn entry(&self, context: usize, token: usize) -> &EncodeEntry {
        &self.entries[usize::from(self.first[context % (1 << 10)]) + token % N_ENTRIES]
    }
}
