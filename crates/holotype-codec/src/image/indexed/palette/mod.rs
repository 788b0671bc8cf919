//! Few colours without long runs: every pixel under those around it. `docs/codecs/indexed.md` §6.

mod grid;
mod model;

use super::dictionary::{Dictionary, EntryCoder, EntryForm};
use super::pixels::{self, Pixels, pixel_bytes};
use crate::entropy::rans::{Decoder, Encoder, Meter};
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

/// The template that codes some rows best: wider ones know more and learn more slowly. Costs fall and rise again over
/// the templates, so the search starts in the middle and follows the slope.
fn choose(grid: &Grid, n_colours: usize) -> usize {
    /// Rows looked at in one piece.
    const N_ROWS: usize = 128;
    /// The template most often chosen.
    const MIDDLE: usize = 3;
    let first = (grid.height.saturating_sub(N_ROWS)) / 2;
    let mut part = grid.clone();
    let mut cost = |template: usize| {
        let mut meter = Meter::default();
        let mut model = Model::new(n_colours, template, grid.width * grid.height.min(N_ROWS));
        (first..grid.height.min(first + N_ROWS)).for_each(|y| model.code_row(&mut meter, &mut part, y));
        meter.spent()
    };
    let mut best = (cost(MIDDLE), MIDDLE);
    let mut follow = |best: (u64, usize), templates: &mut dyn Iterator<Item = usize>| {
        let mut best = best;
        for template in templates {
            let other = (cost(template), template);
            if other.0 >= best.0 {
                break;
            }
            best = other;
        }
        best
    };
    best = follow(best, &mut (MIDDLE + 1..N_TEMPLATES));
    if best.1 == MIDDLE {
        best = follow(best, &mut (0..MIDDLE).rev());
    }
    best.1
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
