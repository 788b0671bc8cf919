use crate::{BlockRecord, Error, Header, Limits, MerkleTree, PageRef, Root, Table, Trailer};

/// An opened archive's metadata: the seal was checked over header, root and trailer.
#[derive(Debug, Clone)]
pub struct Manifest {
    header: Header,
    trailer: Trailer,
    root: Root,
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
        let parsed = Header::parse(header)?;
        trailer.check_seal(header, root_frame)?;
        let root = Root::parse(root_frame, trailer.root_offset_bytes, limits)?;
        let manifest = Self { header: parsed, trailer, root };
        if let Table::Inline(blocks) = &manifest.root.blocks {
            manifest.check_blocks(blocks)?;
        }
        Ok(manifest)
    }

    /// A manifest of blocks alone, that no seal vouches for: each block still vouches for itself. For salvage,
    /// which finds blocks by their hash wherever they lie.
    #[must_use]
    pub fn without_seal(blocks: Vec<BlockRecord>) -> Self {
        let root = Root {
            n_items: 0,
            n_blocks: blocks.len() as u64,
            items: Table::Inline(Vec::new()),
            blocks: Table::Inline(blocks),
            chunks: Table::Inline(Vec::new()),
            chunking: None,
            metadata: None,
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
        Self { header: Header::default(), trailer, root }
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

    /// Checks the Merkle root over `blocks`, the whole table, and that blocks and pages tile the file from the
    /// header to the root without gap or overlap, so that no byte is left out.
    ///
    /// # Errors
    /// `Hash` or `Corrupt`.
    pub fn check_blocks(&self, blocks: &[BlockRecord]) -> Result<(), Error> {
        let corrupt = |offset_bytes, rule| Error::Corrupt { what: "block table", offset_bytes, rule };
        let mut end = Header::N_BYTES as u64;
        for block in blocks {
            if block.offset_bytes != end {
                return Err(corrupt(end, "blocks leave a gap"));
            }
            end = block.end_bytes().ok_or_else(|| corrupt(end, "a block lies past the end"))?;
        }
        for (offset, size) in self.root.page_frames() {
            if offset != end {
                return Err(corrupt(end, "manifest pages leave a gap"));
            }
            end = offset.saturating_add(size);
        }
        if end != self.trailer.root_offset_bytes {
            return Err(corrupt(end, "frames leave a gap before the root"));
        }
        let mut tree = MerkleTree::default();
        tree.extend(blocks.iter().map(|block| block.hash));
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
