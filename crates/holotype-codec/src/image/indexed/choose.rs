//! Which coders of pixels are tried. A decoder never needs to know.

use super::pixels::{Pixels, pixel_bytes};
use super::{PixelCoder, code};
use crate::TileRef;
use crate::image::{TileOptions, path};

/// The tile on the indexed path, if that is worth trying.
pub(in crate::image) fn encode(tile: &TileRef<'_>, _options: &TileOptions) -> Option<Vec<u8>> {
    let n_bytes = pixel_bytes(&tile.shape())?;
    let pixels = Pixels::read(tile)?;
    let coded = code(PixelCoder::Runs, &pixels, n_bytes)?;
    Some([&[path::INDEXED], coded.as_slice()].concat())
}
