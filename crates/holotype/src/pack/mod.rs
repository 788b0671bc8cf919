//! Trees of files into archives: walked, ordered so that like stands by like, cut, deduplicated, grouped into blocks.

pub(crate) mod attributes;
mod exclude;
mod found_file;
mod images;
mod index;
mod names;
mod order;
mod parent;
mod profile;
mod shared;
mod source;
mod walk;
mod work;

pub use exclude::Exclude;
pub(crate) use found_file::FoundFile;
pub use parent::Parent;
pub(crate) use parent::{CACHE_BYTES as PARENT_CACHE_BYTES, Others};
pub use profile::{Packing, Profile};
pub(crate) use shared::{Addition, SharedBlocks, Sink, stored_extents};
pub(crate) use source::Source;

use crate::{Error, Metadata, Result, Writer};
use found_file::FileId;
use holotype_container::{ItemKind, ItemRecord};
use sha2::{Digest as _, Sha256};
use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use walk::{Entry, EntryKind, walk};

/// True if the name says that it is a safetensors file.
fn is_checkpoint(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("safetensors"))
}

/// What [`Writer::pack_tree`] put into the archive.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Packed {
    /// Files, each name of one counted.
    pub n_files: u64,
    /// Folders.
    pub n_directories: u64,
    /// Symbolic links.
    pub n_symlinks: u64,
    /// Of the files, those stored as images that give them back.
    pub n_images: u64,
    /// Bytes of the files, before deduplication.
    pub n_bytes: u64,
}

impl<W: Write> Writer<W> {
    /// Packs files, folders with all that is in them, and links; nothing is left out but what `exclude` names.
    ///
    /// Folders and symbolic links are added first, then files, like beside like. Content that is the same in several
    /// files is stored once. Each input gives its last name to what is in it:
    /// of `data/tree` a file is `tree/file`; one without a last name (`.`, `tree/.`) gives none.
    ///
    /// # Errors
    /// `Io` if something cannot be read; `Unsupported` for a device, pipe or socket; `InvalidArgument` if two files
    /// would get the same name, or one changes while it is read. The archive is then of no use.
    pub fn pack_tree(&mut self, inputs: &[PathBuf], exclude: &Exclude) -> Result<Packed> {
        let entries = walk(inputs, exclude, self.n_threads())?;
        let names = names::of(&entries, |name| self.is_free(name))?;
        let record = |at: usize, entry: &Entry| {
            let mut record = ItemRecord::new(names[at].clone(), ItemKind::File);
            if names[at].as_bytes() != entry.name {
                record.attributes.raw_path = Some(entry.name.clone());
            }
            record
        };
        let mut packed = Packed::default();
        let mut files: Vec<(usize, u64)> = Vec::new();
        let mut links: HashMap<usize, Vec<ItemRecord>> = HashMap::new();
        for (at, entry) in entries.iter().enumerate() {
            let mut record = record(at, entry);
            let (known, target) = match &entry.kind {
                EntryKind::File { n_bytes, .. } => {
                    files.push((at, *n_bytes));
                    continue;
                }
                EntryKind::HardLink(first) => {
                    links.entry(*first).or_default().push(record);
                    packed.n_files += 1;
                    continue;
                }
                EntryKind::Directory(known) => (known, None),
                EntryKind::Symlink(known, target) => (known, Some(target)),
            };
            record.kind = if target.is_some() { ItemKind::Symlink } else { ItemKind::Directory };
            attributes::put(&mut record, known.clone());
            record.attributes.symlink_target = target.cloned();
            record.content_sha256 = Sha256::digest([]).into();
            packed.n_symlinks += u64::from(target.is_some());
            packed.n_directories += u64::from(target.is_none());
            self.add_item(record)?;
        }
        files = self.pack_checkpoints(files, &entries, &links, &record, &mut packed)?;
        order::sort(&mut files, |(at, _)| &entries[*at].name);
        if let Some(options) = self.options().images {
            let (linked, single): (Vec<_>, Vec<_>) =
                files.into_iter().partition(|(at, _)| links.contains_key(at));
            let record = |at: usize| record(at, &entries[at]);
            files = self.add_restorable(single, &entries, &record, &options, &mut packed)?;
            files.extend(linked);
            order::sort(&mut files, |(at, _)| &entries[*at].name);
        }
        // Files are added in the order they lie in; other names of them come after all.
        let n_links: usize = links.values().map(Vec::len).sum();
        let mut ordinal = self.reserve_ordinals((files.len() + n_links) as u64);
        let mut link_ordinal = ordinal + files.len() as u64;
        packed.n_files += files.len() as u64;
        let additions = files.into_iter().map(|(at, n_bytes)| {
            let entry = &entries[at];
            let source = Source::file(names[at].clone(), entry.file());
            let mut links = links.remove(&at).unwrap_or_default();
            for link in &mut links {
                link.ordinal = link_ordinal;
                link_ordinal += 1;
            }
            let mut record = record(at, entry);
            record.ordinal = ordinal;
            ordinal += 1;
            Ok(Addition { record, source, expected_bytes: Some(n_bytes), links })
        });
        packed.n_bytes += self.add_shared(additions)?;
        Ok(packed)
    }

    /// Packs files of tensors; returns the files that are left.
    fn pack_checkpoints(
        &mut self,
        files: Vec<(usize, u64)>,
        entries: &[Entry],
        links: &HashMap<usize, Vec<ItemRecord>>,
        record: &dyn Fn(usize, &Entry) -> ItemRecord,
        packed: &mut Packed,
    ) -> Result<Vec<(usize, u64)>> {
        let mut names: Option<HashSet<String>> = None;
        let mut left = Vec::with_capacity(files.len());
        for (at, n_bytes) in files {
            let Some(entry) = entries.get(at) else { continue };
            // Other names of a file share its extents, which a file made of tensors has none of.
            if !self.splits_checkpoints() || links.contains_key(&at) || !is_checkpoint(&entry.path) {
                left.push((at, n_bytes));
                continue;
            }
            let names = names.get_or_insert_with(|| {
                entries.iter().enumerate().map(|(at, entry)| record(at, entry).name).collect()
            });
            if self.pack_checkpoint(record(at, entry), &entry.file(), &|name| names.contains(name))? {
                packed.n_files += 1;
                packed.n_bytes += n_bytes;
            } else {
                left.push((at, n_bytes));
            }
        }
        Ok(left)
    }

    /// Packs whatever `stream` gives as a file named `name`; equal parts of it and of all packed before are stored once.
    /// Returns its bytes.
    ///
    /// # Errors
    /// `InvalidArgument` if the name does not fit; `Io`.
    ///
    /// # Examples
    /// ```
    /// use holotype::{Archive, Metadata, Writer, WriterOptions};
    /// let mut writer = Writer::new(Vec::new(), WriterOptions::default())?;
    /// for name in ["a", "b"] {
    ///     writer.pack_stream(name, Box::new(std::io::repeat(7).take(1 << 20)), &Metadata::default())?;
    /// }
    /// let bytes = writer.finish()?.0;
    /// assert!(bytes.len() < 2000);
    /// # use std::io::Read as _;
    /// assert_eq!(Archive::from_bytes(bytes)?.item("b")?.raw_bytes(), 1 << 20);
    /// # Ok::<(), holotype::Error>(())
    /// ```
    pub fn pack_stream(
        &mut self,
        name: &str,
        stream: Box<dyn Read + Send>,
        metadata: &Metadata,
    ) -> Result<u64> {
        self.pack_source(name, Source::stream(name.to_owned(), stream), None, metadata)
    }

    /// Packs the file at `path` as the file item `name`, with its mode and times. Returns its bytes.
    ///
    /// # Errors
    /// As [`Self::pack_stream`]; `InvalidArgument` if the file changes while it is read; `Unsupported` if it is a folder,
    /// device, pipe or socket.
    pub fn pack_file(&mut self, name: &str, path: impl AsRef<Path>, metadata: &Metadata) -> Result<u64> {
        let path = path.as_ref();
        let known = fs::metadata(path).map_err(|e| Error::io(path, e))?;
        if !known.is_file() {
            return Err(Error::unsupported(format!("{} is no regular file", path.display())));
        }
        let (n_bytes, file) = (known.len(), FoundFile::new(path, FileId::of(&known)));
        if self.splits_checkpoints() && is_checkpoint(path) {
            self.check_name(name)?;
            let mut record = ItemRecord::new(name.to_owned(), ItemKind::File);
            record.metadata = self.add_metadata(metadata)?;
            if self.pack_checkpoint(record, &file, &|_| false)? {
                return Ok(n_bytes);
            }
        }
        let source = Source::file(name.to_owned(), file);
        self.pack_source(name, source, Some(n_bytes), metadata)
    }

    fn pack_source(
        &mut self,
        name: &str,
        source: Source,
        expected_bytes: Option<u64>,
        metadata: &Metadata,
    ) -> Result<u64> {
        self.check_name(name)?;
        let mut record = ItemRecord::new(name.to_owned(), ItemKind::File);
        record.metadata = self.add_metadata(metadata)?;
        record.ordinal = self.reserve_ordinals(1);
        self.add_shared([Ok(Addition { record, source, expected_bytes, links: Vec::new() })])
    }
}
