/// The type of a tensor's elements, never converted. The discriminants are wire values (`docs/format.md` §13).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u8)]
pub enum ElementType {
    /// A byte 0 or 1.
    Bool = 0,
    /// Unsigned 8 bit.
    U8 = 1,
    /// Signed 8 bit.
    I8 = 2,
    /// Unsigned 16 bit.
    U16 = 3,
    /// Signed 16 bit.
    I16 = 4,
    /// Unsigned 32 bit.
    U32 = 5,
    /// Signed 32 bit.
    I32 = 6,
    /// Unsigned 64 bit.
    U64 = 7,
    /// Signed 64 bit.
    I64 = 8,
    /// IEEE 754 binary16.
    F16 = 9,
    /// IEEE 754 binary32.
    F32 = 10,
    /// IEEE 754 binary64.
    F64 = 11,
    /// The upper half of a binary32.
    Bf16 = 12,
    /// Two binary32: real, imaginary.
    Complex64 = 13,
    /// Two binary64: real, imaginary.
    Complex128 = 14,
    /// OCP 8-bit float, 4 bits of exponent, no infinities.
    F8E4M3Fn = 15,
    /// OCP 8-bit float, 5 bits of exponent.
    F8E5M2 = 16,
    /// 8-bit float, 4 bits of exponent, one NaN and one zero.
    F8E4M3Fnuz = 17,
    /// 8-bit float, 5 bits of exponent, one NaN and one zero.
    F8E5M2Fnuz = 18,
    /// OCP 8-bit power of two, a scale.
    F8E8M0Fnu = 19,
    /// Bits whose meaning only a name tells.
    Opaque = 255,
}

/// How the words of an element sort.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WordKind {
    /// As unsigned integers, or in no known way.
    Unsigned,
    /// As integers in two's complement.
    Signed,
    /// As floats: a sign and a magnitude.
    Float,
}

impl ElementType {
    /// Every type, in wire order.
    pub const ALL: [Self; 21] = [
        Self::Bool,
        Self::U8,
        Self::I8,
        Self::U16,
        Self::I16,
        Self::U32,
        Self::I32,
        Self::U64,
        Self::I64,
        Self::F16,
        Self::F32,
        Self::F64,
        Self::Bf16,
        Self::Complex64,
        Self::Complex128,
        Self::F8E4M3Fn,
        Self::F8E5M2,
        Self::F8E4M3Fnuz,
        Self::F8E5M2Fnuz,
        Self::F8E8M0Fnu,
        Self::Opaque,
    ];

    /// Wire value.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// Inverse of [`Self::code`]; `None` for an unknown value.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|element| element.code() == code)
    }

    /// Lower-case name, as in `bf16`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::U8 => "u8",
            Self::I8 => "i8",
            Self::U16 => "u16",
            Self::I16 => "i16",
            Self::U32 => "u32",
            Self::I32 => "i32",
            Self::U64 => "u64",
            Self::I64 => "i64",
            Self::F16 => "f16",
            Self::F32 => "f32",
            Self::F64 => "f64",
            Self::Bf16 => "bf16",
            Self::Complex64 => "complex64",
            Self::Complex128 => "complex128",
            Self::F8E4M3Fn => "f8_e4m3fn",
            Self::F8E5M2 => "f8_e5m2",
            Self::F8E4M3Fnuz => "f8_e4m3fnuz",
            Self::F8E5M2Fnuz => "f8_e5m2fnuz",
            Self::F8E8M0Fnu => "f8_e8m0fnu",
            Self::Opaque => "opaque",
        }
    }

    /// Inverse of [`Self::name`].
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|element| element.name() == name)
    }

    /// Bits of one element; `None` for [`Self::Opaque`], whose descriptor says.
    #[must_use]
    pub const fn n_bits(self) -> Option<u32> {
        match self {
            Self::Opaque => None,
            Self::Complex128 => Some(128),
            Self::U64 | Self::I64 | Self::F64 | Self::Complex64 => Some(64),
            Self::U32 | Self::I32 | Self::F32 => Some(32),
            Self::U16 | Self::I16 | Self::F16 | Self::Bf16 => Some(16),
            _ => Some(8),
        }
    }

    /// Words that make one element: 2 for complex numbers.
    #[must_use]
    pub const fn n_words(self) -> usize {
        if matches!(self, Self::Complex64 | Self::Complex128) { 2 } else { 1 }
    }

    /// How its words sort.
    #[must_use]
    pub const fn word_kind(self) -> WordKind {
        match self {
            Self::I8 | Self::I16 | Self::I32 | Self::I64 => WordKind::Signed,
            Self::F16
            | Self::F32
            | Self::F64
            | Self::Bf16
            | Self::Complex64
            | Self::Complex128
            | Self::F8E4M3Fn
            | Self::F8E5M2
            | Self::F8E4M3Fnuz
            | Self::F8E5M2Fnuz => WordKind::Float,
            _ => WordKind::Unsigned,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_names_are_unique_and_come_back() {
        for element in ElementType::ALL {
            assert_eq!(ElementType::from_code(element.code()), Some(element));
            assert_eq!(ElementType::from_name(element.name()), Some(element));
        }
        assert_eq!(ElementType::from_code(20), None);
        assert_eq!(ElementType::from_name("float"), None);
    }

    #[test]
    fn codes_agree_with_sample_types() {
        for sample in crate::SampleType::ALL {
            let element = ElementType::from_code(sample.code()).unwrap();
            assert_eq!(element.name(), sample.name());
            assert_eq!(element.n_bits(), Some(8 * sample.n_bytes() as u32));
        }
    }
}
