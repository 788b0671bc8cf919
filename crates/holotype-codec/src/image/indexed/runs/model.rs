//! What is known of a run's end before it is coded.

use super::{NONE, Run};
use crate::entropy::cdf::{Cdf, LIVELY};
use crate::entropy::number::NumberModel;

/// What happens to the candidate end above. Distances: `NEAR`, or one of the others and a number.
pub(super) mod token {
    /// The end above, moved by [`super::NEAR`]; the next colour is the candidate, up to [`FAR`].
    pub(in super::super) const LAST_NEAR: usize = 6;
    /// Moved by 4 to 19.
    pub(in super::super) const FAR: usize = 7;
    /// Not moved; another colour.
    pub(in super::super) const SAME_END: usize = 8;
    /// Moved; any colour.
    pub(in super::super) const OTHER: usize = 9;
    /// Not this end but the next one above.
    pub(in super::super) const PASS: usize = 10;
    /// A length; any colour.
    pub(in super::super) const LENGTH: usize = 11;
}

/// Distances of tokens 0 to 6.
pub(super) const NEAR: [i64; 7] = [0, -1, 1, -2, 2, -3, 3];

/// The distributions of ends.
#[derive(Debug)]
pub(super) struct Models {
    /// Is the row the one above? By the last two answers.
    pub(super) same: [Cdf; 4],
    /// Does the row start with the colour above?
    pub(super) first: Cdf,
    /// By relation and history.
    pub(super) tokens: [Cdf; 100],
    pub(super) far: [Cdf; 2],
    pub(super) sign: Cdf,
    pub(super) other: NumberModel,
    pub(super) length: NumberModel,
}

impl Models {
    pub(super) fn new() -> Self {
        let token = Cdf::<LIVELY>::weighted(&[120, 40, 40, 16, 16, 8, 8, 8, 24, 20, 16, 16, 2, 2, 1, 1]);
        let two = Cdf::<LIVELY>::first(2);
        Self {
            same: [two; 4],
            first: two,
            tokens: [token; 100],
            far: [Cdf::<LIVELY>::UNIFORM; 2],
            sign: two,
            other: NumberModel::default(),
            length: NumberModel::default(),
        }
    }
}

/// The end above that a run's end is likely to follow.
#[derive(Debug, Clone, Copy)]
pub(super) struct Anchor {
    /// 0: the run above the start has the colour; 1: the one after it has; 2: neither; 3: after a pass.
    relation: usize,
    /// Index of the run above whose end is the candidate.
    pub(super) at: usize,
}

impl Anchor {
    /// For a run of `colour` below run `j` of the row above.
    #[inline]
    pub(super) fn new(above: &[Run], j: usize, colour: u32) -> Self {
        if above[j].colour == colour {
            Self { relation: 0, at: j }
        } else if above[j + 1].colour == colour {
            Self { relation: 1, at: j + 1 }
        } else {
            Self { relation: 2, at: j }
        }
    }

    /// The next end above; `None` after the last.
    #[inline]
    pub(super) fn passed(self, above: &[Run]) -> Option<Self> {
        (above[self.at + 1].colour != NONE).then_some(Self { relation: 3, at: self.at + 1 })
    }

    /// Which distribution codes its token.
    #[inline]
    pub(super) fn context(self, above: &[Run]) -> usize {
        self.relation * 25 + usize::from(above[self.at].history)
    }

    /// The colour that probably follows `colour`; `before` it was another. May be `NONE`.
    #[inline]
    pub(super) fn next_colour(self, above: &[Run], colour: u32, before: u32) -> u32 {
        let mut next = above[self.at + 1].colour;
        if next == colour {
            next = above[self.at + 2].colour;
        }
        if next == NONE { before } else { next }
    }
}

/// Colours that may follow a run which ends at column `end`, most likely first.
pub(super) fn guesses(above: &[Run], from: usize, end: u32, before: u32) -> [u32; 3] {
    let mut j = from;
    while above[j].end <= end && above[j].colour != NONE {
        j += 1;
    }
    [before, above[j].colour, above[(j + 1).min(above.len() - 1)].colour]
}
