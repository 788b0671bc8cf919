use super::{Archive, SharedRecord};
use crate::image::decode::{self, UseTile};
use crate::image::grid::TileGrid;
use crate::image::preview::{PREVIEW_EDGE, Preview};
use crate::image::wire;
use crate::writer::decode_metadata_block;
use crate::{Error, ImageDescriptor, Metadata, Region, Result};
use holotype_container::{Codec, FileAttributes, ItemKind, ItemRecord, hex};

/// One item of an archive.
#[derive(Debug, Clone)]
pub struct Item<'a> {
    archive: &'a Archive,
    record: SharedRecord,
}

impl<'a> Item<'a> {
    pub(crate) fn new(archive: &'a Archive, record: SharedRecord) -> Self {
        Self { archive, record }
    }

    pub(crate) fn archive(&self) -> &'a Archive {
        self.archive
    }

    pub(super) fn shared(&self) -> &SharedRecord {
        &self.record
    }

    pub(crate) fn record(&self) -> &ItemRecord {
        &self.record
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.record.name
    }

    /// What it is.
    #[must_use]
    pub fn kind(&self) -> ItemKind {
        self.record.kind
    }

    /// Bytes of its raw content.
    #[must_use]
    pub fn raw_bytes(&self) -> u64 {
        self.record.raw_bytes
    }

    /// Bytes and SHA-256 of the file it is, or of the file an image stands for; `None` if it is neither.
    #[must_use]
    pub fn file(&self) -> Option<(u64, [u8; 32])> {
        match &self.record.restored {
            Some(file) => Some((file.n_bytes, file.sha256)),
            None if self.record.kind == ItemKind::File => {
                Some((self.record.raw_bytes, self.record.content_sha256))
            }
            None => None,
        }
    }

    /// What the file system it comes from knew of it.
    #[must_use]
    pub fn attributes(&self) -> &FileAttributes {
        &self.record.attributes
    }

    /// SHA-256 of its raw content.
    #[must_use]
    pub fn content_sha256(&self) -> [u8; 32] {
        self.record.content_sha256
    }

    /// SHA-256 of its raw content, in hexadecimal.
    #[must_use]
    pub fn content_sha256_hex(&self) -> String {
        hex(&self.record.content_sha256)
    }

    /// Its metadata, checked.
    ///
    /// # Errors
    /// `Corrupt` if the block it is in is damaged; `LimitExceeded`; `Io`.
    pub fn metadata(&self) -> Result<Metadata> {
        use holotype_container::Metadata as Stored;
        let limits = &self.archive.limits;
        let metadata = match &self.record.metadata {
            None => Some(Metadata::default()),
            Some(Stored::Inline(value)) => crate::image::wire::decode_metadata(value),
            Some(Stored::Block(id)) => {
                let bytes = self.archive.unpacked(self.name(), *id, limits.max_metadata_bytes)?;
                decode_metadata_block(&bytes, limits)?
            }
            Some(_) => None,
        };
        metadata.ok_or_else(|| self.broken("the metadata is malformed"))
    }

    /// Where its first block starts in the archive; none if it has no blocks of its own.
    ///
    /// # Errors
    /// `Corrupt` or `Io` if a manifest page cannot be read.
    pub fn offset_bytes(&self) -> Result<Option<u64>> {
        let first = self.record.content_block(0);
        first.map(|id| Ok(self.archive.block(id)?.offset_bytes)).transpose()
    }

    /// True if a preview is stored.
    #[must_use]
    pub fn has_preview(&self) -> bool {
        self.record.preview.is_some()
    }

    /// The stored preview, checked.
    ///
    /// # Errors
    /// `Corrupt` if it is damaged; `Io`.
    pub fn preview(&self) -> Result<Option<Preview>> {
        let Some(stored) = &self.record.preview else { return Ok(None) };
        let broken = || self.broken("the preview is malformed");
        let (descriptor, _) = wire::decode_descriptor(&stored.descriptor).ok_or_else(broken)?;
        let (width, height) = (descriptor.width, descriptor.height);
        let expected =
            ImageDescriptor::new(width, height, descriptor.n_channels, holotype_codec::SampleType::U8);
        if width > PREVIEW_EDGE
            || height > PREVIEW_EDGE
            || descriptor.n_channels > 4
            || descriptor != expected
        {
            return Err(broken());
        }
        let raw_bytes = descriptor.raw_bytes().unwrap_or(u64::MAX);
        let mut pixels = vec![0; raw_bytes as usize];
        let grid = TileGrid::new(&descriptor, PREVIEW_EDGE);
        let fetch = |_: u64, work: UseTile<'_>| self.with_tile(stored.block, raw_bytes, work);
        decode::decode_region(
            self.name(),
            &descriptor,
            &grid,
            &fetch,
            &Region::whole(&descriptor),
            &mut pixels,
            1,
        )?;
        Ok(Some(Preview { width, height, n_channels: descriptor.n_channels, pixels }))
    }

    /// Hands the payload of tile block `id` to `work`.
    pub(super) fn with_tile(&self, id: u64, raw_bytes: u64, work: UseTile<'_>) -> Result<()> {
        self.archive.with_block(self.name(), id, |block, payload| {
            if block.codec != Codec::ImageTile || block.raw_bytes != raw_bytes {
                return Err(self.broken("a tile's block has another codec or size"));
            }
            work(payload)
        })
    }
    /// A hard link is another name of a file with the same content.
    pub(crate) fn check_link(&self) -> Result<()> {
        let Some(name) = &self.record.attributes.hard_link else { return Ok(()) };
        let Ok(target) = self.archive.item(name) else {
            return Err(self.broken("it is a hard link to an item that is not there"));
        };
        let (a, b) = (self.record(), target.record());
        let is_file = b.kind == ItemKind::File && b.attributes.hard_link.is_none();
        if is_file && a.content_sha256 == b.content_sha256 && a.raw_bytes == b.raw_bytes {
            return Ok(());
        }
        Err(self.broken("it is a hard link to something else"))
    }

    pub(super) fn check_content(&self, found: [u8; 32]) -> Result<()> {
        if found == self.record.content_sha256 {
            return Ok(());
        }
        Err(Error::ContentHash {
            item: self.name().to_owned(),
            expected: self.content_sha256_hex(),
            found: hex(&found),
        })
    }

    pub(crate) fn broken(&self, rule: &'static str) -> Error {
        Error::Item { item: self.name().to_owned(), rule }
    }
}
