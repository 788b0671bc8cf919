//! Reading archives: from the end, piece by piece, every byte checked before it is used.

mod animation;
mod audio;
mod brief_lock;
mod cache;
mod chunks;
mod content;
mod generation;
mod image;
mod item;
mod jobs;
mod open;
mod parents;
mod read_ahead;
mod revisions;
mod spares;
mod tables;
mod tensor;
mod tensor_bytes;
mod unpackers;
mod uses;
mod verify;

pub use animation::{Animation, AnimationItem, FrameCache, FrameInfo};
pub use audio::AudioItem;
pub use content::{FileMap, Summary};
pub(crate) use content::{Held, Reading};
pub use generation::GenerationItem;
pub use image::ImageItem;
pub use item::Item;
pub(crate) use jobs::{Place, jobs_of, weight_of};
pub use open::OpenOptions;
pub(crate) use open::{Ends, read_ends};
pub(crate) use parents::Home;
pub use parents::ParentInfo;
pub use revisions::{Revision, RevisionInfo};
pub use tensor::TensorItem;
pub(crate) use uses::Uses;
pub(crate) use verify::verify_item;
pub use verify::{Finding, VerifyOptions, VerifyReport};

use crate::{Error, Limits, Metadata, Result, memory};
use cache::BlockCache;
use holotype_container::{BlockRecord, FORMAT_VERSION, ItemKind, ItemRecord, Manifest, Unpacker, hex};
use holotype_store::{FileSource, MemorySource, PrefixSource, ReadAt};
use parents::Parents;
use spares::Spares;
use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tables::Tables;
use unpackers::Unpackers;

/// Bytes of decoded blocks kept by default.
const CACHE_BYTES: u64 = 512 << 20;

/// An open archive. Cheap to share between threads; safe after `fork`.
///
/// ```
/// # use holotype::{ImageDescriptor, ImageOptions, Metadata, SampleType, SourceImage, Writer, WriterOptions};
/// # let descriptor = ImageDescriptor::new(4, 2, 1, SampleType::U8);
/// # let image = SourceImage { descriptor, metadata: Metadata::default() };
/// # let mut writer = Writer::new(Vec::new(), WriterOptions::default())?;
/// # writer.add_image("scan.png", &image, &[0, 1, 2, 3, 4, 5, 6, 7], &ImageOptions::default())?;
/// # writer.add_file("notes.txt", &mut &b"found in 1887"[..], None)?;
/// # let bytes = writer.finish()?.0;
/// use holotype::Archive;
/// // `Archive::open("finds.holo")?` for a file.
/// let archive = Archive::from_bytes(bytes)?;
/// let names: Vec<_> = archive.items()?.iter().map(|item| item.name().to_owned()).collect();
/// assert_eq!(names, ["scan.png", "notes.txt"]);
/// assert_eq!(archive.image("scan.png")?.read()?, [0, 1, 2, 3, 4, 5, 6, 7]);
/// let mut notes = Vec::new();
/// archive.read_file("notes.txt", &mut |bytes| {
///     notes.extend_from_slice(bytes);
///     Ok(())
/// })?;
/// assert_eq!(notes, b"found in 1887");
/// # Ok::<(), holotype::Error>(())
/// ```
pub struct Archive {
    source: Arc<dyn ReadAt>,
    path: PathBuf,
    manifest: Manifest,
    tables: Tables,
    cache: BlockCache,
    unpackers: Unpackers,
    /// Buffers of frames as they are stored.
    frames: Spares,
    parents: Parents,
    limits: Limits,
    read_ahead: bool,
}

impl std::fmt::Debug for Archive {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Archive")
            .field("path", &self.path)
            .field("seal", &self.seal_hex())
            .finish_non_exhaustive()
    }
}

impl Archive {
    /// Opens a file: reads its end and its first bytes and checks the seal over all metadata.
    ///
    /// # Errors
    /// `Io`; `Corrupt`, `Truncated` or `Unsupported` if it is no sealed archive of a known version.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_with(path, &OpenOptions::default())
    }

    /// [`Self::open`] with a password or other limits.
    ///
    /// While someone appends to the archive it is the last whole revision that is opened: the next one is not there
    /// before it is committed.
    ///
    /// # Errors
    /// As [`Self::open`]; `Decryption` if the archive is encrypted and the password is missing or wrong.
    pub fn open_with(path: impl AsRef<Path>, options: &OpenOptions) -> Result<Self> {
        let path = path.as_ref();
        match Self::open_file(path, options) {
            Err(error) if revisions::may_be_growing(&error, options) => {
                Self::open_while_appended(path, options, error)
            }
            opened => opened,
        }
    }

    /// [`Self::open_with`], whoever appends to it.
    pub(crate) fn open_file(path: &Path, options: &OpenOptions) -> Result<Self> {
        let source = FileSource::open(path).map_err(|e| Error::io(path, e))?;
        Self::open_at(Box::new(source), path, options, Home::of(path)?)
    }

    /// Opens an archive in memory.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn from_bytes(bytes: impl AsRef<[u8]> + Send + Sync + 'static) -> Result<Self> {
        Self::open_source(Box::new(MemorySource::new(bytes)), "<memory>", Limits::default())
    }

    /// Opens any source; `path` is for messages.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_source(source: Box<dyn ReadAt>, path: impl AsRef<Path>, limits: Limits) -> Result<Self> {
        Self::open_source_with(source, path, &OpenOptions::default().with_limits(limits))
    }

    /// [`Self::open_source`] with a password.
    ///
    /// # Errors
    /// As [`Self::open_with`].
    pub fn open_source_with(
        source: Box<dyn ReadAt>,
        path: impl AsRef<Path>,
        options: &OpenOptions,
    ) -> Result<Self> {
        Self::open_at(source, path.as_ref(), options, Home::Nowhere)
    }

    pub(crate) fn open_at(
        source: Box<dyn ReadAt>,
        path: &Path,
        options: &OpenOptions,
        home: Home,
    ) -> Result<Self> {
        let path = path.to_path_buf();
        let mut source: Arc<dyn ReadAt> = source.into();
        let manifest = match open::open_manifest(source.as_ref(), &path, options) {
            Err(Error::Container(holotype_container::Error::NotAnArchive { .. }))
                if options.revision != Revision::Last =>
            {
                let whole = revisions::last_whole(source.as_ref(), &path, &options.limits)?;
                source = Arc::new(PrefixSource::new(source, whole.end_bytes));
                open::open_manifest(source.as_ref(), &path, options)?
            }
            manifest => manifest?,
        };
        let cache = BlockCache::new(CACHE_BYTES);
        let (tables, parents) = (Tables::default(), Parents::new(options, home));
        let (limits, read_ahead) = (options.limits, true);
        let (unpackers, frames) = (Unpackers::default(), Spares::default());
        let archive =
            Self { source, path, manifest, tables, cache, unpackers, frames, parents, limits, read_ahead };
        match options.revision {
            Revision::Number(number) if number != archive.revision() => archive.at_revision(number),
            _ => Ok(archive),
        }
    }

    /// True if it is encrypted.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.manifest.encryption().is_some()
    }

    /// Blocks of a damaged archive that no seal vouches for: each is still checked by its own hash. `items`, in the
    /// order of their names, are found by those that need them.
    pub(crate) fn without_seal(
        source: Box<dyn ReadAt>,
        path: &Path,
        blocks: Vec<BlockRecord>,
        items: Vec<ItemRecord>,
        limits: Limits,
    ) -> Self {
        let manifest = Manifest::without_seal(blocks, items);
        let (path, cache) = (path.to_path_buf(), BlockCache::new(CACHE_BYTES));
        let (tables, parents) = (Tables::default(), Parents::default());
        let (unpackers, frames) = (Unpackers::default(), Spares::default());
        let (source, read_ahead) = (source.into(), true);
        Self { source, path, manifest, tables, cache, unpackers, frames, parents, limits, read_ahead }
    }

    /// Keeps at most `n_bytes` of decoded blocks of files for further reads; default 512 MiB, taken as they are read.
    #[must_use]
    pub fn with_cache_bytes(mut self, n_bytes: u64) -> Self {
        self.cache = BlockCache::new(n_bytes);
        self
    }

    /// Whether reads that follow each other fetch ahead from a source far away; default true.
    #[must_use]
    pub fn with_read_ahead(mut self, read_ahead: bool) -> Self {
        self.read_ahead = read_ahead;
        self
    }

    /// Bytes of the archive.
    #[must_use]
    pub fn n_bytes(&self) -> u64 {
        self.source.len_bytes()
    }

    /// Where it was opened; for messages if that was no file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The format version it was written in.
    #[must_use]
    pub fn format_version(&self) -> u8 {
        FORMAT_VERSION
    }

    /// Number of its revision.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.manifest.trailer().revision
    }

    /// The seal: SHA-256 over everything that vouches for every byte.
    #[must_use]
    pub fn seal(&self) -> [u8; 32] {
        self.manifest.trailer().seal
    }

    /// The seal in hexadecimal.
    #[must_use]
    pub fn seal_hex(&self) -> String {
        hex(&self.seal())
    }

    /// Metadata of the archive as a whole.
    ///
    /// # Errors
    /// `Corrupt` if it is malformed.
    pub fn metadata(&self) -> Result<Metadata> {
        let Some(stored) = &self.manifest.root().metadata else { return Ok(Metadata::default()) };
        let rule = "the archive's metadata is malformed";
        crate::image::wire::decode_metadata(stored)
            .ok_or_else(|| Error::Item { item: "the archive".into(), rule })
    }

    /// The limits it is read under.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Number of items.
    #[must_use]
    pub fn n_items(&self) -> u64 {
        self.manifest.root().n_items
    }

    /// All items, in the order they were added.
    ///
    /// # Errors
    /// `Corrupt` or `Io` if a manifest page cannot be read.
    pub fn items(&self) -> Result<Vec<Item<'_>>> {
        self.items_on(1)
    }

    /// [`Self::items`], read on `n_threads` threads (0: what the machine offers).
    pub(crate) fn items_on(&self, n_threads: usize) -> Result<Vec<Item<'_>>> {
        let mut records = tables::all_items(self, n_threads)?;
        records.sort_by_key(|record| record.ordinal);
        Ok(records.into_iter().map(|record| Item::new(self, record)).collect())
    }

    /// At most `n` items in the order of their names, from the first that is not before `name`.
    ///
    /// Of an archive whose items fill pages only the pages in that range are read.
    ///
    /// # Errors
    /// `Corrupt` or `Io` if a manifest page cannot be read.
    ///
    /// # Examples
    /// ```
    /// use holotype::{Archive, Writer, WriterOptions};
    /// let mut writer = Writer::new(Vec::new(), WriterOptions::default())?;
    /// for name in ["b/2", "a/1", "b/1"] {
    ///     writer.add_file(name, &mut name.as_bytes(), None)?;
    /// }
    /// let archive = Archive::from_bytes(writer.finish()?.0)?;
    /// let names: Vec<_> = archive.items_from("b", 10)?.iter().map(|item| item.name().to_owned()).collect();
    /// assert_eq!(names, ["b/1", "b/2"]);
    /// # Ok::<(), holotype::Error>(())
    /// ```
    pub fn items_from(&self, name: &str, n: usize) -> Result<Vec<Item<'_>>> {
        let records = tables::items_from(self, name, n)?;
        Ok(records.into_iter().map(|record| Item::new(self, record)).collect())
    }

    /// The item named `name`.
    ///
    /// # Errors
    /// `NotFound`; `Corrupt` or `Io` if its manifest page cannot be read.
    pub fn item(&self, name: &str) -> Result<Item<'_>> {
        let record = tables::item(self, name)?.ok_or_else(|| Error::NotFound { name: name.to_owned() })?;
        Ok(Item::new(self, record))
    }

    /// The kind of the item named `name`.
    ///
    /// # Errors
    /// As [`Self::item`].
    pub fn kind(&self, name: &str) -> Result<ItemKind> {
        Ok(self.item(name)?.kind())
    }

    /// The image named `name`: its description and, when asked, its samples.
    ///
    /// # Errors
    /// As [`Self::item`]; `InvalidArgument` if it is no image; `LimitExceeded`.
    pub fn image(&self, name: &str) -> Result<ImageItem<'_>> {
        ImageItem::open(self.item(name)?)
    }

    /// The first image in the order of adding.
    ///
    /// # Errors
    /// `NotFound` if there is none.
    pub fn first_image(&self) -> Result<ImageItem<'_>> {
        let first = self.items()?.into_iter().find(|item| item.kind() == ItemKind::Image);
        ImageItem::open(first.ok_or_else(|| Error::NotFound { name: "<an image>".into() })?)
    }

    /// The tensor named `name`: its description and, when asked, its elements.
    ///
    /// # Errors
    /// As [`Self::item`]; `InvalidArgument` if it is no tensor; `LimitExceeded`.
    pub fn tensor(&self, name: &str) -> Result<TensorItem<'_>> {
        TensorItem::open(self.item(name)?)
    }

    /// The animation named `name`: its description and, when asked, its frames.
    ///
    /// # Errors
    /// As [`Self::item`]; `InvalidArgument` if it is no animation; `LimitExceeded`.
    pub fn animation(&self, name: &str) -> Result<AnimationItem<'_>> {
        AnimationItem::open(self.item(name)?)
    }

    /// The sound named `name`.
    ///
    /// # Errors
    /// As [`Self::item`]; `InvalidArgument` if it is no sound.
    pub fn audio(&self, name: &str) -> Result<AudioItem<'_>> {
        AudioItem::open(self.item(name)?)
    }

    /// Hands the bytes of the file item `name` to `sink`, block by block, and checks their SHA-256.
    ///
    /// # Errors
    /// As [`Self::item`]; `InvalidArgument` if it is no file; `Corrupt` if a block or the whole is damaged,
    /// after the blocks before it were handed out; what `sink` returns.
    pub fn read_file(&self, name: &str, sink: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        self.item(name)?.read_file(0, sink)
    }

    /// Checks structure, every block and every content hash.
    ///
    /// # Errors
    /// Only if the check itself cannot be made; damage is in the report.
    ///
    /// # Examples
    /// ```
    /// use holotype::{Archive, VerifyOptions, Writer, WriterOptions};
    /// let mut writer = Writer::new(Vec::new(), WriterOptions::default())?;
    /// writer.add_file("letter", &mut &b"Dear reader"[..], None)?;
    /// let (mut bytes, _seal) = writer.finish()?;
    /// let report = Archive::from_bytes(bytes.clone())?.verify(&VerifyOptions::default())?;
    /// assert!(report.is_good());
    /// bytes[70] ^= 1;
    /// let report = Archive::from_bytes(bytes)?.verify(&VerifyOptions::default())?;
    /// assert_eq!(report.findings[0].item.as_deref(), Some("letter"));
    /// assert_eq!(report.findings[0].offset_bytes, Some(32));
    /// # Ok::<(), holotype::Error>(())
    /// ```
    pub fn verify(&self, options: &VerifyOptions) -> Result<VerifyReport> {
        verify::verify(self, options)
    }

    /// Fills `out` with bytes of the archive as they lie, for someone who checks them.
    ///
    /// # Errors
    /// `Truncated` past the end; `Io`.
    pub fn read_stored(&self, offset_bytes: u64, out: &mut [u8]) -> Result<()> {
        out.copy_from_slice(&self.read(offset_bytes, out.len() as u64)?);
        Ok(())
    }

    /// Reads bytes of the archive as they lie.
    fn read(&self, offset_bytes: u64, n_bytes: u64) -> Result<Cow<'_, [u8]>> {
        read(self.source.as_ref(), &self.path, offset_bytes, n_bytes)
    }

    /// [`Self::read`] of so many bytes from an offset on, by way of a buffer unless the source holds them in memory.
    fn read_into<'a>(
        &'a self,
        (offset_bytes, n_bytes): (u64, u64),
        buffer: &'a mut Vec<u8>,
    ) -> Result<&'a [u8]> {
        let source = self.source.as_ref();
        if let Some(bytes) = source.slice(offset_bytes, n_bytes) {
            return Ok(bytes);
        }
        check_range(source, offset_bytes, n_bytes)?;
        memory::resize(buffer, "a read", n_bytes)?;
        source.read_exact_at(offset_bytes, buffer).map_err(|e| Error::of_read(&self.path, e))?;
        Ok(buffer)
    }

    /// Tells the source which blocks are read next, so that one far away fetches neighbours together.
    fn will_read(&self, ids: impl Iterator<Item = u64>) -> Result<()> {
        let mut ranges = Vec::new();
        for id in ids {
            let block = self.block(id)?;
            if block.foreign.is_none() {
                ranges.push(block.offset_bytes..block.offset_bytes.saturating_add(block.frame_bytes()));
            }
        }
        self.source.will_read(&ranges).map_err(|e| Error::io(&self.path, e))
    }

    pub(crate) fn block(&self, id: u64) -> Result<BlockRecord> {
        tables::block(self, id)
    }

    /// Reads block `id`, checks it, and hands its stored payload to `work`.
    pub(crate) fn with_block<T>(
        &self,
        item: &str,
        id: u64,
        work: impl FnOnce(&BlockRecord, &[u8]) -> Result<T>,
    ) -> Result<T> {
        let (parent, owned_id) = self.owner(id)?;
        let owner = parent.as_deref().unwrap_or(self);
        let block = owner.block(owned_id)?;
        let in_item = |source| Error::Block { item: item.to_owned(), source };
        let mut buffer = self.frames.take(block.frame_bytes());
        let range = (block.offset_bytes, block.frame_bytes());
        let frame = owner.read_into(range, &mut buffer).map_err(|error| match error {
            Error::Container(source) => in_item(source),
            error => error,
        })?;
        let opened = owner.manifest.open_block(&block, frame, &self.limits.container).map_err(in_item)?;
        let done = work(&block, opened.bytes());
        drop(opened);
        self.frames.give(buffer);
        done
    }

    /// Reads a raw or packed block whole.
    pub(crate) fn unpacked(&self, item: &str, id: u64, max_bytes: u64) -> Result<Vec<u8>> {
        self.unpacked_start(item, id, max_bytes, u64::MAX)
    }

    /// [`Self::unpacked`], of which the first `n_bytes` are needed; what follows them may be left out. All that is
    /// stored is checked against its hash in any case.
    fn unpacked_start(&self, item: &str, id: u64, max_bytes: u64, n_bytes: u64) -> Result<Vec<u8>> {
        self.with_block(item, id, |block, payload| {
            if block.raw_bytes > max_bytes {
                return Err(Error::LimitExceeded {
                    what: "the size of a block",
                    found: block.raw_bytes,
                    limit: max_bytes,
                });
            }
            let rule = "a block has no codec of bytes, or does not unpack to its recorded size";
            let n_bytes = n_bytes.min(block.raw_bytes);
            let buffer = self.cache.spares.take(block.raw_bytes);
            let start = |unpacker: &mut Unpacker| {
                unpacker.start_of_block(block.codec, payload, block.raw_bytes, n_bytes, buffer)
            };
            self.unpackers.with(start).ok_or_else(|| Error::Item { item: item.to_owned(), rule })
        })
    }
}

/// Reads bytes of a source, without a copy where it holds them in memory.
pub(crate) fn read<'a>(
    source: &'a dyn ReadAt,
    path: &Path,
    offset_bytes: u64,
    n_bytes: u64,
) -> Result<Cow<'a, [u8]>> {
    if let Some(bytes) = source.slice(offset_bytes, n_bytes) {
        return Ok(Cow::Borrowed(bytes));
    }
    check_range(source, offset_bytes, n_bytes)?;
    let mut bytes = memory::zeroed("a read", n_bytes)?;
    source.read_exact_at(offset_bytes, &mut bytes).map_err(|e| Error::of_read(path, e))?;
    Ok(Cow::Owned(bytes))
}

/// A range that lies in the source, so that no memory is taken for one that does not.
fn check_range(source: &dyn ReadAt, offset_bytes: u64, n_bytes: u64) -> Result<()> {
    if offset_bytes.checked_add(n_bytes).is_some_and(|end| end <= source.len_bytes()) {
        return Ok(());
    }
    Err(holotype_container::Error::Truncated {
        what: "archive",
        offset_bytes,
        expected: n_bytes,
        found: source.len_bytes().saturating_sub(offset_bytes),
    }
    .into())
}

/// Shared records of an archive's items.
type SharedRecord = Arc<ItemRecord>;
