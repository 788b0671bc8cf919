//! Numbers as tokens, and how often each token comes in a table: levels. `docs/codecs/wavefront.md` §2.

use crate::CodecError;
use crate::entropy::binary::{AdaptiveNumber, BitCoder};
use crate::entropy::logarithm::entropy;
use crate::entropy::static_rans::{N_SLOTS, PRECISION_BITS, Step};

/// Numbers below this are their own token.
pub(super) const N_DIRECT: u32 = 64;
/// Tokens: direct ones, then eight for each octave of numbers up to 18 bits.
pub(super) const N_TOKENS: usize = N_DIRECT as usize + 8 * 12;
/// Levels of frequencies: 0 to 8, then four to an octave.
const MAX_LEVEL: u32 = 40;

/// Frequencies of one table; their sum is [`N_SLOTS`].
pub(super) type Frequencies = Vec<u32>;

/// Adaptive models of levels.
#[derive(Debug)]
pub(super) struct LevelModels {
    pub(super) n_tokens: AdaptiveNumber,
    level: Vec<AdaptiveNumber>,
}

impl Default for LevelModels {
    fn default() -> Self {
        Self { n_tokens: AdaptiveNumber::default(), level: vec![AdaptiveNumber::default(); 32] }
    }
}

impl LevelModels {
    /// Codes the levels of at most `max_tokens` tokens, or decodes them over these.
    pub(super) fn code(
        &mut self,
        levels: &mut Vec<u32>,
        max_tokens: usize,
        coder: &mut impl BitCoder,
    ) -> Result<(), CodecError> {
        let n_tokens = self.n_tokens.code(coder, levels.len() as u32) as usize;
        if !(1..=max_tokens).contains(&n_tokens) {
            return Err(CodecError::Corrupt { what: "number of tokens" });
        }
        levels.resize(n_tokens, 0);
        let (mut last, mut second) = (0_u32, 0_u32);
        let mut total = 0;
        for level in levels.iter_mut() {
            let expected = (last + second).div_ceil(2);
            let context = (expected / 3).min(15) * 2 + u32::from(last.abs_diff(second) > 2);
            // Folded: distances from the expectation first to both sides, then to the side that is left.
            let coded = self.level[context as usize].code(coder, fold(*level, expected));
            *level = unfold(coded, expected);
            if *level > MAX_LEVEL {
                return Err(CodecError::Corrupt { what: "a frequency is out of range" });
            }
            total += *level;
            (second, last) = (last, *level);
        }
        if total == 0 {
            return Err(CodecError::Corrupt { what: "a table without tokens" });
        }
        Ok(())
    }
}

/// The rank of `level` by distance from `expected`, larger first.
fn fold(level: u32, expected: u32) -> u32 {
    if level > 2 * expected {
        level
    } else if level > expected {
        2 * (level - expected) - 1
    } else {
        2 * (expected - level)
    }
}

fn unfold(coded: u32, expected: u32) -> u32 {
    if coded > 2 * expected {
        coded
    } else if coded & 1 == 1 {
        expected + coded.div_ceil(2)
    } else {
        expected - coded / 2
    }
}

/// The frequency that a level stands for, before normalisation.
fn weight(level: u32) -> u32 {
    if level < 8 {
        return level;
    }
    let (octave, quarter) = ((level - 8) / 4, (level - 8) % 4);
    (8 << octave) + quarter * (2 << octave)
}

/// The level nearest to a share of `count` in `total`; not 0 unless `count` is.
fn level_of(count: u32, total: u32) -> u32 {
    if count == 0 {
        return 0;
    }
    let exact = (u64::from(count) << PRECISION_BITS) / u64::from(total.max(1));
    (1..=MAX_LEVEL).min_by_key(|&level| u64::from(weight(level)).abs_diff(exact)).unwrap_or(1)
}

/// Frequencies with sum [`N_SLOTS`], at least 1 where the level is not 0. At least one level is not 0.
pub(super) fn normalise(levels: &[u32]) -> Frequencies {
    let slots = N_SLOTS as u32;
    let total: u32 = levels.iter().map(|&level| weight(level)).sum();
    let share = |&level: &u32| match weight(level) {
        0 => 0,
        w => (w * slots / total.max(1)).max(1),
    };
    let mut frequencies: Frequencies = levels.iter().map(share).collect();
    let sum: u32 = frequencies.iter().sum();
    if sum <= slots {
        // The first of the largest takes what is left.
        let largest = frequencies.iter().copied().max().unwrap_or(0);
        if let Some(first) = frequencies.iter_mut().find(|f| **f == largest) {
            *first += slots - sum;
        }
        return frequencies;
    }
    let mut excess = sum - slots;
    while excess > 0 {
        for frequency in frequencies.iter_mut().filter(|f| **f > 1) {
            let cut = (*frequency * excess / slots).max(1).min(*frequency - 1).min(excess);
            *frequency -= cut;
            excess -= cut;
        }
    }
    frequencies
}

/// What coding each token of a table of these levels takes, as pairs; `pairs` has room for all of them.
pub(super) fn encode_steps(levels: &[u32], pairs: &mut [[i32; 2]]) {
    let mut start = 0;
    for (pair, frequency) in pairs.iter_mut().zip(normalise(levels)) {
        if frequency > 0 {
            *pair = Step::new(start, frequency).pair();
        }
        start += frequency;
    }
}

/// A number's token, and how many low bits follow it.
#[inline]
pub(super) fn token_of(number: u32) -> (u32, u32) {
    if number < N_DIRECT {
        return (number, 0);
    }
    let log = 31 - number.leading_zeros();
    let n_bits = log - 3;
    (N_DIRECT + 8 * (log - 6) + (number >> n_bits & 7), n_bits)
}

/// How many low bits follow a token.
#[inline]
pub(super) fn n_low_bits(token: u32) -> u32 {
    token.checked_sub(N_DIRECT).map_or(0, |above| above / 8 + 3)
}

/// How often each token comes.
pub(super) type Counts = [u32; N_TOKENS];

/// About what one token's frequency costs in a table, in 1/65536 bit.
const COST_PER_TOKEN: u64 = 7 << 15;

/// Bits to code a table with its own statistics and to describe them.
pub(super) fn cost(sum: &[u32]) -> u64 {
    let n_seen = sum.iter().filter(|n| **n > 0).count() as u64;
    entropy(sum) + n_seen * COST_PER_TOKEN
}

/// Levels without trailing zeros.
pub(super) fn levels(sum: &Counts) -> Vec<u32> {
    let total = sum.iter().sum();
    let n_tokens = sum.iter().rposition(|n| *n > 0).map_or(1, |last| last + 1);
    sum[..n_tokens].iter().map(|n| level_of(*n, total)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_fold_and_frequencies_sum_up() {
        for expected in 0..=40 {
            for level in 0..=40 {
                assert_eq!(unfold(fold(level, expected), expected), level);
            }
            let mut ranks: Vec<u32> = (0..=40).map(|level| fold(level, expected)).collect();
            ranks.sort_unstable();
            ranks.dedup();
            assert_eq!(ranks.len(), 41);
        }
        for n in 1..=N_TOKENS {
            for pattern in 0..7_u32 {
                let levels: Vec<u32> = (0..n as u32).map(|i| 1 + i * pattern * 7 % 40).collect();
                let frequencies = normalise(&levels);
                assert_eq!(frequencies.iter().sum::<u32>(), N_SLOTS as u32);
                assert!(frequencies.iter().all(|f| *f >= 1));
            }
        }
    }

    #[test]
    fn tokens_cover_all_numbers_of_18_bits() {
        for number in 0..1 << 18 {
            let (token, n_bits) = token_of(number);
            assert!((token as usize) < N_TOKENS);
            let back = match n_bits {
                0 => token,
                n => (8 | (token & 7)) << n | (number & ((1 << n) - 1)),
            };
            assert_eq!(back, number);
            assert_eq!(n_bits, n_low_bits(token));
        }
    }
}
