//! Contexts of the question whether a guess is right. `docs/codecs/indexed.md` §7.3.

use super::around::Around;
use super::candidates::{Candidates, Habit};
use super::mixer::Hash;

pub(super) const N_CONTEXTS: usize = 13;
/// Sets of weights: by guess, match and habit; by sources and hits around.
pub(super) const N_SETS: [usize; 2] = [6 * 5 * 2, 256 * 4];

/// What is known of a pixel before its guesses are asked.
#[derive(Debug)]
pub(super) struct Known<'a> {
    pub(super) around: &'a Around,
    pub(super) habit: &'a Habit,
    pub(super) foretold: Option<u32>,
    /// Class of the match's length, 0 to 4.
    pub(super) match_class: u32,
    /// Which guess was right at W, N, NE, NW; 6 if none was.
    pub(super) ranks: [u8; 4],
    /// Lengths of runs upwards at the columns before, here and after; and of those before them.
    pub(super) vertical: [u8; 6],
    /// Run that ends at W; how far N's goes on; runs that end at N and NW.
    pub(super) horizontal: [u8; 4],
}

impl Known<'_> {
    /// What the contexts of all guesses share.
    #[inline(always)]
    pub(super) fn bases(&self) -> [Hash; N_CONTEXTS] {
        let a = self.around;
        let hash =
            |kind: u32, values: &[u32]| values.iter().fold(Hash::new(kind), |hash, value| hash.with(*value));
        let pack = |bytes: &[u8]| bytes.iter().fold(0, |all: u32, b| all << 5 | u32::from(*b));
        let ranks = self.ranks.iter().fold(0, |all, rank| all << 4 | u32::from(*rank));
        let pair = hash(6, &[a.w(), a.n()]);
        let four = pair.with(a.nw()).with(a.ne());
        [
            hash(0, &[self.match_class]),
            four.with(1),
            four.with(a.ww()).with(a.nn()),
            four.with(a.above2[5]).with(a.above2[3]).with(a.above[6]).with(a.above[2]),
            hash(4, &[]),
            hash(5, &[]),
            pair,
            hash(7, &[ranks]),
            hash(8, &[a.n(), a.ne(), a.above[6]]),
            hash(9, &[a.w(), a.ww(), self.match_class]),
            hash(10, &[]),
            hash(11, &[pack(&self.vertical)]),
            hash(12, &[pack(&self.horizontal)]),
        ]
    }

    /// Hashes of the contexts of guess `i`, and its sets of weights.
    #[inline(always)]
    pub(super) fn contexts(
        &self,
        bases: &[Hash; N_CONTEXTS],
        candidates: &Candidates,
        i: usize,
    ) -> ([u32; N_CONTEXTS], [usize; 2]) {
        let a = self.around;
        let v = candidates.pixels[i];
        let sources = [
            a.w() == v,
            a.n() == v,
            a.ne() == v,
            a.nw() == v,
            a.ww() == v,
            a.nn() == v,
            self.foretold == Some(v),
            self.habit.n > 0 && self.habit.pixel == v,
        ];
        let sources = mask(sources);
        let habit_class = (32 - self.habit.n.leading_zeros()).min(5);
        let wide = mask(a.west.iter().chain(&a.above[..8]).chain(&a.above2[1..]).map(|p| *p == v));
        let near = mask(a.west[..2].iter().chain(&a.above[2..7]).chain(&a.above2[3..6]).map(|p| *p == v));
        let excluded =
            candidates.pixels[..i].iter().fold(0_u32, |all, p| all.wrapping_add(p.wrapping_mul(0x2c1b_3c6d)));
        let order = i as u32;
        let own = [
            sources | habit_class << 8 | order << 11,
            v.wrapping_add(order << 29),
            v,
            v,
            wide | (sources >> 6) << 20 | order << 22,
            v ^ near << 20,
            v,
            sources | order << 8,
            v,
            v,
            v.wrapping_add(excluded),
            sources | order << 8,
            sources | order << 8,
        ];
        let mut contexts = [0; N_CONTEXTS];
        for ((context, base), own) in contexts.iter_mut().zip(bases).zip(own) {
            *context = base.with(own).value();
        }
        let first = (order * 5 + self.match_class) * 2 + u32::from(self.habit.n > 3);
        let hits = u32::from(self.ranks[0] == 0) | u32::from(self.ranks[1] == 0) << 1;
        (contexts, [first as usize, (sources << 2 | hits) as usize])
    }
}

/// Answers as bits, the first one lowest.
#[inline(always)]
fn mask(answers: impl IntoIterator<Item = bool>) -> u32 {
    answers.into_iter().enumerate().fold(0, |all, (i, answer)| all | u32::from(answer) << i)
}
