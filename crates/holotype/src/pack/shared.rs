//! Files into blocks they share: cut, deduplicated, grouped, compressed on several threads, written in order.
//!
//! Sources are read ahead, cut and hashed by threads that also compress the blocks which the caller fills; a block is
//! written when a fixed amount of content has been put after it, so what comes out depends on the order of the sources
//! alone. Memory: [`AHEAD_BYTES`] read ahead, [`IN_FLIGHT_BYTES`] of full blocks, the coders, 50 to 60 bytes a chunk, those of
//! parents too, 32 MiB a parent, and the encoded record and name of each item.

use super::attributes;
use super::index::{ChunkIndex, Place};
use super::parent::{FIRST_FOREIGN, OtherChunks, Others};
use super::profile::{BLOCK_BYTES, Packing};
use super::source::{End, Part, Source};
use super::work::{Filled, Packed, Tasks, Work};
use crate::pipeline::{Ticket, with_jobs};
use crate::{Archive, Error, Progress, Result, parallel};
use holotype_container::{BlockRecord, ChunkTable, Codec, Extent, Extents, ForeignBlock, ItemRecord};
use std::collections::{HashSet, VecDeque};

/// Content read ahead of what is put into blocks.
const AHEAD_BYTES: u64 = 32 << 20;
/// A source is read in parts of so many bytes.
const PART_BYTES: u64 = 8 << 20;
/// Small sources are read together until there are so many bytes.
const BATCH_BYTES: u64 = 512 << 10;
/// What a source read ahead counts for besides its bytes.
const SOURCE_COST: u64 = 16 << 10;
/// Content of full blocks that are not written yet.
const IN_FLIGHT_BYTES: usize = 32 << 20;
/// Large blocks: no fewer than these.
const MIN_IN_FLIGHT: usize = 4;
/// Once so many items wait for blocks, blocks are written.
const MAX_PENDING_ITEMS: usize = 16 << 10;
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
    work: Work,
    filling: Filling,
}

/// What is put into blocks by one thread, in the order of the sources.
struct Filling {
    packing: Packing,
    progress: Progress,
    index: ChunkIndex,
    others: OtherChunks,
    /// Ids of the blocks of others used so far.
    foreign_ids: Vec<u64>,
    open: Filled,
    /// Full blocks that are not written yet.
    in_flight: VecDeque<InFlight>,
    n_closed: u32,
    /// Ids of the blocks written so far.
    block_ids: Vec<u64>,
    /// Items some block of which is not written yet, in the order they were taken in.
    items: VecDeque<PendingItem>,
    pending_names: HashSet<String>,
}

enum InFlight {
    Filled(Filled),
    Compressing(Ticket),
    Packed(Packed),
}

/// Sources that are read ahead, each with its record and the other names of it.
struct Ahead {
    items: Vec<(ItemRecord, Vec<ItemRecord>)>,
    ticket: Ticket,
    cost: u64,
}

struct PendingItem {
    record: ItemRecord,
    /// Blocks are numbered in the order of closing.
    extents: Vec<Extent>,
    links: Vec<ItemRecord>,
}

impl std::fmt::Debug for SharedBlocks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SharedBlocks").field("packing", &self.work.packing).finish_non_exhaustive()
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
        let filling = Filling {
            packing,
            progress,
            index: ChunkIndex::default(),
            others: OtherChunks::new(others, packing.deduplicate)?,
            foreign_ids: Vec::new(),
            open: Filled::default(),
            in_flight: VecDeque::new(),
            n_closed: 0,
            block_ids: Vec::new(),
            items: VecDeque::new(),
            pending_names: HashSet::new(),
        };
        Ok(Self { work: Work::new(packing), filling })
    }

    /// True if an item of that name waits to be written.
    pub(crate) fn has_item(&self, name: &str) -> bool {
        self.filling.pending_names.contains(name)
    }

    /// True if items wait to be written.
    pub(crate) fn has_items(&self) -> bool {
        !self.filling.items.is_empty()
    }

    /// Takes in sources, in their order; returns their bytes.
    pub(crate) fn add(
        &mut self,
        additions: impl IntoIterator<Item = Result<Addition>>,
        sink: &mut dyn Sink,
    ) -> Result<u64> {
        self.with_tasks(|filling, tasks| {
            let n_bytes = filling.add(&mut additions.into_iter(), tasks, sink)?;
            filling.settle(tasks)?;
            Ok(n_bytes)
        })
    }

    /// Writes everything taken in so far; the next source starts a new block.
    pub(crate) fn flush(&mut self, sink: &mut dyn Sink) -> Result<()> {
        self.with_tasks(|filling, tasks| {
            filling.close(tasks, sink)?;
            while !filling.in_flight.is_empty() {
                filling.write_first(tasks, sink)?;
            }
            filling.write_items(sink)
        })
    }

    fn with_tasks<R>(&mut self, caller: impl FnOnce(&mut Filling, &mut Tasks<'_, '_, '_>) -> R) -> R {
        let Self { work, filling } = self;
        let packing = &work.packing;
        let n_threads = parallel::n_threads(packing.n_threads, usize::MAX).min(packing.max_compressors());
        with_jobs(n_threads, &|job| work.run(job), |jobs| caller(filling, &mut Tasks(jobs)))
    }

    /// The chunk table, after a flush; that of the revision before is part of it.
    pub(crate) fn into_table(self, base: Option<&Archive>) -> Result<ChunkTable> {
        let Filling { packing, index, block_ids, foreign_ids, .. } = self.filling;
        let records = index.into_records(&block_ids, &foreign_ids);
        if let Some(base) = base {
            return base.chunk_table_with(records, packing.chunking);
        }
        let mut table = ChunkTable::new(packing.chunking);
        records.for_each(|chunk| table.push(&chunk));
        Ok(table)
    }
}

impl Filling {
    fn add(
        &mut self,
        additions: &mut dyn Iterator<Item = Result<Addition>>,
        tasks: &mut Tasks<'_, '_, '_>,
        sink: &mut dyn Sink,
    ) -> Result<u64> {
        let mut ahead: VecDeque<Ahead> = VecDeque::new();
        let (mut ahead_bytes, mut total) = (0, 0);
        loop {
            while ahead_bytes < AHEAD_BYTES {
                let Some(batch) = self.read_ahead(additions, tasks)? else { break };
                ahead_bytes += batch.cost;
                ahead.push_back(batch);
            }
            let Some(Ahead { items, ticket, cost }) = ahead.pop_front() else { return Ok(total) };
            for ((record, links), (source, part)) in items.into_iter().zip(tasks.wait_for_parts(ticket)?) {
                total += self.take_in(record, links, (source, part), tasks, sink)?;
                while self.items.len() > MAX_PENDING_ITEMS && !self.in_flight.is_empty() {
                    self.write_first(tasks, sink)?;
                }
            }
            ahead_bytes -= cost;
        }
    }

    /// Has the next sources read, small ones together.
    fn read_ahead(
        &mut self,
        additions: &mut dyn Iterator<Item = Result<Addition>>,
        tasks: &mut Tasks<'_, '_, '_>,
    ) -> Result<Option<Ahead>> {
        let (mut items, mut sources, mut cost) = (Vec::new(), Vec::new(), 0);
        while cost < BATCH_BYTES {
            let Some(Addition { record, source, expected_bytes, links }) = additions.next().transpose()?
            else {
                break;
            };
            let names = links.iter().map(|link| link.name.clone());
            self.pending_names.extend(names.chain([record.name.clone()]));
            // A byte more than there should be shows that no more is there.
            let n_bytes = expected_bytes.map_or(PART_BYTES, |n| PART_BYTES.min(n.saturating_add(1)));
            cost += n_bytes + SOURCE_COST;
            items.push((record, links));
            sources.push((source, n_bytes as usize));
        }
        if items.is_empty() {
            return Ok(None);
        }
        Ok(Some(Ahead { items, ticket: tasks.read(sources), cost }))
    }

    /// Puts the parts of a source into blocks, of which the first was read; returns its bytes.
    fn take_in(
        &mut self,
        record: ItemRecord,
        links: Vec<ItemRecord>,
        (mut source, mut part): (Source, Result<Part>),
        tasks: &mut Tasks<'_, '_, '_>,
        sink: &mut dyn Sink,
    ) -> Result<u64> {
        let mut extents = Vec::new();
        loop {
            let Part { bytes, chunks, end } = part?;
            // The next part is read while this one is put into blocks.
            let next = end.is_none().then(|| tasks.read(vec![(source, PART_BYTES as usize)]));
            self.place(&bytes, &chunks, record.ordinal, &mut extents, tasks, sink)?;
            self.progress.advance(bytes.len() as u64);
            if let Some(end) = end {
                let n_bytes = end.n_bytes;
                self.push_item(record, links, extents, end);
                return Ok(n_bytes);
            }
            let next = next
                .map(|ticket| tasks.wait_for_parts(ticket))
                .transpose()?
                .and_then(|mut parts| parts.pop());
            (source, part) = next.ok_or_else(|| Error::invalid("a part of a source is missing"))?;
        }
    }

    fn push_item(&mut self, mut record: ItemRecord, links: Vec<ItemRecord>, extents: Vec<Extent>, end: End) {
        record.raw_bytes = end.n_bytes;
        record.content_sha256 = end.content_sha256;
        if let Some(known) = end.attributes {
            attributes::put(&mut record, known);
        }
        self.items.push_back(PendingItem { record, extents, links });
    }

    /// Full blocks that wait at most: as many for any number of threads.
    fn max_in_flight(&self) -> usize {
        (IN_FLIGHT_BYTES / self.packing.block_bytes as usize).max(MIN_IN_FLIGHT)
    }

    /// Writes the block that was filled first, and the items it completes.
    fn write_first(&mut self, tasks: &mut Tasks<'_, '_, '_>, sink: &mut dyn Sink) -> Result<()> {
        if let Some(InFlight::Filled(_)) = self.in_flight.front() {
            self.compress_all(tasks);
        }
        let Packed { ordinal, codec, payload, raw_bytes } = match self.in_flight.pop_front() {
            Some(InFlight::Packed(packed)) => packed,
            Some(InFlight::Compressing(ticket)) => tasks.wait_for_block(ticket)?,
            Some(InFlight::Filled(_)) | None => return Ok(()),
        };
        self.block_ids.push(sink.block(codec, &payload, raw_bytes, ordinal)?);
        self.write_items(sink)
    }

    fn compress_all(&mut self, tasks: &mut Tasks<'_, '_, '_>) {
        for block in &mut self.in_flight {
            if let InFlight::Filled(filled) = block {
                *block = InFlight::Compressing(tasks.compress(std::mem::take(filled)));
            }
        }
    }

    /// Waits for what is being compressed: the threads end.
    fn settle(&mut self, tasks: &mut Tasks<'_, '_, '_>) -> Result<()> {
        for block in &mut self.in_flight {
            if let InFlight::Compressing(ticket) = block {
                *block = InFlight::Packed(tasks.wait_for_block(*ticket)?);
            }
        }
        Ok(())
    }

    /// Puts chunks where they belong: into the open block those that are new.
    fn place(
        &mut self,
        bytes: &[u8],
        chunks: &[(u32, [u8; 32])],
        ordinal: u64,
        extents: &mut Vec<Extent>,
        tasks: &mut Tasks<'_, '_, '_>,
        sink: &mut dyn Sink,
    ) -> Result<()> {
        let mut rest = bytes;
        for (n_bytes, id) in chunks {
            let (bytes, after) = rest.split_at((*n_bytes as usize).min(rest.len()));
            rest = after;
            let known = self.index.find(id);
            let place = match known.filter(|_| self.packing.deduplicate) {
                Some(place) => place,
                None => match self.find_in_others(id, bytes, sink)? {
                    Some(place) => place,
                    None => {
                        let place = self.append(bytes, ordinal, tasks, sink)?;
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

    fn append(
        &mut self,
        bytes: &[u8],
        ordinal: u64,
        tasks: &mut Tasks<'_, '_, '_>,
        sink: &mut dyn Sink,
    ) -> Result<Place> {
        let block_bytes = self.packing.block_bytes as usize;
        if !self.open.bytes.is_empty() && self.open.bytes.len() + bytes.len() > block_bytes {
            self.close(tasks, sink)?;
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

    /// Ends the open block; writes others if too many wait.
    fn close(&mut self, tasks: &mut Tasks<'_, '_, '_>, sink: &mut dyn Sink) -> Result<()> {
        if self.open.bytes.is_empty() {
            return Ok(());
        }
        let block = std::mem::take(&mut self.open);
        self.in_flight.push_back(if tasks.is_alone() {
            let ticket = tasks.compress(block);
            InFlight::Packed(tasks.wait_for_block(ticket)?)
        } else {
            // Without helpers it waits: a call that adds little leaves it to one that has enough for several threads.
            InFlight::Filled(block)
        });
        self.n_closed = self
            .n_closed
            .checked_add(1)
            .filter(|n| *n < FIRST_FOREIGN)
            .ok_or_else(|| Error::invalid("too many blocks"))?;
        if tasks.has_helpers() {
            self.compress_all(tasks);
        }
        while self.in_flight.len() > self.max_in_flight() {
            self.write_first(tasks, sink)?;
        }
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
