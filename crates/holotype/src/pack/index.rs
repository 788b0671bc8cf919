use crate::{Error, Result};
use hashbrown::HashTable;
use holotype_container::{ChunkRecord, Extent};
use std::hash::{BuildHasher as _, RandomState};

/// Chunks of fewer bytes are not listed in the archive: their records would be most of it.
const MIN_LISTED_BYTES: u32 = 256;

/// Every chunk of an archive in the making, by id: 44 bytes each and 5 to 10 of the table, in columns.
#[derive(Debug, Default)]
pub(super) struct ChunkIndex {
    ids: Vec<[u8; 32]>,
    places: Vec<Place>,
    /// Numbers of chunks, by the hash of their ids.
    table: HashTable<u32>,
    hasher: RandomState,
}

/// Where a chunk is: a range of a block that is numbered in the order of closing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) block: u32,
    pub(super) offset_bytes: u32,
    pub(super) n_bytes: u32,
}

impl ChunkIndex {
    pub(super) fn find(&self, id: &[u8; 32]) -> Option<Place> {
        let is_it = |at: &u32| self.ids.get(*at as usize) == Some(id);
        let at = self.table.find(self.hasher.hash_one(id), is_it)?;
        self.places.get(*at as usize).copied()
    }

    /// Adds a chunk that is not there.
    pub(super) fn insert(&mut self, id: [u8; 32], place: Place) -> Result<()> {
        let Self { ids, places, table, hasher } = self;
        let at = u32::try_from(ids.len()).map_err(|_| Error::LimitExceeded {
            what: "the number of chunks",
            found: ids.len() as u64,
            limit: u64::from(u32::MAX),
        })?;
        ids.push(id);
        places.push(place);
        table.insert_unique(hasher.hash_one(id), at, |at| hasher.hash_one(ids[*at as usize]));
        Ok(())
    }

    /// The records for the archive, by id; `ids_of_blocks` and `ids_of_foreign` say which id each block got.
    pub(super) fn into_records(
        self,
        ids_of_blocks: &[u64],
        ids_of_foreign: &[u64],
    ) -> impl Iterator<Item = ChunkRecord> {
        let Self { ids, places, table, hasher: _ } = self;
        drop(table);
        let mut order: Vec<u32> = (0..ids.len() as u32).collect();
        order.sort_unstable_by_key(|at| ids[*at as usize]);
        let record = move |at: u32| {
            let Place { block, offset_bytes, n_bytes } = places[at as usize];
            if n_bytes < MIN_LISTED_BYTES {
                return None;
            }
            let id = match block.checked_sub(super::parent::FIRST_FOREIGN) {
                Some(number) => ids_of_foreign.get(number as usize),
                None => ids_of_blocks.get(block as usize),
            };
            let extent = Extent { block: *id?, offset_bytes: offset_bytes.into(), n_bytes: n_bytes.into() };
            Some(ChunkRecord { id: ids[at as usize], extent })
        };
        order.into_iter().filter_map(record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_put_in() {
        let mut index = ChunkIndex::default();
        let id = |i: u32| *blake3::hash(&i.to_le_bytes()).as_bytes();
        let place = |i: u32| Place { block: i / 10, offset_bytes: i, n_bytes: 300 };
        for i in 0..5000 {
            assert_eq!(index.find(&id(i)), None);
            index.insert(id(i), place(i)).unwrap();
        }
        assert!((0..5000).all(|i| index.find(&id(i)) == Some(place(i))));
    }
}
