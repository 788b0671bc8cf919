use crate::cursor::{Cursor, put_varint};
use crate::{Chunking, Error, Extent, PageRef, Root, Table};

/// A chunk: raw bytes named by their BLAKE3, and where they are. Spec §5.6.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkRecord {
    /// BLAKE3 of its raw bytes.
    pub id: [u8; 32],
    /// Where they are.
    pub extent: Extent,
}

/// Smallest record: an id and three one-byte numbers.
const MIN_RECORD_BYTES: usize = 35;

/// Appends a record.
pub(crate) fn encode_chunk(chunk: &ChunkRecord, out: &mut Vec<u8>) {
    let ChunkRecord { id, extent: Extent { block, offset_bytes, n_bytes } } = chunk;
    out.extend_from_slice(id);
    put_varint(out, *block);
    put_varint(out, *offset_bytes);
    put_varint(out, *n_bytes);
}

/// Reads records that fill `bytes`: at least one, ids strictly ascending, blocks below `n_blocks`.
pub(crate) fn decode_chunks(bytes: &[u8], n_blocks: u64) -> Result<Vec<ChunkRecord>, Error> {
    let mut cursor = Cursor::new(bytes, "chunk table");
    let mut chunks: Vec<ChunkRecord> = Vec::with_capacity(bytes.len() / MIN_RECORD_BYTES);
    while cursor.remaining() > 0 {
        let id = cursor.array()?;
        let extent =
            Extent { block: cursor.varint()?, offset_bytes: cursor.varint()?, n_bytes: cursor.varint()? };
        if chunks.last().is_some_and(|last| last.id >= id) {
            return Err(cursor.corrupt("chunk ids do not ascend"));
        }
        let end = extent.offset_bytes.checked_add(extent.n_bytes);
        if extent.block >= n_blocks || extent.n_bytes == 0 || end.is_none() {
            return Err(cursor.corrupt("a chunk lies nowhere"));
        }
        chunks.push(ChunkRecord { id, extent });
    }
    if chunks.is_empty() { Err(cursor.corrupt("the table is empty")) } else { Ok(chunks) }
}

/// A table up to this size stays in the root; it is read by writers alone, so the root is kept small.
const MAX_INLINE_BYTES: usize = 4 << 10;
/// Records of a page fill about so many bytes.
const PAGE_BYTES: usize = 64 << 10;

/// The chunk table of an archive in the making: records in the order of their ids, cut into pages.
#[derive(Debug, Clone)]
pub struct ChunkTable {
    pub(crate) chunking: Chunking,
    pub(crate) pages: Vec<ChunkPage>,
}

/// A page of a chunk table in the making.
#[derive(Debug, Clone)]
pub(crate) enum ChunkPage {
    /// First id, number of records, payload.
    New([u8; 32], usize, Vec<u8>),
    /// A page of an earlier revision.
    Kept(PageRef<[u8; 32]>),
}

impl ChunkTable {
    /// An empty table of chunks that `chunking` cut.
    #[must_use]
    pub fn new(chunking: Chunking) -> Self {
        Self { chunking, pages: Vec::new() }
    }

    /// The table of an archive, for its next revision.
    pub(crate) fn of(root: &Root) -> Option<Self> {
        let mut table = Self::new(root.chunking?);
        match &root.chunks {
            Table::Inline(chunks) => chunks.iter().for_each(|chunk| table.push(chunk)),
            Table::Paged(pages) => pages.iter().cloned().for_each(|page| table.keep(page)),
        }
        Some(table)
    }

    /// Appends the record of the next larger id.
    pub fn push(&mut self, chunk: &ChunkRecord) {
        match self.pages.last_mut() {
            Some(ChunkPage::New(_, n, payload)) if payload.len() + MIN_RECORD_BYTES <= PAGE_BYTES => {
                *n += 1;
                encode_chunk(chunk, payload);
            }
            _ => {
                let mut payload = Vec::with_capacity(PAGE_BYTES);
                encode_chunk(chunk, &mut payload);
                self.pages.push(ChunkPage::New(chunk.id, 1, payload));
            }
        }
    }

    /// Appends a page of an earlier revision, whose ids are larger than all before.
    pub fn keep(&mut self, page: PageRef<[u8; 32]>) {
        self.pages.push(ChunkPage::Kept(page));
    }

    /// The whole table, if it is small enough for the root.
    pub(crate) fn inline(&self) -> Option<&[u8]> {
        match self.pages.as_slice() {
            [ChunkPage::New(_, _, payload)] if payload.len() <= MAX_INLINE_BYTES => Some(payload),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(id: u8, block: u64) -> ChunkRecord {
        ChunkRecord { id: [id; 32], extent: Extent { block, offset_bytes: 300, n_bytes: 65536 } }
    }

    #[test]
    fn round_trips_in_pages() {
        let mut table = ChunkTable::new(Chunking::default());
        let chunks: Vec<ChunkRecord> = (0..=255).map(|id| chunk(id, u64::from(id))).collect();
        chunks.iter().for_each(|chunk| table.push(chunk));
        assert!(table.inline().is_none());
        assert_eq!(table.pages.len(), 1);
        let payload = |page: &ChunkPage| match page {
            ChunkPage::New(_, n, payload) => (*n, payload.clone()),
            ChunkPage::Kept(_) => panic!("none was kept"),
        };
        assert_eq!(decode_chunks(&payload(&table.pages[0]).1, 256), Ok(chunks));
        assert!(decode_chunks(&payload(&table.pages[0]).1, 255).is_err());
        let mut large = ChunkTable::new(Chunking::default());
        for i in 0..4000_u32 {
            let mut id = [0; 32];
            id[..4].copy_from_slice(&i.to_be_bytes());
            large.push(&ChunkRecord { id, ..chunk(0, 7) });
        }
        assert_eq!(large.pages.iter().map(|page| payload(page).0).sum::<usize>(), 4000);
        assert!(large.pages.iter().all(|page| payload(page).1.len() <= PAGE_BYTES + 16));
        assert!(large.pages.len() > 2);
    }

    #[test]
    fn wrong_tables_are_refused() {
        let table = |chunks: &[ChunkRecord]| {
            let mut bytes = Vec::new();
            chunks.iter().for_each(|chunk| encode_chunk(chunk, &mut bytes));
            bytes
        };
        let empty = ChunkRecord { extent: Extent { block: 0, offset_bytes: 0, n_bytes: 0 }, ..chunk(1, 0) };
        let past = Extent { block: 0, offset_bytes: u64::MAX, n_bytes: 1 };
        for bad in [
            table(&[]),
            table(&[chunk(2, 0), chunk(1, 0)]),
            table(&[chunk(2, 0), chunk(2, 0)]),
            table(&[empty]),
            table(&[ChunkRecord { extent: past, ..chunk(1, 0) }]),
            table(&[chunk(1, 0)])[..36].to_vec(),
        ] {
            assert!(decode_chunks(&bad, 1).is_err());
        }
    }
}
