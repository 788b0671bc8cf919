//! Words as numbers of the pco format. `docs/codecs/tensor.md` §6.

use super::word::Word;
use super::{ElementType, WordKind};
use crate::CodecError;
use half::f16;
use pco::ChunkConfig;
use pco::PagingSpec;
use pco::data_types::Number;
use pco::metadata::{ChunkMeta, DeltaEncoding, Mode};
use pco::wrapped::{FileCompressor, FileDecompressor};

/// Level of a first glance.
pub(super) const GLANCE: usize = 5;
/// Level of a quick look.
pub(super) const QUICK: usize = 8;
/// Level of what is kept: one part in 700 larger than by the densest, 12, and three to eight times as fast.
pub(super) const DENSE: usize = 10;
const CORRUPT: CodecError = CodecError::Corrupt { what: "a pco stream" };

/// Numbers pco knows, made of the bits of words.
trait OfBits: Number {
    fn of_bits(bits: u64) -> Self;
    fn into_bits(self) -> u64;
}

macro_rules! impl_of_bits {
    ($($number:ty),*; $($float:ty),*) => {
        $(impl OfBits for $number {
            #[inline]
            fn of_bits(bits: u64) -> Self {
                bits as Self
            }

            #[inline]
            fn into_bits(self) -> u64 {
                self as u64
            }
        })*
        $(impl OfBits for $float {
            #[inline]
            fn of_bits(bits: u64) -> Self {
                Self::from_bits(bits as _)
            }

            #[inline]
            fn into_bits(self) -> u64 {
                u64::from(self.to_bits())
            }
        })*
    };
}

impl_of_bits!(u8, u16, u32, u64, i8, i16, i32, i64; f16, f32, f64);

/// The kind of number words are taken for: that of their element, or unsigned once they were mapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NumberKind {
    Unsigned,
    Signed,
    Float,
}

impl NumberKind {
    /// What unmapped words of `element` are; none for floats pco does not know.
    pub(super) fn of(element: ElementType) -> Option<Self> {
        match element.word_kind() {
            WordKind::Unsigned => Some(Self::Unsigned),
            WordKind::Signed => Some(Self::Signed),
            WordKind::Float => matches!(
                element,
                ElementType::F16
                    | ElementType::F32
                    | ElementType::F64
                    | ElementType::Complex64
                    | ElementType::Complex128
            )
            .then_some(Self::Float),
        }
    }
}

/// What pco makes of words.
#[derive(Debug)]
pub(super) struct Coded {
    pub(super) bytes: Vec<u8>,
    /// How many of them do not grow with the number of words.
    pub(super) n_fixed: usize,
    /// Numbers go to bins one by one: no common factor was found, and none helps another.
    pub(super) is_classic: bool,
}

/// The coded words; nothing if pco refuses them.
pub(super) fn encode<W: Word>(words: &[W], kind: NumberKind, level: usize) -> Option<Coded> {
    use NumberKind::{Float, Signed, Unsigned};
    match (W::N_BYTES, kind) {
        (1, Signed) => encode_as::<W, i8>(words, level),
        (1, _) => encode_as::<W, u8>(words, level),
        (2, Unsigned) => encode_as::<W, u16>(words, level),
        (2, Signed) => encode_as::<W, i16>(words, level),
        (2, Float) => encode_as::<W, f16>(words, level),
        (4, Unsigned) => encode_as::<W, u32>(words, level),
        (4, Signed) => encode_as::<W, i32>(words, level),
        (4, Float) => encode_as::<W, f32>(words, level),
        (_, Unsigned) => encode_as::<W, u64>(words, level),
        (_, Signed) => encode_as::<W, i64>(words, level),
        (_, Float) => encode_as::<W, f64>(words, level),
    }
}

/// Inverse of [`encode`]: fills `words` from all of `coded`.
pub(super) fn decode<W: Word>(coded: &[u8], kind: NumberKind, words: &mut [W]) -> Result<(), CodecError> {
    use NumberKind::{Float, Signed, Unsigned};
    match (W::N_BYTES, kind) {
        (1, Signed) => decode_as::<W, i8>(coded, words),
        (1, _) => decode_as::<W, u8>(coded, words),
        (2, Unsigned) => decode_as::<W, u16>(coded, words),
        (2, Signed) => decode_as::<W, i16>(coded, words),
        (2, Float) => decode_as::<W, f16>(coded, words),
        (4, Unsigned) => decode_as::<W, u32>(coded, words),
        (4, Signed) => decode_as::<W, i32>(coded, words),
        (4, Float) => decode_as::<W, f32>(coded, words),
        (_, Unsigned) => decode_as::<W, u64>(coded, words),
        (_, Signed) => decode_as::<W, i64>(coded, words),
        (_, Float) => decode_as::<W, f64>(coded, words),
    }
}

fn encode_as<W: Word, N: OfBits>(words: &[W], level: usize) -> Option<Coded> {
    let numbers: Vec<N> = words.iter().map(|word| N::of_bits(word.bits())).collect();
    let config = ChunkConfig::default()
        .with_compression_level(level)
        .with_paging_spec(PagingSpec::EqualPagesUpTo(numbers.len().max(1)))
        .with_enable_8_bit(true);
    let file = FileCompressor::default();
    let mut chunk = file.chunk_compressor(&numbers, &config).ok()?;
    check_features(chunk.meta()).ok()?;
    let meta = chunk.meta();
    let is_classic = matches!((&meta.mode, &meta.delta_encoding), (Mode::Classic, DeltaEncoding::NoOp));
    let out = file.write_header(Vec::new()).ok()?;
    let out = chunk.write_meta(out).ok()?;
    let n_fixed = out.len();
    Some(Coded { bytes: chunk.write_page(0, out).ok()?, n_fixed, is_classic })
}

/// Refuses what the specification leaves out.
fn check_features(meta: &ChunkMeta) -> Result<(), CodecError> {
    let unsupported = |what| Err(CodecError::Unsupported { what, id: 0 });
    match &meta.mode {
        Mode::Classic | Mode::IntMult(_) | Mode::FloatQuant(_) => {}
        Mode::FloatMult(base) => {
            let is_finite = base
                .downcast_ref::<u32>()
                .map(|bits| f32::from_bits(bits.unordered(WordKind::Float)).is_finite())
                .or_else(|| {
                    base.downcast_ref::<u64>()
                        .map(|bits| f64::from_bits(bits.unordered(WordKind::Float)).is_finite())
                })
                .or_else(|| {
                    base.downcast_ref::<u16>()
                        .map(|bits| f16::from_bits(bits.unordered(WordKind::Float)).is_finite())
                });
            if is_finite != Some(true) {
                return Err(CORRUPT);
            }
        }
        _ => return unsupported("pco mode"),
    }
    match &meta.delta_encoding {
        DeltaEncoding::NoOp | DeltaEncoding::Consecutive { .. } | DeltaEncoding::Lookback { .. } => Ok(()),
        _ => unsupported("pco delta"),
    }
}

fn decode_as<W: Word, N: OfBits>(coded: &[u8], words: &mut [W]) -> Result<(), CodecError> {
    let (file, rest) = FileDecompressor::new(coded).map_err(|_| CORRUPT)?;
    let (mut chunk, rest) = file.chunk_decompressor::<N, _>(rest).map_err(|_| CORRUPT)?;
    check_features(chunk.meta())?;
    let mut page = chunk.page_decompressor(rest, words.len()).map_err(|_| CORRUPT)?;
    let mut numbers = vec![N::of_bits(0); words.len()];
    let progress = page.read(&mut numbers).map_err(|_| CORRUPT)?;
    if progress.n_processed != words.len() || !page.into_src().is_empty() {
        return Err(CORRUPT);
    }
    words.iter_mut().zip(numbers).for_each(|(word, number)| *word = W::of(number.into_bits()));
    Ok(())
}
