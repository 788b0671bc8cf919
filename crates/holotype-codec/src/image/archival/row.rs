//! One plane, sample by sample: predict, number contexts, code, learn. `docs/codecs/archival.md` §2 to §7.

use super::MAX_REFERENCES;
use super::blend::{Errors, Prediction, blend, confine};
use super::contexts::{self, Neighbours, Residuals};
use super::filters::Filters;
use super::least_squares::LeastSquares;
use super::model::Model;
use super::plane::{Current, Plane, Reference};
use super::setting::Setting;
use super::taps::{self, Taps};
use super::token::{self, Tails};
use crate::entropy::binary::BitCoder;
use crate::simd::Lanes;

/// Everything a plane's coding learns; fresh for every plane.
#[derive(Debug)]
pub(super) struct PlaneCoder<'a, S, const SEGMENT: usize> {
    references: &'a [Plane],
    fit: LeastSquares<SEGMENT>,
    filters: Filters,
    errors: Errors,
    model: Model<S>,
    tails: Tails,
    /// Residuals of the last two rows, the nearer first, padded by one at each side.
    residuals: [Vec<f32>; 2],
}

/// A sample's predictions and what made them.
struct Predicted<L: Lanes> {
    taps: Taps<L::F>,
    lanes: L::F,
    norm: f32,
    blended: Prediction,
    /// How far the predictors disagree.
    spread: f32,
}

impl<'a, S: Setting, const SEGMENT: usize> PlaneCoder<'a, S, SEGMENT> {
    pub(super) fn new(plane: &Plane, references: &'a [Plane]) -> Self {
        Self {
            references,
            fit: LeastSquares::new(plane.width, S::DECAY),
            filters: Filters::new(),
            errors: Errors::new(plane.width),
            model: Model::new(),
            tails: Tails::new(),
            residuals: std::array::from_fn(|_| vec![0.0; plane.width + 2]),
        }
    }

    /// Codes the samples of `plane` in raster order, or fills them in when decoding.
    #[inline(always)]
    pub(super) fn run<L: Lanes>(mut self, l: L, coder: &mut impl BitCoder, plane: &mut Plane) {
        for y in 0..plane.height {
            self.row(l, coder, plane, y);
            plane.end_row(y);
            self.errors.end_row();
            // A forged size must not cost the time and memory of a true one.
            if coder.is_past_the_end() {
                return;
            }
        }
    }

    #[inline(always)]
    fn row<L: Lanes>(&mut self, l: L, coder: &mut impl BitCoder, plane: &mut Plane, y: usize) {
        let (low, high, width) = (plane.low, plane.high, plane.width);
        let Current { above, here, residuals: kept } = plane.begin_row(y);
        let nothing = Reference { above: &[], here: &[], below: &[], residuals: &[] };
        let mut references = [nothing; MAX_REFERENCES];
        for (to, from) in references.iter_mut().zip(self.references) {
            *to = from.around(y);
        }
        let references = &references[..self.references.len().min(MAX_REFERENCES)];
        let mut recent = l.splat(here[Plane::LEFT - 1]);
        let (mut w, mut ww) = (here[Plane::LEFT - 1], here[Plane::LEFT - 1]);
        let mut left = self.errors.begin_row(l);
        let (mut r_w, mut r_ww) = (self.residuals[0][1], self.residuals[0][1]);
        for x in 0..width {
            if x % SEGMENT == 0 {
                self.fit.begin_segment(l, x / SEGMENT);
            }
            let at = x + Plane::LEFT;
            let neighbours = Neighbours {
                w,
                ww,
                n: above.one[at],
                nw: above.one[at - 1],
                ne: above.one[at + 1],
                nn: above.two[at],
            };
            let taps = taps::gather(l, &above, references, at, w, recent);
            let weights = self.errors.weights(l, &left, x);
            let range = [low as f32, high as f32];
            let plain = plain(&neighbours, references.first(), at);
            let predicted = self.predict(l, taps, plain, weights, range);
            let (r_n, r_nn) = (&self.residuals[0], &self.residuals[1]);
            let around = Residuals {
                w: r_w,
                ww: r_ww,
                n: r_n[x + 1],
                nw: r_n[x],
                ne: r_n[x + 2],
                nn: r_nn[x + 1],
                last: references.last().map_or(0.0, |r| r.residuals[x]),
                first: if references.len() == 2 { references[0].residuals[x] } else { 0.0 },
            };
            let prediction = &predicted.blended;
            let contexts = contexts::number(
                l,
                &neighbours,
                &around,
                references.len(),
                prediction,
                predicted.spread,
                [low, high],
            );
            let mixed = self.model.mix(l, &contexts);
            let mirror = if prediction.is_below { -1 } else { 1 };
            let residual = (here[at] as i32 - prediction.rounded) * mirror;
            let (model, tails) = (&mut self.model, &mut self.tails);
            let (residual, signs) = token::code(coder, model, tails, &contexts, &mixed, residual);
            let sample = (prediction.rounded + residual * mirror).clamp(low, high);
            let value = sample as f32;
            here[at] = value;

            self.model.learn(l, &contexts, &mixed, signs);
            let errors = l.sub(l.splat(value), predicted.lanes);
            let mut each = [0.0; 8];
            l.store(errors, &mut each);
            self.filters.learn(l, S::N_FILTERS, &predicted.taps, &each[1..], predicted.norm);
            self.fit.learn(l, &predicted.taps.near, value - predicted.taps.base, around.energy());
            self.errors.put(l, &mut left, x, errors);
            recent = l.push(recent, value);
            (ww, w) = (w, value);
            kept[x] = value - prediction.exact;
            (r_ww, r_w) = (r_w, kept[x]);
            if (x + 1) % SEGMENT == 0 || x + 1 == width {
                self.fit.end_segment(l, x / SEGMENT);
            }
        }
        self.residuals.swap(0, 1);
        let [newest, _] = &mut self.residuals;
        newest[1..=width].copy_from_slice(kept);
        newest[0] = kept[0];
        newest[width + 1] = kept[width - 1];
    }

    /// Predicts from the taps, the unlearned predictions and the weights of the lanes.
    #[inline(always)]
    fn predict<L: Lanes>(
        &self,
        l: L,
        taps: Taps<L::F>,
        plain: [f32; 8],
        weights: L::F,
        [low, high]: [f32; 2],
    ) -> Predicted<L> {
        let [a, b] = &self.fit.weights;
        let fitted = l.add(l.mul(l.load(a), taps.near[0]), l.mul(l.load(b), taps.near[1]));
        let filtered = |k| self.filters.products(l, k, &taps);
        let squares = Filters::squares(l, &taps);
        let fourth = if S::N_FILTERS == 3 { filtered(2) } else { squares };
        let sums = l.sum4([fitted, filtered(0), filtered(1), fourth]);
        let norms = if S::N_FILTERS == 3 { l.sum4([squares; 4]) } else { sums };
        let mut norm = [0.0; 8];
        l.store(norms, &mut norm);
        let sums = l.add(sums, l.splat(taps.base));
        let lanes = if S::N_FILTERS == 3 {
            l.blend::<0b1111_0000>(sums, l.load(&plain))
        } else {
            l.blend::<0b1111_1000>(sums, l.load(&plain))
        };
        let lanes = confine(l, lanes, low, high);
        let mut each = [0.0; 8];
        l.store(lanes, &mut each);
        let spread = 0.375 * ((each[0] - each[1]).abs() + (each[0] - plain[3]).abs());
        Predicted { taps, lanes, norm: norm[3], blended: blend(l, weights, lanes, low, high), spread }
    }
}

/// The predictions that learn nothing, in their lanes; the first three lanes are not theirs.
#[inline(always)]
fn plain(around: &Neighbours, reference: Option<&Reference<'_>>, at: usize) -> [f32; 8] {
    let Neighbours { w, n, nw, ne, nn, .. } = *around;
    let gradient = median(w, n, nw);
    let foreign = match reference {
        Some(p) => {
            let [p_w, p_n, p_nw] = [p.here[at - 1], p.above[at], p.above[at - 1]];
            p.here[at] + median(w - p_w, n - p_n, nw - p_nw)
        }
        None => gradient,
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
