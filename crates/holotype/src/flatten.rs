//! A thin archive into one that stands alone.

use crate::archive::Item;
use crate::tensor::Orphans;
use crate::{Archive, Encryption, Progress, Result};
use holotype_container::{ArchiveBuilder, ChunkTable, Codec, PageDraft};
use std::io::Write;

/// How [`flatten`] works.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct FlattenOptions {
    /// Who can open the new archive; by default it is not encrypted, whether the old one is or not.
    pub encryption: Option<Encryption>,
    /// Told of the stored bytes copied.
    pub progress: Progress,
}

impl FlattenOptions {
    /// Sets [`Self::encryption`].
    #[must_use]
    pub fn with_encryption(mut self, encryption: Option<Encryption>) -> Self {
        self.encryption = encryption;
        self
    }

    /// Sets [`Self::progress`].
    #[must_use]
    pub fn with_progress(mut self, progress: Progress) -> Self {
        self.progress = progress;
        self
    }
}

/// Writes the archive with all blocks that it names of parents, so that it needs them no more; returns the output and
/// the new seal.
///
/// Blocks are copied as they are coded, whole, and checked, but for tensors stored against others in a parent, which
/// are coded anew; items, names and hashes are the same. It serves too to
/// encrypt an archive, to decrypt one, or to give one another key.
///
/// # Errors
/// `Corrupt` if a block is damaged; `Parent` if a parent is missing or was replaced; `Io`.
///
/// # Examples
/// ```
/// use holotype::{Archive, FlattenOptions, Metadata, Parent, Writer, WriterOptions, flatten};
/// # let content: Vec<u8> = (0..200_000_u32).flat_map(|i| i.wrapping_mul(2_654_435_761).to_be_bytes()).collect();
/// # let stream = |content: &[u8]| Box::new(std::io::Cursor::new(content.to_vec()));
/// let mut writer = Writer::new(Vec::new(), WriterOptions::default())?;
/// writer.pack_stream("monday", stream(&content), &Metadata::default())?;
/// let monday = writer.finish()?.0;
///
/// let parent = Parent::new(Archive::from_bytes(monday)?, vec!["monday.holo".into()]);
/// let mut writer = Writer::new(Vec::new(), WriterOptions::default().with_parents(vec![parent]))?;
/// writer.pack_stream("tuesday", stream(&content[..700_000]), &Metadata::default())?;
/// let tuesday = writer.finish()?.0;
/// assert!(tuesday.len() < 300_000);
/// assert_eq!(Archive::from_bytes(tuesday)?.parents()[0].hints, ["monday.holo"]);
/// # Ok::<(), holotype::Error>(())
/// ```
pub fn flatten<W: Write>(archive: &Archive, out: W, options: &FlattenOptions) -> Result<(W, [u8; 32])> {
    let mut out = out;
    let failed = |e| crate::Error::io("the archive", e);
    let (mut builder, header) = match &options.encryption {
        Some(encryption) => {
            let (seed, record) = encryption.begin()?;
            ArchiveBuilder::begin_encrypted(&seed, record)
        }
        None => ArchiveBuilder::begin(),
    };
    out.write_all(&header).map_err(failed)?;
    let items = archive.items()?;
    let hints = item_hints(archive, &items)?;
    let mut orphans = Orphans::of(&items)?;
    for (id, hint) in (0..).zip(hints) {
        archive.with_block("a block", id, |block, payload| {
            let mut push = pushing(&mut builder, &mut out, hint);
            if block.codec != Codec::TensorSlice || !orphans.push(id, payload, &mut push)? {
                push(block.codec, payload, block.raw_bytes)?;
            }
            options.progress.advance(payload.len() as u64);
            Ok(())
        })?;
    }
    builder.reserve_ordinals(items.last().map_or(0, |item| item.record().ordinal + 1));
    for item in &items {
        let hint = u32::try_from(item.record().ordinal).unwrap_or(u32::MAX);
        let record = orphans.record(item, &mut pushing(&mut builder, &mut out, hint))?;
        builder.add_item_at(record)?;
    }
    if let Some(metadata) = archive.stored_metadata() {
        builder.set_metadata(metadata.clone());
    }
    let chunks = archive.chunking().map(|chunking| -> Result<ChunkTable> {
        let mut chunks = archive.chunks()?;
        chunks.sort_unstable_by_key(|chunk| chunk.id);
        let mut table = ChunkTable::new(chunking);
        chunks.iter().for_each(|chunk| table.push(chunk));
        Ok(table)
    });
    let (tail, trailer) = builder.finish_with(chunks.transpose()?, &PageDraft::frames);
    out.write_all(&tail).and_then(|()| out.flush()).map_err(failed)?;
    Ok((out, trailer.seal))
}

/// Adds blocks to the new archive.
fn pushing<'a, W: Write>(
    builder: &'a mut ArchiveBuilder,
    out: &'a mut W,
    hint: u32,
) -> impl FnMut(Codec, &[u8], u64) -> Result<u64> {
    move |codec, payload, raw_bytes| {
        let pushed = builder.push_block(codec, payload, raw_bytes, hint);
        let written = out.write_all(&pushed.header).and_then(|()| out.write_all(&pushed.payload));
        written.map_err(|e| crate::Error::io("the archive", e))?;
        Ok(pushed.id)
    }
}

/// The ordinal of an item that each block belongs to, as far as it is known.
fn item_hints(archive: &Archive, items: &[Item<'_>]) -> Result<Vec<u32>> {
    let mut hints = vec![u32::MAX; archive.n_blocks() as usize];
    for item in items {
        let ordinal = u32::try_from(item.record().ordinal).unwrap_or(u32::MAX);
        let extents = item.extents()?.unwrap_or_default();
        for id in item.record().blocks().chain(extents.iter().map(|extent| extent.block)) {
            if let Some(hint) = hints.get_mut(id as usize) {
                *hint = (*hint).min(ordinal);
            }
        }
    }
    Ok(hints)
}
