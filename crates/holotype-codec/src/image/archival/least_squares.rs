//! Local least squares over two dimensions: weights of the near taps, fitted to the samples around.
//! `docs/codecs/archival.md` §4.
//!
//! Columns fall into segments. Each keeps the decayed sums `S = Σ x xᵀ` and `v = Σ x t` of its samples; before a
//! segment is coded, the sums of it and its two neighbours are solved for the weights.

use crate::simd::Lanes;

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

/// The numbers of the lanes.
const LANES: [i32; 8] = [0, 1, 2, 3, 4, 5, 6, 7];

/// The upper triangle of a symmetric matrix: rows 0 to 7, and the right halves of rows 8 to 15.
#[derive(Debug, Clone)]
struct Triangle<V> {
    upper: [[V; 2]; 8],
    lower: [V; 8],
}

/// Sums over the samples of one segment.
#[derive(Debug, Clone)]
struct Sums {
    s: Triangle<Vector>,
    v: [Vector; 2],
}

impl Sums {
    const ZERO: Self =
        Self { s: Triangle { upper: [[[0.0; 8]; 2]; 8], lower: [[0.0; 8]; 8] }, v: [[0.0; 8]; 2] };
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
        // A few rows of the matrix at a time, so that their sums stay in registers.
        for (fours, to) in sums.s.upper.as_chunks_mut::<4>().0.iter_mut().enumerate() {
            let mut rows = [[l.splat(0.0); 2]; 4];
            for x in taps {
                let [left, right] = [l.load(&x[0]), l.load(&x[1])];
                for (k, row) in rows.iter_mut().enumerate() {
                    let factor = l.splat(x[0][4 * fours + k]);
                    *row = [l.add(row[0], l.mul(left, factor)), l.add(row[1], l.mul(right, factor))];
                }
            }
            for (to, row) in to.iter_mut().zip(rows) {
                keep(l, &mut to[0], decay, row[0]);
                keep(l, &mut to[1], decay, row[1]);
            }
        }
        let mut rows = [l.splat(0.0); 8];
        for [_, right] in taps {
            let x = l.load(right);
            for (row, factor) in rows.iter_mut().zip(right) {
                *row = l.add(*row, l.mul(x, l.splat(*factor)));
            }
        }
        for (to, row) in sums.s.lower.iter_mut().zip(rows) {
            keep(l, to, decay, row);
        }
        let mut sum = [l.splat(0.0); 2];
        for ([left, right], target) in taps.iter().zip(targets.iter()) {
            let target = l.splat(*target);
            sum = [l.add(sum[0], l.mul(l.load(left), target)), l.add(sum[1], l.mul(l.load(right), target))];
        }
        keep(l, &mut sums.v[0], decay, sum[0]);
        keep(l, &mut sums.v[1], decay, sum[1]);
        *n_samples = 0;
    }

    /// Begins segment `b`: fits the weights to what is known around it.
    #[inline(always)]
    pub(super) fn begin_segment<L: Lanes>(&mut self, l: L, b: usize) {
        let [left, own, right] = match self.sums.get(b..).and_then(<[Sums]>::first_chunk::<3>) {
            Some(three) => three,
            None => return,
        };
        let zero = l.splat(0.0);
        let mut rows = Triangle { upper: [[zero; 2]; 8], lower: [zero; 8] };
        for (i, to) in rows.upper.iter_mut().enumerate() {
            let [left, own, right] = [&left.s.upper[i], &own.s.upper[i], &right.s.upper[i]];
            *to = [join(l, &left[0], &own[0], &right[0]), join(l, &left[1], &own[1], &right[1])];
            to[0] = ridged(l, to[0], i);
        }
        for (i, to) in rows.lower.iter_mut().enumerate() {
            *to = ridged(l, join(l, &left.s.lower[i], &own.s.lower[i], &right.s.lower[i]), i);
        }
        let z = [join(l, &left.v[0], &own.v[0], &right.v[0]), join(l, &left.v[1], &own.v[1], &right.v[1])];
        let [a, b] = solve(l, rows, z);
        l.store(a, &mut self.weights[0]);
        l.store(b, &mut self.weights[1]);
    }
}

/// `a + c + 2 b`.
#[inline(always)]
fn join<L: Lanes>(l: L, a: &Vector, b: &Vector, c: &Vector) -> L::F {
    let b = l.load(b);
    l.add(l.add(l.load(a), l.load(c)), l.add(b, b))
}

/// `row` with [`RIDGE`] added to lane `i`, which lies on the diagonal.
#[inline(always)]
fn ridged<L: Lanes>(l: L, row: L::F, i: usize) -> L::F {
    let is_here = l.eq_i32(l.load_i32(&LANES), l.splat_i32(i as i32));
    l.select(is_here, l.add(row, l.splat(RIDGE)), row)
}

/// `to = decay * to + sum`, tiny sums flushed to zero.
#[inline(always)]
fn keep<L: Lanes>(l: L, to: &mut Vector, decay: L::F, sum: L::F) {
    let sum = l.add(l.mul(l.load(to), decay), sum);
    let is_kept = l.gt(l.abs(sum), l.splat(LEAST_SUM));
    l.store(l.with_bits(l.and(l.bits(sum), is_kept)), to);
}

/// Solves `rows * w = z` for a symmetric matrix given by its upper triangle, without pivoting.
#[inline(always)]
fn solve<L: Lanes>(l: L, mut rows: Triangle<L::F>, mut z: [L::F; 2]) -> [L::F; 2] {
    let zero = l.splat(0.0);
    let (mut factors, mut inverses) = (Triangle { upper: [[zero; 2]; 8], lower: [zero; 8] }, [zero; 2]);
    // Written out, so that every index is a constant and vectors stay in registers.
    macro_rules! each {
        ($eliminate:ident: $($i:literal)*) => {
            $($eliminate::<L, $i>(l, &mut rows, &mut z, &mut factors, &mut inverses);)*
        };
    }
    each!(eliminate_upper: 0 1 2 3 4 5 6 7);
    each!(eliminate_lower: 0 1 2 3 4 5 6 7);
    // Columns of factors above the diagonal, so that each can be applied as one vector.
    let (mut left, mut right) = ([zero; 8], [[zero; 8], factors.lower]);
    for (i, f) in factors.upper.into_iter().enumerate() {
        [left[i], right[0][i]] = f;
    }
    let (left, right) = (l.transpose(left), [l.transpose(right[0]), l.transpose(right[1])]);
    z = [l.mul(z[0], inverses[0]), l.mul(z[1], inverses[1])];
    for j in (0..8).rev() {
        let w = l.lane(weight(l, z[1]), j);
        z = [l.sub(z[0], l.mul(right[0][j], w)), l.sub(z[1], l.mul(right[1][j], w))];
    }
    for j in (0..8).rev() {
        let w = l.lane(weight(l, z[0]), j);
        z[0] = l.sub(z[0], l.mul(left[j], w));
    }
    [weight(l, z[0]), weight(l, z[1])]
}

/// Within [`BOUND`].
#[inline(always)]
fn bound<L: Lanes>(l: L, f: L::F) -> L::F {
    l.max(l.min(f, l.splat(BOUND)), l.splat(-BOUND))
}

#[inline(always)]
fn weight<L: Lanes>(l: L, z: L::F) -> L::F {
    let w = bound(l, z);
    l.select(l.gt(l.splat(LEAST_WEIGHT), l.abs(w)), l.splat(0.0), w)
}

/// The inverse of the pivot in lane `i` of `row`, in all lanes; zero if it is too small.
#[inline(always)]
fn inverse<L: Lanes>(l: L, row: L::F, i: usize) -> L::F {
    let pivot = l.lane(row, i);
    l.select(l.gt(l.splat(LEAST_PIVOT), pivot), l.splat(0.0), l.div(l.splat(1.0), pivot))
}

/// `f` where the lane is above `i`, else zero.
#[inline(always)]
fn right_of<L: Lanes>(l: L, f: L::F, i: usize) -> L::F {
    l.with_bits(l.and(l.bits(f), l.gt_i32(l.load_i32(&LANES), l.splat_i32(i as i32))))
}

/// `a - b * c`, the product rounded.
#[inline(always)]
fn less_product<L: Lanes>(l: L, a: L::F, b: L::F, c: L::F) -> L::F {
    l.sub(a, l.mul(b, c))
}

/// Takes row `I` from those below it.
#[inline(always)]
fn eliminate_upper<L: Lanes, const I: usize>(
    l: L,
    rows: &mut Triangle<L::F>,
    z: &mut [L::F; 2],
    factors: &mut Triangle<L::F>,
    inverses: &mut [L::F; 2],
) {
    let row = rows.upper[I];
    let inverse = inverse(l, row[0], I);
    inverses[0] = l.select(l.eq_i32(l.load_i32(&LANES), l.splat_i32(I as i32)), inverse, inverses[0]);
    let f = [bound(l, l.mul(row[0], inverse)), bound(l, l.mul(row[1], inverse))];
    let f = [right_of(l, f[0], I), f[1]];
    factors.upper[I] = f;
    let z_i = l.lane(z[0], I);
    *z = [less_product(l, z[0], f[0], z_i), less_product(l, z[1], f[1], z_i)];
    for j in I + 1..8 {
        let (to, factor) = (&mut rows.upper[j], l.lane(f[0], j));
        *to = [less_product(l, to[0], row[0], factor), less_product(l, to[1], row[1], factor)];
    }
    for (j, to) in rows.lower.iter_mut().enumerate() {
        *to = less_product(l, *to, row[1], l.lane(f[1], j));
    }
}

/// Takes row `8 + I` from those below it.
#[inline(always)]
fn eliminate_lower<L: Lanes, const I: usize>(
    l: L,
    rows: &mut Triangle<L::F>,
    z: &mut [L::F; 2],
    factors: &mut Triangle<L::F>,
    inverses: &mut [L::F; 2],
) {
    let row = rows.lower[I];
    let inverse = inverse(l, row, I);
    inverses[1] = l.select(l.eq_i32(l.load_i32(&LANES), l.splat_i32(I as i32)), inverse, inverses[1]);
    let f = right_of(l, bound(l, l.mul(row, inverse)), I);
    factors.lower[I] = f;
    z[1] = less_product(l, z[1], f, l.lane(z[1], I));
    for j in I + 1..8 {
        rows.lower[j] = less_product(l, rows.lower[j], row, l.lane(f, j));
    }
}
