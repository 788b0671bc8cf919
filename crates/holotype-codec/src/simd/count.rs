//! How many of sixteen numbers are at most another.
#![allow(unsafe_code, reason = "this room holds the instruction sets")]

/// How many of `rising` are at most `value`; of a distribution's starts that is the symbol and 1.
///
/// Every x86-64 processor has SSE2, so this needs no proof and is inlined anywhere.
#[inline(always)]
pub(crate) fn count_at_most(rising: &[i16; 16], value: i16) -> usize {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::*;
        let halves = rising.as_ptr().cast::<__m128i>();
        // SAFETY: x86-64 has SSE2; twice 16 bytes are read from an array of 32.
        let above = unsafe {
            let value = _mm_set1_epi16(value);
            let low = _mm_cmpgt_epi16(_mm_loadu_si128(halves), value);
            let high = _mm_cmpgt_epi16(_mm_loadu_si128(halves.add(1)), value);
            _mm_movemask_epi8(_mm_packs_epi16(low, high))
        };
        (above | 1 << 16).trailing_zeros() as usize
    }
    #[cfg(not(target_arch = "x86_64"))]
    plain(rising, value)
}

/// The oracle.
#[cfg(any(test, not(target_arch = "x86_64")))]
fn plain(rising: &[i16; 16], value: i16) -> usize {
    // Without a branch, so that it becomes compares of vectors.
    rising.iter().map(|number| usize::from(*number <= value)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_counted_as_the_plain_form_does() {
        let mut state = 5_u32;
        for _ in 0..2000 {
            let mut rising: [i16; 16] = std::array::from_fn(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 16) as i16 >> (state & 15)
            });
            rising.sort_unstable();
            let near = rising.iter().flat_map(|n| [n.wrapping_sub(1), *n, n.wrapping_add(1)]);
            for value in near.chain([i16::MIN, -1, 0, i16::MAX]) {
                assert_eq!(count_at_most(&rising, value), plain(&rising, value), "{rising:?} {value}");
            }
        }
    }
}
