//! What literals are likely to cost, for the encoder's choices.

use super::bulk::{Channel, FORM, literal_context};
use crate::entropy::logarithm::log2;

/// Tokens of a byte.
const N_TOKENS: usize = 32;
/// Contexts told apart: a quarter of those that code.
const N_CONTEXTS: usize = 64;
/// Literals after which costs are counted first; then each time there are twice as many, but after [`LATER`].
const FIRST: u32 = 256;
const LATER: u32 = 1 << 14;

/// Costs of the literals to come from those that came.
pub(super) struct LiteralCosts {
    counts: Box<[[u32; N_TOKENS]; N_CONTEXTS]>,
    /// In 256ths of a bit.
    costs: Box<[[u16; N_TOKENS]; N_CONTEXTS]>,
    before: [[u8; 2]; 4],
    n_literals: u32,
    /// Number of literals at which costs are counted next.
    next: u32,
}

impl LiteralCosts {
    pub(super) fn new() -> Self {
        let mut costs = Self {
            counts: Box::new([[0; N_TOKENS]; N_CONTEXTS]),
            costs: Box::new([[0; N_TOKENS]; N_CONTEXTS]),
            before: [[0; 2]; 4],
            n_literals: 0,
            next: FIRST,
        };
        costs.count();
        costs
    }

    /// What the literal costs, in 256ths of a bit.
    #[inline]
    pub(super) fn cost(&mut self, residual: u32, channels: &[Channel]) -> u32 {
        let (mut cost, mut size) = (0, 0);
        for (i, channel) in channels.iter().enumerate() {
            let number = channel.number(residual);
            let (token, _) = FORM.token_of(number);
            let before = &mut self.before[i & 3];
            let context = literal_context(i, *before, size) >> 2 & (N_CONTEXTS - 1);
            let token = token as usize & (N_TOKENS - 1);
            cost += u32::from(self.costs[context][token]);
            self.counts[context][token] += 1;
            size = super::bulk::size_of(number);
            *before = [size, before[0]];
        }
        self.n_literals += 1;
        if self.n_literals >= self.next {
            self.next += self.next.min(LATER);
            self.count();
        }
        cost
    }

    fn count(&mut self) {
        for (costs, counts) in self.costs.iter_mut().zip(self.counts.iter()) {
            let weight = |n: u32| n.saturating_mul(16).saturating_add(1);
            let total = log2(counts.iter().fold(0, |sum: u32, n| sum.saturating_add(weight(*n))));
            for (token, (cost, n)) in costs.iter_mut().zip(counts).enumerate() {
                *cost =
                    ((total - log2(weight(*n))) >> 8) as u16 + ((FORM.n_low_bits(token as u32) as u16) << 8);
            }
        }
    }
}
