//! Residuals as binary decisions, each predicted by several contexts mixed in the logistic domain.
//! `docs/codecs/adaptive.md` §4.

use super::logistic::{Stretch, squash};
use super::predict::{Prediction, log_class};
use crate::entropy::binary::BitCoder;

/// Most contexts a residual is modelled by.
const MAX_CONTEXTS: usize = 5;
/// A probability of a half.
const EVEN: u16 = 1 << 15;
/// Binary decisions a residual may need that are modelled.
const N_NODES: usize = 80;
const ZERO: usize = 0;
const SIGN: usize = 1;
const UNARY: usize = 2;
const MANTISSA_1: usize = 22;
const MANTISSA_2: usize = 42;
/// Longest unary part: magnitudes below 2¹⁸.
const MAX_BUCKET: u32 = 18;
/// Slots a context has.
const SLOTS: [usize; MAX_CONTEXTS] = [24 * 12, 12 * 64, 9 * 9 * 9, 64 * 8, 12 * 24];
/// Classes a weight set is chosen by.
const N_WEIGHT_CLASSES: usize = 8;
/// Slot counts stop here.
const MAX_COUNT: u16 = 160;
/// Initial weight of each input, in 65536ths.
const FIRST_WEIGHT: i32 = 26_000;

/// Probability (less a half, bit by bit) and age of one decision in one context: all zeros at first, so that slots that
/// are never met cost nothing.
type Slot = [u16; 2];

/// What surrounds a residual beyond its prediction.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Surroundings {
    /// Signed residuals at W and N, and of the plane before at the same place.
    pub(super) w: i32,
    pub(super) n: i32,
    pub(super) previous: i32,
    /// The prediction as a share of the range, 0 to 63.
    pub(super) level: usize,
}

/// Model of one plane's residuals, by the first `N` contexts.
#[derive(Debug)]
pub(super) struct Model<const N: usize> {
    stretch: Stretch,
    slots: [Vec<Slot>; N],
    weights: Vec<[i32; N]>,
    rates: [i32; MAX_COUNT as usize + 1],
}

/// Sign times size class of a residual, 0 to 8.
fn signed_class(r: i32) -> usize {
    let size = match r.unsigned_abs() {
        0 => return 4,
        1..=2 => 1,
        3..=7 => 2,
        8..=20 => 3,
        _ => 4,
    };
    if r < 0 { 4 - size } else { 4 + size }
}

impl<const N: usize> Model<N> {
    pub(super) fn new() -> Self {
        let mut rates = [0; MAX_COUNT as usize + 1];
        for (n, rate) in rates.iter_mut().enumerate() {
            *rate = 131_072 / (2 * n as i32 + 3);
        }
        Self {
            stretch: Stretch::new(),
            slots: std::array::from_fn(|i| vec![[0; 2]; SLOTS[i] * N_NODES]),
            weights: vec![[FIRST_WEIGHT; N]; N_NODES * N_WEIGHT_CLASSES],
            rates,
        }
    }

    /// Codes a residual; any input decodes to a magnitude below 2¹⁹.
    pub(super) fn code(
        &mut self,
        coder: &mut impl BitCoder,
        residual: i32,
        prediction: &Prediction,
        around: &Surroundings,
    ) -> i32 {
        let Prediction { energy, texture, .. } = *prediction;
        let previous = log_class(around.previous.unsigned_abs(), 1, 11);
        let contexts = [
            energy * 12 + previous,
            (energy / 2) * 64 + texture,
            (signed_class(around.w) * 9 + signed_class(around.n)) * 9 + signed_class(around.previous),
            around.level * 8 + energy / 3,
            log_class(around.w.unsigned_abs(), 1, 11) * 24 + log_class(around.n.unsigned_abs(), 1, 23),
        ]
        .map(|slot| slot * N_NODES);
        let class = energy / 3;
        let mut bit = |coder: &mut _, bit, node| self.bit(coder, bit, node, &contexts, class);
        if bit(coder, residual == 0, ZERO) {
            return 0;
        }
        let negative = bit(coder, residual < 0, SIGN);
        // Magnitudes from 1: bucket = bit length − 1, then the bits below the leading one.
        let magnitude = residual.unsigned_abs().max(1);
        let wanted = 31 - magnitude.leading_zeros();
        let mut bucket = 0;
        while bucket < MAX_BUCKET && bit(coder, bucket < wanted, UNARY + bucket as usize) {
            bucket += 1;
        }
        let mut out = 1_u32;
        for depth in 0..bucket {
            let wanted = magnitude >> (bucket - 1 - depth) & 1 == 1;
            let got = match depth {
                0 => bit(coder, wanted, MANTISSA_1 + bucket as usize),
                1 => bit(coder, wanted, MANTISSA_2 + 2 * bucket as usize - 2 + (out & 1) as usize),
                _ => coder.code(wanted, 1 << 15),
            };
            out = out << 1 | u32::from(got);
        }
        if negative { -(out as i32) } else { out as i32 }
    }

    #[inline(always)]
    fn bit(
        &mut self,
        coder: &mut impl BitCoder,
        bit: bool,
        node: usize,
        contexts: &[usize; MAX_CONTEXTS],
        class: usize,
    ) -> bool {
        let weights = &mut self.weights[node * N_WEIGHT_CLASSES + class];
        let mut inputs = [0; N];
        let mut dot = 0;
        for i in 0..N {
            inputs[i] = self.stretch.of(self.slots[i][contexts[i] + node][0] ^ EVEN);
            dot += inputs[i] * (weights[i] >> 4);
        }
        let p1 = squash(dot >> 12).clamp(48, 65_488);
        let bit = coder.code(bit, p1);
        let error = if bit { 65_536 - p1 as i32 } else { -(p1 as i32) };
        let target = if bit { 65_535 } else { 0 };
        for i in 0..N {
            weights[i] = (weights[i] + ((inputs[i] * error) >> 17)).clamp(-(1 << 18), 1 << 18);
            let [p1, n] = &mut self.slots[i][contexts[i] + node];
            let p = i32::from(*p1 ^ EVEN);
            let p = (p + (((target - p) * self.rates[usize::from(*n)]) >> 16)).clamp(16, 65_519);
            *p1 = p as u16 ^ EVEN;
            *n = (*n + 1).min(MAX_COUNT);
        }
        bit
    }
}
