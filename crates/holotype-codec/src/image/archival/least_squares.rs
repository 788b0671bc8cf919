//! Local least squares over two dimensions: weights of the near taps, fitted to the samples around.
//! `docs/codecs/archival.md` §4.
//!
//! Columns fall into segments. Each keeps the decayed sums `S = Σ x xᵀ` and `v = Σ x t` of its samples; before a
//! segment is coded, the sums of it and its two neighbours are solved for the weights.

use crate::simd::Lanes;

/// Taps of a fit.
pub(super) const N_TAPS: usize = 16;
/// Vectors that hold the rows of the upper triangle: two each for rows 0 to 7, one each for rows 8 to 15.
const N_VECTORS: usize = 24;
/// Added to the diagonal.
const RIDGE: f32 = 8.0;
/// A pivot below this means that rounding has eaten the ridge: the tap gets no weight.
const LEAST_PIVOT: f32 = 4.0;
/// Factors and weights stay within this; it bounds every number of a fit on any input.
const BOUND: f32 = 16.0;
/// Smaller sums are zero, so that decay never reaches subnormal numbers.
const LEAST_SUM: f32 = 1.0 / (1_u64 << 40) as f32;
/// Smaller weights are zero, for the same reason.
const LEAST_WEIGHT: f32 = 1.0 / (1 << 20) as f32;

type Vector = [f32; 8];

/// Where columns `8 * half` to `8 * half + 7` of row `i` are; for rows from 8 only the second half exists.
#[inline(always)]
const fn vector_of(i: usize, half: usize) -> usize {
    if i < 8 { 2 * i + half } else { 8 + i }
}

/// Sums over the samples of one segment.
#[derive(Debug, Clone)]
struct Sums {
    s: [Vector; N_VECTORS],
    v: [Vector; 2],
}

impl Sums {
    const ZERO: Self = Self { s: [[0.0; 8]; N_VECTORS], v: [[0.0; 8]; 2] };
}

/// One plane's fits, with segments of `SEGMENT` columns.
#[derive(Debug)]
pub(super) struct LeastSquares<const SEGMENT: usize> {
    /// One segment more at each end, always zero.
    sums: Vec<Sums>,
    /// What is left of a row's sums one row later.
    decay: f32,
    /// The current segment's weighted taps and targets.
    taps: [[Vector; 2]; SEGMENT],
    targets: [f32; SEGMENT],
    n_samples: usize,
    pub(super) weights: [Vector; 2],
}

impl<const SEGMENT: usize> LeastSquares<SEGMENT> {
    pub(super) fn new(width: usize, decay: f32) -> Self {
        Self {
            sums: vec![Sums::ZERO; width.div_ceil(SEGMENT) + 2],
            decay,
            taps: [[[0.0; 8]; 2]; SEGMENT],
            targets: [0.0; SEGMENT],
            n_samples: 0,
            weights: [[0.0; 8]; 2],
        }
    }

    /// Takes note of a sample: its near taps, its value less the base, and how busy its surroundings are.
    #[inline(always)]
    pub(super) fn learn<L: Lanes>(&mut self, l: L, near: &[L::F; 2], target: f32, energy: f32) {
        let scale = (1.0 / (energy * 0.25 + 0.5)).sqrt();
        let i = self.n_samples % SEGMENT;
        for (to, tap) in self.taps[i].iter_mut().zip(near) {
            l.store(l.mul(*tap, l.splat(scale)), to);
        }
        self.targets[i] = target * scale;
        self.n_samples = i + 1;
    }

    /// Ends segment `b`: its samples join its sums.
    #[inline(always)]
    pub(super) fn end_segment<L: Lanes>(&mut self, l: L, b: usize) {
        let Self { sums, taps, targets, n_samples, .. } = self;
        let decay = l.splat(self.decay);
        let Some(sums) = sums.get_mut(b + 1) else { return };
        let taps = &taps[..(*n_samples).min(SEGMENT)];
        for i in 0..N_TAPS {
            for half in i / 8..2 {
                let mut sum = l.splat(0.0);
                for x in taps {
                    sum = l.add(sum, l.mul(l.load(&x[half]), l.splat(x[i / 8][i % 8])));
                }
                keep(l, &mut sums.s[vector_of(i, half)], decay, sum);
            }
        }
        for half in 0..2 {
            let mut sum = l.splat(0.0);
            for (x, target) in taps.iter().zip(targets.iter()) {
                sum = l.add(sum, l.mul(l.load(&x[half]), l.splat(*target)));
            }
            keep(l, &mut sums.v[half], decay, sum);
        }
        *n_samples = 0;
    }

    /// Begins segment `b`: fits the weights to what is known around it.
    #[inline(always)]
    pub(super) fn begin_segment<L: Lanes>(&mut self, l: L, b: usize) {
        let [left, own, right] = match self.sums.get(b..).and_then(<[Sums]>::first_chunk::<3>) {
            Some(three) => three,
            None => return,
        };
        let join = |a: &Vector, b: &Vector, c: &Vector, to: &mut Vector| {
            let b = l.load(b);
            l.store(l.add(l.add(l.load(a), l.load(c)), l.add(b, b)), to);
        };
        let mut rows = [[0.0; 8]; N_VECTORS];
        for (k, row) in rows.iter_mut().enumerate() {
            join(&left.s[k], &own.s[k], &right.s[k], row);
        }
        let mut z = [[0.0; 8]; 2];
        for (k, z) in z.iter_mut().enumerate() {
            join(&left.v[k], &own.v[k], &right.v[k], z);
        }
        for i in 0..N_TAPS {
            rows[vector_of(i, i / 8)][i % 8] += RIDGE;
        }
        self.weights = solve(l, rows, z);
    }
}

/// `to = decay * to + sum`, tiny sums flushed to zero.
#[inline(always)]
fn keep<L: Lanes>(l: L, to: &mut Vector, decay: L::F, sum: L::F) {
    let sum = l.add(l.mul(l.load(to), decay), sum);
    let is_kept = l.gt(l.abs(sum), l.splat(LEAST_SUM));
    l.store(l.select(is_kept, sum, l.splat(0.0)), to);
}

/// Solves `rows * w = z` for a symmetric matrix given by its upper triangle, without pivoting.
#[inline(always)]
fn solve<L: Lanes>(l: L, mut rows: [Vector; N_VECTORS], mut z: [Vector; 2]) -> [Vector; 2] {
    let bound = |f: L::F| l.max(l.min(f, l.splat(BOUND)), l.splat(-BOUND));
    // `columns[j]` holds the factors of row j above the diagonal, so that they can be applied as one vector.
    let mut columns = [[[0.0_f32; 8]; 2]; N_TAPS];
    let mut inverses = [[0.0_f32; 8]; 2];
    for i in 0..N_TAPS {
        let pivot = rows[vector_of(i, i / 8)][i % 8];
        let inverse = if pivot >= LEAST_PIVOT { 1.0 / pivot } else { 0.0 };
        inverses[i / 8][i % 8] = inverse;
        let mut factors = [[0.0_f32; 8]; 2];
        for half in i / 8..2 {
            l.store(bound(l.mul(l.load(&rows[vector_of(i, half)]), l.splat(inverse))), &mut factors[half]);
        }
        let z_i = z[i / 8][i % 8];
        for j in i + 1..N_TAPS {
            let factor = factors[j / 8][j % 8];
            columns[j][i / 8][i % 8] = factor;
            for half in j / 8..2 {
                let product = l.mul(l.load(&rows[vector_of(i, half)]), l.splat(factor));
                let row = &mut rows[vector_of(j, half)];
                l.store(l.sub(l.load(row), product), row);
            }
            z[j / 8][j % 8] -= factor * z_i;
        }
    }
    for half in 0..2 {
        l.store(l.mul(l.load(&z[half]), l.load(&inverses[half])), &mut z[half]);
    }
    for j in (0..N_TAPS).rev() {
        let w = z[j / 8][j % 8].clamp(-BOUND, BOUND);
        let w = if w.abs() < LEAST_WEIGHT { 0.0 } else { w };
        for half in 0..=j / 8 {
            let product = l.mul(l.load(&columns[j][half]), l.splat(w));
            l.store(l.sub(l.load(&z[half]), product), &mut z[half]);
        }
        z[j / 8][j % 8] = w;
    }
    z
}
