//! Bytes predicted from the earlier frame and what is decoded of this one. `docs/codecs/inter.md` §5.
//!
//! No sample is predicted from the one to its left: a row is predicted at once, and only the symbols are taken one
//! by one. They are coded apart from the samples, in a stream for each context.

mod classes;
mod fit;
mod planes;
mod streams;

use super::header::{Models, code_signed};
use crate::entropy::binary::BitCoder;
use crate::simd::{Kernel, WordLanes, dispatch};
use crate::{CodecError, SampleType, TileMut, TileRef, TileShape};
use classes::Classes;
use planes::{Channels, Row};
use streams::{N_LEVELS, Streams};

/// Most channels of a blended tile.
const MAX_CHANNELS: usize = 4;
/// Weights of what is taken from the channel itself.
const N_OWN: usize = 11;
/// Bits of a weight behind the point.
const FRACTION_BITS: u32 = 12;
/// Largest weight, either way.
const MAX_WEIGHT: i32 = 32767;

/// True if tiles of this shape can be blended.
pub(super) fn accepts(shape: &TileShape) -> bool {
    shape.sample == SampleType::U8 && usize::from(shape.n_channels) <= MAX_CHANNELS
}

/// Weights of a channel: eleven of its own neighbourhood, one for each channel before it.
type Weights = [i32; N_OWN + MAX_CHANNELS - 1];

/// What is sent of a blended tile beside its residuals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Settings {
    /// Of each class, for each channel.
    weights: Vec<Vec<Weights>>,
    classes: Classes,
    /// True if a level of activity shares the stream of the level below it.
    joins: [bool; N_LEVELS - 1],
}

impl Settings {
    /// Settings to decode into.
    pub(super) fn empty(shape: &TileShape) -> Result<Self, CodecError> {
        if !accepts(shape) {
            return Err(CodecError::Corrupt { what: "a tile that cannot be blended is" });
        }
        Ok(Self { weights: Vec::new(), classes: Classes::default(), joins: [false; N_LEVELS - 1] })
    }

    /// Codes the settings; decoding fills what is given.
    pub(super) fn code(
        &mut self,
        models: &mut Models,
        coder: &mut impl BitCoder,
        shape: &TileShape,
    ) -> Result<(), CodecError> {
        self.classes.code(models, coder, shape)?;
        let none = vec![[0; N_OWN + MAX_CHANNELS - 1]; usize::from(shape.n_channels)];
        self.weights.resize(self.classes.n_classes(), none);
        for (c, weights) in self.weights.iter_mut().flat_map(|weights| weights.iter_mut().enumerate()) {
            for weight in weights.iter_mut().take(N_OWN + c) {
                *weight = code_signed(&mut models.weight, coder, *weight);
                if weight.unsigned_abs() > MAX_WEIGHT as u32 {
                    return Err(CodecError::Corrupt { what: "a weight is out of range" });
                }
            }
        }
        for joins in &mut self.joins {
            *joins = models.joins.code(coder, *joins);
        }
        Ok(())
    }
}

/// Fits the weights to a tile and codes its residuals.
pub(super) fn encode(tile: &TileRef<'_>, predicted: &[u8]) -> (Settings, Vec<u8>) {
    let shape = tile.shape();
    let rows: Vec<&[u8]> = tile.rows().to_vec();
    let classes = Classes::of(&rows, predicted, &shape);
    let weights = fit::weights(&rows, predicted, &shape, &classes);
    let mut symbols = streams::Collected::with_capacity(shape.n_pixels() * usize::from(shape.n_channels));
    dispatch(Encoding {
        rows: &rows,
        predicted,
        shape,
        weights: &weights,
        classes: &classes,
        symbols: &mut symbols,
    });
    let (joins, body) = symbols.finish();
    (Settings { weights, classes, joins }, body)
}

/// Inverse of [`encode`].
pub(super) fn decode(
    settings: &Settings,
    body: &[u8],
    predicted: &[u8],
    out: &mut TileMut<'_, '_>,
) -> Result<(), CodecError> {
    let n_samples = out.shape().n_pixels() * usize::from(out.shape().n_channels);
    let mut streams = Streams::read(body, &settings.joins, n_samples)?;
    dispatch(Decoding { settings, predicted, streams: &mut streams, out });
    streams.finish()
}

struct Encoding<'a> {
    rows: &'a [&'a [u8]],
    predicted: &'a [u8],
    shape: TileShape,
    weights: &'a [Vec<Weights>],
    classes: &'a Classes,
    symbols: &'a mut streams::Collected,
}

impl Kernel for Encoding<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: WordLanes>(self, _: L) {
        let Self { rows, predicted, shape, weights, classes, symbols } = self;
        let mut channels = Channels::new(predicted, &shape);
        let mut parts = Vec::new();
        for (y, row) in rows.iter().enumerate() {
            channels.start_row(y, predicted);
            classes.parts(y, &shape, &mut parts);
            for c in 0..usize::from(shape.n_channels) {
                let Row { guesses, activities } = channels.predict(c, &parts, weights);
                for ((pixel, guess), activity) in
                    row.chunks_exact(shape.n_channels.into()).zip(guesses).zip(activities)
                {
                    symbols.push(*activity, zigzag(pixel[c].wrapping_sub(*guess as u8)));
                }
                channels.set_row(c, row.iter().skip(c).step_by(shape.n_channels.into()).copied());
            }
        }
    }
}

struct Decoding<'a, 'b, 'c> {
    settings: &'a Settings,
    predicted: &'a [u8],
    streams: &'a mut Streams,
    out: &'a mut TileMut<'b, 'c>,
}

impl Kernel for Decoding<'_, '_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<L: WordLanes>(self, _: L) {
        let Self { settings: Settings { weights, classes, .. }, predicted, streams, out } = self;
        let shape = out.shape();
        let mut channels = Channels::new(predicted, &shape);
        let mut parts = Vec::new();
        let mut residuals = vec![0_u8; shape.width as usize];
        for (y, row) in out.rows_mut().iter_mut().enumerate() {
            channels.start_row(y, predicted);
            classes.parts(y, &shape, &mut parts);
            for c in 0..usize::from(shape.n_channels) {
                let Row { guesses, activities } = channels.predict(c, &parts, weights);
                streams.take(activities, &mut residuals);
                for (residual, guess) in residuals.iter_mut().zip(guesses) {
                    *residual = unzigzag(*residual).wrapping_add(*guess as u8);
                }
                for (pixel, sample) in row.chunks_exact_mut(shape.n_channels.into()).zip(&residuals) {
                    pixel[c] = *sample;
                }
                channels.set_row(c, residuals.iter().copied());
            }
        }
    }
}

/// Residuals by their size: 0, −1, 1, −2, …
#[inline(always)]
fn zigzag(residual: u8) -> u8 {
    residual << 1 ^ (residual as i8 >> 7) as u8
}

#[inline(always)]
fn unzigzag(symbol: u8) -> u8 {
    symbol >> 1 ^ (symbol & 1).wrapping_neg()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn residuals_are_numbered_by_size() {
        assert_eq!([0_u8, 255, 1, 254, 127, 128].map(zigzag), [0, 1, 2, 3, 254, 255]);
        assert!((0..=255).all(|r| unzigzag(zigzag(r)) == r));
    }
}
