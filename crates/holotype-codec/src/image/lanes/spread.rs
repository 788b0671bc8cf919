//! How many low bits a number keeps, by the energy around it.

use super::ESCAPE;
use crate::CodecError;
use crate::simd::WordLanes;

/// Low bits grow with the logarithm of `factor * energy + addend`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spread {
    /// 8 to 15.
    factor: u8,
    /// At least 1.
    addend: u16,
    /// At most 19.
    shift: u8,
}

/// Most low bits.
const MAX_LOW: i32 = 15;
const MAX_SHIFT: u8 = 19;

impl Spread {
    pub(super) const LEAST: Self = Self { factor: 8, addend: 1, shift: 0 };

    pub(super) fn parse([head, shift, low, high]: [u8; 4]) -> Result<Self, CodecError> {
        let addend = u16::from_le_bytes([low, high]);
        if head > 7 || addend == 0 || shift > MAX_SHIFT {
            return Err(CodecError::Corrupt { what: "spread of a plane" });
        }
        Ok(Self { factor: 8 + head, addend, shift })
    }

    pub(super) fn bytes(self) -> [u8; 4] {
        let Self { factor, addend, shift } = self;
        let [low, high] = addend.to_le_bytes();
        [factor - 8, shift, low, high]
    }

    /// The logarithm before the shift.
    fn logarithm(self, energy: u32) -> u32 {
        (u32::from(self.factor) * energy + u32::from(self.addend)).ilog2()
    }

    /// Low bits of every lane. The floats are integers below 2²⁴: nothing is rounded.
    #[inline(always)]
    pub(super) fn low_bits<L: WordLanes>(self, l: L, energy: L::I) -> L::I {
        let scaled = l.mul(l.to_f32(energy), l.splat(f32::from(self.factor)));
        let exponent = l.shr::<23>(l.bits(l.add(scaled, l.splat(f32::from(self.addend)))));
        let low = l.sub_i32(exponent, l.splat_i32(127 + i32::from(self.shift)));
        l.min_i32(l.max_i32(low, l.splat_i32(0)), l.splat_i32(MAX_LOW))
    }

    /// Low bits of 32 lanes.
    #[inline(always)]
    pub(super) fn all_low_bits<L: WordLanes>(self, l: L, energy: L::W) -> [L::I; 4] {
        let mut all = l.widen_u16(energy);
        for low in &mut all {
            *low = self.low_bits(l, *low);
        }
        all
    }
}

/// Energies below this have their own bucket; then there are eight an octave.
const N_EXACT: u32 = 16;
const N_BUCKETS: usize = 16 + 8 * 12;

/// What numbers cost under each count of low bits, by the energy around them.
#[derive(Debug)]
pub(super) struct Costs {
    bits: Box<[[u32; MAX_LOW as usize + 1]; N_BUCKETS]>,
}

impl Costs {
    pub(super) fn new() -> Self {
        Self { bits: Box::new([[0; MAX_LOW as usize + 1]; N_BUCKETS]) }
    }

    /// Counts one number.
    #[inline(always)]
    pub(super) fn add(&mut self, number: u16, energy: u16) {
        let energy = u32::from(energy);
        let bucket = if energy < N_EXACT {
            energy
        } else {
            let log = energy.ilog2();
            N_EXACT + 8 * (log - 4) + (energy >> (log - 3) & 7)
        };
        let Some(bits) = self.bits.get_mut(bucket as usize) else { return };
        for (k, bits) in (0..).zip(bits) {
            let quotient = u32::from(number) >> k;
            *bits += if quotient < ESCAPE as u32 { quotient + 1 + k } else { ESCAPE as u32 + 16 };
        }
    }

    /// The cheapest spread, nearly: the addend and the shift first, then the factor. Also what it costs in bits.
    pub(super) fn fit(&self) -> (Spread, u64) {
        let used: Vec<(u32, &[u32; MAX_LOW as usize + 1])> = (0..)
            .zip(self.bits.iter())
            .filter(|(_, bits)| bits[0] > 0)
            .map(|(b, bits)| (middle(b), bits))
            .collect();
        let cost = |spread: Spread| -> u64 {
            let low = |energy: u32| spread.logarithm(energy).saturating_sub(u32::from(spread.shift));
            used.iter().map(|(energy, bits)| u64::from(bits[low(*energy).min(MAX_LOW as u32) as usize])).sum()
        };
        let mut best = Spread { factor: 11, addend: 1, shift: 4 };
        let mut best_cost = u64::MAX;
        let mut consider = |best: &mut Spread, spread: Spread| {
            let cost = cost(spread);
            if cost < best_cost {
                (*best, best_cost) = (spread, cost);
            }
        };
        // Two an octave, about.
        for addend in (0..26).map(|i| ((2 + i % 2) << (i / 2)) as u16) {
            for shift in 2..MAX_SHIFT {
                consider(&mut best, Spread { factor: 11, addend, shift });
            }
        }
        let Spread { addend, shift, .. } = best;
        for factor in [8, 9, 10, 12, 13, 14, 15] {
            for addend in [addend, addend / 4 * 3 + 1, addend.saturating_add(addend / 4)] {
                consider(&mut best, Spread { factor, addend, shift });
            }
        }
        (best, best_cost)
    }
}

/// An energy in the middle of a bucket.
fn middle(bucket: u32) -> u32 {
    if bucket < N_EXACT {
        return bucket;
    }
    let (log, eighth) = ((bucket - N_EXACT) / 8 + 4, (bucket - N_EXACT) % 8);
    (1 << log) + (2 * eighth + 1) * (1 << log) / 16
}
