//! Elements as unsigned words, and words that sort as the elements do. `docs/codecs/tensor.md` §2.

use super::WordKind;

/// An unsigned integer that holds one word of an element.
pub(super) trait Word: Copy + Eq + Default + Send + Sync + 'static {
    /// Bytes.
    const N_BYTES: usize;
    /// The low bits of `bits`.
    fn of(bits: u64) -> Self;
    fn bits(self) -> u64;
    fn plus(self, other: Self) -> Self;
    fn minus(self, other: Self) -> Self;
    /// The sign bit moved to the lowest place, the others up by one.
    fn rotate_up(self) -> Self;
    fn rotate_down(self) -> Self;
    /// Small differences of either sign to small numbers.
    fn zigzag(self) -> Self;
    fn unzigzag(self) -> Self;
    /// The bit pattern as a number that sorts as the element: floats with all bits of negatives and the sign bit
    /// of positives turned, signed integers with the sign bit turned.
    fn ordered(self, kind: WordKind) -> Self;
    fn unordered(self, kind: WordKind) -> Self;
    fn from_bytes(bytes: &[u8]) -> Vec<Self>;
    /// Word number `at`; 0 if there is none.
    fn at(bytes: &[u8], at: usize) -> Self;
    /// `out` has as many bytes as the words.
    fn to_bytes(words: &[Self], out: &mut [u8]);
}

macro_rules! impl_word {
    ($word:ty) => {
        impl Word for $word {
            const N_BYTES: usize = size_of::<Self>();

            #[inline(always)]
            fn of(bits: u64) -> Self {
                bits as Self
            }

            #[inline(always)]
            fn bits(self) -> u64 {
                u64::from(self)
            }

            #[inline(always)]
            fn plus(self, other: Self) -> Self {
                self.wrapping_add(other)
            }

            #[inline(always)]
            fn minus(self, other: Self) -> Self {
                self.wrapping_sub(other)
            }

            #[inline(always)]
            fn rotate_up(self) -> Self {
                self.rotate_left(1)
            }

            #[inline(always)]
            fn rotate_down(self) -> Self {
                self.rotate_right(1)
            }

            #[inline(always)]
            fn zigzag(self) -> Self {
                (self << 1) ^ (self >> (Self::BITS - 1)).wrapping_neg()
            }

            #[inline(always)]
            fn unzigzag(self) -> Self {
                (self >> 1) ^ (self & 1).wrapping_neg()
            }

            #[inline(always)]
            fn ordered(self, kind: WordKind) -> Self {
                let sign = 1 << (Self::BITS - 1);
                match kind {
                    WordKind::Unsigned => self,
                    WordKind::Signed => self ^ sign,
                    WordKind::Float => self ^ ((self >> (Self::BITS - 1)).wrapping_neg() | sign),
                }
            }

            #[inline(always)]
            fn unordered(self, kind: WordKind) -> Self {
                let sign = 1 << (Self::BITS - 1);
                match kind {
                    WordKind::Unsigned => self,
                    WordKind::Signed => self ^ sign,
                    WordKind::Float => self ^ ((!self >> (Self::BITS - 1)).wrapping_neg() | sign),
                }
            }

            fn from_bytes(bytes: &[u8]) -> Vec<Self> {
                bytes.as_chunks().0.iter().map(|bytes| Self::from_le_bytes(*bytes)).collect()
            }

            #[inline(always)]
            fn at(bytes: &[u8], at: usize) -> Self {
                bytes.as_chunks().0.get(at).map_or(0, |bytes| Self::from_le_bytes(*bytes))
            }

            fn to_bytes(words: &[Self], out: &mut [u8]) {
                for (word, out) in words.iter().zip(out.as_chunks_mut().0) {
                    *out = word.to_le_bytes();
                }
            }
        }
    };
}

impl_word!(u8);
impl_word!(u16);
impl_word!(u32);
impl_word!(u64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_sort_as_floats_and_come_back() {
        let values = [f32::NEG_INFINITY, -2.5, -1e-40, -0.0, 0.0, 1e-40, 1.0, 3.0e38, f32::INFINITY];
        let words = values.map(|value| value.to_bits().ordered(WordKind::Float));
        assert!(words.is_sorted_by(|a, b| a < b));
        let integers = [i16::MIN, -1, 0, 1, i16::MAX].map(|value| (value as u16).ordered(WordKind::Signed));
        assert!(integers.is_sorted_by(|a, b| a < b));
        for word in 0..=u16::MAX {
            for kind in [WordKind::Unsigned, WordKind::Signed, WordKind::Float] {
                assert_eq!(word.ordered(kind).unordered(kind), word);
            }
            assert_eq!(word.zigzag().unzigzag(), word);
            assert_eq!(word.rotate_up().rotate_down(), word);
        }
        assert_eq!([0_u8, 255, 1, 254, 2].map(Word::zigzag), [0, 1, 2, 3, 4]);
    }
}
