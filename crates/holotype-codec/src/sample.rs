/// The type of one sample, as in the source; never converted silently.
///
/// The discriminants are wire values (`docs/format.md`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u8)]
pub enum SampleType {
    /// One bit, stored in memory as a byte 0 or 1.
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
    /// IEEE 754 binary16 bit pattern.
    F16 = 9,
    /// IEEE 754 binary32 bit pattern.
    F32 = 10,
    /// IEEE 754 binary64 bit pattern.
    F64 = 11,
}

impl SampleType {
    /// Every sample type, in wire order.
    pub const ALL: [Self; 12] = [
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
    ];

    /// Size of one sample in memory, in bytes.
    #[must_use]
    pub const fn n_bytes(self) -> usize {
        match self {
            Self::Bool | Self::U8 | Self::I8 => 1,
            Self::U16 | Self::I16 | Self::F16 => 2,
            Self::U32 | Self::I32 | Self::F32 => 4,
            Self::U64 | Self::I64 | Self::F64 => 8,
        }
    }

    /// Wire value.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// Inverse of [`Self::code`]; `None` for an unknown value.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }

    /// Lower-case name, as in `u16`.
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
        }
    }

    /// True for f16, f32 and f64.
    #[must_use]
    pub const fn is_float(self) -> bool {
        matches!(self, Self::F16 | Self::F32 | Self::F64)
    }

    /// True for signed integers.
    #[must_use]
    pub const fn is_signed_integer(self) -> bool {
        matches!(self, Self::I8 | Self::I16 | Self::I32 | Self::I64)
    }
}
