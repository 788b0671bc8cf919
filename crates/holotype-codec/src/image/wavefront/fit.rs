//! Least squares: the linear predictions of a plane. Encoder only.
//!
//! Samples fall into three classes by their gradients (smooth, mostly vertical, mostly horizontal); each class
//! fits one prediction, and the decoder blends all three everywhere.

use super::model::{
    COEFFICIENT_BITS, CROSS_N, Coefficients, N_CROSS, N_LINEAR, N_OWN, N_TAPS, OWN_N, clamp_coefficient,
    complete, is_free,
};

use crate::simd::{ByteLanes, Kernel};

/// Position of W among the own taps.
const OWN_W: usize = 9;
const OWN_NE: usize = 7;
const OWN_NW: usize = 5;
const OWN_WW: usize = 8;
const OWN_NN: usize = 0;
/// Fewer samples than this fit nothing.
const MIN_SAMPLES: usize = 256;

/// Taps, rounded up to whole vectors.
const N_COLUMNS: usize = N_TAPS.next_multiple_of(4);

/// A plane and those before it. Run as a kernel it gives the linear predictions of the last plane, or `None` if
/// there is too little to learn from.
pub(super) struct Picture<'a> {
    /// Row-major samples; the plane to fit comes last, at most two before it.
    pub(super) planes: &'a [Vec<i32>],
    pub(super) width: usize,
    pub(super) height: usize,
}

/// Normal equations of one class, and the sample being added.
struct Equations {
    /// Upper triangle, row after row.
    matrix: [[f64; N_COLUMNS]; N_TAPS],
    right: [f64; N_TAPS],
    n_samples: usize,
}

impl Kernel for Picture<'_> {
    type Output = Option<[Coefficients; N_LINEAR]>;

    #[inline(always)]
    fn run<L: ByteLanes>(self, _: L) -> Self::Output {
        fit(&self)
    }
}

#[inline(always)]
fn fit(picture: &Picture<'_>) -> Option<[Coefficients; N_LINEAR]> {
    let (width, height) = (picture.width, picture.height);
    if width < 8 || height < 8 {
        return None;
    }
    // Odd steps: even ones see only one phase of interpolated chroma.
    let (step_x, step_y) = match width * height {
        0..20_000 => (1, 1),
        20_000..60_000 => (3, 1),
        60_000..150_000 => (3, 3),
        150_000..250_000 => (5, 3),
        250_000..500_000 => (7, 5),
        _ => (9, 7),
    };
    let positions = || {
        let rows = (2..height).step_by(step_y);
        rows.flat_map(move |y| (2..width - 2).step_by(step_x).map(move |x| (x, y)))
    };
    let n_references = picture.planes.len() - 1;
    let n_used = N_OWN + n_references * N_CROSS;
    let mut gradient_sum = 0.0;
    for (x, y) in positions() {
        let (across, down) = gradients(&taps(picture, x, y));
        gradient_sum += across + down;
    }
    let n_samples = positions().count();
    if n_samples < MIN_SAMPLES {
        return None;
    }
    let threshold = gradient_sum / n_samples as f64 / 2.0;
    let mut classes: Vec<Equations> = (0..N_LINEAR)
        .map(|_| Equations { matrix: [[0.0; N_COLUMNS]; N_TAPS], right: [0.0; N_TAPS], n_samples: 0 })
        .collect();
    for (x, y) in positions() {
        let values = taps(picture, x, y);
        let (across, down) = gradients(&values);
        let class = match () {
            () if across + down <= threshold => 0,
            () if across > down => 1,
            () => 2,
        };
        let flatness = (values[OWN_W] - values[OWN_NW]).abs()
            + (values[OWN_N] - values[OWN_NW]).abs()
            + (values[OWN_N] - values[OWN_NE]).abs();
        let weight = 1.0 / (flatness + 0.1 * threshold + 2.0);
        let sample = f64::from(picture.planes[n_references][y * width + x]);
        classes[class].add(&values, sample, weight, n_used);
    }
    let mut linear = [[0; N_TAPS]; N_LINEAR];
    let mut all = Equations { matrix: [[0.0; N_COLUMNS]; N_TAPS], right: [0.0; N_TAPS], n_samples: 0 };
    classes.iter().for_each(|class| all.include(class));
    for (out, class) in linear.iter_mut().zip(&classes) {
        // A class with hardly a sample learns from all of them.
        let source = if class.n_samples < 8 * n_used { &all } else { class };
        *out = source.solve(n_used);
    }
    Some(linear)
}

/// The values of all taps; zero for planes that are not there. `x` and `y` are at least 2.
#[inline(always)]
fn taps(picture: &Picture<'_>, x: usize, y: usize) -> [f64; N_TAPS] {
    let width = picture.width;
    let mut values = [0.0; N_TAPS];
    let (own, cross) = values.split_at_mut(N_OWN);
    let mut planes = picture.planes.iter().rev();
    // Five samples around column `x` of the row `dy` above.
    let around = |plane: &[i32], dy: usize| -> [f64; 5] {
        let at = (y - dy) * width + x - 2;
        plane[at..].first_chunk::<5>().map_or([0.0; 5], |five| five.map(f64::from))
    };
    if let Some(plane) = planes.next() {
        let [[_, nnw, nn, nne, _], [nww, nw, n, ne, nee]] = [2, 1].map(|dy| around(plane, dy));
        let [ww, w, ..] = around(plane, 0);
        own.copy_from_slice(&[nn, nnw, nne, nww, nee, nw, n, ne, ww, w]);
    }
    for (values, plane) in cross.chunks_exact_mut(N_CROSS).zip(planes) {
        let [_, nw, n, ne, _] = around(plane, 1);
        let [_, w, same, e, _] = around(plane, 0);
        values.copy_from_slice(&[same, w, n, nw, ne, e]);
    }
    values
}

/// Gradients along rows and along columns.
#[inline(always)]
fn gradients(values: &[f64; N_TAPS]) -> (f64, f64) {
    let [w, n, nw, ne, ww, nn] = [OWN_W, OWN_N, OWN_NW, OWN_NE, OWN_WW, OWN_NN].map(|tap| values[tap]);
    (2.0 * (w - nw).abs() + (n - nn).abs(), (n - nw).abs() + (n - ne).abs() + (w - ww).abs())
}

impl Equations {
    #[inline(always)]
    fn add(&mut self, values: &[f64; N_TAPS], sample: f64, weight: f64, n_used: usize) {
        let mut inputs = [0.0; N_COLUMNS];
        for (tap, (input, value)) in inputs.iter_mut().zip(values).enumerate().take(n_used) {
            let base = match tap {
                0..N_OWN => OWN_N,
                _ => tap - (tap - N_OWN) % N_CROSS + CROSS_N,
            };
            *input = value - values[base];
        }
        let target = (sample - values[OWN_N]) * weight;
        // Whole fours of the upper triangle: what lies below it is never read.
        let n_fours = n_used.div_ceil(4);
        let (fours, _) = inputs.as_chunks::<4>();
        for (i, (row, right)) in self.matrix.iter_mut().zip(&mut self.right).enumerate().take(n_used) {
            let scaled = inputs[i] * weight;
            let (sums, _) = row.as_chunks_mut::<4>();
            for (sums, inputs) in sums.iter_mut().zip(fours).take(n_fours).skip(i / 4) {
                for (sum, input) in sums.iter_mut().zip(inputs) {
                    *sum += scaled * input;
                }
            }
            *right += inputs[i] * target;
        }
        self.n_samples += 1;
    }

    fn include(&mut self, other: &Self) {
        let cells = self.matrix.as_flattened_mut().iter_mut().zip(other.matrix.as_flattened());
        cells.chain(self.right.iter_mut().zip(&other.right)).for_each(|(sum, more)| *sum += more);
        self.n_samples += other.n_samples;
    }

    /// Cholesky factors and two triangular solutions over the free taps.
    fn solve(&self, n_used: usize) -> Coefficients {
        let free: Vec<usize> = (0..n_used).filter(|tap| is_free(*tap)).collect();
        let n = free.len();
        let trace: f64 = free.iter().map(|&i| self.matrix[i][i]).sum();
        let ridge = 1e-5 * trace / n as f64 + 0.01;
        let mut factor = vec![vec![0.0_f64; n]; n];
        for i in 0..n {
            for j in 0..=i {
                let done: f64 = factor[i].iter().zip(&factor[j]).take(j).map(|(a, b)| a * b).sum();
                let sum = self.matrix[free[j]][free[i]] + if i == j { ridge } else { 0.0 } - done;
                factor[i][j] = if i == j { sum.max(1e-9).sqrt() } else { sum / factor[j][j] };
            }
        }
        let mut solution = vec![0.0_f64; n];
        for i in 0..n {
            let done: f64 = (0..i).map(|k| factor[i][k] * solution[k]).sum();
            solution[i] = (self.right[free[i]] - done) / factor[i][i];
        }
        for i in (0..n).rev() {
            let done: f64 = (i + 1..n).map(|k| factor[k][i] * solution[k]).sum();
            solution[i] = (solution[i] - done) / factor[i][i];
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
