//! Static rANS with 11-bit frequencies and interleaved states. `docs/codecs/wavefront.md` §4.
//!
//! A state lies in `[2¹⁵, 2³¹)`. Decoding a token may need one 16-bit word; lanes take theirs in ascending order.

use super::byte_rans::MIN_STATE;
use super::words::WordWriter;
use super::{rans_lanes, rans_step};
use crate::CodecError;
use crate::simd::Lanes;

/// Bits of a frequency.
pub(crate) const PRECISION_BITS: u32 = 11;
/// Sum of the frequencies of a table.
pub(crate) const N_SLOTS: usize = 1 << PRECISION_BITS;
/// Most tables a [`DecodeTables`] holds.
const N_TABLES: usize = 32;
/// Most tokens a table tells apart.
const N_TOKENS: usize = 256;
/// Most contexts that choose a table.
const N_CONTEXTS: usize = 1024;
/// Bytes of the eight states before the words.
pub(crate) const STATE_BYTES: usize = 32;

/// Tables to decode with. Small ones: what is looked up at random should stay close to the processor.
#[derive(Debug)]
pub(crate) struct DecodeTables {
    /// Slot → token, table after table.
    tokens: Box<[u8; N_TABLES * N_SLOTS]>,
    /// Token → token (8 bits), frequency − 1 (11 bits), first slot (11 bits), table after table.
    entries: Box<[i32; N_TABLES * N_TOKENS]>,
    /// Context → number of its table.
    of_contexts: Box<[u8; N_CONTEXTS]>,
}

impl DecodeTables {
    /// From the frequencies of each table, at most 32 tables of at most 256 tokens, each with sum [`N_SLOTS`], and the
    /// number of the table of each context, at most 1024.
    pub(crate) fn new(tables: &[Vec<u32>], table_of_contexts: &[u8]) -> Self {
        let mut tokens = Box::new([0; N_TABLES * N_SLOTS]);
        let mut entries = Box::new([0; N_TABLES * N_TOKENS]);
        let places = tokens.chunks_exact_mut(N_SLOTS).zip(entries.chunks_exact_mut(N_TOKENS));
        for ((slots, entries), frequencies) in places.zip(tables) {
            let mut first = 0;
            for (token, (entry, &frequency)) in entries.iter_mut().zip(frequencies).enumerate() {
                let n = (frequency as usize).min(N_SLOTS - first);
                slots[first..first + n].fill(token as u8);
                *entry = (token as u32 | frequency.wrapping_sub(1) << 8 | (first as u32) << 20) as i32;
                first += n;
            }
        }
        let mut of_contexts = Box::new([0; N_CONTEXTS]);
        of_contexts.iter_mut().zip(table_of_contexts).for_each(|(to, from)| *to = *from);
        Self { tokens, entries, of_contexts }
    }

    /// The tokens of eight states, from the tables of their contexts, and the states after them, which may be too small.
    #[inline(always)]
    pub(crate) fn token<L: Lanes>(&self, l: L, state: L::I, context: L::I) -> (L::I, L::I) {
        let slot = l.and(state, l.splat_i32(N_SLOTS as i32 - 1));
        let entry = self.entries(l, slot, context);
        let frequency = l.add_i32(l.and(l.shr::<8>(entry), l.splat_i32(N_SLOTS as i32 - 1)), l.splat_i32(1));
        let offset = l.sub_i32(slot, l.shr::<20>(entry));
        let next = l.add_i32(l.mul_i32(frequency, l.shr::<11>(state)), offset);
        (l.and(entry, l.splat_i32(255)), next)
    }

    /// The entries of the tokens that stand at slots of the tables of contexts.
    #[inline(always)]
    fn entries<L: Lanes>(&self, l: L, slots: L::I, contexts: L::I) -> L::I {
        let (mut at, mut tables) = ([0; 8], [0; 8]);
        l.store_i32(slots, &mut at);
        l.store_i32(contexts, &mut tables);
        for (at, context) in at.iter_mut().zip(tables) {
            let table = usize::from(self.of_contexts[context as usize % N_CONTEXTS]) % N_TABLES;
            let token = self.tokens[table * N_SLOTS + *at as usize % N_SLOTS];
            *at = self.entries[table * N_TOKENS + usize::from(token)];
        }
        l.load_i32(&at)
    }
}

/// Eight states and the words they draw from.
#[derive(Debug)]
pub(crate) struct Decoder<'a> {
    states: [i32; 8],
    words: &'a [u16],
    at: usize,
}

impl<'a> Decoder<'a> {
    /// `words` are those of the stream.
    pub(crate) fn new(states: [u32; 8], words: &'a [u16]) -> Result<Self, CodecError> {
        if states.iter().any(|s| !(MIN_STATE..1 << 31).contains(s)) {
            return Err(CodecError::Corrupt { what: "a coder state is out of range" });
        }
        Ok(Self { states: states.map(|s| s as i32), words, at: 0 })
    }

    /// One token in every lane of `active`, from the table of its context.
    #[inline(always)]
    pub(crate) fn token<L: Lanes>(
        &mut self,
        l: L,
        tables: &DecodeTables,
        context: L::I,
        active: L::I,
    ) -> L::I {
        let state = l.load_i32(&self.states);
        let (token, next) = tables.token(l, state, context);
        self.refill(l, l.select_i32(active, next, state));
        token
    }

    /// `n_bits` raw bits (0 to 15) for every lane; none are taken where it is 0.
    #[inline(always)]
    pub(crate) fn bits<L: Lanes>(&mut self, l: L, n_bits: L::I) -> L::I {
        let state = l.load_i32(&self.states);
        let mask = l.sub_i32(l.shl_each(l.splat_i32(1), n_bits), l.splat_i32(1));
        self.refill(l, l.shr_each(state, n_bits));
        l.and(state, mask)
    }

    #[inline(always)]
    fn refill<L: Lanes>(&mut self, l: L, state: L::I) {
        let words = self.words.get(self.at..).and_then(|rest| rest.first_chunk());
        let mut tail = [0; 8];
        let words = match words {
            Some(words) => words,
            None => {
                let rest = self.words.get(self.at..).unwrap_or(&[]);
                tail.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
                &tail
            }
        };
        let state = rans_lanes::refill_from(l, state, words, &mut self.at);
        l.store_i32(state, &mut self.states);
    }

    /// True if words were taken that are not there.
    pub(crate) fn is_past_the_end(&self) -> bool {
        self.at > self.words.len()
    }

    /// Checks that all words were used and that the states are where the encoder began.
    pub(crate) fn finish(&self) -> Result<(), CodecError> {
        if self.is_past_the_end() {
            return Err(CodecError::Truncated { what: "coded samples" });
        }
        if self.at < self.words.len() || self.states != [MIN_STATE as i32; 8] {
            return Err(CodecError::Corrupt { what: "coded samples do not end where they should" });
        }
        Ok(())
    }
}

/// What coding a token takes.
pub(crate) type Step = rans_step::Step<PRECISION_BITS>;

/// Takes what decoders of `N` states will give, last first.
#[derive(Debug)]
pub(crate) struct Encoder<const N: usize> {
    states: [i32; N],
    words: WordWriter,
}

impl<const N: usize> Encoder<N> {
    /// With room for about as many words.
    pub(crate) fn new(n_words: usize) -> Self {
        Self { states: [MIN_STATE as i32; N], words: WordWriter::new(n_words) }
    }

    /// Makes room for a step: a token and raw bits in every lane.
    #[inline(always)]
    pub(crate) fn begin_step(&mut self) {
        self.words.reserve(2 * N);
    }

    /// A token in lane `k`. Lanes of one step go in descending order.
    #[inline(always)]
    pub(crate) fn token(&mut self, k: usize, step: Step) {
        let state = &mut self.states[k % N];
        *state = step.advance(*state as u32, &mut self.words) as i32;
    }

    /// `n_bits` raw bits (1 to 15) in lane `k`.
    #[inline(always)]
    pub(crate) fn bits(&mut self, k: usize, bits: u32, n_bits: u32) {
        let state = &mut self.states[k % N];
        let is_large = *state >= 1 << (31 - n_bits);
        self.words.put_one(*state as u16, is_large);
        *state = (*state >> (16 * u32::from(is_large))) << n_bits | bits as i32;
    }

    /// The states a decoder begins with, and the words.
    pub(crate) fn finish(self) -> ([u32; N], WordWriter) {
        (self.states.map(|state| state as u32), self.words)
    }
}

impl Encoder<8> {
    /// A token in every lane.
    #[inline(always)]
    pub(crate) fn tokens<L: Lanes>(&mut self, l: L, steps: (L::I, L::I)) {
        let states = Step::advance_all(l, l.load_i32(&self.states), steps, &mut self.words);
        l.store_i32(states, &mut self.states);
    }
}
