//! From the frames of a scan to items and blocks: whole manifests, damaged ones, stray pages.

use super::scan::{FoundFrame, Scan};
use super::seal;
use crate::archive::read;
use crate::{Limits, Result};
use holotype_container::{
    BlockRecord, Codec, FrameType, ItemRecord, PageRef, Root, StrayPage, Table, Trailer,
};
use holotype_store::ReadAt;
use std::collections::{HashMap, HashSet};
use std::path::Path;

/// One archive's tables, as far as they are left.
#[derive(Debug, Default)]
pub(super) struct FoundManifest {
    /// Where its root record lies; none if only pages were found.
    pub(super) offset_bytes: Option<u64>,
    /// Number of its revision, as its root says; 0 without a root.
    pub(super) revision: u64,
    /// The seal, if it holds: then the records are proven, not only what their hashes name.
    pub(super) seal: Option<[u8; 32]>,
    /// Remarks for the report.
    pub(super) notes: Vec<String>,
    /// Items of the pages that are left.
    pub(super) items: Vec<ItemRecord>,
    /// Number of items in pages that are lost.
    pub(super) n_lost_items: u64,
    /// Blocks by id, where they were found by their hash or else where they should be.
    pub(super) blocks: Vec<BlockRecord>,
}

/// Frames of a scan by what they are asked for.
struct Index<'a> {
    source: &'a dyn ReadAt,
    path: &'a Path,
    scan: &'a Scan,
    limits: &'a Limits,
    by_hash: HashMap<[u8; 32], usize>,
}

/// Every manifest of the file.
pub(super) fn find(
    source: &dyn ReadAt,
    path: &Path,
    scan: &Scan,
    limits: &Limits,
) -> Result<Vec<FoundManifest>> {
    let by_hash = scan.frames.iter().enumerate().map(|(i, frame)| (frame.hash, i)).collect();
    let index = Index { source, path, scan, limits, by_hash };
    let mut used_pages = HashSet::new();
    let mut manifests = Vec::new();
    for (offset, n_bytes, trailer) in root_places(scan) {
        if n_bytes > limits.container.max_root_bytes || offset.saturating_add(n_bytes) > source.len_bytes() {
            continue;
        }
        let frame = read(source, path, offset, n_bytes)?;
        manifests.extend(index.manifest(offset, &frame, trailer.as_ref(), &mut used_pages)?);
    }
    let stray: Vec<usize> = index
        .frames_of(FrameType::Page)
        .filter(|i| scan.frames.get(*i).is_some_and(|frame| !used_pages.contains(&frame.hash)))
        .collect();
    manifests.extend(index.stray_pages(&stray)?);
    Ok(manifests)
}

/// Where root records are: root frames, and what trailers point to where the frame's own header is damaged.
fn root_places(scan: &Scan) -> Vec<(u64, u64, Option<Trailer>)> {
    let trailer_at: HashMap<u64, Trailer> = scan.trailers.iter().copied().collect();
    let mut places: Vec<_> = scan
        .frames
        .iter()
        .filter(|frame| frame.header.frame_type == FrameType::Root)
        .map(|frame| {
            let end = frame.offset_bytes + frame.frame_bytes();
            (frame.offset_bytes, frame.frame_bytes(), trailer_at.get(&end).copied())
        })
        .collect();
    let known: HashSet<u64> = places.iter().map(|(offset, ..)| *offset).collect();
    for (at, trailer) in &scan.trailers {
        if let Some(offset) = at.checked_sub(trailer.root_frame_bytes).filter(|o| !known.contains(o)) {
            places.push((offset, trailer.root_frame_bytes, Some(*trailer)));
        }
    }
    places.sort_unstable_by_key(|(offset, ..)| *offset);
    places
}

impl Index<'_> {
    fn frames_of(&self, frame_type: FrameType) -> impl Iterator<Item = usize> + '_ {
        let frames = self.scan.frames.iter().enumerate();
        frames.filter(move |(_, frame)| frame.header.frame_type == frame_type).map(|(i, _)| i)
    }

    fn bytes_of(&self, frame: &FoundFrame) -> Result<Vec<u8>> {
        Ok(read(self.source, self.path, frame.offset_bytes, frame.frame_bytes())?.into_owned())
    }

    /// The page's frame wherever it lies.
    fn page(&self, hash: &[u8; 32], used: &mut HashSet<[u8; 32]>) -> Result<Option<Vec<u8>>> {
        let Some(frame) = self.by_hash.get(hash).and_then(|i| self.scan.frames.get(*i)) else {
            return Ok(None);
        };
        used.insert(*hash);
        self.bytes_of(frame).map(Some)
    }

    /// Reads the root at `offset`; nothing if it is beyond reading.
    fn manifest(
        &self,
        offset: u64,
        frame: &[u8],
        trailer: Option<&Trailer>,
        used: &mut HashSet<[u8; 32]>,
    ) -> Result<Option<FoundManifest>> {
        let limits = &self.limits.container;
        let mut found = FoundManifest { offset_bytes: Some(offset), ..FoundManifest::default() };
        let sealed = trailer.and_then(|trailer| seal::check(frame, trailer));
        if let Some(sealed) = &sealed {
            found.seal = Some(sealed.seal);
            if !sealed.mended.is_empty() {
                found.notes.push(format!("{} had flipped; the seal proves it", sealed.mended));
            }
        }
        let frame = sealed.as_ref().map_or(frame, |sealed| sealed.frame.as_slice());
        let Ok(root) = Root::parse_stray(frame, limits) else { return Ok(None) };
        if root.n_blocks > self.max_blocks() {
            return Ok(None);
        }
        found.revision = root.revisions.len() as u64 + 1;
        match &root.items {
            Table::Inline(items) => found.items.clone_from(items),
            Table::Paged(pages) => {
                for page in pages {
                    let frame = self.page(&page.hash, used)?;
                    match frame.and_then(|frame| root.read_item_page(page, &frame, limits).ok()) {
                        Some(items) => found.items.extend(items),
                        None => found.lose_items(page),
                    }
                }
            }
        }
        match &root.blocks {
            Table::Inline(blocks) => found.blocks.clone_from(blocks),
            Table::Paged(pages) => {
                for page in pages {
                    let frame = self.page(&page.hash, used)?;
                    let blocks = frame.and_then(|f| root.read_block_page(page, &f, u64::MAX, limits).ok());
                    let hole = self.hole();
                    found.blocks.extend(blocks.unwrap_or_else(|| vec![hole; page.n_entries as usize]));
                }
            }
        }
        self.locate(&mut found);
        Ok(Some(found))
    }

    /// What pages tell without a root.
    fn stray_pages(&self, pages: &[usize]) -> Result<Option<FoundManifest>> {
        let mut found = FoundManifest::default();
        for frame in pages.iter().filter_map(|i| self.scan.frames.get(*i)) {
            match StrayPage::parse(&self.bytes_of(frame)?, &self.limits.container) {
                Ok(StrayPage::Items(items)) => found.items.extend(items),
                // Pages lie in the order of ids, and the first holds the file's first frame.
                Ok(StrayPage::Blocks(blocks)) => {
                    let end = found.blocks.last().and_then(BlockRecord::end_bytes).unwrap_or(32);
                    if blocks.first().is_some_and(|block| block.offset_bytes == end) {
                        found.blocks.extend(blocks);
                    }
                }
                Err(_) => {}
            }
        }
        found
            .items
            .retain(|item| item.content.iter().all(|run| run.first + run.n_blocks <= self.max_blocks()));
        if found.items.is_empty() {
            return Ok(None);
        }
        let n_blocks = found.items.iter().flat_map(ItemRecord::blocks).max().map_or(0, |id| id + 1);
        if n_blocks > self.max_blocks() {
            return Ok(None);
        }
        if (found.blocks.len() as u64) < n_blocks {
            found.blocks.resize(n_blocks as usize, self.hole());
        }
        self.locate(&mut found);
        Ok(Some(found))
    }

    /// Blocks no file of this size ever had.
    fn max_blocks(&self) -> u64 {
        self.source.len_bytes() / 32 + (1 << 20)
    }

    /// A block about which nothing is known: it lies past the end, so that reading it fails.
    fn hole(&self) -> BlockRecord {
        BlockRecord {
            offset_bytes: self.source.len_bytes(),
            codec: Codec::Raw,
            stored_bytes: 0,
            raw_bytes: 0,
            hash: [0; 32],
            foreign: None,
        }
    }

    /// Sets every block's offset to where its hash was found; blocks not found keep their distance to the one before.
    fn locate(&self, found: &mut FoundManifest) {
        let mut shift = 0_u64;
        let mut holes = HashSet::new();
        for (id, block) in (0_u64..).zip(&mut found.blocks) {
            if block.foreign.is_some() {
                // It never was here.
            } else if block.hash == [0; 32] {
                holes.insert(id);
            } else if let Some(frame) = self.by_hash.get(&block.hash).and_then(|i| self.scan.frames.get(*i)) {
                shift = frame.offset_bytes.wrapping_sub(block.offset_bytes);
                block.offset_bytes = frame.offset_bytes;
            } else {
                block.offset_bytes = block.offset_bytes.wrapping_add(shift);
            }
        }
        if !holes.is_empty() {
            self.fill_holes(found, &holes);
        }
    }

    /// Guesses blocks whose records are lost by the item hint of frames; the item's content hash is the proof.
    fn fill_holes(&self, found: &mut FoundManifest, holes: &HashSet<u64>) {
        let mut by_hint: HashMap<u64, Vec<&FoundFrame>> = HashMap::new();
        for frame in self.frames_of(FrameType::Block).filter_map(|i| self.scan.frames.get(i)) {
            by_hint.entry(u64::from(frame.header.item_hint)).or_default().push(frame);
        }
        for item in &found.items {
            let mut ids: Vec<u64> = item.blocks().collect();
            ids.sort_unstable();
            ids.dedup();
            let Some(frames) = by_hint.get(&item.ordinal).filter(|frames| frames.len() == ids.len()) else {
                continue;
            };
            for (id, frame) in ids.iter().zip(frames).filter(|(id, _)| holes.contains(*id)) {
                if let Some(block) = found.blocks.get_mut(*id as usize) {
                    *block = BlockRecord {
                        offset_bytes: frame.offset_bytes,
                        codec: frame.header.codec,
                        stored_bytes: frame.header.stored_bytes,
                        raw_bytes: frame.header.raw_bytes,
                        hash: frame.hash,
                        foreign: None,
                    };
                }
            }
        }
    }
}

impl FoundManifest {
    fn lose_items(&mut self, page: &PageRef<String>) {
        self.n_lost_items = self.n_lost_items.saturating_add(page.n_entries);
        self.notes
            .push(format!("a manifest page is lost: {} items from `{}` on", page.n_entries, page.first));
    }
}
