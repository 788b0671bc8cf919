//! The manifest's tables, whole in memory or fetched page by page and kept.

use super::brief_lock::BriefLock;
use super::{Archive, SharedRecord};
use crate::{Error, Result, parallel};
use holotype_container::{BlockRecord, PageRef, Table};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Pages kept of each table; 64 KiB of records each.
const MAX_KEPT_PAGES: usize = 64;

/// Pages fetched so far.
#[derive(Debug, Default)]
pub(super) struct Tables {
    items: BriefLock<BTreeMap<u64, Arc<Vec<SharedRecord>>>>,
    blocks: BriefLock<BTreeMap<u64, Arc<Vec<BlockRecord>>>>,
}

/// Every item, in name order; pages are read on `n_threads` threads (0: what the machine offers).
pub(super) fn all_items(archive: &Archive, n_threads: usize) -> Result<Vec<SharedRecord>> {
    match &archive.manifest.root().items {
        Table::Inline(items) => Ok(items.iter().cloned().map(Arc::new).collect()),
        Table::Paged(pages) => {
            let n_threads = parallel::n_threads(n_threads, pages.len());
            let pages = parallel::map(n_threads, pages.iter().collect(), |page| item_page(archive, page))?;
            Ok(pages.iter().flat_map(|page| page.iter().cloned()).collect())
        }
    }
}

/// At most `n` items in name order, from the first that is not before `name`.
pub(super) fn items_from(archive: &Archive, name: &str, n: usize) -> Result<Vec<SharedRecord>> {
    match &archive.manifest.root().items {
        Table::Inline(items) => {
            let start = items.partition_point(|item| item.name.as_str() < name);
            Ok(items.iter().skip(start).take(n).cloned().map(Arc::new).collect())
        }
        Table::Paged(pages) => {
            let after = pages.partition_point(|page| page.first.as_str() <= name);
            let mut found = Vec::new();
            for page in pages.iter().skip(after.saturating_sub(1)) {
                if found.len() >= n {
                    break;
                }
                let items = item_page(archive, page)?;
                let start = items.partition_point(|item| item.name.as_str() < name);
                found.extend(items.iter().skip(start).take(n - found.len()).cloned());
            }
            Ok(found)
        }
    }
}

/// The item named `name`.
pub(super) fn item(archive: &Archive, name: &str) -> Result<Option<SharedRecord>> {
    if let Table::Inline(items) = &archive.manifest.root().items {
        let at = items.binary_search_by(|item| item.name.as_str().cmp(name));
        return Ok(at.ok().and_then(|at| items.get(at)).cloned().map(Arc::new));
    }
    let Some(page) = archive.manifest.item_page(name) else { return Ok(None) };
    let items = item_page(archive, page)?;
    let at = items.binary_search_by(|item| item.name.as_str().cmp(name));
    Ok(at.ok().and_then(|at| items.get(at)).cloned())
}

/// Block `id`.
pub(super) fn block(archive: &Archive, id: u64) -> Result<BlockRecord> {
    let found = if let Table::Inline(blocks) = &archive.manifest.root().blocks {
        usize::try_from(id).ok().and_then(|id| blocks.get(id)).copied()
    } else if let Some(page) = archive.manifest.block_page(id) {
        block_page(archive, page)?.get((id - page.first) as usize).copied()
    } else {
        None
    };
    found.ok_or_else(|| Error::invalid(format!("the archive has no block {id}")))
}

/// Every block, in the order of ids.
pub(super) fn all_blocks(archive: &Archive) -> Result<Vec<BlockRecord>> {
    match &archive.manifest.root().blocks {
        Table::Inline(blocks) => Ok(blocks.clone()),
        Table::Paged(pages) => {
            let mut all = Vec::new();
            for page in pages {
                all.extend_from_slice(&block_page(archive, page)?);
            }
            Ok(all)
        }
    }
}

fn item_page(archive: &Archive, page: &PageRef<String>) -> Result<Arc<Vec<SharedRecord>>> {
    kept(&archive.tables.items, page.offset_bytes, || {
        let frame = archive.read(page.offset_bytes, page.frame_bytes)?;
        let items = archive.manifest.read_item_page(page, &frame, &archive.limits.container)?;
        // Into a vector of its own: `collect` would keep the memory of the records, fifty times as much.
        let mut shared = Vec::with_capacity(items.len());
        shared.extend(items.into_iter().map(Arc::new));
        Ok(shared)
    })
}

fn block_page(archive: &Archive, page: &PageRef<u64>) -> Result<Arc<Vec<BlockRecord>>> {
    kept(&archive.tables.blocks, page.offset_bytes, || {
        let frame = archive.read(page.offset_bytes, page.frame_bytes)?;
        Ok(archive.manifest.read_block_page(page, &frame, &archive.limits.container)?)
    })
}

fn kept<T>(
    pages: &BriefLock<BTreeMap<u64, Arc<Vec<T>>>>,
    offset_bytes: u64,
    fetch: impl FnOnce() -> Result<Vec<T>>,
) -> Result<Arc<Vec<T>>> {
    if let Some(page) = pages.lock().and_then(|pages| pages.get(&offset_bytes).cloned()) {
        return Ok(page);
    }
    let page = Arc::new(fetch()?);
    if let Some(mut pages) = pages.lock() {
        if pages.len() >= MAX_KEPT_PAGES {
            pages.pop_first();
        }
        pages.insert(offset_bytes, Arc::clone(&page));
    }
    Ok(page)
}
