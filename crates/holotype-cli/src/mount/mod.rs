//! An archive as a read-only file system: what `holo mount` runs.

mod tree;

use fuser::{
    Config, Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags, Generation, INodeNo, LockOwner,
    MountOption, OpenAccMode, OpenFlags, ReplyAttr, ReplyData, ReplyDirectory, ReplyEmpty, ReplyEntry,
    ReplyOpen, ReplyStatfs, ReplyXattr, Request, Session,
};
use holotype::{Archive, FileMap};
use std::collections::HashMap;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tree::{Kind, Node, Tree};

/// How long the system may believe what it was told: nothing changes.
const FOREVER: Duration = Duration::from_secs(365 * 24 * 3600);
const BLOCK_BYTES: u32 = 512;

/// Mounts `archive`, named `name`, at `directory` until it is unmounted or the process is asked to end.
///
/// `ready` is told, once it is mounted, how many items have no form in a file system.
pub(crate) fn mount(
    archive: Archive,
    name: &str,
    directory: &Path,
    ready: impl FnOnce(u64),
) -> Result<(), crate::exit::Failure> {
    let tree = Tree::new(&archive)?;
    let n_hidden = tree.n_hidden;
    let failed = |e: io::Error| holotype::Error::Io { path: directory.to_path_buf(), source: e };
    let owner = std::fs::metadata("/proc/self").map_err(failed)?;
    let files = Files {
        archive,
        tree,
        owner: (owner.uid(), owner.gid()),
        open: Mutex::default(),
        n_opened: AtomicU64::new(0),
    };
    let mut config = Config::default();
    config.mount_options = vec![
        MountOption::RO,
        MountOption::NoSuid,
        MountOption::NoDev,
        MountOption::NoAtime,
        MountOption::DefaultPermissions,
        MountOption::FSName(name.replace(',', "_")),
        MountOption::Subtype("holo".into()),
    ];
    config.n_threads = Some(std::thread::available_parallelism().map_or(1, usize::from));
    // Before it is mounted: a question about the folder would wait for an answer of ours.
    let at = std::fs::canonicalize(directory).map_err(failed)?;
    let mut session = Session::new(files, directory, &config).map_err(failed)?;
    let mut unmounter = session.unmount_callable();
    ctrlc::set_handler(move || {
        // What is in use cannot be unmounted by its owner root: it goes out of sight, and ends when nobody uses it.
        if unmounter.unmount().is_err() {
            let _ = rustix::mount::unmount(&at, rustix::mount::UnmountFlags::DETACH);
        }
    })
    .map_err(|e| failed(io::Error::other(e)))?;
    ready(n_hidden);
    session.run().map_err(failed)?;
    Ok(())
}

struct Files {
    archive: Archive,
    tree: Tree,
    owner: (u32, u32),
    open: Mutex<HashMap<u64, Arc<FileMap>>>,
    n_opened: AtomicU64,
}

impl Files {
    fn attributes(&self, number: u64, node: &Node) -> FileAttr {
        let kind = file_type(node);
        FileAttr {
            ino: INodeNo(number),
            size: match &node.kind {
                Kind::Link(target) => target.len() as u64,
                _ => node.n_bytes,
            },
            blocks: node.n_bytes.div_ceil(u64::from(BLOCK_BYTES)),
            atime: node.mtime,
            mtime: node.mtime,
            ctime: node.mtime,
            crtime: node.mtime,
            kind,
            perm: if kind == FileType::Symlink { 0o777 } else { node.mode },
            nlink: node.n_links,
            uid: self.owner.0,
            gid: self.owner.1,
            rdev: 0,
            blksize: BLOCK_BYTES,
            flags: 0,
        }
    }

    /// The bytes of an open file; damage is an input error, never other bytes.
    fn read(&self, handle: u64, offset_bytes: u64, n_bytes: u32) -> Result<Vec<u8>, Errno> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let map = open.get(&handle).cloned().ok_or(Errno::EBADF)?;
        drop(open);
        let n = u64::from(n_bytes).min(map.n_bytes().saturating_sub(offset_bytes)) as usize;
        let mut out = vec![0; n];
        match self.archive.read_at(&map, offset_bytes, &mut out) {
            Ok(found) if found == n => Ok(out),
            _ => Err(Errno::EIO),
        }
    }
}

fn file_type(node: &Node) -> FileType {
    match node.kind {
        Kind::Folder(_) => FileType::Directory,
        Kind::File(_) => FileType::RegularFile,
        Kind::Link(_) => FileType::Symlink,
    }
}

impl Filesystem for Files {
    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let number = self.tree.child(parent.0, name);
        match number.and_then(|number| Some((number, self.tree.node(number)?))) {
            Some((number, node)) => {
                reply.entry(&FOREVER, &self.attributes(number, node), Generation(0));
            }
            None => reply.error(Errno::ENOENT),
        }
    }

    fn getattr(&self, _: &Request, number: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        match self.tree.node(number.0) {
            Some(node) => reply.attr(&FOREVER, &self.attributes(number.0, node)),
            None => reply.error(Errno::ENOENT),
        }
    }

    fn readlink(&self, _: &Request, number: INodeNo, reply: ReplyData) {
        match self.tree.node(number.0).map(|node| &node.kind) {
            Some(Kind::Link(target)) => reply.data(target),
            _ => reply.error(Errno::EINVAL),
        }
    }

    fn open(&self, _: &Request, number: INodeNo, flags: OpenFlags, reply: ReplyOpen) {
        if flags.acc_mode() != OpenAccMode::O_RDONLY {
            return reply.error(Errno::EROFS);
        }
        let Some(Node { kind: Kind::File(name), .. }) = self.tree.node(number.0) else {
            return reply.error(Errno::EISDIR);
        };
        match self.archive.content_map(name) {
            Ok(map) => {
                let handle = self.n_opened.fetch_add(1, Ordering::Relaxed);
                self.open.lock().unwrap_or_else(PoisonError::into_inner).insert(handle, Arc::new(map));
                reply.opened(FileHandle(handle), FopenFlags::FOPEN_KEEP_CACHE);
            }
            Err(_) => reply.error(Errno::EIO),
        }
    }

    fn read(
        &self,
        _: &Request,
        _: INodeNo,
        handle: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        match Files::read(self, handle.0, offset, size) {
            Ok(bytes) => reply.data(&bytes),
            Err(error) => reply.error(error),
        }
    }

    fn release(
        &self,
        _: &Request,
        _: INodeNo,
        handle: FileHandle,
        _: OpenFlags,
        _: Option<LockOwner>,
        _: bool,
        reply: ReplyEmpty,
    ) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(&handle.0);
        reply.ok();
    }

    fn readdir(&self, _: &Request, number: INodeNo, _: FileHandle, offset: u64, mut reply: ReplyDirectory) {
        let Some(Node { kind: Kind::Folder(children), parent, .. }) = self.tree.node(number.0) else {
            return reply.error(Errno::ENOTDIR);
        };
        let dots = [(OsStr::new("."), number.0), (OsStr::new(".."), *parent)];
        let entries =
            dots.into_iter().chain(children.iter().map(|(name, number)| (name.as_os_str(), *number)));
        let skipped = usize::try_from(offset).unwrap_or(usize::MAX);
        for (next, (name, number)) in (1..).zip(entries).skip(skipped) {
            let kind = self.tree.node(number).map_or(FileType::RegularFile, file_type);
            if reply.add(INodeNo(number), next, kind, name) {
                break;
            }
        }
        reply.ok();
    }

    fn statfs(&self, _: &Request, _: INodeNo, reply: ReplyStatfs) {
        let n_blocks = self.archive.n_bytes().div_ceil(u64::from(BLOCK_BYTES));
        reply.statfs(n_blocks, 0, 0, self.tree.n_nodes(), 0, BLOCK_BYTES, 255, BLOCK_BYTES);
    }

    fn getxattr(&self, _: &Request, number: INodeNo, name: &OsStr, size: u32, reply: ReplyXattr) {
        let node = self.tree.node(number.0);
        let found = node.and_then(|node| node.xattrs.iter().find(|(known, _)| known == name.as_bytes()));
        match found {
            Some((_, value)) => answer(value, size, reply),
            None => reply.error(Errno::NO_XATTR),
        }
    }

    fn listxattr(&self, _: &Request, number: INodeNo, size: u32, reply: ReplyXattr) {
        let Some(node) = self.tree.node(number.0) else { return reply.error(Errno::ENOENT) };
        let names: Vec<u8> =
            node.xattrs.iter().flat_map(|(name, _)| [name.as_slice(), b"\0"].concat()).collect();
        answer(&names, size, reply);
    }
}

/// A value, or its size if that is asked for.
fn answer(value: &[u8], size: u32, reply: ReplyXattr) {
    match size {
        0 => reply.size(u32::try_from(value.len()).unwrap_or(u32::MAX)),
        size if value.len() <= size as usize => reply.data(value),
        _ => reply.error(Errno::ERANGE),
    }
}
