//! One plane, row by row: predict, code, learn. `docs/codecs/archival.md` §2 to §7.
//!
//! An encoder knows the samples: it predicts and learns those of a segment, then codes what they differ by. Each of the
//! two has a shorter chain of dependences than both, so that a processor works on several samples at once.

use super::contexts::Contexts;
use super::model::Model;
use super::plane::{Current, Plane};
use super::predictor::Predictor;
use super::setting::Setting;
use super::token::{self, Tails};
use crate::entropy::binary::BitCoder;
use crate::entropy::range::{RangeDecoder, RangeEncoder};
use crate::simd::Lanes;

/// Everything a plane's coding learns; fresh for every plane.
#[derive(Debug)]
pub(super) struct PlaneCoder<'a, S, const SEGMENT: usize> {
    predictor: Predictor<'a, S, SEGMENT>,
    model: Model<S>,
    tails: Tails,
}

impl<'a, S: Setting, const SEGMENT: usize> PlaneCoder<'a, S, SEGMENT> {
    pub(super) fn new(plane: &Plane, references: &'a [Plane]) -> Self {
        Self { predictor: Predictor::new(plane, references), model: Model::new(), tails: Tails::new() }
    }

    /// Codes the samples of `plane`.
    #[inline(always)]
    pub(super) fn encode<L: Lanes>(mut self, l: L, coder: &mut RangeEncoder, plane: &mut Plane) {
        let width = plane.width;
        let mut pending = [(Contexts::default(), 0); SEGMENT];
        for y in 0..plane.height {
            let Current { above, here, residuals } = plane.begin_row(y);
            let (rows, mut missed) = self.predictor.begin_row(l, above, y);
            let mut before = rows.before(l);
            for (segment, start) in (0..width).step_by(SEGMENT).enumerate() {
                let (rows, n) = (rows.segment(start), SEGMENT.min(width - start));
                let values = &here[Plane::LEFT + start..][..n];
                self.predictor.begin_segment(l, segment);
                for (i, value) in values.iter().enumerate() {
                    let around = rows.around(l, &before, i);
                    before.push(l, *value);
                    let predictions = self.predictor.predict(l, &around);
                    self.predictor.learn(l, &around, &predictions, *value);
                    let expected = self.predictor.expect(l, &rows, &missed, &around, &predictions, i);
                    let x = start + i;
                    pending[i] = (expected.contexts, expected.prediction.mirrored(*value as i32));
                    residuals[x] =
                        self.predictor.note(l, &mut missed, &around, &predictions, &expected, (x, *value));
                }
                self.predictor.end_segment(l, segment);
                for (contexts, residual) in &pending[..n] {
                    let mixed = self.model.mix(l, contexts);
                    let (model, tails) = (&mut self.model, &mut self.tails);
                    let (_, signs) = token::code(coder, model, tails, contexts, &mixed, *residual);
                    self.model.learn(l, contexts, &mixed, signs);
                }
            }
            self.predictor.end_row(residuals);
            plane.end_row(y);
            if coder.is_past_the_end() {
                return;
            }
        }
    }

    /// Fills in the samples of `plane`.
    #[inline(always)]
    pub(super) fn decode<L: Lanes>(mut self, l: L, coder: &mut RangeDecoder<'_>, plane: &mut Plane) {
        let (low, high, width) = (plane.low, plane.high, plane.width);
        for y in 0..plane.height {
            let Current { above, here, residuals } = plane.begin_row(y);
            let (rows, mut missed) = self.predictor.begin_row(l, above, y);
            let mut before = rows.before(l);
            for (segment, start) in (0..width).step_by(SEGMENT).enumerate() {
                self.predictor.begin_segment(l, segment);
                let rows = rows.segment(start);
                for i in 0..SEGMENT.min(width - start) {
                    let around = rows.around(l, &before, i);
                    let predictions = self.predictor.predict(l, &around);
                    let expected = self.predictor.expect(l, &rows, &missed, &around, &predictions, i);
                    let contexts = &expected.contexts;
                    let mixed = self.model.mix(l, contexts);
                    let (model, tails) = (&mut self.model, &mut self.tails);
                    let (residual, signs) = token::code(coder, model, tails, contexts, &mixed, 0);
                    let value = expected.prediction.unmirrored(residual).clamp(low, high) as f32;
                    let x = start + i;
                    here[x + Plane::LEFT] = value;
                    before.push(l, value);
                    self.predictor.learn(l, &around, &predictions, value);
                    residuals[x] =
                        self.predictor.note(l, &mut missed, &around, &predictions, &expected, (x, value));
                    self.model.learn(l, contexts, &mixed, signs);
                }
                self.predictor.end_segment(l, segment);
            }
            self.predictor.end_row(residuals);
            plane.end_row(y);
            // A forged size must not cost the time and memory of a true one.
            if coder.is_past_the_end() {
                return;
            }
        }
    }
}
