//! Thirty-two lanes of 16-bit words beside four times eight of `i32`.

use super::{ByteLanes, Portable};

/// Operations on 32 lanes of `u16` ([`WordLanes::W`]).
pub(crate) trait WordLanes: ByteLanes {
    /// Thirty-two `u16`.
    type W: Copy;

    fn splat_u16(self, value: u16) -> Self::W;
    fn load_u16(self, from: &[u16; 32]) -> Self::W;
    fn store_u16(self, value: Self::W, to: &mut [u16; 32]);
    /// Sums modulo 65536.
    fn add_u16(self, a: Self::W, b: Self::W) -> Self::W;
    /// Differences modulo 65536.
    fn sub_u16(self, a: Self::W, b: Self::W) -> Self::W;
    /// Sums, at most 65535.
    fn add_capped_u16(self, a: Self::W, b: Self::W) -> Self::W;
    fn min_u16(self, a: Self::W, b: Self::W) -> Self::W;
    fn max_u16(self, a: Self::W, b: Self::W) -> Self::W;
    /// `(a + b + 1) / 2`.
    fn average_u16(self, a: Self::W, b: Self::W) -> Self::W;
    fn and_u16(self, a: Self::W, b: Self::W) -> Self::W;
    fn xor_u16(self, a: Self::W, b: Self::W) -> Self::W;
    /// Twice the value, modulo 65536.
    fn double_u16(self, a: Self::W) -> Self::W;
    /// Half the value, rounded down.
    fn halve_u16(self, a: Self::W) -> Self::W;
    /// 65535 where the highest bit is set, else 0.
    fn sign_u16(self, a: Self::W) -> Self::W;
    /// `a` where the mask is 65535, `b` where it is 0.
    fn select_u16(self, mask: Self::W, a: Self::W, b: Self::W) -> Self::W;
    /// Lane `k` takes lane `k - 1`; lane 0 takes `first`.
    fn shift_up_u16(self, a: Self::W, first: u16) -> Self::W;
    /// Lane 31.
    fn last_u16(self, a: Self::W) -> u16;
    /// Lanes 0 to 7, 8 to 15, 16 to 23, 24 to 31.
    fn widen_u16(self, a: Self::W) -> [Self::I; 4];
    /// Inverse of `widen_u16`; every lane is 0 to 65535.
    fn narrow_u16(self, a: [Self::I; 4]) -> Self::W;
    /// Row `k` of the result is column `k` of the rows.
    fn transpose_u16(self, rows: [&[u16; 16]; 16]) -> [[u16; 16]; 16];
}

#[inline(always)]
fn map2(a: [u16; 32], b: [u16; 32], f: impl Fn(u16, u16) -> u16) -> [u16; 32] {
    let mut out = [0; 32];
    for k in 0..32 {
        out[k] = f(a[k], b[k]);
    }
    out
}

impl WordLanes for Portable {
    type W = [u16; 32];

    #[inline(always)]
    fn splat_u16(self, value: u16) -> [u16; 32] {
        [value; 32]
    }

    #[inline(always)]
    fn load_u16(self, from: &[u16; 32]) -> [u16; 32] {
        *from
    }

    #[inline(always)]
    fn store_u16(self, value: [u16; 32], to: &mut [u16; 32]) {
        *to = value;
    }

    #[inline(always)]
    fn add_u16(self, a: [u16; 32], b: [u16; 32]) -> [u16; 32] {
        map2(a, b, u16::wrapping_add)
    }

    #[inline(always)]
    fn sub_u16(self, a: [u16; 32], b: [u16; 32]) -> [u16; 32] {
        map2(a, b, u16::wrapping_sub)
    }

    #[inline(always)]
    fn add_capped_u16(self, a: [u16; 32], b: [u16; 32]) -> [u16; 32] {
        map2(a, b, u16::saturating_add)
    }

    #[inline(always)]
    fn min_u16(self, a: [u16; 32], b: [u16; 32]) -> [u16; 32] {
        map2(a, b, Ord::min)
    }

    #[inline(always)]
    fn max_u16(self, a: [u16; 32], b: [u16; 32]) -> [u16; 32] {
        map2(a, b, Ord::max)
    }

    #[inline(always)]
    fn average_u16(self, a: [u16; 32], b: [u16; 32]) -> [u16; 32] {
        map2(a, b, |a, b| ((u32::from(a) + u32::from(b) + 1) >> 1) as u16)
    }

    #[inline(always)]
    fn and_u16(self, a: [u16; 32], b: [u16; 32]) -> [u16; 32] {
        map2(a, b, |a, b| a & b)
    }

    #[inline(always)]
    fn xor_u16(self, a: [u16; 32], b: [u16; 32]) -> [u16; 32] {
        map2(a, b, |a, b| a ^ b)
    }

    #[inline(always)]
    fn double_u16(self, a: [u16; 32]) -> [u16; 32] {
        a.map(|a| a << 1)
    }

    #[inline(always)]
    fn halve_u16(self, a: [u16; 32]) -> [u16; 32] {
        a.map(|a| a >> 1)
    }

    #[inline(always)]
    fn sign_u16(self, a: [u16; 32]) -> [u16; 32] {
        a.map(|a| (a as i16 >> 15) as u16)
    }

    #[inline(always)]
    fn select_u16(self, mask: [u16; 32], a: [u16; 32], b: [u16; 32]) -> [u16; 32] {
        let mut out = b;
        for k in 0..32 {
            if mask[k] != 0 {
                out[k] = a[k];
            }
        }
        out
    }

    #[inline(always)]
    fn shift_up_u16(self, a: [u16; 32], first: u16) -> [u16; 32] {
        let mut out = [first; 32];
        out[1..].copy_from_slice(&a[..31]);
        out
    }

    #[inline(always)]
    fn last_u16(self, a: [u16; 32]) -> u16 {
        a[31]
    }

    #[inline(always)]
    fn widen_u16(self, a: [u16; 32]) -> [[i32; 8]; 4] {
        let mut out = [[0; 8]; 4];
        for k in 0..32 {
            out[k / 8][k % 8] = i32::from(a[k]);
        }
        out
    }

    #[inline(always)]
    fn narrow_u16(self, a: [[i32; 8]; 4]) -> [u16; 32] {
        let mut out = [0; 32];
        for k in 0..32 {
            out[k] = a[k / 8][k % 8] as u16;
        }
        out
    }

    #[inline(always)]
    fn transpose_u16(self, rows: [&[u16; 16]; 16]) -> [[u16; 16]; 16] {
        std::array::from_fn(|k| rows.map(|row| row[k]))
    }
}
