//! Numbers of up to 64 bits in adaptive symbols and raw bits. `docs/codecs/indexed.md` §2.

use super::cdf::{Cdf, LIVELY};
use super::rans::SymbolCoder;

/// Small numbers are symbols; of larger ones the order of magnitude is.
#[derive(Debug, Clone)]
pub(crate) struct NumberModel {
    small: Cdf,
    large: Cdf,
}

impl Default for NumberModel {
    fn default() -> Self {
        Self { small: Cdf::<LIVELY>::UNIFORM, large: Cdf::<LIVELY>::UNIFORM }
    }
}

impl NumberModel {
    /// Codes `value`, at most 2⁶⁴ − 9. What is decoded is below 2⁶⁴ whatever the input.
    #[inline]
    pub(crate) fn code(&mut self, coder: &mut impl SymbolCoder, value: u64) -> u64 {
        // From 12 on, m = value − 8 ≥ 4 has `log` + 1 bits.
        let log = if value < 12 { 0 } else { 63 - (value - 8).leading_zeros() };
        let symbol = if value < 12 { value as usize } else { 10 + log.min(5) as usize };
        let symbol = coder.symbol(&mut self.small, symbol);
        if symbol < 12 {
            return symbol as u64;
        }
        let mut log_read = symbol as u32 - 10;
        if symbol == 15 {
            let far = coder.symbol(&mut self.large, log.saturating_sub(5).min(15) as usize) as u32;
            log_read += far;
            if far == 15 {
                log_read += coder.bits(log.saturating_sub(20), 6);
            }
        }
        let log = log_read.min(63);
        let rest = value.wrapping_sub(8) & ((1 << log) - 1);
        let low = coder.bits(rest as u32 & low_mask(log.min(32)), log.min(32));
        let high = coder.bits((rest >> 32) as u32, log.saturating_sub(32));
        (1 << log | u64::from(high) << 32 | u64::from(low)).wrapping_add(8)
    }

    /// What coding `value` costs, in 256ths of a bit, roughly.
    pub(crate) fn cost(&self, value: u64) -> u32 {
        if value < 12 {
            return self.small.cost(value as usize);
        }
        let log = 63 - (value - 8).leading_zeros();
        let far = if log < 5 { 0 } else { self.large.cost((log as usize - 5).min(15)) };
        self.small.cost(10 + log.min(5) as usize) + far + (log << 8)
    }
}

fn low_mask(n_bits: u32) -> u32 {
    ((1_u64 << n_bits) - 1) as u32
}

/// Signed differences as numbers: 0, −1, 1, −2, …
#[inline]
pub(crate) fn zigzag(difference: i64) -> u64 {
    (difference << 1 ^ difference >> 63) as u64
}

/// Inverse of [`zigzag`].
#[inline]
pub(crate) fn unzigzag(number: u64) -> i64 {
    (number >> 1) as i64 ^ -((number & 1) as i64)
}

#[cfg(test)]
mod tests {
    use super::super::rans::{Decoder, Encoder};
    use super::*;

    #[test]
    fn numbers_round_trip() {
        let mut values: Vec<u64> = (0..300).collect();
        for shift in 5..64 {
            let power = 1_u64 << shift;
            values.extend([power - 1, power, power + 7, power + 8, power + 9]);
        }
        values.push(u64::MAX - 8);
        let mut encoder = Encoder::default();
        let mut model = NumberModel::default();
        values.iter().for_each(|v| assert_eq!(model.code(&mut encoder, *v), *v));
        let mut bytes = Vec::new();
        encoder.finish(&mut bytes);
        let mut decoder = Decoder::new(&bytes).unwrap();
        let mut model = NumberModel::default();
        values.iter().for_each(|v| assert_eq!(model.code(&mut decoder, 0), *v));
        decoder.finish().unwrap();
        for d in [0, 1, -1, 77, i64::MAX, i64::MIN] {
            assert_eq!(unzigzag(zigzag(d)), d);
        }
    }
}
