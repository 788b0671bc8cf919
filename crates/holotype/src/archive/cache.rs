use super::brief_lock::BriefLock;
use super::spares::Spares;
use std::collections::{BTreeMap, HashMap};
use std::process;
use std::sync::{Arc, Condvar, OnceLock, PoisonError};

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
/// The lock is held for a look-up, never while a block is read: see [`BriefLock`] for what that means after a `fork`.
/// Who wants a block that another thread is making waits for it, see [`BlockCache::find`].
#[derive(Debug)]
pub(super) struct BlockCache {
    capacity_bytes: u64,
    kept: BriefLock<Kept>,
    /// Told when a block that others wait for is made, or failed to be.
    made: Condvar,
    /// What held blocks that nobody needs any more.
    pub(super) spares: Spares,
}

#[derive(Debug, Default)]
struct Kept {
    blocks: HashMap<Key, (Arc<Vec<u8>>, u64)>,
    /// Keys by the moment of their last use.
    by_use: BTreeMap<u64, Key>,
    n_uses: u64,
    n_bytes: u64,
    in_making: HashMap<Key, Arc<Making>>,
    n_waiting: usize,
}

/// A block that a thread is making.
#[derive(Debug)]
struct Making {
    /// The process of that thread: one forked since has none that would end it.
    process: u32,
    /// What it came to, also if it is not kept; `None` if there was an error.
    outcome: OnceLock<Option<Arc<Vec<u8>>>>,
}

/// What [`BlockCache::find`] found.
pub(super) enum Found<'a> {
    /// The block, or enough of its start.
    Block(Arc<Vec<u8>>),
    /// Nothing that is long enough: the caller makes it, and others wait for what becomes of this claim.
    Nothing(Claim<'a>),
}

/// The task of making a block. One that is dropped without [`Claim::keep`] leaves it to those who wait.
pub(super) struct Claim<'a> {
    cache: &'a BlockCache,
    key: Key,
    making: Option<Arc<Making>>,
    /// True if there was a part of it that is too short.
    pub(super) was_short: bool,
}

impl BlockCache {
    pub(super) fn new(capacity_bytes: u64) -> Self {
        Self { capacity_bytes, kept: BriefLock::default(), made: Condvar::new(), spares: Spares::default() }
    }

    /// Most bytes that are kept.
    pub(super) fn max_bytes(&self) -> u64 {
        self.capacity_bytes
    }

    pub(super) fn get(&self, key: Key) -> Option<Arc<Vec<u8>>> {
        self.kept.lock()?.get(key)
    }

    /// The block, of which the first `n_bytes` are needed: from the cache, or from another thread once it has made it,
    /// else the task of making it. Who makes a block must not wait for another one.
    pub(super) fn find(&self, key: Key, n_bytes: u64) -> Found<'_> {
        let is_enough = |block: &Arc<Vec<u8>>| block.len() as u64 >= n_bytes;
        let claim = |making, was_short| Found::Nothing(Claim { cache: self, key, making, was_short });
        let Some(mut kept) = self.kept.lock() else { return claim(None, false) };
        let mut was_short = false;
        loop {
            match kept.get(key) {
                Some(block) if is_enough(&block) => return Found::Block(block),
                short => was_short |= short.is_some(),
            }
            let Some(other) = kept.maker_of(key) else {
                let making = Arc::new(Making { process: process::id(), outcome: OnceLock::new() });
                kept.in_making.insert(key, Arc::clone(&making));
                return claim(Some(making), was_short);
            };
            while other.outcome.get().is_none() {
                kept.n_waiting += 1;
                kept = self.made.wait(kept).unwrap_or_else(PoisonError::into_inner);
                kept.n_waiting -= 1;
            }
            match other.outcome.get().cloned().flatten() {
                Some(block) if is_enough(&block) => return Found::Block(block),
                short => was_short |= short.is_some(),
            }
        }
    }

    /// Keeps a block, at the price of those not used for longest; one larger than the cache is not kept.
    pub(super) fn insert(&self, key: Key, block: &Arc<Vec<u8>>) {
        if let Some(mut kept) = self.kept.lock() {
            kept.insert(key, block, self);
        }
    }

    /// Takes a block that is not needed any more, for its memory.
    pub(super) fn give_back(&self, block: Arc<Vec<u8>>) {
        if let Some(buffer) = Arc::into_inner(block) {
            self.spares.give(buffer);
        }
    }

    /// Keeps it no longer.
    pub(super) fn remove(&self, key: Key) {
        let removed = self.kept.lock().and_then(|mut kept| kept.remove(key));
        removed.into_iter().for_each(|block| self.give_back(block));
    }

    #[cfg(test)]
    fn n_bytes(&self) -> u64 {
        self.kept.lock().map_or(0, |kept| kept.n_bytes)
    }
}

impl Claim<'_> {
    /// Ends it with a block, for the cache and for those who wait.
    pub(super) fn keep(mut self, block: &Arc<Vec<u8>>) {
        self.end(Some(block));
    }

    fn end(&mut self, block: Option<&Arc<Vec<u8>>>) {
        let Some(making) = self.making.take() else { return };
        let mut kept = self.cache.kept.lock();
        // Under the lock: nobody finds it ended and still there.
        let _ = making.outcome.set(block.cloned());
        let Some(kept) = &mut kept else { return };
        if kept.in_making.get(&self.key).is_some_and(|other| Arc::ptr_eq(other, &making)) {
            kept.in_making.remove(&self.key);
        }
        if let Some(block) = block {
            kept.insert(self.key, block, self.cache);
        }
        if kept.n_waiting > 0 {
            self.cache.made.notify_all();
        }
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        self.end(None);
    }
}

impl Kept {
    fn get(&mut self, key: Key) -> Option<Arc<Vec<u8>>> {
        let (block, last_use) = self.blocks.get_mut(&key)?;
        // Files that follow each other lie in the same block: it was the last one used already.
        if *last_use != self.n_uses {
            self.by_use.remove(last_use);
            self.n_uses += 1;
            *last_use = self.n_uses;
            self.by_use.insert(self.n_uses, key);
        }
        Some(Arc::clone(block))
    }

    fn insert(&mut self, key: Key, block: &Arc<Vec<u8>>, cache: &BlockCache) {
        let n_bytes = block.len() as u64;
        if n_bytes > cache.capacity_bytes {
            return;
        }
        self.remove(key);
        while self.n_bytes + n_bytes > cache.capacity_bytes {
            let Some((_, oldest)) = self.by_use.first_key_value() else { break };
            let oldest = *oldest;
            self.remove(oldest).into_iter().for_each(|block| cache.give_back(block));
        }
        self.n_uses += 1;
        self.n_bytes += n_bytes;
        self.by_use.insert(self.n_uses, key);
        self.blocks.insert(key, (Arc::clone(block), self.n_uses));
    }

    fn remove(&mut self, key: Key) -> Option<Arc<Vec<u8>>> {
        let (block, last_use) = self.blocks.remove(&key)?;
        self.by_use.remove(&last_use);
        self.n_bytes -= block.len() as u64;
        Some(block)
    }

    /// What a thread of this process is making of it.
    fn maker_of(&self, key: Key) -> Option<Arc<Making>> {
        self.in_making.get(&key).filter(|making| making.process == process::id()).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::thread;
    use std::time::Duration;

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
        cache.remove(Block(4));
        cache.remove(Block(5));
        assert!(cache.n_bytes() == 0 && cache.get(Block(5)).is_none());
    }

    #[test]
    fn without_capacity_nothing_is_kept() {
        let cache = BlockCache::new(0);
        cache.insert(Block(1), &Arc::new(vec![0]));
        assert!(cache.get(Block(1)).is_none());
    }

    /// Finds a block, or makes it, slowly.
    fn made(cache: &BlockCache, n_bytes: usize, n_made: &AtomicU32) -> Arc<Vec<u8>> {
        match cache.find(Block(1), n_bytes as u64) {
            Found::Block(block) => block,
            Found::Nothing(claim) => {
                n_made.fetch_add(1, Ordering::Relaxed);
                thread::sleep(Duration::from_millis(20));
                let block = Arc::new(vec![7; n_bytes]);
                claim.keep(&block);
                block
            }
        }
    }

    #[test]
    fn a_block_is_made_once_for_all_who_want_it_even_if_it_is_not_kept() {
        for capacity_bytes in [100, 0] {
            let (cache, n_made) = (BlockCache::new(capacity_bytes), AtomicU32::new(0));
            let at_once = std::sync::Barrier::new(8);
            thread::scope(|scope| {
                for _ in 0..8 {
                    scope.spawn(|| {
                        at_once.wait();
                        assert_eq!(made(&cache, 50, &n_made).len(), 50);
                    });
                }
            });
            // Without a cache a late thread finds nothing left of what the others had.
            let most = if capacity_bytes == 0 { 7 } else { 1 };
            assert!((1..=most).contains(&n_made.into_inner()));
        }
    }

    #[test]
    fn who_waits_for_a_block_that_fails_makes_it() {
        let (cache, n_made) = (BlockCache::new(100), AtomicU32::new(0));
        let Found::Nothing(claim) = cache.find(Block(1), 50) else { panic!("it is kept") };
        thread::scope(|scope| {
            let waiting = scope.spawn(|| made(&cache, 50, &n_made));
            thread::sleep(Duration::from_millis(20));
            assert!(!waiting.is_finished());
            drop(claim);
            assert_eq!(waiting.join().unwrap().len(), 50);
        });
        assert_eq!(n_made.into_inner(), 1);
    }

    #[test]
    fn threads_that_want_more_or_less_of_the_same_blocks_all_get_it() {
        let cache = BlockCache::new(100);
        let ask = |seed: u64| {
            for at in 0..20_000_u64 {
                let random = (at ^ seed).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
                let (key, n_bytes) = (Block(random % 3), random / 3 % 60);
                match cache.find(key, n_bytes) {
                    Found::Block(block) => assert!(block.len() as u64 >= n_bytes),
                    Found::Nothing(claim) if random.is_multiple_of(7) => drop(claim),
                    Found::Nothing(claim) => claim.keep(&Arc::new(vec![7; n_bytes as usize])),
                }
            }
        };
        thread::scope(|scope| (0..4).for_each(|seed| drop(scope.spawn(move || ask(seed << 20)))));
        assert!(cache.kept.lock().unwrap().in_making.is_empty());
    }

    #[test]
    fn a_start_that_is_too_short_is_made_longer() {
        let cache = BlockCache::new(100);
        let Found::Nothing(claim) = cache.find(Block(1), 10) else { panic!("it is kept") };
        assert!(!claim.was_short);
        claim.keep(&Arc::new(vec![7; 10]));
        assert!(matches!(cache.find(Block(1), 10), Found::Block(_)));
        let Found::Nothing(claim) = cache.find(Block(1), 11) else { panic!("it is too short") };
        assert!(claim.was_short);
    }

    #[test]
    fn a_forked_process_does_not_wait_for_threads_that_it_lacks() {
        let cache = BlockCache::new(100);
        let making = Arc::new(Making { process: 0, outcome: OnceLock::new() });
        cache.kept.lock().unwrap().in_making.insert(Block(1), making);
        assert_eq!(made(&cache, 50, &AtomicU32::new(0)).len(), 50);
        assert!(cache.kept.lock().unwrap().in_making.is_empty());
    }
}
