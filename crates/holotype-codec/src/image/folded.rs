//! Tiles of many channels as pictures of one: a row for every pixel, a column for every channel. `docs/codecs.md` §4.

use super::{TileOptions, chooser, decode_tile, path};
use crate::{CodecError, TileMut, TileRef, TileShape};

/// Tiles with fewer channels are never folded: a row is at least as long as what is kept of it.
const MIN_CHANNELS: u16 = 16;

fn folded_shape(shape: &TileShape) -> Option<TileShape> {
    let height = u32::try_from(shape.n_pixels()).ok()?;
    let width = u32::from(shape.n_channels);
    (shape.n_channels >= MIN_CHANNELS).then_some(TileShape {
        width,
        height,
        n_channels: 1,
        is_rgb: false,
        ..*shape
    })
}

/// The tile folded; `None` if it has few channels.
pub(super) fn encode(tile: &TileRef<'_>, options: &TileOptions) -> Option<Vec<u8>> {
    let shape = folded_shape(&tile.shape())?;
    let rows: Vec<&[u8]> = tile.rows().iter().flat_map(|row| row.chunks_exact(shape.row_bytes())).collect();
    let coded = chooser::encode(&TileRef::new(shape, &rows).ok()?, options)?;
    Some([&[path::FOLDED], coded.as_slice()].concat())
}

/// Decodes what [`encode`] made.
pub(super) fn decode(bytes: &[u8], out: &mut TileMut<'_, '_>) -> Result<(), CodecError> {
    let shape =
        folded_shape(&out.shape()).ok_or(CodecError::Corrupt { what: "a tile of few channels is folded" })?;
    if bytes.first() == Some(&path::FOLDED) {
        return Err(CodecError::Corrupt { what: "a tile is folded twice" });
    }
    let mut rows: Vec<&mut [u8]> =
        out.rows_mut().iter_mut().flat_map(|row| row.chunks_exact_mut(shape.row_bytes())).collect();
    decode_tile(bytes, &mut TileMut::new(shape, &mut rows)?)
}

/// True if neighbours in the folded picture are more alike, on a sparse sample.
pub(super) fn is_smoother(tile: &TileRef<'_>) -> bool {
    let shape = tile.shape();
    if shape.n_channels < MIN_CHANNELS {
        return false;
    }
    let (n, width) = (usize::from(shape.n_channels), shape.width as usize);
    let value = |x: usize, y: usize, c: usize| -> i64 {
        let mut bytes = [0; 8];
        let size = shape.sample.n_bytes();
        let at = (x * n + c) * size;
        if let Some(from) = tile.rows().get(y).and_then(|row| row.get(at..at + size)) {
            bytes[..size].copy_from_slice(from);
        }
        i64::from_le_bytes(bytes)
    };
    let error = |v: i64, w: i64, above: i64, corner: i64| -> u64 {
        let gradient = w.wrapping_add(above).wrapping_sub(corner).clamp(w.min(above), w.max(above));
        u64::from(64 - v.wrapping_sub(gradient).unsigned_abs().leading_zeros())
    };
    let (mut flat, mut folded) = (0, 0);
    for y in (0..shape.height as usize).step_by(shape.height as usize / 32 + 1) {
        for x in (1..width).step_by(width / 32 + 1) {
            for c in (1..n).step_by(n / 16 + 1) {
                let (v, left) = (value(x, y, c), value(x - 1, y, c));
                flat += match y.checked_sub(1) {
                    Some(above) => error(v, left, value(x, above, c), value(x - 1, above, c)),
                    None => error(v, left, left, left),
                };
                folded += error(v, value(x, y, c - 1), left, value(x - 1, y, c - 1));
            }
        }
    }
    folded < flat
}
