//! The densest coder of pixels: guesses from around, each asked under many mixed contexts. `docs/codecs/indexed.md` §7.
//!
//! Encoder and decoder run the same function over a [`BitCoder`], so they cannot drift apart.

mod around;
mod candidates;
mod contexts;
mod literal;
mod mixer;
mod tile;

use super::dictionary::{Dictionary, EntryForm, MAX_COLOURS};
use super::pixels::{self, Pixels, pixel_bytes};
use crate::entropy::binary::{BitCoder, Decoder, Encoder};
use crate::{CodecError, SampleType, TileMut, TileShape};
use around::Grid;
use literal::{Channels, Numbers};
use tile::Tile;

/// With more colours than this, 8-bit channels are coded by themselves.
const MAX_NUMBERED: usize = 1024;

const WRONG_HEADER: CodecError = CodecError::Corrupt { what: "header of mixed contexts" };

/// Codes a tile; `None` if it has neither few colours nor up to four 8-bit channels, or takes more than `most_bytes`.
pub(super) fn encode(
    pixels: &Pixels,
    shape: &TileShape,
    n_bytes: usize,
    most_bytes: usize,
) -> Option<Vec<u8>> {
    let has_channels =
        n_bytes <= 4 && n_bytes > 1 && shape.sample.n_bytes() == 1 && shape.sample != SampleType::Bool;
    let most = if has_channels { MAX_NUMBERED } else { MAX_COLOURS };
    let mut grid = Grid::new(pixels.width, pixels.values.len() / pixels.width);
    let coded = if let Some((dictionary, numbers)) = Dictionary::index(&pixels.values, most) {
        grid.fill(numbers);
        let form = EntryForm::choose(&dictionary.entries, n_bytes);
        let mut coder = Encoder::within(most_bytes, vec![1 | form.code() << 1]);
        let literals = Numbers::new(form, n_bytes, grid.n_pixels(), dictionary.entries);
        Tile::new(grid.n_pixels(), true).code(&mut coder, &mut grid, literals).ok()?;
        coder
    } else if has_channels {
        grid.fill(pixels.values.iter().map(|value| *value as u32));
        let is_colour = shape.is_rgb && n_bytes >= 3;
        let mut coder = Encoder::within(most_bytes, vec![if is_colour { 2 } else { 0 }]);
        let literals = Channels::new(n_bytes as u32, is_colour, grid.n_pixels());
        Tile::new(grid.n_pixels(), false).code(&mut coder, &mut grid, literals).ok()?;
        coder
    } else {
        return None;
    };
    if coded.is_past_the_end() { None } else { Some(coded.finish()) }
}

/// Decodes what [`encode`] made.
pub(super) fn decode(bytes: &[u8], out: &mut TileMut<'_, '_>) -> Result<(), CodecError> {
    let shape = out.shape();
    let n_bytes = pixel_bytes(&shape).ok_or(WRONG_HEADER)?;
    let (&flags, body) =
        bytes.split_first().ok_or(CodecError::Truncated { what: "header of mixed contexts" })?;
    let mut grid = Grid::new(shape.width as usize, shape.height as usize);
    let mut coder = Decoder::new(body);
    if flags & 1 == 1 {
        let form = EntryForm::from_code(flags >> 1).ok_or(WRONG_HEADER)?;
        let literals = Numbers::new(form, n_bytes, grid.n_pixels(), Vec::new());
        let literals = Tile::new(grid.n_pixels(), true).code(&mut coder, &mut grid, literals)?;
        coder.finish_exactly()?;
        let entries = literals.entries();
        pixels::write_rows(out, |y| {
            grid.row(y).iter().map(|n| entries.get(*n as usize).copied().unwrap_or(0))
        });
    } else {
        let is_colour = flags == 2;
        let fits =
            n_bytes <= 4 && shape.sample.n_bytes() == 1 && (!is_colour || (shape.is_rgb && n_bytes >= 3));
        if flags > 2 || !fits {
            return Err(WRONG_HEADER);
        }
        let literals = Channels::new(n_bytes as u32, is_colour, grid.n_pixels());
        Tile::new(grid.n_pixels(), false).code(&mut coder, &mut grid, literals)?;
        coder.finish_exactly()?;
        pixels::write_rows(out, |y| grid.row(y).iter().map(|pixel| u64::from(*pixel)));
    }
    Ok(())
}
