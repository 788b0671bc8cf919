//! Least squares: the linear predictions of a plane. Encoder only.
//!
//! Samples fall into three classes by their gradients (smooth, mostly vertical, mostly horizontal); each class
//! fits one prediction, and the decoder blends all three everywhere.

use super::model::{
    COEFFICIENT_BITS, CROSS_N, Coefficients, N_CROSS, N_LINEAR, N_OWN, N_TAPS, OWN_N, clamp_coefficient,
    complete, is_free,
};
use crate::simd::{ByteLanes, Kernel, Lanes};

/// Position of W among the own taps.
const OWN_W: usize = 9;
const OWN_NE: usize = 7;
const OWN_NW: usize = 5;
const OWN_WW: usize = 8;
const OWN_NN: usize = 0;
/// Fewer samples than this fit nothing.
const MIN_SAMPLES: usize = 256;

/// Columns of the equations: taps, rounded up to whole vectors. What is to be predicted stands in the column of N,
/// whose own difference is always 0.
const N_COLUMNS: usize = N_TAPS.next_multiple_of(8);
/// Pairs of samples that are added at once.
const N_PAIRS: usize = 16;
/// Largest magnitude of a weighted difference: the products of a batch sum up to an `i32`.
const MAX_INPUT: i32 = 8191;
/// Largest magnitude of a difference before it is weighted.
const MAX_DIFFERENCE: i32 = (1 << 17) - 1;
/// Fractional bits of the square root of a weight.
const WEIGHT_BITS: u32 = 14;
/// Fractional bits of a weighted difference.
const INPUT_BITS: u32 = 4;

const _: () = assert!(2 * N_PAIRS as i64 * MAX_INPUT as i64 * MAX_INPUT as i64 <= i32::MAX as i64);

/// A plane and those before it. Run as a kernel it gives the linear predictions of the last plane, or `None` if
/// there is too little to learn from.
pub(super) struct Picture<'a> {
    /// Row-major samples; the plane to fit comes last, at most two before it.
    pub(super) planes: &'a [Vec<i32>],
    pub(super) width: usize,
    pub(super) height: usize,
}

/// Normal equations of one class, and the samples that are still to be added.
#[derive(Clone)]
struct Equations {
    /// Upper triangle, row after row.
    sums: [[i64; N_COLUMNS]; N_TAPS],
    n_samples: usize,
    /// Weighted differences of two samples in the halves of each lane.
    batch: [[i32; N_COLUMNS]; N_PAIRS],
}

impl Kernel for Picture<'_> {
    type Output = Option<[Coefficients; N_LINEAR]>;

    #[inline(always)]
    fn run<L: ByteLanes>(self, l: L) -> Self::Output {
        fit(l, &self)
    }
}

#[inline(always)]
fn fit<L: Lanes>(l: L, picture: &Picture<'_>) -> Option<[Coefficients; N_LINEAR]> {
    let (width, height) = (picture.width, picture.height);
    if width < 8 || height < 8 {
        return None;
    }
    // Odd steps: even ones see only one phase of interpolated chroma.
    let (step_x, step_y) = match width * height {
        0..10_000 => (1, 1),
        10_000..30_000 => (3, 1),
        30_000..90_000 => (3, 3),
        90_000..200_000 => (5, 3),
        200_000..400_000 => (7, 5),
        400_000..800_000 => (9, 7),
        _ => (11, 9),
    };
    let rows = || (2..height).step_by(step_y);
    let (plane, before) = picture.planes.split_last()?;
    let (mut n_seen, mut gradient_sum) = (0, 0);
    for y in rows() {
        let near = Rows::new(plane, width, y);
        for x in (2..width - 2).step_by(3 * step_x) {
            let (across, down) = gradients(&near.own_taps(x));
            gradient_sum += u64::from(across + down);
            n_seen += 1;
        }
    }
    if 3 * n_seen < MIN_SAMPLES {
        return None;
    }
    let threshold = gradient_sum / n_seen as u64 / 2;
    let n_used = N_OWN + before.len() * N_CROSS;
    let mut classes = vec![Equations::default(); N_LINEAR];
    for y in rows() {
        let near = Rows::new(plane, width, y);
        for x in (2..width - 2).step_by(step_x) {
            let own = near.own_taps(x);
            let (across, down) = gradients(&own);
            let class = match () {
                () if u64::from(across + down) <= threshold => 0,
                () if across > down => 1,
                () => 2,
            };
            let mut inputs = [0; N_COLUMNS];
            let (own_inputs, cross_inputs) = inputs.split_at_mut(N_OWN);
            own_inputs.iter_mut().zip(own).for_each(|(input, value)| *input = value - own[OWN_N]);
            own_inputs[OWN_N] = near.here[x] - own[OWN_N];
            for (inputs, plane) in cross_inputs.chunks_exact_mut(N_CROSS).zip(before.iter().rev()) {
                let cross = Rows::new(plane, width, y).cross_taps(x);
                inputs.iter_mut().zip(cross).for_each(|(input, value)| *input = value - cross[CROSS_N]);
            }
            let [w, n, nw, ne] = [own[OWN_W], own[OWN_N], own[OWN_NW], own[OWN_NE]];
            let flatness = w.abs_diff(nw) + n.abs_diff(nw) + n.abs_diff(ne);
            let variance = flatness as f32 + 0.1 * threshold as f32 + 2.0;
            classes[class].add(l, &inputs, variance, n_used);
        }
    }
    classes.iter_mut().for_each(|class| class.add_batch(l, n_used));
    let mut all = Equations::default();
    classes.iter().for_each(|class| all.include(class));
    // A class with hardly a sample learns from all of them.
    let source = |class: usize| if classes[class].n_samples < 8 * n_used { &all } else { &classes[class] };
    let mut linear = [[0; N_TAPS]; N_LINEAR];
    linear.iter_mut().enumerate().for_each(|(class, out)| *out = source(class).solve(n_used));
    Some(linear)
}

/// A row of a plane and the two above it.
struct Rows<'a> {
    here: &'a [i32],
    above: &'a [i32],
    second: &'a [i32],
}

impl<'a> Rows<'a> {
    /// Row `y`, at least 2.
    #[inline(always)]
    fn new(plane: &'a [i32], width: usize, y: usize) -> Self {
        let row = |y: usize| &plane[y * width..][..width];
        Self { here: row(y), above: row(y - 1), second: row(y - 2) }
    }

    /// The taps in the plane itself of the sample in column `x`, which has two neighbours to each side.
    #[inline(always)]
    fn own_taps(&self, x: usize) -> [i32; N_OWN] {
        let [_, nnw, nn, nne, _] = around(self.second, x);
        let [nww, nw, n, ne, nee] = around(self.above, x);
        let [ww, w, ..] = around(self.here, x);
        [nn, nnw, nne, nww, nee, nw, n, ne, ww, w]
    }

    /// The taps in this plane of a sample of a later one.
    #[inline(always)]
    fn cross_taps(&self, x: usize) -> [i32; N_CROSS] {
        let [_, nw, n, ne, _] = around(self.above, x);
        let [_, w, same, e, _] = around(self.here, x);
        [same, w, n, nw, ne, e]
    }
}

/// Five samples of a row around column `x`. (Arrays are not mapped here: that is not always inlined.)
#[inline(always)]
fn around(row: &[i32], x: usize) -> [i32; 5] {
    row[x - 2..].first_chunk().copied().unwrap_or_default()
}

/// Gradients along rows and along columns.
#[inline(always)]
fn gradients(own: &[i32; N_OWN]) -> (u32, u32) {
    let [w, n, nw, ne, ww, nn] = [own[OWN_W], own[OWN_N], own[OWN_NW], own[OWN_NE], own[OWN_WW], own[OWN_NN]];
    (2 * w.abs_diff(nw) + n.abs_diff(nn), n.abs_diff(nw) + n.abs_diff(ne) + w.abs_diff(ww))
}

impl Default for Equations {
    fn default() -> Self {
        Self { sums: [[0; N_COLUMNS]; N_TAPS], n_samples: 0, batch: [[0; N_COLUMNS]; N_PAIRS] }
    }
}

impl Equations {
    /// Adds a sample by its differences; those of a large variance weigh little.
    #[inline(always)]
    fn add<L: Lanes>(&mut self, l: L, inputs: &[i32; N_COLUMNS], variance: f32, n_used: usize) {
        const SHIFT: i32 = (WEIGHT_BITS - INPUT_BITS) as i32;
        // A variance is at least 2: less than 2¹⁴ / √2, and products with differences fit 32 bits.
        let weight = l.splat_i32(((1 << WEIGHT_BITS) as f32 / variance.sqrt()) as i32);
        let at = self.n_samples % (2 * N_PAIRS);
        let half = l.splat_i32(16 * (at % 2) as i32);
        let within =
            |value: L::I, most: i32| l.min_i32(l.max_i32(value, l.splat_i32(-most)), l.splat_i32(most));
        let (eights, _) = self.batch[at / 2].as_chunks_mut::<8>();
        for (pairs, inputs) in eights.iter_mut().zip(inputs.as_chunks().0) {
            let product = l.mul_i32(within(l.load_i32(inputs), MAX_DIFFERENCE), weight);
            let weighted = l.sar::<SHIFT>(l.add_i32(product, l.splat_i32(1 << (SHIFT - 1))));
            let low = l.and(within(weighted, MAX_INPUT), l.splat_i32(0xFFFF));
            l.store_i32(l.or(l.load_i32(pairs), l.shl_each(low, half)), pairs);
        }
        self.n_samples += 1;
        if at + 1 == 2 * N_PAIRS {
            self.add_batch(l, n_used);
        }
    }

    /// Adds the samples of the batch and empties it.
    #[inline(always)]
    fn add_batch<L: Lanes>(&mut self, l: L, n_used: usize) {
        self.add_rows::<L, 0, 3>(l, n_used);
        self.add_rows::<L, 8, 2>(l, n_used);
        self.add_rows::<L, 16, 1>(l, n_used);
        self.batch = [[0; N_COLUMNS]; N_PAIRS];
    }

    /// Adds the last `N` vectors of up to eight rows: whole eights of the upper triangle, for what lies below it is never
    /// read.
    #[inline(always)]
    fn add_rows<L: Lanes, const FIRST: usize, const N: usize>(&mut self, l: L, n_used: usize) {
        for i in FIRST..n_used.min(FIRST + 8) {
            let mut sums = [l.splat_i32(0); N];
            for pairs in &self.batch {
                let pair = l.splat_i32(pairs[i]);
                let (eights, _) = pairs[FIRST..].as_chunks::<8>();
                for (sum, eight) in sums.iter_mut().zip(eights) {
                    *sum = l.add_i32(*sum, l.dot_i16(pair, l.load_i32(eight)));
                }
            }
            let (eights, _) = self.sums[i][FIRST..].as_chunks_mut::<8>();
            for (to, sum) in eights.iter_mut().zip(sums) {
                let mut of_batch = [0; 8];
                l.store_i32(sum, &mut of_batch);
                to.iter_mut().zip(of_batch).for_each(|(to, sum)| *to += i64::from(sum));
            }
        }
    }

    fn include(&mut self, other: &Self) {
        let cells = self.sums.as_flattened_mut().iter_mut().zip(other.sums.as_flattened());
        cells.for_each(|(sum, more)| *sum += more);
        self.n_samples += other.n_samples;
    }

    /// Cholesky factors and two triangular solutions over the free taps.
    #[inline(always)]
    fn solve(&self, n_used: usize) -> Coefficients {
        let free: Vec<usize> = (0..n_used).filter(|tap| is_free(*tap)).collect();
        let n = free.len();
        let cell =
            |i: usize, j: usize| self.sums[i.min(j)][i.max(j)] as f64 / f64::from(1_u32 << (2 * INPUT_BITS));
        let trace: f64 = free.iter().map(|&i| cell(i, i)).sum();
        let ridge = 1e-5 * trace / n as f64 + 0.01;
        // Upper triangle; becomes the factor row by row.
        let mut rows = [[0.0; N_TAPS]; N_TAPS];
        let mut solution = [0.0; N_TAPS];
        for (i, &tap) in free.iter().enumerate() {
            rows[i][i] = cell(tap, tap) + ridge;
            for (j, &other) in free.iter().enumerate().skip(i + 1) {
                rows[i][j] = cell(tap, other);
            }
            solution[i] = cell(tap, OWN_N);
        }
        for k in 0..n {
            let (above, below) = rows.split_at_mut(k + 1);
            let row = &mut above[k];
            let scale = 1.0 / row[k].max(1e-9).sqrt();
            row.iter_mut().for_each(|value| *value *= scale);
            for (i, other) in (k + 1..n).zip(below) {
                let factor = row[i];
                other.iter_mut().zip(&*row).for_each(|(value, known)| *value -= factor * known);
            }
            solution[k] *= scale;
            let known = solution[k];
            solution[k + 1..]
                .iter_mut()
                .zip(&row[k + 1..])
                .for_each(|(value, factor)| *value -= factor * known);
            // Kept as what divides.
            row[k] = scale;
        }
        for k in (0..n).rev() {
            let done: f64 = (k + 1..n).map(|i| rows[k][i] * solution[i]).sum();
            solution[k] = (solution[k] - done) * rows[k][k];
        }
        let mut coefficients = [0; N_TAPS];
        for (tap, value) in free.iter().zip(&solution) {
            coefficients[*tap] = clamp_coefficient(*value);
        }
        complete(&mut coefficients);
        coefficients
    }
}

const _: () = assert!(COEFFICIENT_BITS < 16);
