//! Eight lanes at a time: one kernel source, several instruction sets, the same bits.
//!
//! Kernels are generic over [`Lanes`] and run through [`dispatch`]. [`Portable`] is the plain scalar form and the
//! oracle of the others: every operation is IEEE 754 binary32 or 32-bit wrapping integer arithmetic, lane by lane,
//! without fused multiply-add and without estimates.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx2_bytes;
#[cfg(target_arch = "x86_64")]
mod avx2_words;
mod bytes;
mod count;
mod median;
mod portable;
mod prefetch;
mod words;

#[cfg(target_arch = "x86_64")]
pub(crate) use avx2::Avx2;
pub(crate) use bytes::ByteLanes;
pub(crate) use count::count_at_most;
pub(crate) use median::{add_bytes, median, sub_bytes};
pub(crate) use portable::Portable;
pub(crate) use prefetch::prefetch;
pub(crate) use words::WordLanes;

/// Operations on eight lanes of `f32` ([`Lanes::F`]) and of `i32` ([`Lanes::I`]).
///
/// A value of an implementing type is the proof that the processor has its instructions.
pub(crate) trait Lanes: Copy {
    /// True if a vector is a register: code that is written out for speed would only make the plain form large.
    const IS_VECTOR: bool;
    /// Eight `f32`.
    type F: Copy;
    /// Eight `i32`, or the masks (all ones or zero) that comparisons give.
    type I: Copy;

    fn splat(self, value: f32) -> Self::F;
    fn load(self, from: &[f32; 8]) -> Self::F;
    fn store(self, value: Self::F, to: &mut [f32; 8]);
    fn add(self, a: Self::F, b: Self::F) -> Self::F;
    fn sub(self, a: Self::F, b: Self::F) -> Self::F;
    fn mul(self, a: Self::F, b: Self::F) -> Self::F;
    /// `a * b + c`, where the product is known to be exact: fused or not, the bits are the same.
    fn add_exact_product(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F;
    fn div(self, a: Self::F, b: Self::F) -> Self::F;
    fn sqrt(self, a: Self::F) -> Self::F;
    /// The smaller; neither is NaN.
    fn min(self, a: Self::F, b: Self::F) -> Self::F;
    /// The larger; neither is NaN.
    fn max(self, a: Self::F, b: Self::F) -> Self::F;
    fn abs(self, a: Self::F) -> Self::F;
    /// Lane `k` takes lane `k - 1`; lane 0 takes `first`.
    fn shift_up(self, a: Self::F, first: f32) -> Self::F;
    /// To the nearest integer, ties to even.
    fn round(self, a: Self::F) -> Self::F;
    fn floor(self, a: Self::F) -> Self::F;
    /// Mask of `a > b`.
    fn gt(self, a: Self::F, b: Self::F) -> Self::I;
    /// `a` where the mask is set, else `b`.
    fn select(self, mask: Self::I, a: Self::F, b: Self::F) -> Self::F;
    /// Lane `k` of `b` where bit `k` of `FROM_B` is set, else of `a`.
    fn blend<const FROM_B: i32>(self, a: Self::F, b: Self::F) -> Self::F;
    /// Lane `k` of `a`, below 8, in every lane.
    fn lane(self, a: Self::F, k: usize) -> Self::F;
    /// Lane `k` of vector `i` becomes lane `i` of vector `k`.
    fn transpose(self, vectors: [Self::F; 8]) -> [Self::F; 8];
    /// Every lane moves one down; the last takes `value`.
    fn push(self, a: Self::F, value: f32) -> Self::F;
    /// Lane `k` and lane `k + 4`: the sum of the `k`-th vector, `((0+1)+(2+3))+((4+5)+(6+7))`.
    fn sum4(self, vectors: [Self::F; 4]) -> Self::F;
    /// Towards zero; the values fit `i32`.
    fn to_i32(self, a: Self::F) -> Self::I;
    fn to_f32(self, a: Self::I) -> Self::F;
    fn bits(self, a: Self::F) -> Self::I;
    fn with_bits(self, a: Self::I) -> Self::F;

    fn splat_i32(self, value: i32) -> Self::I;
    fn load_i32(self, from: &[i32; 8]) -> Self::I;
    fn store_i32(self, value: Self::I, to: &mut [i32; 8]);
    fn add_i32(self, a: Self::I, b: Self::I) -> Self::I;
    fn sub_i32(self, a: Self::I, b: Self::I) -> Self::I;
    /// The low 32 bits of the products.
    fn mul_i32(self, a: Self::I, b: Self::I) -> Self::I;
    /// The high 32 bits of the products of unsigned numbers.
    fn mul_high_u32(self, a: Self::I, b: Self::I) -> Self::I;
    /// The sum of the products of the low and of the high 16 bits, signed; it fits.
    fn dot_i16(self, a: Self::I, b: Self::I) -> Self::I;
    fn min_i32(self, a: Self::I, b: Self::I) -> Self::I;
    fn max_i32(self, a: Self::I, b: Self::I) -> Self::I;
    fn and(self, a: Self::I, b: Self::I) -> Self::I;
    fn or(self, a: Self::I, b: Self::I) -> Self::I;
    fn xor(self, a: Self::I, b: Self::I) -> Self::I;
    /// Mask of `a > b`.
    fn gt_i32(self, a: Self::I, b: Self::I) -> Self::I;
    /// Mask of `a == b`.
    fn eq_i32(self, a: Self::I, b: Self::I) -> Self::I;
    /// `a` where the mask is all ones, `b` where it is 0.
    fn select_i32(self, mask: Self::I, a: Self::I, b: Self::I) -> Self::I;
    /// Shift left by a constant.
    fn shl<const N: i32>(self, a: Self::I) -> Self::I;
    /// Shift right by a constant, zeros coming in.
    fn shr<const N: i32>(self, a: Self::I) -> Self::I;
    /// Shift right by a constant, sign bits coming in.
    fn sar<const N: i32>(self, a: Self::I) -> Self::I;
    /// Shift every lane right by its own count, zeros coming in; counts that are not 0 to 31 give 0.
    fn shr_each(self, a: Self::I, counts: Self::I) -> Self::I;
    /// Shift every lane left by its own count; counts that are not 0 to 31 give 0.
    fn shl_each(self, a: Self::I, counts: Self::I) -> Self::I;
    /// Bit `k` is the sign bit of lane `k`.
    fn sign_mask(self, a: Self::I) -> u32;
    /// `table[i]` for every lane; indices wrap at the table's length, a power of two.
    fn look_up<const N: usize>(self, table: &[i32; N], indices: Self::I) -> Self::I;
    /// `table[i] = value` for every lane, in ascending order; indices wrap at the table's length, a power of two.
    fn put_each<const N: usize>(self, table: &mut [i32; N], indices: Self::I, values: Self::I);
    /// Both numbers of `table[i]` for every lane; indices wrap at the table's length.
    fn look_up_pairs<const N: usize>(self, table: &[[i32; 2]; N], indices: [usize; 8]) -> (Self::I, Self::I);
    /// The low 16 bits of the lanes whose mask is all ones, in order, at the end of eight words; and how many.
    fn compress_u16(self, a: Self::I, mask: Self::I) -> ([u16; 8], usize);
    /// The first words in ascending lanes whose mask is all ones, 0 in the other lanes; and how many were taken.
    fn expand_u16(self, words: &[u16; 8], mask: Self::I) -> (Self::I, usize);
}

/// A computation to run with the best instructions at hand. One that touches no lanes gains too: what it does to arrays
/// is compiled for these instructions.
pub(crate) trait Kernel {
    /// What it gives.
    type Output;
    /// Runs it. Must be `#[inline(always)]`, with everything that touches lanes.
    fn run<L: WordLanes>(self, lanes: L) -> Self::Output;
}

/// Runs a kernel with the best instructions of this processor.
pub(crate) fn dispatch<K: Kernel>(kernel: K) -> K::Output {
    #[cfg(test)]
    if tests::is_portable() {
        return kernel.run(Portable);
    }
    #[cfg(target_arch = "x86_64")]
    if let Some(lanes) = Avx2::detect() {
        return lanes.run(kernel);
    }
    kernel.run(Portable)
}

#[cfg(test)]
pub(crate) mod tests;
