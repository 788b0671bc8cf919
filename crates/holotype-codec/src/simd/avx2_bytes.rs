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

/// Where byte `k` of piece `part` of sixteen pixels comes from: the pixel if plane `c` holds it, else nothing.
static INTERLEAVE: [[[u8; 32]; 3]; 3] = {
    let mut table = [[[128; 32]; 3]; 3];
    let mut part = 0;
    while part < 3 {
        let mut k = 0;
        while k < 16 {
            let at = 16 * part + k;
            table[part][at % 3][k] = (at / 3) as u8;
            table[part][at % 3][k + 16] = (at / 3) as u8;
            k += 1;
        }
        part += 1;
    }
    table
};

/// The other way: where pixel `k` of plane `c` stands in piece `part`, or nowhere.
static DEINTERLEAVE: [[[u8; 32]; 3]; 3] = {
    let mut table = [[[128; 32]; 3]; 3];
    let mut c = 0;
    while c < 3 {
        let mut k = 0;
        while k < 16 {
            let at = 3 * k + c;
            table[c][at / 16][k] = (at % 16) as u8;
            table[c][at / 16][k + 16] = (at % 16) as u8;
            k += 1;
        }
        c += 1;
    }
    table
};

impl Avx2 {
    /// Each output: one byte of one of the inputs, within each half, as its table says.
    #[inline(always)]
    fn pick3(self, [a, b, c]: [__m256i; 3], tables: &[[[u8; 32]; 3]; 3]) -> [__m256i; 3] {
        let mut out = [a; 3];
        for k in 0..3 {
            let [from_a, from_b, from_c] = &tables[k];
            let a = op!(_mm256_shuffle_epi8(a, self.load_u8(from_a)));
            let b = op!(_mm256_shuffle_epi8(b, self.load_u8(from_b)));
            let c = op!(_mm256_shuffle_epi8(c, self.load_u8(from_c)));
            out[k] = self.or(self.or(a, b), c);
        }
        out
    }
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
    fn gt_i8(self, a: __m256i, b: __m256i) -> __m256i {
        op!(_mm256_cmpgt_epi8(a, b))
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
    fn last_u8(self, a: __m256i) -> u8 {
        op!(_mm256_extract_epi8::<31>(a)) as u8
    }

    #[inline(always)]
    fn transpose_u8(self, rows: [&[u8; 32]; 16]) -> [[u8; 32]; 16] {
        let mut r = [self.splat_u8(0); 16];
        for (to, row) in r.iter_mut().zip(rows) {
            *to = self.load_u8(row);
        }
        // Within each half: pairs of rows, then fours, eights and sixteens.
        let mut pairs = r;
        for k in [0, 2, 4, 6, 8, 10, 12, 14] {
            pairs[k] = op!(_mm256_unpacklo_epi8(r[k], r[k + 1]));
            pairs[k + 1] = op!(_mm256_unpackhi_epi8(r[k], r[k + 1]));
        }
        let mut fours = r;
        for k in [0, 1, 4, 5, 8, 9, 12, 13] {
            let to = k / 4 * 4 + k % 4 * 2;
            fours[to] = op!(_mm256_unpacklo_epi16(pairs[k], pairs[k + 2]));
            fours[to + 1] = op!(_mm256_unpackhi_epi16(pairs[k], pairs[k + 2]));
        }
        let mut eights = r;
        for k in [0, 1, 2, 3, 8, 9, 10, 11] {
            let to = k / 8 * 8 + k % 8 * 2;
            eights[to] = op!(_mm256_unpacklo_epi32(fours[k], fours[k + 4]));
            eights[to + 1] = op!(_mm256_unpackhi_epi32(fours[k], fours[k + 4]));
        }
        let mut out = [[0; 32]; 16];
        for k in 0..8 {
            self.store_u8(op!(_mm256_unpacklo_epi64(eights[k], eights[k + 8])), &mut out[2 * k]);
            self.store_u8(op!(_mm256_unpackhi_epi64(eights[k], eights[k + 8])), &mut out[2 * k + 1]);
        }
        out
    }

    #[inline(always)]
    fn interleave3_u8(self, planes: [__m256i; 3]) -> [__m256i; 3] {
        // Halves are sixteen pixels each: pieces 0, 1, 2 of the first and of the second.
        let [a, b, c] = self.pick3(planes, &INTERLEAVE);
        [
            op!(_mm256_permute2x128_si256::<0x20>(a, b)),
            op!(_mm256_permute2x128_si256::<0x30>(c, a)),
            op!(_mm256_permute2x128_si256::<0x31>(b, c)),
        ]
    }

    #[inline(always)]
    fn deinterleave3_u8(self, [a, b, c]: [__m256i; 3]) -> [__m256i; 3] {
        let pieces = [
            op!(_mm256_permute2x128_si256::<0x30>(a, b)),
            op!(_mm256_permute2x128_si256::<0x21>(a, c)),
            op!(_mm256_permute2x128_si256::<0x30>(b, c)),
        ];
        self.pick3(pieces, &DEINTERLEAVE)
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
