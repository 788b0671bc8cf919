use super::{Archive, Item};
use holotype_container::{ChunkRecord, Extents};
use std::sync::atomic::{AtomicU32, Ordering};

/// How often each block is still to be read by those who read much of an archive: what is not read again makes room at
/// once, while it is near the processor, for what is decoded next.
///
/// Only lists of extents that are at hand are counted. A block that is read more often is decoded once more.
pub(crate) struct Uses<'a> {
    archive: &'a Archive,
    left: Vec<AtomicU32>,
}

impl<'a> Uses<'a> {
    pub(crate) fn of(archive: &'a Archive) -> Self {
        let n_blocks = usize::try_from(archive.manifest.root().n_blocks).unwrap_or(0);
        let mut left = Vec::new();
        // Without memory for the counts nothing is counted.
        if left.try_reserve_exact(n_blocks).is_ok() {
            left.resize_with(n_blocks, AtomicU32::default);
        }
        Self { archive, left }
    }

    /// Counts what is going to be read.
    pub(crate) fn add(&self, blocks: impl Iterator<Item = u64>) {
        for count in blocks.filter_map(|id| self.left.get(usize::try_from(id).ok()?)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Takes back `n` of what was counted of a block, now that it was read; what nobody is going to read leaves the cache.
    pub(crate) fn end(&self, block: u64, n: u32) {
        let count = usize::try_from(block).ok().and_then(|block| self.left.get(block));
        if count.is_some_and(|count| count.fetch_sub(n, Ordering::Relaxed) == n) {
            self.archive.forget_block(block);
        }
    }
}

impl Item<'_> {
    /// Blocks that its content shares with others, each once where extents of one follow each other.
    pub(crate) fn shared_blocks(&self) -> impl Iterator<Item = u64> {
        let extents = match &self.record().extents {
            Some(Extents::Inline(extents)) => extents.as_slice(),
            _ => &[],
        };
        extents.chunk_by(|a, b| a.block == b.block).filter_map(|run| run.first()).map(|extent| extent.block)
    }
}

/// The block that chunks lie in.
pub(super) fn block_of(chunks: &[ChunkRecord]) -> impl Iterator<Item = u64> {
    chunks.first().into_iter().map(|chunk| chunk.extent.block)
}
