//! The standard coder of planes: eight rows at once, five blended predictions, clustered contexts, static rANS.
//! `docs/codecs/wavefront.md` is the specification.

mod decode;
mod encode;
mod fit;
mod group;
mod history;
mod kernel;
mod model;
mod notes;

use super::clusters;
use super::levels::N_TOKENS;
use super::race::Limit;
use super::tables::Layout;
use super::{PlaneShape, Planes, colour};
use crate::CodecError;
use crate::entropy::binary;
use crate::entropy::static_rans::STATE_BYTES;
use crate::simd::dispatch;
use model::{HeaderModels, PlaneModel};

/// Classes of energy, four to an octave.
const N_ENERGIES: usize = 80;
/// Contexts of one energy class: error class of the planes before, and texture.
const N_SIDES: usize = 8;
/// Contexts of a plane.
const N_CONTEXTS: usize = N_ENERGIES * N_SIDES;
const LAYOUT: Layout = Layout { n_contexts: N_CONTEXTS, n_sides: N_SIDES, n_tokens: N_TOKENS };

/// Planes whose words are made side by side.
const N_CODED_AT_ONCE: usize = 3;

/// Codes planes: transform, header, then the stream of each plane. `None` as soon as the limit does not allow
/// what it takes at least.
pub(super) fn encode(planes: &Planes, limit: Limit<'_, '_>) -> Option<Vec<u8>> {
    let transform = colour::choose(planes);
    let PlaneShape { width, height, .. } = planes.shape;
    let samples = colour::forward_all(planes, transform);
    let mut models = Vec::with_capacity(samples.len());
    for c in 0..samples.len() {
        models.push(describe(&samples[c.saturating_sub(2)..=c], width, height));
    }
    let mut notes = dispatch(encode::Collect { models: &models, planes: &samples, width, height, limit })?;
    drop(samples);
    let mut streams = Vec::new();
    for models in models.chunks_mut(N_CODED_AT_ONCE) {
        let mut notes: Vec<_> = notes.drain(..models.len()).collect();
        for (notes, model) in notes.iter_mut().zip(&mut *models) {
            model.tables = dispatch(clusters::Choose { counts: notes.counts(), layout: LAYOUT });
        }
        for ((states, words), model) in dispatch(encode::Code { notes: &notes, models }).iter().zip(models) {
            states.iter().for_each(|state| streams.extend_from_slice(&state.to_le_bytes()));
            streams.extend_from_slice(words.bytes());
            model.n_words = words.bytes().len() / 2;
        }
    }
    let mut coder = binary::Encoder::new(Vec::new());
    let mut header_models = HeaderModels::default();
    for (c, (model, range)) in models.iter_mut().zip(colour::ranges(&planes.shape, transform)).enumerate() {
        // Encoding what is there cannot fail: every field is within its range.
        let coded = model.code(&mut coder, &mut header_models, range, c.min(2));
        debug_assert_eq!(coded, Ok(()));
    }
    let header = coder.finish();
    let mut out = vec![transform.code()];
    out.extend_from_slice(&(header.len() as u32).to_le_bytes());
    out.extend_from_slice(&header);
    out.extend_from_slice(&streams);
    Some(out)
}

/// Decodes what [`encode`] made.
pub(super) fn decode(bytes: &[u8], shape: &PlaneShape) -> Result<Planes, CodecError> {
    let truncated = CodecError::Truncated { what: "wavefront header" };
    let [code, a, b, c, d, rest @ ..] = bytes else { return Err(truncated) };
    let transform = colour::Transform::from_code(*code)
        .filter(|t| !t.is_colour() || shape.is_rgb)
        .ok_or(CodecError::Corrupt { what: "the colour transform does not fit the planes" })?;
    let n_header = u32::from_le_bytes([*a, *b, *c, *d]) as usize;
    let (header, mut rest) = rest.split_at_checked(n_header).ok_or(truncated)?;
    let mut coder = binary::Decoder::new(header);
    let mut header_models = HeaderModels::default();
    let mut models = Vec::with_capacity(shape.maxes.len());
    for (c, range) in colour::ranges(shape, transform).into_iter().enumerate() {
        let mut model = PlaneModel::new(range.0, range.1);
        model.code(&mut coder, &mut header_models, range, c.min(2))?;
        models.push(model);
    }
    coder.finish()?;
    let mut streams = Vec::with_capacity(models.len());
    for model in &models {
        let n_bytes = model.n_words.saturating_mul(2).saturating_add(STATE_BYTES);
        let (stream, after) =
            rest.split_at_checked(n_bytes).ok_or(CodecError::Truncated { what: "stream of a plane" })?;
        rest = after;
        let (states, words) = stream.split_at(STATE_BYTES);
        let (states, _) = states.as_chunks::<4>();
        let (words, _) = words.as_chunks::<2>();
        let mut first = [0; 8];
        first.iter_mut().zip(states).for_each(|(to, from)| *to = u32::from_le_bytes(*from));
        streams.push((first, words.iter().map(|w| u16::from_le_bytes(*w)).collect()));
    }
    if !rest.is_empty() {
        return Err(CodecError::Corrupt { what: "bytes after the coded samples" });
    }
    let samples = dispatch(decode::Decode { models: &models, streams: &streams, shape, transform })?;
    Ok(Planes { shape: shape.clone(), samples })
}

/// The model of the last plane; tables come later.
fn describe(planes: &[Vec<i32>], width: usize, height: usize) -> PlaneModel {
    let Some((plane, before)) = planes.split_last() else { return PlaneModel::new(0, 0) };
    let low = plane.iter().copied().min().unwrap_or(0);
    let high = plane.iter().copied().max().unwrap_or(0);
    let mut model = PlaneModel::new(low, high);
    let first_row = &plane[..width];
    let sum: i64 = first_row.iter().map(|v| i64::from(*v)).sum();
    model.start = ((sum / width as i64) as i32).clamp(low, high);
    model.error_scale = before.last().map_or(1, |previous| error_scale(previous, width, height));
    if let Some(linear) = dispatch(fit::Picture { planes, width, height }) {
        model.linear = linear;
    }
    model
}

/// A quarter of the mean of the smaller gradient, at least 1.
fn error_scale(plane: &[i32], width: usize, height: usize) -> i32 {
    let (mut sum, mut n) = (0_u64, 0_u64);
    for y in (1..height).step_by(5) {
        for x in (1..width).step_by(5) {
            let at = y * width + x;
            let (value, w, n_above) = (plane[at], plane[at - 1], plane[at - width]);
            sum += u64::from(value.abs_diff(w).min(value.abs_diff(n_above)));
            n += 1;
        }
    }
    (sum / (4 * n.max(1))).clamp(1, 1 << 16) as i32
}

#[cfg(test)]
mod tests;
