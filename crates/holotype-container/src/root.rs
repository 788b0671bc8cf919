use crate::block::{decode_blocks, encode_blocks};
use crate::cbor::{self, Value};
use crate::page::{build_frame, open_frame};
use crate::{BlockRecord, Error, FrameType, ItemRecord, Limits, PageRef, Sealer, frame_hash};
use std::collections::BTreeMap;

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
}

mod key {
    pub(super) const N_ITEMS: u64 = 0;
    pub(super) const N_BLOCKS: u64 = 1;
    pub(super) const ITEMS: u64 = 2;
    pub(super) const BLOCKS: u64 = 3;
    pub(super) const ITEM_PAGES: u64 = 4;
    pub(super) const BLOCK_PAGES: u64 = 5;
    pub(super) const REQUIRED_FEATURES: u64 = 6;
    /// Keys from here on must be understood.
    pub(super) const FIRST_REQUIRED: u64 = 1 << 16;
}

/// A table up to this size stays in the root; a larger one is cut into pages of about this size.
const PAGE_BYTES: usize = 64 << 10;

impl Root {
    /// Encodes the manifest that ends an archive: pages, then the root frame.
    ///
    /// `items` are encoded records by name, `offset_bytes` is where the first page will lie. Returns the page
    /// frames and the root frame.
    pub(crate) fn encode(
        items: &BTreeMap<String, Box<[u8]>>,
        blocks: &[BlockRecord],
        offset_bytes: u64,
        sealer: Option<&Sealer>,
    ) -> (Vec<u8>, Vec<u8>) {
        let mut pages = Pages { frames: Vec::new(), offset_bytes, sealer };
        let mut map = BTreeMap::new();
        let mut put = |key, value: &Value| {
            let mut bytes = Vec::new();
            value.encode_into(&mut bytes);
            map.insert(key, bytes);
        };
        put(key::N_ITEMS, &Value::Unsigned(items.len() as u64));
        put(key::N_BLOCKS, &Value::Unsigned(blocks.len() as u64));

        let mut table = Vec::new();
        let inline = if items.values().map(|record| record.len()).sum::<usize>() <= PAGE_BYTES {
            let records: Vec<&[u8]> = items.values().map(AsRef::as_ref).collect();
            Some(array_of_encoded(&records))
        } else {
            let mut refs = Vec::new();
            let mut page = Page::default();
            for (name, record) in items {
                if page.is_full(record.len()) {
                    refs.push(std::mem::take(&mut page).push(&mut pages));
                }
                page.add(name, record);
            }
            refs.push(page.push(&mut pages));
            put(key::ITEM_PAGES, &Value::Array(refs));
            None
        };

        encode_blocks(blocks, &mut table);
        if table.len() <= PAGE_BYTES {
            put(key::BLOCKS, &Value::Bytes(table));
        } else {
            let per_page = (PAGE_BYTES * blocks.len() / table.len()).max(1);
            let mut refs = Vec::new();
            for (i, chunk) in blocks.chunks(per_page).enumerate() {
                let mut payload = Vec::new();
                encode_blocks(chunk, &mut payload);
                let first = Value::Unsigned((i * per_page) as u64);
                refs.push(pages.push(first, chunk.len(), &payload));
            }
            put(key::BLOCK_PAGES, &Value::Array(refs));
        }

        map.extend(inline.map(|inline| (key::ITEMS, inline)));
        let mut payload = Vec::new();
        cbor::encode_map_of_encoded(&map, &mut payload);
        (pages.frames, build_frame(FrameType::Root, &payload))
    }

    /// Reads the root frame, whose bytes the seal covers. `frames_end_bytes` is where the root frame starts.
    ///
    /// # Errors
    /// `Corrupt`, `Unsupported`, `LimitExceeded`.
    pub fn parse(frame: &[u8], frames_end_bytes: u64, limits: &Limits) -> Result<Self, Error> {
        let payload = open_frame(frame, FrameType::Root, frames_end_bytes, limits.max_root_bytes, limits)?;
        let Value::Map(mut map) = cbor::decode(&payload, limits)? else {
            return Err(corrupt("the root is not a map"));
        };
        if let Some(features) = map.remove(&key::REQUIRED_FEATURES) {
            let id = features.as_array().and_then(|list| list.first()?.as_unsigned());
            let id = id.ok_or_else(|| corrupt("the list of required features is malformed"))?;
            return Err(Error::Unsupported { what: "feature", id });
        }
        if let Some((&id, _)) = map.range(key::FIRST_REQUIRED..).next() {
            return Err(Error::Unsupported { what: "root key", id });
        }
        let mut unsigned = |key| map.remove(&key).and_then(|v| v.as_unsigned());
        let (Some(n_items), Some(n_blocks)) = (unsigned(key::N_ITEMS), unsigned(key::N_BLOCKS)) else {
            return Err(corrupt("a count is missing"));
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
            (Some(Value::Bytes(table)), None) => {
                Table::Inline(decode_blocks(&table, n_blocks, frames_end_bytes, limits)?)
            }
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
        Ok(Self { n_items, n_blocks, items, blocks })
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
        decode_blocks(&page.open(frame, sealer, limits)?, page.n_entries, frames_end_bytes, limits)
    }
}

fn corrupt(rule: &'static str) -> Error {
    Error::Corrupt { what: "root record", offset_bytes: 0, rule }
}

/// Records of an item page in the making.
#[derive(Default)]
struct Page<'a> {
    first: &'a str,
    records: Vec<&'a [u8]>,
    n_bytes: usize,
}

impl<'a> Page<'a> {
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

    /// Appends the page's frame to `pages`; returns the reference to it.
    fn push(self, pages: &mut Pages<'_>) -> Value {
        let payload = array_of_encoded(&self.records);
        pages.push(Value::Text(self.first.to_owned()), self.records.len(), &payload)
    }
}

fn array_of_encoded(records: &[&[u8]]) -> Vec<u8> {
    let mut payload = Vec::new();
    cbor::put_array_head(&mut payload, records.len() as u64);
    records.iter().for_each(|record| payload.extend_from_slice(record));
    payload
}

/// Frames of pages in the making, the first of which lies at `offset_bytes`.
struct Pages<'a> {
    frames: Vec<u8>,
    offset_bytes: u64,
    sealer: Option<&'a Sealer>,
}

impl Pages<'_> {
    /// Appends a page's frame; returns the reference to it.
    fn push(&mut self, first: Value, n_entries: usize, payload: &[u8]) -> Value {
        let offset_bytes = self.offset_bytes + self.frames.len() as u64;
        let mut frame = build_frame(FrameType::Page, payload);
        if let Some(sealer) = self.sealer {
            frame = sealer.seal_frame(FrameType::Page, offset_bytes, &frame);
        }
        self.frames.extend_from_slice(&frame);
        Value::Array(vec![
            first,
            Value::Unsigned(n_entries as u64),
            Value::Unsigned(offset_bytes),
            Value::Unsigned(frame.len() as u64),
            Value::Bytes(frame_hash(&frame).to_vec()),
        ])
    }
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
