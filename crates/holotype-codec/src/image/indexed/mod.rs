//! Coders of whole pixels: few distinct values, or many exact repeats. `docs/codecs/indexed.md`.
//!
//! The registry of these coders: adding one touches this file and `choose`.

mod choose;
mod dictionary;
mod estimate;
mod lz;
mod mixing;
mod palette;
mod pixels;
mod runs;
#[cfg(test)]
mod tests;

use crate::{CodecError, TileMut, TileShape};

pub(super) use choose::Plan;
pub(super) use estimate::Guess;
#[cfg(test)]
pub(super) use estimate::guess;
pub(super) use lz::Copying;
use lz::Patience;

/// A coder of pixels. The discriminants are wire values; append only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum PixelCoder {
    /// Run ends that follow those of the row above.
    Runs = 0,
    /// Copies in two dimensions and predicted literals.
    Copies = 1,
    /// Every pixel under those around it.
    Palette = 2,
    /// Guesses under mixed contexts.
    Mixing = 3,
    /// Copies whose literals and numbers are decoded before any pixel; one who tries [`Self::Copies`] may get these.
    Bulk = 4,
}

/// The coder's id and the coded pixels; `None` if it cannot take them, or gave up because they take more than
/// `most_bytes`, which not every coder heeds.
fn code(
    coder: PixelCoder,
    pixels: &pixels::Pixels,
    shape: &TileShape,
    patience: Patience,
    most_bytes: usize,
) -> Option<Vec<u8>> {
    let n_bytes = pixels::pixel_bytes(shape)?;
    let coded = match coder {
        PixelCoder::Runs => runs::encode(pixels, n_bytes)?,
        PixelCoder::Copies => return Copying::new(pixels, shape, n_bytes, patience)?.finish(most_bytes),
        PixelCoder::Bulk => return Copying::in_bulk(pixels, shape, n_bytes)?.finish(most_bytes),
        PixelCoder::Palette => palette::encode(pixels, shape, n_bytes)?,
        PixelCoder::Mixing => mixing::encode(pixels, shape, n_bytes, most_bytes)?,
    };
    Some([&[coder as u8], coded.as_slice()].concat())
}

/// Decodes a tile of the indexed path.
pub(super) fn decode(bytes: &[u8], out: &mut TileMut<'_, '_>) -> Result<(), CodecError> {
    let (&id, coded) = bytes.split_first().ok_or(CodecError::Truncated { what: "pixel coder" })?;
    match id {
        0 => runs::decode(coded, out),
        1 => lz::decode(coded, out),
        2 => palette::decode(coded, out),
        3 => mixing::decode(coded, out),
        4 => lz::decode_bulk(coded, out),
        _ => Err(CodecError::Unsupported { what: "pixel coder", id: u32::from(id) }),
    }
}
