use super::exclude::Exclude;
use crate::{Error, Result};
use std::collections::HashMap;
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
    },
    /// Another name of the file of entry number so much.
    HardLink(usize),
    Directory(Metadata),
    Symlink(Metadata, Vec<u8>),
}

/// Everything below `inputs` that `exclude` does not name, inputs in their order, names of a folder in byte order,
/// a folder before what is in it.
///
/// Each input gives its own last name to what is in it, as `tree` in `tree/file`; one without (`.`, `folder/.`, `/`) gives none.
pub(super) fn walk(inputs: &[PathBuf], exclude: &Exclude) -> Result<Vec<Entry>> {
    let mut walk = Walk { exclude, entries: Vec::new(), linked: HashMap::new() };
    for input in inputs {
        let known = fs::symlink_metadata(input).map_err(|e| Error::io(input, e))?;
        // `folder/.` means what is in the folder; `file_name` would drop the dot.
        let is_inside = input.as_os_str().as_encoded_bytes().ends_with(b"/.");
        match input.file_name().filter(|_| !is_inside) {
            Some(name) => walk.enter(input.clone(), name_bytes(name, input)?, known)?,
            None => walk.folder(input, b"")?,
        }
    }
    Ok(walk.entries)
}

struct Walk<'a> {
    exclude: &'a Exclude,
    entries: Vec<Entry>,
    /// Files with several names by device and number, and the entry of the first.
    linked: HashMap<(u64, u64), usize>,
}

impl Walk<'_> {
    fn enter(&mut self, path: PathBuf, name: Vec<u8>, known: Metadata) -> Result<()> {
        if self.exclude.matches(&String::from_utf8_lossy(&name)) {
            return Ok(());
        }
        let kind = known.file_type();
        if kind.is_dir() {
            let inside = name.clone();
            self.entries.push(Entry { path: path.clone(), name, kind: EntryKind::Directory(known) });
            return self.folder(&path, &inside);
        }
        let kind = if kind.is_symlink() {
            let target = fs::read_link(&path).map_err(|e| Error::io(&path, e))?;
            let target = name_bytes(target.as_os_str(), &path)?;
            EntryKind::Symlink(known, target)
        } else if kind.is_file() {
            self.file(&known)
        } else {
            return Err(Error::unsupported(format!(
                "{} is no file, folder or link but a device, pipe or socket, which an archive cannot hold",
                path.display()
            )));
        };
        self.entries.push(Entry { path, name, kind });
        Ok(())
    }

    fn folder(&mut self, path: &Path, name: &[u8]) -> Result<()> {
        let list = fs::read_dir(path).map_err(|e| Error::io(path, e))?;
        let mut names = Vec::new();
        for entry in list {
            let entry = entry.map_err(|e| Error::io(path, e))?;
            names.push((name_bytes(&entry.file_name(), path)?, entry.path()));
        }
        names.sort_unstable();
        for (last, path) in names {
            let known = fs::symlink_metadata(&path).map_err(|e| Error::io(&path, e))?;
            let name = if name.is_empty() { last } else { [name, b"/", &last].concat() };
            self.enter(path, name, known)?;
        }
        Ok(())
    }

    #[cfg(unix)]
    fn file(&mut self, known: &Metadata) -> EntryKind {
        use std::os::unix::fs::MetadataExt as _;
        if known.nlink() > 1 {
            let this = self.entries.len();
            let first = *self.linked.entry((known.dev(), known.ino())).or_insert(this);
            if first != this {
                return EntryKind::HardLink(first);
            }
        }
        EntryKind::File { n_bytes: known.len() }
    }

    #[cfg(not(unix))]
    fn file(&mut self, known: &Metadata) -> EntryKind {
        EntryKind::File { n_bytes: known.len() }
    }
}

#[cfg(unix)]
fn name_bytes(name: &std::ffi::OsStr, _folder: &Path) -> Result<Vec<u8>> {
    use std::os::unix::ffi::OsStrExt as _;
    Ok(name.as_bytes().to_vec())
}

#[cfg(not(unix))]
fn name_bytes(name: &std::ffi::OsStr, folder: &Path) -> Result<Vec<u8>> {
    let text = name
        .to_str()
        .ok_or_else(|| Error::unsupported(format!("a name in {} is no Unicode text", folder.display())))?;
    Ok(text.replace('\\', "/").into_bytes())
}
