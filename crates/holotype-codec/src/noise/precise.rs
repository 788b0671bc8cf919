//! Logarithm, exponential, sine and cosine, rounded to the nearest binary64. `docs/codecs/noise.md` §5.
//!
//! Sums of two binary64 numbers carry about 106 bits (Dekker 1971, Knuth TAOCP 4.2.2), and the series are long enough
//! for about 98 of them: the rounding is right but where the true value comes nearer than that to the middle of two
//! neighbours. No function of the platform's mathematics library is used.

/// `high + low`, where `high` is the sum rounded.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Wide {
    high: f64,
    low: f64,
}

/// Terms of each series with all bits; those after them are small enough for binary64.
const N_WIDE: usize = 11;
/// Terms after them.
const N_NARROW: usize = 12;

const LN_2: Wide =
    Wide { high: f64::from_bits(0x3FE6_2E42_FEFA_39EF), low: f64::from_bits(0x3C7A_BC9E_3B39_803F) };
/// π/2, and what is left of it after that.
const HALF_PI: Wide =
    Wide { high: f64::from_bits(0x3FF9_21FB_5444_2D18), low: f64::from_bits(0x3C91_A626_3314_5C07) };
const HALF_PI_REST: f64 = f64::from_bits(0xB91F_1976_B7ED_8FBC);

/// The sum of two numbers of any size, exactly.
#[inline(always)]
fn sum(a: f64, b: f64) -> Wide {
    let high = a + b;
    let from_b = high - a;
    Wide { high, low: (a - (high - from_b)) + (b - from_b) }
}

/// The same where `a` is the larger one.
#[inline(always)]
fn sum_ordered(a: f64, b: f64) -> Wide {
    let high = a + b;
    Wide { high, low: b - (high - a) }
}

/// The product, exactly.
#[inline(always)]
fn product(a: f64, b: f64) -> Wide {
    let high = a * b;
    Wide { high, low: a.mul_add(b, -high) }
}

impl Wide {
    #[inline(always)]
    const fn of(value: f64) -> Self {
        Self { high: value, low: 0.0 }
    }

    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        let high = sum(self.high, other.high);
        let low = sum(self.low, other.low);
        let part = sum_ordered(high.high, high.low + low.high);
        sum_ordered(part.high, part.low + low.low)
    }

    #[inline(always)]
    fn times(self, other: Self) -> Self {
        let high = product(self.high, other.high);
        sum_ordered(high.high, high.low + self.high.mul_add(other.low, self.low * other.high))
    }

    #[inline(always)]
    fn over(self, other: Self) -> Self {
        let first = self.high / other.high;
        let rest = self.plus(other.times(Self::of(-first)));
        let second = rest.high / other.high;
        let rest = rest.plus(other.times(Self::of(-second)));
        sum_ordered(first, second).plus(Self::of(rest.high / other.high))
    }

    const fn negated(self) -> Self {
        Self { high: -self.high, low: -self.low }
    }
}

/// A power series, its first terms in full.
#[derive(Debug)]
struct Series {
    wide: [Wide; N_WIDE],
    narrow: [f64; N_NARROW],
}

impl Series {
    /// Of the coefficients that `next` gives one after the other.
    fn new(mut next: impl FnMut(usize) -> Wide) -> Self {
        let wide = std::array::from_fn(&mut next);
        Self { wide, narrow: std::array::from_fn(|k| next(N_WIDE + k).high) }
    }

    #[inline(always)]
    fn at(&self, x: Wide) -> Wide {
        let tail = self.narrow.iter().rev().fold(0.0_f64, |sum, c| sum.mul_add(x.high, *c));
        self.wide.iter().rev().fold(Wide::of(tail), |sum, c| sum.times(x).plus(*c))
    }
}

/// The functions, with what they need ready.
#[derive(Debug)]
pub(super) struct Precise {
    /// `artanh(√x)/√x`.
    logarithm: Series,
    exponential: Series,
    /// `sin(√x)/√x` and `cos(√x)`.
    sine: Series,
    cosine: Series,
}

impl Precise {
    pub(super) fn new() -> Self {
        let factorials = |first: f64, step: usize, is_alternating: bool| {
            let (mut term, mut n) = (Wide::of(1.0), first);
            Series::new(move |k| {
                if k > 0 {
                    for _ in 0..step {
                        n += 1.0;
                        term = term.over(Wide::of(n));
                    }
                    if is_alternating {
                        term = term.negated();
                    }
                }
                term
            })
        };
        Self {
            logarithm: Series::new(|k| Wide::of(1.0).over(Wide::of((2 * k + 1) as f64))),
            exponential: factorials(0.0, 1, false),
            sine: factorials(1.0, 2, true),
            cosine: factorials(0.0, 2, true),
        }
    }

    /// The natural logarithm of a positive normal number.
    pub(super) fn log(&self, x: f64) -> f64 {
        let bits = x.to_bits();
        let mut exponent = ((bits >> 52) as i32 - 1023) as f64;
        let mut m = f64::from_bits(bits & ((1 << 52) - 1) | 1023 << 52);
        if m > std::f64::consts::SQRT_2 {
            m *= 0.5;
            exponent += 1.0;
        }
        let s = Wide::of(m - 1.0).over(sum(m, 1.0));
        let log = s.times(self.logarithm.at(s.times(s)));
        let log = Wide { high: 2.0 * log.high, low: 2.0 * log.low };
        LN_2.times(Wide::of(exponent)).plus(log).high
    }

    /// The exponential of a number from −700 to 0.
    pub(super) fn exp(&self, x: f64) -> f64 {
        let n = (x * std::f64::consts::LOG2_E).round();
        // An eighth of the rest, so that the series is short.
        let rest = LN_2.times(Wide::of(-n)).plus(Wide::of(x));
        let rest = Wide { high: 0.125 * rest.high, low: 0.125 * rest.low };
        let mut value = self.exponential.at(rest);
        for _ in 0..3 {
            value = value.times(value);
        }
        value.high * f64::from_bits(((n as i64 + 1023) as u64) << 52)
    }

    /// Sine and cosine of a number from 0 to 2π.
    pub(super) fn sin_cos(&self, x: f64) -> (f64, f64) {
        let quadrant = (x * std::f64::consts::FRAC_2_PI).round();
        // Most of the digits go: what they leave must be known to the end.
        let turns = product(-quadrant, HALF_PI.high);
        let rest = sum(x, turns.high).plus(Wide::of(turns.low)).plus(product(-quadrant, HALF_PI.low));
        let rest = rest.plus(Wide::of(-quadrant * HALF_PI_REST));
        let square = rest.times(rest);
        let (sin, cos) = (rest.times(self.sine.at(square)).high, self.cosine.at(square).high);
        match quadrant as i32 & 3 {
            0 => (sin, cos),
            1 => (cos, -sin),
            2 => (-sin, -cos),
            _ => (-cos, sin),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Bits of numbers and of what they give, computed with a hundred digits and rounded.
    const LOGARITHMS: &[(u64, u64)] = &[
        (0x3FF0_0000_0000_0000, 0x0000_0000_0000_0000),
        (0x3FE0_0000_0000_0000, 0xBFE6_2E42_FEFA_39EF),
        (0x3CA0_0000_0000_0000, 0xC042_5E4F_7B27_37FA),
        (0x3FEF_FFFF_FFFF_FFFF, 0xBCA0_0000_0000_0000),
        (0x3FEF_FFFF_FF80_0000, 0xBE10_0000_0020_0000),
        (0x3FE6_A09E_667F_3BCC, 0xBFD6_2E42_FEFA_39F1),
        (0x3FE6_A09E_667F_3BCD, 0xBFD6_2E42_FEFA_39EE),
        (0x3FE3_EECF_8905_9360, 0xBFDE_4BA3_47BD_50A3),
        (0x3FE7_BCB8_116F_23EE, 0xBFD3_1DC9_E373_CA1B),
        (0x3FE9_7239_C6C3_047F, 0xBFCD_556E_E825_F5D8),
        (0x3FEE_288D_7F5D_B50C, 0xBFAE_58E9_FF1E_0A6D),
        (0x3FE7_AD3F_C69B_AE32, 0xBFD3_478D_35EE_28AF),
        (0x3FED_83AF_B61E_C2C4, 0xBFB4_B315_DDC6_33F1),
        (0x3F9D_B38B_EB90_86E0, 0xC00C_527D_E3F8_D8AA),
        (0x3FDD_CCC2_F635_29C2, 0xBFE8_75CC_7962_5280),
        (0x3FEE_2FFA_6CFF_07A8, 0xBFAD_DAE9_675E_A96C),
        (0x3FE4_C466_4835_1904, 0xBFDB_ABD0_B61C_DE5A),
        (0x3FEC_D42D_44A0_9DA2, 0xBFBA_B75E_236A_B125),
        (0x3FBC_FB10_EBE5_BB28, 0xC001_6DA9_BF47_C86E),
    ];
    const EXPONENTIALS: &[(u64, u64)] = &[
        (0x0000_0000_0000_0000, 0x3FF0_0000_0000_0000),
        (0xBFF0_0000_0000_0000, 0x3FD7_8B56_362C_EF38),
        (0xBD70_0000_0000_0000, 0x3FEF_FFFF_FFFF_E000),
        (0xC01A_B439_5810_624E, 0x3F54_A839_A856_72F3),
        (0xC00A_4492_E914_4117, 0x3FA3_32DC_6539_9D4F),
        (0xBFFB_9DBC_7B54_A2E8, 0x3FC6_C87B_55F3_7AA2),
        (0xC00E_735B_0DB6_BCF6, 0x3F96_C361_F61D_48CB),
        (0xC010_1202_ABDF_667B, 0x3F92_6DA0_31A7_B09F),
        (0xBFB7_8029_23C8_FFA0, 0x3FED_3177_0760_B540),
        (0xBFF8_4613_ABB6_D038, 0x3FCC_1380_C5DB_DAEC),
        (0xBFFF_4D51_828C_8F23, 0x3FC2_1867_51AF_57F3),
        (0xC019_A85D_1689_3E4C, 0x3F5A_D551_DE33_ECCC),
    ];
    const ANGLES: &[(u64, u64, u64)] = &[
        (0x0000_0000_0000_0000, 0x0000_0000_0000_0000, 0x3FF0_0000_0000_0000),
        (0x3D70_0000_0000_0000, 0x3D70_0000_0000_0000, 0x3FF0_0000_0000_0000),
        (0x3FE9_21FB_5444_2D18, 0x3FE6_A09E_667F_3BCC, 0x3FE6_A09E_667F_3BCD),
        (0x3FF9_21FB_5444_2D18, 0x3FF0_0000_0000_0000, 0x3C91_A626_3314_5C07),
        (0x4009_21FB_5444_2D18, 0x3CA1_A626_3314_5C07, 0xBFF0_0000_0000_0000),
        (0x4012_D97C_7F33_21D2, 0xBFF0_0000_0000_0000, 0xBCAA_7939_4C9E_8A0A),
        (0x4019_21FB_5444_2D18, 0xBCB1_A626_3314_5C07, 0x3FF0_0000_0000_0000),
        (0x3FF9_21FB_5444_2D17, 0x3FF0_0000_0000_0000, 0x3CB4_6989_8CC5_1702),
        (0x4019_21FB_5444_2D17, 0xBCD4_6989_8CC5_1702, 0x3FF0_0000_0000_0000),
        (0x4013_3EA9_E0B1_273E, 0xBFEF_D80B_7C59_D992, 0x3FB9_40D0_7626_FBAA),
        (0x3FF0_0B8F_F6E4_B8B9, 0x3FEA_F9CC_1324_B0B1, 0x3FE1_36AE_1AE8_664F),
        (0x4014_08D4_465B_6B96, 0xBFEE_9B2E_0929_4754, 0x3FD2_AECF_B3DB_0D63),
        (0x3FEB_E69D_C627_65B6, 0x3FE8_7F6A_53E1_8981, 0x3FE4_9681_0D88_FE04),
        (0x400F_095B_43B6_6C67, 0xBFE5_8782_BDF1_2C4D, 0xBFE7_ACB3_D10B_CE24),
        (0x3FE9_7971_C47B_D3A5, 0x3FE6_DE22_0352_58B5, 0x3FE6_6271_C0C2_8DB9),
        (0x3F86_D6BF_A9E7_F5DA, 0x3F86_D6A0_A3EA_1ABA, 0x3FEF_FF7D_9913_0472),
        (0x4015_E69A_2BA3_B686, 0xBFE7_21FB_A49D_2FB9, 0x3FE6_1C4C_78C9_D4EF),
        (0x3FF5_0E8D_DE4E_B37F, 0x3FEE_F7A0_DE50_90C5, 0x3FD0_20B7_1029_6AE2),
        (0x3FF5_A99B_8E9E_D777, 0x3FEF_4013_8531_AB23, 0x3FCB_8B67_84EC_D73A),
        (0x4018_B0E1_2638_DA31, 0xBFBC_37D6_0DAA_9628, 0x3FEF_CE14_E08D_6ADB),
        (0x4015_ED0E_3EC6_0D74, 0xBFE6_FE31_87C7_112E, 0x3FE6_4181_E39E_B445),
    ];

    #[test]
    fn values_are_those_of_many_digits() {
        let precise = Precise::new();
        for (x, log) in LOGARITHMS {
            assert_eq!(precise.log(f64::from_bits(*x)).to_bits(), *log, "log {x:x}");
        }
        for (x, exp) in EXPONENTIALS {
            assert_eq!(precise.exp(f64::from_bits(*x)).to_bits(), *exp, "exp {x:x}");
        }
        for (x, sin, cos) in ANGLES {
            let found = precise.sin_cos(f64::from_bits(*x));
            assert_eq!((found.0.to_bits(), found.1.to_bits()), (*sin, *cos), "sin, cos {x:x}");
        }
    }

    #[test]
    fn values_are_near_those_of_the_platform() {
        let precise = Precise::new();
        let near = |a: f64, b: f64| (a - b).abs() <= f64::EPSILON * b.abs();
        for i in 1..=20_000_u32 {
            let x = f64::from(i) / 20_000.0;
            assert!(near(precise.log(x), x.ln()), "{x}");
            assert!(near(precise.exp(-7.0 * x), (-7.0 * x).exp()), "{x}");
            let angle = x * std::f64::consts::TAU;
            let (sin, cos) = precise.sin_cos(angle);
            assert!(near(sin, angle.sin()) && near(cos, angle.cos()), "{angle}");
        }
    }
}
