//! Floats in fewer bits, by their bit patterns alone: nothing is rounded, and NaNs keep every bit.

use crate::SampleType;

/// Where sign, exponent and fraction lie.
#[derive(Debug, Clone, Copy)]
struct Layout {
    n_exponent: u32,
    n_fraction: u32,
}

impl Layout {
    fn of(sample: SampleType) -> Option<Self> {
        match sample {
            SampleType::F16 => Some(Self { n_exponent: 5, n_fraction: 10 }),
            SampleType::F32 => Some(Self { n_exponent: 8, n_fraction: 23 }),
            SampleType::F64 => Some(Self { n_exponent: 11, n_fraction: 52 }),
            _ => None,
        }
    }

    fn max_exponent(self) -> i64 {
        (1 << self.n_exponent) - 1
    }

    fn bias(self) -> i64 {
        self.max_exponent() / 2
    }

    fn parts(self, bits: u64) -> (u64, i64, u64) {
        let sign = bits >> (self.n_exponent + self.n_fraction);
        let exponent = (bits >> self.n_fraction) as i64 & self.max_exponent();
        (sign, exponent, bits & ((1 << self.n_fraction) - 1))
    }

    fn join(self, sign: u64, exponent: i64, fraction: u64) -> u64 {
        (sign << self.n_exponent | exponent as u64) << self.n_fraction | fraction
    }
}

/// The float type with half the bits, if there is one.
pub(super) fn narrower(sample: SampleType) -> Option<SampleType> {
    match sample {
        SampleType::F32 => Some(SampleType::F16),
        SampleType::F64 => Some(SampleType::F32),
        _ => None,
    }
}

/// The same number, infinity or NaN in a wider type.
pub(super) fn widen(bits: u64, from: SampleType, to: SampleType) -> u64 {
    let (Some(from), Some(to)) = (Layout::of(from), Layout::of(to)) else { return bits };
    let (sign, exponent, fraction) = from.parts(bits);
    let more = to.n_fraction - from.n_fraction;
    if exponent == from.max_exponent() {
        return to.join(sign, to.max_exponent(), fraction << more);
    }
    if exponent > 0 {
        return to.join(sign, exponent - from.bias() + to.bias(), fraction << more);
    }
    if fraction == 0 {
        return to.join(sign, 0, 0);
    }
    // A subnormal has room for a leading one in the wider type.
    let log = fraction.ilog2();
    let exponent = i64::from(log) + 1 - from.bias() - i64::from(from.n_fraction) + to.bias();
    to.join(sign, exponent, (fraction ^ 1 << log) << (to.n_fraction - log))
}

/// The bits in a narrower type that [`widen`] to these, if any do.
pub(super) fn narrow(bits: u64, from: SampleType, to: SampleType) -> Option<u64> {
    let (wide, slim) = (Layout::of(from)?, Layout::of(to)?);
    let (sign, exponent, fraction) = wide.parts(bits);
    let fewer = wide.n_fraction - slim.n_fraction;
    let rebased = exponent - wide.bias() + slim.bias();
    let candidate = if exponent == wide.max_exponent() {
        slim.join(sign, slim.max_exponent(), fraction >> fewer)
    } else if rebased >= slim.max_exponent() {
        return None;
    } else if rebased > 0 {
        slim.join(sign, rebased, fraction >> fewer)
    } else {
        let significand = fraction | u64::from(exponent > 0) << wide.n_fraction;
        let shift = u32::try_from(i64::from(fewer) + 1 - rebased).ok()?;
        slim.join(sign, 0, significand.checked_shr(shift).unwrap_or(0))
    };
    (widen(candidate, to, from) == bits).then_some(candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_half_widens_and_comes_back() {
        for bits in 0..=u64::from(u16::MAX) {
            let single = widen(bits, SampleType::F16, SampleType::F32);
            assert_eq!(narrow(single, SampleType::F32, SampleType::F16), Some(bits));
            let double = widen(single, SampleType::F32, SampleType::F64);
            assert_eq!(narrow(double, SampleType::F64, SampleType::F32), Some(single));
            let number = f32::from_bits(single as u32);
            if number.is_finite() {
                assert_eq!(f64::from(number).to_bits(), double, "{bits:x}");
            }
        }
        let third = u64::from((1.0_f32 / 3.0).to_bits());
        assert_eq!(narrow(third, SampleType::F32, SampleType::F16), None);
        for number in [1e-30_f32, 7e4, 1.0 + f32::EPSILON, f32::from_bits(1), f32::from_bits(0x7F80_0001)] {
            assert_eq!(
                narrow(u64::from(number.to_bits()), SampleType::F32, SampleType::F16),
                None,
                "{number}"
            );
        }
        assert_eq!(widen(0x3C00, SampleType::F16, SampleType::F32), u64::from(1.0_f32.to_bits()));
        assert_eq!(widen(0x0001, SampleType::F16, SampleType::F32), u64::from(5.960_464_5e-8_f32.to_bits()));
        assert_eq!(widen(0xFC00, SampleType::F16, SampleType::F32), u64::from(f32::NEG_INFINITY.to_bits()));
    }

    #[test]
    fn doubles_narrow_as_the_processor_says() {
        let mut state = 1_u64;
        for _ in 0..200_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let single = f32::from_bits((state >> 32) as u32);
            if single.is_nan() {
                continue;
            }
            let double = f64::from(single);
            let narrowed = narrow(double.to_bits(), SampleType::F64, SampleType::F32);
            assert_eq!(narrowed, Some(u64::from(single.to_bits())));
            let other = f64::from_bits(double.to_bits() ^ 1);
            assert_eq!(narrow(other.to_bits(), SampleType::F64, SampleType::F32), None);
        }
    }
}
