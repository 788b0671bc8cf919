//! Words as planes of bytes, the most significant first, each coded alone. `docs/codecs/tensor.md` §4.

use super::word::Word;
use crate::CodecError;
use crate::entropy::byte_rans;
use crate::simd::{ByteLanes, Kernel, dispatch};

/// Wire values of how a plane is coded. Append only.
mod coder {
    pub(super) const RAW: u8 = 0;
    pub(super) const CONSTANT: u8 = 1;
    pub(super) const RANS: u8 = 2;
}

/// A plane stays raw unless coding saves one part in so many.
const MIN_GAIN: usize = 64;

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

struct Merge<'a, W> {
    planes: &'a [u8],
    words: &'a mut [W],
}

impl<W: Word> Kernel for Merge<'_, W> {
    type Output = ();

    #[inline(always)]
    fn run<L: ByteLanes>(self, _: L) {
        let Self { planes, words } = self;
        let n = words.len();
        let plane = |p: usize| planes.get(p * n..(p + 1) * n).unwrap_or_default();
        match W::N_BYTES {
            1 => words.iter_mut().zip(plane(0)).for_each(|(word, a)| *word = W::of(u64::from(*a))),
            2 => {
                for ((word, a), b) in words.iter_mut().zip(plane(0)).zip(plane(1)) {
                    *word = W::of(u64::from(u16::from_be_bytes([*a, *b])));
                }
            }
            4 => {
                let low = plane(2).iter().zip(plane(3));
                for (((word, a), b), (c, d)) in words.iter_mut().zip(plane(0)).zip(plane(1)).zip(low) {
                    *word = W::of(u64::from(u32::from_be_bytes([*a, *b, *c, *d])));
                }
            }
            _ => {
                let high = plane(0).iter().zip(plane(1)).zip(plane(2).iter().zip(plane(3)));
                let low = plane(4).iter().zip(plane(5)).zip(plane(6).iter().zip(plane(7)));
                for ((word, ((a, b), (c, d))), ((e, f), (g, h))) in words.iter_mut().zip(high).zip(low) {
                    *word = W::of(u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]));
                }
            }
        }
    }
}

/// The planes of `words`, one after the other.
pub(super) fn split<W: Word>(words: &[W]) -> Vec<u8> {
    let mut planes = vec![0; words.len() * W::N_BYTES];
    dispatch(Split { words, planes: &mut planes });
    planes
}

/// Inverse of [`split`]; `planes` has `words.len() * W::N_BYTES` bytes.
pub(super) fn merge<W: Word>(planes: &[u8], words: &mut [W]) {
    dispatch(Merge { planes, words });
}

/// About the bytes that [`encode`] needs.
pub(super) fn estimate(planes: &[u8], n_words: usize) -> usize {
    planes.chunks_exact(n_words.max(1)).map(|plane| choose(plane, &byte_rans::histogram(plane)).1 + 5).sum()
}

fn choose(plane: &[u8], counts: &[u32; 256]) -> (u8, usize) {
    if plane.first().is_some_and(|first| counts[usize::from(*first)] as usize == plane.len()) {
        return (coder::CONSTANT, 1);
    }
    let coded = byte_rans::estimate(counts);
    if coded + plane.len() / MIN_GAIN < plane.len() {
        (coder::RANS, coded)
    } else {
        (coder::RAW, plane.len())
    }
}

/// Appends the planes of `n_words` words: for each a coder and a length, then their bytes.
pub(super) fn encode(planes: &[u8], n_words: usize, out: &mut Vec<u8>) {
    for plane in planes.chunks_exact(n_words.max(1)) {
        let counts = byte_rans::histogram(plane);
        let (id, _) = choose(plane, &counts);
        let head = out.len();
        out.extend_from_slice(&[id, 0, 0, 0, 0]);
        match id {
            coder::CONSTANT => out.extend(plane.first()),
            coder::RANS => byte_rans::encode(plane, &counts, out),
            _ => out.extend_from_slice(plane),
        }
        let n = (out.len() - head - 5) as u32;
        if let Some(length) = out.get_mut(head + 1..head + 5) {
            length.copy_from_slice(&n.to_le_bytes());
        }
    }
}

/// Decodes the planes of `n_words` words of `n_bytes` bytes from all of `coded`.
pub(super) fn decode(mut coded: &[u8], n_words: usize, n_bytes: usize) -> Result<Vec<u8>, CodecError> {
    let mut planes = vec![0; n_words * n_bytes];
    for plane in planes.chunks_exact_mut(n_words.max(1)) {
        let [id, a, b, c, d, rest @ ..] = coded else {
            return Err(CodecError::Truncated { what: "head of a plane" });
        };
        let n = u32::from_le_bytes([*a, *b, *c, *d]) as usize;
        let (body, rest) = rest.split_at_checked(n).ok_or(CodecError::Truncated { what: "a plane" })?;
        coded = rest;
        match (*id, body) {
            (coder::RAW, body) if body.len() == plane.len() => plane.copy_from_slice(body),
            (coder::CONSTANT, [value]) => plane.fill(*value),
            (coder::RANS, body) => byte_rans::decode(body, plane)?,
            (coder::RAW | coder::CONSTANT, _) => {
                return Err(CodecError::Corrupt { what: "a plane has another length" });
            }
            (id, _) => return Err(CodecError::Unsupported { what: "plane coder", id: u32::from(id) }),
        }
    }
    if coded.is_empty() { Ok(planes) } else { Err(CodecError::Corrupt { what: "bytes after the planes" }) }
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
        let mut merged = vec![W::default(); words.len()];
        merge(&planes, &mut merged);
        assert_eq!(merged, words);
        let mut coded = Vec::new();
        encode(&planes, words.len(), &mut coded);
        assert_eq!(decode(&coded, words.len(), W::N_BYTES).unwrap(), planes);
        for n in 0..coded.len() {
            assert!(decode(&coded[..n], words.len(), W::N_BYTES).is_err());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn words_come_back(bytes in prop::collection::vec(prop_oneof![Just(0_u8), any::<u8>(), 0..9_u8], 0..1200)) {
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
