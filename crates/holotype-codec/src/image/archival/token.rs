//! A residual as decisions: those of the slot, then an escape, then low bits. `docs/codecs/archival.md` §7.

use super::contexts::Contexts;
use super::model::{Mixed, Model, N_NODES};
use super::setting::Setting;
use crate::entropy::binary::BitCoder;
use crate::simd::Lanes;

const ZERO: usize = 0;
const NEGATIVE: usize = 1;
const STEPS: usize = 2;
const N_STEPS: usize = 6;
/// Most low bits split off.
const MAX_SPLIT: i32 = 13;
/// Escape buckets: two an octave from 8 on.
const N_BUCKETS: usize = 32;
/// Tokens that tell low bits apart.
const N_TOKENS: usize = 16;

/// What the decisions of a slot were: 1 for a 1, −1 for a 0, 0 if not taken. By sign and steps; the last is zero's.
static SIGNS: [[f32; N_NODES]; 2 * (N_STEPS + 1) + 1] = {
    let mut signs = [[0.0; N_NODES]; 2 * (N_STEPS + 1) + 1];
    let mut i = 0;
    while i < 2 * (N_STEPS + 1) {
        let (negative, n_steps) = (i / (N_STEPS + 1), i % (N_STEPS + 1));
        signs[i][ZERO] = -1.0;
        signs[i][NEGATIVE] = if negative == 1 { 1.0 } else { -1.0 };
        let mut step = 0;
        while step < N_STEPS && step <= n_steps {
            signs[i][STEPS + step] = if step == n_steps { 1.0 } else { -1.0 };
            step += 1;
        }
        i += 1;
    }
    signs[i][ZERO] = 1.0;
    signs
};

/// A probability of a 1 in 65536ths that follows its bits at rate `2^-RATE`.
#[derive(Debug, Clone, Copy)]
struct Bit<const RATE: u32>(u16);

impl<const RATE: u32> Bit<RATE> {
    const FIRST: Self = Self(1 << 15);

    #[inline(always)]
    fn code(&mut self, coder: &mut impl BitCoder, bit: bool) -> bool {
        let p = u32::from(self.0);
        let bit = coder.code(bit, p);
        self.0 = if bit { p + ((65536 - p) >> RATE) } else { p - (p >> RATE) } as u16;
        bit
    }
}

/// Models of what the slots' decisions leave.
#[derive(Debug)]
pub(super) struct Tails {
    /// Is the magnitude beyond this bucket? By energy class.
    beyond: [[Bit<5>; N_BUCKETS]; 16],
    /// The first two bits within a bucket.
    within: [[Bit<6>; 4]; N_BUCKETS],
    /// The bit within the slot's last two steps.
    step: [Bit<6>; 2],
    /// The first two low bits, by number of low bits and token.
    low: [[[Bit<6>; 4]; N_TOKENS]; MAX_SPLIT as usize + 1],
}

impl Tails {
    pub(super) fn new() -> Self {
        Self {
            beyond: [[Bit::FIRST; N_BUCKETS]; 16],
            within: [[Bit::FIRST; 4]; N_BUCKETS],
            step: [Bit::FIRST; 2],
            low: [[[Bit::FIRST; 4]; N_TOKENS]; MAX_SPLIT as usize + 1],
        }
    }
}

/// `n` bits, most significant first: the first two with their own models, the others with even chances.
#[inline(always)]
fn code_bits(coder: &mut impl BitCoder, models: &mut [Bit<6>; 4], n: u32, value: u32) -> u32 {
    let mut out = 1;
    for depth in 0..n {
        let bit = value >> (n - 1 - depth) & 1 == 1;
        let bit =
            if depth < 2 { models[out as usize & 3].code(coder, bit) } else { coder.code(bit, 1 << 15) };
        out = out << 1 | u32::from(bit);
    }
    out & !(1 << n)
}

/// Codes or decodes a residual; whatever the bits, its magnitude is at most 2²⁰.
#[inline(always)]
pub(super) fn code<L: Lanes, S: Setting>(
    coder: &mut impl BitCoder,
    model: &mut Model<S>,
    tails: &mut Tails,
    contexts: &Contexts,
    mixed: &Mixed<L>,
    residual: i32,
) -> (i32, &'static [f32; N_NODES]) {
    let split = ((contexts.energy - S::FIRST_SPLIT) / 4).clamp(0, MAX_SPLIT) as u32;
    let magnitude = residual.unsigned_abs();
    let mut decide = |coder: &mut _, node: usize, bit| decide(coder, model, contexts, mixed, node, bit);
    let mut token = magnitude >> split;
    let mut is_negative = residual < 0;
    let signs;
    if decide(coder, ZERO, token == 0) {
        token = 0;
        signs = 2 * (N_STEPS + 1);
    } else {
        is_negative = decide(coder, NEGATIVE, is_negative);
        // Magnitudes 1, 2, 3, 4, 5–6, 7–8 stop at a step of their own.
        let n = token.wrapping_sub(1);
        let wanted = match n {
            0..4 => n,
            4..8 => 4 + (n - 4) / 2,
            _ => N_STEPS as u32,
        };
        let mut n_steps = 0;
        while n_steps < N_STEPS && !decide(coder, STEPS + n_steps, n_steps as u32 == wanted) {
            n_steps += 1;
        }
        signs = usize::from(is_negative) * (N_STEPS + 1) + n_steps;
        token = 1 + match n_steps {
            0..4 => n_steps as u32,
            4 | 5 => {
                let within = tails.step[n_steps - 4].code(coder, n & 1 == 1);
                2 * n_steps as u32 - 4 + u32::from(within)
            }
            _ => escape(coder, tails, contexts.level as usize, n),
        };
    }
    let mut low = 0;
    if split > 0 {
        let models = &mut tails.low[split as usize][(token as usize).min(N_TOKENS - 1)];
        low = code_bits(coder, models, split, magnitude & ((1 << split) - 1));
        if token == 0 && low != 0 {
            is_negative = coder.code(is_negative, 1 << 15);
        }
    }
    let magnitude = (token.min(1 << 18) << split | low).min(1 << 20) as i32;
    (if is_negative { -magnitude } else { magnitude }, &SIGNS[signs])
}

#[inline(always)]
fn decide<L: Lanes, S: Setting>(
    coder: &mut impl BitCoder,
    model: &mut Model<S>,
    contexts: &Contexts,
    mixed: &Mixed<L>,
    node: usize,
    bit: bool,
) -> bool {
    if !S::IS_REFINED {
        return coder.code(bit, mixed.p1[node] as u32);
    }
    let (p1, bin) =
        model.refinement.refine(node, contexts.level as usize, mixed.logits[node], mixed.p1[node]);
    let bit = coder.code(bit, p1 as u32);
    model.refinement.learn(bin, bit);
    bit
}

/// A number from 8: its half-octave in unary, then the bits within.
#[inline(always)]
fn escape(coder: &mut impl BitCoder, tails: &mut Tails, level: usize, n: u32) -> u32 {
    let octave = 31 - n.max(8).leading_zeros();
    let wanted = ((octave - 3) * 2 + (n.max(8) >> (octave - 1) & 1)) as usize;
    let models = &mut tails.beyond[(level / 3).min(15)];
    let mut bucket = 0;
    while bucket < N_BUCKETS - 1 && models[bucket].code(coder, bucket < wanted) {
        bucket += 1;
    }
    let octave = bucket as u32 / 2 + 3;
    let start = (2 | bucket as u32 & 1) << (octave - 1);
    start + code_bits(coder, &mut tails.within[bucket], octave - 1, n.wrapping_sub(start))
}
