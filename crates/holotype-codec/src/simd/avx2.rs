//! AVX2, for x86-64 processors since 2013.
#![allow(unsafe_code, reason = "this room holds the instruction sets")]

use super::{Kernel, Lanes};
use std::arch::x86_64::*;

/// The proof that this processor has AVX2 and the bit instructions of its time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Avx2(());

impl Avx2 {
    /// The proof, if there is one.
    pub(crate) fn detect() -> Option<Self> {
        let has_all = std::arch::is_x86_feature_detected!("avx2")
            && std::arch::is_x86_feature_detected!("fma")
            && std::arch::is_x86_feature_detected!("bmi1")
            && std::arch::is_x86_feature_detected!("bmi2")
            && std::arch::is_x86_feature_detected!("lzcnt")
            && std::arch::is_x86_feature_detected!("popcnt");
        has_all.then_some(Self(()))
    }

    /// Runs a kernel compiled for AVX2.
    pub(crate) fn run<K: Kernel>(self, kernel: K) -> K::Output {
        #[target_feature(enable = "avx2,fma,bmi1,bmi2,lzcnt,popcnt")]
        fn compiled<K: Kernel>(lanes: Avx2, kernel: K) -> K::Output {
            kernel.run(lanes)
        }
        // SAFETY: `self` exists only where `detect` found all six features.
        unsafe { compiled(self, kernel) }
    }

    /// Indices modulo `N`, all at once: one after the other, a sixtieth of what the wavefront's decoder does.
    #[inline(always)]
    fn wrapped<const N: usize>(self, indices: __m256i) -> [i32; 8] {
        const { assert!(N.is_power_of_two() && N <= 1 << 30) };
        let mut at = [0; 8];
        self.store_i32(self.and(indices, self.splat_i32(N as i32 - 1)), &mut at);
        at
    }

    /// Two pairs of numbers, straight from memory.
    #[inline(always)]
    fn two_pairs(self, low: &[i32; 2], high: &[i32; 2]) -> __m128d {
        // SAFETY: AVX2 is there; eight bytes are read from each of two arrays of eight.
        unsafe { _mm_loadh_pd(_mm_castsi128_pd(_mm_loadl_epi64(low.as_ptr().cast())), high.as_ptr().cast()) }
    }
}

/// Wraps one intrinsic that only computes.
macro_rules! op {
    ($call:expr) => {
        // SAFETY: `self` is the proof that the processor has AVX2; the intrinsic touches no memory.
        unsafe { $call }
    };
}

/// Lane order for `expand_u16`: lane `k` takes word `EXPAND[mask][k]`.
static EXPAND: [[i32; 8]; 256] = {
    let mut table = [[0; 8]; 256];
    let mut mask = 0;
    while mask < 256 {
        let (mut k, mut next) = (0, 0);
        while k < 8 {
            if mask >> k & 1 == 1 {
                table[mask][k] = next;
                next += 1;
            }
            k += 1;
        }
        mask += 1;
    }
    table
};

/// Lane order for `compress_u16`: the set lanes at the end, zeros (lane 0) before them.
static COMPRESS: [[i32; 8]; 256] = {
    let mut table = [[0; 8]; 256];
    let mut mask = 0;
    while mask < 256 {
        let (mut k, mut next) = (8, 8);
        while k > 0 {
            k -= 1;
            if mask >> k & 1 == 1 {
                next -= 1;
                table[mask][next] = k;
            }
        }
        mask += 1;
    }
    table
};

impl Avx2 {
    /// Lane `k` of vector `i` becomes lane `i` of vector `k`, in the lower and the upper four lanes apart.
    #[inline(always)]
    fn transpose_halves(self, [a, b, c, d]: [__m256; 4]) -> [__m256; 4] {
        let [ab, ab_high] = [op!(_mm256_unpacklo_ps(a, b)), op!(_mm256_unpackhi_ps(a, b))];
        let [cd, cd_high] = [op!(_mm256_unpacklo_ps(c, d)), op!(_mm256_unpackhi_ps(c, d))];
        [
            op!(_mm256_shuffle_ps::<0b01_00_01_00>(ab, cd)),
            op!(_mm256_shuffle_ps::<0b11_10_11_10>(ab, cd)),
            op!(_mm256_shuffle_ps::<0b01_00_01_00>(ab_high, cd_high)),
            op!(_mm256_shuffle_ps::<0b11_10_11_10>(ab_high, cd_high)),
        ]
    }
}

impl Lanes for Avx2 {
    const IS_VECTOR: bool = true;
    type F = __m256;
    type I = __m256i;

    #[inline(always)]
    fn splat(self, value: f32) -> __m256 {
        op!(_mm256_set1_ps(value))
    }

    #[inline(always)]
    fn load(self, from: &[f32; 8]) -> __m256 {
        // SAFETY: AVX2 is there; eight floats are read from an array of eight.
        unsafe { _mm256_loadu_ps(from.as_ptr()) }
    }

    #[inline(always)]
    fn store(self, value: __m256, to: &mut [f32; 8]) {
        // SAFETY: AVX2 is there; eight floats are written to an array of eight.
        unsafe { _mm256_storeu_ps(to.as_mut_ptr(), value) }
    }

    #[inline(always)]
    fn add(self, a: __m256, b: __m256) -> __m256 {
        op!(_mm256_add_ps(a, b))
    }

    #[inline(always)]
    fn sub(self, a: __m256, b: __m256) -> __m256 {
        op!(_mm256_sub_ps(a, b))
    }

    #[inline(always)]
    fn mul(self, a: __m256, b: __m256) -> __m256 {
        op!(_mm256_mul_ps(a, b))
    }

    #[inline(always)]
    fn add_exact_product(self, a: __m256, b: __m256, c: __m256) -> __m256 {
        op!(_mm256_fmadd_ps(a, b, c))
    }

    #[inline(always)]
    fn div(self, a: __m256, b: __m256) -> __m256 {
        op!(_mm256_div_ps(a, b))
    }

    #[inline(always)]
    fn sqrt(self, a: __m256) -> __m256 {
        op!(_mm256_sqrt_ps(a))
    }

    #[inline(always)]
    fn min(self, a: __m256, b: __m256) -> __m256 {
        op!(_mm256_min_ps(a, b))
    }

    #[inline(always)]
    fn max(self, a: __m256, b: __m256) -> __m256 {
        op!(_mm256_max_ps(a, b))
    }

    #[inline(always)]
    fn abs(self, a: __m256) -> __m256 {
        op!(_mm256_and_ps(a, _mm256_castsi256_ps(_mm256_set1_epi32(0x7FFF_FFFF))))
    }

    #[inline(always)]
    fn shift_up(self, a: __m256, first: f32) -> __m256 {
        let up = op!(_mm256_permutevar8x32_ps(a, _mm256_setr_epi32(0, 0, 1, 2, 3, 4, 5, 6)));
        op!(_mm256_blend_ps::<1>(up, _mm256_set1_ps(first)))
    }

    #[inline(always)]
    fn round(self, a: __m256) -> __m256 {
        op!(_mm256_round_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(a))
    }

    #[inline(always)]
    fn floor(self, a: __m256) -> __m256 {
        op!(_mm256_floor_ps(a))
    }

    #[inline(always)]
    fn gt(self, a: __m256, b: __m256) -> __m256i {
        op!(_mm256_castps_si256(_mm256_cmp_ps::<_CMP_GT_OQ>(a, b)))
    }

    #[inline(always)]
    fn select(self, mask: __m256i, a: __m256, b: __m256) -> __m256 {
        op!(_mm256_blendv_ps(b, a, _mm256_castsi256_ps(mask)))
    }

    #[inline(always)]
    fn blend<const FROM_B: i32>(self, a: __m256, b: __m256) -> __m256 {
        op!(_mm256_blend_ps::<FROM_B>(a, b))
    }

    #[inline(always)]
    fn push(self, a: __m256, value: f32) -> __m256 {
        let moved = op!(_mm256_permutevar8x32_ps(a, _mm256_setr_epi32(1, 2, 3, 4, 5, 6, 7, 7)));
        op!(_mm256_blend_ps::<0x80>(moved, _mm256_set1_ps(value)))
    }

    #[inline(always)]
    fn lane(self, a: __m256, k: usize) -> __m256 {
        op!(_mm256_permutevar8x32_ps(a, _mm256_set1_epi32(k as i32)))
    }

    #[inline(always)]
    fn transpose(self, [a, b, c, d, e, f, g, h]: [__m256; 8]) -> [__m256; 8] {
        // Lanes 0 and 4, 1 and 5, 2 and 6, 3 and 7 of four vectors each.
        let [abcd, efgh] = [self.transpose_halves([a, b, c, d]), self.transpose_halves([e, f, g, h])];
        [
            op!(_mm256_permute2f128_ps::<0x20>(abcd[0], efgh[0])),
            op!(_mm256_permute2f128_ps::<0x20>(abcd[1], efgh[1])),
            op!(_mm256_permute2f128_ps::<0x20>(abcd[2], efgh[2])),
            op!(_mm256_permute2f128_ps::<0x20>(abcd[3], efgh[3])),
            op!(_mm256_permute2f128_ps::<0x31>(abcd[0], efgh[0])),
            op!(_mm256_permute2f128_ps::<0x31>(abcd[1], efgh[1])),
            op!(_mm256_permute2f128_ps::<0x31>(abcd[2], efgh[2])),
            op!(_mm256_permute2f128_ps::<0x31>(abcd[3], efgh[3])),
        ]
    }

    #[inline(always)]
    fn sum4(self, [a, b, c, d]: [__m256; 4]) -> __m256 {
        let pairs = op!(_mm256_hadd_ps(_mm256_hadd_ps(a, b), _mm256_hadd_ps(c, d)));
        op!(_mm256_add_ps(pairs, _mm256_permute2f128_ps::<1>(pairs, pairs)))
    }

    #[inline(always)]
    fn to_i32(self, a: __m256) -> __m256i {
        op!(_mm256_cvttps_epi32(a))
    }

    #[inline(always)]
    fn to_f32(self, a: __m256i) -> __m256 {
        op!(_mm256_cvtepi32_ps(a))
    }

    #[inline(always)]
    fn bits(self, a: __m256) -> __m256i {
        op!(_mm256_castps_si256(a))
    }

    #[inline(always)]
    fn with_bits(self, a: __m256i) -> __m256 {
        op!(_mm256_castsi256_ps(a))
    }

    #[inline(always)]
    fn splat_i32(self, value: i32) -> __m256i {
        op!(_mm256_set1_epi32(value))
    }

    #[inline(always)]
    fn load_i32(self, from: &[i32; 8]) -> __m256i {
        // SAFETY: AVX2 is there; 32 bytes are read from an array of 32.
        unsafe { _mm256_loadu_si256(from.as_ptr().cast()) }
    }

    #[inline(always)]
    fn store_i32(self, value: __m256i, to: &mut [i32; 8]) {
        // SAFETY: AVX2 is there; 32 bytes are written to an array of 32.
        unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), value) }
    }

    #[inline(always)]
    fn add_i32(self, a: __m256i, b: __m256i) -> __m256i {
        op!(_mm256_add_epi32(a, b))
    }

    #[inline(always)]
    fn sub_i32(self, a: __m256i, b: __m256i) -> __m256i {
        op!(_mm256_sub_epi32(a, b))
    }

    #[inline(always)]
    fn mul_i32(self, a: __m256i, b: __m256i) -> __m256i {
        op!(_mm256_mullo_epi32(a, b))
    }

    #[inline(always)]
    fn mul_high_u32(self, a: __m256i, b: __m256i) -> __m256i {
        let even = op!(_mm256_srli_epi64::<32>(_mm256_mul_epu32(a, b)));
        let odd = op!(_mm256_mul_epu32(_mm256_srli_epi64::<32>(a), _mm256_srli_epi64::<32>(b)));
        op!(_mm256_blend_epi32::<0b1010_1010>(even, odd))
    }

    #[inline(always)]
    fn dot_i16(self, a: __m256i, b: __m256i) -> __m256i {
        op!(_mm256_madd_epi16(a, b))
    }

    #[inline(always)]
    fn min_i32(self, a: __m256i, b: __m256i) -> __m256i {
        op!(_mm256_min_epi32(a, b))
    }

    #[inline(always)]
    fn max_i32(self, a: __m256i, b: __m256i) -> __m256i {
        op!(_mm256_max_epi32(a, b))
    }

    #[inline(always)]
    fn and(self, a: __m256i, b: __m256i) -> __m256i {
        op!(_mm256_and_si256(a, b))
    }

    #[inline(always)]
    fn or(self, a: __m256i, b: __m256i) -> __m256i {
        op!(_mm256_or_si256(a, b))
    }

    #[inline(always)]
    fn xor(self, a: __m256i, b: __m256i) -> __m256i {
        op!(_mm256_xor_si256(a, b))
    }

    #[inline(always)]
    fn gt_i32(self, a: __m256i, b: __m256i) -> __m256i {
        op!(_mm256_cmpgt_epi32(a, b))
    }

    #[inline(always)]
    fn eq_i32(self, a: __m256i, b: __m256i) -> __m256i {
        op!(_mm256_cmpeq_epi32(a, b))
    }

    #[inline(always)]
    fn select_i32(self, mask: __m256i, a: __m256i, b: __m256i) -> __m256i {
        op!(_mm256_blendv_epi8(b, a, mask))
    }

    #[inline(always)]
    fn shl<const N: i32>(self, a: __m256i) -> __m256i {
        op!(_mm256_slli_epi32::<N>(a))
    }

    #[inline(always)]
    fn shr<const N: i32>(self, a: __m256i) -> __m256i {
        op!(_mm256_srli_epi32::<N>(a))
    }

    #[inline(always)]
    fn sar<const N: i32>(self, a: __m256i) -> __m256i {
        op!(_mm256_srai_epi32::<N>(a))
    }

    #[inline(always)]
    fn shr_each(self, a: __m256i, counts: __m256i) -> __m256i {
        op!(_mm256_srlv_epi32(a, counts))
    }

    #[inline(always)]
    fn shl_each(self, a: __m256i, counts: __m256i) -> __m256i {
        op!(_mm256_sllv_epi32(a, counts))
    }

    #[inline(always)]
    fn sign_mask(self, a: __m256i) -> u32 {
        op!(_mm256_movemask_ps(_mm256_castsi256_ps(a)) as u32)
    }

    #[inline(always)]
    fn look_up<const N: usize>(self, table: &[i32; N], indices: __m256i) -> __m256i {
        let mut at = self.wrapped::<N>(indices);
        // In a loop: mapping an array is not always inlined.
        for at in &mut at {
            // SAFETY: `wrapped` gives numbers below `N`.
            *at = unsafe { *table.get_unchecked(*at as usize) };
        }
        self.load_i32(&at)
    }

    #[inline(always)]
    fn put_each<const N: usize>(self, table: &mut [i32; N], indices: __m256i, values: __m256i) {
        let at = self.wrapped::<N>(indices);
        let mut each = [0; 8];
        self.store_i32(values, &mut each);
        for k in 0..8 {
            // SAFETY: `wrapped` gives numbers below `N`.
            unsafe { *table.get_unchecked_mut(at[k] as usize) = each[k] };
        }
    }

    #[inline(always)]
    fn look_up_pairs<const N: usize>(self, table: &[[i32; 2]; N], indices: [usize; 8]) -> (__m256i, __m256i) {
        // Not by way of an array: a vector would wait for its parts to be stored.
        let pair = |k: usize| &table[indices[k] % N];
        let ([a, b, c, d], [e, f, g, h]) =
            ([pair(0), pair(1), pair(2), pair(3)], [pair(4), pair(5), pair(6), pair(7)]);
        // Lanes 0, 1, 4, 5 and 2, 3, 6, 7: what takes one number of each pair works in halves.
        let outer = op!(_mm256_castpd_ps(_mm256_set_m128d(self.two_pairs(e, f), self.two_pairs(a, b))));
        let inner = op!(_mm256_castpd_ps(_mm256_set_m128d(self.two_pairs(g, h), self.two_pairs(c, d))));
        (
            op!(_mm256_castps_si256(_mm256_shuffle_ps::<0b10_00_10_00>(outer, inner))),
            op!(_mm256_castps_si256(_mm256_shuffle_ps::<0b11_01_11_01>(outer, inner))),
        )
    }

    #[inline(always)]
    fn compress_u16(self, a: __m256i, mask: __m256i) -> ([u16; 8], usize) {
        let mask = self.sign_mask(mask);
        let moved = op!(_mm256_permutevar8x32_epi32(a, self.load_i32(&COMPRESS[mask as usize & 255])));
        let low = op!(_mm256_and_si256(moved, _mm256_set1_epi32(0xFFFF)));
        // Packing works in halves: the words come out as 0 to 3, 0 to 3, 4 to 7, 4 to 7.
        let packed = op!(_mm256_packus_epi32(low, low));
        let words = op!(_mm256_castsi256_si128(_mm256_permute4x64_epi64::<0b1000>(packed)));
        let mut out = [0; 8];
        // SAFETY: AVX2 is there; 16 bytes are written to an array of 16.
        unsafe { _mm_storeu_si128(out.as_mut_ptr().cast(), words) };
        (out, mask.count_ones() as usize)
    }

    #[inline(always)]
    fn expand_u16(self, words: &[u16; 8], mask: __m256i) -> (__m256i, usize) {
        let set = self.sign_mask(mask);
        // SAFETY: AVX2 is there; 16 bytes are read from an array of 16.
        let wide = unsafe { _mm256_cvtepu16_epi32(_mm_loadu_si128(words.as_ptr().cast())) };
        let moved = op!(_mm256_permutevar8x32_epi32(wide, self.load_i32(&EXPAND[set as usize & 255])));
        (op!(_mm256_and_si256(moved, mask)), set.count_ones() as usize)
    }
}
