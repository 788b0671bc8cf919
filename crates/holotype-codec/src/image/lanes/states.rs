//! Streams of tokens: a state of static rANS in every lane.

use super::N_LANES;
use super::decode::{Residuals, residuals};
use super::tables::Tables;
use crate::entropy::byte_rans::MIN_STATE;
use crate::entropy::rans_lanes;
use crate::entropy::static_rans::DecodeTables;
use crate::entropy::words::WordReader;
use crate::image::levels::{N_DIRECT, normalise};
use crate::simd::WordLanes;

/// The states of the lanes.
pub(super) struct States<L: WordLanes> {
    states: [L::I; 4],
    tables: DecodeTables,
}

impl<L: WordLanes> States<L> {
    #[inline(always)]
    pub(super) fn new(l: L, tables: &Tables, states: &[u32; N_LANES]) -> Self {
        let frequencies: Vec<_> = tables.levels.iter().map(|levels| normalise(levels)).collect();
        let tables = DecodeTables::new(&frequencies, &tables.of_classes);
        Self { states: rans_lanes::load(l, states), tables }
    }

    /// Lets the states that are too small take words.
    #[inline(always)]
    fn refill(l: L, state: L::I, words: &mut WordReader<'_>) -> L::I {
        let mut n_words = 0;
        let state = rans_lanes::refill_from(l, state, &words.peek(), &mut n_words);
        words.skip(n_words);
        state
    }
}

impl<L: WordLanes> Residuals<L> for States<L> {
    #[inline(always)]
    fn take<const FULL: bool>(
        &mut self,
        l: L,
        energy: L::W,
        active: impl Fn() -> [L::I; 4],
        words: &mut WordReader<'_>,
    ) -> L::W {
        let zero = l.splat_i32(0);
        let active = if FULL { [zero; 4] } else { active() };
        let mut numbers = l.widen_u16(energy);
        let mut n_bits = numbers;
        let mut has_bits = zero;
        for j in 0..4 {
            let (mut token, mut state) = self.tables.token(l, self.states[j], Tables::class(l, numbers[j]));
            if !FULL {
                token = l.and(token, active[j]);
                state = l.select_i32(active[j], state, self.states[j]);
            }
            self.states[j] = Self::refill(l, state, words);
            let is_large = l.gt_i32(token, l.splat_i32(N_DIRECT as i32 - 1));
            let n = l.and(is_large, l.sub_i32(l.shr::<3>(token), l.splat_i32(N_DIRECT as i32 / 8 - 3)));
            let head = l.shl_each(l.or(l.and(token, l.splat_i32(7)), l.splat_i32(8)), n);
            numbers[j] = l.select_i32(is_large, head, token);
            n_bits[j] = n;
            has_bits = l.or(has_bits, l.sub_i32(zero, n));
        }
        if l.sign_mask(has_bits) != 0 {
            for j in 0..4 {
                let mask = l.sub_i32(l.shl_each(l.splat_i32(1), n_bits[j]), l.splat_i32(1));
                numbers[j] = l.or(numbers[j], l.and(self.states[j], mask));
                self.states[j] = Self::refill(l, l.shr_each(self.states[j], n_bits[j]), words);
            }
        }
        residuals(l, numbers)
    }

    #[inline(always)]
    fn are_done(&self, l: L) -> bool {
        rans_lanes::store(l, self.states) == [MIN_STATE; N_LANES]
    }
}
