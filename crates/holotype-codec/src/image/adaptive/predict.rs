//! The blended prediction of a sample and the contexts around it. `docs/codecs/adaptive.md` §2.

use super::plane::Padded;

/// Predictors blended.
pub(super) const N_PREDICTORS: usize = 7;
/// Bias cells: energy class by texture.
const N_BIAS: usize = 16 * 64;
/// Sums of errors whose weights stand in a table.
const N_WEIGHTS: usize = 1024;
/// The weight of a predictor by its sum of errors.
static WEIGHTS: [i64; N_WEIGHTS] = {
    let mut weights = [0; N_WEIGHTS];
    let mut sum = 0;
    while sum < N_WEIGHTS {
        weights[sum] = weight(sum as i64);
        sum += 1;
    }
    weights
};

/// About the inverse cube of a sum of errors below 2²⁰.
const fn weight(sum: i64) -> i64 {
    let s = sum + 2;
    (1 << 40) / (s * s * s) + 1
}

/// The neighbours of a sample: `[W, N, NW, NE, WW, NN]` and the previous plane's at the same places.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Around {
    pub(super) w: i32,
    pub(super) n: i32,
    pub(super) nw: i32,
    pub(super) ne: i32,
    pub(super) ww: i32,
    pub(super) nn: i32,
}

impl Around {
    #[inline]
    pub(super) fn of(plane: &Padded, at: usize) -> Self {
        let (v, stride) = (&plane.values, plane.stride);
        Self {
            w: v[at - 1],
            n: v[at - stride],
            nw: v[at - stride - 1],
            ne: v[at - stride + 1],
            ww: v[at - 2],
            nn: v[at - 2 * stride],
        }
    }
}

/// What is known before a sample is coded.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Prediction {
    /// The predicted value, within the plane's range.
    pub(super) value: i32,
    /// The single predictions.
    pub(super) each: [i32; N_PREDICTORS],
    /// Class of the local activity, 0 to 23.
    pub(super) energy: usize,
    /// Which of W, N, NW, NE, 2N−NN, 2W−WW exceed the prediction.
    pub(super) texture: usize,
    bias: usize,
}

/// State of one plane's prediction.
#[derive(Debug)]
pub(super) struct Predictor {
    low: i32,
    high: i32,
    /// Absolute errors of the predictors, two padded rows each.
    errors: [Vec<[u32; N_PREDICTORS]>; 2],
    /// Absolute residuals, padded as the plane.
    residuals: Vec<u32>,
    bias: Vec<(i32, i32)>,
}

fn med(w: i32, n: i32, nw: i32) -> i32 {
    if nw >= w.max(n) {
        w.min(n)
    } else if nw <= w.min(n) {
        w.max(n)
    } else {
        w + n - nw
    }
}

/// Quarter-octave class of a number: 0, 1, 2, … growing with its logarithm.
#[inline]
pub(super) fn log_class(n: u32, per_octave_log2: u32, max: usize) -> usize {
    let m = n + (1 << per_octave_log2);
    let octave = 31 - m.leading_zeros();
    let within = m >> (octave - per_octave_log2) & ((1 << per_octave_log2) - 1);
    ((((octave - per_octave_log2) << per_octave_log2) + within) as usize).min(max)
}

impl Predictor {
    pub(super) fn new(plane: &Padded) -> Self {
        let row = vec![[0; N_PREDICTORS]; plane.stride];
        Self {
            low: plane.low,
            high: plane.high,
            errors: [row.clone(), row],
            residuals: vec![0; plane.values.len()],
            bias: vec![(0, 0); N_BIAS],
        }
    }

    /// Predicts the sample at `at`, column `x` of the padded row, from what is before it.
    #[inline]
    pub(super) fn predict(
        &self,
        plane: &Padded,
        previous: Option<&Padded>,
        at: usize,
        x: usize,
    ) -> Prediction {
        let a = Around::of(plane, at);
        let gradient = med(a.w, a.n, a.nw);
        let mut each = [
            gradient,
            a.w + a.ne - a.n,
            a.n + (a.n - a.nn) / 2,
            a.w + (a.ne - a.nw) / 2,
            (a.w + a.n) / 2 + (a.ne - a.nw) / 4,
            a.w + (a.n - a.nw + a.w - a.ww) / 4,
            gradient,
        ];
        let mut previous_residual = 0;
        if let Some(p) = previous {
            let b = Around::of(p, at);
            let here = p.values[at];
            each[6] = here + med(a.w - b.w, a.n - b.n, a.nw - b.nw);
            previous_residual = here.abs_diff(med(b.w, b.n, b.nw));
        }
        let [above, current] = &self.errors;
        let mut sum = 0_i64;
        let mut total = 0_i64;
        for (k, prediction) in each.iter().enumerate() {
            let s = 2 * above[x][k] + 2 * current[x - 1][k] + above[x + 1][k] + above[x - 1][k];
            // Kept so that the cube fits.
            let weight = match WEIGHTS.get(s as usize) {
                Some(weight) => *weight,
                None => weight(i64::from(s.min((1 << 20) - 2))),
            };
            sum += weight * i64::from(*prediction);
            total += weight;
        }
        let blend = (sum + (total >> 1)).div_euclid(total) as i32;
        let r = &self.residuals;
        let activity = a.w.abs_diff(a.nw) + a.n.abs_diff(a.nw) + a.n.abs_diff(a.ne);
        let near =
            2 * r[at - 1] + 2 * r[at - plane.stride] + r[at - plane.stride - 1] + r[at - plane.stride + 1];
        let energy = log_class(near + activity / 2 + previous_residual / 2, 1, 23);
        let mut texture = 0;
        for (bit, v) in [a.w, a.n, a.nw, a.ne, 2 * a.n - a.nn, 2 * a.w - a.ww].into_iter().enumerate() {
            texture |= usize::from(v > blend) << bit;
        }
        let bias = energy.min(15) * 64 + texture;
        let (error, count) = self.bias[bias];
        let correction = if count == 0 { 0 } else { error.div_euclid(count) };
        let value = (blend + correction).clamp(self.low, self.high);
        Prediction { value, each, energy, texture, bias }
    }

    /// Learns the value of the sample.
    #[inline]
    pub(super) fn update(&mut self, prediction: &Prediction, value: i32, at: usize, x: usize) {
        for (error, guess) in self.errors[1][x].iter_mut().zip(prediction.each) {
            *error = value.abs_diff(guess);
        }
        self.residuals[at] = value.abs_diff(prediction.value);
        let (error, count) = &mut self.bias[prediction.bias];
        *error += (value - prediction.value).clamp(-1 << 16, 1 << 16);
        *count += 1;
        if *count == 128 {
            *error /= 2;
            *count /= 2;
        }
    }

    /// Ends a row: its errors become those of the row above, its ends are continued.
    pub(super) fn end_row(&mut self, plane: &Padded, y: usize) {
        let n = self.errors[1].len();
        for k in [0, 1] {
            self.errors[1][k] = self.errors[1][2];
            self.errors[1][n - 1 - k] = self.errors[1][n - 3];
        }
        self.errors.swap(0, 1);
        let start = plane.row(y);
        self.residuals[start + plane.width] = self.residuals[start + plane.width - 1];
    }
}
