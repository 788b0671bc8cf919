//! States of a residual's decisions, all decisions of a context in one slot, and their mixing.
//! `docs/codecs/archival.md` §7.

use super::contexts::{Contexts, N_CONTEXTS, N_FOREIGN, SIZES};
use super::refine::Refinement;
use super::setting::Setting;
use crate::simd::Lanes;
use std::f32::consts::LOG2_E;
use std::marker::PhantomData;

/// Decisions in a slot: zero? negative? and six steps of magnitude.
pub(super) const N_NODES: usize = 8;
/// First logits.
const FIRST_STATE: [f32; N_NODES] = [-1.0, 0.0, -0.6, -0.6, -0.6, -0.6, -0.6, -0.6];
const FIRST_WEIGHT: f32 = 0.25;
const MAX_STATE: f32 = 7.0;
const WEIGHT_RATE: f32 = 0.004;
const SECOND_RATE: f32 = 0.0015;
const LEAST_RATE: f32 = 0.012;
/// Classes of energy that have their own weights.
const N_WEIGHTS: usize = 16;
/// Probabilities in 65536ths stay within this.
const P_RANGE: [i32; 2] = [48, 65_488];

/// Logits of all decisions, in a cache line's half.
#[derive(Debug, Clone, Copy)]
#[repr(align(32))]
struct Slot([f32; N_NODES]);

/// Vectors kept between the prediction of a residual's decisions and their update.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mixed<L: Lanes> {
    states: [L::F; N_CONTEXTS],
    /// Probabilities of a 1 before they are confined.
    p: L::F,
    /// Logits, and probabilities in 65536ths.
    pub(super) logits: [f32; N_NODES],
    pub(super) p1: [i32; N_NODES],
}

/// States and weights of one plane.
#[derive(Debug)]
pub(super) struct Model<S> {
    slots: Vec<Slot>,
    visits: Vec<u8>,
    weights: [[[f32; N_NODES]; N_CONTEXTS]; N_WEIGHTS],
    second: [[[f32; N_NODES]; N_CONTEXTS]; N_FOREIGN * 2],
    bias: [[f32; N_NODES]; 4 * N_FOREIGN],
    rates: [f32; 256],
    pub(super) refinement: Refinement,
    setting: PhantomData<S>,
}

impl<S: Setting> Model<S> {
    pub(super) fn new() -> Self {
        let n_slots = SIZES[..S::N_CONTEXTS].iter().sum();
        let rate = |n: usize| (1.0 / (0.6 * n as f32 + 1.6)).max(LEAST_RATE);
        Self {
            slots: vec![Slot(FIRST_STATE); n_slots],
            visits: vec![0; n_slots],
            weights: [[[FIRST_WEIGHT; N_NODES]; N_CONTEXTS]; N_WEIGHTS],
            second: [[[0.0; N_NODES]; N_CONTEXTS]; N_FOREIGN * 2],
            bias: [[0.0; N_NODES]; 4 * N_FOREIGN],
            rates: std::array::from_fn(rate),
            refinement: Refinement::new(S::IS_REFINED),
            setting: PhantomData,
        }
    }

    #[inline(always)]
    fn weight_sets(contexts: &Contexts) -> [usize; 2] {
        let [level, foreign] = [contexts.level, contexts.foreign].map(|class| class as usize);
        [(level / 3).min(N_WEIGHTS - 1), foreign * 2 + (contexts.offset as usize & 1)]
    }

    #[inline(always)]
    fn bias_of(contexts: &Contexts) -> usize {
        contexts.offset as usize * N_FOREIGN + contexts.foreign as usize
    }

    /// The probabilities of all decisions.
    #[inline(always)]
    pub(super) fn mix<L: Lanes>(&self, l: L, contexts: &Contexts) -> Mixed<L> {
        let [first, second] = Self::weight_sets(contexts);
        let (weights, second) = (&self.weights[first], &self.second[second]);
        let mut states = [l.splat(0.0); N_CONTEXTS];
        let mut logit = l.load(&self.bias[Self::bias_of(contexts)]);
        for i in 0..S::N_CONTEXTS {
            states[i] = l.load(&self.slots[contexts.slots[i] as usize].0);
            let mut weight = l.load(&weights[i]);
            if S::IS_REFINED {
                weight = l.add(weight, l.load(&second[i]));
            }
            logit = l.add(logit, l.mul(weight, states[i]));
        }
        let p = squash(l, logit);
        let mut mixed = Mixed { states, p, logits: [0.0; N_NODES], p1: [0; N_NODES] };
        if S::IS_REFINED {
            l.store(logit, &mut mixed.logits);
        }
        let scaled = l.to_i32(l.mul(p, l.splat(65536.0)));
        let scaled = l.min_i32(l.max_i32(scaled, l.splat_i32(P_RANGE[0])), l.splat_i32(P_RANGE[1]));
        l.store_i32(scaled, &mut mixed.p1);
        mixed
    }

    /// Learns what the decisions were: `signs` holds 1 for a 1, −1 for a 0, 0 for a decision not taken.
    #[inline(always)]
    pub(super) fn learn<L: Lanes>(&mut self, l: L, contexts: &Contexts, mixed: &Mixed<L>, signs: &[f32; 8]) {
        let [first, second] = Self::weight_sets(contexts);
        let signs = l.load(signs);
        let bits = l.max(signs, l.splat(0.0));
        let error = l.mul(l.sub(bits, mixed.p), l.abs(signs));
        let step = l.mul(error, l.splat(WEIGHT_RATE));
        let second_step = l.mul(error, l.splat(SECOND_RATE));
        let against = l.sub(l.splat(0.0), signs);
        let visits = &mut self.visits[..self.slots.len()];
        for i in 0..S::N_CONTEXTS {
            let (slot, state) = (contexts.slots[i] as usize, mixed.states[i]);
            let weight = &mut self.weights[first][i];
            l.store(l.add(l.load(weight), l.mul(step, state)), weight);
            if S::IS_REFINED {
                let weight = &mut self.second[second][i];
                l.store(l.add(l.load(weight), l.mul(second_step, state)), weight);
            }
            let n_visits = &mut visits[slot];
            let rate = l.splat(self.rates[usize::from(*n_visits)]);
            *n_visits += u8::from(*n_visits < u8::MAX);
            let surprise = l.add(l.splat(1.0), exponential(l, l.mul(state, against)));
            let change = l.mul(signs, l.min(l.mul(rate, surprise), l.splat(1.0)));
            let state = l.add(state, change);
            let state = l.max(l.min(state, l.splat(MAX_STATE)), l.splat(-MAX_STATE));
            l.store(state, &mut self.slots[slot].0);
        }
        let bias = &mut self.bias[Self::bias_of(contexts)];
        l.store(l.add(l.load(bias), l.mul(step, l.splat(0.5))), bias);
    }
}

/// About `1 / (1 + e^-logit)`: the power of two by its bits and a parabola.
#[inline(always)]
fn squash<L: Lanes>(l: L, logit: L::F) -> L::F {
    let t = l.mul(logit, l.splat(-LOG2_E));
    let t = l.add(l.max(l.min(t, l.splat(20.0)), l.splat(-20.0)), l.splat(127.0));
    let whole = l.to_i32(t);
    let part = l.sub(t, l.to_f32(whole));
    let power = l.with_bits(l.shl::<23>(whole));
    let curve = l.add(l.splat(0.6565), l.mul(part, l.splat(0.3435)));
    let curve = l.add(l.splat(1.0), l.mul(part, curve));
    l.div(l.splat(1.0), l.add(l.splat(1.0), l.mul(power, curve)))
}

/// About `e^u` for `u` within ±7: a line through the bits.
#[inline(always)]
fn exponential<L: Lanes>(l: L, u: L::F) -> L::F {
    let bits = l.add(l.mul(u, l.splat(12_102_203.0)), l.splat(1_064_986_823.0));
    l.with_bits(l.to_i32(bits))
}
