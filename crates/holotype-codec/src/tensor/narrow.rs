//! Floats in fewer bits, by their bit patterns alone: nothing is rounded, and NaNs keep every bit.
//! `docs/codecs/tensor.md` §3.

use super::ElementType;
use super::layout::SliceLayout;
use super::word::Word;

/// The narrower type whose values a slice of `element` may hold.
pub(super) fn narrower(element: ElementType) -> Option<ElementType> {
    match element {
        ElementType::F32 => Some(ElementType::F16),
        ElementType::F64 => Some(ElementType::F32),
        _ => None,
    }
}

/// Bits of exponent and fraction.
const fn layout(element: ElementType) -> (u32, u32) {
    match element {
        ElementType::F16 => (5, 10),
        ElementType::F32 => (8, 23),
        _ => (11, 52),
    }
}

/// The same number, infinity or NaN as a float of `to`; subnormals become normal where `to` has room for them.
fn widen(bits: u64, from: ElementType, to: ElementType) -> u64 {
    let ((e1, f1), (e2, f2)) = (layout(from), layout(to));
    let (max1, max2) = ((1_u64 << e1) - 1, (1_u64 << e2) - 1);
    let sign = bits >> (e1 + f1) << (e2 + f2);
    let (exponent, fraction) = (bits >> f1 & max1, bits & ((1 << f1) - 1));
    let rebase = max2 / 2 - max1 / 2;
    let (exponent, fraction) = match (exponent, fraction) {
        (0, 0) => (0, 0),
        (0, _) => {
            let up = f1 - fraction.ilog2();
            (rebase + 1 - u64::from(up), (fraction << up) & ((1 << f1) - 1))
        }
        (e, f) if e == max1 => (max2, f),
        (e, f) => (e + rebase, f),
    };
    sign | exponent << f2 | fraction << (f2 - f1)
}

/// The bits of `to` that [`widen`] to these, if any do.
fn narrow(bits: u64, from: ElementType, to: ElementType) -> Option<u64> {
    let ((e1, f1), (e2, f2)) = (layout(from), layout(to));
    let (max1, max2) = ((1_u64 << e1) - 1, (1_u64 << e2) - 1);
    let sign = bits >> (e1 + f1) << (e2 + f2);
    let (exponent, fraction) = (bits >> f1 & max1, bits & ((1 << f1) - 1));
    let rebase = max1 / 2 - max2 / 2;
    let rest = if exponent == max1 {
        max2 << f2 | fraction >> (f1 - f2)
    } else if exponent > rebase {
        (exponent - rebase) << f2 | fraction >> (f1 - f2)
    } else {
        let significand = fraction | u64::from(exponent > 0) << f1;
        let down = rebase + 1 - exponent + u64::from(f1 - f2);
        significand.checked_shr(down as u32).unwrap_or(0)
    };
    // Too large an exponent ran into the sign, or bits were lost: it does not come back.
    let candidate = sign | rest;
    (candidate >> (e2 + f2 + 1) == 0 && widen(candidate, to, from) == bits).then_some(candidate)
}

/// The slice's words as those of the narrower type, and their layout, if all of them are.
pub(super) fn narrowed(bytes: &[u8], layout: &SliceLayout) -> Option<(Vec<u8>, SliceLayout)> {
    let to = narrower(layout.element)?;
    let narrow = match layout.n_word_bytes {
        4 => narrow_all::<u32, u16>(bytes, layout.element, to)?,
        _ => narrow_all::<u64, u32>(bytes, layout.element, to)?,
    };
    Some((narrow, layout.with_words(to, layout.n_word_bytes / 2)))
}

fn narrow_all<W: Word, N: Word>(bytes: &[u8], from: ElementType, to: ElementType) -> Option<Vec<u8>> {
    let number = |word: W| narrow(word.bits(), from, to).map(N::of);
    // Most tensors tell at once, by some words far apart.
    let n = bytes.len() / W::N_BYTES;
    if !(0..n).step_by((n / 16).max(1)).all(|at| number(W::at(bytes, at)).is_some()) {
        return None;
    }
    let words: Vec<N> = W::from_bytes(bytes).into_iter().map(number).collect::<Option<_>>()?;
    let mut out = vec![0; words.len() * N::N_BYTES];
    N::to_bytes(&words, &mut out);
    Some(out)
}

/// Inverse of [`narrowed`].
pub(super) fn widen_all<N: Word, W: Word>(words: &[N], from: ElementType, to: ElementType) -> Vec<W> {
    words.iter().map(|word| W::of(widen(word.bits(), from, to))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ElementType::{F16, F32, F64};

    #[test]
    fn every_half_widens_as_its_value_says_and_comes_back() {
        for bits in 0..=u64::from(u16::MAX) {
            let single = widen(bits, F16, F32);
            assert_eq!(narrow(single, F32, F16), Some(bits));
            let double = widen(single, F32, F64);
            assert_eq!(narrow(double, F64, F32), Some(single));
            let value = half::f16::from_bits(bits as u16);
            if !value.is_nan() {
                assert_eq!(value.to_f32().to_bits(), single as u32, "{bits:x}");
                assert_eq!(value.to_f64().to_bits(), double, "{bits:x}");
            }
        }
    }

    #[test]
    fn doubles_narrow_as_the_processor_says() {
        let mut state = 1_u64;
        for _ in 0..200_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let single = f32::from_bits((state >> 32) as u32);
            if !single.is_nan() {
                let double = f64::from(single);
                assert_eq!(narrow(double.to_bits(), F64, F32), Some(u64::from(single.to_bits())));
                assert_eq!(narrow(double.to_bits() ^ 1, F64, F32), None);
            }
            let half = half::f16::from_f32(single);
            let is_half = half.to_f32().to_bits() == single.to_bits();
            let narrowed = narrow(u64::from(single.to_bits()), F32, F16);
            assert!(single.is_nan() || narrowed.is_some() == is_half, "{single}");
        }
        for number in [
            1e-30_f32,
            7e4,
            65536.0,
            1e30,
            1.0 + f32::EPSILON,
            f32::from_bits(1),
            f32::from_bits(0x7F80_0001),
        ] {
            assert_eq!(narrow(u64::from(number.to_bits()), F32, F16), None, "{number}");
        }
    }
}
