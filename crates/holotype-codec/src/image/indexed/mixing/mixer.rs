//! Probabilities of one bit from many contexts, mixed. `docs/codecs/indexed.md` §7.1.

use crate::entropy::binary::BitCoder;
use crate::image::adaptive::logistic::{Stretch, squash};

/// What a context has seen.
#[derive(Debug, Clone, Copy)]
struct Slot {
    /// Probability of a 1 in 65536ths.
    p1: u16,
    n: u8,
    /// Part of the context, so that a strange one is noticed.
    check: u8,
}

/// How much a slot is trusted after so many bits, in 256ths.
const TRUST: [i32; 8] = [0, 190, 220, 235, 245, 250, 254, 256];

/// Largest count of a slot.
const MAX_N: u8 = 60;
/// How slowly weights learn.
const WEIGHT_SHIFT: u32 = 13;

/// Bits by `N` contexts and two sets of weights.
#[derive(Debug)]
pub(super) struct Mixer<const N: usize> {
    stretch: Stretch,
    /// `N` tables.
    slots: Vec<Slot>,
    slots_log2: u32,
    weights: [Vec<[i32; N]>; 2],
    /// 65536 / (n + 1.4).
    rates: [u16; MAX_N as usize + 1],
}

impl<const N: usize> Mixer<N> {
    pub(super) fn new(slots_log2: u32, n_sets: [usize; 2], weight: i32) -> Self {
        Self {
            stretch: Stretch::new(),
            slots: vec![Slot { p1: 1 << 15, n: 0, check: 0 }; N << slots_log2],
            slots_log2,
            weights: n_sets.map(|n| vec![[weight; N]; n]),
            rates: std::array::from_fn(|n| (655_360 / (10 * n + 14)) as u16),
        }
    }

    /// Codes a bit under hashed contexts and with the weights of two sets.
    #[inline(always)]
    pub(super) fn code(
        &mut self,
        coder: &mut impl BitCoder,
        contexts: &[u32; N],
        sets: [usize; 2],
        bit: bool,
    ) -> bool {
        let mut places = [0; N];
        let mut inputs = [0; N];
        for i in 0..N {
            let place = (i << self.slots_log2) + (contexts[i] >> (32 - self.slots_log2)) as usize;
            let check = contexts[i] as u8;
            let slot = &mut self.slots[place];
            if slot.check != check {
                *slot = Slot { p1: 1 << 15, n: 0, check };
            }
            places[i] = place;
            inputs[i] = (self.stretch.of(slot.p1) * TRUST[usize::from(slot.n.min(7))]) >> 8;
        }
        let logits: [i32; 2] = std::array::from_fn(|set| {
            let weights = &self.weights[set][sets[set]];
            let sum: i32 = inputs.iter().zip(weights).map(|(s, w)| s * (w >> 2)).sum();
            (sum >> 14).clamp(-2047, 2047)
        });
        let p1 = squash((logits[0] + logits[1]) >> 1);
        let bit = coder.code(bit, p1);
        let target = if bit { 65535 } else { 0 };
        for set in 0..2 {
            let error = target - squash(logits[set]) as i32;
            for (w, s) in self.weights[set][sets[set]].iter_mut().zip(&inputs) {
                *w = (*w + ((s * (error >> 2)) >> WEIGHT_SHIFT)).clamp(-(1 << 18), 1 << 18);
            }
        }
        for place in places {
            let slot = &mut self.slots[place];
            let p1 = i32::from(slot.p1);
            let step = ((target - p1) * i32::from(self.rates[usize::from(slot.n)] >> 1)) >> 15;
            slot.p1 = (p1 + step).clamp(16, 65519) as u16;
            slot.n = slot.n.saturating_add(1).min(MAX_N);
        }
        bit
    }
}

/// Mixes numbers into the hash of a context.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hash(u32);

impl Hash {
    pub(super) const fn new(kind: u32) -> Self {
        Self(kind.wrapping_mul(0x9e37_79b1))
    }

    #[inline(always)]
    pub(super) const fn with(self, value: u32) -> Self {
        let h = (self.0 ^ value).wrapping_mul(0x85eb_ca6b);
        Self(h ^ h >> 15)
    }

    /// The hash, all bits of use.
    #[inline(always)]
    pub(super) const fn value(self) -> u32 {
        let h = self.0.wrapping_mul(0xc2b2_ae35);
        h ^ h >> 16
    }
}
