//! The plain scalar form: arrays and loops.

use super::Lanes;

/// Lanes as arrays.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Portable;

#[inline(always)]
fn map2<T: Copy, U: Copy + Default>(a: [T; 8], b: [T; 8], f: impl Fn(T, T) -> U) -> [U; 8] {
    let mut out = [U::default(); 8];
    for k in 0..8 {
        out[k] = f(a[k], b[k]);
    }
    out
}

#[inline(always)]
fn mask(condition: bool) -> i32 {
    -i32::from(condition)
}

impl Lanes for Portable {
    const IS_VECTOR: bool = false;
    type F = [f32; 8];
    type I = [i32; 8];

    #[inline(always)]
    fn splat(self, value: f32) -> [f32; 8] {
        [value; 8]
    }

    #[inline(always)]
    fn load(self, from: &[f32; 8]) -> [f32; 8] {
        *from
    }

    #[inline(always)]
    fn store(self, value: [f32; 8], to: &mut [f32; 8]) {
        *to = value;
    }

    #[inline(always)]
    fn add(self, a: [f32; 8], b: [f32; 8]) -> [f32; 8] {
        map2(a, b, |a, b| a + b)
    }

    #[inline(always)]
    fn sub(self, a: [f32; 8], b: [f32; 8]) -> [f32; 8] {
        map2(a, b, |a, b| a - b)
    }

    #[inline(always)]
    fn mul(self, a: [f32; 8], b: [f32; 8]) -> [f32; 8] {
        map2(a, b, |a, b| a * b)
    }

    #[inline(always)]
    fn add_exact_product(self, a: [f32; 8], b: [f32; 8], c: [f32; 8]) -> [f32; 8] {
        self.add(self.mul(a, b), c)
    }

    #[inline(always)]
    fn div(self, a: [f32; 8], b: [f32; 8]) -> [f32; 8] {
        map2(a, b, |a, b| a / b)
    }

    #[inline(always)]
    fn sqrt(self, a: [f32; 8]) -> [f32; 8] {
        a.map(f32::sqrt)
    }

    #[inline(always)]
    fn min(self, a: [f32; 8], b: [f32; 8]) -> [f32; 8] {
        map2(a, b, |a, b| if a < b { a } else { b })
    }

    #[inline(always)]
    fn max(self, a: [f32; 8], b: [f32; 8]) -> [f32; 8] {
        map2(a, b, |a, b| if a > b { a } else { b })
    }

    #[inline(always)]
    fn abs(self, a: [f32; 8]) -> [f32; 8] {
        a.map(f32::abs)
    }

    #[inline(always)]
    fn shift_up(self, a: [f32; 8], first: f32) -> [f32; 8] {
        [first, a[0], a[1], a[2], a[3], a[4], a[5], a[6]]
    }

    #[inline(always)]
    fn round(self, a: [f32; 8]) -> [f32; 8] {
        a.map(f32::round_ties_even)
    }

    #[inline(always)]
    fn floor(self, a: [f32; 8]) -> [f32; 8] {
        a.map(f32::floor)
    }

    #[inline(always)]
    fn gt(self, a: [f32; 8], b: [f32; 8]) -> [i32; 8] {
        map2(a, b, |a, b| mask(a > b))
    }

    #[inline(always)]
    fn select(self, mask: [i32; 8], a: [f32; 8], b: [f32; 8]) -> [f32; 8] {
        let mut out = b;
        for k in 0..8 {
            if mask[k] < 0 {
                out[k] = a[k];
            }
        }
        out
    }

    #[inline(always)]
    fn blend<const FROM_B: i32>(self, a: [f32; 8], b: [f32; 8]) -> [f32; 8] {
        let mut out = a;
        for k in 0..8 {
            if FROM_B >> k & 1 == 1 {
                out[k] = b[k];
            }
        }
        out
    }

    #[inline(always)]
    fn push(self, a: [f32; 8], value: f32) -> [f32; 8] {
        [a[1], a[2], a[3], a[4], a[5], a[6], a[7], value]
    }

    #[inline(always)]
    fn lane(self, a: [f32; 8], k: usize) -> [f32; 8] {
        [a[k & 7]; 8]
    }

    #[inline(always)]
    fn transpose(self, vectors: [[f32; 8]; 8]) -> [[f32; 8]; 8] {
        std::array::from_fn(|k| std::array::from_fn(|i| vectors[i][k]))
    }

    #[inline(always)]
    fn sum4(self, vectors: [[f32; 8]; 4]) -> [f32; 8] {
        let [a, b, c, d] = vectors.map(|v| ((v[0] + v[1]) + (v[2] + v[3])) + ((v[4] + v[5]) + (v[6] + v[7])));
        [a, b, c, d, a, b, c, d]
    }

    #[inline(always)]
    fn to_i32(self, a: [f32; 8]) -> [i32; 8] {
        a.map(|a| a as i32)
    }

    #[inline(always)]
    fn to_f32(self, a: [i32; 8]) -> [f32; 8] {
        a.map(|a| a as f32)
    }

    #[inline(always)]
    fn bits(self, a: [f32; 8]) -> [i32; 8] {
        a.map(|a| a.to_bits() as i32)
    }

    #[inline(always)]
    fn with_bits(self, a: [i32; 8]) -> [f32; 8] {
        a.map(|a| f32::from_bits(a as u32))
    }

    #[inline(always)]
    fn splat_i32(self, value: i32) -> [i32; 8] {
        [value; 8]
    }

    #[inline(always)]
    fn load_i32(self, from: &[i32; 8]) -> [i32; 8] {
        *from
    }

    #[inline(always)]
    fn store_i32(self, value: [i32; 8], to: &mut [i32; 8]) {
        *to = value;
    }

    #[inline(always)]
    fn add_i32(self, a: [i32; 8], b: [i32; 8]) -> [i32; 8] {
        map2(a, b, i32::wrapping_add)
    }

    #[inline(always)]
    fn sub_i32(self, a: [i32; 8], b: [i32; 8]) -> [i32; 8] {
        map2(a, b, i32::wrapping_sub)
    }

    #[inline(always)]
    fn mul_i32(self, a: [i32; 8], b: [i32; 8]) -> [i32; 8] {
        map2(a, b, i32::wrapping_mul)
    }

    #[inline(always)]
    fn mul_high_u32(self, a: [i32; 8], b: [i32; 8]) -> [i32; 8] {
        map2(a, b, |a, b| ((u64::from(a as u32) * u64::from(b as u32)) >> 32) as i32)
    }

    #[inline(always)]
    fn dot_i16(self, a: [i32; 8], b: [i32; 8]) -> [i32; 8] {
        let halves = |v: i32| [v as i16, (v >> 16) as i16].map(i32::from);
        map2(a, b, |a, b| {
            let ([a_low, a_high], [b_low, b_high]) = (halves(a), halves(b));
            (a_low * b_low).wrapping_add(a_high * b_high)
        })
    }

    #[inline(always)]
    fn min_i32(self, a: [i32; 8], b: [i32; 8]) -> [i32; 8] {
        map2(a, b, Ord::min)
    }

    #[inline(always)]
    fn max_i32(self, a: [i32; 8], b: [i32; 8]) -> [i32; 8] {
        map2(a, b, Ord::max)
    }

    #[inline(always)]
    fn and(self, a: [i32; 8], b: [i32; 8]) -> [i32; 8] {
        map2(a, b, |a, b| a & b)
    }

    #[inline(always)]
    fn or(self, a: [i32; 8], b: [i32; 8]) -> [i32; 8] {
        map2(a, b, |a, b| a | b)
    }

    #[inline(always)]
    fn xor(self, a: [i32; 8], b: [i32; 8]) -> [i32; 8] {
        map2(a, b, |a, b| a ^ b)
    }

    #[inline(always)]
    fn gt_i32(self, a: [i32; 8], b: [i32; 8]) -> [i32; 8] {
        map2(a, b, |a, b| mask(a > b))
    }

    #[inline(always)]
    fn eq_i32(self, a: [i32; 8], b: [i32; 8]) -> [i32; 8] {
        map2(a, b, |a, b| mask(a == b))
    }

    #[inline(always)]
    fn select_i32(self, mask: [i32; 8], a: [i32; 8], b: [i32; 8]) -> [i32; 8] {
        let mut out = b;
        for k in 0..8 {
            if mask[k] < 0 {
                out[k] = a[k];
            }
        }
        out
    }

    #[inline(always)]
    fn shl<const N: i32>(self, a: [i32; 8]) -> [i32; 8] {
        a.map(|a| a << N)
    }

    #[inline(always)]
    fn shr<const N: i32>(self, a: [i32; 8]) -> [i32; 8] {
        a.map(|a| ((a as u32) >> N) as i32)
    }

    #[inline(always)]
    fn sar<const N: i32>(self, a: [i32; 8]) -> [i32; 8] {
        a.map(|a| a >> N)
    }

    #[inline(always)]
    fn shr_each(self, a: [i32; 8], counts: [i32; 8]) -> [i32; 8] {
        map2(a, counts, |a, n| (a as u32).checked_shr(n as u32).unwrap_or(0) as i32)
    }

    #[inline(always)]
    fn shl_each(self, a: [i32; 8], counts: [i32; 8]) -> [i32; 8] {
        map2(a, counts, |a, n| a.checked_shl(n as u32).unwrap_or(0))
    }

    #[inline(always)]
    fn sign_mask(self, a: [i32; 8]) -> u32 {
        (0..8).fold(0, |mask, k| mask | u32::from(a[k] < 0) << k)
    }

    #[inline(always)]
    fn look_up<const N: usize>(self, table: &[i32; N], indices: [i32; 8]) -> [i32; 8] {
        indices.map(|i| table[i as usize % N])
    }

    #[inline(always)]
    fn put_each<const N: usize>(self, table: &mut [i32; N], indices: [i32; 8], values: [i32; 8]) {
        for (i, value) in indices.into_iter().zip(values) {
            table[i as usize % N] = value;
        }
    }

    #[inline(always)]
    fn look_up_pairs<const N: usize>(
        self,
        table: &[[i32; 2]; N],
        indices: [usize; 8],
    ) -> ([i32; 8], [i32; 8]) {
        let pairs = indices.map(|i| table[i % N]);
        (pairs.map(|pair| pair[0]), pairs.map(|pair| pair[1]))
    }

    #[inline(always)]
    fn compress_u16(self, a: [i32; 8], mask: [i32; 8]) -> ([u16; 8], usize) {
        let mut out = [0; 8];
        let n_set = mask.iter().filter(|m| **m < 0).count();
        let set = (0..8).filter(|k| mask[*k] < 0);
        out[8 - n_set..].iter_mut().zip(set).for_each(|(out, k)| *out = a[k] as u16);
        (out, n_set)
    }

    #[inline(always)]
    fn expand_u16(self, words: &[u16; 8], mask: [i32; 8]) -> ([i32; 8], usize) {
        let mut out = [0; 8];
        let mut n_set = 0;
        for (out, _) in out.iter_mut().zip(mask).filter(|(_, m)| *m < 0) {
            *out = i32::from(words[n_set]);
            n_set += 1;
        }
        (out, n_set)
    }
}
