//! Words as planes of bytes, the most significant first, each coded alone. `docs/codecs/tensor.md` §4.

use super::WordKind;
use super::stream::Map;
use super::word::Word;
use crate::CodecError;
use crate::entropy::byte_rans;
use crate::simd::{ByteLanes, Kernel, dispatch};
use std::borrow::Cow;
use std::marker::PhantomData;

/// Wire values of how a plane is coded. Append only.
mod coder {
    pub(super) const RAW: u8 = 0;
    pub(super) const CONSTANT: u8 = 1;
    pub(super) const RANS: u8 = 2;
}

/// A plane stays raw unless coding saves one part in so many.
const MIN_GAIN: usize = 64;
/// Bytes of a plane looked at first.
const SAMPLE_BYTES: usize = 4096;

struct Split<'a, W> {
    words: &'a [W],
    planes: &'a mut [u8],
}

impl<W: Word> Kernel for Split<'_, W> {
    type Output = ();

    #[inline(always)]
    fn run<L: ByteLanes>(self, _: L) {
        // Plain loops: the compiler makes the best of them with the instructions it was given.
        let Self { words, planes } = self;
        for (p, plane) in planes.chunks_exact_mut(words.len().max(1)).enumerate() {
            let shift = 8 * (W::N_BYTES - 1 - p);
            for (byte, word) in plane.iter_mut().zip(words) {
                *byte = (word.bits() >> shift) as u8;
            }
        }
    }
}

/// Puts words together and where they belong, each changed by `change`.
#[inline(always)]
fn merge_by<W: Word>(planes: &[&[u8]], out: &mut [u8], change: impl Fn(W) -> W) {
    match *planes {
        [a] => out.iter_mut().zip(a).for_each(|(out, a)| *out = change(W::of(u64::from(*a))).bits() as u8),
        [a, b] => {
            for ((out, a), b) in out.as_chunks_mut().0.iter_mut().zip(a).zip(b) {
                let word = W::of(u64::from(u16::from_be_bytes([*a, *b])));
                *out = (change(word).bits() as u16).to_le_bytes();
            }
        }
        [a, b, c, d] => {
            let low = c.iter().zip(d);
            for (((out, a), b), (c, d)) in out.as_chunks_mut().0.iter_mut().zip(a).zip(b).zip(low) {
                let word = W::of(u64::from(u32::from_be_bytes([*a, *b, *c, *d])));
                *out = (change(word).bits() as u32).to_le_bytes();
            }
        }
        [a, b, c, d, e, f, g, h] => {
            let high = a.iter().zip(b).zip(c.iter().zip(d));
            let low = e.iter().zip(f).zip(g.iter().zip(h));
            let words = high.zip(low);
            for (out, (((a, b), (c, d)), ((e, f), (g, h)))) in out.as_chunks_mut().0.iter_mut().zip(words) {
                let word = W::of(u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]));
                *out = change(word).bits().to_le_bytes();
            }
        }
        _ => {}
    }
}

/// Planes to elements that are mapped to words.
struct Merge<'a, W> {
    planes: &'a [&'a [u8]],
    map: Map,
    kind: WordKind,
    out: &'a mut [u8],
    word: PhantomData<W>,
}

impl<W: Word> Kernel for Merge<'_, W> {
    type Output = ();

    #[inline(always)]
    fn run<L: ByteLanes>(self, _: L) {
        // Plain loops: the compiler makes the best of them with the instructions it was given.
        let Self { planes, map, kind, out, .. } = self;
        match (map, kind) {
            (Map::None, _) => merge_by::<W>(planes, out, |word| word),
            (Map::Rotate, _) => merge_by::<W>(planes, out, W::rotate_down),
            (Map::Order, WordKind::Float) => {
                merge_by::<W>(planes, out, |word| word.unordered(WordKind::Float));
            }
            (Map::Order, kind) => merge_by::<W>(planes, out, |word| word.unordered(kind)),
        }
    }
}

/// The planes of `words`, one after the other.
pub(super) fn split<W: Word>(words: &[W]) -> Vec<u8> {
    let mut planes = vec![0; words.len() * W::N_BYTES];
    dispatch(Split { words, planes: &mut planes });
    planes
}

/// Inverse of [`split`], with the map undone: elements into `out`, which has as many bytes as the planes.
pub(super) fn merge<W: Word>(planes: &[&[u8]], map: Map, kind: WordKind, out: &mut [u8]) {
    dispatch(Merge { planes, map, kind, out, word: PhantomData::<W> });
}

/// About the bytes that [`encode`] needs for `n` words like the `n_words` of these planes.
pub(super) fn promise(planes: &[u8], n_words: usize, n: usize) -> usize {
    planes.chunks_exact(n_words.max(1)).map(|plane| plane_promise(&byte_rans::histogram(plane), n) + 5).sum()
}

/// About the bytes of a plane of `n` bytes that are like those counted.
pub(super) fn plane_promise(counts: &[u32; 256], n: usize) -> usize {
    let n_counted = counts.iter().map(|count| u64::from(*count)).sum::<u64>().max(1);
    if counts.iter().filter(|count| **count > 0).count() < 2 {
        return 1;
    }
    let (n_bits, n_table_bytes) = plane_bits(counts);
    let coded = ((n_bits * n as u64 / n_counted) >> 3) as usize + n_table_bytes;
    if coded + n / MIN_GAIN < n { coded } else { n }
}

/// About the bits of bytes of a plane of which these were counted, and the bytes of their table.
fn plane_bits(counts: &[u32; 256]) -> (u64, usize) {
    let n_present = counts.iter().filter(|count| **count > 0).count() as u64;
    let (n_bits, n_table_bytes) = byte_rans::cost(counts);
    // Some values of many seem to be less evenly spread than all are (Miller and Madow).
    (n_bits + n_present.saturating_sub(1) * 18 / 25, n_table_bytes)
}

/// True if some bytes of a plane are so evenly spread that coding all of them would save nothing.
fn is_noise(plane: &[u8]) -> bool {
    let step = plane.len() / SAMPLE_BYTES;
    if step < 2 {
        return false;
    }
    // An odd step does not always meet the same part of an element.
    let mut counts = [0; 256];
    plane.iter().step_by(step | 1).for_each(|byte| counts[usize::from(*byte)] += 1);
    let n: u32 = counts.iter().sum();
    plane_bits(&counts).0 + u64::from(n) * 8 / (2 * MIN_GAIN as u64) > u64::from(n) * 8
}

fn choose(plane: &[u8], counts: &[u32; 256]) -> u8 {
    if plane.first().is_some_and(|first| counts[usize::from(*first)] as usize == plane.len()) {
        return coder::CONSTANT;
    }
    let coded = byte_rans::estimate(counts);
    if coded + plane.len() / MIN_GAIN < plane.len() { coder::RANS } else { coder::RAW }
}

/// Appends the planes of `n_words` ≥ 1 words: for each a coder and a length, then their bytes.
pub(super) fn encode(planes: &[u8], n_words: usize, out: &mut Vec<u8>) {
    for plane in planes.chunks_exact(n_words.max(1)) {
        let counts = if is_noise(plane) { None } else { Some(byte_rans::histogram(plane)) };
        let id = counts.as_ref().map_or(coder::RAW, |counts| choose(plane, counts));
        let head = out.len();
        out.extend_from_slice(&[id, 0, 0, 0, 0]);
        match (id, &counts) {
            (coder::CONSTANT, _) => out.extend(plane.first()),
            (coder::RANS, Some(counts)) => byte_rans::encode(plane, counts, out),
            _ => out.extend_from_slice(plane),
        }
        let n = (out.len() - head - 5) as u32;
        if let Some(length) = out.get_mut(head + 1..head + 5) {
            length.copy_from_slice(&n.to_le_bytes());
        }
    }
}

/// The planes of `n_words` words of `n_bytes` bytes from all of `coded`, left there where they lie as they are.
pub(super) fn decode(
    mut coded: &[u8],
    n_words: usize,
    n_bytes: usize,
) -> Result<Vec<Cow<'_, [u8]>>, CodecError> {
    let mut planes = Vec::with_capacity(n_bytes);
    for _ in 0..n_bytes {
        let (plane, rest) = take(coded, n_words)?;
        planes.push(plane);
        coded = rest;
    }
    if coded.is_empty() { Ok(planes) } else { Err(CodecError::Corrupt { what: "bytes after the planes" }) }
}

/// A plane of `n` bytes, and what follows it.
pub(super) fn take(coded: &[u8], n: usize) -> Result<(Cow<'_, [u8]>, &[u8]), CodecError> {
    let [id, a, b, c, d, rest @ ..] = coded else {
        return Err(CodecError::Truncated { what: "head of a plane" });
    };
    let size = u32::from_le_bytes([*a, *b, *c, *d]) as usize;
    let (body, rest) = rest.split_at_checked(size).ok_or(CodecError::Truncated { what: "a plane" })?;
    let plane = match (*id, body) {
        (coder::RAW, body) if body.len() == n => Cow::Borrowed(body),
        (coder::CONSTANT, [value]) => Cow::Owned(vec![*value; n]),
        (coder::RANS, body) => {
            let mut plane = vec![0; n];
            byte_rans::decode(body, &mut plane)?;
            Cow::Owned(plane)
        }
        (coder::RAW | coder::CONSTANT, _) => {
            return Err(CodecError::Corrupt { what: "a plane has another length" });
        }
        (id, _) => return Err(CodecError::Unsupported { what: "plane coder", id: u32::from(id) }),
    };
    Ok((plane, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check<W: Word + std::fmt::Debug>(bytes: &[u8]) {
        let words = W::from_bytes(bytes);
        let planes = split(&words);
        let plain: Vec<u8> = (0..W::N_BYTES)
            .flat_map(|p| words.iter().map(move |word| (word.bits() >> (8 * (W::N_BYTES - 1 - p))) as u8))
            .collect();
        assert_eq!(planes, plain);
        let parts: Vec<&[u8]> = planes.chunks_exact(words.len().max(1)).collect();
        let mut merged = vec![0; planes.len()];
        merge::<W>(&parts, Map::None, WordKind::Unsigned, &mut merged);
        assert_eq!(W::from_bytes(&merged), words);
        for kind in [WordKind::Unsigned, WordKind::Signed, WordKind::Float] {
            merge::<W>(&parts, Map::Order, kind, &mut merged);
            assert!(W::from_bytes(&merged).iter().zip(&words).all(|(m, w)| *m == w.unordered(kind)));
        }
        merge::<W>(&parts, Map::Rotate, WordKind::Float, &mut merged);
        assert!(W::from_bytes(&merged).iter().zip(&words).all(|(m, w)| *m == w.rotate_down()));
        let mut coded = Vec::new();
        encode(&planes, words.len(), &mut coded);
        assert_eq!(decode(&coded, words.len(), W::N_BYTES).unwrap().concat(), planes);
        for n in 0..coded.len() {
            assert!(decode(&coded[..n], words.len(), W::N_BYTES).is_err());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn words_come_back(bytes in prop::collection::vec(prop_oneof![Just(0_u8), any::<u8>(), 0..9_u8], 8..1200)) {
            check::<u8>(&bytes);
            check::<u16>(&bytes);
            check::<u32>(&bytes);
            check::<u64>(&bytes);
        }
    }

    #[test]
    fn a_constant_plane_takes_six_bytes() {
        let words = vec![0x0102_u16; 1000];
        let mut coded = Vec::new();
        encode(&split(&words), words.len(), &mut coded);
        assert_eq!(coded.len(), 12);
    }
}
