//! Normal numbers of NumPy's `RandomState`: Marsaglia's polar method. `docs/codecs/noise.md` §7.

use super::mt19937::Mt19937;
use super::precise::Precise;

/// Draws pairs of numbers.
#[derive(Debug)]
pub(super) struct Polar {
    precise: Precise,
    /// The second of a pair.
    next: Option<f64>,
}

impl Polar {
    pub(super) fn new() -> Self {
        Self { precise: Precise::new(), next: None }
    }

    pub(super) fn next_f64(&mut self, draws: &mut Mt19937) -> f64 {
        if let Some(second) = self.next.take() {
            return second;
        }
        loop {
            let a = 2.0 * draws.next_f64() - 1.0;
            let b = 2.0 * draws.next_f64() - 1.0;
            let square = a * a + b * b;
            if square < 1.0 && square != 0.0 {
                let factor = (-2.0 * self.precise.log(square) / square).sqrt();
                self.next = Some(factor * a);
                return factor * b;
            }
        }
    }
}
