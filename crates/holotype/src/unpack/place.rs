//! What is known of a file, folder or link, onto the one that was made for it.

use super::UnpackOptions;
use crate::{Error, Result};
use holotype_container::FileAttributes;
use std::fs;
use std::path::Path;

/// Permission bits that give whoever runs a file the rights of its owner.
const SPECIAL_BITS: u32 = 0o7000;

/// Sets extended attributes, mode and times, in this order: a read-only file takes no attributes.
pub(super) fn set(path: &Path, attributes: &FileAttributes, options: &UnpackOptions) -> Result<()> {
    if options.xattrs {
        set_xattrs(path, attributes)?;
    }
    set_mode(path, attributes, options)?;
    set_time(path, attributes)
}

/// Sets the same of a file that was just made and is still open: without finding its path again.
pub(super) fn set_open(
    file: &fs::File,
    path: &Path,
    attributes: &FileAttributes,
    options: &UnpackOptions,
) -> Result<()> {
    if options.xattrs {
        set_xattrs(path, attributes)?;
    }
    let failed = |e| Error::io(path, e);
    if let Some(permissions) = permissions(attributes, options)
        && !has_mode(&file.metadata().map_err(failed)?, &permissions)
    {
        file.set_permissions(permissions).map_err(failed)?;
    }
    let Some(time) = attributes.mtime else { return Ok(()) };
    let time = filetime::FileTime::from_unix_time(time.seconds, time.nanoseconds);
    filetime::set_file_handle_times(file, Some(time), Some(time)).map_err(failed)
}

/// Sets the time of the file, folder or link itself.
pub(super) fn set_time(path: &Path, attributes: &FileAttributes) -> Result<()> {
    let Some(time) = attributes.mtime else { return Ok(()) };
    let time = filetime::FileTime::from_unix_time(time.seconds, time.nanoseconds);
    filetime::set_symlink_file_times(path, time, time).map_err(|e| Error::io(path, e))
}

fn set_mode(path: &Path, attributes: &FileAttributes, options: &UnpackOptions) -> Result<()> {
    let Some(permissions) = permissions(attributes, options) else { return Ok(()) };
    fs::set_permissions(path, permissions).map_err(|e| Error::io(path, e))
}

#[cfg(unix)]
fn permissions(attributes: &FileAttributes, options: &UnpackOptions) -> Option<fs::Permissions> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = attributes.mode?;
    let kept = if options.special_modes { mode } else { mode & !SPECIAL_BITS };
    Some(fs::Permissions::from_mode(kept))
}

/// Has the file made with the mode it will have, as far as the system lets us; writable still, for extended attributes.
#[cfg(unix)]
pub(super) fn set_first_mode(
    open: &mut fs::OpenOptions,
    attributes: &FileAttributes,
    options: &UnpackOptions,
) {
    use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
    if let Some(permissions) = permissions(attributes, options) {
        // Special bits come last, when all is written.
        open.mode(permissions.mode() & !SPECIAL_BITS | 0o200);
    }
}

/// Has the file made with the mode it will have: nothing to do here.
#[cfg(not(unix))]
pub(super) fn set_first_mode(_: &mut fs::OpenOptions, _: &FileAttributes, _: &UnpackOptions) {}

#[cfg(unix)]
fn has_mode(known: &fs::Metadata, wanted: &fs::Permissions) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    known.permissions().mode() & 0o7777 == wanted.mode()
}

#[cfg(not(unix))]
fn has_mode(_: &fs::Metadata, _: &fs::Permissions) -> bool {
    false
}

#[cfg(not(unix))]
fn permissions(_attributes: &FileAttributes, _options: &UnpackOptions) -> Option<fs::Permissions> {
    None
}

#[cfg(unix)]
fn set_xattrs(path: &Path, attributes: &FileAttributes) -> Result<()> {
    use std::os::unix::ffi::OsStrExt as _;
    for (name, value) in &attributes.xattrs {
        // Others are the system's: a label or a right that an archive must not hand out.
        if cfg!(target_os = "linux") && !name.starts_with(b"user.") {
            continue;
        }
        xattr::set(path, std::ffi::OsStr::from_bytes(name), value).map_err(|e| Error::io(path, e))?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn set_xattrs(_path: &Path, _attributes: &FileAttributes) -> Result<()> {
    Ok(())
}

/// Makes a symbolic link.
#[cfg(unix)]
pub(super) fn symlink(target: &[u8], path: &Path) -> Result<()> {
    use std::os::unix::ffi::OsStrExt as _;
    let target = std::ffi::OsStr::from_bytes(target);
    std::os::unix::fs::symlink(target, path).map_err(|e| Error::io(path, e))
}

/// Makes a symbolic link.
#[cfg(not(unix))]
pub(super) fn symlink(_target: &[u8], path: &Path) -> Result<()> {
    Err(Error::unsupported(format!("{} is a symbolic link, which is not made here", path.display())))
}
