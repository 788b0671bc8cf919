//! Elements that a recipe makes nearly: which they are, and how far they are off. `docs/codecs/noise.md` §10.

use crate::tensor::ElementType;
use crate::{CodecError, put_leb128, take_leb128};

const BROKEN: CodecError = CodecError::Corrupt { what: "corrections of noise are malformed" };

/// What makes `wanted` of `made`; nothing if that takes more than `max_bytes`, or they are not alike in size.
/// No bytes if they are equal.
#[must_use]
pub fn find_corrections(
    made: &[u8],
    wanted: &[u8],
    element: ElementType,
    max_bytes: usize,
) -> Option<Vec<u8>> {
    let n_bytes = width(element)?;
    if made.len() != wanted.len() {
        return None;
    }
    let mut corrections = Vec::new();
    let mut next = 0;
    let words = made.chunks_exact(n_bytes).zip(wanted.chunks_exact(n_bytes));
    for (at, (made, wanted)) in words.enumerate().filter(|(_, (made, wanted))| made != wanted) {
        // Numbers that sort as the elements do, at the top of 64 bits; their difference has either sign.
        let shift = 64 - 8 * n_bytes as u32;
        let change = ordered(wanted).wrapping_sub(ordered(made)) as i64 >> shift;
        put_leb128((at - next) as u64, &mut corrections);
        put_leb128((change << 1 ^ change >> 63) as u64, &mut corrections);
        next = at + 1;
        if corrections.len() > max_bytes {
            return None;
        }
    }
    Some(corrections)
}

/// Applies corrections to what was made.
///
/// # Errors
/// `Corrupt` if they are malformed; `made` then holds unspecified elements.
pub fn correct(made: &mut [u8], element: ElementType, mut corrections: &[u8]) -> Result<(), CodecError> {
    let n_bytes = width(element).ok_or(BROKEN)?;
    let mut words = made.chunks_exact_mut(n_bytes);
    while !corrections.is_empty() {
        let gap = take_leb128(&mut corrections).ok_or(BROKEN)?;
        let change = take_leb128(&mut corrections).ok_or(BROKEN)?;
        let word = usize::try_from(gap).ok().and_then(|gap| words.nth(gap)).ok_or(BROKEN)?;
        if change == 0 || change >> (8 * n_bytes - 1) > 1 {
            return Err(BROKEN);
        }
        let change = change >> 1 ^ (change & 1).wrapping_neg();
        put_ordered(ordered(word).wrapping_add(change << (64 - 8 * n_bytes)), word);
    }
    Ok(())
}

const SIGN: u64 = 1 << 63;

/// A float's bits as the high bits of a number that sorts as it does.
fn ordered(word: &[u8]) -> u64 {
    let bits = word.iter().rev().fold(0, |bits, byte| bits << 8 | u64::from(*byte)) << (64 - 8 * word.len());
    if bits & SIGN == 0 { bits | SIGN } else { !bits & u64::MAX << (64 - 8 * word.len()) }
}

/// Inverse of [`ordered`], which looks at the high bits alone.
fn put_ordered(number: u64, word: &mut [u8]) {
    let bits = if number & SIGN == 0 { !number } else { number & !SIGN };
    for (byte, k) in word.iter_mut().rev().zip(1..) {
        *byte = (bits >> (64 - 8 * k)) as u8;
    }
}

/// Bytes of an element that can be corrected.
fn width(element: ElementType) -> Option<usize> {
    match element {
        ElementType::F16 | ElementType::Bf16 => Some(2),
        ElementType::F32 => Some(4),
        ElementType::F64 => Some(8),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn elements_come_back(made in prop::collection::vec(any::<u64>(), 1..300), every in 1_usize..40, step in any::<i64>()) {
            let made: Vec<u8> = made.iter().flat_map(|word| word.to_le_bytes()).collect();
            for element in [ElementType::F16, ElementType::Bf16, ElementType::F32, ElementType::F64] {
                let n_bytes = width(element).unwrap();
                let mut wanted = made.clone();
                for word in wanted.chunks_exact_mut(n_bytes).step_by(every) {
                    put_ordered(ordered(word).wrapping_add(step as u64), word);
                }
                let corrections = find_corrections(&made, &wanted, element, usize::MAX).unwrap();
                prop_assert_eq!(corrections.is_empty(), made == wanted);
                let mut corrected = made.clone();
                correct(&mut corrected, element, &corrections).unwrap();
                prop_assert_eq!(corrected, wanted);
            }
        }

        #[test]
        fn any_bytes_are_corrections_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let mut made = vec![7; 64];
            let _ = correct(&mut made, ElementType::F32, &bytes);
            prop_assert_eq!(made.len(), 64);
        }
    }

    #[test]
    fn few_small_changes_take_few_bytes() {
        let made: Vec<u8> = (0..1000).flat_map(|i| (i as f32).to_le_bytes()).collect();
        let mut wanted = made.clone();
        wanted[400] ^= 1;
        wanted[4 * 800] ^= 2;
        assert_eq!(find_corrections(&made, &wanted, ElementType::F32, 100).unwrap(), [100, 2, 0xBB, 5, 4]);
        assert_eq!(find_corrections(&made, &wanted, ElementType::F32, 4), None);
    }

    #[test]
    fn other_forms_are_refused() {
        for bad in
            [&[0][..], &[0, 0], &[0x80, 0, 1], &[16, 1], &[0, 0x80], &[0, 0x80, 0x80, 0x80, 0x80, 0x20]]
        {
            assert!(correct(&mut [0; 64], ElementType::F32, bad).is_err(), "{bad:?}");
        }
        assert!(correct(&mut [0; 64], ElementType::F32, &[15, 1]).is_ok());
        assert!(correct(&mut [0; 64], ElementType::I32, &[15, 1]).is_err());
    }
}
