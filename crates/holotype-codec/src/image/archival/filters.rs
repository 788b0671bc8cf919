//! Normalised least-mean-squares filters over all taps, each with its own rate. `docs/codecs/archival.md` §5.

use super::taps::Taps;
use crate::simd::Lanes;

/// Most filters.
pub(super) const MAX_FILTERS: usize = 3;
/// Four times the step size of each filter, from lane 1 on.
const RATES: [f32; 8] = [0.0, 0.008, 0.032, 0.002, 0.0, 0.0, 0.0, 0.0];
/// Added to the norm of the taps.
const NORM_FLOOR: f32 = 20.0;
/// First weight of the near taps; the far ones begin at 0.
const FIRST_WEIGHT: f32 = 0.04;
/// Smaller errors teach nothing: so weights never come near subnormal numbers.
const LEAST_ERROR: f32 = 1.0 / (1 << 20) as f32;

/// The weights of one plane's filters.
#[derive(Debug)]
pub(super) struct Filters {
    weights: [[[f32; 8]; 4]; MAX_FILTERS],
}

impl Filters {
    pub(super) fn new() -> Self {
        Self { weights: [[[FIRST_WEIGHT; 8], [FIRST_WEIGHT; 8], [0.0; 8], [0.0; 8]]; MAX_FILTERS] }
    }

    /// The products of filter `k`, to be summed over the lanes.
    #[inline(always)]
    pub(super) fn products<L: Lanes>(&self, l: L, k: usize, taps: &Taps<L::F>) -> L::F {
        let [a, b, c, d] = &self.weights[k];
        let near = l.add(l.mul(l.load(a), taps.near[0]), l.mul(l.load(b), taps.near[1]));
        let far = l.add(l.mul(l.load(c), taps.far[0]), l.mul(l.load(d), taps.far[1]));
        l.add(near, far)
    }

    /// The squares of the taps, to be summed over the lanes.
    #[inline(always)]
    pub(super) fn squares<L: Lanes>(l: L, taps: &Taps<L::F>) -> L::F {
        let square = |v: L::F| l.mul(v, v);
        let near = l.add(square(taps.near[0]), square(taps.near[1]));
        l.add(near, l.add(square(taps.far[0]), square(taps.far[1])))
    }

    /// Moves the first `n` filters' weights along their errors, which are lanes 1 and up; `norm` is the sum of the squared
    /// taps.
    #[inline(always)]
    pub(super) fn learn<L: Lanes>(&mut self, l: L, n: usize, taps: &Taps<L::F>, errors: L::F, norm: f32) {
        let is_small = l.gt(l.splat(LEAST_ERROR), l.abs(errors));
        let errors = l.select(is_small, l.splat(0.0), errors);
        let mut steps = [0.0; 8];
        l.store(l.div(l.mul(l.load(&RATES), errors), l.splat(norm + NORM_FLOOR)), &mut steps);
        for (weights, step) in self.weights[..n].iter_mut().zip(&steps[1..]) {
            let step = l.splat(*step);
            for (w, x) in weights.iter_mut().zip([taps.near[0], taps.near[1], taps.far[0], taps.far[1]]) {
                l.store(l.add(l.load(w), l.mul(step, x)), w);
            }
        }
    }
}
