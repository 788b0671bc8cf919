//! Bytes on AVX2.
#![allow(unsafe_code, reason = "this room holds the instruction sets")]

use super::{Avx2, ByteLanes, Lanes};
use std::arch::x86_64::*;

/// Wraps intrinsics that only compute.
macro_rules! op {
    ($call:expr) => {
        // SAFETY: `self` is the proof that the processor has AVX2; the intrinsics touch no memory.
        unsafe { $call }
    };
}

impl ByteLanes for Avx2 {
    type B = __m256i;

    #[inline(always)]
    fn splat_u8(self, value: u8) -> __m256i {
        op!(_mm256_set1_epi8(value as i8))
    }

    #[inline(always)]
    fn load_u8(self, from: &[u8; 32]) -> __m256i {
        // SAFETY: AVX2 is there; 32 bytes are read from an array of 32.
        unsafe { _mm256_loadu_si256(from.as_ptr().cast()) }
    }

    #[inline(always)]
    fn store_u8(self, value: __m256i, to: &mut [u8; 32]) {
        // SAFETY: AVX2 is there; 32 bytes are written to an array of 32.
        unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), value) }
    }

    #[inline(always)]
    fn add_u8(self, a: __m256i, b: __m256i) -> __m256i {
        op!(_mm256_add_epi8(a, b))
    }

    #[inline(always)]
    fn sub_u8(self, a: __m256i, b: __m256i) -> __m256i {
        op!(_mm256_sub_epi8(a, b))
    }

    #[inline(always)]
    fn add_capped_u8(self, a: __m256i, b: __m256i) -> __m256i {
        op!(_mm256_adds_epu8(a, b))
    }

    #[inline(always)]
    fn min_u8(self, a: __m256i, b: __m256i) -> __m256i {
        op!(_mm256_min_epu8(a, b))
    }

    #[inline(always)]
    fn max_u8(self, a: __m256i, b: __m256i) -> __m256i {
        op!(_mm256_max_epu8(a, b))
    }

    #[inline(always)]
    fn average_u8(self, a: __m256i, b: __m256i) -> __m256i {
        op!(_mm256_avg_epu8(a, b))
    }

    #[inline(always)]
    fn and_u8(self, a: __m256i, b: __m256i) -> __m256i {
        op!(_mm256_and_si256(a, b))
    }

    #[inline(always)]
    fn eq_u8(self, a: __m256i, b: __m256i) -> __m256i {
        op!(_mm256_cmpeq_epi8(a, b))
    }

    #[inline(always)]
    fn select_u8(self, mask: __m256i, a: __m256i, b: __m256i) -> __m256i {
        op!(_mm256_blendv_epi8(b, a, mask))
    }

    #[inline(always)]
    fn shift_up_u8(self, a: __m256i, first: u8) -> __m256i {
        // The lower half moves to the upper, so that the byte that crosses the middle is at hand.
        let crossing = op!(_mm256_permute2x128_si256::<0x08>(a, a));
        let up = op!(_mm256_alignr_epi8::<15>(a, crossing));
        op!(_mm256_insert_epi8::<0>(up, first as i8))
    }

    #[inline(always)]
    fn widen_u8(self, a: __m256i) -> [__m256i; 4] {
        let low = op!(_mm256_castsi256_si128(a));
        let high = op!(_mm256_extracti128_si256::<1>(a));
        [
            op!(_mm256_cvtepu8_epi32(low)),
            op!(_mm256_cvtepu8_epi32(_mm_srli_si128::<8>(low))),
            op!(_mm256_cvtepu8_epi32(high)),
            op!(_mm256_cvtepu8_epi32(_mm_srli_si128::<8>(high))),
        ]
    }

    #[inline(always)]
    fn narrow_u8(self, [a, b, c, d]: [__m256i; 4]) -> __m256i {
        // Packing works in halves: groups of four bytes come out as a0 b0 c0 d0 a1 b1 c1 d1.
        let ab = op!(_mm256_packus_epi32(a, b));
        let cd = op!(_mm256_packus_epi32(c, d));
        let packed = op!(_mm256_packus_epi16(ab, cd));
        op!(_mm256_permutevar8x32_epi32(packed, self.load_i32(&[0, 4, 1, 5, 2, 6, 3, 7])))
    }
}
