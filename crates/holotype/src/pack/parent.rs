//! Chunks that parents have, or the revision before: found by their ids wherever they lie, and compared byte by byte before they are named.

use super::index::{ChunkIndex, Place};
use crate::archive::{Archive, Held};
use crate::{Error, OpenOptions, Result};
use holotype_container::{Extent, ParentRecord};
use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// Decoded blocks of a parent kept for comparing.
pub(crate) const CACHE_BYTES: u64 = 32 << 20;

/// An archive that a thin one names blocks of.
#[derive(Debug, Clone)]
pub struct Parent {
    archive: Arc<Archive>,
    hints: Vec<String>,
}

impl Parent {
    /// An open archive, and where readers of the child find it: paths relative to the folder of the child, parts
    /// joined by `/`, or addresses.
    #[must_use]
    pub fn new(archive: Archive, hints: Vec<String>) -> Self {
        Self { archive: Arc::new(archive), hints }
    }

    /// Opens the archive at `path`; the hint is the way to it from the folder of `child`, which need not exist yet.
    ///
    /// # Errors
    /// As [`Archive::open_with`]; `InvalidArgument` if there is no such way, as between drives, or if the child would
    /// take the place of an archive that it names blocks of.
    pub fn open(path: impl AsRef<Path>, child: impl AsRef<Path>, options: &OpenOptions) -> Result<Self> {
        let path = path.as_ref();
        let archive = Archive::open_with(path, options)?.with_cache_bytes(CACHE_BYTES);
        let folder = match child.as_ref().parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder.to_path_buf(),
            _ => PathBuf::from("."),
        };
        let absolute = |path: &Path| path.canonicalize().map_err(|e| Error::io(path, e));
        let parent = absolute(path)?;
        let is_replaced = |child: PathBuf| child == parent || archive.names_blocks_of(&child);
        if child.as_ref().canonicalize().is_ok_and(is_replaced) {
            return Err(Error::invalid(format!(
                "{} is needed by the archive that would replace it: no archive is its own parent",
                child.as_ref().display()
            )));
        }
        let hint = relative(&parent, &absolute(&folder)?).ok_or_else(|| {
            Error::invalid(format!("{} cannot be named from the folder of its child", path.display()))
        })?;
        Ok(Self::new(archive, vec![hint]))
    }

    /// The archive.
    #[must_use]
    pub fn archive(&self) -> &Archive {
        &self.archive
    }

    pub(crate) fn record(&self) -> ParentRecord {
        self.archive.parent_record(self.hints.clone())
    }
}

/// The way from `folder` to `path`, both absolute, with `/` between its parts.
fn relative(path: &Path, folder: &Path) -> Option<String> {
    let (path, folder): (Vec<_>, Vec<_>) = (path.components().collect(), folder.components().collect());
    let n_shared = path.iter().zip(&folder).take_while(|(a, b)| a == b).count();
    if n_shared == 0 {
        return None;
    }
    let up = folder.iter().skip(n_shared).map(|_| Some(".."));
    let down = path.iter().skip(n_shared).map(|part| match part {
        Component::Normal(part) => part.to_str(),
        _ => None,
    });
    Some(up.chain(down).collect::<Option<Vec<_>>>()?.join("/"))
}

/// Places in blocks of parents have numbers from here on.
pub(super) const FIRST_FOREIGN: u32 = 1 << 31;

/// Archives that have chunks already: parents, and the revision before.
#[derive(Debug, Default)]
pub(crate) struct Others<'a> {
    /// Each with its number in the archive in the making; none for the revision before, whose blocks it has.
    archives: Vec<(&'a Arc<Archive>, Option<u32>)>,
}

impl<'a> Others<'a> {
    /// The revision before, if there is one, and parents with their numbers.
    pub(crate) fn new(parents: &'a [Parent], numbers: &[u32], base: Option<&'a Arc<Archive>>) -> Self {
        let parents = parents.iter().zip(numbers).map(|(parent, number)| (&parent.archive, Some(*number)));
        Self { archives: base.map(|base| (base, None)).into_iter().chain(parents).collect() }
    }
}

/// A block of another archive.
#[derive(Debug, Clone, Copy)]
struct OtherBlock {
    /// Position of its archive.
    archive: u32,
    id: u64,
}

/// The chunks of all others: 44 bytes each and 5 to 10 of the table.
#[derive(Debug, Default)]
pub(super) struct OtherChunks {
    archives: Vec<(Arc<Archive>, Option<u32>)>,
    /// Every chunk by its id, in numbered blocks.
    index: ChunkIndex,
    /// The numbered blocks.
    blocks: Vec<OtherBlock>,
    /// The number that each block used so far has in the archive in the making, by its number here.
    used: HashMap<u32, u32>,
    held: Held,
    /// The archive that `held` is of.
    last_archive: Option<u32>,
}

/// Gives a block a number: that of its parent, if it has one, its id there, and its archive.
type NameBlock<'a> = &'a mut dyn FnMut(Option<u32>, u64, &Archive) -> Result<u32>;

impl OtherChunks {
    /// Without `deduplicate` the revision before is not looked at: what is in it is the archive's own.
    pub(super) fn new(others: &Others<'_>, deduplicate: bool) -> Result<Self> {
        let used = others.archives.iter().filter(|(_, number)| deduplicate || number.is_some());
        let archives = used.map(|(archive, number)| (Arc::clone(archive), *number)).collect();
        let mut all = Self { archives, ..Self::default() };
        for (number, (archive, _)) in (0..).zip(&all.archives) {
            let mut last = None;
            // In the order of the blocks they lie in.
            for chunk in archive.chunks()? {
                let Extent { block, offset_bytes, n_bytes } = chunk.extent;
                if last != Some(block) {
                    all.blocks.push(OtherBlock { archive: number, id: block });
                    last = Some(block);
                }
                let place = (u32::try_from(offset_bytes).ok()).zip(u32::try_from(n_bytes).ok());
                let Some((offset_bytes, n_bytes)) = place else { continue };
                let block =
                    u32::try_from(all.blocks.len() - 1).map_err(|_| Error::invalid("too many blocks"))?;
                if all.index.find(&chunk.id).is_none() {
                    all.index.insert(chunk.id, Place { block, offset_bytes, n_bytes })?;
                }
            }
        }
        Ok(all)
    }

    /// Where another archive has the chunk: the block, and its place with a number from [`FIRST_FOREIGN`] on. `name`
    /// gives a block its number when it is used for the first time.
    pub(super) fn find(&mut self, id: &[u8; 32], bytes: &[u8], name: NameBlock<'_>) -> Result<Option<Place>> {
        let Some(place) = self.index.find(id) else { return Ok(None) };
        let Some(other) = self.blocks.get(place.block as usize).copied() else { return Ok(None) };
        let Some((archive, parent)) = self.archives.get(other.archive as usize) else { return Ok(None) };
        let extent = Extent {
            block: other.id,
            offset_bytes: place.offset_bytes.into(),
            n_bytes: place.n_bytes.into(),
        };
        // The table of another archive proves nothing: what is named is what was compared.
        if self.last_archive != Some(other.archive) {
            self.held = Held::default();
            self.last_archive = Some(other.archive);
        }
        let what = if parent.is_some() { "a parent" } else { "the revision before" };
        let is_same = archive.with_extent(what, &extent, &mut self.held, &mut |theirs| Ok(theirs == bytes));
        match is_same {
            Ok(true) => {}
            Ok(false) | Err(Error::Item { .. }) => return Ok(None),
            Err(error) => return Err(error),
        }
        let block = match self.used.get(&place.block) {
            Some(number) => *number,
            None => {
                let number = name(*parent, other.id, archive)?;
                self.used.insert(place.block, number);
                number
            }
        };
        Ok(Some(Place { block, ..place }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_between_folders() {
        for (path, folder, way) in [
            ("/a/b/c.holo", "/a/b", "c.holo"),
            ("/a/c.holo", "/a/b/d", "../../c.holo"),
            ("/x/c.holo", "/a", "../x/c.holo"),
        ] {
            assert_eq!(relative(Path::new(path), Path::new(folder)).as_deref(), Some(way));
        }
    }
}
