use crate::block::encode_blocks;
use crate::cbor::{self, Value};
use crate::chunk::ChunkPage;
use crate::page::build_frame;
use crate::paging::{FramePages, PageDraft, PageSlot, Pages, array_of_encoded};
use crate::parent::encode_parents;
use crate::revision::encode_revisions;
use crate::root::{FEATURE_EXTENTS, FEATURE_REVISIONS, key};
use crate::{BlockRecord, ChunkTable, FrameType, PageRef, ParentRecord, RevisionRecord, Sealer};
use std::collections::BTreeMap;

/// What a manifest is made of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tables<'a> {
    /// Encoded records by name.
    pub(crate) items: &'a BTreeMap<String, Box<[u8]>>,
    /// Pages of earlier revisions that hold the items not in `items`.
    pub(crate) item_pages: &'a [PageRef<String>],
    pub(crate) blocks: &'a [BlockRecord],
    /// Pages of earlier revisions that hold the first blocks.
    pub(crate) block_pages: &'a [PageRef<u64>],
    /// Present if items may have extents.
    pub(crate) chunks: Option<&'a ChunkTable>,
    pub(crate) metadata: Option<&'a Value>,
    pub(crate) parents: &'a [ParentRecord],
    pub(crate) revisions: &'a [RevisionRecord],
    pub(crate) n_ordinals: u64,
}

/// A table up to this size stays in the root; a larger one is cut into pages of about this size.
const PAGE_BYTES: usize = 64 << 10;

/// A table on its way into the root: encoded, or cut into pages.
enum Stored {
    Inline(Vec<u8>),
    Paged(Vec<PageSlot>),
}

impl<'a> Tables<'a> {
    /// Encodes the manifest that ends an archive: pages, then the root frame.
    ///
    /// `offset_bytes` is where the first page will lie; `frame_pages` makes the frames of all. Returns the page frames
    /// and the root frame; pages are sealed, the root frame is not.
    pub(crate) fn encode(
        &self,
        offset_bytes: u64,
        sealer: Option<&Sealer>,
        frame_pages: FramePages<'_>,
    ) -> (Vec<u8>, Vec<u8>) {
        let mut pages = Pages::default();
        // In the order that pages lie in.
        let chunks = self.chunks.filter(|chunks| !chunks.pages.is_empty());
        let stored_chunks = chunks.map(|chunks| store_chunks(chunks, &mut pages));
        let items = self.store_items(&mut pages);
        let blocks = self.store_blocks(&mut pages);
        let placed = pages.place(offset_bytes, sealer, frame_pages);

        let mut map = BTreeMap::new();
        let mut put = |key, value: &Value| {
            let mut bytes = Vec::new();
            value.encode_into(&mut bytes);
            map.insert(key, bytes);
        };
        let n_kept = self.item_pages.iter().map(|page| page.n_entries).sum::<u64>();
        put(key::N_ITEMS, &Value::Unsigned(n_kept + self.items.len() as u64));
        put(key::N_BLOCKS, &Value::Unsigned(self.blocks.len() as u64));
        if let Some(metadata) = self.metadata {
            put(key::METADATA, metadata);
        }
        if !self.parents.is_empty() {
            put(key::PARENTS, &encode_parents(self.parents));
        }
        if !self.revisions.is_empty() {
            put(key::REVISIONS, &encode_revisions(self.revisions));
            put(key::N_ORDINALS, &Value::Unsigned(self.n_ordinals));
        }
        let features =
            [(FEATURE_REVISIONS, !self.revisions.is_empty()), (FEATURE_EXTENTS, self.chunks.is_some())];
        let features: Vec<Value> =
            features.iter().filter(|(_, has)| *has).map(|(id, _)| Value::Unsigned(*id)).collect();
        if !features.is_empty() {
            put(key::REQUIRED_FEATURES, &Value::Array(features));
        }
        if let Some(chunks) = chunks {
            put(key::CHUNKING, &chunks.chunking.to_value());
        }
        match stored_chunks {
            None => {}
            Some(Stored::Inline(table)) => put(key::CHUNKS, &Value::Bytes(table)),
            Some(Stored::Paged(slots)) => put(key::CHUNK_PAGES, &placed.references(slots)),
        }
        match blocks {
            Stored::Inline(table) => put(key::BLOCKS, &Value::Bytes(table)),
            Stored::Paged(slots) => put(key::BLOCK_PAGES, &placed.references(slots)),
        }
        match items {
            Stored::Inline(records) => {
                map.insert(key::ITEMS, records);
            }
            Stored::Paged(slots) => put(key::ITEM_PAGES, &placed.references(slots)),
        }
        let mut payload = Vec::new();
        cbor::encode_map_of_encoded(&map, &mut payload);
        (placed.frames, build_frame(FrameType::Root, &payload))
    }

    /// All items, or references to their pages: the kept ones, and between them, in the order of names, new ones.
    fn store_items(&self, pages: &mut Pages<'a>) -> Stored {
        let n_bytes = self.items.values().map(|record| record.len()).sum::<usize>();
        if self.item_pages.is_empty() && n_bytes <= PAGE_BYTES {
            let records: Vec<&[u8]> = self.items.values().map(AsRef::as_ref).collect();
            return Stored::Inline(array_of_encoded(&records));
        }
        let mut slots = Vec::new();
        let mut kept = self.item_pages.iter().peekable();
        let mut page = ItemPage::default();
        for (name, record) in self.items {
            while let Some(before) = kept.next_if(|kept| kept.first < *name) {
                slots.extend(std::mem::take(&mut page).push(pages));
                slots.push(PageSlot::Kept(before.to_value(Value::Text(before.first.clone()))));
            }
            if page.is_full(record.len()) {
                slots.extend(std::mem::take(&mut page).push(pages));
            }
            page.add(name, record);
        }
        slots.extend(page.push(pages));
        slots.extend(kept.map(|kept| PageSlot::Kept(kept.to_value(Value::Text(kept.first.clone())))));
        Stored::Paged(slots)
    }

    fn store_blocks(&self, pages: &mut Pages<'a>) -> Stored {
        let n_kept = self.block_pages.iter().map(|page| page.n_entries).sum::<u64>();
        let new = self.blocks.get(n_kept as usize..).unwrap_or_default();
        let mut table = Vec::new();
        encode_blocks(new, &mut table);
        if self.block_pages.is_empty() && table.len() <= PAGE_BYTES {
            return Stored::Inline(table);
        }
        let per_page = (PAGE_BYTES * new.len() / table.len().max(1)).max(1);
        let kept = self.block_pages.iter().map(|page| page.to_value(Value::Unsigned(page.first)));
        let mut slots: Vec<PageSlot> = kept.map(PageSlot::Kept).collect();
        for (i, blocks) in new.chunks(per_page).enumerate() {
            let first = Value::Unsigned(n_kept + (i * per_page) as u64);
            slots.push(pages.push(first, PageDraft::of_blocks(blocks)));
        }
        Stored::Paged(slots)
    }
}

fn store_chunks<'a>(chunks: &'a ChunkTable, pages: &mut Pages<'a>) -> Stored {
    if let Some(table) = chunks.inline() {
        return Stored::Inline(table.to_vec());
    }
    let slots = chunks.pages.iter().map(|page| match page {
        ChunkPage::Kept(page) => PageSlot::Kept(page.to_value(Value::Bytes(page.first.to_vec()))),
        ChunkPage::New(first, n, records) => {
            pages.push(Value::Bytes(first.to_vec()), PageDraft::of_chunks(*n, records))
        }
    });
    Stored::Paged(slots.collect())
}

/// Records of an item page in the making.
#[derive(Default)]
struct ItemPage<'a> {
    first: &'a str,
    records: Vec<&'a [u8]>,
    n_bytes: usize,
}

impl<'a> ItemPage<'a> {
    /// True if a record of `n_bytes` would make it longer than [`PAGE_BYTES`]; one record always fits.
    fn is_full(&self, n_bytes: usize) -> bool {
        !self.records.is_empty() && self.n_bytes + n_bytes > PAGE_BYTES
    }

    fn add(&mut self, name: &'a str, record: &'a [u8]) {
        if self.records.is_empty() {
            self.first = name;
        }
        self.records.push(record);
        self.n_bytes += record.len();
    }

    /// Appends the page to `pages`, if it has any record; returns the reference to it.
    fn push(self, pages: &mut Pages<'a>) -> Option<PageSlot> {
        let first = Value::Text(self.first.to_owned());
        (!self.records.is_empty()).then(|| pages.push(first, PageDraft::of_items(self.records)))
    }
}
