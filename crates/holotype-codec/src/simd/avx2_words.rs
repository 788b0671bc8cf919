//! Words of 16 bit on AVX2: two vectors of sixteen.
#![allow(unsafe_code, reason = "this room holds the instruction sets")]

use super::{Avx2, WordLanes};
use std::arch::x86_64::*;

/// Wraps intrinsics that only compute.
macro_rules! op {
    ($call:expr) => {
        // SAFETY: `self` is the proof that the processor has AVX2; the intrinsics touch no memory.
        unsafe { $call }
    };
}

/// Applies an intrinsic to both halves.
macro_rules! both {
    ($name:ident, $a:expr, $b:expr) => {
        [op!($name($a[0], $b[0])), op!($name($a[1], $b[1]))]
    };
}

impl WordLanes for Avx2 {
    type W = [__m256i; 2];

    #[inline(always)]
    fn splat_u16(self, value: u16) -> Self::W {
        [op!(_mm256_set1_epi16(value as i16)); 2]
    }

    #[inline(always)]
    fn load_u16(self, from: &[u16; 32]) -> Self::W {
        let from = from.as_ptr().cast::<__m256i>();
        // SAFETY: AVX2 is there; twice 32 bytes are read from an array of 64.
        unsafe { [_mm256_loadu_si256(from), _mm256_loadu_si256(from.add(1))] }
    }

    #[inline(always)]
    fn store_u16(self, value: Self::W, to: &mut [u16; 32]) {
        let to = to.as_mut_ptr().cast::<__m256i>();
        // SAFETY: AVX2 is there; twice 32 bytes are written to an array of 64.
        unsafe {
            _mm256_storeu_si256(to, value[0]);
            _mm256_storeu_si256(to.add(1), value[1]);
        }
    }

    #[inline(always)]
    fn add_u16(self, a: Self::W, b: Self::W) -> Self::W {
        both!(_mm256_add_epi16, a, b)
    }

    #[inline(always)]
    fn sub_u16(self, a: Self::W, b: Self::W) -> Self::W {
        both!(_mm256_sub_epi16, a, b)
    }

    #[inline(always)]
    fn add_capped_u16(self, a: Self::W, b: Self::W) -> Self::W {
        both!(_mm256_adds_epu16, a, b)
    }

    #[inline(always)]
    fn min_u16(self, a: Self::W, b: Self::W) -> Self::W {
        both!(_mm256_min_epu16, a, b)
    }

    #[inline(always)]
    fn max_u16(self, a: Self::W, b: Self::W) -> Self::W {
        both!(_mm256_max_epu16, a, b)
    }

    #[inline(always)]
    fn average_u16(self, a: Self::W, b: Self::W) -> Self::W {
        both!(_mm256_avg_epu16, a, b)
    }

    #[inline(always)]
    fn and_u16(self, a: Self::W, b: Self::W) -> Self::W {
        both!(_mm256_and_si256, a, b)
    }

    #[inline(always)]
    fn xor_u16(self, a: Self::W, b: Self::W) -> Self::W {
        both!(_mm256_xor_si256, a, b)
    }

    #[inline(always)]
    fn double_u16(self, a: Self::W) -> Self::W {
        both!(_mm256_add_epi16, a, a)
    }

    #[inline(always)]
    fn halve_u16(self, a: Self::W) -> Self::W {
        [op!(_mm256_srli_epi16::<1>(a[0])), op!(_mm256_srli_epi16::<1>(a[1]))]
    }

    #[inline(always)]
    fn sign_u16(self, a: Self::W) -> Self::W {
        [op!(_mm256_srai_epi16::<15>(a[0])), op!(_mm256_srai_epi16::<15>(a[1]))]
    }

    #[inline(always)]
    fn select_u16(self, mask: Self::W, a: Self::W, b: Self::W) -> Self::W {
        [op!(_mm256_blendv_epi8(b[0], a[0], mask[0])), op!(_mm256_blendv_epi8(b[1], a[1], mask[1]))]
    }

    #[inline(always)]
    fn shift_up_u16(self, [low, high]: Self::W, first: u16) -> Self::W {
        // What stands one place lower, so that the words that cross the middles are at hand.
        let before_low = op!(_mm256_permute2x128_si256::<0x08>(low, low));
        let before_high = op!(_mm256_permute2x128_si256::<0x21>(low, high));
        let up = op!(_mm256_alignr_epi8::<14>(low, before_low));
        [op!(_mm256_insert_epi16::<0>(up, first as i16)), op!(_mm256_alignr_epi8::<14>(high, before_high))]
    }

    #[inline(always)]
    fn last_u16(self, [_, high]: Self::W) -> u16 {
        op!(_mm256_extract_epi16::<15>(high)) as u16
    }

    #[inline(always)]
    fn widen_u16(self, [low, high]: Self::W) -> [__m256i; 4] {
        [
            op!(_mm256_cvtepu16_epi32(_mm256_castsi256_si128(low))),
            op!(_mm256_cvtepu16_epi32(_mm256_extracti128_si256::<1>(low))),
            op!(_mm256_cvtepu16_epi32(_mm256_castsi256_si128(high))),
            op!(_mm256_cvtepu16_epi32(_mm256_extracti128_si256::<1>(high))),
        ]
    }

    #[inline(always)]
    fn narrow_u16(self, [a, b, c, d]: [__m256i; 4]) -> Self::W {
        // Packing works in halves: groups of four words come out as a0 b0 a1 b1.
        [
            op!(_mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_packus_epi32(a, b))),
            op!(_mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_packus_epi32(c, d))),
        ]
    }

    #[inline(always)]
    fn transpose_u16(self, rows: [&[u16; 16]; 16]) -> [[u16; 16]; 16] {
        let mut r = [op!(_mm256_setzero_si256()); 16];
        for (to, row) in r.iter_mut().zip(rows) {
            // SAFETY: AVX2 is there; 32 bytes are read from an array of 32.
            *to = unsafe { _mm256_loadu_si256(row.as_ptr().cast()) };
        }
        // Within each half: pairs of rows, then fours, then eights; last the halves.
        let mut pairs = r;
        for k in (0..16).step_by(2) {
            pairs[k] = op!(_mm256_unpacklo_epi16(r[k], r[k + 1]));
            pairs[k + 1] = op!(_mm256_unpackhi_epi16(r[k], r[k + 1]));
        }
        let mut fours = r;
        for k in [0, 1, 4, 5, 8, 9, 12, 13] {
            let to = k / 4 * 4 + k % 4 * 2;
            fours[to] = op!(_mm256_unpacklo_epi32(pairs[k], pairs[k + 2]));
            fours[to + 1] = op!(_mm256_unpackhi_epi32(pairs[k], pairs[k + 2]));
        }
        let mut eights = r;
        for k in [0, 1, 2, 3, 8, 9, 10, 11] {
            let to = k / 8 * 8 + k % 8 * 2;
            eights[to] = op!(_mm256_unpacklo_epi64(fours[k], fours[k + 4]));
            eights[to + 1] = op!(_mm256_unpackhi_epi64(fours[k], fours[k + 4]));
        }
        let mut out = [[0; 16]; 16];
        for k in 0..8 {
            let low = op!(_mm256_permute2x128_si256::<0x20>(eights[k], eights[k + 8]));
            let high = op!(_mm256_permute2x128_si256::<0x31>(eights[k], eights[k + 8]));
            for (value, to) in [(low, k), (high, k + 8)] {
                // SAFETY: AVX2 is there; 32 bytes are written to an array of 32.
                unsafe { _mm256_storeu_si256(out[to].as_mut_ptr().cast(), value) }
            }
        }
        out
    }
}
