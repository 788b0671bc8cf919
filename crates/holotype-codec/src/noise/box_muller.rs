//! Normal numbers of PyTorch's CPU generator: blocks of sixteen uniform numbers, eight radii and angles.
//! `docs/codecs/noise.md` §3, and §8 for binary64.
//!
//! Logarithm, sine and cosine are the polynomials of the Cephes library (Moshier) as vectorised by Pommier, in the very
//! order of operations of PyTorch's compiled code; `mul_add` rounds once, by IEEE 754, on every platform.

use super::mt19937::Mt19937;
use super::precise::Precise;

/// Numbers made together.
pub(super) const BLOCK: usize = 16;

/// In `[0, 1)`, of 24 bits.
pub(super) fn uniform(mt: &mut Mt19937) -> f32 {
    (mt.next_u32() & 0xFF_FFFF) as f32 / (1_u32 << 24) as f32
}

/// `n` ≥ 16 numbers. If `n` is no multiple of 16, the last 16 are made anew from further draws.
pub(super) fn normal(mt: &mut Mt19937, n: usize) -> Vec<f32> {
    in_blocks((0..n).map(|_| uniform(mt)).collect(), || uniform(mt), transform)
}

/// The same, where the last 16 follow those of the blocks before that are whole: as half floats are made.
pub(super) fn normal_by_blocks(mt: &mut Mt19937, n: usize) -> Vec<f32> {
    let mut drawn: Vec<f32> = (0..n - n % BLOCK).map(|_| uniform(mt)).collect();
    drawn.resize(n, 0.0);
    in_blocks(drawn, || uniform(mt), transform)
}

/// In `[0, 1)`, of 53 bits.
pub(super) fn uniform_f64(mt: &mut Mt19937) -> f64 {
    let bits = u64::from(mt.next_u32()) << 32 | u64::from(mt.next_u32());
    (bits & ((1 << 53) - 1)) as f64 / (1_u64 << 53) as f64
}

/// [`normal`] in binary64.
pub(super) fn normal_f64(mt: &mut Mt19937, n: usize) -> Vec<f64> {
    let precise = Precise::new();
    let drawn = (0..n).map(|_| uniform_f64(mt)).collect();
    in_blocks(drawn, || uniform_f64(mt), |block| transform_f64(&precise, block))
}

/// Makes blocks of what was drawn; the last 16 of further draws if they are not a block.
fn in_blocks<T>(drawn: Vec<T>, draw: impl FnMut() -> T, transform: impl Fn(&mut [T; BLOCK])) -> Vec<T> {
    let mut numbers = drawn;
    let (blocks, rest) = numbers.as_chunks_mut();
    blocks.iter_mut().for_each(&transform);
    if !rest.is_empty()
        && let Some(last) = numbers.last_chunk_mut()
    {
        last.fill_with(draw);
        transform(last);
    }
    numbers
}

fn transform_f64(precise: &Precise, block: &mut [f64; BLOCK]) {
    for k in 0..BLOCK / 2 {
        let radius = (-2.0 * precise.log(1.0 - block[k])).sqrt();
        let (sin, cos) = precise.sin_cos(std::f64::consts::TAU * block[k + BLOCK / 2]);
        block[k] = radius * cos + 0.0;
        block[k + BLOCK / 2] = radius * sin + 0.0;
    }
}

fn transform(block: &mut [f32; BLOCK]) {
    for k in 0..BLOCK / 2 {
        let radius = (-2.0 * log(1.0 - block[k])).sqrt();
        let (sin, cos) = sin_cos(std::f32::consts::TAU * block[k + BLOCK / 2]);
        // Zero is added as the mean: −0 becomes 0.
        block[k] = radius * cos + 0.0;
        block[k + BLOCK / 2] = radius * sin + 0.0;
    }
}

/// Of numbers in `(0, 1]`.
fn log(x: f32) -> f32 {
    const P: [f32; 9] = [
        7.037_683_6e-2,
        -1.151_461e-1,
        1.167_699_84e-1,
        -1.242_014_1e-1,
        1.424_932_3e-1,
        -1.666_805_8e-1,
        2.000_071_4e-1,
        -2.499_999_4e-1,
        3.333_333e-1,
    ];
    let bits = x.to_bits();
    let mut exponent = (bits >> 23) as i32 as f32 - 126.0;
    let mut x = f32::from_bits(bits & 0x007F_FFFF | 0x3F00_0000);
    if x < std::f32::consts::FRAC_1_SQRT_2 {
        exponent -= 1.0;
        x = x - 1.0 + x;
    } else {
        x -= 1.0;
    }
    let square = x * x;
    let polynomial = P.into_iter().reduce(|sum, p| sum.mul_add(x, p)).unwrap_or(0.0) * x;
    let low = polynomial.mul_add(square, exponent * -2.121_944_4e-4);
    let low = (-square).mul_add(0.5, low);
    exponent.mul_add(0.693_359_4, x + low)
}

/// Of numbers in `[0, 2π)`.
fn sin_cos(x: f32) -> (f32, f32) {
    let octant = ((x * 1.273_239_5) as i32 + 1) & !1;
    let n = octant as f32;
    let x = n.mul_add(-0.785_156_25, x);
    let x = n.mul_add(-2.418_756_5e-4, x);
    let x = n.mul_add(-3.774_895e-8, x);
    let z = x * x;
    let even = 2.443_315_7e-5_f32.mul_add(z, -1.388_731_6e-3).mul_add(z, 4.166_664_6e-2) * z;
    let even = even.mul_add(z, -(z * 0.5)) + 1.0;
    let odd = (-1.951_529_6e-4_f32).mul_add(z, 8.332_161e-3).mul_add(z, -1.666_665_5e-1) * z;
    let odd = odd.mul_add(x, x);
    let (sin, cos) = if octant & 2 == 0 { (odd, even) } else { (even, odd) };
    let sign = |value: f32, is_negative: bool| if is_negative { -value } else { value };
    (sign(sin, octant & 4 != 0), sign(cos, (octant + 2) & 4 != 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_are_those_of_cephes() {
        // As printed there, with more digits than a binary32 has.
        for (ours, theirs) in [
            (7.037_683_6e-2_f32, 7.037_683_629_2e-2_f64),
            (-1.151_461e-1, -1.151_461_031_0e-1),
            (1.167_699_84e-1, 1.167_699_874_0e-1),
            (-1.242_014_1e-1, -1.242_014_084_6e-1),
            (1.424_932_3e-1, 1.424_932_278_7e-1),
            (-1.666_805_8e-1, -1.666_805_766_5e-1),
            (2.000_071_4e-1, 2.000_071_476_5e-1),
            (-2.499_999_4e-1, -2.499_999_399_3e-1),
            (3.333_333e-1, 3.333_333_117_4e-1),
            (-2.121_944_4e-4, -2.121_944_40e-4),
            (0.693_359_4, 0.693_359_375),
            (1.273_239_5, 1.273_239_544_735_16),
            (-2.418_756_5e-4, -2.418_756_484_985_351_6e-4),
            (-3.774_895e-8, -3.774_894_977_445_941e-8),
            (2.443_315_7e-5, 2.443_315_711_809_948e-5),
            (-1.388_731_6e-3, -1.388_731_625_493_765e-3),
            (4.166_664_6e-2, 4.166_664_568_298_827e-2),
            (-1.951_529_6e-4, -1.951_529_589_1e-4),
            (8.332_161e-3, 8.332_160_873_6e-3),
            (-1.666_665_5e-1, -1.666_665_461_1e-1),
        ] {
            assert_eq!(ours, theirs as f32);
        }
    }

    #[test]
    fn functions_are_near_the_true_ones() {
        for i in 1..=1_u32 << 16 {
            let x = i as f32 / 65536.0;
            assert!((f64::from(log(x)) - f64::from(x).ln()).abs() < 1e-6 * (1.0 - f64::from(x).ln()), "{x}");
            let angle = x * std::f32::consts::TAU;
            let (sin, cos) = sin_cos(angle);
            assert!((f64::from(sin) - f64::from(angle).sin()).abs() < 2e-7, "{angle}");
            assert!((f64::from(cos) - f64::from(angle).cos()).abs() < 2e-7, "{angle}");
        }
    }
}
