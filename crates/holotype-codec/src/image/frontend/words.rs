//! Samples ↔ unsigned words that sort as the samples do. `docs/codecs.md` §3.1.

use crate::{SampleType, TileMut, TileRef};

/// The integer that holds words: as small as the sample type allows.
pub(super) trait Word: Copy + Ord + Into<u64> {
    /// The low bits of `word`; nothing is lost if the type fits.
    fn of(word: u64) -> Self;
}

impl Word for u16 {
    #[inline]
    fn of(word: u64) -> Self {
        word as Self
    }
}

impl Word for u64 {
    #[inline]
    fn of(word: u64) -> Self {
        word
    }
}

/// Channel `c` of a tile, row-major.
pub(super) fn read<W: Word>(tile: &TileRef<'_>, c: usize) -> Vec<W> {
    match tile.shape().sample.n_bytes() {
        1 => read_with(tile, c, |[byte]: [u8; 1]| u64::from(byte)),
        2 => read_with(tile, c, |bytes: [u8; 2]| u64::from(u16::from_le_bytes(bytes))),
        4 => read_with(tile, c, |bytes: [u8; 4]| u64::from(u32::from_le_bytes(bytes))),
        _ => read_with(tile, c, u64::from_le_bytes),
    }
}

fn read_with<W: Word, const N: usize>(tile: &TileRef<'_>, c: usize, bits: impl Fn([u8; N]) -> u64) -> Vec<W> {
    let shape = tile.shape();
    let mut words = Vec::with_capacity(shape.n_pixels());
    for row in tile.rows() {
        let (samples, _) = row.as_chunks::<N>();
        let channel = samples.iter().skip(c).step_by(usize::from(shape.n_channels));
        words.extend(channel.map(|sample| W::of(to_word(bits(*sample), shape.sample))));
    }
    words
}

/// Inverse of [`read`].
pub(super) fn write<W: Word>(out: &mut TileMut<'_, '_>, c: usize, words: &[W]) {
    match out.shape().sample.n_bytes() {
        1 => write_with(out, c, words, |bits| [bits as u8]),
        2 => write_with(out, c, words, |bits| (bits as u16).to_le_bytes()),
        4 => write_with(out, c, words, |bits| (bits as u32).to_le_bytes()),
        _ => write_with(out, c, words, u64::to_le_bytes),
    }
}

fn write_with<W: Word, const N: usize>(
    out: &mut TileMut<'_, '_>,
    c: usize,
    words: &[W],
    bytes: impl Fn(u64) -> [u8; N],
) {
    let shape = out.shape();
    for (row, words) in out.rows_mut().iter_mut().zip(words.chunks_exact(shape.width as usize)) {
        let (samples, _) = row.as_chunks_mut::<N>();
        let channel = samples.iter_mut().skip(c).step_by(usize::from(shape.n_channels));
        for (sample, word) in channel.zip(words) {
            *sample = bytes(from_word((*word).into(), shape.sample));
        }
    }
}

/// The bit pattern as a word: signed integers with the sign bit turned, floats with all bits of negatives and
/// the sign bit of positives turned.
#[inline]
pub(super) fn to_word(bits: u64, sample: SampleType) -> u64 {
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
pub(super) fn from_word(word: u64, sample: SampleType) -> u64 {
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
