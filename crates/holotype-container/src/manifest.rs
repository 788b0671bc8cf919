use crate::encryption::SealedRoot;
use crate::{
    BlockRecord, ChunkRecord, DataKey, EncryptionRecord, Error, Header, ItemRecord, KeySlot, Limits,
    MerkleTree, OpenedPayload, PageRef, RevisionRecord, Root, Sealer, Table, Trailer,
};

/// What opens an encrypted archive.
#[derive(Debug, Clone, Copy)]
pub enum Unlock<'a> {
    /// A password of one of its key slots.
    Password(&'a [u8]),
    /// Its key, as a child holds it.
    Key(&'a DataKey),
}

/// An opened archive's metadata: the seal was checked over header, root and trailer.
#[derive(Debug, Clone)]
pub struct Manifest {
    header: Header,
    trailer: Trailer,
    root: Root,
    encryption: Option<Encryption>,
}

/// How the frames of an encrypted archive are opened.
#[derive(Debug, Clone)]
struct Encryption {
    record: EncryptionRecord,
    /// Where each revision's part ends, and what opens its frames.
    sealers: Vec<(u64, Sealer)>,
    key: DataKey,
    /// BLAKE3 of the page frames as they are stored.
    pages_hash: [u8; 32],
}

impl Manifest {
    /// Opens an archive from its first 32 bytes, its root frame and its parsed trailer.
    ///
    /// Where the block table is inline, the Merkle root and the tiling of the file by frames are checked too;
    /// otherwise [`Self::check_blocks`] does it once all pages were read.
    ///
    /// # Errors
    /// `Hash` if the seal does not match; else what is wrong with which structure.
    pub fn open(header: &[u8], root_frame: &[u8], trailer: Trailer, limits: &Limits) -> Result<Self, Error> {
        Self::open_with(header, root_frame, trailer, None, limits)
    }

    /// [`Self::open`] with what opens an encrypted archive, which others do not look at.
    ///
    /// # Errors
    /// As [`Self::open`]; `Locked` if it needs a password and there is none; `WrongKey`.
    pub fn open_with(
        header: &[u8],
        root_frame: &[u8],
        trailer: Trailer,
        unlock: Option<Unlock<'_>>,
        limits: &Limits,
    ) -> Result<Self, Error> {
        let parsed = Header::parse(header)?;
        trailer.check_seal(header, root_frame)?;
        let root_offset = trailer.root_offset_bytes;
        let (root, encryption) = if parsed.is_encrypted {
            let sealed = SealedRoot::parse(root_frame, root_offset, limits)?;
            let key = match unlock.ok_or(Error::Locked)? {
                Unlock::Password(password) => sealed.record.unlock(&parsed.archive_id, password, limits)?,
                Unlock::Key(key) => sealed.record.check_key(&parsed.archive_id, key)?,
            };
            let sealer = sealed.record.sealer(&parsed.archive_id, &key);
            let inner = sealer.open_root(&sealed.sealed)?;
            let SealedRoot { record, pages_hash, .. } = sealed;
            let root = Root::parse(&inner, root_offset, limits)?;
            let earlier = |revision: &RevisionRecord| {
                let salt = revision.salt.ok_or_else(|| corrupt(&trailer, "a revision without a salt"))?;
                Ok((revision.end_bytes, Sealer::new(&key, &parsed.archive_id, &salt)))
            };
            let mut sealers: Vec<(u64, Sealer)> =
                root.revisions.iter().map(earlier).collect::<Result<_, Error>>()?;
            sealers.push((trailer.file_bytes, sealer));
            (root, Some(Encryption { record, sealers, key, pages_hash }))
        } else {
            (Root::parse(root_frame, root_offset, limits)?, None)
        };
        let manifest = Self { header: parsed, trailer, root, encryption };
        manifest.check_revisions()?;
        if let Table::Inline(blocks) = &manifest.root.blocks {
            manifest.check_blocks(blocks)?;
        }
        Ok(manifest)
    }

    /// A manifest of blocks alone, that no seal vouches for: each block still vouches for itself. For salvage,
    /// which finds blocks by their hash wherever they lie. `items` are those others need, in the order of their names.
    #[must_use]
    pub fn without_seal(blocks: Vec<BlockRecord>, items: Vec<ItemRecord>) -> Self {
        let root = Root {
            n_items: items.len() as u64,
            n_blocks: blocks.len() as u64,
            items: Table::Inline(items),
            blocks: Table::Inline(blocks),
            chunks: Table::Inline(Vec::new()),
            chunking: None,
            metadata: None,
            parents: Vec::new(),
            revisions: Vec::new(),
            n_ordinals: 0,
            has_extents: true,
        };
        let trailer = Trailer {
            revision: 1,
            previous_trailer_bytes: 0,
            root_offset_bytes: u64::MAX,
            root_frame_bytes: 0,
            file_bytes: u64::MAX,
            merkle_root: [0; 32],
            seal: [0; 32],
        };
        Self { header: Header::default(), trailer, root, encryption: None }
    }

    /// How the archive is encrypted, if it is.
    #[must_use]
    pub fn encryption(&self) -> Option<&EncryptionRecord> {
        self.encryption.as_ref().map(|encryption| &encryption.record)
    }

    /// Id and key of an encrypted archive, for children that name its blocks.
    #[must_use]
    pub fn data_key(&self) -> Option<([u8; 16], &DataKey)> {
        self.encryption.as_ref().map(|encryption| (self.header.archive_id, &encryption.key))
    }

    /// Of an encrypted archive, what the frames of all pages, one after another, must hash to: so they can be checked
    /// without a key.
    #[must_use]
    pub fn pages_hash(&self) -> Option<[u8; 32]> {
        self.encryption.as_ref().map(|encryption| encryption.pages_hash)
    }

    /// What opens the frame at `offset_bytes`.
    fn sealer(&self, offset_bytes: u64) -> Option<&Sealer> {
        let Encryption { sealers, .. } = self.encryption.as_ref()?;
        let at = sealers.partition_point(|(end, _)| *end <= offset_bytes);
        sealers.get(at).or(sealers.last()).map(|(_, sealer)| sealer)
    }

    /// Checks that the revisions listed are those before this one.
    fn check_revisions(&self) -> Result<(), Error> {
        let Self { header, trailer, root, encryption: _ } = self;
        let revisions = &root.revisions;
        if revisions.len() as u64 != trailer.revision - 1 {
            return Err(corrupt(trailer, "as many revisions are listed as there were before"));
        }
        if let Some(last) = revisions.last().filter(|last| last.end_bytes != trailer.part_bytes()) {
            let (what, rule) =
                ("root record", "the last revision listed does not end with the trailer before");
            return Err(Error::Corrupt { what, offset_bytes: last.end_bytes, rule });
        }
        if revisions.iter().any(|revision| revision.salt.is_some() != header.is_encrypted) {
            return Err(corrupt(
                trailer,
                "the revisions of an encrypted archive, and they alone, have salts",
            ));
        }
        Ok(())
    }

    /// The record by which later revisions list this one.
    #[must_use]
    pub fn revision_record(&self) -> RevisionRecord {
        let salt = self.encryption.as_ref().map(|encryption| encryption.record.salt());
        RevisionRecord { end_bytes: self.trailer.file_bytes, seal: self.trailer.seal, salt }
    }

    /// The record of the next revision of an encrypted archive, and its key. `salt` is new random bytes.
    ///
    /// # Errors
    /// `WrongKey` if the archive contradicts itself.
    pub fn next_encryption(&self, salt: [u8; 32]) -> Result<Option<(EncryptionRecord, DataKey)>, Error> {
        let Some(Encryption { record, key, .. }) = &self.encryption else { return Ok(None) };
        let next = record.next(&self.header.archive_id, key, salt)?;
        Ok(Some((next, key.clone())))
    }

    /// Checks the frame of a block and returns its payload, decrypted.
    ///
    /// # Errors
    /// As [`BlockRecord::verify`]; `Corrupt` if it does not decrypt.
    pub fn open_block<'a>(
        &self,
        block: &BlockRecord,
        frame: &'a [u8],
        limits: &Limits,
    ) -> Result<OpenedPayload<'a>, Error> {
        match self.sealer(block.offset_bytes) {
            Some(sealer) => block.open_sealed(frame, sealer, limits),
            None => block.verify(frame, limits).map(OpenedPayload::Stored),
        }
    }

    /// Reads an item page's frame.
    ///
    /// # Errors
    /// As [`Root::read_item_page`]; `Corrupt` if it does not decrypt.
    pub fn read_item_page(
        &self,
        page: &PageRef<String>,
        frame: &[u8],
        limits: &Limits,
    ) -> Result<Vec<ItemRecord>, Error> {
        self.root.open_item_page(page, frame, self.sealer(page.offset_bytes), limits)
    }

    /// Reads a block page's frame.
    ///
    /// # Errors
    /// As [`Self::read_item_page`].
    pub fn read_block_page(
        &self,
        page: &PageRef<u64>,
        frame: &[u8],
        limits: &Limits,
    ) -> Result<Vec<BlockRecord>, Error> {
        let sealer = self.sealer(page.offset_bytes);
        self.root.open_block_page(page, frame, self.trailer.root_offset_bytes, sealer, limits)
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
        self.root.open_chunk_page(page, frame, self.sealer(page.offset_bytes), limits)
    }

    /// The header.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The trailer.
    #[must_use]
    pub fn trailer(&self) -> &Trailer {
        &self.trailer
    }

    /// The root record.
    #[must_use]
    pub fn root(&self) -> &Root {
        &self.root
    }

    /// The page that would hold the item `name`, if items are in pages.
    #[must_use]
    pub fn item_page(&self, name: &str) -> Option<&PageRef<String>> {
        let Table::Paged(pages) = &self.root.items else { return None };
        let after = pages.partition_point(|page| page.first.as_str() <= name);
        pages.get(after.checked_sub(1)?)
    }

    /// The page that holds block `id`, if blocks are in pages.
    #[must_use]
    pub fn block_page(&self, id: u64) -> Option<&PageRef<u64>> {
        let Table::Paged(pages) = &self.root.blocks else { return None };
        let after = pages.partition_point(|page| page.first <= id);
        pages.get(after.checked_sub(1)?).filter(|page| id - page.first < page.n_entries)
    }

    /// Checks the Merkle root over `blocks`, the whole table, and that blocks and pages tile the revision's part of
    /// the file up to the root without gap or overlap, so that no byte is left out. Earlier parts are those of the
    /// revisions listed.
    ///
    /// # Errors
    /// `Hash` or `Corrupt`.
    pub fn check_blocks(&self, blocks: &[BlockRecord]) -> Result<(), Error> {
        let corrupt = |offset_bytes, rule| Error::Corrupt { what: "block table", offset_bytes, rule };
        let part = self.trailer.part_bytes();
        let mut end = part;
        for block in blocks.iter().filter(|block| block.foreign.is_none()) {
            let block_end = block.end_bytes().ok_or_else(|| corrupt(end, "a block lies past the end"))?;
            if block.offset_bytes < part {
                if end != part || block_end > part || block.offset_bytes < Header::N_BYTES as u64 {
                    return Err(corrupt(block.offset_bytes, "a block lies in no revision's part"));
                }
                continue;
            }
            if block.offset_bytes != end {
                return Err(corrupt(end, "blocks leave a gap"));
            }
            end = block_end;
        }
        for (offset, size) in self.root.page_frames() {
            if offset < part && offset.saturating_add(size) <= part {
                continue;
            }
            if offset != end {
                return Err(corrupt(end, "manifest pages leave a gap"));
            }
            end = offset.saturating_add(size);
        }
        if end != self.trailer.root_offset_bytes {
            return Err(corrupt(end, "frames leave a gap before the root"));
        }
        let mut tree = MerkleTree::default();
        tree.extend(blocks.iter().filter(|block| block.foreign.is_none()).map(|block| block.hash));
        let found = tree.root();
        if found != self.trailer.merkle_root {
            return Err(Error::hash(
                "Merkle root",
                self.trailer.root_offset_bytes,
                &self.trailer.merkle_root,
                &found,
            ));
        }
        Ok(())
    }
}

fn corrupt(trailer: &Trailer, rule: &'static str) -> Error {
    Error::Corrupt { what: "root record", offset_bytes: trailer.root_offset_bytes, rule }
}

/// Changes who can open an encrypted archive: `password` opens it, and `rewrap` makes the slots it has from now on
/// of its key and its id. Returns the root frame and the trailer that replace the old ones; all other frames stay
/// as they are.
///
/// # Errors
/// As [`Manifest::open_with`]; what `rewrap` returns; `InvalidArgument` if the archive is not encrypted.
pub fn rekeyed_tail(
    header: &[u8],
    root_frame: &[u8],
    trailer: Trailer,
    password: &[u8],
    limits: &Limits,
    rewrap: impl FnOnce(&crate::DataKey, &[u8; 16]) -> Result<Vec<KeySlot>, Error>,
) -> Result<Vec<u8>, Error> {
    let parsed = Header::parse(header)?;
    trailer.check_seal(header, root_frame)?;
    if !parsed.is_encrypted {
        return Err(Error::InvalidArgument { what: "the archive is not encrypted" });
    }
    if trailer.revision > 1 {
        let what = "the slots of an archive that was appended to stay in its earlier revisions: flatten it into another";
        return Err(Error::InvalidArgument { what });
    }
    let mut sealed = SealedRoot::parse(root_frame, trailer.root_offset_bytes, limits)?;
    let key = sealed.record.unlock(&parsed.archive_id, password, limits)?;
    sealed.record = sealed.record.with_slots(rewrap(&key, &parsed.archive_id)?)?;
    let mut tail = sealed.encode();
    let root_frame_bytes = tail.len() as u64;
    let file_bytes = trailer.root_offset_bytes + root_frame_bytes + Trailer::N_BYTES as u64;
    let trailer = Trailer { root_frame_bytes, file_bytes, ..trailer };
    let (_, encoded) = trailer.sealed(header, &tail);
    tail.extend_from_slice(&encoded);
    Ok(tail)
}
