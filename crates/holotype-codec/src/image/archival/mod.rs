//! The archival coder of planes: local least squares and adaptive filters, and decisions mixed from contexts
//! whose states are vectors. `docs/codecs/archival.md` is the specification.
//!
//! Everything is binary32 in a fixed order, so all instruction sets give the same bits. Encoder and decoder take the
//! samples through the same functions.

mod blend;
mod contexts;
mod filters;
mod least_squares;
mod model;
mod plane;
mod predictor;
mod refine;
mod row;
mod setting;
mod taps;
mod token;

use super::colour::{self, Transform};
use super::{PlaneShape, Planes};
use crate::CodecError;
use crate::entropy::binary::BitCoder;
use crate::entropy::range::{RangeDecoder, RangeEncoder};
use crate::simd::{self, Kernel, Lanes};
use plane::Plane;
use row::PlaneCoder;
use setting::{Usual, Utmost};

pub(super) use setting::Effort;

/// Most earlier planes a plane may look at.
const MAX_REFERENCES: usize = 2;

/// Codes planes: effort, colour transform, references of every plane but the first, then the bits of all planes. `None`
/// if that takes more than `most_bytes`.
pub(super) fn encode(planes: &Planes, effort: Effort, most_bytes: usize) -> Option<Vec<u8>> {
    let transform = choose_transform(planes);
    let mut out = vec![effort.code(), transform.code()];
    let references = choose_references(&planes.shape);
    out.extend_from_slice(&references[1..]);
    let mut coder = RangeEncoder::within(most_bytes, out);
    let mut done: Vec<Plane> = Vec::new();
    for (c, (low, high)) in colour::ranges(&planes.shape, transform).into_iter().enumerate() {
        let mut plane = Plane::new(planes.shape.width, planes.shape.height, low, high);
        let values = colour::forward(planes, transform, c);
        for (y, row) in values.chunks_exact(planes.shape.width).enumerate() {
            plane.row_mut(y).iter_mut().zip(row).for_each(|(to, from)| *to = *from as f32);
        }
        let references = last(&done, references[c]);
        simd::dispatch(Encoding { coder: &mut coder, plane: &mut plane, references, effort });
        if coder.is_past_the_end() {
            return None;
        }
        keep(&mut done, plane);
    }
    Some(coder.finish())
}

/// Decodes what [`encode`] made.
pub(super) fn decode(bytes: &[u8], shape: &PlaneShape) -> Result<Planes, CodecError> {
    let [effort, transform, body @ ..] = bytes else {
        return Err(CodecError::Truncated { what: "archival header" });
    };
    let effort = Effort::from_code(*effort)
        .ok_or(CodecError::Unsupported { what: "archival effort", id: u32::from(*effort) })?;
    let transform = Transform::from_code(*transform)
        .filter(|t| !t.is_colour() || shape.is_rgb)
        .ok_or(CodecError::Corrupt { what: "the colour transform does not fit the planes" })?;
    let ranges = colour::ranges(shape, transform);
    let (references, body) = body
        .split_at_checked(ranges.len().saturating_sub(1))
        .ok_or(CodecError::Truncated { what: "archival header" })?;
    let mut coder = RangeDecoder::new(body);
    let mut done: Vec<Plane> = Vec::new();
    let mut decoded: Vec<Vec<i32>> = Vec::new();
    for ((low, high), n_references) in ranges.into_iter().zip([&0].into_iter().chain(references)) {
        if usize::from(*n_references) > done.len() {
            return Err(CodecError::Corrupt { what: "a plane looks at planes that are not there" });
        }
        let mut plane = Plane::new(shape.width, shape.height, low, high);
        let references = last(&done, *n_references);
        simd::dispatch(Decoding { coder: &mut coder, plane: &mut plane, references, effort });
        if coder.is_past_the_end() {
            return Err(CodecError::Truncated { what: "coded samples" });
        }
        decoded.push(plane.samples());
        keep(&mut done, plane);
    }
    coder.finish()?;
    drop(done);
    colour::inverse(shape, transform, decoded)
}

/// Keeps a finished plane as long as another may look at it.
fn keep(done: &mut Vec<Plane>, plane: Plane) {
    if done.len() == MAX_REFERENCES {
        done.remove(0);
    }
    done.push(plane);
}

/// The colour transform; linear predictors across planes make most of them alike.
fn choose_transform(planes: &Planes) -> Transform {
    match colour::choose(planes) {
        Transform::None => Transform::None,
        _ => Transform::Chain,
    }
}

/// How many planes before it each plane looks at: alpha, behind three colours, at none.
fn choose_references(shape: &PlaneShape) -> Vec<u8> {
    let planes = 0..shape.maxes.len();
    planes.map(|c| if shape.is_rgb && c > 2 { 0 } else { c.min(MAX_REFERENCES) as u8 }).collect()
}

/// The last of the planes `done`.
fn last(done: &[Plane], n: u8) -> &[Plane] {
    &done[done.len().saturating_sub(usize::from(n))..]
}

/// A plane to encode with the best instructions at hand.
struct Encoding<'a> {
    coder: &'a mut RangeEncoder,
    plane: &'a mut Plane,
    references: &'a [Plane],
    effort: Effort,
}

impl Kernel for Encoding<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, l: L) {
        let Self { coder, plane, references, effort } = self;
        match effort {
            Effort::Usual => PlaneCoder::<Usual, 16>::new(plane, references).encode(l, coder, plane),
            Effort::Utmost => PlaneCoder::<Utmost, 8>::new(plane, references).encode(l, coder, plane),
        }
    }
}

/// A plane to decode with the best instructions at hand.
struct Decoding<'a, 'b> {
    coder: &'a mut RangeDecoder<'b>,
    plane: &'a mut Plane,
    references: &'a [Plane],
    effort: Effort,
}

impl Kernel for Decoding<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, l: L) {
        let Self { coder, plane, references, effort } = self;
        match effort {
            Effort::Usual => PlaneCoder::<Usual, 16>::new(plane, references).decode(l, coder, plane),
            Effort::Utmost => PlaneCoder::<Utmost, 8>::new(plane, references).decode(l, coder, plane),
        }
    }
}

#[cfg(test)]
mod tests;
