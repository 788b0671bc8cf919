//! Image tiles: front end → coder → bytes. `docs/codecs.md` is the specification.
//!
//! * `frontend`: reversible per-tile transforms that turn interleaved samples into [`Planes`].
//! * `rice`, `lanes`, `adaptive`, `wavefront`, `archival`: predictive coders of planes, behind `coder`.
//! * `direct`: the fast path, a predictive coder straight from bytes.
//! * `folded`: tiles of many channels as pictures of one. `digits`: tiles of wide samples as one for each digit. `holes`:
//!   tiles with pixels that have no value as a mask and a picture.
//! * `indexed`: coders of pixels with few distinct values or exact repeats.
//! * `inter`: tiles of a frame coded against an earlier frame.
//! * `chooser`: which of them is tried, `race`: and which to its end; never needed to decode.

mod adaptive;
mod archival;
mod chooser;
mod clusters;
mod coder;
mod colour;
mod digits;
mod direct;
mod folded;
mod frontend;
mod holes;
mod indexed;
mod inter;
mod lanes;
mod levels;
mod planes;
mod race;
mod raw;
mod rice;
mod tables;
mod wavefront;

pub use inter::{InterTile, Reference, copy_same_tile, decode_inter_tile, encode_inter_tile};
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
    /// The samples as they are.
    pub(super) const RAW: u8 = 0;
    /// Bytes straight to 32 interleaved streams.
    pub(super) const DIRECT: u8 = 1;
    /// Front-end header, then planes.
    pub(super) const PLANES: u8 = 2;
    /// A coder of whole pixels.
    pub(super) const INDEXED: u8 = 3;
    /// A tile of one channel: a row for every pixel.
    pub(super) const FOLDED: u8 = 4;
    /// A tile for each 16-bit digit of wide samples.
    pub(super) const DIGITS: u8 = 6;
    /// A mask, and a tile without what it hides.
    pub(super) const HOLES: u8 = 7;
}

/// Codes one tile. Same tile and options, same bytes; never more than the samples and one byte.
#[must_use]
pub fn encode_tile(tile: &TileRef<'_>, options: &TileOptions) -> Vec<u8> {
    or_raw(tile, chooser::encode(tile, options))
}

/// [`encode_tile`] without the path of holes.
fn encode_tile_whole(tile: &TileRef<'_>, options: &TileOptions) -> Vec<u8> {
    or_raw(tile, chooser::encode_whole(tile, options))
}

fn or_raw(tile: &TileRef<'_>, coded: Option<Vec<u8>>) -> Vec<u8> {
    let shape = tile.shape();
    let raw_bytes = shape.row_bytes() * shape.height as usize;
    if let Some(coded) = coded.filter(|coded| coded.len() <= raw_bytes) {
        return coded;
    }
    let mut out = vec![path::RAW];
    raw::encode(tile, &mut out);
    out
}

/// About what decoding a coded tile takes, in units a byte of its samples: 1 is as good as nothing.
#[must_use]
pub fn tile_work(bytes: &[u8]) -> u64 {
    match bytes {
        [path::RAW | path::DIRECT, ..] => 1,
        [path::INDEXED, ..] => 2,
        [inter::PATH, form, ..] => inter::work(*form),
        _ => 7,
    }
}

/// Decodes what [`encode_tile`] made, into `out` of the same shape.
///
/// # Errors
/// `Truncated`, `Corrupt` or `Unsupported`; `out` then holds unspecified samples.
pub fn decode_tile(bytes: &[u8], out: &mut TileMut<'_, '_>) -> Result<(), CodecError> {
    let (&id, body) = bytes.split_first().ok_or(CodecError::Truncated { what: "path id" })?;
    match id {
        path::RAW => raw::decode(body, out),
        path::DIRECT => direct::decode(body, out),
        path::PLANES => decode_planes(body, out),
        path::INDEXED => indexed::decode(body, out),
        path::FOLDED => folded::decode(body, out),
        path::DIGITS => digits::decode(body, out),
        path::HOLES => holes::decode(body, out),
        _ => Err(CodecError::Unsupported { what: "tile path", id: u32::from(id) }),
    }
}

fn decode_planes(body: &[u8], out: &mut TileMut<'_, '_>) -> Result<(), CodecError> {
    let [a, b, c, rest @ ..] = body else { return Err(CodecError::Truncated { what: "front-end header" }) };
    let n_header = u32::from_le_bytes([*a, *b, *c, 0]) as usize;
    let (header, rest) =
        rest.split_at_checked(n_header).ok_or(CodecError::Truncated { what: "front-end header" })?;
    let recipe = frontend::parse(header, &out.shape())?;
    let planes = match (&recipe.planes, rest) {
        (None, []) => None,
        (None, _) => return Err(CodecError::Corrupt { what: "bytes after a tile without planes" }),
        (Some(shape), [id, coded @ ..]) => Some(coder::decode(*id, coded, shape)?),
        (Some(_), []) => return Err(CodecError::Truncated { what: "coder id" }),
    };
    frontend::join(&recipe, planes, out)
}
