use crate::block::decode_blocks;
use crate::cbor::{self, Value};
use crate::chunk::decode_chunks;
use crate::page::open_frame;
use crate::parent::decode_parents;
use crate::revision::decode_revisions;
use crate::{
    BlockRecord, ChunkRecord, Chunking, Error, FrameType, ItemRecord, Limits, PageRef, ParentRecord,
    RevisionRecord, Sealer,
};

/// A table, whole in the root or in pages before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Table<T, K> {
    /// The entries, in key order.
    Inline(Vec<T>),
    /// References to pages, in key order.
    Paged(Vec<PageRef<K>>),
}

/// The root record: the manifest's entrance. Spec §5.2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    /// Number of items.
    pub n_items: u64,
    /// Number of blocks.
    pub n_blocks: u64,
    /// Items, ordered by name.
    pub items: Table<ItemRecord, String>,
    /// Blocks, ordered by id.
    pub blocks: Table<BlockRecord, u64>,
    /// Chunks, ordered by id; for writers that add to the archive or refer to it. It need not be complete.
    pub chunks: Table<ChunkRecord, [u8; 32]>,
    /// How chunks were cut, if there is a table of them.
    pub chunking: Option<Chunking>,
    /// Metadata of the archive as a whole; the container does not look inside.
    pub metadata: Option<Value>,
    /// Archives that some blocks lie in.
    pub parents: Vec<ParentRecord>,
    /// The revisions before this one, in order.
    pub revisions: Vec<RevisionRecord>,
    /// A number above the ordinals of all items, of this and all earlier revisions.
    pub n_ordinals: u64,
    /// True if items may have extents.
    pub has_extents: bool,
}

/// Keys of the root's map. Spec §5.2.
pub(crate) mod key {
    pub(crate) const N_ITEMS: u64 = 0;
    pub(crate) const N_BLOCKS: u64 = 1;
    pub(crate) const ITEMS: u64 = 2;
    pub(crate) const BLOCKS: u64 = 3;
    pub(crate) const ITEM_PAGES: u64 = 4;
    pub(crate) const BLOCK_PAGES: u64 = 5;
    pub(crate) const REQUIRED_FEATURES: u64 = 6;
    pub(crate) const REVISIONS: u64 = 7;
    pub(crate) const CHUNKS: u64 = 8;
    pub(crate) const CHUNK_PAGES: u64 = 9;
    pub(crate) const CHUNKING: u64 = 10;
    pub(crate) const METADATA: u64 = 11;
    pub(crate) const N_ORDINALS: u64 = 12;
    /// Keys from here on must be understood.
    pub(crate) const FIRST_REQUIRED: u64 = 1 << 16;
    pub(crate) const PARENTS: u64 = 1 << 16;
}

/// Feature of root key 6: the archive was appended to.
pub(crate) const FEATURE_REVISIONS: u64 = 1;
/// Feature of root key 6: items have extents.
pub(crate) const FEATURE_EXTENTS: u64 = 3;

impl Root {
    /// Reads the root frame, whose bytes the seal covers. `frames_end_bytes` is where the root frame starts.
    ///
    /// # Errors
    /// `Corrupt`, `Unsupported`, `LimitExceeded`.
    pub fn parse(frame: &[u8], frames_end_bytes: u64, limits: &Limits) -> Result<Self, Error> {
        let payload = open_frame(frame, FrameType::Root, frames_end_bytes, limits.max_root_bytes, limits)?;
        let Value::Map(mut map) = cbor::decode(&payload, limits)? else {
            return Err(corrupt("the root is not a map"));
        };
        let (has_revisions, has_extents) = read_features(map.remove(&key::REQUIRED_FEATURES))?;
        let revisions = map.remove(&key::REVISIONS).map(|value| {
            decode_revisions(&value).ok_or_else(|| corrupt("the list of revisions is malformed"))
        });
        let revisions = revisions.transpose()?.unwrap_or_default();
        if has_revisions == revisions.is_empty() {
            return Err(corrupt("revisions before this one are listed exactly with their feature"));
        }
        let parents = map
            .remove(&key::PARENTS)
            .map(|value| decode_parents(&value).ok_or_else(|| corrupt("the list of parents is malformed")));
        let parents = parents.transpose()?.unwrap_or_default();
        if let Some((&id, _)) = map.range(key::FIRST_REQUIRED..).next() {
            return Err(Error::Unsupported { what: "root key", id });
        }
        let mut unsigned = |key| map.remove(&key).and_then(|v| v.as_unsigned());
        let (Some(n_items), Some(n_blocks)) = (unsigned(key::N_ITEMS), unsigned(key::N_BLOCKS)) else {
            return Err(corrupt("a count is missing"));
        };
        let n_ordinals = match (unsigned(key::N_ORDINALS), has_revisions) {
            (Some(n), true) if n >= n_items => n,
            (None, false) => n_items,
            _ => return Err(corrupt("the number of ordinals goes with the revisions before")),
        };
        let items = match (map.remove(&key::ITEMS), map.remove(&key::ITEM_PAGES)) {
            (Some(Value::Array(values)), None) => {
                Table::Inline(read_items(values, n_items, n_blocks, limits)?)
            }
            (None, Some(Value::Array(refs))) => {
                Table::Paged(read_refs(&refs, n_items, frames_end_bytes, |v| v.as_text().map(str::to_owned))?)
            }
            _ => return Err(corrupt("the items are neither inline nor in pages")),
        };
        let blocks = match (map.remove(&key::BLOCKS), map.remove(&key::BLOCK_PAGES)) {
            (Some(Value::Bytes(table)), None) => Table::Inline(decode_blocks(
                &table,
                n_blocks,
                parents.len() as u32,
                frames_end_bytes,
                limits,
            )?),
            (None, Some(Value::Array(refs))) => {
                let refs = read_refs(&refs, n_blocks, frames_end_bytes, Value::as_unsigned)?;
                let mut expected = 0;
                for page in &refs {
                    if page.first != expected {
                        return Err(corrupt("block pages do not follow each other"));
                    }
                    expected += page.n_entries;
                }
                Table::Paged(refs)
            }
            _ => return Err(corrupt("the blocks are neither inline nor in pages")),
        };
        let chunks = match (map.remove(&key::CHUNKS), map.remove(&key::CHUNK_PAGES)) {
            (None, None) => Table::Inline(Vec::new()),
            (Some(Value::Bytes(table)), None) => Table::Inline(decode_chunks(&table, n_blocks)?),
            (None, Some(Value::Array(refs))) => {
                let n_chunks = refs.iter().filter_map(|page| page.as_array()?.get(1)?.as_unsigned());
                let n_chunks = n_chunks.fold(0, u64::saturating_add);
                Table::Paged(read_refs(&refs, n_chunks, frames_end_bytes, |v| v.as_bytes()?.try_into().ok())?)
            }
            _ => return Err(corrupt("the chunks are neither inline nor in pages")),
        };
        let chunking = map
            .remove(&key::CHUNKING)
            .map(|value| Chunking::from_value(&value).ok_or_else(|| corrupt("the chunking is malformed")));
        let chunking = chunking.transpose()?;
        let has_chunks = !matches!(&chunks, Table::Inline(none) if none.is_empty());
        if has_chunks && (chunking.is_none() || !has_extents) {
            return Err(corrupt("chunks without chunking or feature"));
        }
        let metadata = map.remove(&key::METADATA);
        Ok(Self {
            n_items,
            n_blocks,
            items,
            blocks,
            chunks,
            chunking,
            metadata,
            parents,
            revisions,
            n_ordinals,
            has_extents,
        })
    }

    /// Reads a chunk page's frame.
    ///
    /// # Errors
    /// As [`Self::read_item_page`].
    pub fn read_chunk_page(
        &self,
        page: &PageRef<[u8; 32]>,
        frame: &[u8],
        limits: &Limits,
    ) -> Result<Vec<ChunkRecord>, Error> {
        self.open_chunk_page(page, frame, None, limits)
    }

    pub(crate) fn open_chunk_page(
        &self,
        page: &PageRef<[u8; 32]>,
        frame: &[u8],
        sealer: Option<&Sealer>,
        limits: &Limits,
    ) -> Result<Vec<ChunkRecord>, Error> {
        let chunks = decode_chunks(&page.open(frame, sealer, limits)?, self.n_blocks)?;
        match chunks.first() {
            Some(first) if first.id == page.first && chunks.len() as u64 == page.n_entries => Ok(chunks),
            _ => Err(corrupt("a chunk page does not hold what its reference says")),
        }
    }

    /// Offset and size of the frames of all pages, in the order they lie in: chunks, items, blocks.
    #[must_use]
    pub fn page_frames(&self) -> Vec<(u64, u64)> {
        fn frames<T, K>(table: &Table<T, K>) -> Vec<(u64, u64)> {
            match table {
                Table::Paged(pages) => pages.iter().map(|p| (p.offset_bytes, p.frame_bytes)).collect(),
                Table::Inline(_) => Vec::new(),
            }
        }
        [frames(&self.chunks), frames(&self.items), frames(&self.blocks)].concat()
    }

    /// Reads an item page's frame.
    ///
    /// # Errors
    /// `Hash` if the frame was changed; `Corrupt`, `Unsupported`, `LimitExceeded`.
    pub fn read_item_page(
        &self,
        page: &PageRef<String>,
        frame: &[u8],
        limits: &Limits,
    ) -> Result<Vec<ItemRecord>, Error> {
        self.open_item_page(page, frame, None, limits)
    }

    pub(crate) fn open_item_page(
        &self,
        page: &PageRef<String>,
        frame: &[u8],
        sealer: Option<&Sealer>,
        limits: &Limits,
    ) -> Result<Vec<ItemRecord>, Error> {
        let items = read_item_array(&page.open(frame, sealer, limits)?, self.n_blocks, limits)?;
        if items.len() as u64 != page.n_entries {
            return Err(corrupt("the number of items is not the recorded one"));
        }
        match items.first() {
            Some(first) if first.name == page.first => Ok(items),
            _ => Err(corrupt("an item page does not start where its reference says")),
        }
    }

    /// Reads a block page's frame; `frames_end_bytes` is where the root frame starts.
    ///
    /// # Errors
    /// As [`Self::read_item_page`].
    pub fn read_block_page(
        &self,
        page: &PageRef<u64>,
        frame: &[u8],
        frames_end_bytes: u64,
        limits: &Limits,
    ) -> Result<Vec<BlockRecord>, Error> {
        self.open_block_page(page, frame, frames_end_bytes, None, limits)
    }

    pub(crate) fn open_block_page(
        &self,
        page: &PageRef<u64>,
        frame: &[u8],
        frames_end_bytes: u64,
        sealer: Option<&Sealer>,
        limits: &Limits,
    ) -> Result<Vec<BlockRecord>, Error> {
        let n_parents = self.parents.len() as u32;
        decode_blocks(&page.open(frame, sealer, limits)?, page.n_entries, n_parents, frames_end_bytes, limits)
    }
}

/// Whether the features a reader must have include revisions and extents, the only ones known.
fn read_features(features: Option<Value>) -> Result<(bool, bool), Error> {
    let Some(features) = features else { return Ok((false, false)) };
    let list: Option<Vec<u64>> =
        features.as_array().and_then(|list| list.iter().map(Value::as_unsigned).collect());
    let list = list.filter(|list| !list.is_empty() && list.is_sorted_by(|a, b| a < b));
    let list = list.ok_or_else(|| corrupt("the list of required features is malformed"))?;
    match list.iter().find(|id| ![FEATURE_REVISIONS, FEATURE_EXTENTS].contains(id)) {
        Some(id) => Err(Error::Unsupported { what: "feature", id: *id }),
        None => Ok((list.contains(&FEATURE_REVISIONS), list.contains(&FEATURE_EXTENTS))),
    }
}

fn corrupt(rule: &'static str) -> Error {
    Error::Corrupt { what: "root record", offset_bytes: 0, rule }
}

fn read_items(
    values: Vec<Value>,
    n_items: u64,
    n_blocks: u64,
    limits: &Limits,
) -> Result<Vec<ItemRecord>, Error> {
    if values.len() as u64 != n_items {
        return Err(corrupt("the number of items is not the recorded one"));
    }
    let items: Vec<ItemRecord> =
        values.into_iter().map(|v| ItemRecord::from_value(v, n_blocks, limits)).collect::<Result<_, _>>()?;
    check_order(&items)?;
    Ok(items)
}

/// Reads an array of item records, one after another: a page of them as CBOR values would take several times the
/// memory.
pub(crate) fn read_item_array(
    payload: &[u8],
    n_blocks: u64,
    limits: &Limits,
) -> Result<Vec<ItemRecord>, Error> {
    let mut items = Vec::new();
    cbor::decode_array(payload, limits, |value| {
        items.push(ItemRecord::from_value(value, n_blocks, limits)?);
        Ok(())
    })?;
    check_order(&items)?;
    Ok(items)
}

fn check_order(items: &[ItemRecord]) -> Result<(), Error> {
    if items.iter().zip(items.iter().skip(1)).any(|(a, b)| a.name >= b.name) {
        return Err(corrupt("item names do not ascend"));
    }
    Ok(())
}

fn read_refs<K: PartialOrd>(
    values: &[Value],
    n_entries: u64,
    frames_end_bytes: u64,
    read_key: impl Fn(&Value) -> Option<K>,
) -> Result<Vec<PageRef<K>>, Error> {
    let read = |value: &Value| {
        let [first, n, offset, size, hash] = value.as_array()? else { return None };
        let page = PageRef {
            first: read_key(first)?,
            n_entries: n.as_unsigned().filter(|n| *n > 0)?,
            offset_bytes: offset.as_unsigned()?,
            frame_bytes: size.as_unsigned()?,
            hash: hash.as_bytes()?.try_into().ok()?,
        };
        let end = page.offset_bytes.checked_add(page.frame_bytes)?;
        (end <= frames_end_bytes).then_some(page)
    };
    let refs: Vec<PageRef<K>> = values
        .iter()
        .map(|v| read(v).ok_or_else(|| corrupt("a page reference is malformed")))
        .collect::<Result<_, _>>()?;
    let total = refs.iter().try_fold(0_u64, |sum, page| sum.checked_add(page.n_entries));
    let ascending = refs.iter().zip(refs.iter().skip(1)).all(|(a, b)| a.first < b.first);
    if total != Some(n_entries) || !ascending {
        return Err(corrupt("the pages do not add up to the table"));
    }
    Ok(refs)
}
