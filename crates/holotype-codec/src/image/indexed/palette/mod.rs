//! Few colours without long runs: every pixel under those around it. `docs/codecs/indexed.md` §6.

mod grid;
mod model;

use super::dictionary::{Dictionary, EntryCoder, EntryForm};
use super::pixels::{self, Pixels, pixel_bytes};
use crate::entropy::rans::{Decoder, Encoder};
use crate::{CodecError, TileMut, TileShape};
use grid::Grid;
use model::{Model, N_TEMPLATES};

/// Codes a tile of at most 256 colours; `None` if it has more.
pub(super) fn encode(pixels: &Pixels, shape: &TileShape, n_bytes: usize) -> Option<Vec<u8>> {
    let (dictionary, numbers) = Dictionary::index(&pixels.values, 256)?;
    let (sorted, ranks) = dictionary.sorted(shape);
    let mut grid = Grid::new(pixels.width, numbers.len() / pixels.width);
    grid.fill(numbers.iter().map(|n| ranks[*n as usize] as u8));
    let n_colours = sorted.len();
    let template = choose(&grid, n_colours);
    let form = EntryForm::choose(&sorted, n_bytes);
    let mut coder = Encoder::default();
    let mut entry = EntryCoder::new(form, n_bytes);
    sorted.iter().for_each(|value| {
        entry.code(&mut coder, *value);
    });
    let mut model = Model::new(n_colours, template, numbers.len());
    (0..grid.height).for_each(|y| model.code_row(&mut coder, &mut grid, y));
    let mut out = vec![form.code() | (template as u8) << 2, (n_colours - 1) as u8];
    coder.finish(&mut out);
    Some(out)
}

/// The template that codes some rows best: wider ones know more and learn more slowly.
fn choose(grid: &Grid, n_colours: usize) -> usize {
    /// Rows looked at in one piece.
    const N_ROWS: usize = 128;
    let first = (grid.height.saturating_sub(N_ROWS)) / 2;
    let mut part = grid.clone();
    let mut cost = |template: usize| {
        let mut coder = Encoder::default();
        let mut model = Model::new(n_colours, template, grid.width * grid.height.min(N_ROWS));
        (first..grid.height.min(first + N_ROWS)).for_each(|y| model.code_row(&mut coder, &mut part, y));
        coder.spent()
    };
    (0..N_TEMPLATES).min_by_key(|template| cost(*template)).unwrap_or(0)
}

/// Decodes what [`encode`] made.
pub(super) fn decode(bytes: &[u8], out: &mut TileMut<'_, '_>) -> Result<(), CodecError> {
    let wrong = CodecError::Corrupt { what: "palette header" };
    let [flags, last, body @ ..] = bytes else {
        return Err(CodecError::Truncated { what: "palette header" });
    };
    let shape = out.shape();
    let n_bytes = pixel_bytes(&shape).ok_or(wrong.clone())?;
    let form = EntryForm::from_code(flags & 3).ok_or(wrong.clone())?;
    let template = Some(usize::from(flags >> 2)).filter(|t| *t < N_TEMPLATES).ok_or(wrong)?;
    let n_colours = usize::from(*last) + 1;
    let mut coder = Decoder::new(body)?;
    let mut entry = EntryCoder::new(form, n_bytes);
    let entries: Vec<u64> = (0..n_colours).map(|_| entry.code(&mut coder, 0)).collect();
    let mut grid = Grid::new(shape.width as usize, shape.height as usize);
    let mut model = Model::new(n_colours, template, shape.n_pixels());
    (0..grid.height).for_each(|y| model.code_row(&mut coder, &mut grid, y));
    coder.finish()?;
    let mut table = [0; 256];
    table[..n_colours].copy_from_slice(&entries);
    pixels::write_rows(out, |y| grid.row(y).iter().map(|number| table[usize::from(*number)]));
    Ok(())
}
