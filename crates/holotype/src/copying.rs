//! Items from one archive to another: blocks as they are coded, each checked by its hash.

use crate::archive::{Item, TensorItem};
use crate::{Metadata, Result, TensorOptions, Writer};
use holotype_container::{Codec, ItemKind};
use std::collections::BTreeMap;
use std::io::Write;

/// Copies an item's blocks and record under `name`, with other metadata if that is given. `copied` holds the new ids of
/// the blocks of its archive that were copied, which items may share.
pub(crate) fn copy_item<W: Write>(
    writer: &mut Writer<W>,
    item: &Item<'_>,
    name: &str,
    metadata: Option<&Metadata>,
    copied: &mut BTreeMap<u64, u64>,
) -> Result<()> {
    if item.kind() == ItemKind::Tensor {
        let tensor = TensorItem::open(item.clone())?;
        if tensor.parent().is_some_and(|parent| parent.seal.is_some()) {
            return copy_alone(writer, &tensor, name, metadata);
        }
    }
    let record = item.record();
    let mut copy = |writer: &mut Writer<W>, id: u64| -> Result<u64> {
        if let Some(new) = copied.get(&id) {
            return Ok(*new);
        }
        let new = item.archive().with_block(item.name(), id, |block, payload| {
            writer.add_block(block.codec, payload, block.raw_bytes)
        })?;
        copied.insert(id, new);
        Ok(new)
    };
    let mut new = record.clone();
    new.name = name.to_owned();
    new.content.clear();
    if let (ItemKind::Tensor, [run]) = (record.kind, record.content.as_slice())
        && run.n_blocks == 1
        && item.archive().with_block(item.name(), run.first, |block, _| Ok(block.codec == Codec::Raw))?
    {
        writer.align()?;
    }
    for id in record.content_blocks() {
        let id = copy(writer, id)?;
        crate::writer::extend(&mut new.content, id);
    }
    if let Some(mut extents) = item.extents()? {
        for extent in &mut extents {
            extent.block = copy(writer, extent.block)?;
        }
        new.extents = writer.stored_extents(extents)?;
    }
    if let Some(preview) = &mut new.preview {
        preview.block = copy(writer, preview.block)?;
    }
    if let Some(file) = &mut new.restored {
        file.recipe = copy(writer, file.recipe)?;
    }
    if let Some(metadata) = metadata {
        new.metadata = writer.add_metadata(metadata)?;
    } else if let Some(holotype_container::Metadata::Block(id)) = new.metadata {
        new.metadata = Some(holotype_container::Metadata::Block(copy(writer, id)?));
    }
    writer.add_item(new)
}

/// Writes a tensor without its parent.
pub(crate) fn copy_alone<W: Write>(
    writer: &mut Writer<W>,
    tensor: &TensorItem<'_>,
    name: &str,
    metadata: Option<&Metadata>,
) -> Result<()> {
    let metadata = metadata.map_or_else(|| tensor.item().metadata(), |metadata| Ok(metadata.clone()))?;
    let options = TensorOptions::default().with_metadata(metadata);
    writer.add_tensor(name, tensor.descriptor(), &tensor.read()?, &options)
}
