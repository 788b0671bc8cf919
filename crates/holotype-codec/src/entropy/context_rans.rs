//! Static rANS of bytes under contexts the decoder knows beforehand: a table a context, 32 interleaved states.
//! `docs/codecs/tensor.md` §7.
//!
//! States and their words are those of [`byte_rans`](super::byte_rans); only the table changes from byte to byte.

use super::byte_rans::{MIN_STATE, N_LANES, N_SLOTS, PRECISION_BITS, STATE_BYTES, Step, normalise};
use super::rans_lanes;
use super::words::WordWriter;
use crate::CodecError;
use crate::simd::{ByteLanes, Kernel, dispatch};

/// Most contexts.
pub(crate) const MAX_CONTEXTS: usize = 32;

/// Appends `bytes` under `contexts`, one for each, all below the number of `histograms`, which are those of the bytes
/// of each context. None of them is empty.
pub(crate) fn encode(bytes: &[u8], contexts: &[u8], histograms: &[[u32; 256]], out: &mut Vec<u8>) {
    let mut steps = vec![Step::default(); histograms.len() * 256];
    for (steps, counts) in steps.chunks_exact_mut(256).zip(histograms) {
        let frequencies = normalise(counts);
        write_table(&frequencies, out);
        let mut start = 0;
        for (step, frequency) in steps.iter_mut().zip(frequencies).filter(|(_, frequency)| *frequency > 0) {
            *step = Step::new(start, frequency);
            start += frequency;
        }
    }
    let mut states = [MIN_STATE; N_LANES];
    // A byte leaves at most one word.
    let mut words = WordWriter::new(bytes.len() + N_LANES);
    for (i, (&byte, &context)) in bytes.iter().zip(contexts).enumerate().rev() {
        let step = steps.get(usize::from(context) << 8 | usize::from(byte)).copied().unwrap_or_default();
        let state = &mut states[i % N_LANES];
        *state = step.advance(*state, &mut words);
    }
    states.iter().for_each(|state| out.extend_from_slice(&state.to_le_bytes()));
    let words = words.bytes();
    out.extend_from_slice(&(words.len() as u32 / 2).to_le_bytes());
    out.extend_from_slice(words);
}

/// About the bytes of a table.
pub(crate) fn table_bytes(counts: &[u32; 256]) -> usize {
    let gaps = counts.windows(2).filter(|pair| pair[0] > 0 && pair[1] == 0).count();
    counts.iter().filter(|count| **count > 0).count() * 9 / 8 + 2 * gaps
}

/// Frequencies in order until their sum is 4096; a 0 is followed by the number of zeros after it.
fn write_table(frequencies: &[u32; 256], out: &mut Vec<u8>) {
    let last = frequencies.iter().rposition(|frequency| *frequency > 0).unwrap_or(0);
    let mut rest = frequencies.get(..=last).unwrap_or_default();
    while let Some((&frequency, after)) = rest.split_first() {
        rest = after;
        if frequency == 0 {
            let n = rest.iter().take_while(|frequency| **frequency == 0).count();
            out.extend_from_slice(&[0, n as u8]);
            rest = rest.get(n..).unwrap_or_default();
        } else if frequency < 128 {
            out.push(frequency as u8);
        } else {
            out.extend_from_slice(&[frequency as u8 | 128, (frequency >> 7) as u8]);
        }
    }
}

/// Slots of all contexts: byte (8 bits), frequency − 1 (12 bits), offset in the byte's slots (12 bits).
#[derive(Debug)]
pub(crate) struct Tables(Vec<i32>);

impl Tables {
    /// Reads `n_contexts` tables; gives the bytes after them.
    pub(crate) fn read(coded: &[u8], n_contexts: usize) -> Result<(Self, &[u8]), CodecError> {
        let mut slots = Vec::with_capacity(n_contexts.min(MAX_CONTEXTS) * N_SLOTS);
        let mut rest = coded;
        for context in 0..n_contexts {
            rest = read_table(rest, &mut slots, (context + 1) * N_SLOTS)?;
        }
        Ok((Self(slots), rest))
    }
}

fn read_table<'a>(coded: &'a [u8], slots: &mut Vec<i32>, end: usize) -> Result<&'a [u8], CodecError> {
    const CORRUPT: CodecError = CodecError::Corrupt { what: "the frequencies do not add up" };
    let mut rest = coded;
    let mut next = || {
        let (&byte, after) =
            rest.split_first().ok_or(CodecError::Truncated { what: "table of frequencies" })?;
        rest = after;
        Ok(byte)
    };
    let mut byte = 0_u32;
    while slots.len() < end {
        let low = u32::from(next()?);
        let frequency = match low {
            0 => {
                byte += u32::from(next()?) + 1;
                continue;
            }
            1..128 => low,
            _ => match u32::from(next()?) {
                high @ 1..=32 => low & 127 | high << 7,
                _ => return Err(CORRUPT),
            },
        };
        if byte > 255 || slots.len() + frequency as usize > end {
            return Err(CORRUPT);
        }
        slots.extend((0..frequency).map(|offset| (byte | (frequency - 1) << 8 | offset << 20) as i32));
        byte += 1;
    }
    Ok(rest)
}

/// Decodes a byte for each of `contexts`, which are below the number of tables; gives what follows.
///
/// # Errors
/// `Truncated` or `Corrupt`; `out` then holds unspecified bytes.
pub(crate) fn decode<'a>(
    tables: &Tables,
    coded: &'a [u8],
    contexts: &[u8],
    out: &mut [u8],
) -> Result<&'a [u8], CodecError> {
    const TRUNCATED: CodecError = CodecError::Truncated { what: "coded bytes" };
    let (states, rest) = coded.split_first_chunk::<STATE_BYTES>().ok_or(TRUNCATED)?;
    let mut state_words = [0; N_LANES];
    for (state, bytes) in state_words.iter_mut().zip(states.as_chunks::<4>().0) {
        *state = u32::from_le_bytes(*bytes);
    }
    if state_words.iter().any(|state| !(MIN_STATE..1 << 31).contains(state)) {
        return Err(CodecError::Corrupt { what: "a coder state is out of range" });
    }
    let (n_words, rest) = rest.split_first_chunk().ok_or(TRUNCATED)?;
    let n_words = u32::from_le_bytes(*n_words) as usize;
    let (words, rest) = n_words.checked_mul(2).and_then(|n| rest.split_at_checked(n)).ok_or(TRUNCATED)?;
    let words: Vec<u16> = words.as_chunks().0.iter().map(|word| u16::from_le_bytes(*word)).collect();
    let (states, at) =
        dispatch(Decoding { tables: &tables.0, states: state_words, words: &words, contexts, out });
    if at > words.len() {
        return Err(TRUNCATED);
    }
    if at < words.len() || states != [MIN_STATE; N_LANES] {
        return Err(CodecError::Corrupt { what: "coded bytes do not end where they should" });
    }
    Ok(rest)
}

/// The decoder on eight lanes at a time; gives the last states and the number of words it took or wanted.
struct Decoding<'a> {
    tables: &'a [i32],
    states: [u32; N_LANES],
    words: &'a [u16],
    contexts: &'a [u8],
    out: &'a mut [u8],
}

impl Kernel for Decoding<'_> {
    type Output = ([u32; N_LANES], usize);

    #[inline(always)]
    fn run<L: ByteLanes>(self, l: L) -> Self::Output {
        let Self { tables, states, words, contexts, out } = self;
        let mut groups = rans_lanes::load(l, &states);
        let slot_mask = l.splat_i32(N_SLOTS as i32 - 1);
        let mut at = 0;
        let (rows, rest) = out.as_chunks_mut::<N_LANES>();
        let mut n_done = 0;
        // As long as a row cannot want more words than there are.
        for (row, contexts) in rows.iter_mut().zip(contexts.as_chunks::<N_LANES>().0) {
            let Some(next) = words.get(at..).filter(|next| next.len() >= N_LANES) else { break };
            let mut entries = l.widen_u8(l.load_u8(contexts));
            let mut taken = 0;
            for (group, entry) in groups.iter_mut().zip(&mut entries) {
                let state = *group;
                let mut slots = [0; 8];
                l.store_i32(l.or(l.shl::<12>(*entry), l.and(state, slot_mask)), &mut slots);
                *entry = l.load_i32(&slots.map(|slot| tables.get(slot as usize).copied().unwrap_or(0)));
                let frequency = l.add_i32(l.and(l.shr::<8>(*entry), slot_mask), l.splat_i32(1));
                // The offset fills the topmost bits.
                let offset = l.and(l.shr::<20>(*entry), slot_mask);
                let state = l.add_i32(l.mul_i32(frequency, l.shr::<12>(state)), offset);
                *group = rans_lanes::refill(l, state, next, &mut taken);
            }
            at += taken;
            l.store_u8(l.narrow_u8(entries.map(|entry| l.and(entry, l.splat_i32(255)))), row);
            n_done += 1;
        }
        let mut states = rans_lanes::store(l, groups);
        let tail = rows.get_mut(n_done..).unwrap_or_default().iter_mut().flatten().chain(rest);
        let contexts = contexts.get(n_done * N_LANES..).unwrap_or_default();
        decode_plain(tables, &mut states, words, &mut at, contexts, tail);
        (states, at)
    }
}

/// The plain form, byte by byte.
fn decode_plain<'a>(
    tables: &[i32],
    states: &mut [u32; N_LANES],
    words: &[u16],
    at: &mut usize,
    contexts: &[u8],
    out: impl Iterator<Item = &'a mut u8>,
) {
    for (i, (byte, context)) in out.zip(contexts).enumerate() {
        let state = &mut states[i % N_LANES];
        let slot = usize::from(*context) * N_SLOTS + *state as usize % N_SLOTS;
        let entry = tables.get(slot).copied().unwrap_or(0) as u32;
        *byte = entry as u8;
        *state = ((entry >> 8) % N_SLOTS as u32 + 1) * (*state >> PRECISION_BITS) + (entry >> 20);
        if *state < MIN_STATE {
            *state = *state << 16 | u32::from(words.get(*at).copied().unwrap_or(0));
            *at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn histograms(bytes: &[u8], contexts: &[u8], n: usize) -> Vec<[u32; 256]> {
        let mut histograms = vec![[0; 256]; n];
        bytes.iter().zip(contexts).for_each(|(b, c)| histograms[usize::from(*c)][usize::from(*b)] += 1);
        histograms
    }

    fn content(n: usize, n_contexts: usize, seed: u64) -> (Vec<u8>, Vec<u8>) {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state >> 40
        };
        let contexts: Vec<u8> = (0..n)
            .map(|i| if i < n_contexts { i as u8 } else { (next() % n_contexts as u64) as u8 })
            .collect();
        let bytes = contexts.iter().map(|context| (next() as u8) >> (context % 9).min(7)).collect();
        (bytes, contexts)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn bytes_come_back(n_contexts in 1_usize..=MAX_CONTEXTS, more in 0_usize..3000, seed in any::<u64>()) {
            let (bytes, contexts) = content(n_contexts + more, n_contexts, seed);
            let mut coded = Vec::new();
            encode(&bytes, &contexts, &histograms(&bytes, &contexts, n_contexts), &mut coded);
            coded.extend_from_slice(b"after");
            let (tables, rest) = Tables::read(&coded, n_contexts).unwrap();
            let mut out = vec![0; bytes.len()];
            prop_assert_eq!(decode(&tables, rest, &contexts, &mut out).unwrap(), b"after");
            prop_assert_eq!(&out, &bytes);
            for end in [coded.len() - 6, rest.len() / 2, 3] {
                let cut = Tables::read(&coded[..end], n_contexts)
                    .and_then(|(tables, rest)| decode(&tables, rest, &contexts, &mut out).map(drop));
                prop_assert!(cut.is_err());
            }
        }
    }

    #[test]
    fn one_value_in_a_context_costs_nothing() {
        let (bytes, contexts) = (vec![9; 100_000], vec![0; 100_000]);
        let mut coded = Vec::new();
        encode(&bytes, &contexts, &histograms(&bytes, &contexts, 1), &mut coded);
        assert_eq!(coded.len(), 4 + STATE_BYTES + 4);
    }
}
