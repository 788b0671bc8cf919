//! Colours that the row above does not tell. `docs/codecs/indexed.md` §4.3.

use super::NONE;
use crate::CodecError;
use crate::entropy::cdf::{Cdf, LIVELY};
use crate::entropy::number::NumberModel;
use crate::entropy::rans::SymbolCoder;
use crate::image::indexed::dictionary::{EntryCoder, EntryForm, MAX_COLOURS};

/// Where a colour is asked for; selects a distribution.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place {
    RowStart = 0,
    SameEnd = 1,
    Other = 2,
    Length = 3,
}

/// With at most this many colours their numbers are symbols.
pub(super) const MAX_FEW: usize = 16;
const NEW: usize = 3;
const FIRST_RANK: usize = 4;
const LONG: usize = 15;
/// Colours that are found by how recently they were asked for.
const MAX_RECENT: usize = 64;

/// The dictionary as it grows, and the distributions of its numbers.
#[derive(Debug)]
pub(super) struct Colours {
    pub(super) entries: Vec<u64>,
    recent: Vec<u32>,
    has_few: bool,
    entry: EntryCoder,
    kind: [Cdf; 4],
    few: [Cdf; MAX_FEW],
    rank: NumberModel,
}

impl Colours {
    pub(super) fn new(form: EntryForm, n_bytes: usize, has_few: bool) -> Self {
        Self {
            entries: Vec::new(),
            recent: Vec::new(),
            has_few,
            entry: EntryCoder::new(form, n_bytes),
            kind: [Cdf::<LIVELY>::UNIFORM; 4],
            few: [Cdf::<LIVELY>::UNIFORM; MAX_FEW],
            rank: NumberModel::default(),
        }
    }

    /// The next entry: `value`, or the one that is decoded.
    pub(super) fn add(&mut self, coder: &mut impl SymbolCoder, value: u64) -> Result<u32, CodecError> {
        let most = if self.has_few { MAX_FEW } else { MAX_COLOURS };
        if self.entries.len() >= most {
            return Err(CodecError::Corrupt { what: "too many colours" });
        }
        self.entries.push(self.entry.code(coder, value));
        Ok(self.entries.len() as u32 - 1)
    }

    /// Codes `colour`, the pixel `value`, after a run of colour `from`; or decodes and returns one.
    pub(super) fn code(
        &mut self,
        coder: &mut impl SymbolCoder,
        place: Place,
        from: u32,
        guesses: [u32; 3],
        (colour, value): (u32, u64),
    ) -> Result<u32, CodecError> {
        let n = self.entries.len() as u32;
        let rank = self.recent.iter().position(|c| *c == colour);
        let symbol = match (guesses.iter().position(|g| *g == colour), rank) {
            (Some(guess), _) => guess,
            _ if colour >= n => NEW,
            _ if self.has_few => FIRST_RANK,
            (_, Some(rank)) => LONG.min(FIRST_RANK + rank),
            _ => LONG,
        };
        let symbol = coder.symbol(&mut self.kind[place as usize], symbol);
        let unknown = CodecError::Corrupt { what: "a colour that does not exist" };
        let colour = match symbol {
            0..NEW => guesses[symbol],
            NEW => self.add(coder, value)?,
            _ if self.has_few => {
                let context = (from as usize).min(MAX_FEW - 1);
                coder.symbol(&mut self.few[context], colour as usize & 15) as u32
            }
            FIRST_RANK..LONG => self.recent.get(symbol - FIRST_RANK).copied().ok_or(unknown.clone())?,
            _ => {
                // 0: a number; else a rank beyond those that have a symbol.
                let n_short = LONG - FIRST_RANK - 1;
                let rank = self.rank.code(coder, rank.map_or(0, |r| r.saturating_sub(n_short)) as u64);
                if rank == 0 {
                    coder.bits(colour, 32 - n.saturating_sub(1).leading_zeros())
                } else {
                    let rank = usize::try_from(rank).unwrap_or(usize::MAX).saturating_add(n_short);
                    self.recent.get(rank).copied().ok_or(unknown.clone())?
                }
            }
        };
        if colour == from || colour as usize >= self.entries.len() {
            return Err(unknown);
        }
        if !self.has_few {
            self.touch(colour);
        }
        Ok(colour)
    }

    /// Makes `colour` the most recent one.
    fn touch(&mut self, colour: u32) {
        match self.recent.iter().position(|c| *c == colour) {
            Some(rank) => self.recent[..=rank].rotate_right(1),
            None => {
                self.recent.truncate(MAX_RECENT - 1);
                self.recent.insert(0, colour);
            }
        }
    }
}

/// A stand-in for the colour that is not known yet when decoding.
pub(super) const DECODE: (u32, u64) = (NONE, 0);
