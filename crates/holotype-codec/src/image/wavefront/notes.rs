//! What is to be coded in a plane, as it is found, and how much that must take.

use super::N_CONTEXTS;
use crate::entropy::logarithm::entropy;
use crate::image::levels::{Counts, N_DIRECT, N_TOKENS, n_low_bits, token_of};

/// Bits of a number in a [`Mark`]; the context stands above.
pub(super) const NUMBER_BITS: u32 = 18;
const NUMBER_MASK: u32 = (1 << NUMBER_BITS) - 1;
/// A lane without a sample.
pub(super) const NO_SAMPLE: i32 = -1;

/// Context and number of the eight lanes of a step.
pub(super) type Mark = [i32; 8];

/// The marks of a plane.
pub(super) struct Notes {
    pub(super) marks: Vec<Mark>,
    /// How often each context has each token, among the first `n_counted` marks; empty before any are counted, for many
    /// planes may be noted at once.
    counts: Vec<Counts>,
    n_counted: usize,
}

impl Notes {
    pub(super) fn with_capacity(n_steps: usize) -> Self {
        Self { marks: Vec::with_capacity(n_steps), counts: Vec::new(), n_counted: 0 }
    }

    /// How often each context has each token.
    pub(super) fn counts(&mut self) -> &[Counts] {
        self.counts.resize(N_CONTEXTS, [0; N_TOKENS]);
        for step in &self.marks[self.n_counted..] {
            if is_plain(step) {
                for &mark in step {
                    self.counts[mark as usize >> NUMBER_BITS][mark as usize % N_DIRECT as usize] += 1;
                }
                continue;
            }
            for mark in step.iter().filter(|mark| **mark != NO_SAMPLE) {
                let (context, number) = split(*mark);
                self.counts[context][token_of(number).0 as usize] += 1;
            }
        }
        self.n_counted = self.marks.len();
        &self.counts
    }

    /// Bits that the marks take whatever the tables: under the statistics of each context by itself. What comes later
    /// only adds to them.
    #[inline(never)]
    pub(super) fn least_bits(&mut self) -> u64 {
        let low_bits = |counts: &Counts| -> u64 {
            counts.iter().zip(0..).map(|(n, token)| u64::from(*n) * u64::from(n_low_bits(token))).sum()
        };
        self.counts().iter().map(|counts| (entropy(counts) >> 16) + low_bits(counts)).sum()
    }
}

/// True if every lane stands on a sample whose number is its own token.
#[inline]
pub(super) fn is_plain(step: &Mark) -> bool {
    const OTHERS: i32 = i32::MIN | (NUMBER_MASK & !(N_DIRECT - 1)) as i32;
    step.iter().fold(0, |all, mark| all | mark) & OTHERS == 0
}

/// The context and the number of a mark that stands for a sample.
#[inline]
pub(super) fn split(mark: i32) -> (usize, u32) {
    (mark as usize >> NUMBER_BITS, mark as u32 & NUMBER_MASK)
}
