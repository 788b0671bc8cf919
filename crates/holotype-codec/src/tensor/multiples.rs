//! Floats that are integer multiples of a step, as rounding within a bound makes them. `docs/codecs/tensor.md` §8.

use super::layout::SliceLayout;
use super::stream::{self, Coder, Map, Recipe};
use super::{ElementType, TensorCodec, choose};
use crate::CodecError;
use half::{bf16, f16};

/// Multiples are integers below this.
const MAX_MULTIPLE: f64 = (1_u64 << 52) as f64;
/// Step, width of the integers, number of exceptions.
const HEAD_BYTES: usize = 13;
/// What the integers begin with if they are as they are.
const AS_THEY_ARE: u8 = 0;
const CORRUPT: CodecError = CodecError::Corrupt { what: "multiples of a step" };
const TRUNCATED: CodecError = CodecError::Truncated { what: "multiples of a step" };

/// Floats a word may be.
#[derive(Debug, Clone, Copy)]
enum Float {
    F16,
    Bf16,
    F32,
    F64,
}

impl Float {
    fn of(element: ElementType) -> Option<Self> {
        Some(match element {
            ElementType::F16 => Self::F16,
            ElementType::Bf16 => Self::Bf16,
            ElementType::F32 | ElementType::Complex64 => Self::F32,
            ElementType::F64 | ElementType::Complex128 => Self::F64,
            _ => return None,
        })
    }

    fn value(self, word: u64) -> f64 {
        match self {
            Self::F16 => f16::from_bits(word as u16).to_f64(),
            Self::Bf16 => bf16::from_bits(word as u16).to_f64(),
            Self::F32 => f64::from(f32::from_bits(word as u32)),
            Self::F64 => f64::from_bits(word),
        }
    }

    /// The product in binary64, rounded to binary32 and that to the type if it is narrower.
    fn multiple(self, n: i64, step: f64) -> u64 {
        let product = n as f64 * step;
        match self {
            Self::F16 => u64::from(f16::from_f32(product as f32).to_bits()),
            Self::Bf16 => u64::from(bf16::from_f32(product as f32).to_bits()),
            Self::F32 => u64::from((product as f32).to_bits()),
            Self::F64 => product.to_bits(),
        }
    }

    fn nearest(self, word: u64, step: f64) -> Option<i64> {
        let n = (self.value(word) / step).round_ties_even();
        (n.abs() < MAX_MULTIPLE).then_some(n as i64)
    }
}

fn words(bytes: &[u8], n_bytes: usize) -> impl Iterator<Item = u64> {
    bytes.chunks_exact(n_bytes).map(|word| word.iter().rev().fold(0, |all, byte| all << 8 | u64::from(*byte)))
}

/// True if floats of this type can be rounded.
#[must_use]
pub fn may_be_rounded(element: ElementType) -> bool {
    Float::of(element).is_some()
}

/// Largest less smallest of the finite values; 0 if there are none.
#[must_use]
pub fn finite_range(bytes: &[u8], element: ElementType) -> f64 {
    let Some(float) = Float::of(element) else { return 0.0 };
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for value in
        words(bytes, word_bytes(float)).map(|word| float.value(word)).filter(|value| value.is_finite())
    {
        low = low.min(value);
        high = high.max(value);
    }
    if low <= high { high - low } else { 0.0 }
}

fn word_bytes(float: Float) -> usize {
    match float {
        Float::F16 | Float::Bf16 => 2,
        Float::F32 => 4,
        Float::F64 => 8,
    }
}

/// Rounds floats to multiples of `2 · max_error`. Each is compared with what it was: one that would be farther off, and what is
/// no number or too large for a multiple, stays as it is.
///
/// # Errors
/// `InvalidArgument` if the type has no floats of 16 bits or more, or the bound is not positive and finite.
pub fn round_slice(bytes: &mut [u8], element: ElementType, max_error: f64) -> Result<(), CodecError> {
    let float =
        Float::of(element).ok_or(CodecError::InvalidArgument { what: "a type that cannot be rounded" })?;
    let step = 2.0 * max_error;
    if !(max_error > 0.0 && step.is_finite()) {
        return Err(CodecError::InvalidArgument { what: "the largest error is positive and finite" });
    }
    let n_bytes = word_bytes(float);
    for word in bytes.chunks_exact_mut(n_bytes) {
        let old = word.iter().rev().fold(0, |all, byte| all << 8 | u64::from(*byte));
        let Some(n) = float.nearest(old, step) else { continue };
        let new = float.multiple(n, step);
        // Exact: a value and its nearest multiple differ by less than a factor of two, or one of them is zero.
        if (float.value(new) - float.value(old)).abs() <= max_error {
            word.copy_from_slice(&new.to_le_bytes()[..n_bytes]);
        }
    }
    Ok(())
}

/// A slice whose words are mostly multiples of `step`; nothing if it cannot be said so.
pub(super) fn encode(bytes: &[u8], layout: &SliceLayout, step: f64) -> Option<Vec<u8>> {
    let float = Float::of(layout.element)?;
    let mut numbers = Vec::with_capacity(layout.n_words);
    let mut exceptions: Vec<(u32, u64)> = Vec::new();
    let mut last = 0;
    for (at, word) in (0..u32::try_from(layout.n_words).ok()?).zip(words(bytes, layout.n_word_bytes)) {
        match float.nearest(word, step).filter(|n| float.multiple(*n, step) == word) {
            Some(n) => last = n,
            None => exceptions.push((at, word)),
        }
        numbers.push(last);
    }
    let (low, high) = (numbers.iter().min()?, numbers.iter().max()?);
    let fits = |n_bits: u32| *low >= -(1 << (n_bits - 1)) && *high < 1 << (n_bits - 1);
    let width = [1_u8, 2, 4].into_iter().find(|n| fits(8 * u32::from(*n))).unwrap_or(8);
    let inner = integers(layout, width)?;
    let flat: Vec<u8> =
        numbers.iter().flat_map(|n| n.to_le_bytes().into_iter().take(usize::from(width))).collect();
    let mut out =
        Recipe { coder: Coder::Multiples, map: Map::None, axes: 0, is_narrow: false }.head().to_vec();
    out.extend(step.to_le_bytes());
    out.push(width);
    out.extend((exceptions.len() as u32).to_le_bytes());
    for (at, word) in exceptions {
        out.extend(at.to_le_bytes());
        out.extend(&word.to_le_bytes()[..layout.n_word_bytes]);
    }
    match choose::encode_plainly(&flat, &inner, TensorCodec::Auto) {
        Some(coded) => out.extend(coded),
        None => {
            out.push(AS_THEY_ARE);
            out.extend(flat);
        }
    }
    Some(out)
}

/// Inverse of [`encode`], from what follows the head.
pub(super) fn decode(body: &[u8], layout: &SliceLayout, out: &mut [u8]) -> Result<(), CodecError> {
    let float = Float::of(layout.element).ok_or(CORRUPT)?;
    let (head, rest) = body.split_at_checked(HEAD_BYTES).ok_or(TRUNCATED)?;
    let [s0, s1, s2, s3, s4, s5, s6, s7, width, n @ ..] = head else { return Err(TRUNCATED) };
    let step = f64::from_le_bytes([*s0, *s1, *s2, *s3, *s4, *s5, *s6, *s7]);
    if !(step > 0.0 && step.is_finite()) {
        return Err(CORRUPT);
    }
    let inner = integers(layout, *width).ok_or(CORRUPT)?;
    let n = u32::from_le_bytes(n.try_into().map_err(|_| TRUNCATED)?) as usize;
    let n_bytes = n.checked_mul(4 + layout.n_word_bytes).filter(|_| n <= layout.n_words).ok_or(CORRUPT)?;
    let (exceptions, rest) = rest.split_at_checked(n_bytes).ok_or(TRUNCATED)?;
    let mut flat = vec![0; inner.n_bytes()];
    match rest.split_first().ok_or(TRUNCATED)? {
        (&AS_THEY_ARE, raw) if raw.len() == flat.len() => flat.copy_from_slice(raw),
        (coder, _) if (1..Coder::Delta as u8).contains(coder) => {
            stream::decode(rest, &inner, None, &mut flat)?
        }
        _ => return Err(CORRUPT),
    }
    let unused = 64 - 8 * u32::from(*width);
    let numbers = words(&flat, usize::from(*width)).map(|word| (word << unused) as i64 >> unused);
    for (word, n) in out.chunks_exact_mut(layout.n_word_bytes).zip(numbers) {
        word.copy_from_slice(&float.multiple(n, step).to_le_bytes()[..layout.n_word_bytes]);
    }
    let mut last = None;
    for exception in exceptions.chunks_exact(4 + layout.n_word_bytes) {
        let (at, word) = exception.split_first_chunk().ok_or(TRUNCATED)?;
        let at = u32::from_le_bytes(*at) as usize;
        let place =
            out.chunks_exact_mut(layout.n_word_bytes).nth(at).filter(|_| last < Some(at)).ok_or(CORRUPT)?;
        place.copy_from_slice(word);
        last = Some(at);
    }
    Ok(())
}

/// The layout of the integers: the same words, of so many bytes.
fn integers(layout: &SliceLayout, width: u8) -> Option<SliceLayout> {
    let element = match width {
        1 => ElementType::I8,
        2 => ElementType::I16,
        4 => ElementType::I32,
        8 => ElementType::I64,
        _ => return None,
    };
    Some(layout.with_words(element, usize::from(width)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::{decode_slice, encode_multiples};

    fn values() -> Vec<f64> {
        let mut values: Vec<f64> = (0..3000).map(|i| (f64::from(i) * 0.01).sin() * 100.0).collect();
        values.extend([0.0, -0.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e30, 1e-30, 65504.0, -1e300]);
        values
    }

    fn bytes(element: ElementType) -> Vec<u8> {
        let word = |value: f64| match element {
            ElementType::F16 => f16::from_f64(value).to_bits().to_le_bytes().to_vec(),
            ElementType::Bf16 => bf16::from_f64(value).to_bits().to_le_bytes().to_vec(),
            ElementType::F32 => (value as f32).to_le_bytes().to_vec(),
            _ => value.to_le_bytes().to_vec(),
        };
        values().into_iter().flat_map(word).collect()
    }

    #[test]
    fn every_value_is_within_the_bound() {
        for element in [ElementType::F16, ElementType::Bf16, ElementType::F32, ElementType::F64] {
            let float = Float::of(element).unwrap();
            let n = word_bytes(float);
            let exact = bytes(element);
            for bound in [1e-4, 1e-2, 0.3, 7.0] {
                let mut rounded = exact.clone();
                round_slice(&mut rounded, element, bound).unwrap();
                for (old, new) in words(&exact, n).zip(words(&rounded, n)) {
                    let (was, is) = (float.value(old), float.value(new));
                    assert!(old == new || (is - was).abs() <= bound, "{element:?} {was} {is} {bound}");
                    assert!(was.is_finite() || old == new);
                }
                let again = {
                    let mut again = rounded.clone();
                    round_slice(&mut again, element, bound).unwrap();
                    again
                };
                assert!(again == rounded, "{element:?} {bound}");
                let layout = SliceLayout::new(element, 0, &[17, 177]).unwrap();
                let coded = encode_multiples(&rounded, &layout, bound).unwrap().unwrap();
                let mut back = vec![0; rounded.len()];
                decode_slice(&coded, &layout, &mut back).unwrap();
                assert!(back == rounded, "{element:?} {bound}");
                for at in 0..coded.len().min(60) {
                    let _ = decode_slice(&coded[..at], &layout, &mut back);
                    let mut bad = coded.clone();
                    bad[at] ^= 0x41;
                    let _ = decode_slice(&bad, &layout, &mut back);
                }
            }
        }
    }

    #[test]
    fn bounds_and_types_are_checked() {
        for bound in [0.0, -1.0, f64::NAN, f64::INFINITY, f64::MAX] {
            assert!(round_slice(&mut [0; 4], ElementType::F32, bound).is_err());
        }
        assert!(round_slice(&mut [0; 4], ElementType::I32, 1.0).is_err());
        assert_eq!(finite_range(&bytes(ElementType::F32)[..12000], ElementType::F32).round(), 200.0);
        assert_eq!(finite_range(&[], ElementType::F32), 0.0);
    }

    #[test]
    fn forged_multiples_are_refused() {
        let layout = SliceLayout::new(ElementType::F32, 0, &[3]).unwrap();
        let head =
            |step: f64, width: u8, n: u32| [&step.to_le_bytes()[..], &[width], &n.to_le_bytes()].concat();
        let good = [head(0.5, 1, 1), vec![1, 0, 0, 0, 9, 9, 9, 9], vec![0, 2, 0, 254]].concat();
        let mut out = [0; 12];
        decode(&good, &layout, &mut out).unwrap();
        assert_eq!(out, [0, 0, 128, 63, 9, 9, 9, 9, 0, 0, 128, 191]);
        let tail = [1, 0, 0, 0, 9, 9, 9, 9, 0, 2, 0, 254];
        for bad in [
            [head(0.0, 1, 1), tail.to_vec()].concat(),
            [head(f64::NAN, 1, 1), tail.to_vec()].concat(),
            [head(0.5, 3, 1), tail.to_vec()].concat(),
            [head(0.5, 1, 4), tail.to_vec()].concat(),
            [head(0.5, 1, 1), vec![3, 0, 0, 0, 9, 9, 9, 9, 0, 2, 0, 254]].concat(),
            [head(0.5, 1, 1), vec![1, 0, 0, 0, 9, 9, 9, 9, 0, 2, 0]].concat(),
            [head(0.5, 1, 1), vec![1, 0, 0, 0, 9, 9, 9, 9, 6, 0, 0, 0]].concat(),
            [head(0.5, 1, 2), vec![1, 0, 0, 0, 9, 9, 9, 9, 1, 0, 0, 0, 9, 9, 9, 9, 0, 2, 0, 254]].concat(),
            head(0.5, 1, 0),
        ] {
            assert!(decode(&bad, &layout, &mut out).is_err(), "{bad:?}");
        }
    }
}
