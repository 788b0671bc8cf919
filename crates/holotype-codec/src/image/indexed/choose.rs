//! Which coders of pixels are tried. A decoder never needs to know.

use super::pixels::{Pixels, pixel_bytes};
use super::{PixelCoder, code};
use crate::TileRef;
use crate::image::{TileOptions, path};

/// The tile on the indexed path, if that is worth trying.
pub(in crate::image) fn encode(tile: &TileRef<'_>, _options: &TileOptions) -> Option<Vec<u8>> {
    let shape = tile.shape();
    pixel_bytes(&shape)?;
    let pixels = Pixels::read(tile)?;
    let only = std::env::var("HOLO_ONLY").ok();
    let all = [PixelCoder::Runs, PixelCoder::Copies, PixelCoder::Palette];
    let coded = all
        .into_iter()
        .filter(|c| only.as_ref().is_none_or(|o| *o == (*c as u8).to_string()))
        .filter_map(|coder| code(coder, &pixels, &shape))
        .min_by_key(Vec::len)?;
    Some([&[path::INDEXED], coded.as_slice()].concat())
}
