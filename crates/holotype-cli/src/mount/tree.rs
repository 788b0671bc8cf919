use holotype::{Archive, FileAttributes, Item, ItemKind};
use std::collections::{BTreeMap, HashMap};
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::time::{Duration, SystemTime};

/// What lies at a path.
pub(super) enum Kind {
    Folder(BTreeMap<OsString, u64>),
    /// The item of that name.
    File(String),
    Link(Vec<u8>),
}

/// A node of the tree: files, links and folders, those too that no item tells of.
pub(super) struct Node {
    pub(super) kind: Kind,
    pub(super) parent: u64,
    pub(super) n_bytes: u64,
    pub(super) n_links: u32,
    pub(super) mode: u16,
    pub(super) mtime: SystemTime,
    pub(super) xattrs: Vec<(Vec<u8>, Vec<u8>)>,
}

/// Nodes by their number less one; the first is the root.
pub(super) struct Tree {
    nodes: Vec<Node>,
    /// Items that are shown in no form, such as images.
    pub(super) n_hidden: u64,
}

const ROOT: u64 = 1;

impl Tree {
    /// The tree of an archive's files, links and folders; tensors are files of their elements.
    pub(super) fn new(archive: &Archive) -> holotype::Result<Self> {
        let items: Vec<Item<'_>> = archive.tree_items()?;
        let paths = holotype::unpack_paths(&items)?;
        let mut tree = Self { nodes: vec![Node::folder(ROOT)], n_hidden: 0 };
        let mut numbers: HashMap<&str, u64> = HashMap::new();
        let mut others = Vec::new();
        for (item, path) in items.iter().zip(&paths) {
            let attributes = item.attributes();
            let kind = match (item.kind(), &attributes.hard_link) {
                (ItemKind::Directory, _) => {
                    let number = tree.folder_at(path);
                    if let Some(node) = tree.nodes.get_mut(number as usize - 1) {
                        node.set(attributes);
                    }
                    continue;
                }
                (ItemKind::File, Some(target)) => {
                    others.push((path, target.as_str()));
                    continue;
                }
                (ItemKind::File | ItemKind::Tensor, _) => Kind::File(item.name().to_owned()),
                (ItemKind::Symlink, _) => Kind::Link(attributes.symlink_target.clone().unwrap_or_default()),
                _ => {
                    tree.n_hidden += 1;
                    continue;
                }
            };
            let mut node = Node::file(kind, item.raw_bytes());
            node.set(attributes);
            numbers.insert(item.name(), tree.add(path, node));
        }
        for (path, target) in others {
            if let Some(&number) = numbers.get(target) {
                tree.name(path, number);
                if let Some(node) = tree.nodes.get_mut(number as usize - 1) {
                    node.n_links += 1;
                }
            }
        }
        Ok(tree)
    }

    pub(super) fn node(&self, number: u64) -> Option<&Node> {
        self.nodes.get(usize::try_from(number.checked_sub(1)?).ok()?)
    }

    pub(super) fn child(&self, folder: u64, name: &OsStr) -> Option<u64> {
        match &self.node(folder)?.kind {
            Kind::Folder(children) => children.get(name).copied(),
            _ => None,
        }
    }

    pub(super) fn n_nodes(&self) -> u64 {
        self.nodes.len() as u64
    }

    fn add(&mut self, path: &Path, mut node: Node) -> u64 {
        node.parent = path.parent().map_or(ROOT, |parent| self.folder_at(parent));
        self.nodes.push(node);
        let number = self.nodes.len() as u64;
        self.name(path, number);
        number
    }

    /// Gives a node a path.
    fn name(&mut self, path: &Path, number: u64) {
        let folder = path.parent().map_or(ROOT, |parent| self.folder_at(parent));
        if let (Some(name), Some(Node { kind: Kind::Folder(children), .. })) =
            (path.file_name(), self.nodes.get_mut(folder as usize - 1))
        {
            children.insert(name.to_owned(), number);
        }
    }

    /// The folder at `path`, made if it is not there.
    fn folder_at(&mut self, path: &Path) -> u64 {
        let mut at = ROOT;
        for part in path.components() {
            let name = part.as_os_str();
            at = match self.child(at, name) {
                Some(number) => number,
                None => {
                    self.nodes.push(Node::folder(at));
                    let number = self.nodes.len() as u64;
                    if let Some(Node { kind: Kind::Folder(children), .. }) =
                        self.nodes.get_mut(at as usize - 1)
                    {
                        children.insert(name.to_owned(), number);
                    }
                    number
                }
            };
        }
        at
    }
}

impl Node {
    fn folder(parent: u64) -> Self {
        let kind = Kind::Folder(BTreeMap::new());
        Self { parent, mode: 0o755, n_links: 2, ..Self::file(kind, 0) }
    }

    fn file(kind: Kind, n_bytes: u64) -> Self {
        let mtime = SystemTime::UNIX_EPOCH;
        Self { kind, parent: ROOT, n_bytes, n_links: 1, mode: 0o644, mtime, xattrs: Vec::new() }
    }

    fn set(&mut self, known: &FileAttributes) {
        if let Some(mode) = known.mode {
            // Bits that give rights to whoever runs a file stay with the archive.
            self.mode = (mode & 0o777) as u16;
        }
        if let Some(time) = known.mtime {
            let nanoseconds = Duration::from_nanos(u64::from(time.nanoseconds));
            let seconds = Duration::from_secs(time.seconds.unsigned_abs());
            let epoch = SystemTime::UNIX_EPOCH;
            let whole =
                if time.seconds < 0 { epoch.checked_sub(seconds) } else { epoch.checked_add(seconds) };
            self.mtime = whole.and_then(|whole| whole.checked_add(nanoseconds)).unwrap_or(epoch);
        }
        self.xattrs.clone_from(&known.xattrs);
    }
}
