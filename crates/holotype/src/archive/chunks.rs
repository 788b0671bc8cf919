use super::content::Held;
use super::{Archive, Finding, Item};
use crate::{Error, Result, parallel};
use holotype_container::{ChunkRecord, ChunkTable, Chunking, Table, frame_hash};
use std::iter::Peekable;

/// Every record of the chunk table, in the order of the blocks they lie in.
pub(super) fn all_chunks(archive: &Archive) -> Result<Vec<ChunkRecord>> {
    let root = archive.manifest.root();
    let mut chunks = match &root.chunks {
        Table::Inline(chunks) => chunks.clone(),
        Table::Paged(pages) => {
            let mut all = Vec::new();
            for page in pages {
                let frame = archive.read(page.offset_bytes, page.frame_bytes)?;
                all.extend(archive.manifest.read_chunk_page(page, &frame, &archive.limits.container)?);
            }
            if !all.is_sorted_by(|a, b| a.id < b.id) {
                let rule = "chunk ids do not ascend";
                let error = holotype_container::Error::Corrupt { what: "chunk table", offset_bytes: 0, rule };
                return Err(error.into());
            }
            all
        }
    };
    chunks.sort_unstable_by_key(|chunk| (chunk.extent.block, chunk.extent.offset_bytes));
    Ok(chunks)
}

impl Archive {
    /// The chunk table with more records, ids ascending; pages that none of them belongs to stay as they are.
    pub(crate) fn chunk_table_with(
        &self,
        new: impl Iterator<Item = ChunkRecord>,
        chunking: Chunking,
    ) -> Result<ChunkTable> {
        let mut table = ChunkTable::new(self.chunking().unwrap_or(chunking));
        let mut new = new.peekable();
        match &self.manifest.root().chunks {
            Table::Inline(old) => merge(&mut table, old, &mut new, None),
            Table::Paged(pages) => {
                for (at, page) in pages.iter().enumerate() {
                    let next = pages.get(at + 1).map(|page| page.first);
                    if new.peek().is_none_or(|chunk| next.is_some_and(|next| chunk.id >= next)) {
                        table.keep(page.clone());
                        continue;
                    }
                    let frame = self.read(page.offset_bytes, page.frame_bytes)?;
                    let old = self.manifest.read_chunk_page(page, &frame, &self.limits.container)?;
                    merge(&mut table, &old, &mut new, next);
                }
            }
        }
        Ok(table)
    }
}

/// Appends old records and the new ones below `end`, by id; where both have one, the old.
fn merge(
    table: &mut ChunkTable,
    old: &[ChunkRecord],
    new: &mut Peekable<impl Iterator<Item = ChunkRecord>>,
    end: Option<[u8; 32]>,
) {
    for chunk in old {
        while let Some(before) = new.next_if(|new| new.id < chunk.id) {
            table.push(&before);
        }
        new.next_if(|new| new.id == chunk.id);
        table.push(chunk);
    }
    while let Some(chunk) = new.next_if(|new| end.is_none_or(|end| new.id < end)) {
        table.push(&chunk);
    }
}

/// Hashes every chunk of the table. Damaged blocks are left to the check of the items they belong to.
pub(super) fn verify_chunks(archive: &Archive, n_threads: usize) -> Result<Vec<Finding>> {
    let chunks = all_chunks(archive)?;
    let blocks: Vec<&[ChunkRecord]> = chunks.chunk_by(|a, b| a.extent.block == b.extent.block).collect();
    let n_threads = parallel::n_threads(n_threads, blocks.len());
    let found = parallel::map(n_threads, blocks, |chunks| {
        let mut findings = Vec::new();
        let mut held = Held::default();
        for chunk in chunks {
            let checked = archive.with_extent("chunk table", &chunk.extent, &mut held, &mut |bytes| {
                if frame_hash(bytes) == chunk.id {
                    return Ok(());
                }
                Err(Error::Item { item: "chunk table".into(), rule: "a chunk has another hash than its id" })
            });
            match checked {
                Err(Error::Block { .. }) => break,
                Err(error @ Error::Item { .. }) => {
                    findings.push(Finding { item: None, ..Finding::of_item("", &error) });
                }
                other => other?,
            }
        }
        Ok(findings)
    })?;
    Ok(found.into_iter().flatten().collect())
}

/// Order in which items share blocks with those beside them: that of the blocks their content starts in.
pub(crate) fn content_order(item: &Item<'_>) -> (u64, u64) {
    use holotype_container::Extents;
    match &item.record().extents {
        Some(Extents::Inline(extents)) => extents.first().map_or((0, 0), |e| (e.block, e.offset_bytes)),
        Some(Extents::Block(id)) => (*id, 0),
        _ => (item.record().content.first().map_or(0, |run| run.first), 0),
    }
}

/// Entries of items whose content starts in the same places, in jobs of about `job_bytes`: neighbours decode a block once.
pub(crate) fn jobs_of<'a, 'b: 'a, T>(
    mut entries: Vec<T>,
    job_bytes: u64,
    item_of: impl Fn(&T) -> &'a Item<'b>,
) -> Vec<Vec<T>> {
    entries.sort_by_cached_key(|entry| content_order(item_of(entry)));
    let mut jobs: Vec<Vec<T>> = Vec::new();
    let mut n_bytes = u64::MAX;
    for entry in entries {
        // A file counts for its blocks and for the calls that it costs.
        let cost = item_of(&entry).raw_bytes().saturating_add(4096);
        match jobs.last_mut() {
            Some(job) if n_bytes.saturating_add(cost) <= job_bytes => job.push(entry),
            _ => {
                jobs.push(vec![entry]);
                n_bytes = 0;
            }
        }
        n_bytes = n_bytes.saturating_add(cost);
    }
    jobs
}
