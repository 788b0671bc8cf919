//! The end of an animation, for a writer that adds frames to it.

use super::{AnimationItem, FrameCache};
use crate::animation::{Earlier, Ending};
use crate::content_hash::ContentHash;
use crate::{Result, memory};
use holotype_codec::image::tile_work;
use holotype_container::ItemRecord;
use std::sync::Arc;

impl AnimationItem<'_> {
    /// What its last frames are, decoded, and the hash of all. The first time frames are added every frame is decoded for
    /// it and compared with the item's hash.
    pub(crate) fn ending(&self, n_threads: usize) -> Result<Ending> {
        let table = self.table()?;
        let chain = |frame: usize| -> u32 {
            let before = |at: &usize| Some(at - table.records.get(*at)?.distance as usize).filter(|b| b < at);
            std::iter::successors(Some(frame), before).count() as u32
        };
        let chains: Vec<u32> = (0..table.records.len()).map(chain).collect();
        let key = chains.iter().rposition(|chain| *chain == 1);
        let after = key.map_or(0, |key| key + 1);
        let anchor = chains[after..].iter().rposition(|chain| *chain == 2).map(|at| at + after);
        let last = chains.len().checked_sub(1);
        let mut cache = FrameCache::default();
        let content = match &self.animation.described.hash_state {
            Some(state) => self.resume_hash(state, &mut cache, n_threads)?,
            None => self.hash_all(&mut cache, n_threads)?,
        };
        let mut earlier = |at: Option<usize>| {
            at.map(|at| self.earlier(at as u64, chains[at], &mut cache, n_threads)).transpose()
        };
        let described = &self.animation.described;
        Ok(Ending {
            formats: described.description.formats.clone(),
            tile_edges: described.tile_edges.clone(),
            records: table.records.clone(),
            metadata: self.all_frame_metadata()?,
            content,
            raw_bytes: self.item.raw_bytes(),
            key: earlier(key)?,
            anchor: earlier(anchor)?,
            last: earlier(last)?,
        })
    }

    /// Takes the blocks of tables from the end of a record's content; those of tiles stay.
    pub(crate) fn drop_tables(&self, record: &mut ItemRecord) {
        let mut left = self.animation.n_tile_blocks;
        for run in &mut record.content {
            run.n_blocks = run.n_blocks.min(left);
            left -= run.n_blocks;
        }
        record.content.retain(|run| run.n_blocks > 0);
    }

    fn hash_all(&self, cache: &mut FrameCache, n_threads: usize) -> Result<ContentHash> {
        let mut content = ContentHash::default();
        let mut samples = Vec::new();
        for frame in 0..self.description().n_frames {
            memory::resize(&mut samples, "a frame", self.frame_bytes(frame)?)?;
            self.read_frame_into(frame, &mut samples, cache, n_threads)?;
            content.update(&samples);
        }
        self.item.check_content(content.clone().finalize())?;
        Ok(content)
    }

    /// The hash from its state and the bytes after the last whole block, which are those of the last frames.
    fn resume_hash(&self, state: &[u8; 32], cache: &mut FrameCache, n_threads: usize) -> Result<ContentHash> {
        let n_bytes = self.item.raw_bytes();
        let wanted = (n_bytes % ContentHash::BLOCK_BYTES as u64) as usize;
        let mut tail = Vec::new();
        let mut frame = self.description().n_frames;
        while tail.len() < wanted {
            frame = frame.checked_sub(1).ok_or_else(|| self.item.broken("its frames are shorter than it"))?;
            let mut samples = memory::zeroed("a frame", self.frame_bytes(frame)?)?;
            self.read_frame_into(frame, &mut samples, cache, n_threads)?;
            let missing = wanted - tail.len();
            let mut end = samples.split_off(samples.len().saturating_sub(missing));
            end.append(&mut tail);
            tail = end;
        }
        ContentHash::resume(state, n_bytes, &tail)
            .ok_or_else(|| self.item.broken("its hash has no such state"))
    }

    fn earlier(&self, index: u64, chain: u32, cache: &mut FrameCache, n_threads: usize) -> Result<Earlier> {
        let mut samples = memory::zeroed("a frame", self.frame_bytes(index)?)?;
        self.read_frame_into(index, &mut samples, cache, n_threads)?;
        let (own_work, n_bytes) = self.work_of(index)?;
        let mut chain_work = own_work;
        let mut frame = index;
        while let Some(reference) = self.reference(frame)? {
            chain_work += self.work_of(reference)?.0;
            frame = reference;
        }
        let format = self.record(index)?.format;
        Ok(Earlier { index, format, samples: Arc::new(samples), chain, chain_work, own_work, n_bytes })
    }

    /// Work of decoding a frame alone, and bytes of its tiles, as when it was coded.
    fn work_of(&self, frame: u64) -> Result<(u64, u64)> {
        let (mut work, mut n_bytes) = (None, 0);
        for id in self.blocks_of(frame)? {
            self.item.archive().with_block(self.item.name(), id, |_, tile| {
                work = work.max(Some(tile_work(tile)));
                n_bytes += tile.len() as u64;
                Ok(())
            })?;
        }
        Ok((work.unwrap_or(1) * self.frame_bytes(frame)?, n_bytes))
    }
}
