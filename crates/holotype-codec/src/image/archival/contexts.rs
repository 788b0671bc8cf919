//! What surrounds a sample, as context numbers. `docs/codecs/archival.md` §6.

use super::blend::Prediction;
use crate::simd::Lanes;

/// Contexts a residual may be modelled by.
pub(super) const N_CONTEXTS: usize = 6;
/// Slots of each context.
pub(super) const SIZES: [usize; N_CONTEXTS] =
    [24 * 64 * 2, 1024, 64 * 24, N_LEVELS * 10, 81 * 6 * 2, 729 * 2];
/// Where the slots of each context begin among those of all.
const STARTS: [u32; N_CONTEXTS] = {
    let mut starts = [0; N_CONTEXTS];
    let mut i = 1;
    while i < N_CONTEXTS {
        starts[i] = starts[i - 1] + SIZES[i - 1] as u32;
        i += 1;
    }
    starts
};
/// Classes of energy and of gradients.
pub(super) const N_LEVELS: usize = 48;
/// Classes of the reference planes' residuals.
pub(super) const N_FOREIGN: usize = 9;
/// Steps of a residual's size, twice.
const SIZE_STEPS: [f32; 8] = [0.5, 2.5, 7.5, 20.5, 0.5, 2.5, 7.5, 20.5];
const FOREIGN_STEPS: [f32; 8] = [0.5, 1.0, 2.0, 3.0, 5.0, 8.0, 14.0, 28.0];

/// Logarithmic class of a number from 0, four an octave.
#[inline(always)]
pub(super) fn log_class(value: f32) -> i32 {
    ((value + 2.0).to_bits() >> 21) as i32 - (2.0_f32.to_bits() >> 21) as i32
}

/// Sign times size class of two residuals, each 0 to 8.
#[inline(always)]
fn signed_classes<L: Lanes>(l: L, [a, b]: [f32; 2]) -> [u32; 2] {
    let sizes = l.blend::<0b1111_0000>(l.splat(a.abs()), l.splat(b.abs()));
    let is_above = l.sign_mask(l.gt(sizes, l.load(&SIZE_STEPS)));
    let signed = |residual: f32, size: u32| if residual < 0.0 { 4 - size } else { 4 + size };
    [signed(a, (is_above & 15).count_ones()), signed(b, (is_above >> 4).count_ones())]
}

/// The row's neighbours of a sample.
#[derive(Debug, Clone, Copy)]
pub(super) struct Neighbours {
    pub(super) w: f32,
    pub(super) n: f32,
    pub(super) nw: f32,
    pub(super) ne: f32,
    pub(super) nn: f32,
    pub(super) ww: f32,
}

/// Residuals around a sample: own ones, and the reference planes' at the same place (0 without).
#[derive(Debug, Clone, Copy)]
pub(super) struct Residuals {
    pub(super) w: f32,
    pub(super) n: f32,
    pub(super) nw: f32,
    pub(super) ne: f32,
    pub(super) ww: f32,
    pub(super) nn: f32,
    /// Of the reference coded last.
    pub(super) last: f32,
    /// Of the reference before it.
    pub(super) first: f32,
}

impl Residuals {
    /// Weighted sum of the magnitudes around.
    #[inline(always)]
    pub(super) fn energy(&self) -> f32 {
        let near = 2.0 * self.w.abs() + 2.0 * self.n.abs();
        near + (self.nw.abs() + self.ne.abs()) + (self.ww.abs() + self.nn.abs())
    }
}

/// Everything that chooses states and weights for one residual.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Contexts {
    /// A slot of each context, among the slots of all.
    pub(super) slots: [u32; N_CONTEXTS],
    /// Energy class without upper limit.
    pub(super) energy: i32,
    /// Energy class, 0 to 47.
    pub(super) level: u32,
    /// Class of the references' residuals.
    pub(super) foreign: u32,
    /// 0 to 3: side and distance of the exact prediction.
    pub(super) offset: u32,
}

/// Numbers the contexts. `spread` says how far the predictors disagree; `range` is `[low, high]` of the plane; one that
/// `is_alone` has no references.
#[inline(always)]
pub(super) fn number<L: Lanes>(
    l: L,
    neighbours: &Neighbours,
    residuals: &Residuals,
    is_alone: bool,
    prediction: &Prediction,
    spread: f32,
    [low, high]: [i32; 2],
) -> Contexts {
    let Neighbours { w, n, nw, ne, nn, ww } = *neighbours;
    let energy = log_class(residuals.energy());
    let level = energy.min(N_LEVELS as i32 - 1) as u32;
    let gradient = (w - nw).abs() + (n - nw).abs() + (n - ne).abs() + 3.0 * spread;
    let gradient = log_class(gradient).min(N_LEVELS as i32 - 1) as u32;
    let foreign = if is_alone { 1.5 * spread } else { residuals.last.abs() + residuals.first.abs() };
    let foreign = l.sign_mask(l.gt(l.splat(foreign), l.load(&FOREIGN_STEPS))).count_ones();
    let exact = prediction.exact;
    let texture = l.load(&[w, n, nw, ne, 2.0 * n - nn, 2.0 * w - ww, exact, exact]);
    let texture = l.sign_mask(l.gt(texture, l.splat(exact)));
    let side = u32::from(prediction.is_below);
    let half = (level / 2).min(23);
    let middle = low + (high - low + 1) / 2;
    let value = (prediction.rounded - low) as u32;
    let coarse = ((prediction.rounded - middle) >> 3 & 63) as u32;
    let sixth = (level / 6).min(5);
    let [last, first] = signed_classes(l, [residuals.last, residuals.first]);
    let [nw_class, ne_class] = signed_classes(l, [residuals.nw, residuals.ne]);
    let [w_class, _] = signed_classes(l, [residuals.w; 2]);
    let by_context = [
        (half * 64 + texture) * 2 + side,
        (value * 2 + side) & 1023,
        coarse * 24 + half,
        gradient * 10 + foreign,
        ((last * 9 + first) * 6 + sixth) * 2 + side,
        ((nw_class * 9 + ne_class) * 9 + w_class) * 2 + side,
    ];
    let slots = std::array::from_fn(|i| STARTS[i] + by_context[i]);
    Contexts { slots, energy, level, foreign, offset: side * 2 + prediction.distance }
}
