//! Weights that suit a tile: least squares over some of its samples. Never needed to decode.

use super::classes::Classes;
use super::{FRACTION_BITS, MAX_CHANNELS, MAX_WEIGHT, N_OWN, Weights};
use crate::TileShape;

const N: usize = N_OWN + MAX_CHANNELS - 1;
/// Pixels looked at, about.
const N_SAMPLED: usize = 16_000;

/// Weights of each class, for each channel.
pub(super) fn weights(
    rows: &[&[u8]],
    predicted: &[u8],
    shape: &TileShape,
    classes: &Classes,
) -> Vec<Vec<Weights>> {
    let n = usize::from(shape.n_channels);
    let of_class =
        |class| (0..n).map(|c| fit(&Samples { rows, predicted, shape, c, classes, class })).collect();
    (0..classes.n_classes()).map(of_class).collect()
}

struct Samples<'a> {
    rows: &'a [&'a [u8]],
    predicted: &'a [u8],
    shape: &'a TileShape,
    c: usize,
    classes: &'a Classes,
    class: usize,
}

impl Samples<'_> {
    fn predicted(&self, x: usize, y: usize, c: usize) -> i32 {
        let n = usize::from(self.shape.n_channels);
        self.predicted.get((y * self.shape.width as usize + x) * n + c).copied().map_or(0, i32::from)
    }

    fn sample(&self, x: usize, y: usize, c: usize) -> i32 {
        let n = usize::from(self.shape.n_channels);
        self.rows.get(y).and_then(|row| row.get(x * n + c)).copied().map_or(0, i32::from)
    }

    /// What the sample at `(x, y)` differs from its prediction, and what may tell so.
    fn equation(&self, x: usize, y: usize) -> (i32, [i32; N]) {
        let (last_x, last_y, c) = (self.shape.width as usize - 1, self.shape.height as usize - 1, self.c);
        let (west, east) = (x.saturating_sub(1), (x + 1).min(last_x));
        let (north, south) = (y.saturating_sub(1), (y + 1).min(last_y));
        let here = self.predicted(x, y, c);
        let decoded = |x: usize| if y == 0 { self.predicted(x, 0, c) } else { self.sample(x, y - 1, c) };
        let mut inputs = [0; N];
        let own = [
            self.predicted(west, y, c),
            self.predicted(east, y, c),
            self.predicted(x, north, c),
            self.predicted(x, south, c),
            self.predicted(west, north, c),
            self.predicted(east, north, c),
            self.predicted(west, south, c),
            self.predicted(east, south, c),
            decoded(x),
            decoded(west),
            decoded(east),
        ];
        for (input, own) in inputs.iter_mut().zip(own) {
            *input = own - here;
        }
        for (other, input) in inputs.iter_mut().skip(N_OWN).take(c).enumerate() {
            *input = self.sample(x, y, other) - self.predicted(x, y, other);
        }
        (self.sample(x, y, c) - here, inputs)
    }

    /// Pixels spread over the tile.
    fn places(&self) -> impl Iterator<Item = (usize, usize)> {
        let (width, height) = (self.shape.width as usize, self.shape.height as usize);
        // The second class is of few blocks: nearer to each other.
        let step = (width * height / if self.class == 0 { N_SAMPLED } else { 8 * N_SAMPLED }).max(1);
        // No step that divides the width, so that columns take turns.
        let step = if width.is_multiple_of(step) && step > 1 { step + 1 } else { step };
        let all = (0..width * height).step_by(step).map(move |i| (i % width, i / width));
        all.filter(|(x, y)| self.classes.at(*x, *y, self.shape) == self.class)
    }
}

fn fit(samples: &Samples<'_>) -> Weights {
    let n = N_OWN + samples.c;
    let total: u64 = samples.places().map(|(x, y)| u64::from(samples.equation(x, y).0.unsigned_abs())).sum();
    let n_places = samples.places().count() as u64;
    // What is far off belongs to something that moved otherwise.
    let most = (4 * total / n_places.max(1) + 4) as u32;
    let (mut products, mut target) = ([[0_i64; N]; N], [0_i64; N]);
    for (x, y) in samples.places() {
        let (wanted, inputs) = samples.equation(x, y);
        if wanted.unsigned_abs() > most {
            continue;
        }
        for i in 0..n {
            target[i] += i64::from(inputs[i] * wanted);
            for j in 0..=i {
                products[i][j] += i64::from(inputs[i] * inputs[j]);
            }
        }
    }
    let mut matrix = [[0.0; N]; N];
    for i in 0..n {
        for j in 0..=i {
            matrix[i][j] = products[i][j] as f64;
            matrix[j][i] = matrix[i][j];
        }
        // What hardly varies gets no weight.
        matrix[i][i] += 1.0 + products[i][i] as f64 * 1e-4;
    }
    let solved = solve(matrix, target.map(|t| t as f64), n);
    solved.map(|w| {
        let most = f64::from(MAX_WEIGHT);
        let scaled = (w * f64::from(1 << FRACTION_BITS)).round();
        if scaled.is_finite() { scaled.clamp(-most, most) as i32 } else { 0 }
    })
}

/// Gauss–Jordan elimination of a positive definite system of `n` unknowns.
fn solve(mut a: [[f64; N]; N], mut b: [f64; N], n: usize) -> [f64; N] {
    for i in 0..n {
        let pivot = a[i][i];
        if pivot <= 0.0 {
            return [0.0; N];
        }
        let row = a[i];
        for k in (0..n).filter(|k| *k != i) {
            let factor = a[k][i] / pivot;
            for j in i..n {
                a[k][j] -= factor * row[j];
            }
            b[k] -= factor * b[i];
        }
    }
    std::array::from_fn(|i| if i < n { b[i] / a[i][i] } else { 0.0 })
}
