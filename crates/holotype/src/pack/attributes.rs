use crate::{Error, Result};
use holotype_container::{FileAttributes, FileTime, ItemRecord};
#[cfg(unix)]
use std::ffi::OsStr;
use std::fs::{File, Metadata};
#[cfg(unix)]
use std::io;
use std::path::Path;

/// Gives a record what the file system knows of its file; the path it was given stays.
pub(crate) fn put(record: &mut ItemRecord, known: FileAttributes) {
    let said = std::mem::replace(&mut record.attributes, known);
    record.attributes.raw_path = said.raw_path;
}

/// Checks that a file is what it was when `known` was asked of it, and that its `n_read` bytes were all.
pub(crate) fn check_unchanged(file: &File, known: &Metadata, n_read: u64, path: &Path) -> Result<()> {
    let now = file.metadata().map_err(|e| Error::io(path, e))?;
    let is_same = [known.len(), now.len()] == [n_read; 2] && now.modified().ok() == known.modified().ok();
    if is_same { Ok(()) } else { Err(changed(path)) }
}

/// The error for a file that is not what it was.
pub(crate) fn changed(path: &Path) -> Error {
    Error::invalid(format!("{} changed while it was read", path.display()))
}

/// What the file system knows of the file, folder or link at `path`, which `known` was asked of.
#[cfg(unix)]
pub(crate) fn of(path: &Path, known: &Metadata) -> Result<FileAttributes> {
    let get = |name: &OsStr| xattr::get(path, name);
    Ok(attributes(known, xattrs(path, xattr::list(path), &get)?))
}

/// What the file system knows of an open file, which `known` was asked of: without finding its path again.
#[cfg(unix)]
pub(crate) fn of_open(file: &File, path: &Path, known: &Metadata) -> Result<FileAttributes> {
    use xattr::FileExt as _;
    let get = |name: &OsStr| file.get_xattr(name);
    Ok(attributes(known, xattrs(path, file.list_xattr(), &get)?))
}

#[cfg(not(unix))]
pub(crate) fn of_open(_file: &File, path: &Path, known: &Metadata) -> Result<FileAttributes> {
    of(path, known)
}

#[cfg(unix)]
fn attributes(known: &Metadata, xattrs: Vec<Xattr>) -> FileAttributes {
    use std::os::unix::fs::MetadataExt as _;
    let nanoseconds = u32::try_from(known.mtime_nsec()).unwrap_or(0);
    let mut attributes = FileAttributes::default();
    attributes.mode = Some(known.mode() & 0o7777);
    attributes.mtime = Some(FileTime { seconds: known.mtime(), nanoseconds });
    attributes.xattrs = xattrs;
    attributes
}

/// What the file system knows of the file, folder or link at `path`, which `known` was asked of.
#[cfg(not(unix))]
pub(crate) fn of(path: &Path, known: &Metadata) -> Result<FileAttributes> {
    let time = filetime::FileTime::from_last_modification_time(known);
    let mut attributes = FileAttributes::default();
    attributes.mtime = Some(FileTime { seconds: time.unix_seconds(), nanoseconds: time.nanoseconds() });
    let _ = path;
    Ok(attributes)
}

/// Name and value of an extended attribute.
#[cfg(unix)]
type Xattr = (Vec<u8>, Vec<u8>);

/// The extended attributes that users set: on Linux those named `user.…`, the others belong to the system.
#[cfg(unix)]
fn xattrs(
    path: &Path,
    list: io::Result<xattr::XAttrs>,
    get: &dyn Fn(&OsStr) -> io::Result<Option<Vec<u8>>>,
) -> Result<Vec<Xattr>> {
    use std::os::unix::ffi::OsStrExt as _;
    let names = match list {
        Ok(names) => names,
        // A file system without any.
        Err(e) if matches!(e.kind(), std::io::ErrorKind::Unsupported) => return Ok(Vec::new()),
        Err(e) => return Err(Error::io(path, e)),
    };
    let mut found = Vec::new();
    for name in names.filter(|name| cfg!(not(target_os = "linux")) || name.as_bytes().starts_with(b"user.")) {
        if let Some(value) = get(&name).map_err(|e| Error::io(path, e))? {
            found.push((name.as_bytes().to_vec(), value));
        }
    }
    found.sort();
    Ok(found)
}
