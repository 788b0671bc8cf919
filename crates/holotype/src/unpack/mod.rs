//! The files of an archive back into a folder, which they cannot leave.
//!
//! The folder is new: everything is written into a private one beside it, which gets its name at the end. In there
//! nothing is but what was just made, files are made after folders and links last of all, so no name leads elsewhere.

mod holes;
mod names;
mod place;
mod root;

use crate::archive::{Item, Place, Reading, Uses, jobs_of, weight_of};
use crate::{Archive, Error, Progress, Result, parallel};
use holes::Holes;
use holotype_container::ItemKind;
use holotype_store::NewDirectory;
use place::KeptBits;
use root::Root;
use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Files are written in jobs of about so many bytes.
const JOB_BYTES: u64 = 4 << 20;
/// Files of the same content are written together, at most so many by a thread: some systems let a process have 256 open.
const MAX_TOGETHER: usize = 4;
/// Folders are made in jobs of so many.
const JOB_FOLDERS: usize = 128;

/// How [`unpack`] works.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct UnpackOptions {
    /// Threads; 0 (default) uses what the machine offers.
    pub n_threads: usize,
    /// Restore the set-user-ID, set-group-ID and sticky bits; default false.
    pub special_modes: bool,
    /// Restore extended attributes; default true.
    pub xattrs: bool,
    /// Leave holes in files where they have zeros for whole blocks of 4096 bytes; default false. They read the same and
    /// take less room, where the file system has holes.
    pub sparse: bool,
    /// Most bytes of all files together: an archive of a few kilobytes can claim any number. Default 1 TiB.
    pub max_bytes: u64,
    /// Told of the bytes written.
    pub progress: Progress,
}

impl Default for UnpackOptions {
    fn default() -> Self {
        Self {
            n_threads: 0,
            special_modes: false,
            xattrs: true,
            sparse: false,
            max_bytes: 1 << 40,
            progress: Progress::default(),
        }
    }
}

impl UnpackOptions {
    /// Sets [`Self::n_threads`].
    #[must_use]
    pub fn with_n_threads(mut self, n: usize) -> Self {
        self.n_threads = n;
        self
    }

    /// Sets [`Self::special_modes`].
    #[must_use]
    pub fn with_special_modes(mut self, special_modes: bool) -> Self {
        self.special_modes = special_modes;
        self
    }

    /// Sets [`Self::xattrs`].
    #[must_use]
    pub fn with_xattrs(mut self, xattrs: bool) -> Self {
        self.xattrs = xattrs;
        self
    }

    /// Sets [`Self::sparse`].
    #[must_use]
    pub fn with_sparse(mut self, sparse: bool) -> Self {
        self.sparse = sparse;
        self
    }

    /// Sets [`Self::max_bytes`].
    #[must_use]
    pub fn with_max_bytes(mut self, n: u64) -> Self {
        self.max_bytes = n;
        self
    }

    /// Sets [`Self::progress`].
    #[must_use]
    pub fn with_progress(mut self, progress: Progress) -> Self {
        self.progress = progress;
        self
    }
}

/// What [`unpack`] wrote.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unpacked {
    /// Files, folders and links.
    pub n_items: u64,
    /// Bytes of the files.
    pub n_bytes: u64,
}

/// Writes every item of an archive of files, folders and links below the folder `directory`, which appears whole or
/// not at all; it must not exist, or be empty. Each file's content is checked against its SHA-256.
///
/// # Errors
/// `InvalidArgument` for a path that leads out of the folder or through a link, one given twice, an item that is no
/// file, or a folder that has something in it; `Corrupt` if an item is damaged; `LimitExceeded`; `Io`.
pub fn unpack(archive: &Archive, directory: impl AsRef<Path>, options: &UnpackOptions) -> Result<Unpacked> {
    let directory = directory.as_ref();
    let items = archive.tree_items_on(options.n_threads)?;
    let paths = names::paths(&items, options.n_threads)?;
    let mut unpacked = Unpacked { n_items: items.len() as u64, n_bytes: 0 };
    for item in &items {
        let is_file = item.file().is_some();
        if !is_file && !matches!(item.kind(), ItemKind::Directory | ItemKind::Symlink) {
            let (name, kind) = (item.name(), item.kind().name());
            return Err(Error::invalid(format!("item `{name}` is no file but of kind {kind}")));
        }
        item.check_link()?;
        unpacked.n_bytes = unpacked.n_bytes.saturating_add(item.file().map_or(0, |(n, _)| n));
    }
    if unpacked.n_bytes > options.max_bytes {
        let what = "the size of all files";
        return Err(Error::LimitExceeded { what, found: unpacked.n_bytes, limit: options.max_bytes });
    }
    let made = NewDirectory::create(directory).map_err(|e| Error::io(directory, e))?;
    let root = Root::open(made.path()).map_err(|e| Error::io(made.path(), e))?;
    let tree = Tree { root, items: &items, paths: &paths, options, kept: KeptBits::default() };
    tree.folders()?;
    tree.files()?;
    tree.links()?;
    tree.finish_folders()?;
    drop(tree);
    made.commit().map_err(|e| Error::io(directory, e))?;
    Ok(unpacked)
}

/// The paths at which items are unpacked, relative, in their order: each checked by itself and against the others.
///
/// # Errors
/// `InvalidArgument` for a path that leads out, through an item that is no folder, or is given twice.
pub fn paths(items: &[Item<'_>]) -> Result<Vec<PathBuf>> {
    names::paths(items, 1)
}

struct Tree<'a> {
    root: Root,
    items: &'a [Item<'a>],
    paths: &'a [PathBuf],
    options: &'a UnpackOptions,
    kept: KeptBits,
}

impl Tree<'_> {
    /// The error of a call about what is at `path`.
    fn failed(&self, path: &Path) -> impl Fn(std::io::Error) -> Error {
        move |e| Error::io(self.root.join(path), e)
    }

    fn of_kind(&self, kind: ItemKind) -> impl Iterator<Item = (&Item<'_>, &PathBuf)> {
        self.items.iter().zip(self.paths).filter(move |(item, _)| item.kind() == kind)
    }

    /// Does `work` on folders, several at a time; returns what it has left.
    fn on_folders<F: Send>(
        &self,
        folders: Vec<F>,
        work: impl Fn(F) -> Result<Option<F>> + Sync,
    ) -> Result<Vec<F>> {
        let jobs = parallel::batches(folders, JOB_FOLDERS);
        let n_threads = parallel::n_threads(self.options.n_threads, jobs.len());
        let left = parallel::map(n_threads, jobs, |job| {
            job.into_iter().filter_map(|folder| work(folder).transpose()).collect::<Result<Vec<_>>>()
        })?;
        Ok(left.into_iter().flatten().collect())
    }

    /// Every folder that an item is or lies in, none before those above it.
    fn folders(&self) -> Result<()> {
        let mut known = HashMap::<&OsStr, Option<&Item<'_>>>::new();
        let mut before = None;
        for (item, path) in self.items.iter().zip(self.paths) {
            if item.kind() == ItemKind::Directory {
                known.insert(path.as_os_str(), Some(item));
                continue;
            }
            let above = path.parent().map(Path::as_os_str);
            // Neighbours by name lie in one folder.
            if let Some(folder) = above.filter(|_| above != before) {
                known.entry(folder).or_default();
            }
            before = above;
        }
        let depth = |folder: &OsStr| Path::new(folder).components().count();
        let mut folders: Vec<_> = known.into_iter().map(|known| (depth(known.0), known)).collect();
        folders.sort_unstable_by_key(|(depth, (folder, _))| (*depth, *folder));
        for level in folders.chunk_by(|(a, _), (b, _)| a == b) {
            self.on_folders(level.iter().collect(), |(_, (folder, item))| {
                let folder = Path::new(folder);
                place::create_folder(&self.root, folder, item.map(Item::attributes), self.options)
                    .map_err(self.failed(folder))?;
                Ok(None)
            })?;
        }
        Ok(())
    }

    /// Files, neighbours in the archive together: each block is decoded once or a few times.
    fn files(&self) -> Result<()> {
        let is_file = |(item, _): &(&Item<'_>, &PathBuf)| {
            item.file().is_some() && item.attributes().hard_link.is_none()
        };
        let files: Vec<_> = self.items.iter().zip(self.paths).filter(is_file).collect();
        let Some((first, _)) = files.first() else { return Ok(()) };
        let uses = Uses::of(first.archive());
        files.iter().for_each(|(item, _)| uses.add(item.shared_blocks()));
        let place_of = |(item, _): &(&Item<'_>, &PathBuf)| Place::of_item(item);
        let jobs = jobs_of(files, JOB_BYTES, place_of);
        let n_threads = parallel::n_threads(self.options.n_threads, jobs.len());
        // A file made of tensors takes threads of its own if there are some to spare.
        let spare = if jobs.len() == 1 { self.options.n_threads } else { 1 };
        let weight = |job: &Vec<_>| weight_of(job, JOB_BYTES, place_of);
        parallel::map_heavy_first(n_threads, jobs, weight, |job: Vec<_>| {
            let mut before = None;
            // Equal files are neighbours.
            let equal = job.chunk_by(|(a, _), (b, _)| b.has_content_of(a));
            for files in equal.flat_map(|files| files.chunks(MAX_TOGETHER)) {
                let uses = Some((&uses, files.len() as u32));
                self.write(files, &Reading { checked: before, uses, n_threads: spare })?;
                before = files.last().map(|(item, _)| *item);
            }
            Ok(())
        })?;
        Ok(())
    }

    /// Writes files of the same content, which is read once.
    fn write(&self, equal: &[(&Item<'_>, &PathBuf)], reading: &Reading<'_>) -> Result<()> {
        let Some((item, _)) = equal.first() else { return Ok(()) };
        let create = |(item, path): &(&Item<'_>, &PathBuf)| {
            place::create_file(&self.root, path, item.attributes(), self.options).map_err(self.failed(path))
        };
        let mut files =
            equal.iter().map(|named| Ok((create(named)?, Holes::default()))).collect::<Result<Vec<_>>>()?;
        item.read_file_among(reading, &mut |bytes| {
            for ((file, holes), (_, path)) in files.iter_mut().zip(equal) {
                let written =
                    if self.options.sparse { holes.write(file, bytes) } else { file.write_all(bytes) };
                written.map_err(self.failed(path))?;
                self.options.progress.advance(bytes.len() as u64);
            }
            Ok(())
        })?;
        for ((file, holes), (item, path)) in files.into_iter().zip(equal) {
            let failed = self.failed(path);
            holes.finish(&file).map_err(&failed)?;
            place::set_open(&file, &self.root, path, item.attributes(), self.options, &self.kept)
                .map_err(failed)?;
        }
        Ok(())
    }

    /// Other names of files, then symbolic links: from here on a path may lead elsewhere.
    fn links(&self) -> Result<()> {
        for (item, path) in self.of_kind(ItemKind::File) {
            if let Some(name) = &item.attributes().hard_link {
                let path = self.root.join(path);
                let target = self.root.join(&names::relative(&item.archive().item(name)?)?);
                fs::hard_link(target, &path).map_err(|e| Error::io(&path, e))?;
            }
        }
        for (item, path) in self.of_kind(ItemKind::Symlink) {
            let target = item.attributes().symlink_target.as_deref().unwrap_or_default();
            place::symlink(target, &self.root.join(path))?;
            place::set_time(&self.root, path, item.attributes()).map_err(self.failed(path))?;
        }
        Ok(())
    }

    /// Modes and times of folders, once nothing is made in them any more. Those that have their modes come first, then
    /// others, the innermost first: a mode can shut out all that is below.
    fn finish_folders(&self) -> Result<()> {
        let set = |item: &Item<'_>, path: &Path| {
            place::set_folder(&self.root, path, item.attributes(), self.options, &self.kept)
                .map_err(self.failed(path))
        };
        let folders: Vec<_> = self.of_kind(ItemKind::Directory).collect();
        let mut others = self.on_folders(folders, |(item, folder)| {
            let has_mode = place::has_mode(&self.root, folder, item.attributes(), self.options, &self.kept);
            if !has_mode.map_err(self.failed(folder))? {
                return Ok(Some((item, folder)));
            }
            set(item, folder).map(|()| None)
        })?;
        others.sort_by(|(_, a), (_, b)| b.cmp(a));
        others.into_iter().try_for_each(|(item, folder)| set(item, folder))
    }
}
