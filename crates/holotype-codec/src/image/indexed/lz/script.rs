//! What a tile is made of, before it is known how that is coded. Encoder only.

use super::{Around, Canvas, Choice, token};
use crate::entropy::number::unzigzag;

/// Tokens in order, and what belongs to them.
#[derive(Debug, Default)]
pub(super) struct Script {
    /// Context and token.
    pub(super) tokens: Vec<[u8; 2]>,
    /// What each literal is beside its prediction: every byte modulo 256.
    pub(super) literals: Vec<u32>,
    /// Lengths of copies, and of runs that the token does not tell.
    pub(super) lengths: Vec<u32>,
    /// New distances: rows, and zigzag columns.
    pub(super) offsets: Vec<[u32; 2]>,
}

impl Script {
    pub(super) fn note(&mut self, context: usize, choice: &Choice, offset: [u32; 2]) {
        self.tokens.push([context as u8, choice.token as u8]);
        if tells_no_length(choice.token) {
            self.lengths.push(choice.length as u32);
        }
        if choice.token == token::COPY {
            self.offsets.push(offset);
        }
    }

    /// Calls `step` with the place and the choice at each token again, with those around and the offset of a new distance.
    pub(super) fn replay(&self, canvas: &Canvas, mut step: impl FnMut(usize, &Around, &Choice, [u32; 2])) {
        let (mut lengths, mut offsets) = (self.lengths.iter(), self.offsets.iter());
        let mut at = canvas.margin;
        for [_, token] in &self.tokens {
            let token = usize::from(*token);
            let length = match class_of(token) {
                _ if tells_no_length(token) => lengths.next().map_or(1, |length| *length as usize),
                1 => 2,
                _ => 1,
            };
            let mut offset = [0; 2];
            if token == token::COPY {
                offset = offsets.next().copied().unwrap_or_default();
            }
            let distance = i64::from(offset[0]) * canvas.width as i64 + unzigzag(u64::from(offset[1]));
            let choice = Choice { token, length, distance: distance as usize, gain: 0 };
            step(at, &canvas.around(at), &choice, offset);
            at += length;
        }
    }
}

/// Class of the length of a run; one that there is not for other tokens.
pub(super) fn class_of(token: usize) -> usize {
    match token {
        token::WEST..token::COPY => token - token::WEST,
        token::NORTH..token::WEST => token - token::NORTH,
        _ => usize::MAX,
    }
}

fn tells_no_length(token: usize) -> bool {
    match token {
        token::LITERAL | token::NORTH_EAST => false,
        token::NORTH..token::COPY => class_of(token) >= 2,
        _ => true,
    }
}
