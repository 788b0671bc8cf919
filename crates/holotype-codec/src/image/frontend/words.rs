//! Samples ↔ unsigned words that sort as the samples do. `docs/codecs.md` §3.1.

use crate::{SampleType, TileMut, TileRef};

/// Channel `c` of a tile, row-major.
pub(super) fn read(tile: &TileRef<'_>, c: usize) -> Vec<u64> {
    let shape = tile.shape();
    let n = shape.sample.n_bytes();
    let mut words = Vec::with_capacity(shape.n_pixels());
    for row in tile.rows() {
        for pixel in row.chunks_exact(n * usize::from(shape.n_channels)) {
            let mut bytes = [0; 8];
            bytes[..n].copy_from_slice(&pixel[c * n..(c + 1) * n]);
            words.push(to_word(u64::from_le_bytes(bytes), shape.sample));
        }
    }
    words
}

/// Inverse of [`read`].
pub(super) fn write(out: &mut TileMut<'_, '_>, c: usize, words: &[u64]) {
    let shape = out.shape();
    let n = shape.sample.n_bytes();
    for (row, words) in out.rows_mut().iter_mut().zip(words.chunks_exact(shape.width as usize)) {
        for (pixel, word) in row.chunks_exact_mut(n * usize::from(shape.n_channels)).zip(words) {
            let bytes = from_word(*word, shape.sample).to_le_bytes();
            pixel[c * n..(c + 1) * n].copy_from_slice(&bytes[..n]);
        }
    }
}

/// The bit pattern as a word: signed integers with the sign bit turned, floats with all bits of negatives and
/// the sign bit of positives turned.
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
