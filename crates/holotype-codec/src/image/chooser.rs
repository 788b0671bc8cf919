//! Which coder is tried for which mode. A decoder never needs to know.

use super::adaptive::Density;
use super::archival::Effort;
use super::coder::{self, Coder};
use super::{Mode, Planes, TileOptions, frontend, path};
use crate::TileRef;

/// The tile on the planes path, unless its header would be too long.
pub(super) fn encode_planes(tile: &TileRef<'_>, options: &TileOptions) -> Option<Vec<u8>> {
    let parts = frontend::split(tile);
    if parts.header.len() >= 1 << 24 {
        return None;
    }
    let mut out = vec![path::PLANES];
    out.extend_from_slice(&(parts.header.len() as u32).to_le_bytes()[..3]);
    out.extend_from_slice(&parts.header);
    if let Some(planes) = &parts.planes {
        let candidates: &[Coder] = match options.mode {
            Mode::Fast => &[Coder::Rice],
            Mode::Standard => &[Coder::Adaptive(Density::Balanced)],
            Mode::Archival => archival(planes, options.max_effort),
        };
        let coded = candidates.iter().map(|coder| coder::encode(*coder, planes));
        out.extend(coded.min_by_key(Vec::len).unwrap_or_default());
    }
    Some(out)
}

/// Tiles of fewer samples may be over before the archival coder's many states have learned.
const FEW_SAMPLES: usize = 1 << 18;

/// The candidates of the archival mode.
fn archival(planes: &Planes, max_effort: bool) -> &'static [Coder] {
    let n_samples: usize = planes.samples.iter().map(Vec::len).sum();
    match (max_effort, n_samples < FEW_SAMPLES) {
        (false, false) => &[Coder::Archival(Effort::Usual)],
        (false, true) => &[Coder::Archival(Effort::Usual), Coder::Adaptive(Density::Dense)],
        (true, false) => &[Coder::Archival(Effort::Utmost), Coder::Archival(Effort::Usual)],
        (true, true) => &[
            Coder::Archival(Effort::Utmost),
            Coder::Archival(Effort::Usual),
            Coder::Adaptive(Density::Dense),
            Coder::Adaptive(Density::Balanced),
        ],
    }
}
