//! The adaptive coder of planes: blended prediction, bias cancellation, mixed contexts, integers only.
//! `docs/codecs/adaptive.md` is the specification.
//!
//! Encoder and decoder run the same function over a [`BitCoder`], so they cannot drift apart.

pub(super) mod logistic;
mod model;
mod plane;
mod predict;

use super::{PlaneShape, Planes, colour};
use crate::CodecError;
use crate::entropy::binary::{BitCoder, Decoder, Encoder};
use model::{Model, Surroundings};
use plane::Padded;
use predict::Predictor;

/// How many contexts model a residual.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Density {
    /// Two.
    Balanced,
    /// Five.
    Dense,
}

impl Density {
    fn n_contexts(self) -> usize {
        match self {
            Self::Balanced => 2,
            Self::Dense => 5,
        }
    }
}

/// Codes planes: density, colour transform, then the bits of all planes. `None` if that takes more than `most_bytes`.
pub(super) fn encode(planes: &Planes, density: Density, most_bytes: usize) -> Option<Vec<u8>> {
    let transform = colour::choose(planes);
    let ranges = colour::ranges(&planes.shape, transform);
    let mut out = vec![density.n_contexts() as u8];
    out.push(transform.code());
    let mut coder = Encoder::within(most_bytes, out);
    let mut done: Vec<Padded> = Vec::new();
    for (c, (low, high)) in ranges.into_iter().enumerate() {
        let mut plane = Padded::new(planes.shape.width, planes.shape.height, low, high);
        let values = colour::forward(planes, transform, c);
        for (y, row) in values.chunks_exact(planes.shape.width).enumerate() {
            let start = plane.row(y);
            plane.values[start..start + row.len()].copy_from_slice(row);
        }
        code_plane(&mut coder, &mut plane, done.last(), density);
        if coder.is_past_the_end() {
            return None;
        }
        done.clear();
        done.push(plane);
    }
    Some(coder.finish())
}

/// Decodes what [`encode`] made.
pub(super) fn decode(bytes: &[u8], shape: &PlaneShape) -> Result<Planes, CodecError> {
    let [n_contexts, transform, body @ ..] = bytes else {
        return Err(CodecError::Truncated { what: "adaptive header" });
    };
    let density = [Density::Balanced, Density::Dense]
        .into_iter()
        .find(|d| d.n_contexts() == usize::from(*n_contexts))
        .ok_or(CodecError::Unsupported { what: "number of contexts", id: u32::from(*n_contexts) })?;
    let transform = colour::Transform::from_code(*transform)
        .filter(|t| !t.is_colour() || shape.is_rgb)
        .ok_or(CodecError::Corrupt { what: "the colour transform does not fit the planes" })?;
    let mut coder = Decoder::new(body);
    let mut decoded: Vec<Vec<i32>> = Vec::new();
    let mut previous: Option<Padded> = None;
    for (low, high) in colour::ranges(shape, transform) {
        let mut plane = Padded::new(shape.width, shape.height, low, high);
        code_plane(&mut coder, &mut plane, previous.as_ref(), density);
        if coder.is_past_the_end() {
            return Err(CodecError::Truncated { what: "coded samples" });
        }
        let rows = (0..shape.height).map(|y| plane.row(y));
        decoded
            .push(rows.flat_map(|start| plane.values[start..start + shape.width].iter().copied()).collect());
        previous = Some(plane);
    }
    coder.finish()?;
    colour::inverse(shape, transform, decoded)
}

/// Codes the samples of `plane` in raster order, or fills them in when decoding.
fn code_plane(coder: &mut impl BitCoder, plane: &mut Padded, previous: Option<&Padded>, density: Density) {
    match density {
        Density::Balanced => code_with::<2>(coder, plane, previous),
        Density::Dense => code_with::<5>(coder, plane, previous),
    }
}

fn code_with<const N_CONTEXTS: usize>(
    coder: &mut impl BitCoder,
    plane: &mut Padded,
    previous: Option<&Padded>,
) {
    let mut predictor = Predictor::new(plane);
    let mut model = Model::<N_CONTEXTS>::new();
    let mut signed = vec![0_i32; plane.values.len()];
    let span = i64::from(plane.high) - i64::from(plane.low) + 1;
    for y in 0..plane.height {
        plane.begin_row(y);
        let start = plane.row(y);
        for i in 0..plane.width {
            let (at, x) = (start + i, i + Padded::PAD);
            let prediction = predictor.predict(plane, previous, at, x);
            let around = Surroundings {
                w: signed[at - 1],
                n: signed[at - plane.stride],
                previous: previous
                    .map_or(0, |p| p.values[at] - (p.values[at - 1] + p.values[at - p.stride]) / 2),
                level: (i64::from(prediction.value - plane.low) * 64 / span) as usize,
            };
            let residual = plane.values[at] - prediction.value;
            let coded = model.code(coder, residual, &prediction, &around);
            let value = (prediction.value + coded).clamp(plane.low, plane.high);
            plane.values[at] = value;
            signed[at] = value - prediction.value;
            predictor.update(&prediction, value, at, x);
        }
        plane.end_row(y);
        // A forged size must not cost the time and memory of a true one.
        if coder.is_past_the_end() {
            return;
        }
        predictor.end_row(plane, y);
    }
}
