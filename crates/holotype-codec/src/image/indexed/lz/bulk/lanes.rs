//! Numbers and literals, eight or sixteen at once.

use super::{Channel, FORM, N_LITERAL_CONTEXTS, Tables, for_slots, list, segments};
use crate::CodecError;
use crate::entropy::byte_rans::MIN_STATE;
use crate::entropy::rans_lanes::refill_from;
use crate::entropy::static_rans::{N_SLOTS, PRECISION_BITS};
use crate::image::tables::MAX_CLUSTERS;
use crate::simd::{Kernel, Lanes, WordLanes};

/// Tables there is room for.
const N_TABLES: usize = MAX_CLUSTERS.next_power_of_two();
/// Contexts there is room for.
const N_CONTEXTS: usize = 256;

/// States and words of eight lanes.
#[derive(Debug, Clone)]
pub(super) struct Stream<'a> {
    pub(super) states: [u32; 8],
    pub(super) words: &'a [[u8; 2]],
}

/// What to look tokens up in.
struct Slots {
    /// As [`for_slots`] gives them, table after table.
    entries: Box<[i32; N_TABLES * N_SLOTS]>,
    /// Where the table of each context begins.
    first: [i32; N_CONTEXTS],
}

impl Slots {
    fn new() -> Self {
        // By way of a vector, not of the stack.
        let entries = vec![0; N_TABLES * N_SLOTS].into_boxed_slice();
        let Ok(entries) = entries.try_into() else { unreachable!("as many as there are") };
        Self { entries, first: [0; N_CONTEXTS] }
    }

    fn fill(&mut self, tables: &Tables) {
        for_slots(tables, |table, slot, entry| self.entries[table * N_SLOTS + slot] = entry as i32);
        for (first, cluster) in self.first.iter_mut().zip(&tables.clusters) {
            *first = i32::from(*cluster) << PRECISION_BITS;
        }
    }
}

/// Eight lanes on their way.
struct Decoder<'a, L: Lanes> {
    state: L::I,
    words: &'a [[u8; 2]],
    at: usize,
}

impl<'a, L: Lanes> Decoder<'a, L> {
    #[inline(always)]
    fn new(l: L, stream: &Stream<'a>) -> Self {
        let state = l.load_i32(&stream.states.map(|state| state as i32));
        Self { state, words: stream.words, at: 0 }
    }

    /// A number in every lane of `active`, under the table of its context.
    #[inline(always)]
    fn number(&mut self, l: L, slots: &Slots, context: L::I, active: L::I) -> L::I {
        let low = l.splat_i32(N_SLOTS as i32 - 1);
        let slot = l.and(self.state, low);
        let entry = l.look_up(&slots.entries, l.or(l.look_up(&slots.first, context), slot));
        let frequency = l.add_i32(l.and(entry, low), l.splat_i32(1));
        let place = l.and(l.shr::<{ PRECISION_BITS as i32 }>(entry), low);
        let next = l.add_i32(l.mul_i32(frequency, l.shr::<{ PRECISION_BITS as i32 }>(self.state)), place);
        self.refill(l, l.select_i32(active, next, self.state));
        let token = l.shr::<{ 2 * PRECISION_BITS as i32 }>(entry);
        let is_long = l.and(l.gt_i32(token, l.splat_i32((1 << FORM.direct) - 1)), active);
        if l.sign_mask(is_long) == 0 {
            return token;
        }
        let above = l.sub_i32(token, l.splat_i32(1 << FORM.direct));
        let n_bits = l.add_i32(
            l.shr_each(above, l.splat_i32(FORM.fine as i32)),
            l.splat_i32((FORM.direct - FORM.fine) as i32),
        );
        let n_bits = l.and(n_bits, is_long);
        let part = l.and(token, l.splat_i32((1 << FORM.fine) - 1));
        let top = l.shl_each(l.or(part, l.splat_i32(1 << FORM.fine)), n_bits);
        let mask = l.sub_i32(l.shl_each(l.splat_i32(1), n_bits), l.splat_i32(1));
        let rest = l.and(self.state, mask);
        self.refill(l, l.shr_each(self.state, n_bits));
        l.select_i32(is_long, l.or(top, rest), token)
    }

    #[inline(always)]
    fn refill(&mut self, l: L, state: L::I) {
        let words = match self.words.get(self.at..).and_then(|rest| rest.first_chunk::<8>()) {
            Some(words) => words.map(u16::from_le_bytes),
            None => {
                let rest = self.words.get(self.at..).unwrap_or(&[]);
                let mut tail = [0; 8];
                tail.iter_mut().zip(rest).for_each(|(to, from)| *to = u16::from_le_bytes(*from));
                tail
            }
        };
        self.state = refill_from(l, state, &words, &mut self.at);
    }

    /// Checks that all words were used and that the states are where the encoder began.
    fn finish(&self, l: L) -> Result<(), CodecError> {
        if self.at > self.words.len() {
            return Err(CodecError::Truncated { what: "literals and numbers" });
        }
        let mut states = [0; 8];
        l.store_i32(self.state, &mut states);
        if self.at < self.words.len() || states != [MIN_STATE as i32; 8] {
            return Err(CodecError::Corrupt { what: "literals and numbers do not end where they should" });
        }
        Ok(())
    }
}

/// Decodes lists of numbers, then literals.
pub(super) struct Decode<'a> {
    /// One, or two with literals in both.
    pub(super) streams: &'a [Stream<'a>],
    pub(super) of_numbers: &'a Tables,
    pub(super) of_literals: &'a Tables,
    pub(super) n_numbers: [usize; list::N],
    pub(super) n_literals: usize,
    pub(super) channels: &'a [Channel],
}

/// Lists of numbers, and residuals of literals.
pub(super) type Decoded = ([Vec<u32>; list::N], Vec<u32>);

impl Kernel for Decode<'_> {
    type Output = Result<Decoded, CodecError>;

    #[inline(always)]
    fn run<L: WordLanes>(self, l: L) -> Self::Output {
        match self.streams {
            [all] => self.decode(l, [Decoder::new(l, all)]),
            [first, second] => self.decode(l, [Decoder::new(l, first), Decoder::new(l, second)]),
            _ => Err(CodecError::Corrupt { what: "number of streams" }),
        }
    }
}

impl Decode<'_> {
    #[inline(always)]
    fn decode<L: Lanes, const N: usize>(
        &self,
        l: L,
        mut decoders: [Decoder<'_, L>; N],
    ) -> Result<Decoded, CodecError> {
        let mut slots = Slots::new();
        slots.fill(self.of_numbers);
        let lists = self.numbers(l, &mut decoders[0], &slots);
        slots.fill(self.of_literals);
        let literals = self.literals(l, &mut decoders, &slots);
        decoders.iter().try_for_each(|decoder| decoder.finish(l))?;
        Ok((lists, literals))
    }

    #[inline(always)]
    fn numbers<L: Lanes>(&self, l: L, decoder: &mut Decoder<'_, L>, slots: &Slots) -> [Vec<u32>; list::N] {
        let lanes = l.load_i32(&[0, 1, 2, 3, 4, 5, 6, 7]);
        let mut lists: [Vec<u32>; list::N] = Default::default();
        for (kind, n) in self.n_numbers.into_iter().enumerate() {
            let mut list = vec![0; n.next_multiple_of(8)];
            for (i, eight) in list.as_chunks_mut::<8>().0.iter_mut().enumerate() {
                let active = l.gt_i32(l.splat_i32((n - 8 * i).min(8) as i32), lanes);
                let mut context = l.splat_i32(kind as i32);
                if kind == list::COLUMNS {
                    let rows = lists[list::ROWS].get(8 * i..).unwrap_or(&[]).iter().map(|n| (*n).min(2));
                    let mut of_rows = [0; 8];
                    of_rows.iter_mut().zip(rows).for_each(|(to, rows)| *to = rows as i32);
                    context = l.add_i32(context, l.load_i32(&of_rows));
                }
                let mut numbers = [0; 8];
                l.store_i32(decoder.number(l, slots, context, active), &mut numbers);
                *eight = numbers.map(|number| number as u32);
            }
            list.truncate(n);
            lists[kind] = list;
        }
        lists
    }

    #[inline(always)]
    fn literals<L: Lanes, const N: usize>(
        &self,
        l: L,
        decoders: &mut [Decoder<'_, L>; N],
        slots: &Slots,
    ) -> Vec<u32> {
        let n = self.n_literals;
        let (n_segments, n_longest) = segments(n);
        let mut literals = vec![0; n_segments * n_longest];
        let zero = l.splat_i32(0);
        let lengths: [L::I; N] = std::array::from_fn(|half| {
            let length = |k| n.saturating_sub((8 * half + k) * n_longest).min(n_longest);
            l.load_i32(&std::array::from_fn(|k| length(k) as i32))
        });
        let mut before = [[[zero; 2]; 4]; N];
        for step in 0..n_longest {
            let (mut pixels, mut sizes) = ([zero; N], [zero; N]);
            for (i, channel) in self.channels.iter().enumerate().take(4) {
                for (half, decoder) in decoders.iter_mut().enumerate() {
                    let active = l.gt_i32(lengths[half], l.splat_i32(step as i32));
                    let [last, second] = before[half][i];
                    let near = l.shr::<1>(l.add_i32(l.add_i32(last, second), l.splat_i32(1)));
                    let first = l.splat_i32((i * N_LITERAL_CONTEXTS) as i32);
                    let context = l.or(l.or(first, l.shl::<3>(near)), sizes[half]);
                    let number = decoder.number(l, slots, context, active);
                    // The exponent of a float is the bit length.
                    let length = l.sub_i32(l.shr::<23>(l.bits(l.to_f32(number))), l.splat_i32(126));
                    sizes[half] = l.min_i32(l.max_i32(length, zero), l.splat_i32(7));
                    before[half][i] = [sizes[half], last];
                    let sign = l.sub_i32(zero, l.and(number, l.splat_i32(1)));
                    let byte = l.and(l.xor(l.shr::<1>(number), sign), l.splat_i32(255));
                    pixels[half] = l.or(pixels[half], l.shl_each(byte, l.splat_i32(8 * channel.0 as i32)));
                }
            }
            for (half, pixels) in pixels.into_iter().enumerate() {
                let mut residuals = [0; 8];
                l.store_i32(pixels, &mut residuals);
                for (k, residual) in residuals.iter().enumerate() {
                    if let Some(literal) = literals.get_mut((8 * half + k) * n_longest + step) {
                        *literal = *residual as u32;
                    }
                }
            }
        }
        literals.truncate(n);
        literals
    }
}
