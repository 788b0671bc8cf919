use super::content::Held;
use super::verify::damage_only;
use super::{Archive, Finding};
use crate::{Error, Result};
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

/// Hashes chunks of one block. One that is damaged or missing is left to the check of the items it belongs to.
pub(super) fn check_chunks(archive: &Archive, chunks: &[ChunkRecord]) -> Result<Vec<Finding>> {
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
            Ok(()) => {}
            Err(error @ Error::Item { .. }) => {
                findings.push(Finding { item: None, ..Finding::of_item("", &error) });
            }
            Err(error) => {
                damage_only(&error)?;
                break;
            }
        }
    }
    Ok(findings)
}
