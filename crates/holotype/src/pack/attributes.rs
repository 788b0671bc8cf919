use crate::{Error, Result};
use holotype_container::{FileAttributes, FileTime};
use std::fs::Metadata;
use std::path::Path;

/// What the file system knows of the file, folder or link at `path`, which `known` was asked of.
#[cfg(unix)]
pub(crate) fn of(path: &Path, known: &Metadata) -> Result<FileAttributes> {
    use std::os::unix::fs::MetadataExt as _;
    let nanoseconds = u32::try_from(known.mtime_nsec()).unwrap_or(0);
    let mut attributes = FileAttributes::default();
    attributes.mode = Some(known.mode() & 0o7777);
    attributes.mtime = Some(FileTime { seconds: known.mtime(), nanoseconds });
    attributes.xattrs = xattrs(path)?;
    Ok(attributes)
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
fn xattrs(path: &Path) -> Result<Vec<Xattr>> {
    use std::os::unix::ffi::OsStrExt as _;
    let names = match xattr::list(path) {
        Ok(names) => names,
        // A file system without any.
        Err(e) if matches!(e.kind(), std::io::ErrorKind::Unsupported) => return Ok(Vec::new()),
        Err(e) => return Err(Error::io(path, e)),
    };
    let mut found = Vec::new();
    for name in names.filter(|name| cfg!(not(target_os = "linux")) || name.as_bytes().starts_with(b"user.")) {
        if let Some(value) = xattr::get(path, &name).map_err(|e| Error::io(path, e))? {
            found.push((name.as_bytes().to_vec(), value));
        }
    }
    found.sort();
    Ok(found)
}
