//! What is known of a file, folder or link, onto the one that was made for it.

use super::UnpackOptions;
use super::root::Root;
use crate::{Error, Result};
use filetime::FileTime;
use holotype_container::FileAttributes;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::{fs, io};

/// Permission bits that give whoever runs a file the rights of its owner.
const SPECIAL_BITS: u32 = 0o7000;

/// Permission bits that what was made with them was found to have: nothing here takes them away, so they need not be
/// looked for again. What is made lies in one tree, where one mask and one default of access rights hold.
#[derive(Debug, Default)]
pub(super) struct KeptBits(AtomicU32);

impl KeptBits {
    /// True if what was made with the mode `wanted` has it, by what is known or by `look`.
    fn has(&self, wanted: u32, look: impl FnOnce() -> io::Result<fs::Metadata>) -> io::Result<bool> {
        if wanted & (SPECIAL_BITS | !self.0.load(Ordering::Relaxed)) == 0 {
            return Ok(true);
        }
        let is_kept = mode_of(&look()?) == Some(wanted);
        if is_kept {
            self.0.fetch_or(wanted, Ordering::Relaxed);
        }
        Ok(is_kept)
    }
}

/// Makes a folder, with those above it that are missing; with its mode, and writable for what is to be in it.
pub(super) fn create_folder(
    root: &Root,
    path: &Path,
    attributes: Option<&FileAttributes>,
    options: &UnpackOptions,
) -> io::Result<()> {
    match attributes.and_then(|attributes| mode(attributes, options)) {
        Some(mode) if root.create_folder(path, mode & !SPECIAL_BITS | 0o700).is_ok() => Ok(()),
        _ => fs::create_dir_all(root.join(path)),
    }
}

/// Makes a file with the mode it will have, as far as the system lets us; writable still, for extended attributes.
pub(super) fn create_file(
    root: &Root,
    path: &Path,
    attributes: &FileAttributes,
    options: &UnpackOptions,
) -> io::Result<fs::File> {
    // Special bits come last, when all is written.
    root.create_file(path, mode(attributes, options).map(|mode| mode & !SPECIAL_BITS | 0o200))
}

/// True if a folder that was made here has its mode already.
pub(super) fn has_mode(
    root: &Root,
    path: &Path,
    attributes: &FileAttributes,
    options: &UnpackOptions,
    kept: &KeptBits,
) -> io::Result<bool> {
    let Some(mode) = mode(attributes, options) else { return Ok(true) };
    Ok(mode & 0o700 == 0o700 && kept.has(mode, || fs::metadata(root.join(path)))?)
}

/// Sets a folder's extended attributes, mode and times, in this order: a read-only one takes no attributes.
pub(super) fn set_folder(
    root: &Root,
    path: &Path,
    attributes: &FileAttributes,
    options: &UnpackOptions,
    kept: &KeptBits,
) -> io::Result<()> {
    if options.xattrs {
        set_xattrs(root, path, attributes)?;
    }
    if let Some(permissions) = mode(attributes, options).and_then(permissions)
        && !has_mode(root, path, attributes, options, kept)?
    {
        fs::set_permissions(root.join(path), permissions)?;
    }
    set_time(root, path, attributes)
}

/// Sets the same of a file that was just made and is still open: without finding its path again.
pub(super) fn set_open(
    file: &fs::File,
    root: &Root,
    path: &Path,
    attributes: &FileAttributes,
    options: &UnpackOptions,
    kept: &KeptBits,
) -> io::Result<()> {
    if options.xattrs {
        set_xattrs(root, path, attributes)?;
    }
    if let Some(mode) = mode(attributes, options)
        && !(mode & 0o200 != 0 && kept.has(mode, || file.metadata())?)
        && let Some(permissions) = permissions(mode)
    {
        file.set_permissions(permissions)?;
    }
    let Some(time) = time(attributes) else { return Ok(()) };
    filetime::set_file_handle_times(file, Some(time), Some(time))
}

/// Sets the time of the file, folder or link itself.
pub(super) fn set_time(root: &Root, path: &Path, attributes: &FileAttributes) -> io::Result<()> {
    time(attributes).map_or(Ok(()), |time| root.set_time(path, time))
}

fn time(attributes: &FileAttributes) -> Option<FileTime> {
    attributes.mtime.map(|time| FileTime::from_unix_time(time.seconds, time.nanoseconds))
}

/// The permission bits it is to have, where there are such.
fn mode(attributes: &FileAttributes, options: &UnpackOptions) -> Option<u32> {
    let mode = attributes.mode.filter(|_| cfg!(unix))?;
    Some(if options.special_modes { mode } else { mode & !SPECIAL_BITS })
}

#[cfg(unix)]
fn permissions(mode: u32) -> Option<fs::Permissions> {
    use std::os::unix::fs::PermissionsExt as _;
    Some(fs::Permissions::from_mode(mode))
}

#[cfg(unix)]
fn mode_of(metadata: &fs::Metadata) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt as _;
    Some(metadata.permissions().mode() & 0o7777)
}

#[cfg(not(unix))]
fn permissions(_mode: u32) -> Option<fs::Permissions> {
    None
}

#[cfg(not(unix))]
fn mode_of(_metadata: &fs::Metadata) -> Option<u32> {
    None
}

#[cfg(unix)]
fn set_xattrs(root: &Root, path: &Path, attributes: &FileAttributes) -> io::Result<()> {
    use std::os::unix::ffi::OsStrExt as _;
    for (name, value) in &attributes.xattrs {
        // Others are the system's: a label or a right that an archive must not hand out.
        if cfg!(target_os = "linux") && !name.starts_with(b"user.") {
            continue;
        }
        xattr::set(root.join(path), std::ffi::OsStr::from_bytes(name), value)?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn set_xattrs(_root: &Root, _path: &Path, _attributes: &FileAttributes) -> io::Result<()> {
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
