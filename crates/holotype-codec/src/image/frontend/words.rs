//! Samples ↔ unsigned words that sort as the samples do. `docs/codecs.md` §3.1.

use crate::{SampleType, TileMut, TileRef};

/// The integer that holds words: as small as the sample type allows.
pub(in crate::image) trait Word: Copy + Ord + Into<u64> {
    /// The low bits of `word`; nothing is lost if the type fits.
    fn of(word: u64) -> Self;

    /// The difference to a word that is at most 65535 less.
    fn less(self, base: Self) -> u16;

    /// The word that is `value` more; nothing is lost if it fits.
    fn more(self, value: u16) -> Self;

    /// The words as they are, if they are of 16 bit.
    fn as_u16(words: &[Self]) -> Option<&[u16]>;

    /// Every word as a sample of a plane, in the same memory if it fits.
    fn into_plane(words: Vec<Self>, sample: impl Fn(Self) -> u16) -> Vec<u16>;

    /// Inverse of [`Self::into_plane`].
    fn from_plane(plane: Vec<u16>, word: impl Fn(u16) -> Self) -> Vec<Self>;
}

impl Word for u16 {
    #[inline]
    fn of(word: u64) -> Self {
        word as Self
    }

    #[inline]
    fn less(self, base: Self) -> u16 {
        self.wrapping_sub(base)
    }

    #[inline]
    fn more(self, value: u16) -> Self {
        self.wrapping_add(value)
    }

    #[inline]
    fn as_u16(words: &[Self]) -> Option<&[u16]> {
        Some(words)
    }

    #[inline]
    fn into_plane(mut words: Vec<Self>, sample: impl Fn(Self) -> u16) -> Vec<u16> {
        words.iter_mut().for_each(|w| *w = sample(*w));
        words
    }

    #[inline]
    fn from_plane(mut plane: Vec<u16>, word: impl Fn(u16) -> Self) -> Vec<Self> {
        plane.iter_mut().for_each(|v| *v = word(*v));
        plane
    }
}

impl Word for u64 {
    #[inline]
    fn of(word: u64) -> Self {
        word
    }

    #[inline]
    fn less(self, base: Self) -> u16 {
        self.wrapping_sub(base) as u16
    }

    #[inline]
    fn more(self, value: u16) -> Self {
        self.wrapping_add(u64::from(value))
    }

    #[inline]
    fn as_u16(_: &[Self]) -> Option<&[u16]> {
        None
    }

    #[inline]
    fn into_plane(words: Vec<Self>, sample: impl Fn(Self) -> u16) -> Vec<u16> {
        words.into_iter().map(sample).collect()
    }

    #[inline]
    fn from_plane(plane: Vec<u16>, word: impl Fn(u16) -> Self) -> Vec<Self> {
        plane.into_iter().map(word).collect()
    }
}

/// Channel `c` of a tile, row-major.
pub(in crate::image) fn read<W: Word>(tile: &TileRef<'_>, c: usize) -> Vec<W> {
    let mut words = match tile.shape().sample.n_bytes() {
        1 => read_with(tile, c, |[byte]: [u8; 1]| W::of(u64::from(byte))),
        2 => read_with(tile, c, |bytes: [u8; 2]| W::of(u64::from(u16::from_le_bytes(bytes)))),
        4 => read_with(tile, c, |bytes: [u8; 4]| W::of(u64::from(u32::from_le_bytes(bytes)))),
        _ => read_with(tile, c, |bytes: [u8; 8]| W::of(u64::from_le_bytes(bytes))),
    };
    let sample = tile.shape().sample;
    if sample.is_float() || sample.is_signed_integer() {
        words.iter_mut().for_each(|w| *w = W::of(to_word((*w).into(), sample)));
    }
    words
}

fn read_with<W: Word, const N: usize>(tile: &TileRef<'_>, c: usize, word: impl Fn([u8; N]) -> W) -> Vec<W> {
    let shape = tile.shape();
    let mut words = Vec::with_capacity(shape.n_pixels());
    for row in tile.rows() {
        let (samples, _) = row.as_chunks::<N>();
        match usize::from(shape.n_channels) {
            1 => words.extend(samples.iter().map(|sample| word(*sample))),
            3 => words.extend(samples.as_chunks::<3>().0.iter().map(|pixel| word(pixel[c % 3]))),
            4 => words.extend(samples.as_chunks::<4>().0.iter().map(|pixel| word(pixel[c % 4]))),
            n => words.extend(samples.chunks_exact(n).map(|pixel| word(pixel[c]))),
        }
    }
    words
}

/// Inverse of [`read`].
pub(in crate::image) fn write<W: Word>(out: &mut TileMut<'_, '_>, c: usize, words: &[W]) {
    let sample = out.shape().sample;
    if sample.is_float() || sample.is_signed_integer() {
        write_bits(out, c, words, |word: W| from_word(word.into(), sample));
    } else {
        write_bits(out, c, words, |word: W| word.into());
    }
}

fn write_bits<W: Word>(out: &mut TileMut<'_, '_>, c: usize, words: &[W], bits: impl Fn(W) -> u64) {
    match out.shape().sample.n_bytes() {
        1 => write_with(out, c, words, |word| [bits(word) as u8]),
        2 => write_with(out, c, words, |word| (bits(word) as u16).to_le_bytes()),
        4 => write_with(out, c, words, |word| (bits(word) as u32).to_le_bytes()),
        _ => write_with(out, c, words, |word| bits(word).to_le_bytes()),
    }
}

fn write_with<W: Word, const N: usize>(
    out: &mut TileMut<'_, '_>,
    c: usize,
    words: &[W],
    bytes: impl Fn(W) -> [u8; N],
) {
    let shape = out.shape();
    for (row, words) in out.rows_mut().iter_mut().zip(words.chunks_exact(shape.width as usize)) {
        let (samples, _) = row.as_chunks_mut::<N>();
        match usize::from(shape.n_channels) {
            1 => samples.iter_mut().zip(words).for_each(|(to, word)| *to = bytes(*word)),
            3 => {
                let pixels = samples.as_chunks_mut::<3>().0.iter_mut();
                pixels.zip(words).for_each(|(pixel, word)| pixel[c % 3] = bytes(*word));
            }
            4 => {
                let pixels = samples.as_chunks_mut::<4>().0.iter_mut();
                pixels.zip(words).for_each(|(pixel, word)| pixel[c % 4] = bytes(*word));
            }
            n => {
                let pixels = samples.chunks_exact_mut(n);
                pixels.zip(words).for_each(|(pixel, word)| pixel[c] = bytes(*word));
            }
        }
    }
}

/// The bit pattern as a word: signed integers with the sign bit turned, floats with all bits of negatives and
/// the sign bit of positives turned.
#[inline]
pub(in crate::image) fn to_word(bits: u64, sample: SampleType) -> u64 {
    let n_bits = 8 * sample.n_bytes() as u32;
    let sign = 1 << (n_bits - 1);
    if sample.is_float() {
        if bits & sign == 0 { bits | sign } else { !bits & (u64::MAX >> (64 - n_bits)) }
    } else if sample.is_signed_integer() {
        bits ^ sign
    } else {
        bits
    }
}

/// Inverse of [`to_word`].
#[inline]
pub(in crate::image) fn from_word(word: u64, sample: SampleType) -> u64 {
    let n_bits = 8 * sample.n_bytes() as u32;
    let sign = 1 << (n_bits - 1);
    if sample.is_float() {
        if word & sign == 0 { !word & (u64::MAX >> (64 - n_bits)) } else { word & !sign }
    } else if sample.is_signed_integer() {
        word ^ sign
    } else {
        word
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_sort_as_floats_and_come_back() {
        let values = [f32::NEG_INFINITY, -2.5, -1e-40, -0.0, 0.0, 1e-40, 1.0, 3.0e38, f32::INFINITY];
        let words: Vec<u64> =
            values.iter().map(|v| to_word(u64::from(v.to_bits()), SampleType::F32)).collect();
        assert!(words.is_sorted_by(|a, b| a < b));
        for sample in SampleType::ALL {
            let mask = u64::MAX >> (64 - 8 * sample.n_bytes());
            for bits in [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffc0_0001, u64::MAX, 1 << 63] {
                assert_eq!(from_word(to_word(bits & mask, sample), sample), bits & mask, "{sample:?}");
            }
        }
    }
}
