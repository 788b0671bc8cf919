//! Samples as the rows of a file hold them. `docs/format.md` §19.2.

use crate::formats::png::pack;
use crate::{ChannelOrder, ImageDescriptor};

/// How a file's rows differ from samples: interleaved, little-endian, from the top.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Layout {
    /// Samples have their high byte first.
    pub(super) is_big_endian: bool,
    /// The first three channels are the other way round.
    pub(super) is_reversed: bool,
    /// The last row comes first.
    pub(super) is_bottom_up: bool,
    /// Samples are as wide as their bits, packed from the high bit on.
    pub(super) is_packed: bool,
    /// Rows are padded with zeros to a multiple of so many bytes, 1 to 255.
    pub(super) alignment: u8,
}

impl Layout {
    pub(super) fn code(self) -> u64 {
        let bits = [self.is_big_endian, self.is_reversed, self.is_bottom_up, self.is_packed];
        bits.into_iter().zip(0..).map(|(bit, at)| u64::from(bit) << at).sum()
    }

    pub(super) fn from_code(code: u64, alignment: u64) -> Option<Self> {
        let alignment = u8::try_from(alignment).ok().filter(|n| *n > 0)?;
        let bit = |at: u32| code >> at & 1 == 1;
        (code < 16).then_some(Self {
            is_big_endian: bit(0),
            is_reversed: bit(1),
            is_bottom_up: bit(2),
            is_packed: bit(3),
            alignment,
        })
    }

    /// Bytes of a row, padding included.
    pub(super) fn row_bytes(self, image: &ImageDescriptor) -> Option<u64> {
        let n_samples = u64::from(image.width).checked_mul(image.n_channels.into())?;
        let n_bytes = if self.is_packed {
            n_samples.checked_mul(image.bits_per_sample.into())?.div_ceil(8)
        } else {
            n_samples.checked_mul(image.sample.n_bytes() as u64)?
        };
        n_bytes.checked_next_multiple_of(self.alignment.into())
    }

    /// Bytes of all rows.
    pub(super) fn n_bytes(self, image: &ImageDescriptor) -> Option<u64> {
        self.row_bytes(image)?.checked_mul(image.height.into())
    }

    /// Appends the rows of an image, whose samples these are, to `out`.
    pub(super) fn write(
        self,
        image: &ImageDescriptor,
        samples: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), &'static str> {
        let n_row = self.row_bytes(image).and_then(|n| usize::try_from(n).ok());
        let (Some(n_row), Some(n_in)) = (n_row, image.row_bytes()) else { return Err("rows are too long") };
        let width = image.sample.n_bytes();
        if self.is_packed && (width != 1 || !matches!(image.bits_per_sample, 1 | 2 | 4)) {
            return Err("samples of this type are not packed");
        }
        if self.is_reversed && (image.n_channels < 3 || image.order == ChannelOrder::Bgr) {
            return Err("channels of this image are not turned round");
        }
        let rows = samples.chunks_exact(n_in);
        let mut put = |row: &[u8]| {
            let end = out.len() + n_row;
            if self.is_packed {
                let start = out.len();
                out.resize(end, 0);
                pack(row, image.bits_per_sample, &mut out[start..]);
            } else {
                self.put_samples(row, width, usize::from(image.n_channels), out);
                out.resize(end, 0);
            }
        };
        if self.is_bottom_up {
            rows.rev().for_each(&mut put)
        } else {
            rows.for_each(&mut put)
        }
        Ok(())
    }

    fn put_samples(self, row: &[u8], width: usize, n_channels: usize, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(row);
        let row = out.get_mut(start..).unwrap_or_default();
        if self.is_big_endian && width > 1 {
            row.chunks_exact_mut(width).for_each(<[u8]>::reverse);
        }
        if self.is_reversed {
            for pixel in row.chunks_exact_mut(width * n_channels) {
                let (first, rest) = pixel.split_at_mut(width);
                if let Some(third) = rest.get_mut(width..2 * width) {
                    first.swap_with_slice(third);
                }
            }
        }
    }
}
