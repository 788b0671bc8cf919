//! Tokens into pixels.

use super::{OF_TOKENS, Tables, for_slots, list};
use crate::CodecError;
use crate::entropy::bits::BitReader;
use crate::entropy::byte_rans::MIN_STATE;
use crate::entropy::static_rans::{N_SLOTS, PRECISION_BITS};
use crate::image::indexed::lz::tokens::{self, Source};
use crate::image::indexed::lz::{Around, Canvas};
use crate::simd::{Kernel, WordLanes, add_bytes, median};
use std::vec::IntoIter;

/// Everything that pixels are made of.
pub(super) struct Fill<'a> {
    pub(super) tables: &'a Tables,
    /// The state of the first token and of the second.
    pub(super) states: [u32; 2],
    pub(super) words: &'a [[u8; 2]],
    pub(super) lists: [Vec<u32>; list::N],
    pub(super) literals: Vec<u32>,
    pub(super) raw_bits: &'a [u8],
    pub(super) canvas: &'a mut Canvas,
}

impl Kernel for Fill<'_> {
    type Output = Result<(), CodecError>;

    #[inline(always)]
    fn run<L: WordLanes>(self, _: L) -> Self::Output {
        let Fill { tables, states, words, lists, literals, raw_bits, canvas } = self;
        let mut slots = vec![[0; N_SLOTS]; tables.levels.len()];
        for_slots(tables, |table, slot, entry| slots[table][slot % N_SLOTS] = entry);
        let mut table_of = [0; N_CONTEXTS];
        table_of.iter_mut().zip(&tables.clusters).for_each(|(to, from)| *to = usize::from(*from));
        let mut lists = lists.map(Vec::into_iter);
        let mut bits = BitReader::new(raw_bits);
        let mut source = Lists {
            slots: &slots,
            table_of: &table_of,
            states,
            words,
            at_word: 0,
            bits: &mut bits,
            literals: literals.into_iter(),
            lists: &mut lists,
        };
        tokens::fill(&mut source, canvas)?;
        source.finish()?;
        bits.finish()
    }
}

/// Room for the contexts of tokens.
const N_CONTEXTS: usize = OF_TOKENS.n_contexts.next_power_of_two();

/// Tokens under tables that stand, and lists of what belongs to them.
struct Lists<'a, 'b> {
    slots: &'b [[u32; N_SLOTS]],
    table_of: &'b [usize; N_CONTEXTS],
    /// The state of the next token and of the one after it.
    states: [u32; 2],
    words: &'a [[u8; 2]],
    at_word: usize,
    bits: &'b mut BitReader<'a>,
    literals: IntoIter<u32>,
    lists: &'b mut [IntoIter<u32>; list::N],
}

impl Lists<'_, '_> {
    #[inline(always)]
    fn next(&mut self, kind: usize) -> Result<u64, CodecError> {
        self.lists[kind].next().map(u64::from).ok_or_else(too_few)
    }

    /// Checks that everything was used up and nothing read past its end.
    #[inline(always)]
    fn finish(&self) -> Result<(), CodecError> {
        if self.at_word > self.words.len() {
            return Err(CodecError::Truncated { what: "tokens of copies" });
        }
        let is_left = self.literals.len() > 0 || self.lists.iter().any(|list| list.len() > 0);
        if is_left || self.at_word < self.words.len() || self.states != [MIN_STATE; 2] {
            return Err(CodecError::Corrupt { what: "tokens of copies do not end where they should" });
        }
        Ok(())
    }
}

impl Source for Lists<'_, '_> {
    #[inline(always)]
    fn token(&mut self, context: usize) -> usize {
        let [state, next] = self.states;
        let table = self.slots.get(self.table_of[context % N_CONTEXTS]);
        let entry = table.map_or(0, |table| table[state as usize % N_SLOTS]);
        let low = N_SLOTS as u32 - 1;
        let after = ((entry & low) + 1) * (state >> PRECISION_BITS) + (entry >> PRECISION_BITS & low);
        let is_low = after < MIN_STATE;
        let word = self.words.get(self.at_word).map_or(0, |word| u32::from(u16::from_le_bytes(*word)));
        self.states = [next, if is_low { after << 16 | word } else { after }];
        self.at_word += usize::from(is_low);
        (entry >> (2 * PRECISION_BITS)) as usize
    }

    #[inline(always)]
    fn literal(&mut self, around: &Around) -> Result<u32, CodecError> {
        let residual = self.literals.next().ok_or_else(too_few)?;
        Ok(add_bytes(median(around.west, around.north, around.north_west), residual))
    }

    #[inline(always)]
    fn bits(&mut self, n_bits: u32) -> u32 {
        self.bits.take(n_bits)
    }

    #[inline(always)]
    fn run(&mut self, is_west: bool) -> Result<u64, CodecError> {
        self.next(if is_west { list::WESTS } else { list::NORTHS })
    }

    #[inline(always)]
    fn length(&mut self) -> Result<u64, CodecError> {
        self.next(list::LENGTHS)
    }

    #[inline(always)]
    fn offset(&mut self) -> Result<[u64; 2], CodecError> {
        Ok([self.next(list::ROWS)?, self.next(list::COLUMNS)?])
    }
}

#[cold]
fn too_few() -> CodecError {
    CodecError::Corrupt { what: "more tokens than literals or numbers" }
}
