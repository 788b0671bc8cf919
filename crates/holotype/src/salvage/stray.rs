//! Blocks that belong to no item found: all that is left where the manifest is cut off.

use super::Proof;
use super::scan::{FoundFrame, Scan};
use crate::archive::read;
use crate::{Limits, Result};
use holotype_container::{Codec, FrameHeader, FrameType, MerkleTree, unpack};
use holotype_store::ReadAt;
use std::borrow::Cow;
use std::collections::HashSet;
use std::path::Path;

/// Whole block frames of none of the hashes in `used`.
pub(super) fn stray_blocks<'a>(scan: &'a Scan, used: &HashSet<[u8; 32]>) -> Vec<&'a FoundFrame> {
    let blocks = scan.frames.iter().filter(|frame| frame.header.frame_type == FrameType::Block);
    blocks.filter(|frame| !used.contains(&frame.hash)).collect()
}

/// The Merkle root of all blocks of a file with one trailer is proof for each of them.
pub(super) fn proof(scan: &Scan) -> Proof {
    let mut tree = MerkleTree::default();
    let blocks = scan.frames.iter().filter(|frame| frame.header.frame_type == FrameType::Block);
    tree.extend(blocks.map(|frame| frame.hash));
    match scan.trailers.as_slice() {
        [(_, trailer)] if trailer.merkle_root == tree.root() => Proof::MerkleRoot,
        _ => Proof::Nothing,
    }
}

/// A name that says what little is known: the ordinal of its item, its place, whether it is a coded tile.
pub(super) fn name(frame: &FoundFrame) -> String {
    let extension = if frame.header.codec == Codec::ImageTile { "tile" } else { "bin" };
    format!("blocks/item-{:06}/at-{:012}.{extension}", frame.header.item_hint, frame.offset_bytes)
}

/// The block's bytes, unpacked if they are packed; `None` if they do not unpack.
pub(super) fn content<'a>(
    source: &'a dyn ReadAt,
    path: &Path,
    frame: &FoundFrame,
    limits: &Limits,
) -> Result<Option<Cow<'a, [u8]>>> {
    let start = frame.offset_bytes + FrameHeader::N_BYTES as u64;
    let payload = read(source, path, start, frame.header.stored_bytes)?;
    if frame.header.codec != Codec::Zstd {
        return Ok(Some(payload));
    }
    let fits = frame.header.raw_bytes <= limits.max_file_block_bytes;
    Ok(if fits { unpack(&payload, frame.header.raw_bytes).map(Cow::Owned) } else { None })
}
