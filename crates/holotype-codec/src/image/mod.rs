//! Image tiles: front end → coder → bytes. `docs/codecs.md` is the specification.
//!
//! * `frontend`: reversible per-tile transforms that turn interleaved samples into [`Planes`].
//! * `fast`, `standard`, `archival`: predictive coders of planes, one per mode.
//! * `indexed`: coders of pixels with few distinct values or exact repeats.
//! * `chooser`: which of them is tried; never needed to decode.

mod planes;
mod raw;

pub use planes::{PlaneShape, Planes};

use crate::{CodecError, TileMut, TileRef};

/// How much time may be spent for how much density.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Mode {
    /// For data loaders: about a gigabyte per second and core.
    Fast,
    /// The default.
    #[default]
    Standard,
    /// For vaults: the densest.
    Archival,
}

/// Options of [`encode_tile`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub struct TileOptions {
    /// The mode; default [`Mode::Standard`].
    pub mode: Mode,
    /// Spend still more time within [`Mode::Archival`]; default false.
    pub max_effort: bool,
}

impl TileOptions {
    /// Options for `mode`, everything else at its default.
    #[must_use]
    pub fn new(mode: Mode) -> Self {
        Self { mode, ..Self::default() }
    }
}

/// Wire values of the first byte of a coded tile. Append only.
mod path {
    pub(super) const RAW: u8 = 0;
}

/// Codes one tile. Same tile and options, same bytes.
#[must_use]
pub fn encode_tile(tile: &TileRef<'_>, options: &TileOptions) -> Vec<u8> {
    let _ = options;
    let mut out = vec![path::RAW];
    raw::encode(tile, &mut out);
    out
}

/// Decodes what [`encode_tile`] made, into `out` of the same shape.
///
/// # Errors
/// `Truncated`, `Corrupt` or `Unsupported`; `out` then holds unspecified samples.
pub fn decode_tile(bytes: &[u8], out: &mut TileMut<'_, '_>) -> Result<(), CodecError> {
    let (&id, body) = bytes.split_first().ok_or(CodecError::Truncated { what: "path id" })?;
    match id {
        path::RAW => raw::decode(body, out),
        _ => Err(CodecError::Unsupported { what: "tile path", id: u32::from(id) }),
    }
}
