//! A file taken apart into samples and what else it takes to make it again.

use super::png::{ImageData, filtered};
use super::raster::Layout;
use super::recipe::{Part, Recipe, rows};
use crate::formats::{self, Format, SourceImage};
use crate::{ColourModel, ImageDescriptor, Limits};
use flate2::{Decompress, FlushDecompress, Status};
use holotype_codec::deflate::{DeflateParameters, deflate};
use std::io::Cursor;

/// Larger files, and those of more samples, are kept as they are.
pub(crate) const MAX_FILE_BYTES: u64 = 256 << 20;
/// Bytes in front of a raster that are searched for its start.
const MAX_HEAD_BYTES: usize = 1 << 20;

/// An image file as its samples.
#[derive(Debug)]
pub(crate) struct Restorable {
    pub(crate) image: SourceImage,
    pub(crate) samples: Vec<u8>,
    /// What makes the file of them.
    pub(crate) recipe: Vec<u8>,
}

/// Takes a file apart; `None` if it is no image, or not one that comes back to the byte: that is tried.
pub(crate) fn analyse(file: &[u8], limits: &Limits) -> Option<Restorable> {
    let format = Format::detect(file)?;
    let is_opaque = formats::opaque(format, &mut Cursor::new(file)).ok()?.is_some();
    if is_opaque || file.len() as u64 > MAX_FILE_BYTES {
        return None;
    }
    let mut reader = formats::open_reader(format, Box::new(Cursor::new(file.to_vec())), limits).ok()?;
    let image = reader.next_image().ok()??;
    let n_bytes = image.descriptor.raw_bytes().filter(|n| (1..=MAX_FILE_BYTES).contains(n))?;
    let mut samples = vec![0; n_bytes as usize];
    reader.read_rows(&mut samples).ok()?;
    if reader.next_image().ok()?.is_some() {
        return None;
    }
    let recipe = match format {
        Format::Png => of_png(file, &image.descriptor, &samples),
        _ => of_raster(file, &image.descriptor, &samples),
    }?;
    let is_same =
        recipe.restore(&image.descriptor, &samples, file.len() as u64).is_ok_and(|made| made == file);
    is_same.then(|| Restorable { image, samples, recipe: recipe.encode() })
}

/// A file that holds its rows as they are.
fn of_raster(file: &[u8], image: &ImageDescriptor, samples: &[u8]) -> Option<Recipe> {
    let n_in = image.row_bytes()?;
    for (code, alignment) in (0..16).flat_map(|code| [1, 2, 4].map(|alignment| (code, alignment))) {
        let layout = Layout::from_code(code, alignment)?;
        let Some(n_bytes) = layout.n_bytes(image).filter(|n| *n > 0 && *n <= file.len() as u64) else {
            continue;
        };
        let first = if layout.is_bottom_up { samples.rchunks(n_in).next()? } else { samples.get(..n_in)? };
        let one_row = ImageDescriptor { height: 1, ..image.clone() };
        let mut row = Vec::new();
        if layout.write(&one_row, first, &mut row).is_err() {
            continue;
        }
        let n_spare = file.len() - n_bytes as usize;
        let starts = (0..=n_spare.min(MAX_HEAD_BYTES)).filter(|at| file[*at..].starts_with(&row));
        let mut all = Vec::new();
        for start in starts.take(16) {
            if all.is_empty() {
                layout.write(image, samples, &mut all).ok()?;
            }
            if file[start..].starts_with(&all) {
                let head = Part::Verbatim(file[..start].to_vec());
                let tail = Part::Verbatim(file[start + all.len()..].to_vec());
                return Some(Recipe { parts: vec![head, Part::Raster(layout), tail] });
            }
        }
    }
    None
}

/// The pieces of a PNG file.
struct Png<'a> {
    /// What comes before its image data,
    head: &'a [u8],
    /// the sizes of the chunks these are in,
    chunks: Vec<u32>,
    /// they themselves,
    stream: Vec<u8>,
    /// and what comes after.
    tail: &'a [u8],
}

fn cut_png(file: &[u8]) -> Option<Png<'_>> {
    let (mut at, mut first) = (8, None);
    let (mut sizes, mut data) = (Vec::new(), Vec::new());
    while let Some((head, rest)) = file.get(at..)?.split_first_chunk::<8>() {
        let (n_bytes, kind) = head.split_at(4);
        let n_bytes = u32::from_be_bytes(n_bytes.try_into().ok()?);
        if kind == b"IDAT" {
            first.get_or_insert(at);
            sizes.push(n_bytes);
            data.extend_from_slice(rest.get(..n_bytes as usize)?);
        } else if first.is_some() {
            break;
        }
        at = at.checked_add(n_bytes as usize)?.checked_add(12)?;
    }
    Some(Png { head: file.get(..first?)?, chunks: sizes, stream: data, tail: file.get(at..)? })
}

fn of_png(file: &[u8], image: &ImageDescriptor, samples: &[u8]) -> Option<Recipe> {
    let Png { head, chunks, stream, tail } = cut_png(file)?;
    // Bit depth and interlacing stand in the first chunk.
    let (depth, is_interlaced) = (*file.get(24)?, *file.get(28)? != 0);
    if is_interlaced || image.colour == ColourModel::YCbCr {
        return None;
    }
    let layout =
        Layout { is_big_endian: depth == 16, is_packed: depth < 8, alignment: 1, ..Layout::default() };
    let (rows, n_row, pixel_bytes) = rows(layout, image, samples).ok()?;
    let [cmf, flags, coded @ .., _, _, _, _] = stream.as_slice() else { return None };
    let n_text = rows.len() + image.height as usize;
    let text = inflate(coded, n_text)?;
    let filters: Vec<u8> = text.chunks_exact(n_row + 1).map(|row| row[0]).collect();
    if filters.iter().any(|filter| *filter > 4) || filtered(&rows, n_row, pixel_bytes, &filters) != text {
        return None;
    }
    let parameters = candidates(*cmf, *flags, filters.iter().all(|filter| *filter == 0))
        .into_iter()
        .find(|parameters| is_made_by(*parameters, &text, coded))?;
    let data = ImageData { filters, head: [*cmf, *flags], parameters, chunks };
    let parts = vec![Part::Verbatim(head.to_vec()), Part::Png(layout, data), Part::Verbatim(tail.to_vec())];
    Some(Recipe { parts })
}

fn inflate(coded: &[u8], n_bytes: usize) -> Option<Vec<u8>> {
    // A byte more shows that there is no more.
    let mut out = vec![0; n_bytes + 1];
    let mut state = Decompress::new(false);
    let status = state.decompress(coded, &mut out, FlushDecompress::Finish).ok()?;
    out.truncate(n_bytes);
    (status == Status::StreamEnd && state.total_out() == n_bytes as u64).then_some(out)
}

/// What zlib may have been set to, by the head of its stream; the likeliest first.
fn candidates(cmf: u8, flags: u8, is_unfiltered: bool) -> Vec<DeflateParameters> {
    let levels: &[u8] = match flags >> 6 {
        0 => &[1],
        1 => &[4, 5, 3, 2],
        2 => &[6],
        _ => &[9, 7, 8],
    };
    let strategies: &[u8] = if is_unfiltered { &[0, 1] } else { &[1, 0] };
    let stated = (cmf >> 4) + 8;
    let windows = if stated == 15 { vec![15] } else { vec![15, stated] };
    let mut all = Vec::new();
    let mut push = |level: u8, window: u8, memory: u8, strategy: u8| {
        all.extend(DeflateParameters::new(level, window.max(9), memory, strategy).ok());
    };
    for window in windows {
        for strategy in strategies {
            for memory in [8, 9] {
                levels.iter().for_each(|level| push(*level, window, memory, *strategy));
            }
        }
        if flags >> 6 == 0 {
            for memory in [8, 9] {
                [3, 2, 4].iter().for_each(|strategy| push(6, window, memory, *strategy));
            }
        }
    }
    all
}

/// True if zlib so set makes this stream of the text. It is compared block by block.
fn is_made_by(parameters: DeflateParameters, text: &[u8], coded: &[u8]) -> bool {
    let mut n_same = 0;
    let mut compare = |made: &[u8]| {
        let is_same = made.get(n_same..).zip(coded.get(n_same..made.len())).is_some_and(|(a, b)| a == b);
        n_same = made.len();
        is_same
    };
    deflate(text, parameters, &mut compare).is_some_and(|made| made == coded)
}
