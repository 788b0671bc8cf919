use super::attributes;
use super::exclude::Exclude;
use super::found_file::{FileId, FoundFile};
use crate::{Error, Result, parallel};
use holotype_container::FileAttributes;
use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};

/// A file, folder or link found below an input.
pub(super) struct Entry {
    pub(super) path: PathBuf,
    /// Its path in the archive, parts joined by `/`; of any bytes.
    pub(super) name: Vec<u8>,
    pub(super) kind: EntryKind,
}

pub(super) enum EntryKind {
    File {
        n_bytes: u64,
        id: Option<FileId>,
    },
    /// Another name of the file of entry number so much.
    HardLink(usize),
    Directory(FileAttributes),
    Symlink(FileAttributes, Vec<u8>),
}

impl Entry {
    /// Its file, to be opened.
    pub(super) fn file(&self) -> FoundFile {
        let id = match &self.kind {
            EntryKind::File { id, .. } => *id,
            _ => None,
        };
        FoundFile::new(&self.path, id)
    }
}

/// Folders are listed in jobs of so many.
const JOB_FOLDERS: usize = 16;

/// Everything below `inputs` that `exclude` does not name, inputs in their order, names of a folder in byte order,
/// a folder before what is in it. Folders of one depth are listed on several threads.
///
/// Each input gives its own last name to what is in it, as `tree` in `tree/file`; one without (`.`, `folder/.`, `/`) gives none.
pub(super) fn walk(inputs: &[PathBuf], exclude: &Exclude, n_threads: usize) -> Result<Vec<Entry>> {
    let mut found = Vec::new();
    for input in inputs {
        let known = fs::symlink_metadata(input).map_err(|e| Error::io(input, e))?;
        // `folder/.` means what is in the folder; `file_name` would drop the dot.
        let is_inside = input.as_os_str().as_encoded_bytes().ends_with(b"/.");
        match input.file_name().filter(|_| !is_inside) {
            Some(name) => {
                let name = name_bytes(name, input)?;
                found.extend(Found::new(input.clone(), name, exclude, |_| Ok(known))?);
            }
            None => found.extend(list(input, b"", exclude)?),
        }
    }
    let mut level: Vec<&mut Found> = found.iter_mut().filter(|found| found.is_folder()).collect();
    while !level.is_empty() {
        let jobs = parallel::batches(level, JOB_FOLDERS);
        let next = parallel::map(parallel::n_threads(n_threads, jobs.len()), jobs, |folders| {
            let mut next = Vec::new();
            for folder in folders {
                next.extend(folder.look_inside(exclude)?);
            }
            Ok(next)
        })?;
        level = next.into_iter().flatten().collect();
    }
    let mut entries = Vec::new();
    Linked::default().put(found, &mut entries);
    Ok(entries)
}

/// A file, folder or link, and what is in it as far as that was looked for.
struct Found {
    path: PathBuf,
    name: Vec<u8>,
    known: Metadata,
    /// Of a folder or link; files have theirs asked when they are open.
    attributes: FileAttributes,
    /// Of a symbolic link.
    target: Option<Vec<u8>>,
    inside: Vec<Found>,
}

impl Found {
    /// `None` for what is excluded, of which nothing more is asked.
    fn new(
        path: PathBuf,
        name: Vec<u8>,
        exclude: &Exclude,
        known: impl FnOnce(&Path) -> Result<Metadata>,
    ) -> Result<Option<Self>> {
        if exclude.matches(&String::from_utf8_lossy(&name)) {
            return Ok(None);
        }
        let known = known(&path)?;
        let kind = known.file_type();
        let mut target = None;
        if kind.is_symlink() {
            let found = fs::read_link(&path).map_err(|e| Error::io(&path, e))?;
            target = Some(name_bytes(found.as_os_str(), &path)?);
        } else if !kind.is_file() && !kind.is_dir() {
            return Err(Error::unsupported(format!(
                "{} is no file, folder or link but a device, pipe or socket, which an archive cannot hold",
                path.display()
            )));
        }
        let attributes =
            if kind.is_file() { FileAttributes::default() } else { attributes::of(&path, &known)? };
        Ok(Some(Self { path, name, known, attributes, target, inside: Vec::new() }))
    }

    fn is_folder(&self) -> bool {
        self.known.is_dir()
    }

    /// Lists a folder; returns the folders in it.
    fn look_inside(&mut self, exclude: &Exclude) -> Result<impl Iterator<Item = &mut Self>> {
        self.inside = list(&self.path, &self.name, exclude)?;
        Ok(self.inside.iter_mut().filter(|found| found.is_folder()))
    }
}

/// What is in the folder at `path`, which is named `name` in the archive.
fn list(path: &Path, name: &[u8], exclude: &Exclude) -> Result<Vec<Found>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(path).map_err(|e| Error::io(path, e))? {
        let entry = entry.map_err(|e| Error::io(path, e))?;
        entries.push((name_bytes(&entry.file_name(), path)?, entry));
    }
    entries.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    let mut found = Vec::with_capacity(entries.len());
    for (last, entry) in entries {
        let name = if name.is_empty() { last } else { [name, b"/", &last].concat() };
        let path = entry.path();
        if exclude.has_file(&path) {
            continue;
        }
        let known = |path: &Path| entry.metadata().map_err(|e| Error::io(path, e));
        found.extend(Found::new(path, name, exclude, known)?);
    }
    Ok(found)
}

/// Files with several names, and the entry of the first.
#[derive(Default)]
struct Linked(HashMap<FileId, usize>);

impl Linked {
    /// Puts what was found among the entries, a folder before what is in it.
    fn put(&mut self, found: Vec<Found>, entries: &mut Vec<Entry>) {
        for Found { path, name, known, attributes, target, inside } in found {
            let kind = match target {
                Some(target) => EntryKind::Symlink(attributes, target),
                None if known.is_dir() => EntryKind::Directory(attributes),
                None => self.file(&known, entries.len()),
            };
            entries.push(Entry { path, name, kind });
            self.put(inside, entries);
        }
    }

    fn file(&mut self, known: &Metadata, this: usize) -> EntryKind {
        let id = FileId::of(known);
        if let Some(id) = id.filter(|_| has_other_names(known)) {
            let first = *self.0.entry(id).or_insert(this);
            if first != this {
                return EntryKind::HardLink(first);
            }
        }
        EntryKind::File { n_bytes: known.len(), id }
    }
}

#[cfg(unix)]
fn has_other_names(known: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    known.nlink() > 1
}

#[cfg(not(unix))]
fn has_other_names(_known: &Metadata) -> bool {
    false
}

#[cfg(unix)]
fn name_bytes(name: &OsStr, _folder: &Path) -> Result<Vec<u8>> {
    use std::os::unix::ffi::OsStrExt as _;
    Ok(name.as_bytes().to_vec())
}

#[cfg(not(unix))]
fn name_bytes(name: &OsStr, folder: &Path) -> Result<Vec<u8>> {
    let text = name
        .to_str()
        .ok_or_else(|| Error::unsupported(format!("a name in {} is no Unicode text", folder.display())))?;
    Ok(text.replace('\\', "/").into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    #[test]
    #[cfg(unix)]
    fn a_file_is_the_one_that_was_found() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a"), "a").unwrap();
        fs::write(dir.path().join("b"), "b").unwrap();
        let exclude = Exclude::default();
        let entries = walk(&[dir.path().join(".")], &exclude, 1).unwrap();
        let opened = |entry: &Entry| entry.file().open().map(drop);
        assert!(entries.len() == 2 && entries.iter().all(|entry| opened(entry).is_ok()));
        fs::rename(dir.path().join("b"), dir.path().join("a")).unwrap();
        assert_eq!(opened(&entries[0]).unwrap_err().kind(), ErrorKind::InvalidArgument);
    }
}
