//! The image data of a PNG file from its rows. `docs/format.md` §19.3.

use crate::formats::png::Chunked;
use holotype_codec::deflate::{DeflateParameters, deflate};

/// How rows become `IDAT` chunks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ImageData {
    /// The filter of each row, 0 to 4.
    pub(super) filters: Vec<u8>,
    /// The first two bytes of the zlib stream.
    pub(super) head: [u8; 2],
    pub(super) parameters: DeflateParameters,
    /// Bytes of each chunk's data.
    pub(super) chunks: Vec<u32>,
}

/// Rows, each after its filter's number, as they are compressed.
pub(super) fn filtered(rows: &[u8], n_row: usize, pixel_bytes: usize, filters: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(rows.len() + filters.len());
    let zeros = vec![0; n_row];
    let mut above = zeros.as_slice();
    for (row, filter) in rows.chunks_exact(n_row).zip(filters) {
        out.push(*filter);
        let left = |i: usize| i.checked_sub(pixel_bytes);
        let at = |row: &[u8], i: Option<usize>| i.map_or(0, |i| row[i]);
        let change = |i: usize| match filter {
            0 => 0,
            1 => at(row, left(i)),
            2 => above[i],
            3 => ((u16::from(at(row, left(i))) + u16::from(above[i])) / 2) as u8,
            _ => paeth(at(row, left(i)), above[i], at(above, left(i))),
        };
        out.extend(row.iter().enumerate().map(|(i, byte)| byte.wrapping_sub(change(i))));
        above = row;
    }
    out
}

/// Of left, above and above left the one nearest to their plane.
fn paeth(a: u8, b: u8, c: u8) -> u8 {
    let [x, y, z] = [a, b, c].map(i16::from);
    let plane = x + y - z;
    let [from_x, from_y, from_z] = [x, y, z].map(|v| (plane - v).abs());
    if from_x <= from_y && from_x <= from_z {
        a
    } else if from_y <= from_z {
        b
    } else {
        c
    }
}

impl ImageData {
    /// Appends the chunks that hold these filtered rows.
    pub(super) fn write(&self, filtered: &[u8], out: &mut Vec<u8>) -> Result<(), &'static str> {
        let stream = deflate(filtered, self.parameters, &mut |_| true).ok_or("a stream was refused")?;
        let check = simd_adler32::adler32(&filtered).to_be_bytes();
        let stream = [&self.head, stream.as_slice(), &check].concat();
        let (mut rest, mut chunks) = (stream.as_slice(), Chunked { out });
        for n_bytes in &self.chunks {
            let (data, after) =
                rest.split_at_checked(*n_bytes as usize).ok_or("the chunks are longer than their data")?;
            rest = after;
            chunks.chunk(*b"IDAT", data).map_err(|_| "a chunk is too long")?;
        }
        if rest.is_empty() { Ok(()) } else { Err("the chunks are shorter than their data") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_those_of_the_standard() {
        let rows = [10, 20, 30, 40, 13, 19, 35, 44];
        let of = |filter: u8| filtered(&rows, 4, 1, &[0, filter])[5..].to_vec();
        assert_eq!(of(0), [0, 13, 19, 35, 44]);
        assert_eq!(of(1), [1, 13, 6, 16, 9]);
        assert_eq!(of(2), [2, 3, 255, 5, 4]);
        assert_eq!(of(3), [3, 8, 3, 11, 7]);
        assert_eq!(of(4), [4, 3, 255, 5, 4]);
    }
}
