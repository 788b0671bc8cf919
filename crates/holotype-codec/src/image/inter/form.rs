//! What is coded of a tile beside its motion. `docs/codecs/inter.md` §4.

use super::header::{self, Models};
use super::motion::Motion;
use super::{PATH, Reference, blend, search};
use crate::entropy::binary::{Decoder, Encoder};
use crate::image::{Mode, TileOptions, decode_tile, encode_tile};
use crate::{CodecError, SampleType, TileMut, TileRef, TileShape};

/// The discriminants are wire values; append only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Form {
    /// The prediction itself.
    Moved = 0,
    /// Differences from the prediction, as another tile.
    Difference = 1,
    /// The tile with each pixel that equals its prediction exchanged for zero, as another tile.
    Exchange = 2,
    /// Residuals of a prediction blended from the earlier frame and this one.
    Blended = 3,
}

impl Form {
    pub(super) fn from_code(code: u8) -> Option<Self> {
        [Self::Moved, Self::Difference, Self::Exchange, Self::Blended].into_iter().find(|f| *f as u8 == code)
    }
}

/// Of 1024 pixels so many may differ from their prediction for exchange to be tried.
const MAX_EXCHANGED: usize = 700;
/// And so many must, for blending: below it there is too little to fit.
const MIN_BLENDED: usize = 20;
/// A tile whose differences are this many times those between its own neighbours is coded alone.
const MAX_RATIO: f64 = 1.6;

/// The smallest form of a tile; `None` if it is better coded alone.
pub(super) fn encode(
    tile: &TileRef<'_>,
    reference: &Reference<'_>,
    options: &TileOptions,
) -> Option<Vec<u8>> {
    let shape = tile.shape();
    let motion = search::find(tile, reference);
    let predicted = motion.predict(reference, &shape);
    let pixel_bytes = shape.row_bytes() / shape.width as usize;
    let n_unlike = predicted
        .chunks_exact(shape.row_bytes())
        .zip(tile.rows())
        .map(|(a, b)| unlike(a, b, pixel_bytes))
        .sum::<usize>();
    if n_unlike == 0 {
        return Some(assemble(Form::Moved, &motion, &shape, None, &[]));
    }
    let in_1024 = n_unlike * 1024 / shape.n_pixels();
    let ratio = search::difference_ratio(tile, &predicted);
    let (tries_blend, tries_alone) = (blend::accepts(&shape), ratio > 0.8 || options.mode == Mode::Archival);
    let mut found: Vec<Vec<u8>> = Vec::new();
    if ratio < MAX_RATIO && tries_blend && in_1024 >= MIN_BLENDED {
        let (weights, body) = blend::encode(tile, &predicted);
        found.push(assemble(Form::Blended, &motion, &shape, Some(&weights), &body));
    }
    if in_1024 <= MAX_EXCHANGED {
        let body = encode_samples(&exchanged(tile, &predicted), shape, options);
        found.push(assemble(Form::Exchange, &motion, &shape, None, &body));
    }
    if ratio < MAX_RATIO && (!tries_blend || options.mode == Mode::Archival) {
        let body = encode_samples(&differences(tile, &predicted), difference_shape(&shape), options);
        found.push(assemble(Form::Difference, &motion, &shape, None, &body));
    }
    if found.is_empty() {
        return None;
    }
    if tries_alone {
        found.push(encode_tile(tile, options));
    }
    found.into_iter().min_by_key(Vec::len)
}

fn assemble(
    form: Form,
    motion: &Motion,
    shape: &TileShape,
    weights: Option<&blend::Settings>,
    body: &[u8],
) -> Vec<u8> {
    let mut coder = Encoder::new(Vec::new());
    let mut models = Models::default();
    // What was searched is in range.
    let _ = motion.clone().code(&mut models, &mut coder, shape);
    if let Some(weights) = weights {
        let _ = weights.clone().code(&mut models, &mut coder, shape);
    }
    let mut out = vec![PATH, form as u8];
    header::join(&coder.finish(), body, &mut out);
    out
}

pub(super) fn decode(
    form: Form,
    header: &[u8],
    body: &[u8],
    reference: &Reference<'_>,
    out: &mut TileMut<'_, '_>,
) -> Result<(), CodecError> {
    let shape = out.shape();
    let mut coder = Decoder::new(header);
    let mut models = Models::default();
    let mut motion = Motion { vectors: Vec::new(), block_log2: 0, blocks: Vec::new() };
    motion.code(&mut models, &mut coder, &shape)?;
    let settings = match form {
        Form::Blended => {
            let mut settings = blend::Settings::empty(&shape)?;
            settings.code(&mut models, &mut coder, &shape)?;
            Some(settings)
        }
        _ => None,
    };
    coder.finish_exactly()?;
    let predicted = motion.predict(reference, &shape);
    let predicted_rows = predicted.chunks_exact(shape.row_bytes());
    match form {
        Form::Moved if body.is_empty() => {
            out.rows_mut().iter_mut().zip(predicted_rows).for_each(|(row, from)| row.copy_from_slice(from));
            Ok(())
        }
        Form::Moved => Err(CodecError::Corrupt { what: "bytes after a tile that only moved" }),
        Form::Difference => {
            let wide = difference_shape(&shape);
            let mut rows: Vec<&mut [u8]> = out.rows_mut().iter_mut().map(|row| &mut **row).collect();
            decode_tile(body, &mut TileMut::new(wide, &mut rows)?)?;
            for (row, from) in rows.iter_mut().zip(predicted_rows) {
                add(row, from, shape.sample.n_bytes());
            }
            Ok(())
        }
        Form::Exchange => {
            decode_tile(body, out)?;
            let pixel_bytes = shape.row_bytes() / shape.width as usize;
            for (row, from) in out.rows_mut().iter_mut().zip(predicted_rows) {
                exchange(row, from, pixel_bytes);
            }
            Ok(())
        }
        Form::Blended => {
            let settings = settings.ok_or(CodecError::Corrupt { what: "a blended tile has no weights" })?;
            blend::decode(&settings, body, &predicted, out)
        }
    }
}

fn unlike(a: &[u8], b: &[u8], pixel_bytes: usize) -> usize {
    a.chunks_exact(pixel_bytes).zip(b.chunks_exact(pixel_bytes)).filter(|(a, b)| a != b).count()
}

fn encode_samples(samples: &[u8], shape: TileShape, options: &TileOptions) -> Vec<u8> {
    let rows: Vec<&[u8]> = samples.chunks_exact(shape.row_bytes()).collect();
    TileRef::new(shape, &rows).map_or_else(|_| Vec::new(), |tile| encode_tile(&tile, options))
}

/// Differences are signed, whatever the samples are.
fn difference_shape(shape: &TileShape) -> TileShape {
    let sample = match shape.sample.n_bytes() {
        1 => SampleType::I8,
        2 => SampleType::I16,
        4 => SampleType::I32,
        _ => SampleType::I64,
    };
    TileShape { sample, ..*shape }
}

fn differences(tile: &TileRef<'_>, predicted: &[u8]) -> Vec<u8> {
    let row_bytes = tile.shape().row_bytes();
    let n_bytes = tile.shape().sample.n_bytes();
    let mut out = tile.rows().concat();
    for (row, from) in out.chunks_exact_mut(row_bytes).zip(predicted.chunks_exact(row_bytes)) {
        words(row, from, n_bytes, u64::wrapping_sub);
    }
    out
}

/// Adds `from` to `row`, sample by sample.
fn add(row: &mut [u8], from: &[u8], n_bytes: usize) {
    words(row, from, n_bytes, u64::wrapping_add);
}

/// Each sample of `n_bytes` bytes of `row` becomes `f` of it and the one in `from`, modulo its size.
fn words(row: &mut [u8], from: &[u8], n_bytes: usize, f: impl Fn(u64, u64) -> u64) {
    fn apply<const N: usize>(row: &mut [u8], from: &[u8], f: impl Fn(u64, u64) -> u64) {
        for (to, from) in row.as_chunks_mut::<N>().0.iter_mut().zip(from.as_chunks::<N>().0) {
            let word = |bytes: &[u8; N]| {
                let mut word = [0; 8];
                word[..N].copy_from_slice(bytes);
                u64::from_le_bytes(word)
            };
            let word = f(word(to), word(from)).to_le_bytes();
            to.copy_from_slice(&word[..N]);
        }
    }
    match n_bytes {
        1 => apply::<1>(row, from, f),
        2 => apply::<2>(row, from, f),
        4 => apply::<4>(row, from, f),
        _ => apply::<8>(row, from, f),
    }
}

fn exchanged(tile: &TileRef<'_>, predicted: &[u8]) -> Vec<u8> {
    let row_bytes = tile.shape().row_bytes();
    let pixel_bytes = row_bytes / tile.shape().width as usize;
    let mut out = tile.rows().concat();
    for (row, from) in out.chunks_exact_mut(row_bytes).zip(predicted.chunks_exact(row_bytes)) {
        exchange(row, from, pixel_bytes);
    }
    out
}

/// A pixel that equals its prediction becomes zero, one that is zero becomes its prediction: its own inverse.
fn exchange(row: &mut [u8], predicted: &[u8], pixel_bytes: usize) {
    for (pixel, predicted) in row.chunks_exact_mut(pixel_bytes).zip(predicted.chunks_exact(pixel_bytes)) {
        if pixel == predicted {
            pixel.fill(0);
        } else if pixel.iter().all(|byte| *byte == 0) {
            pixel.copy_from_slice(predicted);
        }
    }
}
