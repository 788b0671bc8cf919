use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

/// What is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Key {
    /// Raw bytes of the block of that id.
    Block(u64),
    /// Elements of a slice of the tensor of that ordinal, or of all of it.
    Slice { ordinal: u64, number: u64 },
    /// The file that the image of that ordinal stands for.
    Restored(u64),
}

/// Raw bytes of blocks used lately, at most so many bytes of them.
///
/// The lock is held for a look-up, never while a block is read: two threads may decode the same block at once, and a
/// `fork` meets a held lock for no longer than that.
#[derive(Debug)]
pub(super) struct BlockCache {
    capacity_bytes: u64,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    blocks: HashMap<Key, (Arc<Vec<u8>>, u64)>,
    /// Keys by the moment of their last use.
    by_use: BTreeMap<u64, Key>,
    n_uses: u64,
    n_bytes: u64,
}

impl BlockCache {
    pub(super) fn new(capacity_bytes: u64) -> Self {
        Self { capacity_bytes, kept: Mutex::default() }
    }

    /// Most bytes that are kept.
    pub(super) fn max_bytes(&self) -> u64 {
        self.capacity_bytes
    }

    pub(super) fn get(&self, id: Key) -> Option<Arc<Vec<u8>>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let Kept { blocks, by_use, n_uses, .. } = &mut *kept;
        let (block, last_use) = blocks.get_mut(&id)?;
        by_use.remove(last_use);
        *n_uses += 1;
        *last_use = *n_uses;
        by_use.insert(*n_uses, id);
        Some(Arc::clone(block))
    }

    /// Keeps a block, at the price of those not used for longest; one larger than the cache is not kept.
    pub(super) fn insert(&self, id: Key, block: &Arc<Vec<u8>>) {
        let n_bytes = block.len() as u64;
        if n_bytes > self.capacity_bytes {
            return;
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.remove(id);
        while kept.n_bytes + n_bytes > self.capacity_bytes {
            let Some((_, oldest)) = kept.by_use.first_key_value() else { break };
            let oldest = *oldest;
            kept.remove(oldest);
        }
        kept.n_uses += 1;
        kept.n_bytes += n_bytes;
        let now = kept.n_uses;
        kept.by_use.insert(now, id);
        kept.blocks.insert(id, (Arc::clone(block), now));
    }

    #[cfg(test)]
    fn n_bytes(&self) -> u64 {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).n_bytes
    }
}

impl Kept {
    fn remove(&mut self, id: Key) {
        if let Some((block, last_use)) = self.blocks.remove(&id) {
            self.by_use.remove(&last_use);
            self.n_bytes -= block.len() as u64;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use Key::Block;

    #[test]
    fn keeps_what_was_used_last_within_its_bytes() {
        let cache = BlockCache::new(100);
        let block = |n: usize| Arc::new(vec![7; n]);
        cache.insert(Block(1), &block(40));
        cache.insert(Block(2), &block(40));
        assert!(cache.get(Block(1)).is_some());
        cache.insert(Block(3), &block(40));
        assert_eq!(
            (cache.get(Block(1)).is_some(), cache.get(Block(2)).is_some(), cache.n_bytes()),
            (true, false, 80)
        );
        cache.insert(Block(4), &block(101));
        assert!(cache.get(Block(4)).is_none());
        cache.insert(Block(1), &block(10));
        assert_eq!(cache.n_bytes(), 50);
        cache.insert(Block(5), &block(100));
        assert_eq!((cache.n_bytes(), cache.get(Block(5)).map(|b| b.len())), (100, Some(100)));
    }

    #[test]
    fn without_capacity_nothing_is_kept() {
        let cache = BlockCache::new(0);
        cache.insert(Block(1), &Arc::new(vec![0]));
        assert!(cache.get(Block(1)).is_none());
    }
}
