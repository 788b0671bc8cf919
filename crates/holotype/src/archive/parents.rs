//! Archives that a thin archive names blocks of: found by their seal, wherever they are. `docs/format.md` §15.

use super::{Archive, OpenOptions, Revision};
use crate::{Error, Result};
use holotype_container::cbor::Value;
use holotype_container::{ChunkRecord, Chunking, ParentRecord, hex};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// Parents of parents of parents: a chain longer than this is refused.
const MAX_DEPTH: u32 = 64;

/// The parents of an archive, opened when a block of theirs is read for the first time.
#[derive(Debug, Default)]
pub(super) struct Parents {
    opened: OnceLock<Box<[OnceLock<Arc<Archive>>]>>,
    options: OpenOptions,
    home: Home,
}

/// Where the hints of an archive lead from.
#[derive(Debug, Clone, Default)]
pub(crate) enum Home {
    /// Nowhere: it is in memory, or came through a pipe.
    #[default]
    Nowhere,
    /// The folder it lies in.
    Folder(PathBuf),
    /// Behind an address; its parents are asked for as it was, through the same guard.
    #[cfg(feature = "remote")]
    Address(String, Box<crate::RemoteOptions>),
}

impl Home {
    /// Of the file at `path`. Parents are looked for later, when the working folder may be another.
    pub(super) fn of(path: &Path) -> Result<Self> {
        let absolute = std::path::absolute(path).map_err(|e| Error::io(path, e))?;
        Ok(Self::Folder(absolute.parent().map_or_else(PathBuf::new, Path::to_path_buf)))
    }
}

/// A parent as the archive names it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ParentInfo {
    /// Its seal.
    pub seal: [u8; 32],
    /// Its bytes when the child was written.
    pub n_bytes: u64,
    /// Where it was then: paths relative to the folder of the child.
    pub hints: Vec<String>,
}

impl ParentInfo {
    /// Its seal in hexadecimal.
    #[must_use]
    pub fn seal_hex(&self) -> String {
        hex(&self.seal)
    }
}

impl Parents {
    pub(super) fn new(options: &OpenOptions, home: Home) -> Self {
        Self { opened: OnceLock::new(), options: options.clone(), home }
    }

    /// The same parents, none of them opened yet.
    pub(super) fn again(&self) -> Self {
        Self::new(&self.options, self.home.clone())
    }

    /// The parent of this number.
    fn get(&self, records: &[ParentRecord], number: u32) -> Result<&Arc<Archive>> {
        let number = number as usize;
        let opened = self.opened.get_or_init(|| records.iter().map(|_| OnceLock::new()).collect());
        let (Some(slot), Some(record)) = (opened.get(number), records.get(number)) else {
            return Err(Error::invalid("a parent that is not listed"));
        };
        if let Some(parent) = slot.get() {
            return Ok(parent);
        }
        let parent = Arc::new(self.find(record)?);
        Ok(slot.get_or_init(|| parent))
    }

    /// Looks where the caller said, then where the hints lead.
    fn find(&self, record: &ParentRecord) -> Result<Archive> {
        let depth = self.options.depth + 1;
        if depth > MAX_DEPTH {
            return Err(missing(record, "has too many generations above it"));
        }
        let options = OpenOptions {
            // The seal says whether it is the one, whatever follows.
            revision: Revision::LastWhole,
            parent_key: record.key.as_ref().map(|(_, key)| key.clone()),
            depth,
            ..self.options.clone()
        };
        let mut problem = None;
        for place in self.places(record) {
            match place.open(&options) {
                Ok(archive) => {
                    let found = archive.seal_hex();
                    if let Some(parent) = as_parent(archive, record)? {
                        return Ok(parent);
                    }
                    problem.get_or_insert(missing(
                        record,
                        &format!("was replaced: {place} has the seal {found}"),
                    ));
                }
                Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => {
                    problem.get_or_insert(missing(record, &format!("cannot be read: {error}")));
                }
            }
        }
        Err(problem.unwrap_or_else(|| missing(record, "is not found")))
    }

    fn places(&self, record: &ParentRecord) -> Vec<Place> {
        let mut places = Vec::new();
        let names = || record.hints.iter().filter_map(|hint| hint.rsplit('/').next());
        for given in &self.options.parents {
            match given.to_str() {
                #[cfg(feature = "remote")]
                Some(text) if crate::is_address(text) => {
                    places.push(Place::Address(text.to_owned(), Box::default()))
                }
                _ if given.is_dir() => places.extend(names().map(|name| Place::File(given.join(name)))),
                _ => places.push(Place::File(given.clone())),
            }
        }
        match &self.home {
            Home::Nowhere => {}
            // A file leads nowhere but to other files: opening it makes no connections.
            Home::Folder(folder) => {
                let relative = record.hints.iter().filter(|hint| is_relative(hint));
                places.extend(relative.map(|hint| Place::File(folder.join(hint))));
                places.extend(names().map(|name| Place::File(folder.join(name))));
            }
            #[cfg(feature = "remote")]
            Home::Address(base, options) => {
                for hint in &record.hints {
                    let address = if crate::is_address(hint) { hint.clone() } else { joined(base, hint) };
                    places.push(Place::Address(address, options.clone()));
                }
            }
        }
        places
    }
}

/// A place where a parent may be.
enum Place {
    File(PathBuf),
    #[cfg(feature = "remote")]
    Address(String, Box<crate::RemoteOptions>),
}

impl Place {
    fn open(&self, options: &OpenOptions) -> Result<Archive> {
        match self {
            Self::File(path) => Archive::open_with(path, options),
            #[cfg(feature = "remote")]
            Self::Address(address, remote) => Archive::open_remote_with(address, remote, options),
        }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            #[cfg(feature = "remote")]
            Self::Address(address, _) => f.write_str(address.split(['?', '#']).next().unwrap_or_default()),
        }
    }
}

/// The archive that the record names: the revision with its seal, or, of an encrypted one whose passwords were changed
/// since, the one with its id and key. Each block is still checked by its hash.
fn as_parent(archive: Archive, record: &ParentRecord) -> Result<Option<Archive>> {
    let is_rekeyed = match (&record.key, archive.manifest.data_key()) {
        (Some((id, _)), Some((found, _))) => *id == found,
        _ => false,
    };
    match archive.revision_of_seal(&record.seal) {
        Some(number) if number == archive.revision() => Ok(Some(archive)),
        Some(number) => archive.at_revision(number).map(Some),
        None => Ok(is_rekeyed.then_some(archive)),
    }
}

/// A parent that is there, but not what is asked of it.
pub(crate) struct MissingParent<'a>(&'a ParentRecord);

impl MissingParent<'_> {
    pub(crate) fn because(&self, problem: &str) -> Error {
        missing(self.0, problem)
    }
}

fn missing(record: &ParentRecord, problem: &str) -> Error {
    Error::Parent { seal: hex(&record.seal), hints: record.hints.clone(), problem: problem.to_owned() }
}

/// A path that leads on from a folder, and no address.
fn is_relative(hint: &str) -> bool {
    !hint.contains("://") && Path::new(hint).is_relative() && !hint.starts_with(['/', '\\'])
}

/// The address `hint` leads to from the folder of `base`; what was asked with `base` is not asked with it.
#[cfg(feature = "remote")]
fn joined(base: &str, hint: &str) -> String {
    let path = base.split(['?', '#']).next().unwrap_or_default();
    let start = path.find("://").map_or(0, |at| at + 3);
    let root = path.get(start..).and_then(|rest| rest.find('/')).map_or(path.len(), |at| start + at);
    let (host, path) = path.split_at(root);
    let mut parts: Vec<&str> = path.split('/').skip(1).collect();
    parts.pop();
    for part in hint.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("{host}/{}", parts.join("/"))
}

impl Archive {
    /// The archives that some blocks of this one lie in; none if it stands alone.
    #[must_use]
    pub fn parents(&self) -> Vec<ParentInfo> {
        let info = |record: &ParentRecord| ParentInfo {
            seal: record.seal,
            n_bytes: record.n_bytes,
            hints: record.hints.clone(),
        };
        self.manifest.root().parents.iter().map(info).collect()
    }

    /// The parent with this seal, and what an error says of it; `None` if none is listed.
    pub(crate) fn parent_of_seal(&self, seal: &[u8; 32]) -> Result<Option<(&Self, MissingParent<'_>)>> {
        let records = &self.manifest.root().parents;
        let Some((number, record)) = (0..).zip(records).find(|(_, record)| record.seal == *seal) else {
            return Ok(None);
        };
        Ok(Some((self.parents.get(records, number)?, MissingParent(record))))
    }

    /// True if blocks of this archive lie in the file at `path`, which is absolute and leads through no link; in
    /// whatever generation.
    pub(crate) fn names_blocks_of(&self, path: &Path) -> bool {
        let records = &self.manifest.root().parents;
        (0..).zip(records).any(|(number, record)| {
            let found = self.parents.places(record).into_iter().find_map(|place| match place {
                Place::File(place) => place.canonicalize().ok(),
                #[cfg(feature = "remote")]
                Place::Address(..) => None,
            });
            found.as_deref() == Some(path)
                || self.parents.get(records, number).is_ok_and(|parent| parent.names_blocks_of(path))
        })
    }

    /// The record of this archive in a child of it.
    pub(crate) fn parent_record(&self, hints: Vec<String>) -> ParentRecord {
        let key = self.manifest.data_key().map(|(id, key)| (id, key.clone()));
        ParentRecord { seal: self.seal(), n_bytes: self.n_bytes(), hints, key }
    }

    /// Every record of the chunk table, in the order of the blocks they lie in.
    pub(crate) fn chunks(&self) -> Result<Vec<ChunkRecord>> {
        super::chunks::all_chunks(self)
    }

    /// Number of blocks, those of parents included.
    pub(crate) fn n_blocks(&self) -> u64 {
        self.manifest.root().n_blocks
    }

    /// Metadata of the archive as a whole, as it is stored.
    pub(crate) fn stored_metadata(&self) -> Option<&Value> {
        self.manifest.root().metadata.as_ref()
    }

    /// How its chunks were cut, if it has any.
    pub(crate) fn chunking(&self) -> Option<Chunking> {
        self.manifest.root().chunking
    }

    /// The archive that block `id` lies in, if that is another, and the block's id there.
    pub(super) fn owner(&self, id: u64) -> Result<(Option<Arc<Archive>>, u64)> {
        let asked = self.block(id)?;
        let (mut owner, mut id, mut block): (Option<Arc<Self>>, _, _) = (None, id, asked);
        while let Some(foreign) = block.foreign {
            let here = owner.as_deref().unwrap_or(self);
            let records = &here.manifest.root().parents;
            let parent = Arc::clone(here.parents.get(records, foreign.parent)?);
            id = foreign.id;
            block = match parent.block(id) {
                Ok(found)
                    if found.hash == asked.hash
                        && found.codec == asked.codec
                        && found.raw_bytes == asked.raw_bytes =>
                {
                    found
                }
                Err(error @ Error::Io { .. }) => return Err(error),
                _ => {
                    let record = records.get(foreign.parent as usize);
                    let problem = "does not hold a block that is named";
                    return Err(
                        record.map_or_else(|| Error::invalid(problem), |record| missing(record, problem))
                    );
                }
            };
            owner = Some(parent);
        }
        Ok((owner, id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_lead_to_files_beside_the_child_alone() {
        for hint in ["base.holo", "../a/base.holo"] {
            assert!(is_relative(hint));
        }
        for hint in ["/etc/base.holo", "https://example.org/base.holo", "\\\\server\\base.holo"] {
            assert!(!is_relative(hint));
        }
    }

    #[test]
    #[cfg(feature = "remote")]
    fn addresses_are_joined_without_what_was_asked() {
        for (base, hint, joint) in [
            ("https://h/a/b.holo?key=1", "c.holo", "https://h/a/c.holo"),
            ("https://h/a/b.holo", "../c.holo", "https://h/c.holo"),
            ("https://h/b.holo", "../../c.holo", "https://h/c.holo"),
            ("s3://bucket/x/y/b.holo", "./z/c.holo", "s3://bucket/x/y/z/c.holo"),
            ("https://h", "c.holo", "https://h/c.holo"),
        ] {
            assert_eq!(joined(base, hint), joint);
        }
    }

    #[test]
    #[cfg(feature = "remote")]
    fn a_hint_is_no_way_around_the_guard() {
        use crate::{ErrorKind, Metadata, Parent, RemoteOptions, Writer, WriterOptions};
        use std::net::TcpListener;

        let pack = |parents| {
            let mut writer = Writer::new(Vec::new(), WriterOptions::default().with_parents(parents)).unwrap();
            let content = Box::new(std::io::Cursor::new(vec![7; 100_000]));
            writer.pack_stream("file", content, &Metadata::default()).unwrap();
            Archive::from_bytes(writer.finish().unwrap().0).unwrap()
        };
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let hosts = [
            "127.0.0.1",
            "localhost",
            "0.0.0.0",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "2130706433",
            "127.1",
            "10.0.0.1",
            "169.254.169.254",
            "100.64.0.1",
            "[fe80::1]",
        ];
        let hints = hosts
            .map(|host| (format!("http://{host}:{port}/base.holo"), "https://example.org/child.holo".into()));
        // A path is asked of the child's own host, which is judged again.
        let beside = ("base.holo".to_owned(), format!("http://localhost:{port}/child.holo"));
        for (hint, child) in hints.into_iter().chain([beside]) {
            let mut archive = pack(vec![Parent::new(pack(Vec::new()), vec![hint.clone()])]);
            let home = Home::Address(child, Box::<RemoteOptions>::default());
            archive.parents = Parents::new(&OpenOptions::default(), home);
            let error = archive.read_file("file", &mut |_| Ok(())).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Parent, "{hint}: {error}");
            assert!(error.to_string().contains("restricted"), "{hint}: {error}");
        }
        assert_eq!(listener.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock, "someone asked");
    }
}
