//! Words of three channels into pixels of bytes, 32 pixels at once.

use crate::TileMut;
use crate::simd::{Kernel, WordLanes, dispatch};

/// Pixels at once.
const N_LANES: usize = 32;

/// Fills a tile of three channels of unsigned bytes; each channel's words are below 256 and as many as there are pixels.
pub(super) fn write(out: &mut TileMut<'_, '_>, channels: [&[u16]; 3]) {
    dispatch(Interleave { out, channels });
}

struct Interleave<'a, 'b, 'c> {
    out: &'a mut TileMut<'b, 'c>,
    channels: [&'a [u16]; 3],
}

impl Kernel for Interleave<'_, '_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<L: WordLanes>(self, l: L) {
        let width = self.out.shape().width as usize;
        for (y, row) in self.out.rows_mut().iter_mut().enumerate() {
            let rows = self.channels.map(|words| words.get(y * width..(y + 1) * width).unwrap_or(&[]));
            let [(r, r_end), (g, g_end), (b, b_end)] = rows.map(<[u16]>::as_chunks::<N_LANES>);
            let (pixels, rest) = row.as_chunks_mut::<{ 3 * N_LANES }>();
            for (((pixels, r), g), b) in pixels.iter_mut().zip(r).zip(g).zip(b) {
                let bytes = |words| l.narrow_u8(l.widen_u16(l.load_u16(words)));
                let parts = l.interleave3_u8([bytes(r), bytes(g), bytes(b)]);
                for (to, part) in pixels.as_chunks_mut::<N_LANES>().0.iter_mut().zip(parts) {
                    l.store_u8(part, to);
                }
            }
            let rest = rest.as_chunks_mut::<3>().0.iter_mut();
            for (((pixel, r), g), b) in rest.zip(r_end).zip(g_end).zip(b_end) {
                *pixel = [*r as u8, *g as u8, *b as u8];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::tests::portably;
    use crate::{SampleType, TileShape};

    #[test]
    fn pixels_of_any_width_hold_their_channels() {
        for width in (1..=3).chain(30..=34).chain([64, 95, 96, 97]) {
            let shape = TileShape { width, height: 3, n_channels: 3, sample: SampleType::U8, is_rgb: true };
            let channel = |c: usize| -> Vec<u16> {
                (0..shape.n_pixels()).map(|i| (i * 7 + c * 90) as u16 % 256).collect()
            };
            let channels = [channel(0), channel(1), channel(2)];
            let interleaved = || {
                let mut bytes = vec![0; shape.row_bytes() * 3];
                let mut rows: Vec<&mut [u8]> = bytes.chunks_exact_mut(shape.row_bytes()).collect();
                write(&mut TileMut::new(shape, &mut rows).unwrap(), channels.each_ref().map(Vec::as_slice));
                bytes
            };
            let expected: Vec<u8> = (0..3 * shape.n_pixels()).map(|k| channels[k % 3][k / 3] as u8).collect();
            assert!(interleaved() == expected && portably(interleaved) == expected, "{width}");
        }
    }
}
