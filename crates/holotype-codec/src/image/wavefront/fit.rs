//! Least squares: the linear predictions of a plane. Encoder only.
//!
//! Samples fall into three classes by their gradients (smooth, mostly vertical, mostly horizontal); each class
//! fits one prediction, and the decoder blends all three everywhere.

use super::model::{
    COEFFICIENT_BITS, CROSS_N, Coefficients, N_CROSS, N_LINEAR, N_OWN, N_TAPS, OWN_N, clamp_coefficient,
    complete, is_free,
};

/// Position of W among the own taps.
const OWN_W: usize = 9;
const OWN_NE: usize = 7;
const OWN_NW: usize = 5;
const OWN_WW: usize = 8;
const OWN_NN: usize = 0;
/// Columns and rows of the own taps, relative to the sample.
const OWN: [(isize, isize); N_OWN] =
    [(0, -2), (-1, -2), (1, -2), (-2, -1), (2, -1), (-1, -1), (0, -1), (1, -1), (-2, 0), (-1, 0)];
const CROSS: [(isize, isize); N_CROSS] = [(0, 0), (-1, 0), (0, -1), (-1, -1), (1, -1), (1, 0)];
/// Fewer samples than this fit nothing.
const MIN_SAMPLES: usize = 256;

/// A plane and those before it.
pub(super) struct Picture<'a> {
    /// Row-major samples; the plane to fit comes last, at most two before it.
    pub(super) planes: &'a [Vec<i32>],
    pub(super) width: usize,
    pub(super) height: usize,
}

/// Normal equations of one class, and the sample being added.
struct Equations {
    /// Upper triangle, row after row.
    matrix: [[f64; N_TAPS]; N_TAPS],
    right: [f64; N_TAPS],
    n_samples: usize,
}

/// The linear predictions, or `None` if there is too little to learn from.
pub(super) fn fit(picture: &Picture<'_>) -> Option<[Coefficients; N_LINEAR]> {
    let (width, height) = (picture.width, picture.height);
    if width < 8 || height < 8 {
        return None;
    }
    // Odd steps: even ones see only one phase of interpolated chroma.
    let (step_x, step_y) = match width * height {
        0..40_000 => (1, 1),
        40_000..200_000 => (3, 1),
        200_000..600_000 => (3, 3),
        _ => (3, 7),
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
        .map(|_| Equations { matrix: [[0.0; N_TAPS]; N_TAPS], right: [0.0; N_TAPS], n_samples: 0 })
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
    let mut all = Equations { matrix: [[0.0; N_TAPS]; N_TAPS], right: [0.0; N_TAPS], n_samples: 0 };
    classes.iter().for_each(|class| all.include(class));
    for (out, class) in linear.iter_mut().zip(&classes) {
        // A class with hardly a sample learns from all of them.
        let source = if class.n_samples < 8 * n_used { &all } else { class };
        *out = source.solve(n_used);
    }
    Some(linear)
}

/// The values of all taps; zero for planes that are not there.
#[inline]
fn taps(picture: &Picture<'_>, x: usize, y: usize) -> [f64; N_TAPS] {
    let mut values = [0.0; N_TAPS];
    let (own, cross) = values.split_at_mut(N_OWN);
    let mut planes = picture.planes.iter().rev();
    let at = |plane: &[i32], (dx, dy): (isize, isize)| {
        let column = x as isize + dx;
        let row = y as isize + dy;
        f64::from(plane[row as usize * picture.width + column as usize])
    };
    if let Some(plane) = planes.next() {
        own.iter_mut().zip(OWN).for_each(|(value, place)| *value = at(plane, place));
    }
    for (values, plane) in cross.chunks_exact_mut(N_CROSS).zip(planes) {
        values.iter_mut().zip(CROSS).for_each(|(value, place)| *value = at(plane, place));
    }
    values
}

/// Gradients along rows and along columns.
fn gradients(values: &[f64; N_TAPS]) -> (f64, f64) {
    let [w, n, nw, ne, ww, nn] = [OWN_W, OWN_N, OWN_NW, OWN_NE, OWN_WW, OWN_NN].map(|tap| values[tap]);
    (2.0 * (w - nw).abs() + (n - nn).abs(), (n - nw).abs() + (n - ne).abs() + (w - ww).abs())
}

impl Equations {
    #[inline]
    fn add(&mut self, values: &[f64; N_TAPS], sample: f64, weight: f64, n_used: usize) {
        let mut inputs = [0.0; N_TAPS];
        for (tap, (input, value)) in inputs.iter_mut().zip(values).enumerate().take(n_used) {
            let base = match tap {
                0..N_OWN => OWN_N,
                _ => tap - (tap - N_OWN) % N_CROSS + CROSS_N,
            };
            *input = value - values[base];
        }
        let target = (sample - values[OWN_N]) * weight;
        for i in 0..n_used {
            let scaled = inputs[i] * weight;
            for (sum, input) in self.matrix[i][i..n_used].iter_mut().zip(&inputs[i..n_used]) {
                *sum += scaled * input;
            }
            self.right[i] += inputs[i] * target;
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
