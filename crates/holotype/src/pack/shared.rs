//! Files into blocks they share: cut, deduplicated, grouped, compressed in rounds on several threads, written in order.
//!
//! A round compresses the blocks the one before filled while it reads, cuts and hashes the next sources; what comes
//! out depends on the order of the sources alone. Memory: [`ROUND_BYTES`] of content twice over, the compressed bytes
//! of one of them, the coders, 50 to 60 bytes a chunk, those of parents too, 32 MiB a parent, and the encoded record and
//! name of each item.

use super::attributes;
use super::index::{ChunkIndex, Place};
use super::parent::{FIRST_FOREIGN, OtherChunks, Others};
use super::profile::{BLOCK_BYTES, Packing};
use super::source::{End, Part, Source};
use crate::{Archive, Error, Progress, Result, parallel};
use holotype_container::{
    BlockRecord, ChunkTable, Codec, Cutter, Extent, Extents, ForeignBlock, ItemRecord, Packer,
};
use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};

/// Content taken in by one round.
const ROUND_BYTES: u64 = 32 << 20;
/// What a source counts for besides its bytes: a round of empty files ends too.
const SOURCE_COST: u64 = 16 << 10;
/// A list of extents up to this size stays in the item's record.
const MAX_INLINE_EXTENTS: usize = 4096;

/// A source, its record so far, and how much of it is expected.
pub(crate) struct Addition {
    pub(crate) record: ItemRecord,
    pub(crate) source: Source,
    /// Bytes, if they are known; other sources take rounds of their own.
    pub(crate) expected_bytes: Option<u64>,
    /// Other names of the same file.
    pub(crate) links: Vec<ItemRecord>,
}

/// What takes blocks and items as they are finished.
pub(crate) trait Sink {
    /// Writes a block for the item of `ordinal`; returns its id.
    fn block(&mut self, codec: Codec, payload: &[u8], raw_bytes: u64, ordinal: u64) -> Result<u64>;
    /// Names a block of a parent, as its table has it; returns its id.
    fn foreign(&mut self, foreign: ForeignBlock, block: &BlockRecord) -> Result<u64>;
    /// Adds an item with the ordinal it has.
    fn item(&mut self, record: ItemRecord) -> Result<()>;
}

/// Blocks in the making, and everything put into them so far.
pub(crate) struct SharedBlocks {
    packing: Packing,
    cutter: Cutter,
    progress: Progress,
    index: ChunkIndex,
    others: OtherChunks,
    /// Ids of the blocks of others used so far.
    foreign_ids: Vec<u64>,
    open: Filled,
    /// Filled blocks that are not compressed yet.
    waiting: Vec<Filled>,
    n_closed: u32,
    /// Ids of the blocks written so far.
    block_ids: Vec<u64>,
    /// Items some block of which is not written yet, in the order they were taken in.
    items: VecDeque<PendingItem>,
    pending_names: HashSet<String>,
    packers: Mutex<Vec<Packer>>,
}

#[derive(Default)]
struct Filled {
    bytes: Vec<u8>,
    /// Ordinal of the first item in it.
    ordinal: u64,
}

struct PendingItem {
    record: ItemRecord,
    /// Blocks are numbered in the order of closing.
    extents: Vec<Extent>,
    links: Vec<ItemRecord>,
}

enum Job<'a> {
    Compress(Filled),
    Read(&'a mut Addition, u64),
}

enum Done {
    Compressed(Filled, Codec, Option<Vec<u8>>),
    Read(Part),
}

impl std::fmt::Debug for SharedBlocks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SharedBlocks").field("packing", &self.packing).finish_non_exhaustive()
    }
}

impl SharedBlocks {
    pub(crate) fn new(packing: Packing, others: &Others<'_>, progress: Progress) -> Result<Self> {
        if !BLOCK_BYTES.contains(&packing.block_bytes) {
            return Err(Error::invalid(format!(
                "blocks have {} to {} bytes, not {}",
                BLOCK_BYTES.start(),
                BLOCK_BYTES.end(),
                packing.block_bytes
            )));
        }
        Ok(Self {
            packing,
            cutter: packing.chunking.cutter(),
            progress,
            index: ChunkIndex::default(),
            others: OtherChunks::new(others, packing.deduplicate)?,
            foreign_ids: Vec::new(),
            open: Filled::default(),
            waiting: Vec::new(),
            n_closed: 0,
            block_ids: Vec::new(),
            items: VecDeque::new(),
            pending_names: HashSet::new(),
            packers: Mutex::default(),
        })
    }

    /// True if an item of that name waits to be written.
    pub(crate) fn has_item(&self, name: &str) -> bool {
        self.pending_names.contains(name)
    }

    /// Takes in sources, in their order; returns their bytes.
    pub(crate) fn add(
        &mut self,
        additions: impl IntoIterator<Item = Result<Addition>>,
        sink: &mut dyn Sink,
    ) -> Result<u64> {
        let mut additions = additions.into_iter().peekable();
        let mut total = 0;
        while additions.peek().is_some() {
            let mut batch = Vec::new();
            let mut cost = 0_u64;
            while cost < ROUND_BYTES {
                let is_alone = |a: &Addition| a.expected_bytes.is_none_or(|n| n > ROUND_BYTES / 4);
                if !batch.is_empty() && additions.peek().is_some_and(|a| a.as_ref().is_ok_and(is_alone)) {
                    break;
                }
                let Some(addition) = additions.next().transpose()? else { break };
                let alone = is_alone(&addition);
                cost += addition.expected_bytes.unwrap_or(ROUND_BYTES) + SOURCE_COST;
                let links = addition.links.iter().map(|link| link.name.clone());
                self.pending_names.extend(links.chain([addition.record.name.clone()]));
                batch.push(addition);
                if alone {
                    break;
                }
            }
            total += self.add_batch(batch, sink)?;
        }
        Ok(total)
    }

    /// A batch that one round takes in, or one large source that takes several.
    fn add_batch(&mut self, mut batch: Vec<Addition>, sink: &mut dyn Sink) -> Result<u64> {
        let mut total = 0;
        let mut extents: Vec<Vec<Extent>> = batch.iter().map(|_| Vec::new()).collect();
        let is_one = batch.len() == 1;
        loop {
            let jobs = batch.iter_mut().map(|addition| Job::Read(addition, ROUND_BYTES));
            let parts = self.round(jobs.collect(), sink)?;
            let mut is_done = true;
            let mut ends: Vec<Option<End>> = Vec::with_capacity(parts.len());
            for ((part, addition), extents) in parts.into_iter().zip(&batch).zip(&mut extents) {
                self.place(&part, addition.record.ordinal, extents, sink)?;
                self.progress.advance(part.bytes.len() as u64);
                is_done &= part.end.is_some();
                ends.push(part.end);
            }
            if is_done {
                for ((addition, extents), end) in batch.into_iter().zip(extents).zip(ends) {
                    let Some(end) = end else { continue };
                    total += end.n_bytes;
                    self.push_item(addition, extents, end);
                }
                return Ok(total);
            }
            if !is_one {
                return Err(Error::invalid("a file grew while it was read"));
            }
        }
    }

    fn push_item(&mut self, addition: Addition, extents: Vec<Extent>, end: End) {
        let Addition { mut record, links, .. } = addition;
        record.raw_bytes = end.n_bytes;
        record.content_sha256 = end.content_sha256;
        if let Some(known) = end.attributes {
            attributes::put(&mut record, known);
        }
        self.items.push_back(PendingItem { record, extents, links });
    }

    /// Compresses what waits while `jobs` read; writes the blocks and the items they complete.
    fn round(&mut self, jobs: Vec<Job<'_>>, sink: &mut dyn Sink) -> Result<Vec<Part>> {
        let waiting = std::mem::take(&mut self.waiting).into_iter().map(Job::Compress);
        let jobs: Vec<Job<'_>> = waiting.chain(jobs).collect();
        let n_threads = parallel::n_threads(self.packing.n_threads, jobs.len());
        let n_threads = n_threads.min(self.packing.max_compressors());
        let (packing, cutter, packers) = (&self.packing, &self.cutter, &self.packers);
        let done = parallel::map(n_threads, jobs, |job| match job {
            Job::Read(addition, n_bytes) => addition.source.advance(n_bytes as usize, cutter).map(Done::Read),
            Job::Compress(block) => {
                let kept = packers.lock().unwrap_or_else(PoisonError::into_inner).pop();
                let mut packer = kept.unwrap_or_else(|| Packer::new(packing.compression));
                let (codec, packed) = packer.pack_large(&block.bytes);
                let packed = (codec != Codec::Raw).then(|| packed.into_owned());
                packers.lock().unwrap_or_else(PoisonError::into_inner).push(packer);
                Ok(Done::Compressed(block, codec, packed))
            }
        })?;
        let mut parts = Vec::new();
        for done in done {
            match done {
                Done::Read(part) => parts.push(part),
                Done::Compressed(Filled { bytes, ordinal }, codec, packed) => {
                    let payload = packed.as_deref().unwrap_or(&bytes);
                    let id = sink.block(codec, payload, bytes.len() as u64, ordinal)?;
                    self.block_ids.push(id);
                }
            }
        }
        self.write_items(sink)?;
        Ok(parts)
    }

    /// Puts the chunks of a part where they belong: into the open block those that are new.
    fn place(
        &mut self,
        part: &Part,
        ordinal: u64,
        extents: &mut Vec<Extent>,
        sink: &mut dyn Sink,
    ) -> Result<()> {
        let mut rest = part.bytes.as_slice();
        for (n_bytes, id) in &part.chunks {
            let (bytes, after) = rest.split_at((*n_bytes as usize).min(rest.len()));
            rest = after;
            let known = self.index.find(id);
            let place = match known.filter(|_| self.packing.deduplicate) {
                Some(place) => place,
                None => match self.find_in_others(id, bytes, sink)? {
                    Some(place) => place,
                    None => {
                        let place = self.append(bytes, ordinal)?;
                        if known.is_none() {
                            self.index.insert(*id, place)?;
                        }
                        place
                    }
                },
            };
            let Place { block, offset_bytes, n_bytes } = place;
            let next =
                Extent { block: block.into(), offset_bytes: offset_bytes.into(), n_bytes: n_bytes.into() };
            match extents.last_mut() {
                Some(last)
                    if last.block == next.block && last.offset_bytes + last.n_bytes == next.offset_bytes =>
                {
                    last.n_bytes += next.n_bytes;
                }
                _ => extents.push(next),
            }
        }
        Ok(())
    }

    /// The place of a chunk that a parent has, or the revision before: from now on it is this archive's too.
    fn find_in_others(&mut self, id: &[u8; 32], bytes: &[u8], sink: &mut dyn Sink) -> Result<Option<Place>> {
        let Self { others, foreign_ids, index, .. } = self;
        let mut name = |parent: Option<u32>, id: u64, archive: &Archive| {
            foreign_ids.push(match parent {
                Some(parent) => sink.foreign(ForeignBlock { parent, id }, &archive.block(id)?)?,
                None => id,
            });
            Ok(FIRST_FOREIGN + (foreign_ids.len() - 1) as u32)
        };
        let place = others.find(id, bytes, &mut name)?;
        if let Some(place) = place {
            index.insert(*id, place)?;
        }
        Ok(place)
    }

    fn append(&mut self, bytes: &[u8], ordinal: u64) -> Result<Place> {
        let block_bytes = self.packing.block_bytes as usize;
        if !self.open.bytes.is_empty() && self.open.bytes.len() + bytes.len() > block_bytes {
            self.close()?;
        }
        if self.open.bytes.is_empty() {
            self.open.ordinal = ordinal;
            self.open.bytes.reserve(block_bytes.max(bytes.len()));
        }
        let place = Place {
            block: self.n_closed,
            offset_bytes: self.open.bytes.len() as u32,
            n_bytes: bytes.len() as u32,
        };
        self.open.bytes.extend_from_slice(bytes);
        Ok(place)
    }

    fn close(&mut self) -> Result<()> {
        if self.open.bytes.is_empty() {
            return Ok(());
        }
        self.waiting.push(std::mem::take(&mut self.open));
        self.n_closed = self
            .n_closed
            .checked_add(1)
            .filter(|n| *n < FIRST_FOREIGN)
            .ok_or_else(|| Error::invalid("too many blocks"))?;
        Ok(())
    }

    /// Writes the items all blocks of which have ids.
    fn write_items(&mut self, sink: &mut dyn Sink) -> Result<()> {
        let n_written = self.block_ids.len() as u64;
        while let Some(item) = self.items.front() {
            // Blocks are written in the order of their numbers, so the largest decides.
            let first_foreign = u64::from(FIRST_FOREIGN);
            if item.extents.iter().any(|e| e.block >= n_written && e.block < first_foreign) {
                break;
            }
            let Some(PendingItem { mut record, mut extents, links }) = self.items.pop_front() else { break };
            for extent in &mut extents {
                extent.block = match extent.block.checked_sub(first_foreign) {
                    Some(number) => self.foreign_ids[number as usize],
                    None => self.block_ids[extent.block as usize],
                };
            }
            record.extents = stored_extents(extents, record.ordinal, sink)?;
            for link in links {
                self.pending_names.remove(&link.name);
                let mut again = record.clone();
                again.name = link.name;
                again.ordinal = link.ordinal;
                again.attributes.raw_path = link.attributes.raw_path;
                again.attributes.hard_link = Some(record.name.clone());
                sink.item(again)?;
            }
            self.pending_names.remove(&record.name);
            sink.item(record)?;
        }
        Ok(())
    }

    /// Writes everything taken in so far; the next source starts a new block.
    pub(crate) fn flush(&mut self, sink: &mut dyn Sink) -> Result<()> {
        self.close()?;
        self.round(Vec::new(), sink)?;
        Ok(())
    }

    /// The chunk table, after a flush; that of the revision before is part of it.
    pub(crate) fn into_table(self, base: Option<&Archive>) -> Result<ChunkTable> {
        let records = self.index.into_records(&self.block_ids, &self.foreign_ids);
        if let Some(base) = base {
            return base.chunk_table_with(records, self.packing.chunking);
        }
        let mut table = ChunkTable::new(self.packing.chunking);
        records.for_each(|chunk| table.push(&chunk));
        Ok(table)
    }
}

/// Extents as an item's record holds them: in it, or in a block of their own.
pub(crate) fn stored_extents(
    extents: Vec<Extent>,
    ordinal: u64,
    sink: &mut dyn Sink,
) -> Result<Option<Extents>> {
    if extents.is_empty() {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    holotype_container::encode_extents(&extents, &mut bytes);
    if bytes.len() <= MAX_INLINE_EXTENTS {
        return Ok(Some(Extents::Inline(extents)));
    }
    let (codec, packed) = holotype_container::pack(&bytes);
    sink.block(codec, &packed, bytes.len() as u64, ordinal).map(|id| Some(Extents::Block(id)))
}
