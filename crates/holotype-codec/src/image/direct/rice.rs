//! Golomb–Rice codes and how many low bits they keep.

use super::N_LANES;
use super::residuals::{Residuals, Step};
use crate::simd::ByteLanes;
use std::ops::Range;

/// Low bits by energy: as many as there are thresholds below the energy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Thresholds(pub(super) [u8; Self::N]);

impl Thresholds {
    /// Most low bits.
    pub(super) const N: usize = 7;

    /// In every lane, as [`low_bits`] compares them: less 128.
    pub(super) fn in_lanes(&self) -> [Step; Self::N] {
        self.0.map(|threshold| [threshold ^ 128; N_LANES])
    }
}

/// Low bits kept at each energy: one for every threshold that it exceeds.
#[inline(always)]
pub(super) fn low_bits<L: ByteLanes>(l: L, thresholds: &[Step; Thresholds::N], energy: L::B) -> L::B {
    let mut low = l.splat_u8(0);
    let energy = l.add_u8(energy, l.splat_u8(128));
    for threshold in thresholds {
        low = l.sub_u8(low, l.gt_i8(energy, l.load_u8(threshold)));
    }
    // No change, but compilers see that these are counts of bits.
    l.and_u8(low, l.splat_u8(Thresholds::N as u8))
}

/// Quotients of this many zeros stand for a whole byte instead.
pub(super) const ESCAPE: u32 = 8;

/// Length of the code of each number with each count of low bits.
static LENGTHS: [[i32; N]; 256] = {
    let mut lengths = [[16; N]; 256];
    let mut z = 0;
    while z < 256 {
        let mut k = 0;
        while k <= Thresholds::N {
            if (z as u32) >> k < ESCAPE {
                lengths[z][k] = (z >> k) as i32 + 1 + k as i32;
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
pub(super) struct Costs([[i32; N]; N_BUCKETS]);

impl Costs {
    pub(super) fn new() -> Self {
        Self([[0; N]; N_BUCKETS])
    }

    /// Counts every `step`-th of some steps of a strip.
    #[inline(always)]
    pub(super) fn add<L: ByteLanes>(&mut self, l: L, plane: &Residuals, steps: Range<usize>, step: usize) {
        let pairs = plane.zigzag.iter().zip(&plane.energy);
        for (numbers, energies) in pairs.take(steps.end).skip(steps.start).step_by(step) {
            for (z, energy) in numbers.iter().zip(energies) {
                let cost = &mut self.0[bucket(*energy)];
                let sum = l.add_i32(l.load_i32(cost), l.load_i32(&LENGTHS[usize::from(*z)]));
                l.store_i32(sum, cost);
            }
        }
    }

    /// The thresholds that cost least.
    pub(super) fn fit(&self) -> Thresholds {
        fit(&self.0)
    }
}

fn fit(costs: &[[i32; N]; N_BUCKETS]) -> Thresholds {
    // Low bits never shrink as the energy grows, and begin with none.
    let mut best = [[i64::MAX; N]; N_BUCKETS];
    let mut from = [[0; N]; N_BUCKETS];
    best[0][0] = i64::from(costs[0][0]);
    for b in 1..N_BUCKETS {
        for k in 0..N {
            let before = (0..=k).min_by_key(|j| best[b - 1][*j]).unwrap_or(0);
            from[b][k] = before;
            best[b][k] = best[b - 1][before].saturating_add(i64::from(costs[b][k]));
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
