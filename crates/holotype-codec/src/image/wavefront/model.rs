//! The parameters of a plane, as the header carries them.

use super::{LAYOUT, N_CONTEXTS};
use crate::CodecError;
use crate::entropy::binary::{AdaptiveBit, AdaptiveNumber, BitCoder};
use crate::image::tables::{TableModels, Tables};

/// Taps in the plane itself, in this order: NN, NNW, NNE, NWW, NEE, NW, N, NE, WW, W.
pub(super) const N_OWN: usize = 10;
/// Taps in each of the two planes before: the same place, W, N, NW, NE, E.
pub(super) const N_CROSS: usize = 6;
/// Taps of a linear prediction: own, plane before, plane before that.
pub(super) const N_TAPS: usize = N_OWN + 2 * N_CROSS;
/// Position of N among the own taps.
pub(super) const OWN_N: usize = 6;
/// Position of N among the taps of another plane.
pub(super) const CROSS_N: usize = 2;
/// Linear predictions.
pub(super) const N_LINEAR: usize = 3;
/// Fractional bits of a coefficient.
pub(super) const COEFFICIENT_BITS: u32 = 11;
/// Largest magnitude of a coefficient.
const MAX_COEFFICIENT: i32 = 16 << COEFFICIENT_BITS;

/// Integer coefficients of one linear prediction.
pub(super) type Coefficients = [i32; N_TAPS];

/// Everything a decoder needs to know of a plane before its first sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PlaneModel {
    /// Smallest and largest sample.
    pub(super) low: i32,
    pub(super) high: i32,
    /// What stands above the first row.
    pub(super) start: i32,
    /// Scale of the error classes of the planes before.
    pub(super) error_scale: i32,
    pub(super) linear: [Coefficients; N_LINEAR],
    pub(super) tables: Tables,
    /// 16-bit words of the plane's stream.
    pub(super) n_words: usize,
}

/// Adaptive models of the header.
#[derive(Debug, Default)]
pub(super) struct HeaderModels {
    wide: AdaptiveNumber,
    small: AdaptiveNumber,
    coefficient: AdaptiveNumber,
    has_linear: AdaptiveBit,
    pub(super) tables: TableModels,
}

impl PlaneModel {
    /// A model without coefficients or tables, to be filled or decoded into.
    pub(super) fn new(low: i32, high: i32) -> Self {
        Self {
            low,
            high,
            start: low,
            error_scale: 1,
            linear: default_linear(),
            tables: Tables::new(LAYOUT),
            n_words: 0,
        }
    }

    /// Codes the model, or decodes it over this one. `range` is what the transform allows.
    pub(super) fn code(
        &mut self,
        coder: &mut impl BitCoder,
        models: &mut HeaderModels,
        range: (i32, i32),
        n_references: usize,
    ) -> Result<(), CodecError> {
        let corrupt = CodecError::Corrupt { what: "a plane's range exceeds its type" };
        let mut below = |coder: &mut _, value: i32, from: i32| {
            i64::from(models.wide.code(coder, (value - from) as u32)) + i64::from(from)
        };
        let low = below(coder, self.low, range.0);
        if low > i64::from(range.1) {
            return Err(corrupt);
        }
        self.low = low as i32;
        let high = below(coder, self.high, self.low);
        let start = below(coder, self.start, self.low);
        if high > i64::from(range.1) || start > high {
            return Err(corrupt);
        }
        (self.high, self.start) = (high as i32, start as i32);
        let scale = models.small.code(coder, self.error_scale as u32);
        if !(1..=1 << 16).contains(&scale) {
            return Err(CodecError::Corrupt { what: "an error scale is out of range" });
        }
        self.error_scale = scale as i32;
        let is_default = models.has_linear.code(coder, self.linear == default_linear());
        self.linear =
            if is_default { default_linear() } else { self.code_linear(coder, models, n_references)? };
        self.tables.code(LAYOUT, coder, &mut models.tables)?;
        self.n_words = models.wide.code(coder, self.n_words as u32) as usize;
        Ok(())
    }

    fn code_linear(
        &self,
        coder: &mut impl BitCoder,
        models: &mut HeaderModels,
        n_references: usize,
    ) -> Result<[Coefficients; N_LINEAR], CodecError> {
        let mut linear = [[0; N_TAPS]; N_LINEAR];
        for (out, known) in linear.iter_mut().zip(&self.linear) {
            for (tap, (out, known)) in out.iter_mut().zip(known).enumerate() {
                if !is_free(tap) || tap >= N_OWN + n_references * N_CROSS {
                    continue;
                }
                let zigzag = ((known << 1) ^ (known >> 31)) as u32;
                let coded = models.coefficient.code(coder, zigzag);
                *out = (coded >> 1) as i32 ^ -((coded & 1) as i32);
                if out.unsigned_abs() > MAX_COEFFICIENT as u32 {
                    return Err(CodecError::Corrupt { what: "a coefficient is out of range" });
                }
            }
            complete(out);
        }
        Ok(linear)
    }

    /// The coefficients as floats; exact.
    pub(super) fn linear_f32(&self) -> [[f32; N_TAPS]; N_LINEAR] {
        self.linear.map(|c| c.map(|c| c as f32 / (1 << COEFFICIENT_BITS) as f32))
    }
}

/// True for taps whose coefficient is coded; those of N follow from the others.
pub(super) fn is_free(tap: usize) -> bool {
    tap != OWN_N && tap != N_OWN + CROSS_N && tap != N_OWN + N_CROSS + CROSS_N
}

/// Sets the coefficients of N: own taps sum to one, those of another plane to zero.
pub(super) fn complete(coefficients: &mut Coefficients) {
    let (own, cross) = coefficients.split_at_mut(N_OWN);
    own[OWN_N] = 0;
    own[OWN_N] = (1 << COEFFICIENT_BITS) - own.iter().sum::<i32>();
    for taps in cross.chunks_exact_mut(N_CROSS) {
        taps[CROSS_N] = 0;
        taps[CROSS_N] = -taps.iter().sum::<i32>();
    }
}

/// Clamps a coefficient to what the header can carry.
pub(super) fn clamp_coefficient(value: f64) -> i32 {
    (value * f64::from(1 << COEFFICIENT_BITS))
        .round_ties_even()
        .clamp(-f64::from(MAX_COEFFICIENT), f64::from(MAX_COEFFICIENT)) as i32
}

/// W + N − NW; N + NE − NNE; (W + N) / 2 + (NE − NW) / 4.
fn default_linear() -> [Coefficients; N_LINEAR] {
    const ONE: i32 = 1 << COEFFICIENT_BITS;
    let mut linear = [[0; N_TAPS]; N_LINEAR];
    let taps: [&[(usize, i32)]; N_LINEAR] =
        [&[(9, ONE), (5, -ONE)], &[(7, ONE), (2, -ONE)], &[(9, ONE / 2), (7, ONE / 4), (5, -ONE / 4)]];
    for (out, taps) in linear.iter_mut().zip(taps) {
        for (tap, value) in taps {
            out[*tap] = *value;
        }
        complete(out);
    }
    linear
}

const _: () = assert!(N_CONTEXTS <= 1024);
