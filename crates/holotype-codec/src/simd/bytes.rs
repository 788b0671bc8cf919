//! Thirty-two lanes of bytes beside four times eight of `i32`.

use super::{Lanes, Portable};

/// Operations on 32 lanes of `u8` ([`ByteLanes::B`]).
pub(crate) trait ByteLanes: Lanes {
    /// Thirty-two `u8`.
    type B: Copy;

    fn splat_u8(self, value: u8) -> Self::B;
    fn load_u8(self, from: &[u8; 32]) -> Self::B;
    fn store_u8(self, value: Self::B, to: &mut [u8; 32]);
    /// Sums modulo 256.
    fn add_u8(self, a: Self::B, b: Self::B) -> Self::B;
    /// Differences modulo 256.
    fn sub_u8(self, a: Self::B, b: Self::B) -> Self::B;
    /// Sums, at most 255.
    fn add_capped_u8(self, a: Self::B, b: Self::B) -> Self::B;
    fn min_u8(self, a: Self::B, b: Self::B) -> Self::B;
    fn max_u8(self, a: Self::B, b: Self::B) -> Self::B;
    /// `(a + b + 1) / 2`.
    fn average_u8(self, a: Self::B, b: Self::B) -> Self::B;
    fn and_u8(self, a: Self::B, b: Self::B) -> Self::B;
    /// 255 where `a > b`, both taken as −128 to 127, else 0.
    fn gt_i8(self, a: Self::B, b: Self::B) -> Self::B;
    /// 255 where `a == b`, else 0.
    fn eq_u8(self, a: Self::B, b: Self::B) -> Self::B;
    /// `a` where the mask is 255, `b` where it is 0.
    fn select_u8(self, mask: Self::B, a: Self::B, b: Self::B) -> Self::B;
    /// Lane `k` takes lane `k - 1`; lane 0 takes `first`.
    fn shift_up_u8(self, a: Self::B, first: u8) -> Self::B;
    /// Lane 31.
    fn last_u8(self, a: Self::B) -> u8;
    /// Column `k` of sixteen rows, then column `k + 16` of them.
    fn transpose_u8(self, rows: [&[u8; 32]; 16]) -> [[u8; 32]; 16];
    /// Element `i` of plane `c` becomes byte `3 * i + c` of the three vectors as one row.
    fn interleave3_u8(self, planes: [Self::B; 3]) -> [Self::B; 3];
    /// Inverse of `interleave3_u8`.
    fn deinterleave3_u8(self, row: [Self::B; 3]) -> [Self::B; 3];
    /// Lanes 0 to 7, 8 to 15, 16 to 23, 24 to 31.
    fn widen_u8(self, a: Self::B) -> [Self::I; 4];
    /// Inverse of `widen_u8`; every lane is 0 to 255.
    fn narrow_u8(self, a: [Self::I; 4]) -> Self::B;
}

#[inline(always)]
fn map2(a: [u8; 32], b: [u8; 32], f: impl Fn(u8, u8) -> u8) -> [u8; 32] {
    let mut out = [0; 32];
    for k in 0..32 {
        out[k] = f(a[k], b[k]);
    }
    out
}

impl ByteLanes for Portable {
    type B = [u8; 32];

    #[inline(always)]
    fn splat_u8(self, value: u8) -> [u8; 32] {
        [value; 32]
    }

    #[inline(always)]
    fn load_u8(self, from: &[u8; 32]) -> [u8; 32] {
        *from
    }

    #[inline(always)]
    fn store_u8(self, value: [u8; 32], to: &mut [u8; 32]) {
        *to = value;
    }

    #[inline(always)]
    fn add_u8(self, a: [u8; 32], b: [u8; 32]) -> [u8; 32] {
        map2(a, b, u8::wrapping_add)
    }

    #[inline(always)]
    fn sub_u8(self, a: [u8; 32], b: [u8; 32]) -> [u8; 32] {
        map2(a, b, u8::wrapping_sub)
    }

    #[inline(always)]
    fn add_capped_u8(self, a: [u8; 32], b: [u8; 32]) -> [u8; 32] {
        map2(a, b, u8::saturating_add)
    }

    #[inline(always)]
    fn min_u8(self, a: [u8; 32], b: [u8; 32]) -> [u8; 32] {
        map2(a, b, Ord::min)
    }

    #[inline(always)]
    fn max_u8(self, a: [u8; 32], b: [u8; 32]) -> [u8; 32] {
        map2(a, b, Ord::max)
    }

    #[inline(always)]
    fn average_u8(self, a: [u8; 32], b: [u8; 32]) -> [u8; 32] {
        map2(a, b, |a, b| ((u16::from(a) + u16::from(b) + 1) >> 1) as u8)
    }

    #[inline(always)]
    fn and_u8(self, a: [u8; 32], b: [u8; 32]) -> [u8; 32] {
        map2(a, b, |a, b| a & b)
    }

    #[inline(always)]
    fn gt_i8(self, a: [u8; 32], b: [u8; 32]) -> [u8; 32] {
        map2(a, b, |a, b| if a as i8 > b as i8 { 255 } else { 0 })
    }

    #[inline(always)]
    fn eq_u8(self, a: [u8; 32], b: [u8; 32]) -> [u8; 32] {
        map2(a, b, |a, b| if a == b { 255 } else { 0 })
    }

    #[inline(always)]
    fn select_u8(self, mask: [u8; 32], a: [u8; 32], b: [u8; 32]) -> [u8; 32] {
        let mut out = b;
        for k in 0..32 {
            if mask[k] >= 128 {
                out[k] = a[k];
            }
        }
        out
    }

    #[inline(always)]
    fn shift_up_u8(self, a: [u8; 32], first: u8) -> [u8; 32] {
        let mut out = [first; 32];
        out[1..].copy_from_slice(&a[..31]);
        out
    }

    #[inline(always)]
    fn last_u8(self, a: [u8; 32]) -> u8 {
        a[31]
    }

    #[inline(always)]
    fn transpose_u8(self, rows: [&[u8; 32]; 16]) -> [[u8; 32]; 16] {
        let mut out = [[0; 32]; 16];
        for (i, row) in rows.iter().enumerate() {
            for k in 0..16 {
                out[k][i] = row[k];
                out[k][i + 16] = row[k + 16];
            }
        }
        out
    }

    #[inline(always)]
    fn interleave3_u8(self, planes: [[u8; 32]; 3]) -> [[u8; 32]; 3] {
        let mut row = [[0; 32]; 3];
        for k in 0..96 {
            row[k / 32][k % 32] = planes[k % 3][k / 3];
        }
        row
    }

    #[inline(always)]
    fn deinterleave3_u8(self, row: [[u8; 32]; 3]) -> [[u8; 32]; 3] {
        let mut planes = [[0; 32]; 3];
        for k in 0..96 {
            planes[k % 3][k / 3] = row[k / 32][k % 32];
        }
        planes
    }

    #[inline(always)]
    fn widen_u8(self, a: [u8; 32]) -> [[i32; 8]; 4] {
        let mut out = [[0; 8]; 4];
        for k in 0..32 {
            out[k / 8][k % 8] = i32::from(a[k]);
        }
        out
    }

    #[inline(always)]
    fn narrow_u8(self, a: [[i32; 8]; 4]) -> [u8; 32] {
        let mut out = [0; 32];
        for k in 0..32 {
            out[k] = a[k / 8][k % 8] as u8;
        }
        out
    }
}
