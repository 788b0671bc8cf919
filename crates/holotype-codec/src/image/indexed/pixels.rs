//! Pixels as numbers: all samples of a pixel together, little-endian. `docs/codecs/indexed.md` §1.

use crate::{TileMut, TileRef, TileShape};

/// Largest pixel of the indexed path, in bytes.
pub(super) const MAX_PIXEL_BYTES: usize = 8;

/// Bytes of one pixel, if this path takes it.
pub(super) fn pixel_bytes(shape: &TileShape) -> Option<usize> {
    let n = usize::from(shape.n_channels) * shape.sample.n_bytes();
    (n <= MAX_PIXEL_BYTES).then_some(n)
}

/// A tile to encode.
#[derive(Debug)]
pub(super) struct Pixels {
    pub(super) width: usize,
    /// Row-major.
    pub(super) values: Vec<u64>,
}

impl Pixels {
    /// The tile's pixels, if they have at most 64 bit.
    pub(super) fn read(tile: &TileRef<'_>) -> Option<Self> {
        let shape = tile.shape();
        let n_bytes = pixel_bytes(&shape)?;
        let mut values = Vec::with_capacity(shape.n_pixels());
        tile.rows().iter().for_each(|row| read_row(row, n_bytes, &mut values));
        Some(Self { width: shape.width as usize, values })
    }

    /// Every `n`-th part of the rows, in one piece from the middle.
    pub(super) fn middle(&self, n: usize) -> Self {
        let n_rows = self.values.len() / self.width;
        let rows = self.values.chunks_exact(self.width).skip((n_rows - n_rows / n) / 2).take(n_rows / n);
        Self { width: self.width, values: rows.flatten().copied().collect() }
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = &[u64]> {
        self.values.chunks_exact(self.width)
    }
}

/// Appends the pixels of one row.
pub(super) fn read_row(row: &[u8], n_bytes: usize, out: &mut Vec<u64>) {
    fn read<const N: usize>(row: &[u8], out: &mut Vec<u64>) {
        out.extend(row.as_chunks::<N>().0.iter().map(|pixel| {
            let mut bytes = [0; 8];
            bytes[..N].copy_from_slice(pixel);
            u64::from_le_bytes(bytes)
        }));
    }
    match n_bytes {
        1 => read::<1>(row, out),
        2 => read::<2>(row, out),
        3 => read::<3>(row, out),
        4 => read::<4>(row, out),
        5 => read::<5>(row, out),
        6 => read::<6>(row, out),
        7 => read::<7>(row, out),
        _ => read::<8>(row, out),
    }
}

/// Reads the pixels of one row, of at most four bytes each.
pub(super) fn read_small_row(row: &[u8], n_bytes: usize, out: &mut [u32]) {
    fn read<const N: usize>(row: &[u8], out: &mut [u32]) {
        for (pixel, from) in out.iter_mut().zip(row.as_chunks::<N>().0) {
            let mut bytes = [0; 4];
            bytes[..N].copy_from_slice(from);
            *pixel = u32::from_le_bytes(bytes);
        }
    }
    match n_bytes {
        1 => read::<1>(row, out),
        2 => read::<2>(row, out),
        3 => read::<3>(row, out),
        _ => read::<4>(row, out),
    }
}

/// Writes the pixels of every row, `row(y)`.
pub(super) fn write_rows<I: Iterator<Item = u64>>(out: &mut TileMut<'_, '_>, row: impl Fn(usize) -> I) {
    fn write<const N: usize, I: Iterator<Item = u64>>(
        out: &mut TileMut<'_, '_>,
        values: impl Fn(usize) -> I,
    ) {
        for (y, row) in out.rows_mut().iter_mut().enumerate() {
            for (pixel, value) in row.as_chunks_mut::<N>().0.iter_mut().zip(values(y)) {
                pixel.copy_from_slice(&value.to_le_bytes()[..N]);
            }
        }
    }
    match pixel_bytes(&out.shape()).unwrap_or(MAX_PIXEL_BYTES) {
        1 => write::<1, I>(out, row),
        2 => write::<2, I>(out, row),
        3 => write::<3, I>(out, row),
        4 => write::<4, I>(out, row),
        5 => write::<5, I>(out, row),
        6 => write::<6, I>(out, row),
        7 => write::<7, I>(out, row),
        _ => write::<8, I>(out, row),
    }
}

/// Fills runs of one row, left to right; what it writes beyond a run's end, later runs overwrite.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pattern {
    bytes: [u8; 48],
    /// Bytes that are whole pixels.
    n_whole: usize,
}

impl Pattern {
    /// The pixel `value` of `n_bytes` bytes, over and over.
    pub(super) fn new(value: u64, n_bytes: usize) -> Self {
        let pixel = value.to_le_bytes();
        let bytes = std::array::from_fn(|i| pixel[i % n_bytes]);
        Self { bytes, n_whole: 48 / n_bytes * n_bytes }
    }

    /// Fills bytes `from..to` of `row`, which holds whole pixels.
    #[inline]
    pub(super) fn fill(&self, row: &mut [u8], from: usize, to: usize) {
        let mut at = from;
        while at < to {
            if let Some(window) = row.get_mut(at..at + 48) {
                window.copy_from_slice(&self.bytes);
            } else if let Some(end) = row.get_mut(at..to.min(at + self.n_whole)) {
                end.copy_from_slice(&self.bytes[..end.len()]);
            }
            at += self.n_whole;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fill_every_size() {
        for n_bytes in 1..=8 {
            let value = 0x0807_0605_0403_0201;
            for n_pixels in [1, 5, 6, 48, 49, 100] {
                for from in 0..n_pixels {
                    let mut row = vec![0; n_pixels * n_bytes];
                    Pattern::new(value, n_bytes).fill(&mut row, from * n_bytes, n_pixels * n_bytes);
                    for (i, byte) in row.iter().enumerate() {
                        let expected = if i < from * n_bytes { 0 } else { (i % n_bytes + 1) as u8 };
                        assert_eq!(*byte, expected);
                    }
                }
            }
        }
    }
}
