//! Which coder is tried for which mode. A decoder never needs to know.

use super::adaptive::Density;
use super::coder::{self, Coder};
use super::{Mode, TileOptions, frontend, indexed, path};
use crate::TileRef;

/// The tile on the path that takes the fewest bytes, as far as they are tried.
pub(super) fn encode(tile: &TileRef<'_>, options: &TileOptions) -> Option<Vec<u8>> {
    let plan = indexed::Plan::new(tile, options);
    let indexed = plan.encode(tile);
    let planes = (plan.tries_planes || indexed.is_none()).then(|| encode_planes(tile, options)).flatten();
    [planes, indexed].into_iter().flatten().min_by_key(Vec::len)
}

/// The tile on the planes path, unless its header would be too long.
fn encode_planes(tile: &TileRef<'_>, options: &TileOptions) -> Option<Vec<u8>> {
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
            // More contexts learn more slowly: small or noisy tiles may do better with few.
            Mode::Archival if options.max_effort => {
                &[Coder::Adaptive(Density::Dense), Coder::Adaptive(Density::Balanced)]
            }
            Mode::Archival => &[Coder::Adaptive(Density::Dense)],
        };
        let coded = candidates.iter().map(|coder| coder::encode(*coder, planes));
        out.extend(coded.min_by_key(Vec::len).unwrap_or_default());
    }
    Some(out)
}
