//! Floats as the first bits of each, coded together, and the rest. `docs/codecs/tensor.md` §10.
//!
//! A token is one of 15 neighbouring exponents and the first four bits of the fraction: as fast as the plane of exponents, and
//! it tells where within an exponent the numbers lie.

use super::planes;
use super::word::Word;
use crate::CodecError;
use crate::simd::{ByteLanes, Kernel, dispatch};
use std::borrow::Cow;

/// Exponents of tokens; all others are exceptions.
const N_EXPONENTS: usize = 15;
/// The first token of exceptions.
const FIRST_EXCEPTION: u8 = 16 * N_EXPONENTS as u8;
/// An exponent that fewer words than one in so many have is better an exception: of the 4096 slots of a table its tokens take
/// 16, and 8 bits an exception cost as much from 2.4 slots on.
const MIN_SHARE: u32 = 1700;
/// First exponent, number of exceptions.
const HEAD_BYTES: usize = 5;
/// Tokens in which exceptions are looked for at once.
const BLOCK: usize = 64;
const CORRUPT: CodecError = CodecError::Corrupt { what: "leading bits" };

/// The most and the second most significant byte.
#[inline(always)]
fn leading<W: Word>(word: W) -> (u8, u8) {
    let shift = 8 * W::N_BYTES.saturating_sub(2);
    let both = (word.bits() >> shift) as u16;
    ((both >> 8) as u8, both as u8)
}

#[inline(always)]
fn token<W: Word>(word: W, first: u8) -> u8 {
    let (top, next) = leading(word);
    top.wrapping_sub(first).min(N_EXPONENTS as u8) << 4 | next >> 4
}

/// The first of the neighbouring exponents that most words have, without those so rare that their sixteen tokens would take slots
/// from others.
fn first_exponent(counts: &[u32; 256]) -> u8 {
    let in_window = |first: usize| (first..first + N_EXPONENTS).map(|e| counts[e % 256]);
    let first = (0..256).rev().max_by_key(|first| in_window(*first).sum::<u32>()).unwrap_or(0);
    let n_rare = counts.iter().sum::<u32>() / MIN_SHARE;
    (first + in_window(first).position(|count| count > n_rare).unwrap_or(0)) as u8
}

fn exponent_counts<W: Word>(words: &[W]) -> [u32; 256] {
    // Four tables, so that equal neighbours do not wait for each other.
    let mut counts = [[0_u32; 256]; 4];
    for quad in words.chunks(4) {
        for (count, word) in counts.iter_mut().zip(quad) {
            count[usize::from(leading(*word).0)] += 1;
        }
    }
    std::array::from_fn(|i| counts.iter().map(|count| count[i]).sum())
}

/// Where the tokens of exceptions are.
fn exceptional(tokens: &[u8]) -> impl Iterator<Item = usize> {
    let blocks = tokens.chunks(BLOCK).enumerate();
    let hit = blocks.filter(|(_, block)| block.iter().fold(0, |a, b| a.max(*b)) >= FIRST_EXCEPTION);
    hit.flat_map(|(k, block)| {
        let here = block.iter().enumerate().filter(|(_, token)| **token >= FIRST_EXCEPTION);
        here.map(move |(i, _)| k * BLOCK + i)
    })
}

/// Words to tokens, nibbles and the planes of their other bytes.
struct Take<'a, W> {
    words: &'a [W],
    first: u8,
    tokens: &'a mut [u8],
    nibbles: &'a mut [u8],
    others: &'a mut [u8],
}

impl<W: Word> Kernel for Take<'_, W> {
    type Output = ();

    #[inline(always)]
    fn run<L: ByteLanes>(self, _: L) {
        // Plain loops: the compiler makes the best of them with the instructions it was given.
        let Self { words, first, tokens, nibbles, others } = self;
        tokens.iter_mut().zip(words).for_each(|(out, word)| *out = token(*word, first));
        let (low, high) = words.split_at(nibbles.len());
        nibbles.iter_mut().zip(low).for_each(|(out, word)| *out = leading(*word).1 & 15);
        nibbles.iter_mut().zip(high).for_each(|(out, word)| *out |= leading(*word).1 << 4);
        for (p, plane) in others.chunks_exact_mut(words.len().max(1)).enumerate() {
            let shift = 8 * W::N_BYTES.saturating_sub(3 + p);
            plane.iter_mut().zip(words).for_each(|(out, word)| *out = (word.bits() >> shift) as u8);
        }
    }
}

/// Appends what the words are coded as; they are rotated. Nothing if they are not of 2 or 4 bytes.
pub(super) fn encode<W: Word>(words: &[W], out: &mut Vec<u8>) -> Option<()> {
    let (n, n_others) = (words.len(), W::N_BYTES.checked_sub(2).filter(|n| *n <= 2)?);
    let first = first_exponent(&exponent_counts(words));
    let (mut tokens, mut nibbles) = (vec![0; n], vec![0; n.div_ceil(2)]);
    let mut others = vec![0; n * n_others];
    dispatch(Take { words, first, tokens: &mut tokens, nibbles: &mut nibbles, others: &mut others });
    let exceptions: Vec<u8> =
        exceptional(&tokens).filter_map(|at| words.get(at)).map(|word| leading(*word).0).collect();
    out.push(first);
    out.extend((exceptions.len() as u32).to_le_bytes());
    for plane in [&tokens, &exceptions, &nibbles] {
        planes::encode(plane, plane.len(), out);
    }
    planes::encode(&others, n, out);
    Some(())
}

/// About the bytes that `n` rotated words like these need.
pub(super) fn promise<W: Word>(words: &[W], n: usize) -> usize {
    let first = first_exponent(&exponent_counts(words));
    let mut counts = [0_u32; 256];
    words.iter().for_each(|word| counts[usize::from(token(*word, first))] += 1);
    let n_exceptions: u32 = counts.iter().skip(usize::from(FIRST_EXCEPTION)).sum();
    let exceptions = (u64::from(n_exceptions) * n as u64 / words.len().max(1) as u64) as usize;
    let planes = planes::split(words);
    let others = planes.get(2 * words.len()..).unwrap_or_default();
    let others = planes::promise(others, words.len(), n);
    HEAD_BYTES + planes::plane_promise(&counts, n) + exceptions + n.div_ceil(2) + others
}

/// Tokens, nibbles and other planes to elements, exceptions with a wrong exponent.
struct Put<'a> {
    first: u8,
    tokens: &'a [u8],
    nibbles: &'a [u8],
    others: &'a [&'a [u8]],
    out: &'a mut [u8],
}

impl Kernel for Put<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: ByteLanes>(self, _: L) {
        // Plain loops: the compiler makes the best of them with the instructions it was given.
        let Self { first, tokens, nibbles, others, out } = self;
        let half = nibbles.len();
        let (low, high) = tokens.split_at(half);
        let upper =
            |token: u8, nibble: u8| u16::from_be_bytes([first.wrapping_add(token >> 4), token << 4 | nibble]);
        if let [c, d] = *others {
            let word = |upper: u16, c: u8, d: u8| {
                let rotated = u32::from(upper) << 16 | u32::from(u16::from_be_bytes([c, d]));
                rotated.rotate_right(1).to_le_bytes()
            };
            let (low_out, high_out) = out.as_chunks_mut().0.split_at_mut(half);
            let ((low_c, high_c), (low_d, high_d)) = (c.split_at(half), d.split_at(half));
            let lows = low.iter().zip(nibbles).zip(low_c.iter().zip(low_d));
            for (out, ((token, nibble), (c, d))) in low_out.iter_mut().zip(lows) {
                *out = word(upper(*token, nibble & 15), *c, *d);
            }
            let highs = high.iter().zip(nibbles).zip(high_c.iter().zip(high_d));
            for (out, ((token, nibble), (c, d))) in high_out.iter_mut().zip(highs) {
                *out = word(upper(*token, nibble >> 4), *c, *d);
            }
            return;
        }
        let (low_out, high_out) = out.as_chunks_mut().0.split_at_mut(half);
        for ((out, token), nibble) in low_out.iter_mut().zip(low).zip(nibbles) {
            *out = upper(*token, nibble & 15).rotate_right(1).to_le_bytes();
        }
        for ((out, token), nibble) in high_out.iter_mut().zip(high).zip(nibbles) {
            *out = upper(*token, nibble >> 4).rotate_right(1).to_le_bytes();
        }
    }
}

/// Elements of 2 or 4 bytes from all of `coded`, the rotation undone.
pub(super) fn decode<W: Word>(coded: &[u8], n_words: usize, out: &mut [u8]) -> Result<(), CodecError> {
    let (head, rest) =
        coded.split_first_chunk::<HEAD_BYTES>().ok_or(CodecError::Truncated { what: "leading bits" })?;
    let [first, size @ ..] = *head;
    let n_exceptions = u32::from_le_bytes(size) as usize;
    if n_exceptions > n_words || !matches!(W::N_BYTES, 2 | 4) {
        return Err(CORRUPT);
    }
    let (tokens, rest) = planes::take(rest, n_words)?;
    let (exceptions, rest) =
        if n_exceptions > 0 { planes::take(rest, n_exceptions)? } else { (Cow::Borrowed(&[][..]), rest) };
    let (nibbles, rest) = planes::take(rest, n_words.div_ceil(2))?;
    let others = planes::decode(rest, n_words, W::N_BYTES.saturating_sub(2))?;
    if n_words % 2 == 1 && nibbles.last().is_some_and(|last| *last > 15) {
        return Err(CORRUPT);
    }
    let others: Vec<&[u8]> = others.iter().map(AsRef::as_ref).collect();
    dispatch(Put { first, tokens: &tokens, nibbles: &nibbles, others: &others, out });
    let mut left = exceptions.iter();
    for at in exceptional(&tokens) {
        let top =
            left.next().filter(|top| usize::from(top.wrapping_sub(first)) >= N_EXPONENTS).ok_or(CORRUPT)?;
        let shift = 8 * (W::N_BYTES - 1);
        let below = W::at(out, at).rotate_up().bits() & !(u64::MAX << shift);
        let word = W::of(below | u64::from(*top) << shift).rotate_down();
        if let Some(out) = out.get_mut(at * W::N_BYTES..(at + 1) * W::N_BYTES) {
            W::to_bytes(&[word], out);
        }
    }
    if left.next().is_some() { Err(CORRUPT) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check<W: Word + std::fmt::Debug>(bytes: &[u8]) {
        let words = W::from_bytes(bytes);
        let rotated: Vec<W> = words.iter().map(|word| word.rotate_up()).collect();
        let mut coded = Vec::new();
        encode(&rotated, &mut coded).unwrap();
        let mut out = vec![1; words.len() * W::N_BYTES];
        decode::<W>(&coded, words.len(), &mut out).unwrap();
        assert_eq!(W::from_bytes(&out), words);
        for n in 0..coded.len().min(40) {
            assert!(decode::<W>(&coded[..n], words.len(), &mut out).is_err(), "{n}");
        }
        assert!(decode::<W>(&[&coded[..], &[0]].concat(), words.len(), &mut out).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn any_words_come_back(bytes in prop::collection::vec(any::<u8>(), 4..900), mask in any::<u8>()) {
            let bytes: Vec<u8> = bytes.iter().enumerate().map(|(i, b)| if i % 4 == 3 { b & mask } else { *b }).collect();
            check::<u16>(&bytes);
            check::<u32>(&bytes);
        }
    }

    /// The spec's words, by hand: two exponents, an exception, an odd number of words.
    #[test]
    fn bytes_are_those_of_the_specification() {
        // Exponents 127, 127, 200 and fractions 0x55, 0x7F, 0x01 of bfloat16, the second negative.
        let words = [0x3FD5_u16, 0xBFFF, 0x6401].map(|word| word.rotate_left(1));
        assert_eq!(words, [0x7FAA, 0x7FFF, 0xC802]);
        let mut coded = Vec::new();
        encode(&words, &mut coded).unwrap();
        let tokens = [0, 3, 0, 0, 0, 10, 15, 15 << 4];
        let exceptions = [1, 1, 0, 0, 0, 200];
        let nibbles = [0, 2, 0, 0, 0, 0x2A, 0x0F];
        assert_eq!(coded, [&[127, 1, 0, 0, 0][..], &tokens, &exceptions, &nibbles].concat());
        let mut out = [0; 6];
        decode::<u16>(&coded, 3, &mut out).unwrap();
        assert_eq!(out, [0xD5, 0x3F, 0xFF, 0xBF, 0x01, 0x64]);
        // Fewer and more exceptions than tokens say, one that is none, a half byte that is nobody's.
        for (at, value) in [(1, 0), (1, 2), (12, 0xE0), (10, 0xF0), (18, 127), (18, 141), (25, 0x1F)] {
            let mut bad = coded.clone();
            bad[at] = value;
            assert!(decode::<u16>(&bad, 3, &mut out).is_err(), "{at} {value}");
        }
    }

    #[test]
    fn normal_numbers_are_nearer_to_their_entropy_than_planes() {
        let mut state = 3_u64;
        let mut uniform = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((state >> 40) as f32 + 0.5) / (1 << 24) as f32
        };
        let words: Vec<u16> = (0..100_000)
            .map(|_| {
                let value = (-2.0 * uniform().ln()).sqrt() * (std::f32::consts::TAU * uniform()).cos();
                half::bf16::from_f32(value).to_bits().rotate_left(1)
            })
            .collect();
        let (mut coded, mut planes) = (Vec::new(), Vec::new());
        encode(&words, &mut coded).unwrap();
        planes::encode(&planes::split(&words), words.len(), &mut planes);
        assert!(coded.len() + words.len() / 200 < planes.len(), "{} {}", coded.len(), planes.len());
        let some = &words[..10_000];
        assert!(promise(some, words.len()).abs_diff(coded.len()) < coded.len() / 200);
        let mut out = vec![0; 2 * words.len()];
        decode::<u16>(&coded, words.len(), &mut out).unwrap();
        assert!(u16::from_bytes(&out).iter().zip(&words).all(|(a, b)| a.rotate_left(1) == *b));
    }
}
