//! Logarithms without floating point: the same estimate on every machine.

/// 65536 · log₂(n) for n ≥ 1, within 1/65536 of a step of linear interpolation; 0 for 0.
pub(crate) fn log2(n: u32) -> u32 {
    if n == 0 {
        return 0;
    }
    let whole = 31 - n.leading_zeros();
    // Fraction in 1/2³⁰ above the leading one.
    let fraction = ((u64::from(n) << (31 - whole)) as u32 & 0x7FFF_FFFF) >> 1;
    let (at, rest) = (fraction as usize >> 20, u64::from(fraction & 0xF_FFFF));
    let (low, high) = (TABLE[at], TABLE[at + 1]);
    (whole << 16) + low + ((u64::from(high - low) * rest) >> 20) as u32
}

/// What was counted takes under its own statistics, in 1/65536 bit.
pub(crate) fn entropy(counts: &[u32]) -> u64 {
    let total: u32 = counts.iter().sum();
    let used = counts.iter().filter(|n| **n > 0);
    used.map(|n| u64::from(*n) * u64::from(log2(total) - log2(*n))).sum()
}

const N: usize = 1024;

/// 65536 · log₂(1 + i / 1024), by repeated squaring.
static TABLE: [u32; N + 1] = {
    let mut table = [0; N + 1];
    let mut i = 0;
    while i < N {
        // A number in [1, 2) with 31 fractional bits.
        let mut x = ((N + i) as u64) << 21;
        let (mut log, mut bit) = (0, 0);
        while bit < 17 {
            x = (x * x) >> 31;
            log <<= 1;
            if x >> 32 != 0 {
                x >>= 1;
                log |= 1;
            }
            bit += 1;
        }
        table[i] = (log + 1) >> 1;
        i += 1;
    }
    table[N] = 1 << 16;
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logarithms_are_close_and_grow() {
        let mut last = 0;
        for n in (1..1 << 16).chain((1 << 16..u32::MAX).step_by(99_991)) {
            let exact = f64::from(n).log2() * 65536.0;
            assert!((f64::from(log2(n)) - exact).abs() < 3.0, "{n}");
            assert!(log2(n) >= last);
            last = log2(n);
        }
    }
}
