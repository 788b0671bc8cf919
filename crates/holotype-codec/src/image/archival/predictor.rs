//! What a plane's samples are expected to be, learned from sample to sample. `docs/codecs/archival.md` §2 to §6.
//!
//! A sample passes four stages: its surroundings are gathered, lanes predict it, their predictions are blended and
//! contexts numbered, and what it was is learned and noted.

use super::blend::{Errors, Left, Prediction, blend, confine};
use super::contexts::{self, Contexts, Neighbours, Residuals};
use super::filters::Filters;
use super::least_squares::LeastSquares;
use super::plane::{Above, MAX_SEGMENT, Plane, Reference, References, Segment, Window, part};
use super::setting::Setting;
use super::taps::{self, Taps};
use crate::simd::Lanes;
use std::marker::PhantomData;

/// Everything a plane's predictions learn; fresh for every plane.
#[derive(Debug)]
pub(super) struct Predictor<'a, S, const SEGMENT: usize> {
    references: References<&'a Plane>,
    fit: LeastSquares<SEGMENT>,
    filters: Filters,
    errors: Errors,
    /// Sample minus exact prediction in the last two rows, the nearer first, padded by one at each side.
    residuals: [Vec<f32>; 2],
    width: usize,
    /// Smallest and largest value of a sample.
    range: [i32; 2],
    range_f32: [f32; 2],
    setting: PhantomData<S>,
}

/// The rows around a row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rows<'r> {
    above: Above<&'r [f32]>,
    references: References<Reference<&'r [f32]>>,
    /// Residuals of the references in the row.
    residuals: References<&'r [f32]>,
}

/// What of them lies around a segment.
#[derive(Debug, Clone, Copy)]
pub(super) struct RowsOfSegment<'r> {
    above: Above<&'r Segment>,
    references: References<Reference<&'r Segment>>,
    residuals: References<&'r [f32]>,
    start: usize,
}

/// The samples left of the current one.
pub(super) struct Before<L: Lanes> {
    recent: L::F,
    w: f32,
    ww: f32,
}

/// By how much predictions missed the samples left of the current one.
pub(super) struct Missed<L: Lanes> {
    lanes: Left<L::F>,
    w: f32,
    ww: f32,
}

/// What surrounds a sample, as far as samples alone decide it.
pub(super) struct Surroundings<L: Lanes> {
    neighbours: Neighbours,
    taps: Taps<L::F>,
    /// The predictions that learn nothing, in their lanes.
    plain: L::F,
    /// The gradient's.
    gradient: f32,
}

/// What the lanes predict.
pub(super) struct Predictions<L: Lanes> {
    lanes: L::F,
    /// Sum of the squared taps.
    norm: f32,
}

/// What is expected of a sample.
pub(super) struct Expected {
    pub(super) prediction: Prediction,
    pub(super) contexts: Contexts,
    energy: f32,
}

impl<L: Lanes> Before<L> {
    /// What lies right of `value`.
    #[inline(always)]
    pub(super) fn push(&mut self, l: L, value: f32) {
        *self = Self { recent: l.push(self.recent, value), w: value, ww: self.w };
    }
}

impl<'r> Rows<'r> {
    /// What lies left of the row: the first sample of the row above.
    #[inline(always)]
    pub(super) fn before<L: Lanes>(&self, l: L) -> Before<L> {
        let first = self.above.one[Plane::LEFT];
        Before { recent: l.splat(first), w: first, ww: first }
    }

    /// What lies around the segment from column `start` on.
    #[inline(always)]
    pub(super) fn segment(&self, start: usize) -> RowsOfSegment<'r> {
        RowsOfSegment {
            above: self.above.map(|row| part(row, start)),
            references: self.references.map(|rows| rows.map(|row| part(row, start))),
            residuals: self.residuals,
            start,
        }
    }
}

impl RowsOfSegment<'_> {
    /// What surrounds sample `i` of the segment.
    #[inline(always)]
    pub(super) fn around<L: Lanes>(&self, l: L, before: &Before<L>, i: usize) -> Surroundings<L> {
        let above = self.above.map(|row| part(row, i));
        let references = self.references.map(|rows| rows.map(|row| part(row, i)));
        let neighbours = Neighbours {
            w: before.w,
            ww: before.ww,
            n: above.one[Plane::LEFT],
            nw: above.one[Plane::LEFT - 1],
            ne: above.one[Plane::LEFT + 1],
            nn: above.two[Plane::LEFT],
        };
        let taps = taps::gather(l, &above, &references, before.w, before.recent);
        let plain = plain(&neighbours, &references);
        Surroundings { neighbours, taps, plain: l.load(&plain), gradient: plain[3] }
    }
}

impl<'a, S: Setting, const SEGMENT: usize> Predictor<'a, S, SEGMENT> {
    pub(super) fn new(plane: &Plane, references: &'a [Plane]) -> Self {
        const { assert!(SEGMENT <= MAX_SEGMENT) };
        Self {
            references: References::new(references),
            fit: LeastSquares::new(plane.width, S::DECAY),
            filters: Filters::new(),
            errors: Errors::new(plane.width),
            residuals: std::array::from_fn(|_| vec![0.0; plane.width + 2]),
            width: plane.width,
            range: [plane.low, plane.high],
            range_f32: [plane.low as f32, plane.high as f32],
            setting: PhantomData,
        }
    }

    /// Begins row `y`, above which lie the rows `above`.
    #[inline(always)]
    pub(super) fn begin_row<'r, L: Lanes>(
        &self,
        l: L,
        above: Above<&'r [f32]>,
        y: usize,
    ) -> (Rows<'r>, Missed<L>)
    where
        'a: 'r,
    {
        let references = self.references.map(|plane| plane.around(y));
        let residuals = self.references.map(|plane| plane.residuals(y));
        let rows = Rows { above, references, residuals };
        let residual = self.residuals[0][1];
        (rows, Missed { lanes: self.errors.begin_row(l), w: residual, ww: residual })
    }

    /// Ends a row that differed from its prediction by `residuals`.
    pub(super) fn end_row(&mut self, residuals: &[f32]) {
        self.residuals.swap(0, 1);
        let (width, [newest, _]) = (self.width, &mut self.residuals);
        newest[1..=width].copy_from_slice(residuals);
        newest[0] = residuals[0];
        newest[width + 1] = residuals[width - 1];
        self.errors.end_row();
    }

    /// Begins segment `b` of a row.
    #[inline(always)]
    pub(super) fn begin_segment<L: Lanes>(&mut self, l: L, b: usize) {
        self.fit.begin_segment(l, b);
    }

    /// Ends segment `b`, all samples of which were noted.
    #[inline(always)]
    pub(super) fn end_segment<L: Lanes>(&mut self, l: L, b: usize) {
        self.fit.end_segment(l, b);
    }

    /// Predicts a sample.
    #[inline(always)]
    pub(super) fn predict<L: Lanes>(&self, l: L, around: &Surroundings<L>) -> Predictions<L> {
        let Surroundings { taps, plain, .. } = around;
        let [a, b] = &self.fit.weights;
        let fitted = l.add(l.mul(l.load(a), taps.near[0]), l.mul(l.load(b), taps.near[1]));
        let filtered = |k| self.filters.products(l, k, taps);
        let squares = Filters::squares(l, taps);
        let fourth = if S::N_FILTERS == 3 { filtered(2) } else { squares };
        let sums = l.sum4([fitted, filtered(0), filtered(1), fourth]);
        let norms = if S::N_FILTERS == 3 { l.sum4([squares; 4]) } else { sums };
        let mut norm = [0.0; 8];
        l.store(norms, &mut norm);
        let sums = l.add(sums, l.splat(taps.base));
        let lanes = if S::N_FILTERS == 3 {
            l.blend::<0b1111_0000>(sums, *plain)
        } else {
            l.blend::<0b1111_1000>(sums, *plain)
        };
        let [low, high] = self.range_f32;
        Predictions { lanes: confine(l, lanes, low, high), norm: norm[3] }
    }

    /// Learns for the next prediction that the sample was `value`.
    #[inline(always)]
    pub(super) fn learn<L: Lanes>(
        &mut self,
        l: L,
        around: &Surroundings<L>,
        predictions: &Predictions<L>,
        value: f32,
    ) {
        let errors = l.sub(l.splat(value), predictions.lanes);
        self.filters.learn(l, S::N_FILTERS, &around.taps, errors, predictions.norm);
    }

    /// What sample `i` of the segment is expected to be.
    #[inline(always)]
    pub(super) fn expect<L: Lanes>(
        &self,
        l: L,
        rows: &RowsOfSegment<'_>,
        missed: &Missed<L>,
        around: &Surroundings<L>,
        predictions: &Predictions<L>,
        i: usize,
    ) -> Expected {
        let x = rows.start + i;
        let weights = self.errors.weights(l, &missed.lanes, x);
        let mut each = [0.0; 8];
        l.store(predictions.lanes, &mut each);
        let spread = 0.375 * ((each[0] - each[1]).abs() + (each[0] - around.gradient).abs());
        let [low, high] = self.range_f32;
        let prediction = blend(l, weights, predictions.lanes, low, high);
        let above = |row: usize| {
            self.residuals[row].get(x..).and_then(<[f32]>::first_chunk::<3>).copied().unwrap_or_default()
        };
        let ([nw, n, ne], [_, nn, _]) = (above(0), above(1));
        let [first, last] = match rows.residuals {
            References::None => [0.0; 2],
            References::One(p) => [0.0, p[x]],
            References::Two([p, q]) => [p[x], q[x]],
        };
        let residuals = Residuals { w: missed.w, ww: missed.ww, n, nw, ne, nn, last, first };
        let is_alone = matches!(rows.residuals, References::None);
        let contexts =
            contexts::number(l, &around.neighbours, &residuals, is_alone, &prediction, spread, self.range);
        Expected { prediction, contexts, energy: residuals.energy() }
    }

    /// Takes note of what the sample in column `x` was. Returns by how much it differs from the exact prediction.
    #[inline(always)]
    pub(super) fn note<L: Lanes>(
        &mut self,
        l: L,
        missed: &mut Missed<L>,
        around: &Surroundings<L>,
        predictions: &Predictions<L>,
        expected: &Expected,
        (x, value): (usize, f32),
    ) -> f32 {
        self.fit.learn(l, &around.taps.near, value - around.taps.base, expected.energy);
        self.errors.put(l, &mut missed.lanes, x, l.sub(l.splat(value), predictions.lanes));
        let residual = value - expected.prediction.exact;
        (missed.ww, missed.w) = (missed.w, residual);
        residual
    }
}

/// The predictions that learn nothing, in their lanes; the first three lanes are not theirs.
#[inline(always)]
fn plain(around: &Neighbours, references: &References<Reference<&Window>>) -> [f32; 8] {
    let Neighbours { w, n, nw, ne, nn, .. } = *around;
    let gradient = median(w, n, nw);
    let foreign = match references {
        References::One(p) | References::Two([p, _]) => {
            let at = Plane::LEFT;
            let [p_w, p_n, p_nw] = [p.here[at - 1], p.above[at], p.above[at - 1]];
            p.here[at] + median(w - p_w, n - p_n, nw - p_nw)
        }
        References::None => gradient,
    };
    [0.0, 0.0, 0.0, gradient, w + ne - n, w + (ne - nw) * 0.5, n + (n - nn) * 0.5, foreign]
}

/// The gradient `w + n - nw` kept between `w` and `n`.
#[inline(always)]
fn median(w: f32, n: f32, nw: f32) -> f32 {
    let (low, high) = if w < n { (w, n) } else { (n, w) };
    let gradient = w + n - nw;
    if gradient < low {
        low
    } else if gradient > high {
        high
    } else {
        gradient
    }
}
