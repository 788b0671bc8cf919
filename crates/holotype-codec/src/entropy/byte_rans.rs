//! Static rANS of bytes: one table, 12-bit frequencies, 32 interleaved states. `docs/codecs/tensor.md` §4.
//!
//! Byte `i` belongs to lane `i mod 32`. A state lies in `[2¹⁵, 2³¹)`; decoding a byte may need one 16-bit word, and
//! lanes take theirs in ascending order.

use super::logarithm::entropy;
use super::words::WordWriter;
use super::{rans_lanes, rans_step};
use crate::CodecError;
use crate::simd::{ByteLanes, Kernel, Lanes, dispatch};

pub(super) const PRECISION_BITS: u32 = 12;
pub(super) const N_SLOTS: usize = 1 << PRECISION_BITS;
/// What coding a byte takes.
pub(super) type Step = rans_step::Step<PRECISION_BITS>;
pub(super) const N_LANES: usize = 32;
pub(crate) const MIN_STATE: u32 = 1 << 15;
/// Bytes of the bits that say which bytes occur, and of the states.
const PRESENCE_BYTES: usize = 32;
pub(super) const STATE_BYTES: usize = 4 * N_LANES;

/// Slot → byte (8 bits), frequency − 1 (12 bits), offset in the byte's slots (12 bits).
type Table = [i32; N_SLOTS];

/// How often each byte occurs.
pub(crate) fn histogram(bytes: &[u8]) -> [u32; 256] {
    // Four tables, so that equal neighbours do not wait for each other.
    let mut counts = [[0_u32; 256]; 4];
    let (quads, rest) = bytes.as_chunks::<4>();
    for quad in quads {
        for (count, byte) in counts.iter_mut().zip(quad) {
            count[usize::from(*byte)] += 1;
        }
    }
    rest.iter().for_each(|byte| counts[0][usize::from(*byte)] += 1);
    std::array::from_fn(|i| counts.iter().map(|count| count[i]).sum())
}

/// About the bytes that [`encode`] needs for bytes with this histogram.
pub(crate) fn estimate(counts: &[u32; 256]) -> usize {
    let (n_bits, n_fixed) = cost(counts);
    (n_bits >> 3) as usize + n_fixed
}

/// About the bits of bytes with this histogram, and the bytes of the table and the states.
pub(crate) fn cost(counts: &[u32; 256]) -> (u64, usize) {
    let n_present = counts.iter().filter(|count| **count > 0).count();
    (entropy(counts) >> 16, PRESENCE_BYTES + STATE_BYTES + n_present)
}

/// Frequencies with sum 4096, none 0 where the count is not; at least one count is not 0.
pub(super) fn normalise(counts: &[u32; 256]) -> [u32; 256] {
    let n: u64 = counts.iter().map(|&count| u64::from(count)).sum::<u64>().max(1);
    let mut frequencies = counts.map(|count| {
        let share = (u64::from(count) * N_SLOTS as u64 + n / 2) / n;
        if count > 0 { share.max(1) as u32 } else { 0 }
    });
    let mut excess = frequencies.iter().sum::<u32>() as i32 - N_SLOTS as i32;
    // One slot at a time, where it costs least or gains most.
    let change = |i: usize, frequency: u32| i64::from(counts[i]) * 4096 / i64::from(frequency.max(1));
    let mut changes: [i64; 256] = std::array::from_fn(|i| change(i, frequencies[i]));
    while excess != 0 {
        let may_give = (0..256).filter(|&i| frequencies[i] > 1);
        let may_take = (0..256).filter(|&i| frequencies[i] > 0);
        let best = if excess > 0 {
            may_give.min_by_key(|&i| changes[i])
        } else {
            may_take.max_by_key(|&i| changes[i])
        };
        let Some(i) = best else { break };
        frequencies[i] = if excess > 0 { frequencies[i] - 1 } else { frequencies[i] + 1 };
        changes[i] = change(i, frequencies[i]);
        excess -= excess.signum();
    }
    frequencies
}

/// Appends `bytes`, which have the histogram `counts` and are not empty.
pub(crate) fn encode(bytes: &[u8], counts: &[u32; 256], out: &mut Vec<u8>) {
    let frequencies = normalise(counts);
    let mut steps = [[0; 2]; 256];
    let mut start = 0;
    let mut presence = [0_u8; PRESENCE_BYTES];
    let mut table = Vec::with_capacity(2 * 256);
    for (i, &frequency) in frequencies.iter().enumerate().filter(|(_, f)| **f > 0) {
        steps[i] = Step::new(start, frequency).pair();
        start += frequency;
        presence[i / 8] |= 1 << (i % 8);
        let less = frequency - 1;
        if less < 128 {
            table.push(less as u8);
        } else {
            table.extend_from_slice(&[less as u8 | 128, (less >> 7) as u8]);
        }
    }
    let (states, words) = dispatch(Encoding { steps: &steps, bytes });
    out.extend_from_slice(&presence);
    out.extend_from_slice(&table);
    states.iter().for_each(|state| out.extend_from_slice(&state.to_le_bytes()));
    out.extend_from_slice(words.bytes());
}

/// The encoder on eight lanes at a time, the last byte first; gives the states that a decoder begins with.
struct Encoding<'a> {
    steps: &'a [[i32; 2]; 256],
    bytes: &'a [u8],
}

impl Kernel for Encoding<'_> {
    type Output = ([u32; N_LANES], WordWriter);

    #[inline(always)]
    fn run<L: ByteLanes>(self, l: L) -> Self::Output {
        let Self { steps, bytes } = self;
        // A byte leaves at most one word.
        let mut words = WordWriter::new(bytes.len() + N_LANES);
        let (rows, rest) = bytes.as_chunks::<N_LANES>();
        let mut states = [MIN_STATE; N_LANES];
        encode_plain(steps, &mut states, rest, &mut words);
        let mut groups = rans_lanes::load(l, &states);
        for row in rows.iter().rev() {
            // Written out: in a loop the states would lie in memory.
            let [a, b, c, d] = groups;
            let d = encode_group::<L, 3>(l, steps, row, d, &mut words);
            let c = encode_group::<L, 2>(l, steps, row, c, &mut words);
            let b = encode_group::<L, 1>(l, steps, row, b, &mut words);
            let a = encode_group::<L, 0>(l, steps, row, a, &mut words);
            groups = [a, b, c, d];
        }
        (rans_lanes::store(l, groups), words)
    }
}

/// The states after the `K`-th eight bytes of a row.
#[inline(always)]
fn encode_group<L: Lanes, const K: usize>(
    l: L,
    steps: &[[i32; 2]; 256],
    row: &[u8; N_LANES],
    states: L::I,
    words: &mut WordWriter,
) -> L::I {
    let bytes = std::array::from_fn(|k| usize::from(row[8 * K + k]));
    Step::advance_all(l, states, l.look_up_pairs(steps, bytes), words)
}

/// The plain form, byte by byte; the first byte is that of the first state.
fn encode_plain(steps: &[[i32; 2]; 256], states: &mut [u32; N_LANES], bytes: &[u8], words: &mut WordWriter) {
    for (i, &byte) in bytes.iter().enumerate().rev() {
        let state = &mut states[i % N_LANES];
        *state = Step::of(steps[usize::from(byte)]).advance(*state, words);
    }
}

/// Decodes `out.len()` bytes from all of `coded`.
///
/// # Errors
/// `Truncated` or `Corrupt`; `out` then holds unspecified bytes.
pub(crate) fn decode(coded: &[u8], out: &mut [u8]) -> Result<(), CodecError> {
    let (table, rest) = read_table(coded)?;
    let (states, words) =
        rest.split_first_chunk::<STATE_BYTES>().ok_or(CodecError::Truncated { what: "coder states" })?;
    let mut state_words = [0; N_LANES];
    for (state, bytes) in state_words.iter_mut().zip(states.as_chunks::<4>().0) {
        *state = u32::from_le_bytes(*bytes);
    }
    if state_words.iter().any(|state| !(MIN_STATE..1 << 31).contains(state)) {
        return Err(CodecError::Corrupt { what: "a coder state is out of range" });
    }
    let (words, odd) = words.as_chunks::<2>();
    if !odd.is_empty() {
        return Err(CodecError::Corrupt { what: "half a word of coded bytes" });
    }
    let (states, at) = dispatch(Decoding { table: &table, states: state_words, words, out });
    if at > words.len() {
        return Err(CodecError::Truncated { what: "coded bytes" });
    }
    if at < words.len() || states != [MIN_STATE; N_LANES] {
        return Err(CodecError::Corrupt { what: "coded bytes do not end where they should" });
    }
    Ok(())
}

fn read_table(coded: &[u8]) -> Result<(Box<Table>, &[u8]), CodecError> {
    const TRUNCATED: CodecError = CodecError::Truncated { what: "table of frequencies" };
    let (presence, mut rest) = coded.split_first_chunk::<PRESENCE_BYTES>().ok_or(TRUNCATED)?;
    let mut entries = Vec::with_capacity(N_SLOTS);
    for byte in (0..256_u32).filter(|i| presence[*i as usize / 8] >> (i % 8) & 1 == 1) {
        let (&low, after) = rest.split_first().ok_or(TRUNCATED)?;
        rest = after;
        let mut less = u32::from(low & 127);
        if low > 127 {
            let (&high, after) = rest.split_first().ok_or(TRUNCATED)?;
            rest = after;
            if high == 0 || high > 31 {
                return Err(CodecError::Corrupt { what: "a frequency is out of range" });
            }
            less |= u32::from(high) << 7;
        }
        if entries.len() + less as usize >= N_SLOTS {
            return Err(CodecError::Corrupt { what: "the frequencies do not add up" });
        }
        entries.extend((0..=less).map(|offset| (byte | less << 8 | offset << 20) as i32));
    }
    let table: Result<Box<Table>, _> = entries.into_boxed_slice().try_into();
    table
        .map(|table| (table, rest))
        .map_err(|_| CodecError::Corrupt { what: "the frequencies do not add up" })
}

/// The decoder on eight lanes at a time; gives the last states and the number of words it took or wanted.
struct Decoding<'a> {
    table: &'a Table,
    states: [u32; N_LANES],
    words: &'a [[u8; 2]],
    out: &'a mut [u8],
}

/// Words made ready at once.
const WINDOW_WORDS: usize = 2048;

impl Kernel for Decoding<'_> {
    type Output = ([u32; N_LANES], usize);

    #[inline(always)]
    fn run<L: ByteLanes>(self, l: L) -> Self::Output {
        let Self { table, states, words, out } = self;
        let mut groups = rans_lanes::load(l, &states);
        // The words before `at` are taken; those from `base` on are ready in the window.
        let (mut window, mut base, mut n_ready) = ([0_u16; WINDOW_WORDS], 0, 0);
        let mut at = 0;
        let (rows, rest) = out.as_chunks_mut::<N_LANES>();
        let mut n_done = 0;
        // As long as a row cannot want more words than there are.
        for row in rows.iter_mut() {
            if base + n_ready < at + N_LANES {
                let next = words.get(at..).filter(|next| next.len() >= N_LANES);
                let Some(next) = next else { break };
                (base, n_ready) = (at, next.len().min(WINDOW_WORDS));
                window.iter_mut().zip(next).for_each(|(word, bytes)| *word = u16::from_le_bytes(*bytes));
            }
            let Some(next) = window.get(at - base..) else { break };
            let mut entries = groups;
            let mut taken = 0;
            for (group, entry) in groups.iter_mut().zip(&mut entries) {
                let state = *group;
                *entry = l.look_up(table, l.and(state, l.splat_i32(N_SLOTS as i32 - 1)));
                let frequency =
                    l.add_i32(l.and(l.shr::<8>(*entry), l.splat_i32(N_SLOTS as i32 - 1)), l.splat_i32(1));
                let state = l.add_i32(l.mul_i32(frequency, l.shr::<12>(state)), l.shr::<20>(*entry));
                *group = rans_lanes::refill(l, state, next, &mut taken);
            }
            at += taken;
            l.store_u8(l.narrow_u8(entries.map(|entry| l.and(entry, l.splat_i32(255)))), row);
            n_done += 1;
        }
        let mut states = rans_lanes::store(l, groups);
        let tail = rows.get_mut(n_done..).unwrap_or_default().iter_mut().flatten().chain(rest);
        decode_plain(table, &mut states, words, &mut at, tail);
        (states, at)
    }
}

/// The plain form, byte by byte.
fn decode_plain<'a>(
    table: &Table,
    states: &mut [u32; N_LANES],
    words: &[[u8; 2]],
    at: &mut usize,
    out: impl Iterator<Item = &'a mut u8>,
) {
    for (i, byte) in out.enumerate() {
        let state = &mut states[i % N_LANES];
        let entry = table[*state as usize % N_SLOTS] as u32;
        *byte = entry as u8;
        *state = ((entry >> 8) % N_SLOTS as u32 + 1) * (*state >> PRECISION_BITS) + (entry >> 20);
        if *state < MIN_STATE {
            let word = words.get(*at).copied().map_or(0, u16::from_le_bytes);
            *state = *state << 16 | u32::from(word);
            *at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn coded(bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        encode(bytes, &histogram(bytes), &mut out);
        out
    }

    /// Bytes of very different frequencies.
    fn skewed(n: usize, seed: u64) -> Vec<u8> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state >> 40
        };
        (0..n).map(|_| (next() as u8) >> (next() % 9).min(7)).collect()
    }

    proptest! {
        #[test]
        fn bytes_come_back(n in prop_oneof![1_usize..3000, 20_000_usize..21_000], seed in any::<u64>(), mask in any::<u8>()) {
            let bytes: Vec<u8> = skewed(n, seed).iter().map(|byte| byte & mask).collect();
            let coded = coded(&bytes);
            let mut out = vec![0; n];
            decode(&coded, &mut out).unwrap();
            prop_assert_eq!(&out, &bytes);
            // The plain form alone agrees.
            let (table, rest) = read_table(&coded).unwrap();
            let mut states = [0; N_LANES];
            for (state, bytes) in states.iter_mut().zip(rest.as_chunks::<4>().0) {
                *state = u32::from_le_bytes(*bytes);
            }
            let words = rest[STATE_BYTES..].as_chunks().0;
            let mut at = 0;
            out.fill(0);
            decode_plain(&table, &mut states, words, &mut at, out.iter_mut());
            prop_assert_eq!((&out, at, states), (&bytes, words.len(), [MIN_STATE; N_LANES]));
        }

        #[test]
        fn damage_is_refused_or_changes_bytes(seed in any::<u64>(), at in any::<u64>(), mask in 1_u8..) {
            let bytes = skewed(700, seed);
            let mut coded = coded(&bytes);
            let at = at as usize % coded.len();
            coded[at] ^= mask;
            let mut out = vec![0; 700];
            prop_assert!(decode(&coded, &mut out).is_err() || out != bytes);
        }
    }

    #[test]
    fn what_is_cut_or_grown_is_refused() {
        let bytes = skewed(500, 3);
        let good = coded(&bytes);
        let mut out = vec![0; 500];
        for n in 0..good.len() {
            assert!(decode(&good[..n], &mut out).is_err(), "{n}");
        }
        for extra in [&[0][..], &[0, 0], &[1; 64]] {
            assert!(decode(&[&good, extra].concat(), &mut out).is_err());
        }
        assert!(decode(&good, &mut out[..499]).is_err());
    }

    #[test]
    fn sizes_are_near_the_entropy() {
        let bytes = skewed(100_000, 1);
        let counts = histogram(&bytes);
        let size = coded(&bytes).len();
        assert!(size.abs_diff(estimate(&counts)) < size / 200, "{size} {}", estimate(&counts));
        assert!(coded(&[7; 100_000]).len() < 200);
    }
}
