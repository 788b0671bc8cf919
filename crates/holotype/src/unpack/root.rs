//! The folder that is filled. What is made in it is named from there, so that the system does not follow the way to the
//! folder again for each of its files.

use filetime::FileTime;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

#[cfg(unix)]
use rustix::fs::{self as at, AtFlags, Mode, OFlags, Timespec, Timestamps};

/// The folder; paths are relative to it and were checked.
pub(super) struct Root {
    path: PathBuf,
    #[cfg(unix)]
    handle: std::os::fd::OwnedFd,
}

impl Root {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self {
            path: path.to_path_buf(),
            #[cfg(unix)]
            handle: at::open(path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?,
        })
    }

    /// The whole path of what is in it.
    pub(super) fn join(&self, path: &Path) -> PathBuf {
        self.path.join(path)
    }
}

#[cfg(unix)]
impl Root {
    /// Makes a file that was not there, with these permissions if any are given.
    pub(super) fn create_file(&self, path: &Path, mode: Option<u32>) -> io::Result<File> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(at::openat(&self.handle, path, flags, bits(mode.unwrap_or(0o666)))?.into())
    }

    /// Makes a folder in one that is there.
    pub(super) fn create_folder(&self, path: &Path, mode: u32) -> io::Result<()> {
        Ok(at::mkdirat(&self.handle, path, bits(mode))?)
    }

    /// Sets the times of a file, folder or link itself.
    pub(super) fn set_time(&self, path: &Path, time: FileTime) -> io::Result<()> {
        let time = Timespec { tv_sec: time.unix_seconds(), tv_nsec: time.nanoseconds().into() };
        let times = Timestamps { last_access: time, last_modification: time };
        Ok(at::utimensat(&self.handle, path, &times, AtFlags::SYMLINK_NOFOLLOW)?)
    }
}

#[cfg(unix)]
fn bits(mode: u32) -> Mode {
    // Some systems have fewer bits in the type, none of them fewer than permissions have.
    Mode::from_raw_mode(mode as _)
}

#[cfg(not(unix))]
impl Root {
    /// Makes a file that was not there.
    pub(super) fn create_file(&self, path: &Path, _mode: Option<u32>) -> io::Result<File> {
        File::create_new(self.join(path))
    }

    /// Makes a folder in one that is there.
    pub(super) fn create_folder(&self, path: &Path, _mode: u32) -> io::Result<()> {
        std::fs::create_dir(self.join(path))
    }

    /// Sets the times of a file, folder or link itself.
    pub(super) fn set_time(&self, path: &Path, time: FileTime) -> io::Result<()> {
        filetime::set_symlink_file_times(self.join(path), time, time)
    }
}
