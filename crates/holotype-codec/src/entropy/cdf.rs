//! Adaptive distributions of 16 symbols. `docs/codecs/indexed.md` §2.

use crate::simd::count_at_most;

/// Symbols of a distribution.
pub(crate) const N_SYMBOLS: usize = 16;
/// Probabilities are in 32768ths.
pub(crate) const TOTAL_LOG2: u32 = 15;
const TOTAL: i32 = 1 << TOTAL_LOG2;

/// `TARGETS[s][i]`: where the start of symbol `i` moves to when `s` was seen. Every symbol keeps 8 of 32768.
const TARGETS: [[i16; N_SYMBOLS]; N_SYMBOLS] = {
    let mut targets = [[0; N_SYMBOLS]; N_SYMBOLS];
    let mut s = 0;
    while s < N_SYMBOLS {
        let mut i = 0;
        while i < N_SYMBOLS {
            targets[s][i] = if i <= s { 8 * i as i16 } else { (TOTAL - 8 * (16 - i as i32)) as i16 };
            i += 1;
        }
        s += 1;
    }
    targets
};

/// How far a distribution moves, as a shift, after so many symbols: quick at first, then slower.
const SHIFTS: [u8; 128] = {
    let mut shifts = [0; 128];
    let mut n = 0;
    while n < shifts.len() {
        shifts[n] = match n {
            0 => 1,
            1..=2 => 2,
            3..=5 => 3,
            6..=12 => 4,
            13..=30 => 5,
            31..=95 => 6,
            _ => 7,
        };
        n += 1;
    }
    shifts
};

/// Last count of a distribution that keeps following changes.
pub(crate) const LIVELY: u16 = 31;
/// Last count of one that settles.
pub(crate) const STEADY: u16 = 127;

/// An adaptive distribution; `MAX_N` is the count at which its rate stays.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cdf<const MAX_N: u16 = LIVELY> {
    /// First slot of each symbol in 32768ths; rising, the first is 0, the last symbol ends at 32768.
    starts: [i16; N_SYMBOLS],
    n: u16,
}

impl<const MAX_N: u16> Cdf<MAX_N> {
    /// All symbols alike.
    pub(crate) const UNIFORM: Self = Self::weighted(&[1; N_SYMBOLS]);

    /// Symbols in proportion to weights, of which none is 0 and none below a 4096th of all.
    pub(crate) const fn weighted(weights: &[u16; N_SYMBOLS]) -> Self {
        let mut sum = 0;
        let mut i = 0;
        while i < N_SYMBOLS {
            sum += weights[i] as i32;
            i += 1;
        }
        let mut starts = [0; N_SYMBOLS];
        let (mut before, mut i) = (0, 0);
        while i < N_SYMBOLS {
            starts[i] = (TOTAL * before / sum) as i16;
            before += weights[i] as i32;
            i += 1;
        }
        Self { starts, n: 0 }
    }

    /// The first `n_symbols` (1 to 16) alike, the others all but excluded.
    pub(crate) fn first(n_symbols: usize) -> Self {
        let spare = 8 * (N_SYMBOLS - n_symbols);
        let share = (TOTAL as usize - spare) / n_symbols;
        let start = |i| if i <= n_symbols { share * i } else { TOTAL as usize - 8 * (N_SYMBOLS - i) };
        Self { starts: std::array::from_fn(|i| start(i) as i16), n: 0 }
    }

    /// First slot and number of slots of a symbol.
    #[inline(always)]
    pub(crate) fn range(&self, symbol: usize) -> (u32, u32) {
        let start = self.starts[symbol] as u16;
        let end = self.starts.get(symbol + 1).map_or(1 << TOTAL_LOG2, |end| *end as u16);
        (u32::from(start), u32::from(end - start))
    }

    /// The symbol that owns `slot` < 32768.
    #[inline(always)]
    pub(crate) fn find(&self, slot: u32) -> usize {
        (count_at_most(&self.starts, slot as i16) - 1) & (N_SYMBOLS - 1)
    }

    #[inline(always)]
    pub(crate) fn update(&mut self, symbol: usize) {
        let shift = SHIFTS[usize::from(self.n)];
        for (start, target) in self.starts.iter_mut().zip(&TARGETS[symbol]) {
            *start += (target - *start) >> shift;
        }
        self.n = (self.n + 1).min(MAX_N);
    }

    /// What coding `symbol` costs, in 256ths of a bit, roughly.
    #[inline]
    pub(crate) fn cost(&self, symbol: usize) -> u32 {
        u32::from(COSTS[(self.range(symbol).1 >> 5) as usize & 1023])
    }
}

/// `-log2((i + 1/2) / 1024)` in 256ths: for the encoder's choices only.
const COSTS: [u16; 1024] = {
    let mut costs = [0; 1024];
    let mut i = 0;
    while i < 1024 {
        // log2 by repeated squaring of the mantissa, eight binary places.
        let x = 2 * i as u64 + 1;
        let whole = 63 - x.leading_zeros() as u64;
        let mut mantissa = x << (31 - whole);
        let mut log = whole;
        let mut place = 0;
        while place < 8 {
            mantissa = (mantissa * mantissa) >> 31;
            log <<= 1;
            if mantissa >> 32 == 1 {
                mantissa >>= 1;
                log += 1;
            }
            place += 1;
        }
        costs[i] = (11 * 256 - log) as u16;
        i += 1;
    }
    costs
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_symbol_keeps_a_slot_whatever_is_seen() {
        let mut state = 1_u32;
        let mut random = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state >> 16
        };
        for n_symbols in 1..=16 {
            let mut cdf = Cdf::<STEADY>::first(n_symbols);
            for i in 0..20_000 {
                let symbol = if i % 1000 < 500 { i / 1000 % 16 } else { random() as usize % 16 };
                cdf.update(symbol);
                assert!((0..16).all(|s| cdf.range(s).1 > 0));
                let slot = random() % 32768;
                let (start, n) = cdf.range(cdf.find(slot));
                assert!(start <= slot && slot < start + n);
            }
        }
    }

    #[test]
    fn costs_are_logarithms() {
        for (i, cost) in COSTS.iter().enumerate() {
            let exact = -((i as f64 + 0.5) / 1024.0).log2() * 256.0;
            assert!((f64::from(*cost) - exact).abs() < 1.5, "{i} {cost} {exact}");
        }
    }
}
