//! The median edge detector for the four bytes of a pixel at once.
#![allow(unsafe_code, reason = "this room holds the instruction sets")]

/// What `west + north - north_west` is, kept between the smaller and the larger of the first two, byte by byte.
///
/// Every x86-64 processor has SSE2, so this needs no proof and is inlined anywhere.
#[inline(always)]
pub(crate) fn median(west: u32, north: u32, north_west: u32) -> u32 {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::*;
        // SAFETY: x86-64 has SSE2.
        unsafe {
            let [w, n, nw] = [west, north, north_west].map(|pixel| _mm_cvtsi32_si128(pixel as i32));
            let (low, high) = (_mm_min_epu8(w, n), _mm_max_epu8(w, n));
            let least = _mm_subs_epu8(high, _mm_subs_epu8(nw, low));
            _mm_cvtsi128_si32(_mm_max_epu8(least, low)) as u32
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    plain(west, north, north_west)
}

/// The oracle.
#[cfg(any(test, not(target_arch = "x86_64")))]
fn plain(west: u32, north: u32, north_west: u32) -> u32 {
    let [w, n, nw] = [west, north, north_west].map(u32::to_le_bytes);
    let channel = |c: usize| {
        let (low, high) = (i32::from(w[c].min(n[c])), i32::from(w[c].max(n[c])));
        (low + high - i32::from(nw[c])).clamp(low, high) as u8
    };
    u32::from_le_bytes(std::array::from_fn(channel))
}

/// Bytes of `a` and `b` added, modulo 256.
#[inline(always)]
pub(crate) fn add_bytes(a: u32, b: u32) -> u32 {
    const LOW: u32 = 0x7f7f_7f7f;
    ((a & LOW) + (b & LOW)) ^ ((a ^ b) & !LOW)
}

/// Bytes of `b` taken from those of `a`, modulo 256.
#[inline(always)]
pub(crate) fn sub_bytes(a: u32, b: u32) -> u32 {
    const LOW: u32 = 0x7f7f_7f7f;
    ((a | !LOW) - (b & LOW)) ^ ((a ^ !b) & !LOW)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_predicted_as_each_is_alone() {
        let edges = [0_u8, 1, 2, 100, 127, 128, 129, 200, 254, 255];
        for w in edges {
            for n in edges {
                for nw in edges {
                    // Four places, four neighbourhoods.
                    let [w, n, nw] =
                        [w, n, nw].map(|b| u32::from_le_bytes([b, b.wrapping_add(1), b.wrapping_mul(3), !b]));
                    assert_eq!(median(w, n, nw), plain(w, n, nw), "{w:x} {n:x} {nw:x}");
                    let bytes = |f: fn(u8, u8) -> u8| {
                        let (a, b) = (w.to_le_bytes(), n.to_le_bytes());
                        u32::from_le_bytes(std::array::from_fn(|c| f(a[c], b[c])))
                    };
                    assert_eq!(add_bytes(w, n), bytes(u8::wrapping_add), "{w:x} {n:x}");
                    assert_eq!(sub_bytes(w, n), bytes(u8::wrapping_sub), "{w:x} {n:x}");
                }
            }
        }
    }
}
