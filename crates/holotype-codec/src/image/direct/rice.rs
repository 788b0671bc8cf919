//! Golomb–Rice codes and how many low bits they keep.

use super::residuals::Residuals;
use crate::simd::ByteLanes;
use std::ops::Range;

/// Low bits by energy: as many as there are thresholds below the energy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Thresholds(pub(super) [u8; Self::N]);

impl Thresholds {
    /// Most low bits.
    pub(super) const N: usize = 7;

    /// Low bits kept at each energy: seven, less one for every threshold that is not exceeded.
    #[inline(always)]
    pub(super) fn low_bits<L: ByteLanes>(&self, l: L, energy: L::B) -> L::B {
        let mut low = l.splat_u8(Self::N as u8);
        for threshold in self.0 {
            low = l.add_u8(low, l.eq_u8(l.min_u8(energy, l.splat_u8(threshold)), energy));
        }
        low
    }
}

/// Quotients of this many zeros stand for a whole byte instead.
pub(super) const ESCAPE: u32 = 8;

/// Length of the code of each number with each count of low bits.
static LENGTHS: [[u32; Thresholds::N + 1]; 256] = {
    let mut lengths = [[16; Thresholds::N + 1]; 256];
    let mut z = 0;
    while z < 256 {
        let mut k = 0;
        while k <= Thresholds::N {
            if (z as u32) >> k < ESCAPE {
                lengths[z][k] = (z as u32 >> k) + 1 + k as u32;
            }
            k += 1;
        }
        z += 1;
    }
    lengths
};

/// Energies are fitted one by one up to 32, then in eights.
const N_BUCKETS: usize = 60;

fn bucket(energy: u8) -> usize {
    if energy < 32 { usize::from(energy) } else { 28 + usize::from(energy) / 8 }
}

/// The largest energy of a bucket.
fn last_energy(bucket: usize) -> u8 {
    if bucket < 32 { bucket as u8 } else { ((bucket - 28) * 8 + 7) as u8 }
}

const N: usize = Thresholds::N + 1;

/// What numbers cost with each count of low bits, by the energy around them.
#[derive(Debug)]
pub(super) struct Costs([[u32; N]; N_BUCKETS]);

impl Costs {
    pub(super) fn new() -> Self {
        Self([[0; N]; N_BUCKETS])
    }

    /// Counts every `step`-th of some steps of a strip.
    #[inline(always)]
    pub(super) fn add(&mut self, plane: &Residuals, steps: Range<usize>, step: usize) {
        let pairs = plane.zigzag.iter().zip(&plane.energy);
        for (numbers, energies) in pairs.take(steps.end).skip(steps.start).step_by(step) {
            for (z, energy) in numbers.iter().zip(energies) {
                let cost = &mut self.0[bucket(*energy)];
                cost.iter_mut().zip(&LENGTHS[usize::from(*z)]).for_each(|(sum, length)| *sum += length);
            }
        }
    }

    /// The thresholds that cost least.
    pub(super) fn fit(&self) -> Thresholds {
        fit(&self.0)
    }
}

fn fit(costs: &[[u32; N]; N_BUCKETS]) -> Thresholds {
    // Low bits never shrink as the energy grows, and begin with none.
    let mut best = [[u64::MAX; N]; N_BUCKETS];
    let mut from = [[0; N]; N_BUCKETS];
    best[0][0] = u64::from(costs[0][0]);
    for b in 1..N_BUCKETS {
        for k in 0..N {
            let before = (0..=k).min_by_key(|j| best[b - 1][*j]).unwrap_or(0);
            from[b][k] = before;
            best[b][k] = best[b - 1][before].saturating_add(u64::from(costs[b][k]));
        }
    }
    let mut k = (0..N).min_by_key(|k| best[N_BUCKETS - 1][*k]).unwrap_or(0);
    let mut thresholds = [255; Thresholds::N];
    for b in (1..N_BUCKETS).rev() {
        let before = from[b][k];
        thresholds[before..k].fill(last_energy(b - 1));
        k = before;
    }
    Thresholds(thresholds)
}
