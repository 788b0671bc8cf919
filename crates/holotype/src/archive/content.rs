use super::cache::{Found, Key};
use super::read_ahead::ReadAhead;
use super::{Archive, ImageItem, Item, SharedRecord, TensorItem, Uses};
use crate::checkpoint::{Part, decode_parts, is_made_of_parts};
use crate::{Error, Result};
use holotype_container::{Codec, Extent, Extents, ItemKind, ItemRecord};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// Where each byte of a file item is: made once, then any range of it is read by touching only its blocks.
#[derive(Debug, Clone)]
pub struct FileMap {
    name: String,
    n_bytes: u64,
    /// Where each piece starts in the content, ascending from 0, and the piece.
    pieces: Vec<(u64, Piece)>,
    ahead: ReadAhead,
}

const LENGTH: &str = "the file has another length than recorded";

/// A part of the content.
#[derive(Debug, Clone)]
enum Piece {
    Extent(Extent),
    /// All elements of a tensor.
    Tensor(SharedRecord),
    /// The file that an image stands for.
    Restored(SharedRecord),
    /// Bytes at hand.
    Held(Arc<[u8]>),
}

impl Piece {
    fn n_bytes(&self) -> u64 {
        match self {
            Self::Extent(extent) => extent.n_bytes,
            Self::Tensor(record) => record.raw_bytes,
            Self::Restored(record) => record.restored.as_ref().map_or(0, |file| file.n_bytes),
            Self::Held(bytes) => bytes.len() as u64,
        }
    }
}

impl FileMap {
    pub(super) fn new(item: &Item<'_>) -> Result<Self> {
        let record = item.record();
        if record.restored.is_some() {
            let mut map = Self::empty(&record.name);
            map.push(Piece::Restored(item.shared().clone()));
            return Ok(map);
        }
        if !matches!(record.kind, ItemKind::File | ItemKind::Audio) {
            return Err(Error::invalid(format!("item `{}` is no file", record.name)));
        }
        let mut map = Self::empty(&record.name);
        if let Some(parts) = item.parts()? {
            for part in parts {
                map.push(match part {
                    Part::Bytes(bytes) => Piece::Held(bytes.into()),
                    Part::Tensor(name) => Piece::Tensor(item.part(&name)?.shared().clone()),
                });
            }
            return if map.n_bytes == record.raw_bytes { Ok(map) } else { Err(item.broken(LENGTH)) };
        }
        let mut push = |extent: Extent| map.push(Piece::Extent(extent));
        if let Some(extents) = extents(item.archive(), record)? {
            extents.into_iter().for_each(push);
        } else {
            for block in record.content_blocks() {
                let n_bytes = item.archive().block(block)?.raw_bytes;
                push(Extent { block, offset_bytes: 0, n_bytes });
            }
        }
        if map.n_bytes != record.raw_bytes {
            return Err(item.broken(LENGTH));
        }
        Ok(map)
    }

    /// The files and tensors of an archive one after another, in the order they were added; other names of a file are
    /// passed over.
    pub(super) fn of_all(archive: &Archive) -> Result<Self> {
        let mut all = Self::empty("<all files>");
        for item in archive.stream_items()? {
            match item.kind() {
                ItemKind::Tensor => all.push(Piece::Tensor(item.shared().clone())),
                _ => Self::new(&item)?.pieces.into_iter().for_each(|(_, piece)| all.push(piece)),
            }
        }
        Ok(all)
    }

    fn empty(name: &str) -> Self {
        Self { name: name.to_owned(), n_bytes: 0, pieces: Vec::new(), ahead: ReadAhead::default() }
    }

    fn push(&mut self, piece: Piece) {
        let n_bytes = piece.n_bytes();
        if n_bytes > 0 {
            self.pieces.push((self.n_bytes, piece));
        }
        self.n_bytes = self.n_bytes.saturating_add(n_bytes);
    }

    /// The pieces from the one that holds `offset_bytes` on.
    fn pieces_from(&self, offset_bytes: u64) -> &[(u64, Piece)] {
        let after = self.pieces.partition_point(|(start, _)| *start <= offset_bytes);
        self.pieces.get(after.saturating_sub(1)..).unwrap_or_default()
    }

    /// Bytes of the file.
    #[must_use]
    pub fn n_bytes(&self) -> u64 {
        self.n_bytes
    }
}

/// Content of a file far away that is fetched together when all of it is read.
const FILE_WINDOW_BYTES: u64 = 8 << 20;

/// The block that was used last: extents that follow each other often lie in the same.
#[derive(Debug, Default)]
pub(crate) struct Held {
    /// Its id, and its bytes or those that it starts with.
    block: Option<(u64, Arc<Vec<u8>>)>,
    /// What is needed of the next block that is decoded, from its start on; `None` for all.
    needed_bytes: Option<u64>,
}

/// How a file is read by those who read many.
#[derive(Clone, Copy, Default)]
pub(crate) struct Reading<'a> {
    /// The file before it, of which all content was read and found right: the hash of one of the same content is not
    /// computed again.
    pub(crate) checked: Option<&'a Item<'a>>,
    /// How often blocks are still to be read, and of how many files of the same content this is the one reading.
    pub(crate) uses: Option<(&'a Uses<'a>, u32)>,
    /// Threads for a file that is made of tensors.
    pub(crate) n_threads: usize,
}

impl Reading<'_> {
    /// A block was read that is not the next one again.
    fn is_past(&self, item: &Item<'_>, block: u64) {
        if let Some((uses, n)) =
            self.uses.filter(|_| matches!(item.record().extents, Some(Extents::Inline(_))))
        {
            uses.end(block, n);
        }
    }
}

/// What [`Archive::summary`] counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// Items of every kind.
    pub n_items: u64,
    /// Blocks of every kind.
    pub n_blocks: u64,
    /// Bytes of the items' content.
    pub raw_bytes: u64,
    /// Bytes of the blocks before compression: content that is there several times counts once.
    pub unique_bytes: u64,
    /// Bytes of the blocks as they are stored.
    pub block_bytes: u64,
    /// Bytes of the whole archive.
    pub archive_bytes: u64,
    /// Raw bytes of the largest block.
    pub max_block_bytes: u64,
    /// The codec of most unique bytes: `store`, `zstd`, `lz4`, `image` or `tensor`; empty without blocks.
    pub codec: &'static str,
}

fn codec_name(codec: Codec) -> &'static str {
    match codec {
        Codec::Raw => "store",
        Codec::Zstd => "zstd",
        Codec::Lz4 => "lz4",
        Codec::ImageTile => "image",
        Codec::TensorSlice => "tensor",
        _ => "other",
    }
}

/// An item's extents, wherever they are stored; `None` if its content is whole blocks.
pub(super) fn extents(archive: &Archive, record: &ItemRecord) -> Result<Option<Vec<Extent>>> {
    match &record.extents {
        None => Ok(None),
        Some(Extents::Inline(extents)) => Ok(Some(extents.clone())),
        Some(Extents::Block(id)) => {
            let bytes = archive.unpacked(&record.name, *id, archive.limits.max_metadata_bytes)?;
            let n_blocks = archive.manifest.root().n_blocks;
            let limits = &archive.limits.container;
            holotype_container::decode_extents(&bytes, n_blocks, record.raw_bytes, limits)
                .map(Some)
                .map_err(|source| Error::Block { item: record.name.clone(), source })
        }
        Some(_) => Err(Error::unsupported("extents of an unknown form")),
    }
}

/// Bytes from the start of a block that a read up to `end` needs, whose next `pieces` these are.
fn needed_of_block(block: u64, pieces: &[(u64, Piece)], end: u64) -> u64 {
    let of_block = pieces.iter().map_while(|(start, piece)| match piece {
        Piece::Extent(extent) if *start < end && extent.block == block => {
            Some(extent.offset_bytes.saturating_add(extent.n_bytes.min(end - start)))
        }
        _ => None,
    });
    of_block.max().unwrap_or(u64::MAX)
}

impl Archive {
    /// Where the bytes of the file item `name` are.
    ///
    /// # Errors
    /// As [`Archive::item`]; `InvalidArgument` if it is no file; `Corrupt`.
    pub fn file_map(&self, name: &str) -> Result<FileMap> {
        FileMap::new(&self.item(name)?)
    }

    /// Where the bytes of the content of the item `name` are: of a file, or of a tensor in its stored order.
    ///
    /// # Errors
    /// As [`Archive::item`]; `InvalidArgument` if it is of another kind; `Corrupt`.
    pub fn content_map(&self, name: &str) -> Result<FileMap> {
        let item = self.item(name)?;
        if item.kind() != ItemKind::Tensor {
            return FileMap::new(&item);
        }
        let mut map = FileMap::empty(name);
        map.push(Piece::Tensor(item.shared().clone()));
        Ok(map)
    }

    /// Where the bytes of all files and tensors are, one after another in the order they were added; of tensors they are
    /// the elements in their stored order, little-endian.
    ///
    /// # Errors
    /// `Corrupt` or `Io` if the manifest cannot be read.
    pub fn stream_map(&self) -> Result<FileMap> {
        FileMap::of_all(self)
    }

    /// The items of [`Self::stream_map`].
    pub(crate) fn stream_items(&self) -> Result<Vec<Item<'_>>> {
        let mut items = self.tree_items()?;
        items.retain(|item| match item.file() {
            Some(_) => item.attributes().hard_link.is_none(),
            None => item.kind() == ItemKind::Tensor,
        });
        Ok(items)
    }

    /// All items in the order they were added, but for the tensors that files are made of.
    ///
    /// # Errors
    /// `Corrupt` or `Io` if the manifest or the list of a file's parts cannot be read.
    pub fn tree_items(&self) -> Result<Vec<Item<'_>>> {
        self.tree_items_on(1)
    }

    /// [`Self::tree_items`], read on `n_threads` threads (0: what the machine offers).
    pub(crate) fn tree_items_on(&self, n_threads: usize) -> Result<Vec<Item<'_>>> {
        let mut items = self.items_on(n_threads)?;
        let mut names = HashSet::new();
        for item in &items {
            names.extend(item.tensors_of_file()?.into_iter().flatten());
        }
        if !names.is_empty() {
            items.retain(|item| item.kind() != ItemKind::Tensor || !names.contains(item.name()));
        }
        Ok(items)
    }

    /// What deduplication and compression made of the content.
    ///
    /// # Errors
    /// `Corrupt` or `Io` if the manifest cannot be read.
    pub fn summary(&self) -> Result<Summary> {
        let blocks = super::tables::all_blocks(self)?;
        let mut summary = Summary { n_blocks: blocks.len() as u64, ..Summary::default() };
        let mut by_codec = BTreeMap::<u8, u64>::new();
        for block in blocks.iter().filter(|block| block.foreign.is_none()) {
            *by_codec.entry(block.codec as u8).or_default() += block.raw_bytes;
            summary.max_block_bytes = summary.max_block_bytes.max(block.raw_bytes);
            summary.unique_bytes = summary.unique_bytes.saturating_add(block.raw_bytes);
            summary.block_bytes = summary.block_bytes.saturating_add(block.frame_bytes());
        }
        summary.n_items = self.n_items();
        for item in self.tree_items()? {
            summary.raw_bytes = summary.raw_bytes.saturating_add(item.raw_bytes());
        }
        summary.archive_bytes = self.n_bytes();
        let most = by_codec.into_iter().max_by_key(|(_, n_bytes)| *n_bytes);
        summary.codec = most.and_then(|(code, _)| Codec::from_code(code)).map_or("", codec_name);
        Ok(summary)
    }

    /// Fills `out` with the bytes of a file from `offset_bytes`; returns how many there are, fewer than asked only at
    /// the end of the file. Reads and decodes only the blocks they are in, or takes them from the cache.
    ///
    /// # Errors
    /// `Corrupt` if such a block is damaged; `Io`; `LimitExceeded`.
    ///
    /// # Examples
    /// ```
    /// use holotype::{Archive, Writer, WriterOptions};
    /// let mut writer = Writer::new(Vec::new(), WriterOptions::default())?;
    /// writer.add_file("letter", &mut &b"Dear reader"[..], None)?;
    /// let archive = Archive::from_bytes(writer.finish()?.0)?;
    /// let map = archive.file_map("letter")?;
    /// let mut out = [0; 20];
    /// assert_eq!(archive.read_at(&map, 5, &mut out)?, 6);
    /// assert_eq!(&out[..6], b"reader");
    /// # Ok::<(), holotype::Error>(())
    /// ```
    pub fn read_at(&self, map: &FileMap, offset_bytes: u64, out: &mut [u8]) -> Result<usize> {
        let rest = map.n_bytes.saturating_sub(offset_bytes);
        let n = usize::try_from(rest).map_or(out.len(), |rest| rest.min(out.len()));
        let is_elsewhere = self.announce(map, offset_bytes, n as u64)?;
        let mut out = &mut out[..n];
        let mut at = offset_bytes;
        let end = offset_bytes.saturating_add(n as u64);
        let mut held = Held::default();
        let mut pieces = map.pieces_from(offset_bytes);
        while let Some(((start, piece), rest)) = pieces.split_first() {
            if out.is_empty() {
                break;
            }
            let skipped = at - start;
            let n_now = (out.len() as u64).min(piece.n_bytes() - skipped) as usize;
            let (now, later) = out.split_at_mut(n_now);
            match piece {
                Piece::Held(bytes) => {
                    let from = bytes.get(skipped as usize..).and_then(|rest| rest.get(..n_now));
                    now.copy_from_slice(from.unwrap_or_default());
                }
                Piece::Tensor(record) => {
                    TensorItem::open(Item::new(self, record.clone()))?.content_at(skipped, now)?;
                }
                Piece::Restored(record) => {
                    let file = self.restored(record)?;
                    let part = usize::try_from(skipped).ok().and_then(|start| file.get(start..start + n_now));
                    now.copy_from_slice(
                        part.ok_or_else(|| Error::invalid("the file is shorter than recorded"))?,
                    );
                }
                Piece::Extent(extent) => {
                    let offset_bytes = extent.offset_bytes + skipped;
                    let part = Extent { offset_bytes, n_bytes: n_now as u64, ..*extent };
                    if is_elsewhere {
                        held.needed_bytes = Some(needed_of_block(extent.block, pieces, end));
                    }
                    self.with_extent(&map.name, &part, &mut held, &mut |bytes| {
                        now.copy_from_slice(bytes);
                        Ok(())
                    })?;
                }
            }
            out = later;
            at += n_now as u64;
            pieces = rest;
        }
        self.let_go(held);
        Ok(n)
    }

    /// Tells a source far away which blocks a read needs, and those after them if reads follow each other. True if
    /// blocks are at hand, and the read is not where the one before ended: what else is in them is not read next.
    fn announce(&self, map: &FileMap, offset_bytes: u64, n_bytes: u64) -> Result<bool> {
        if n_bytes == 0 {
            return Ok(false);
        }
        if !self.source.is_far() {
            return Ok(!map.ahead.follows(offset_bytes, n_bytes));
        }
        let planned = if self.read_ahead {
            map.ahead.plan(offset_bytes, n_bytes)
        } else {
            offset_bytes..offset_bytes.saturating_add(n_bytes)
        };
        if planned.is_empty() {
            return Ok(false);
        }
        let touched = map.pieces_from(planned.start).iter().take_while(|(start, _)| *start < planned.end);
        let mut ids: Vec<u64> = touched
            .filter_map(|(_, piece)| match piece {
                Piece::Extent(extent) => Some(extent.block),
                Piece::Tensor(_) | Piece::Held(_) | Piece::Restored(_) => None,
            })
            .collect();
        ids.dedup();
        ids.retain(|id| self.cache.get(Key::Block(*id)).is_none());
        self.will_read(ids.into_iter())?;
        Ok(false)
    }

    /// The file that an image stands for, made or from the cache.
    fn restored(&self, record: &SharedRecord) -> Result<Arc<Vec<u8>>> {
        let key = Key::Restored(record.ordinal);
        if let Some(file) = self.cache.get(key) {
            return Ok(file);
        }
        let item = Item::new(self, record.clone());
        let image = ImageItem::open(item)?;
        let file = image.restore()?.ok_or_else(|| image.item().broken("it stands for no file"))?;
        let file = Arc::new(file);
        self.cache.insert(key, &file);
        Ok(file)
    }

    /// Hands the bytes of an extent to `work`, from the block at hand or the cache, or through it.
    pub(crate) fn with_extent<T>(
        &self,
        item: &str,
        extent: &Extent,
        held: &mut Held,
        work: &mut dyn FnMut(&[u8]) -> Result<T>,
    ) -> Result<T> {
        let end = extent.offset_bytes.saturating_add(extent.n_bytes);
        let block = match held.block.take() {
            Some((id, block)) if id == extent.block && block.len() as u64 >= end => block,
            other => {
                let is_too_short = other.as_ref().is_some_and(|(id, _)| *id == extent.block);
                other.into_iter().for_each(|(_, block)| self.cache.give_back(block));
                let needed_bytes = held.needed_bytes.filter(|_| !is_too_short);
                self.block_up_to(item, extent.block, end, needed_bytes)?
            }
        };
        let block = &held.block.insert((extent.block, block)).1;
        let start = usize::try_from(extent.offset_bytes).ok();
        let end = start.and_then(|start| start.checked_add(usize::try_from(extent.n_bytes).ok()?));
        let bytes = start.zip(end).and_then(|(start, end)| block.get(start..end));
        work(bytes.ok_or_else(|| Error::Item {
            item: item.to_owned(),
            rule: "an extent lies past the end of its block",
        })?)
    }
}

impl Archive {
    /// The raw bytes of a block up to `end` or beyond, from the cache or through it. `needed_bytes` are what is decoded
    /// of one that is not there, all of it if `None`.
    fn block_up_to(&self, item: &str, id: u64, end: u64, needed_bytes: Option<u64>) -> Result<Arc<Vec<u8>>> {
        let claim = match self.cache.find(Key::Block(id), end) {
            Found::Block(block) => return Ok(block),
            Found::Nothing(claim) => claim,
        };
        // A block whose start was not enough is read often enough to decode all of it.
        let n_bytes = needed_bytes.filter(|_| !claim.was_short).unwrap_or(u64::MAX);
        let mut block = self.unpacked_start(item, id, self.limits.max_file_block_bytes, n_bytes)?;
        // What was left out takes no memory where this is kept.
        if self.cache.max_bytes() > 0 && block.capacity() > block.len() + block.len() / 8 {
            block.shrink_to_fit();
        }
        let block = Arc::new(block);
        claim.keep(&block);
        Ok(block)
    }

    /// Needs the block at hand no longer.
    pub(super) fn let_go(&self, held: Held) {
        held.block.into_iter().for_each(|(_, block)| self.cache.give_back(block));
    }

    /// Keeps a decoded block no longer.
    pub(super) fn forget_block(&self, id: u64) {
        self.cache.remove(Key::Block(id));
    }
}

impl Item<'_> {
    /// Where in blocks it shares its content is, if it shares any.
    pub(crate) fn extents(&self) -> Result<Option<Vec<Extent>>> {
        extents(self.archive(), self.record())
    }

    /// Bytes its content takes in the archive, frame headers included; of blocks it shares, its part.
    ///
    /// # Errors
    /// `Corrupt` or `Io` if a manifest page or the list of its extents cannot be read.
    pub fn stored_bytes(&self) -> Result<u64> {
        let archive = self.archive();
        let Some(extents) = extents(archive, self.record())? else {
            return self.record().content_blocks().map(|id| Ok(archive.block(id)?.frame_bytes())).sum();
        };
        let part = |extent: &Extent| -> Result<u128> {
            let block = archive.block(extent.block)?;
            Ok(u128::from(block.frame_bytes()) * u128::from(extent.n_bytes)
                / u128::from(block.raw_bytes.max(1)))
        };
        let total = extents.iter().try_fold(0, |sum: u128, extent| Ok::<_, Error>(sum + part(extent)?))?;
        Ok(u64::try_from(total).unwrap_or(u64::MAX))
    }

    /// What a file is made of, if that is not its own blocks.
    pub(crate) fn parts(&self) -> Result<Option<Vec<Part>>> {
        if !is_made_of_parts(self.record()).map_err(|rule| self.broken(rule))? {
            return Ok(None);
        }
        let (archive, id) = (self.archive(), self.record().content_block(0).unwrap_or(0));
        let bytes = archive.unpacked(self.name(), id, archive.limits.max_metadata_bytes)?;
        let parts = decode_parts(&bytes, &archive.limits.container);
        parts.map(Some).ok_or_else(|| self.broken("the list of the file's parts is malformed"))
    }

    /// Names of the tensors that a file is made of, in its order; nothing if it has blocks of its own.
    ///
    /// # Errors
    /// `Corrupt` if the list of them is malformed; `Io`.
    pub fn tensors_of_file(&self) -> Result<Option<Vec<String>>> {
        let names = |parts: Vec<Part>| {
            let name = |part| match part {
                Part::Tensor(name) => Some(name),
                Part::Bytes(_) => None,
            };
            parts.into_iter().filter_map(name).collect()
        };
        Ok(self.parts()?.map(names))
    }

    /// The tensor `name` that this file is made of.
    fn part(&self, name: &str) -> Result<Item<'_>> {
        match self.archive().item(name) {
            Ok(item) if item.kind() == ItemKind::Tensor => Ok(item),
            Ok(_) | Err(Error::NotFound { .. }) => {
                Err(self.broken("a tensor that it is made of is not there"))
            }
            Err(error) => Err(error),
        }
    }

    pub(crate) fn read_file(
        &self,
        n_threads: usize,
        sink: &mut dyn FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        self.read_file_among(&Reading { n_threads, ..Reading::default() }, sink)
    }

    /// [`Self::read_file`] by those who read many.
    pub(crate) fn read_file_among(
        &self,
        reading: &Reading<'_>,
        sink: &mut dyn FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        if self.record().restored.is_some() {
            return ImageItem::open(self.clone())?.restore()?.map_or(Ok(()), |file| sink(&file));
        }
        // The same parts of the same blocks, which are checked whenever they are read, have the same hash.
        let is_known = reading.checked.is_some_and(|checked| self.has_content_of(checked));
        let map = FileMap::new(self)?;
        let mut content = Sha256::new();
        let mut held = Held::default();
        let shares_blocks = self.record().extents.is_some();
        let (mut at, mut last_block) = (0, None);
        for (start, piece) in &map.pieces {
            let extent = match piece {
                Piece::Extent(extent) => extent,
                Piece::Tensor(record) => {
                    let tensor = TensorItem::open(Item::new(self.archive(), record.clone()))?;
                    tensor.read_parts(reading.n_threads, &mut |bytes| {
                        content.update(bytes);
                        sink(bytes)
                    })?;
                    continue;
                }
                Piece::Held(bytes) => {
                    content.update(bytes);
                    sink(bytes)?;
                    continue;
                }
                Piece::Restored(_) => return Err(self.broken("a file is made of an image")),
            };
            if self.archive().source.is_far() && *start >= at {
                at = start.saturating_add(FILE_WINDOW_BYTES).min(map.n_bytes);
                self.archive().announce(&map, *start, at - start)?;
            }
            let mut take = |bytes: &[u8]| {
                if !is_known {
                    content.update(bytes);
                }
                sink(bytes)
            };
            if shares_blocks {
                self.archive().with_extent(self.name(), extent, &mut held, &mut take)?;
                if let Some(last) = last_block.replace(extent.block)
                    && last != extent.block
                {
                    reading.is_past(self, last);
                }
            } else {
                let limit = self.archive().limits.max_file_block_bytes;
                take(&self.archive().unpacked(self.name(), extent.block, limit)?)?;
            }
        }
        self.archive().let_go(held);
        last_block.into_iter().for_each(|last| reading.is_past(self, last));
        if is_known { Ok(()) } else { self.check_content(content.finalize().into()) }
    }

    /// True if the records say so: the same extents, the same length, the same hash.
    pub(crate) fn has_content_of(&self, other: &Item<'_>) -> bool {
        let (own, other) = (self.record(), other.record());
        matches!((&own.extents, &other.extents), (Some(own), Some(other)) if own == other)
            && (own.kind, own.raw_bytes, own.content_sha256)
                == (other.kind, other.raw_bytes, other.content_sha256)
            && own.restored.is_none()
            && other.restored.is_none()
    }
}
