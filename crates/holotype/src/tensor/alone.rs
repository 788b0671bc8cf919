//! Tensors stored against others in another archive, coded without them.

use super::slices::Slices;
use super::{ParentName, TensorCodec, wire};
use crate::archive::{Item, TensorItem};
use crate::writer::extend;
use crate::{Error, Result};
use holotype_codec::tensor::{encode_slice, needs_parent};
use holotype_container::{BlockRun, Codec, ItemKind, ItemRecord};
use std::collections::HashMap;

/// Writes a block of a codec, its payload, its raw bytes; returns its id.
pub(crate) type PushBlock<'a> = dyn FnMut(Codec, &[u8], u64) -> Result<u64> + 'a;

/// The tensors of an archive whose parents are in others.
pub(crate) struct Orphans<'a> {
    tensors: HashMap<u64, TensorItem<'a>>,
    /// The item and its slice that a block holds.
    blocks: HashMap<u64, (u64, u64)>,
    /// What was coded for tensors that are their parents.
    equal: HashMap<ParentName, Vec<BlockRun>>,
}

impl<'a> Orphans<'a> {
    pub(crate) fn of(items: &[Item<'a>]) -> Result<Self> {
        let (mut tensors, mut blocks) = (HashMap::new(), HashMap::new());
        for item in items.iter().filter(|item| item.kind() == ItemKind::Tensor) {
            let tensor = TensorItem::open(item.clone())?;
            if tensor.parent().is_some_and(|parent| parent.seal.is_some()) {
                let ordinal = item.record().ordinal;
                let slices = item.record().content_blocks().zip(0..);
                blocks.extend(slices.map(|(id, number)| (id, (ordinal, number))));
                tensors.insert(ordinal, tensor);
            }
        }
        Ok(Self { tensors, blocks, equal: HashMap::new() })
    }

    /// Writes what block `id` holds without a parent, in its place; false if it holds none that needs one.
    pub(crate) fn push(&self, id: u64, payload: &[u8], push: &mut PushBlock<'_>) -> Result<bool> {
        let Some((tensor, number)) = self
            .blocks
            .get(&id)
            .filter(|_| needs_parent(payload))
            .and_then(|(item, number)| Some((self.tensors.get(item)?, *number)))
        else {
            return Ok(false);
        };
        push_slice(tensor, tensor.slices(), number, &tensor.slice(number)?, push)?;
        Ok(true)
    }

    /// The record of an item, which needs no parent in another archive.
    pub(crate) fn record(&mut self, item: &Item<'_>, push: &mut PushBlock<'_>) -> Result<ItemRecord> {
        let mut record = item.record().clone();
        let Some(tensor) = self.tensors.get(&record.ordinal) else { return Ok(record) };
        let descriptor = tensor.descriptor();
        if record.n_content_blocks() > 0 || record.raw_bytes == 0 {
            record.descriptor = wire::encode_descriptor(descriptor, tensor.slices(), None, None, None);
            return Ok(record);
        }
        let slices = Slices::usual(descriptor);
        record.descriptor = wire::encode_descriptor(descriptor, &slices, None, None, None);
        let Some(parent) = tensor.parent() else { return Ok(record) };
        if let Some(content) = self.equal.get(parent) {
            record.content.clone_from(content);
            return Ok(record);
        }
        let n_slices = slices.n_slices().ok_or_else(|| Error::invalid("there are too many slices"))?;
        for number in 0..n_slices {
            let ranges = slices.ranges(number);
            let mut bytes = crate::memory::zeroed("a slice", slices.box_bytes(&ranges).unwrap_or(u64::MAX))?;
            tensor.read_stored(&ranges, &mut bytes, 0)?;
            extend(&mut record.content, push_slice(tensor, &slices, number, &bytes, push)?);
        }
        self.equal.insert(parent.clone(), record.content.clone());
        Ok(record)
    }
}

fn push_slice(
    tensor: &TensorItem<'_>,
    slices: &Slices,
    number: u64,
    bytes: &[u8],
    push: &mut PushBlock<'_>,
) -> Result<u64> {
    let layout = slices.layout(tensor.descriptor(), &slices.ranges(number));
    let coded = layout.and_then(|layout| encode_slice(bytes, &layout, TensorCodec::Auto));
    let coded = coded.map_err(|e| Error::invalid(e.to_string()))?;
    match &coded {
        Some(coded) => push(Codec::TensorSlice, coded, bytes.len() as u64),
        None => push(Codec::Raw, bytes, bytes.len() as u64),
    }
}
