//! Which coder is tried for which mode. A decoder never needs to know.

use super::adaptive::Density;
use super::archival::Effort;
use super::coder::{self, Coder};
use super::lanes::UseOfTables;
use super::{Mode, Planes, TileOptions, digits, direct, folded, frontend, indexed, path};
use crate::TileRef;

/// The tile on the path that takes the fewest bytes, as far as they are tried.
pub(super) fn encode(tile: &TileRef<'_>, options: &TileOptions) -> Option<Vec<u8>> {
    // Planes of few samples have no room to learn or to pay for tables: folding is tried whatever it seems to give.
    let has_small_planes = tile.shape().n_pixels() < N_FOLDED_PIXELS;
    let is_smoother = folded::is_smoother(tile);
    let folded = if is_smoother || has_small_planes { folded::encode(tile, options) } else { None };
    if folded.is_some() && is_smoother && options.mode != Mode::Archival {
        return folded;
    }
    let plan = indexed::Plan::new(tile, options);
    let predict = || predict(tile, options);
    let predicted = if plan.tries_planes { predict() } else { None };
    let indexed = plan.encode(tile, predicted.as_ref().map(Vec::len));
    let predicted = if predicted.is_none() && indexed.is_none() { predict() } else { predicted };
    [predicted, indexed, folded].into_iter().flatten().min_by_key(Vec::len)
}

/// The tile by a predictive coder: straight from bytes if it may be, else by planes.
fn predict(tile: &TileRef<'_>, options: &TileOptions) -> Option<Vec<u8>> {
    if options.mode != Mode::Fast || !direct::accepts(&tile.shape()) {
        return encode_planes(tile, options);
    }
    let mut fast = vec![path::DIRECT];
    direct::encode(tile, &mut fast);
    // Where flags and lane heads weigh, hardly a bit is left of a sample, or few values are used, planes may be smaller.
    let n_samples = tile.shape().n_pixels() * usize::from(tile.shape().n_channels);
    if n_samples > N_DIRECT_SAMPLES && fast.len() > n_samples / 6 && !frontend::is_sparse(tile) {
        return Some(fast);
    }
    [Some(fast), encode_planes(tile, options)].into_iter().flatten().min_by_key(Vec::len)
}

/// Tiles of many channels and fewer pixels than this are tried folded.
const N_FOLDED_PIXELS: usize = 10_000;
/// Tiles with fewer samples than this are coded both ways in fast mode.
const N_DIRECT_SAMPLES: usize = 50_000;

/// The tile on the planes path, unless its header would be too long, or by digits if that is smaller.
fn encode_planes(tile: &TileRef<'_>, options: &TileOptions) -> Option<Vec<u8>> {
    let parts = frontend::split(tile);
    if parts.header.len() >= 1 << 24 {
        return None;
    }
    let mut out = vec![path::PLANES];
    out.extend_from_slice(&(parts.header.len() as u32).to_le_bytes()[..3]);
    out.extend_from_slice(&parts.header);
    if let Some(planes) = &parts.planes {
        let candidates = candidates(planes, options);
        let coded = candidates.into_iter().map(|coder| coder::encode(coder, planes));
        out.extend(coded.min_by_key(Vec::len).unwrap_or_default());
    }
    if parts.is_wide
        && let Some(digits) = digits::encode(tile, options)
        && digits.len() + 1 < out.len()
    {
        return Some([&[path::DIGITS], digits.as_slice()].concat());
    }
    Some(out)
}

/// Planes with more samples than this are coded fast in fast mode; heads of lanes weigh in smaller ones.
const N_LANES_SAMPLES: usize = 50_000;
/// Planes with fewer samples than this learn faster than tables are sent.
const N_ADAPTIVE_SAMPLES: usize = 4_096;
/// Planes with more samples than this are never better off without tables.
const N_STATIC_SAMPLES: usize = 16_384;
/// Tiles of fewer samples may be over before the archival coder's many states have learned.
const N_ARCHIVAL_SAMPLES: usize = 1 << 18;
/// Planes that reach this far may hold digits, ranks or depths without a smooth course, which are best said plainly; so
/// may a plane by itself.
const FAR_MAX: u16 = 1 << 8;

/// The coders worth trying; the smallest result is kept.
fn candidates(planes: &Planes, options: &TileOptions) -> Vec<Coder> {
    let n_samples: usize = planes.samples.iter().map(Vec::len).sum();
    let mut coders = match (options.mode, n_samples) {
        (Mode::Fast, 0..N_LANES_SAMPLES) => {
            return vec![Coder::Rice, Coder::Lanes(UseOfTables::IfMuchSmaller)];
        }
        (Mode::Fast, _) => return vec![Coder::Lanes(UseOfTables::IfMuchSmaller)],
        (Mode::Standard, 0..N_ADAPTIVE_SAMPLES) => vec![Coder::Adaptive(Density::Balanced)],
        (Mode::Standard, N_ADAPTIVE_SAMPLES..N_STATIC_SAMPLES) => {
            vec![Coder::Adaptive(Density::Balanced), Coder::Wavefront]
        }
        (Mode::Standard, _) => vec![Coder::Wavefront],
        (Mode::Archival, 0..N_ARCHIVAL_SAMPLES) if options.max_effort => vec![
            Coder::Archival(Effort::Utmost),
            Coder::Archival(Effort::Usual),
            Coder::Adaptive(Density::Dense),
            Coder::Adaptive(Density::Balanced),
        ],
        (Mode::Archival, _) if options.max_effort => {
            vec![Coder::Archival(Effort::Utmost), Coder::Archival(Effort::Usual), Coder::Wavefront]
        }
        (Mode::Archival, 0..N_ARCHIVAL_SAMPLES) => {
            vec![Coder::Archival(Effort::Usual), Coder::Adaptive(Density::Dense)]
        }
        (Mode::Archival, _) => vec![Coder::Archival(Effort::Usual)],
    };
    let is_far = planes.shape.maxes.iter().any(|max| *max >= FAR_MAX);
    if is_far || (planes.samples.len() == 1 && n_samples >= N_STATIC_SAMPLES) {
        coders.push(Coder::Lanes(UseOfTables::IfSmaller));
    }
    coders
}
