use crate::cbor::Value;
use crate::encryption::SealedRoot;
use crate::paging::{FramePages, PageDraft};
use crate::tables::Tables;
use crate::{
    BlockRecord, ChunkTable, Codec, EncryptionRecord, EncryptionSeed, Error, Extents, ForeignBlock,
    FrameHeader, FrameType, Header, ItemRecord, Manifest, MerkleTree, PageRef, ParentRecord, RevisionRecord,
    Sealer, Table, Trailer, frame_hash,
};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// Builds an archive front to back without doing I/O: the caller writes what it returns, in order.
///
/// ```
/// use holotype_container::{ArchiveBuilder, Codec, ItemKind, ItemRecord, BlockRun};
/// let (mut builder, header) = ArchiveBuilder::begin();
/// let mut file = header.to_vec();
/// let (frame_header, block) = builder.add_block(Codec::Raw, b"hello", 5, 0);
/// file.extend_from_slice(&frame_header);
/// file.extend_from_slice(b"hello");
/// let mut item = ItemRecord::new("greeting".into(), ItemKind::File);
/// item.content.push(BlockRun { first: block, n_blocks: 1 });
/// builder.add_item(item)?;
/// let (tail, _trailer) = builder.finish();
/// file.extend_from_slice(&tail);
/// # Ok::<(), holotype_container::Error>(())
/// ```
#[derive(Debug)]
pub struct ArchiveBuilder {
    header: [u8; Header::N_BYTES],
    position_bytes: u64,
    blocks: Vec<BlockRecord>,
    tree: MerkleTree,
    /// Encoded records by name: a million of them as structs would take gigabytes.
    items: BTreeMap<String, Box<[u8]>>,
    /// What the new revision has of the one before, if there is one.
    base: Option<Base>,
    encryption: Option<Encryption>,
    n_ordinals: u64,
    has_extents: bool,
    metadata: Option<Value>,
    parents: Vec<ParentRecord>,
}

/// What is kept of the revision before.
#[derive(Debug)]
struct Base {
    /// Items that were in the root.
    items: BTreeMap<String, Box<[u8]>>,
    /// Pages of items none of which changed; pages with changes are taken apart before the end.
    item_pages: Vec<PageRef<String>>,
    /// Names of items that were left out.
    removed: BTreeSet<String>,
    block_pages: Vec<PageRef<u64>>,
    chunks: Option<ChunkTable>,
    revisions: Vec<RevisionRecord>,
    previous_trailer_bytes: u64,
}

/// Share of a page that the last page of blocks of the revision before must fill to be kept.
const KEPT_PAGE_BYTES: u64 = 48 << 10;

/// How the frames of an encrypted archive are sealed.
#[derive(Debug)]
struct Encryption {
    record: EncryptionRecord,
    sealer: Sealer,
}

/// A block to write: its frame's header, then its payload.
#[derive(Debug)]
pub struct PushedBlock<'a> {
    /// The frame's header.
    pub header: [u8; FrameHeader::N_BYTES],
    /// What to write after it.
    pub payload: Cow<'a, [u8]>,
    /// The block's id.
    pub id: u64,
}

impl ArchiveBuilder {
    /// Starts an archive; returns the header to write first.
    #[must_use]
    pub fn begin() -> (Self, [u8; Header::N_BYTES]) {
        Self::with_header(Header::default(), None)
    }

    /// Starts an encrypted archive; returns the header to write first.
    #[must_use]
    pub fn begin_encrypted(seed: &EncryptionSeed, record: EncryptionRecord) -> (Self, [u8; Header::N_BYTES]) {
        let header = Header { archive_id: seed.archive_id, is_encrypted: true };
        let sealer = record.sealer(&seed.archive_id, &seed.key);
        Self::with_header(header, Some(Encryption { record, sealer }))
    }

    fn with_header(header: Header, encryption: Option<Encryption>) -> (Self, [u8; Header::N_BYTES]) {
        let header = header.encode();
        let builder = Self {
            header,
            position_bytes: header.len() as u64,
            blocks: Vec::new(),
            tree: MerkleTree::default(),
            items: BTreeMap::new(),
            base: None,
            encryption,
            n_ordinals: 0,
            has_extents: false,
            metadata: None,
            parents: Vec::new(),
        };
        (builder, header)
    }

    /// Starts the next revision of an archive, whose bytes stay as they are; what this writes follows them.
    ///
    /// `blocks` is its whole block table, `salt` new random bytes, which an archive that is not encrypted does not look at.
    ///
    /// # Errors
    /// `LimitExceeded` after 4096 revisions; `WrongKey` if the archive contradicts itself.
    pub fn append(manifest: &Manifest, blocks: Vec<BlockRecord>, salt: [u8; 32]) -> Result<Self, Error> {
        let (root, trailer) = (manifest.root(), manifest.trailer());
        if !crate::revision::has_room(root.revisions.len()) {
            let (found, what) = (root.revisions.len() as u64, "the number of revisions before");
            return Err(Error::LimitExceeded { what, found, limit: found });
        }
        let encryption = manifest.next_encryption(salt)?.map(|(record, key)| {
            let sealer = record.sealer(&manifest.header().archive_id, &key);
            Encryption { record, sealer }
        });
        let (mut builder, _) = Self::with_header(*manifest.header(), encryption);
        builder.position_bytes = trailer.file_bytes;
        builder.tree.extend(blocks.iter().filter(|block| block.foreign.is_none()).map(|block| block.hash));
        let mut block_pages = match &root.blocks {
            Table::Paged(pages) => pages.clone(),
            Table::Inline(_) => Vec::new(),
        };
        block_pages.pop_if(|page| page.frame_bytes < KEPT_PAGE_BYTES);
        builder.blocks = blocks;
        let (items, item_pages) = match &root.items {
            Table::Paged(pages) => (BTreeMap::new(), pages.clone()),
            Table::Inline(items) => {
                (items.iter().map(|item| (item.name.clone(), encoded(item))).collect(), Vec::new())
            }
        };
        builder.n_ordinals = root.n_ordinals;
        builder.has_extents = root.has_extents;
        builder.metadata.clone_from(&root.metadata);
        builder.parents.clone_from(&root.parents);
        let mut revisions = root.revisions.clone();
        revisions.push(manifest.revision_record());
        let previous_trailer_bytes = trailer.file_bytes - Trailer::N_BYTES as u64;
        let (removed, chunks) = (BTreeSet::new(), ChunkTable::of(root));
        builder.base =
            Some(Base { items, item_pages, removed, block_pages, chunks, revisions, previous_trailer_bytes });
        Ok(builder)
    }

    /// Leaves an item of the revision before out of the new one.
    pub fn remove_item(&mut self, name: &str) {
        self.items.remove(name);
        if let Some(base) = &mut self.base {
            base.items.remove(name);
            base.removed.insert(name.to_owned());
        }
    }

    /// Leaves all items of the revision before out of the new one.
    pub fn remove_all_items(&mut self) {
        self.items.clear();
        if let Some(base) = &mut self.base {
            base.items.clear();
            base.item_pages.clear();
        }
    }

    /// Items that were added so far, those of the revision before aside.
    ///
    /// # Errors
    /// None that can happen: they were encoded here.
    pub fn new_items(&self) -> impl Iterator<Item = Result<ItemRecord, Error>> + '_ {
        let limits = crate::Limits::default();
        let n_blocks = self.blocks.len() as u64;
        self.items.values().map(move |record| {
            ItemRecord::from_value(crate::cbor::decode(record, &limits)?, n_blocks, &limits)
        })
    }

    /// True if the revision before may have had this item and the new one has not, or has another.
    #[must_use]
    pub fn is_gone(&self, name: &str) -> bool {
        let is_removed = |base: &Base| base.removed.contains(name);
        self.items.contains_key(name) || self.base.as_ref().is_some_and(is_removed)
    }

    /// True if items of the revision before that were in its root are gone.
    #[must_use]
    pub fn has_gone_items(&self) -> bool {
        let Some(base) = &self.base else { return false };
        !base.removed.is_empty() || self.items.keys().any(|name| base.items.contains_key(name))
    }

    /// Number of items added so far.
    #[must_use]
    pub fn n_new_items(&self) -> u64 {
        self.items.len() as u64
    }

    /// Pages of the revision before that hold items which were replaced or left out, or beside which some were added.
    /// Each is to be taken apart by [`Self::take_apart`] before the end.
    #[must_use]
    pub fn changed_pages(&self) -> Vec<PageRef<String>> {
        let Some(Base { item_pages, removed, .. }) = &self.base else { return Vec::new() };
        let names = self.items.keys().chain(removed);
        let at = |name: &String| item_pages.partition_point(|page| page.first <= *name).saturating_sub(1);
        let changed: BTreeSet<usize> = names.map(at).collect();
        changed.into_iter().filter_map(|at| item_pages.get(at)).cloned().collect()
    }

    /// Takes the items of a page of the revision before that were neither replaced nor left out.
    pub fn take_apart(&mut self, page: &PageRef<String>, items: Vec<ItemRecord>) {
        let Some(base) = &mut self.base else { return };
        base.item_pages.retain(|kept| kept.first != page.first);
        for item in items {
            if !base.removed.contains(&item.name) && !self.items.contains_key(&item.name) {
                let record = encoded(&item);
                self.items.insert(item.name, record);
            }
        }
    }

    /// Adds a block, encrypted if the archive is; returns what to write.
    ///
    /// `raw_bytes` is the payload's size before coding, `item_hint` the ordinal of its item.
    pub fn push_block<'a>(
        &mut self,
        codec: Codec,
        payload: &'a [u8],
        raw_bytes: u64,
        item_hint: u32,
    ) -> PushedBlock<'a> {
        let Some(Encryption { sealer, .. }) = &self.encryption else {
            let (header, id) = self.add_block(codec, payload, raw_bytes, item_hint);
            return PushedBlock { header, payload: Cow::Borrowed(payload), id };
        };
        let stored_bytes = payload.len() as u64;
        let inner =
            FrameHeader { frame_type: FrameType::Block, codec, stored_bytes, raw_bytes, item_hint }.encode();
        let inner = [inner.as_slice(), payload].concat();
        let mut sealed = sealer.seal_frame(FrameType::Block, self.position_bytes, &inner);
        let mut header = [0; FrameHeader::N_BYTES];
        header.copy_from_slice(&sealed[..FrameHeader::N_BYTES]);
        let hash = frame_hash(&sealed);
        sealed.drain(..FrameHeader::N_BYTES);
        let stored_bytes = sealed.len() as u64;
        let id = self.record(BlockRecord {
            offset_bytes: self.position_bytes,
            codec,
            stored_bytes,
            raw_bytes,
            hash,
            foreign: None,
        });
        PushedBlock { header, payload: Cow::Owned(sealed), id }
    }

    /// Notes a block that lies at the end; returns its id.
    fn record(&mut self, block: BlockRecord) -> u64 {
        self.position_bytes += block.frame_bytes();
        self.tree.push(block.hash);
        self.blocks.push(block);
        self.blocks.len() as u64 - 1
    }

    /// Adds a block of an archive that is not encrypted; returns the frame header to write, followed by
    /// `payload`, and the block's id. Readers refuse such a block in an encrypted archive: [`Self::push_block`].
    ///
    /// `raw_bytes` is the payload's size before coding, `item_hint` the ordinal of its item.
    pub fn add_block(
        &mut self,
        codec: Codec,
        payload: &[u8],
        raw_bytes: u64,
        item_hint: u32,
    ) -> ([u8; FrameHeader::N_BYTES], u64) {
        let stored_bytes = payload.len() as u64;
        let header =
            FrameHeader { frame_type: FrameType::Block, codec, stored_bytes, raw_bytes, item_hint }.encode();
        let mut hasher = blake3::Hasher::new();
        hasher.update(&header);
        hasher.update(payload);
        let hash = hasher.finalize().into();
        let offset_bytes = self.position_bytes;
        (
            header,
            self.record(BlockRecord { offset_bytes, codec, stored_bytes, raw_bytes, hash, foreign: None }),
        )
    }

    /// Adds a parent, blocks of which may then be named; returns its number.
    ///
    /// # Errors
    /// `InvalidArgument` for more than 64 parents, the same one twice, or hints that do not fit.
    pub fn add_parent(&mut self, parent: ParentRecord) -> Result<u32, Error> {
        crate::parent::check_next(&self.parents, &parent)?;
        if parent.key.is_some() && self.encryption.is_none() {
            let what = "the child of an encrypted archive is encrypted: it tells what is in its parent";
            return Err(Error::InvalidArgument { what });
        }
        self.parents.push(parent);
        Ok(self.parents.len() as u32 - 1)
    }

    /// Names a block of a parent, `block` as the parent's table has it; returns the block's id here.
    ///
    /// # Errors
    /// `InvalidArgument` if there is no such parent.
    pub fn add_foreign_block(&mut self, foreign: ForeignBlock, block: &BlockRecord) -> Result<u64, Error> {
        if foreign.parent as usize >= self.parents.len() {
            return Err(Error::InvalidArgument { what: "a block of a parent that was not added" });
        }
        let BlockRecord { codec, raw_bytes, hash, .. } = *block;
        self.blocks.push(BlockRecord::in_parent(foreign, codec, raw_bytes, hash));
        Ok(self.blocks.len() as u64 - 1)
    }

    /// The ordinal the next item will get.
    #[must_use]
    pub fn next_ordinal(&self) -> u64 {
        self.n_ordinals
    }

    /// Takes the next `n` ordinals for items that [`Self::add_item_at`] adds; returns the first.
    pub fn reserve_ordinals(&mut self, n: u64) -> u64 {
        let first = self.n_ordinals;
        self.n_ordinals = first.saturating_add(n);
        first
    }

    /// Bytes written so far: header and frames.
    #[must_use]
    pub fn position_bytes(&self) -> u64 {
        self.position_bytes
    }

    /// True if an item of that name was added.
    #[must_use]
    pub fn has_item(&self, name: &str) -> bool {
        self.items.contains_key(name)
    }

    /// Sets the metadata of the archive as a whole, in the form of an item's.
    pub fn set_metadata(&mut self, metadata: Value) {
        self.metadata = Some(metadata);
    }

    /// Adds an item; its ordinal is set here.
    ///
    /// # Errors
    /// `InvalidArgument` for an empty, overlong or repeated name, or a block that was not added.
    pub fn add_item(&mut self, mut item: ItemRecord) -> Result<(), Error> {
        item.ordinal = self.next_ordinal();
        self.add_item_at(item)?;
        self.n_ordinals = self.n_ordinals.saturating_add(1);
        Ok(())
    }

    /// Adds an item with the ordinal it has, which was reserved.
    ///
    /// # Errors
    /// As [`Self::add_item`], and `InvalidArgument` if its attributes break a rule.
    pub fn add_item_at(&mut self, item: ItemRecord) -> Result<(), Error> {
        let max_name_bytes = crate::Limits::default().max_name_bytes;
        if item.name.is_empty() || item.name.len() as u64 > max_name_bytes {
            return Err(Error::InvalidArgument { what: "an item's name has 1 to 4096 bytes" });
        }
        if self.has_item(&item.name) {
            return Err(Error::InvalidArgument { what: "two items have the same name" });
        }
        let n_blocks = self.blocks.len() as u64;
        if item
            .content
            .iter()
            .any(|run| run.n_blocks == 0 || run.first.saturating_add(run.n_blocks) > n_blocks)
        {
            return Err(Error::InvalidArgument { what: "an item's block was not added" });
        }
        match &item.extents {
            Some(Extents::Inline(extents)) if extents.iter().any(|e| e.block >= n_blocks) => {
                return Err(Error::InvalidArgument { what: "an item's block was not added" });
            }
            Some(Extents::Block(id)) if *id >= n_blocks => {
                return Err(Error::InvalidArgument { what: "an item's block was not added" });
            }
            _ => {}
        }
        item.attributes.check().map_err(|what| Error::InvalidArgument { what })?;
        self.has_extents |= item.extents.is_some();
        let record = encoded(&item);
        self.items.insert(item.name, record);
        Ok(())
    }

    /// Ends the archive; returns the bytes to write last and the trailer with its seal.
    #[must_use]
    pub fn finish(self) -> (Vec<u8>, Trailer) {
        self.finish_with(None, &PageDraft::frames)
    }

    /// [`Self::finish`] with a table of the chunks that items' extents are made of; `frame_pages` makes the frames of the
    /// manifest's pages.
    #[must_use]
    pub fn finish_with(self, chunks: Option<ChunkTable>, frame_pages: FramePages<'_>) -> (Vec<u8>, Trailer) {
        let Self {
            header,
            position_bytes,
            blocks,
            tree,
            mut items,
            mut base,
            encryption,
            n_ordinals,
            has_extents,
            metadata,
            parents,
        } = self;
        if let Some(base) = &mut base {
            let kept = std::mem::take(&mut base.items);
            kept.into_iter().for_each(|(name, record)| {
                items.entry(name).or_insert(record);
            });
        }
        let chunks = chunks.or_else(|| base.as_mut()?.chunks.take());
        let chunks = chunks.or_else(|| has_extents.then(|| ChunkTable::new(crate::Chunking::default())));
        let sealer = encryption.as_ref().map(|encryption| &encryption.sealer);
        let base = base.as_ref();
        let revisions = base.map_or(&[][..], |base| &base.revisions);
        let tables = Tables {
            items: &items,
            item_pages: base.map_or(&[], |base| &base.item_pages),
            blocks: &blocks,
            block_pages: base.map_or(&[], |base| &base.block_pages),
            chunks: chunks.as_ref(),
            metadata: metadata.as_ref(),
            parents: &parents,
            revisions,
            n_ordinals,
        };
        let (mut tail, mut root_frame) = tables.encode(position_bytes, sealer, frame_pages);
        if let Some(Encryption { record, sealer }) = encryption {
            let (sealed, pages_hash) = (sealer.seal_root(&root_frame), frame_hash(&tail));
            root_frame = SealedRoot { record, sealed, pages_hash }.encode();
        }
        let root_offset_bytes = position_bytes + tail.len() as u64;
        let root_frame_bytes = root_frame.len() as u64;
        let trailer = Trailer {
            revision: revisions.len() as u64 + 1,
            previous_trailer_bytes: base.map_or(0, |base| base.previous_trailer_bytes),
            root_offset_bytes,
            root_frame_bytes,
            file_bytes: root_offset_bytes + root_frame_bytes + Trailer::N_BYTES as u64,
            merkle_root: tree.root(),
            seal: [0; 32],
        };
        let (trailer, encoded) = trailer.sealed(&header, &root_frame);
        tail.extend_from_slice(&root_frame);
        tail.extend_from_slice(&encoded);
        (tail, trailer)
    }
}

/// An item's record as it is stored.
fn encoded(item: &ItemRecord) -> Box<[u8]> {
    let mut record = Vec::new();
    item.to_value().encode_into(&mut record);
    record.into_boxed_slice()
}
