//! Eight predictions, one a lane, blended by how well each did around the sample. `docs/codecs/archival.md` §5.

use crate::simd::Lanes;

/// Trust in each lane before any error is known.
const PRIOR: [f32; 8] = [4.0, 1.0, 1.5, 0.5, 0.15, 0.15, 0.15, 0.15];
/// Errors above this weigh no more.
const MAX_ERROR: f32 = (1 << 17) as f32;
/// Smaller predictions are zero, so that no product is subnormal.
const LEAST_PREDICTION: f32 = 1.0 / (1 << 20) as f32;
/// Columns of padding at each side of a row of errors.
const PAD: usize = 2;

/// What lies left of a row's current sample.
#[derive(Debug, Clone, Copy)]
pub(super) struct Left<F> {
    w: F,
    ww: F,
    www: F,
}

/// Absolute errors of the lanes in the row above and the current row.
#[derive(Debug)]
pub(super) struct Errors {
    above: Vec<[f32; 8]>,
    here: Vec<[f32; 8]>,
}

impl Errors {
    pub(super) fn new(width: usize) -> Self {
        Self { above: vec![[0.0; 8]; width + 2 * PAD], here: vec![[0.0; 8]; width + 2 * PAD] }
    }

    /// Left of a row stand the errors of the first sample of the row above.
    #[inline(always)]
    pub(super) fn begin_row<L: Lanes>(&self, l: L) -> Left<L::F> {
        let first = l.load(&self.above[PAD]);
        Left { w: first, ww: first, www: first }
    }

    /// The finished row becomes the row above, its ends repeated.
    pub(super) fn end_row(&mut self) {
        let n = self.here.len();
        let (first, last) = (self.here[PAD], self.here[n - PAD - 1]);
        self.here[..PAD].fill(first);
        self.here[n - PAD..].fill(last);
        std::mem::swap(&mut self.above, &mut self.here);
    }

    /// The weight of every lane in column `x`.
    #[inline(always)]
    pub(super) fn weights<L: Lanes>(&self, l: L, left: &Left<L::F>, x: usize) -> L::F {
        let Some([nww, nw, n, ne, nee]) = self.above.get(x..).and_then(<[[f32; 8]]>::first_chunk) else {
            return l.load(&PRIOR);
        };
        let close = l.add(l.add(l.load(n), l.load(ne)), l.load(nw));
        let wide = l.add(l.add(l.load(nee), l.load(nww)), l.add(left.ww, left.www));
        let sum = l.add(l.add(close, l.mul(wide, l.splat(0.5))), left.w);
        let sum = l.min(sum, l.splat(MAX_ERROR));
        let square = l.add(l.mul(sum, sum), l.splat(4.0));
        l.div(l.load(&PRIOR), l.mul(square, square))
    }

    /// Takes note of the lanes' errors in column `x`.
    #[inline(always)]
    pub(super) fn put<L: Lanes>(&mut self, l: L, left: &mut Left<L::F>, x: usize, errors: L::F) {
        let errors = l.abs(errors);
        if let Some(to) = self.here.get_mut(x + PAD) {
            l.store(errors, to);
        }
        *left = Left { w: errors, ww: left.w, www: left.ww };
    }
}

/// Lanes kept within `low..=high`, tiny ones flushed to zero.
#[inline(always)]
pub(super) fn confine<L: Lanes>(l: L, lanes: L::F, low: f32, high: f32) -> L::F {
    let lanes = l.max(l.min(lanes, l.splat(high)), l.splat(low));
    l.with_bits(l.and(l.bits(lanes), l.gt(l.abs(lanes), l.splat(LEAST_PREDICTION))))
}

/// A blended prediction, rounded, and on which side of the rounded value it lies.
#[derive(Debug, Clone, Copy)]
pub(super) struct Prediction {
    pub(super) exact: f32,
    pub(super) rounded: i32,
    /// The exact value is below the rounded one: the residual's sign is coded mirrored.
    pub(super) is_below: bool,
    /// 0 or 1: the exact value is within about a quarter of the rounded one, or further away.
    pub(super) distance: u32,
}

impl Prediction {
    /// By how much `value` differs from the rounded prediction, mirrored if the exact one lies below that.
    #[inline(always)]
    pub(super) fn mirrored(&self, value: i32) -> i32 {
        let residual = value - self.rounded;
        if self.is_below { -residual } else { residual }
    }

    /// The value that differs by the residual `mirrored`.
    #[inline(always)]
    pub(super) fn unmirrored(&self, mirrored: i32) -> i32 {
        self.rounded + if self.is_below { -mirrored } else { mirrored }
    }
}

/// The weighted mean of the lanes.
#[inline(always)]
pub(super) fn blend<L: Lanes>(l: L, weights: L::F, lanes: L::F, low: f32, high: f32) -> Prediction {
    let total = l.sum4([weights; 4]);
    let sum = l.sum4([l.mul(weights, lanes); 4]);
    let exact = l.max(l.min(l.div(sum, total), l.splat(high)), l.splat(low));
    let rounded = l.floor(l.add(exact, l.splat(0.5)));
    let offset = l.sub(exact, rounded);
    let distance = l.to_i32(l.mul(l.abs(offset), l.splat(3.99)));
    let (mut exacts, mut offsets) = ([0.0; 8], [0.0; 8]);
    let (mut roundeds, mut distances) = ([0; 8], [0; 8]);
    l.store(exact, &mut exacts);
    l.store(offset, &mut offsets);
    l.store_i32(l.to_i32(rounded), &mut roundeds);
    l.store_i32(distance, &mut distances);
    Prediction {
        exact: exacts[0],
        rounded: roundeds[0],
        is_below: offsets[0] < 0.0,
        distance: distances[0] as u32,
    }
}
