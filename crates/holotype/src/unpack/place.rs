//! What is known of a file, folder or link, onto the one that was made for it.

use super::UnpackOptions;
use crate::{Error, Result};
use holotype_container::FileAttributes;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

/// Permission bits that give whoever runs a file the rights of its owner.
const SPECIAL_BITS: u32 = 0o7000;

/// Permission bits that what was made with them was found to have: nothing here takes them away, so they need not be
/// looked for again. What is made lies in one tree, where one mask and one default of access rights hold.
#[derive(Debug, Default)]
pub(super) struct KeptBits(AtomicU32);

impl KeptBits {
    /// True if what was made with these permissions has them, by what is known or by `look`.
    #[cfg(unix)]
    fn has(
        &self,
        wanted: &fs::Permissions,
        look: impl FnOnce() -> std::io::Result<fs::Metadata>,
    ) -> std::io::Result<bool> {
        use std::os::unix::fs::PermissionsExt as _;
        let bits = wanted.mode();
        if bits & (SPECIAL_BITS | !self.0.load(Ordering::Relaxed)) == 0 {
            return Ok(true);
        }
        let is_kept = look()?.permissions().mode() & 0o7777 == bits;
        if is_kept {
            self.0.fetch_or(bits, Ordering::Relaxed);
        }
        Ok(is_kept)
    }

    #[cfg(not(unix))]
    fn has(
        &self,
        _: &fs::Permissions,
        _: impl FnOnce() -> std::io::Result<fs::Metadata>,
    ) -> std::io::Result<bool> {
        Ok(false)
    }
}

/// Makes a folder, with those above it that are missing; with its mode, and writable for what is to be in it.
pub(super) fn create_folder(
    path: &Path,
    attributes: Option<&FileAttributes>,
    options: &UnpackOptions,
) -> std::io::Result<()> {
    let permissions = attributes.and_then(|attributes| permissions(attributes, options));
    match permissions {
        Some(permissions) if make_folder(path, &permissions).is_ok() => Ok(()),
        _ => fs::create_dir_all(path),
    }
}

#[cfg(unix)]
fn make_folder(path: &Path, permissions: &fs::Permissions) -> std::io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
    fs::DirBuilder::new().mode(permissions.mode() & !SPECIAL_BITS | 0o700).create(path)
}

#[cfg(not(unix))]
fn make_folder(path: &Path, _: &fs::Permissions) -> std::io::Result<()> {
    fs::create_dir(path)
}

/// True if a folder that was made here has its mode already.
pub(super) fn has_mode(
    path: &Path,
    attributes: &FileAttributes,
    options: &UnpackOptions,
    kept: &KeptBits,
) -> Result<bool> {
    let Some(permissions) = permissions(attributes, options) else { return Ok(true) };
    let look = || fs::metadata(path);
    Ok(is_made_so(&permissions, 0o700) && kept.has(&permissions, look).map_err(|e| Error::io(path, e))?)
}

/// Sets a folder's extended attributes, mode and times, in this order: a read-only one takes no attributes.
pub(super) fn set_folder(
    path: &Path,
    attributes: &FileAttributes,
    options: &UnpackOptions,
    kept: &KeptBits,
) -> Result<()> {
    if options.xattrs {
        set_xattrs(path, attributes)?;
    }
    if let Some(permissions) = permissions(attributes, options)
        && !has_mode(path, attributes, options, kept)?
    {
        fs::set_permissions(path, permissions).map_err(|e| Error::io(path, e))?;
    }
    set_time(path, attributes)
}

/// Sets the same of a file that was just made and is still open: without finding its path again.
pub(super) fn set_open(
    file: &fs::File,
    path: &Path,
    attributes: &FileAttributes,
    options: &UnpackOptions,
    kept: &KeptBits,
) -> Result<()> {
    if options.xattrs {
        set_xattrs(path, attributes)?;
    }
    let failed = |e| Error::io(path, e);
    if let Some(permissions) = permissions(attributes, options)
        && !(is_made_so(&permissions, 0o200) && kept.has(&permissions, || file.metadata()).map_err(failed)?)
    {
        file.set_permissions(permissions).map_err(failed)?;
    }
    let Some(time) = attributes.mtime else { return Ok(()) };
    let time = filetime::FileTime::from_unix_time(time.seconds, time.nanoseconds);
    filetime::set_file_handle_times(file, Some(time), Some(time)).map_err(failed)
}

/// True if something with the bits `needed` to fill it is made with these permissions.
#[cfg(unix)]
fn is_made_so(permissions: &fs::Permissions, needed: u32) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    permissions.mode() & needed == needed
}

#[cfg(not(unix))]
fn is_made_so(_: &fs::Permissions, _: u32) -> bool {
    false
}

/// Sets the time of the file, folder or link itself.
pub(super) fn set_time(path: &Path, attributes: &FileAttributes) -> Result<()> {
    let Some(time) = attributes.mtime else { return Ok(()) };
    let time = filetime::FileTime::from_unix_time(time.seconds, time.nanoseconds);
    filetime::set_symlink_file_times(path, time, time).map_err(|e| Error::io(path, e))
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
