//! Manifest frames without the records that vouch for them, for salvage. Spec §11.
//!
//! What these return is well formed and no more: the caller proves it by the hashes it holds.

use crate::block::decode_stray_blocks;
use crate::page::open_frame;
use crate::root::read_item_array;
use crate::{BlockRecord, Error, FrameType, ItemRecord, Limits, Root};

/// The entries of a stray page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StrayPage {
    /// A page of items, ordered by name.
    Items(Vec<ItemRecord>),
    /// A page of the block table; its first block may have any id.
    Blocks(Vec<BlockRecord>),
}

impl StrayPage {
    /// Reads a page's frame, whichever table it is of.
    ///
    /// # Errors
    /// `Corrupt`, `Truncated`, `Unsupported`, `LimitExceeded`.
    pub fn parse(frame: &[u8], limits: &Limits) -> Result<Self, Error> {
        let payload = open_frame(frame, FrameType::Page, 0, limits.max_page_bytes, limits)?;
        match read_item_array(&payload, u64::MAX, limits) {
            Ok(items) => Ok(Self::Items(items)),
            Err(error) => decode_stray_blocks(&payload, limits).map(Self::Blocks).map_err(|_| error),
        }
    }
}

impl Root {
    /// Reads a root frame that no seal vouches for and whose place in its archive is unknown.
    ///
    /// # Errors
    /// As [`Root::parse`].
    pub fn parse_stray(frame: &[u8], limits: &Limits) -> Result<Self, Error> {
        Self::parse(frame, u64::MAX, limits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ArchiveBuilder, Codec, FrameHeader, ItemKind, Table, Trailer};

    #[test]
    fn pages_tell_by_themselves_what_they_hold() {
        let (mut builder, header) = ArchiveBuilder::begin();
        for i in 0..4000_u32 {
            builder.add_block(Codec::Raw, &i.to_le_bytes(), 4, i);
            builder.add_item(ItemRecord::new(format!("{i:05}"), ItemKind::File)).unwrap();
        }
        let pages_at = builder.position_bytes();
        assert_eq!(pages_at, header.len() as u64 + 4000 * 36);
        let (tail, trailer) = builder.finish();
        let limits = Limits::default();
        let root_at = (trailer.root_offset_bytes - pages_at) as usize;
        let root = Root::parse_stray(&tail[root_at..tail.len() - Trailer::N_BYTES], &limits).unwrap();
        let (Table::Paged(items), Table::Paged(blocks)) = (&root.items, &root.blocks) else {
            panic!("4000 entries fill pages");
        };
        let mut at = 0;
        let (mut n_items, mut n_blocks) = (0, 0);
        while at < root_at {
            let frame = FrameHeader::parse(&tail[at..], 0, &limits).unwrap();
            let end = at + FrameHeader::N_BYTES + frame.stored_bytes as usize;
            match StrayPage::parse(&tail[at..end], &limits).unwrap() {
                StrayPage::Items(page) => n_items += page.len(),
                StrayPage::Blocks(page) => n_blocks += page.len(),
            }
            at = end;
        }
        assert_eq!((n_items, n_blocks), (4000, 4000));
        assert!(items.len() > 1 && blocks.len() > 1);
    }
}
