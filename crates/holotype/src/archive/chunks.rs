use super::content::Held;
use super::{Archive, Finding, Item};
use crate::{Error, Result, parallel};
use holotype_container::{ChunkRecord, Table, frame_hash};

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

/// Items whose content starts in the same places, in jobs of about `job_bytes`: neighbours decode a block once.
pub(crate) fn jobs_of<'a, 'b>(mut items: Vec<&'b Item<'a>>, job_bytes: u64) -> Vec<Vec<&'b Item<'a>>> {
    items.sort_by_cached_key(|item| content_order(item));
    let mut jobs: Vec<Vec<&Item<'_>>> = Vec::new();
    let mut n_bytes = u64::MAX;
    for item in items {
        // A file counts for its blocks and for the calls that it costs.
        let cost = item.raw_bytes().saturating_add(4096);
        match jobs.last_mut() {
            Some(job) if n_bytes.saturating_add(cost) <= job_bytes => job.push(item),
            _ => {
                jobs.push(vec![item]);
                n_bytes = 0;
            }
        }
        n_bytes = n_bytes.saturating_add(cost);
    }
    jobs
}
