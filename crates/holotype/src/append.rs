//! New revisions of archives that are there. `docs/format.md` §16.

use crate::archive::Item;
use crate::checkpoint::Part;
use crate::encryption::random;
use crate::pack::PARENT_CACHE_BYTES;
use crate::{Archive, Error, OpenOptions, Result, Revision, Writer, WriterOptions, animation, tensor};
use holotype_container::{ArchiveBuilder, ItemKind, ItemRecord};
use holotype_store::AppendFile;
use std::collections::HashMap;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The end of an archive on disk, to which a new revision is written; what was there stays as it is.
///
/// While it is open no one else can append to the archive. Dropped without a commit it cuts off what was written.
///
/// ```
/// use holotype::{AppendOutput, Archive, OpenOptions, Writer, WriterOptions};
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("finds.holo");
/// # std::fs::write(&path, Writer::new(Vec::new(), WriterOptions::default())?.finish()?.0).unwrap();
/// let (out, base) = AppendOutput::open(&path, &OpenOptions::default())?;
/// let mut writer = Writer::append(base, out, WriterOptions::default())?;
/// writer.add_file("letter", &mut &b"Dear reader"[..], None)?;
/// writer.finish()?.0.commit()?;
/// assert_eq!(Archive::open(&path)?.revision(), 2);
/// # Ok::<(), holotype::Error>(())
/// ```
#[derive(Debug)]
pub struct AppendOutput {
    file: BufWriter<AppendFile>,
    path: PathBuf,
    n_bytes: u64,
}

impl AppendOutput {
    /// Opens the archive at `path` and cuts off what an interrupted append left.
    ///
    /// # Errors
    /// `Io`, `WouldBlock` in it while someone else appends; as [`Archive::open_with`]; `Corrupt` if what follows the
    /// last whole revision may be a damaged one: nothing is cut off then.
    pub fn open(path: impl AsRef<Path>, options: &OpenOptions) -> Result<(Self, Archive)> {
        let path = path.as_ref();
        let failed = |e| Error::io(path, e);
        let mut file = AppendFile::open(path).map_err(failed)?;
        let options = options.clone().with_revision(Revision::Last);
        let base = match Archive::open_file(path, &options) {
            Err(Error::Container(holotype_container::Error::NotAnArchive { .. })) => {
                Archive::open_before_torn(path, &options)?.map_err(|offset_bytes| {
                    let rule = "what follows the last whole revision may be a damaged one: salvage it first";
                    holotype_container::Error::Corrupt { what: "archive", offset_bytes, rule }
                })?
            }
            base => base?,
        };
        file.begin(base.n_bytes()).map_err(failed)?;
        let n_bytes = base.n_bytes();
        let file = BufWriter::with_capacity(1 << 18, file);
        Ok((Self { file, path: path.to_path_buf(), n_bytes }, base))
    }

    /// Bytes of the archive, what was written included.
    #[must_use]
    pub fn n_bytes(&self) -> u64 {
        self.n_bytes
    }

    /// Makes the revision durable.
    ///
    /// # Errors
    /// `Io`; the archive is then at the revision before.
    pub fn commit(self) -> Result<()> {
        let Self { file, path, n_bytes: _ } = self;
        file.into_inner()
            .map_err(io::IntoInnerError::into_error)
            .and_then(AppendFile::commit)
            .map_err(|e| Error::io(path, e))
    }
}

impl Write for AppendOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.file.write(bytes)?;
        self.n_bytes += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl<W: Write> Writer<W> {
    /// Starts the next revision of `base`: what is written to `out` follows its bytes, which stay as they are.
    ///
    /// Items of the revision before stay but for those that are replaced by others of their name, or removed
    /// ([`Self::remove_item`]). Content that `base` has is named, not stored again. An encrypted archive stays so; its
    /// passwords open the new revision too.
    ///
    /// [`AppendOutput`] is where `out` comes from for a file.
    ///
    /// # Errors
    /// `InvalidArgument` for options of encryption, which `base` decides, or a parent that is `base` itself; `Corrupt`
    /// if a table of `base` is damaged; `LimitExceeded` after 4096 revisions.
    pub fn append(base: Archive, out: W, options: WriterOptions) -> Result<Self> {
        let mut options = options;
        if options.encryption.is_some() {
            return Err(Error::invalid("an archive is appended to with the passwords that it has"));
        }
        if options.parents.iter().any(|parent| base.revision_of_seal(&parent.archive().seal()).is_some()) {
            return Err(Error::invalid("an archive is no parent of itself: what it has is named anyway"));
        }
        let base = base.with_cache_bytes(PARENT_CACHE_BYTES);
        let blocks = base.checked_blocks()?;
        let mut builder = base.next_revision(blocks, random()?)?;
        match base.chunking() {
            Some(chunking) => options.packing.chunking = chunking,
            None if base.is_encrypted() => {
                options.packing.chunking = options.packing.chunking.with_secret(random()?);
            }
            None => {}
        }
        let known = base.parents();
        let mut numbers = Vec::new();
        for parent in &options.parents {
            let seal = parent.archive().seal();
            numbers.push(match (0..).zip(&known).find(|(_, known)| known.seal == seal) {
                Some((number, _)) => number,
                None => builder.add_parent(parent.record())?,
            });
        }
        let base = Base { archive: Arc::new(base), drops_all: false };
        Ok(Self::with(out, builder, options, numbers, Some(base)))
    }

    /// True if an item of that name was added, or is in the revision before and was not removed.
    ///
    /// # Errors
    /// `Corrupt` or `Io` if a manifest page cannot be read.
    pub fn has_item(&mut self, name: &str) -> Result<bool> {
        if !self.is_free(name) {
            return Ok(true);
        }
        let Ok((base, builder)) = self.base_and_builder() else { return Ok(false) };
        if base.drops_all || builder.is_gone(name) {
            return Ok(false);
        }
        match base.archive.item(name) {
            Ok(_) => Ok(true),
            Err(Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The revision before, of which item `name` is still in the new one and is about to be replaced.
    pub(crate) fn base_with(&mut self, name: &str) -> Result<Arc<Archive>> {
        self.check_name(name)?;
        let (base, builder) = self.base_and_builder()?;
        if base.drops_all || builder.is_gone(name) {
            return Err(Error::NotFound { name: name.to_owned() });
        }
        Ok(base.archive.clone())
    }

    /// Leaves an item of the revision before out of the new one; it stays in the old one.
    ///
    /// # Errors
    /// `NotFound` if there is none; `InvalidArgument` for a writer that does not append, or if it was replaced already.
    pub fn remove_item(&mut self, name: &str) -> Result<()> {
        let is_added = !self.is_free(name);
        let (base, builder) = self.base_and_builder()?;
        base.archive.item(name)?;
        if is_added {
            return Err(Error::invalid(format!("`{name}` was added to this revision")));
        }
        builder.remove_item(name);
        Ok(())
    }

    /// Leaves all items of the revision before out of the new one: it will hold what is added from here on.
    ///
    /// # Errors
    /// `InvalidArgument` for a writer that does not append, or that added something already.
    pub fn remove_all_items(&mut self) -> Result<()> {
        let has_pending = self.has_pending_items();
        let (base, builder) = self.base_and_builder()?;
        if has_pending || builder.n_new_items() > 0 {
            return Err(Error::invalid("items are removed before others are added"));
        }
        base.drops_all = true;
        builder.remove_all_items();
        Ok(())
    }
}

/// The archive that a writer appends to.
#[derive(Debug, Clone)]
pub(crate) struct Base {
    pub(crate) archive: Arc<Archive>,
    /// True if none of its items stay.
    drops_all: bool,
}

impl Base {
    /// Takes the pages apart that hold changed items, and checks that no item refers to one that is gone.
    pub(crate) fn settle(&self, builder: &mut ArchiveBuilder) -> Result<()> {
        let archive = &self.archive;
        let mut is_changed = self.drops_all;
        for page in builder.changed_pages() {
            let items = archive.item_page(&page)?;
            is_changed |= items.iter().any(|item| builder.is_gone(&item.name));
            builder.take_apart(&page, items);
        }
        is_changed |= builder.has_gone_items();
        if !is_changed {
            return Ok(());
        }
        let mut items: HashMap<String, ItemRecord> = HashMap::new();
        for item in builder.new_items() {
            let item = item?;
            items.insert(item.name.clone(), item);
        }
        if !self.drops_all {
            for item in archive.items()? {
                if !builder.is_gone(item.name()) {
                    items.entry(item.name().to_owned()).or_insert_with(|| item.record().clone());
                }
            }
        }
        items.values().try_for_each(|item| check_references(item, &items))?;
        for item in archive.items()?.iter().filter(|item| items.get(item.name()) == Some(item.record())) {
            check_parts(item, &items)?;
        }
        Ok(())
    }
}

/// Checks that the tensors which a file that stays is made of are what they were.
fn check_parts(file: &Item<'_>, items: &HashMap<String, ItemRecord>) -> Result<()> {
    for part in file.parts()?.unwrap_or_default() {
        let Part::Tensor(name) = part else { continue };
        let before = file.archive().item(&name)?.content_sha256();
        if items.get(&name).is_none_or(|now| now.content_sha256 != before) {
            return Err(needs(file.record(), &name));
        }
    }
    Ok(())
}

fn needs(item: &ItemRecord, name: &str) -> Error {
    Error::invalid(format!(
        "`{}` needs `{name}`, which is not in the new revision as it was: replace or remove both",
        item.name
    ))
}

/// Checks what an item cannot do without: the file a hard link names, a tensor's parent, an animation's sound and colour.
fn check_references(item: &ItemRecord, items: &HashMap<String, ItemRecord>) -> Result<()> {
    let refuse = |name: &str| Err(needs(item, name));
    if let Some(name) = &item.attributes.hard_link {
        let is_same = |file: &ItemRecord| {
            file.kind == ItemKind::File
                && file.attributes.hard_link.is_none()
                && (file.content_sha256, file.raw_bytes) == (item.content_sha256, item.raw_bytes)
        };
        if !items.get(name).is_some_and(is_same) {
            return refuse(name);
        }
    }
    if item.kind == ItemKind::Tensor
        && let Some(parent) =
            tensor::wire::decode_descriptor(&item.descriptor).and_then(|described| described.parent)
        && parent.seal.is_none()
    {
        let is_parent =
            |other: &ItemRecord| other.ordinal < item.ordinal && other.content_sha256 == parent.sha256;
        if !items.get(&parent.name).is_some_and(is_parent) {
            return refuse(&parent.name);
        }
    }
    if item.kind == ItemKind::Animation
        && let Some(described) = animation::wire::decode_descriptor(&item.descriptor)
    {
        let is_audio = |name: &&String| items.get(*name).is_some_and(|other| other.kind == ItemKind::Audio);
        if let Some(name) = described.description.audio.iter().find(|name| !is_audio(name)) {
            return refuse(name);
        }
        if let Some(name) = &described.description.chroma {
            let n_frames = |other: &ItemRecord| {
                let described = animation::wire::decode_descriptor(&other.descriptor);
                described.map(|described| described.description.n_frames)
            };
            let n_chroma =
                items.get(name).filter(|other| other.kind == ItemKind::Animation).and_then(n_frames);
            if n_chroma != Some(described.description.n_frames) {
                return refuse(name);
            }
        }
    }
    Ok(())
}
