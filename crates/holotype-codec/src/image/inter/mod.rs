//! Tiles of a frame coded against an earlier frame. `docs/codecs/inter.md`.
//!
//! * `motion`: where in the earlier frame each block of the tile is taken from: the prediction.
//! * `form`: what is coded of a tile whose prediction is known.
//! * `blend`: samples from the prediction and what is decoded, by weights fitted to the tile.
//! * `search`: finds motion; never needed to decode.

mod blend;
mod form;
mod header;
mod motion;
mod search;
#[cfg(test)]
mod tests;

use super::{TileOptions, decode_tile, encode_tile};
use crate::{CodecError, TileMut, TileRef, TileShape};
use form::Form;

/// First byte of a coded tile that needs a frame before it.
pub(super) const PATH: u8 = 16;

/// About what decoding a tile of this form takes, as [`super::tile_work`].
pub(super) fn work(form: u8) -> u64 {
    match Form::from_code(form) {
        Some(Form::Moved) => 1,
        Some(Form::Exchange) => 2,
        Some(Form::Blended) => 4,
        Some(Form::Difference) | None => 8,
    }
}

/// The frame a tile is coded against: of the size and sample type of the tile's own frame.
#[derive(Debug, Clone, Copy)]
pub struct Reference<'a> {
    samples: &'a [u8],
    width: u32,
    height: u32,
    x: u32,
    y: u32,
}

impl<'a> Reference<'a> {
    /// A frame of `width` × `height` pixels, row-major, seen from the tile of `shape` at `(x, y)`.
    ///
    /// # Errors
    /// `InvalidArgument` if the samples are not so many, or the tile is not inside the frame.
    pub fn new(
        samples: &'a [u8],
        (width, height): (u32, u32),
        (x, y): (u32, u32),
        shape: &TileShape,
    ) -> Result<Self, CodecError> {
        let pixel_bytes = u64::from(shape.n_channels) * shape.sample.n_bytes() as u64;
        let n_bytes = (u64::from(width) * u64::from(height)).checked_mul(pixel_bytes);
        let is_inside = |start: u32, n: u32, size: u32| start.checked_add(n).is_some_and(|end| end <= size);
        if n_bytes != Some(samples.len() as u64)
            || !is_inside(x, shape.width, width)
            || !is_inside(y, shape.height, height)
        {
            return Err(CodecError::InvalidArgument { what: "the reference is no frame around the tile" });
        }
        Ok(Self { samples, width, height, x, y })
    }

    /// The rows of the frame where the tile is.
    fn rows(&self, shape: &TileShape) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let pixel_bytes = shape.row_bytes() / shape.width as usize;
        let start = self.x as usize * pixel_bytes;
        let end = start + shape.row_bytes();
        let rows = self.samples.chunks_exact((self.width as usize * pixel_bytes).max(1));
        rows.skip(self.y as usize).take(shape.height as usize).filter_map(move |row| row.get(start..end))
    }
}

/// A tile coded against an earlier frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InterTile {
    /// The samples are those of the earlier frame at the same place.
    Same,
    /// What [`decode_inter_tile`] takes.
    Coded(Vec<u8>),
}

/// Codes a tile against `reference`, or alone where that is smaller. Same input, same bytes.
#[must_use]
pub fn encode_inter_tile(tile: &TileRef<'_>, reference: &Reference<'_>, options: &TileOptions) -> InterTile {
    if reference.rows(&tile.shape()).zip(tile.rows()).all(|(a, b)| a == *b) {
        return InterTile::Same;
    }
    InterTile::Coded(form::encode(tile, reference, options).unwrap_or_else(|| encode_tile(tile, options)))
}

/// Decodes a tile of a frame that is coded against `reference`, into `out`.
///
/// # Errors
/// As [`decode_tile`].
pub fn decode_inter_tile(
    bytes: &[u8],
    reference: &Reference<'_>,
    out: &mut TileMut<'_, '_>,
) -> Result<(), CodecError> {
    let Some((&PATH, rest)) = bytes.split_first() else { return decode_tile(bytes, out) };
    let (&id, rest) = rest.split_first().ok_or(CodecError::Truncated { what: "form of a tile" })?;
    let form =
        Form::from_code(id).ok_or(CodecError::Unsupported { what: "form of a tile", id: id.into() })?;
    let (header, body) = header::split(rest)?;
    form::decode(form, header, body, reference, out)
}

/// Copies a tile that is [`InterTile::Same`].
///
/// # Errors
/// `InvalidArgument` if the reference has fewer rows than the tile.
pub fn copy_same_tile(reference: &Reference<'_>, out: &mut TileMut<'_, '_>) -> Result<(), CodecError> {
    let shape = out.shape();
    let mut rows = reference.rows(&shape);
    for row in out.rows_mut().iter_mut() {
        match rows.next() {
            Some(from) if from.len() == row.len() => row.copy_from_slice(from),
            _ => {
                return Err(CodecError::InvalidArgument {
                    what: "the reference is no frame around the tile",
                });
            }
        }
    }
    Ok(())
}
