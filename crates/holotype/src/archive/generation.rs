use super::{Archive, Item};
use crate::generation::{GenerationRecord, MAX_RECORD_BYTES, Part};
use crate::{Error, Result};
use holotype_container::ItemKind;
use sha2::{Digest, Sha256};

/// A generation record of an archive, checked.
///
/// Its parts are items of the archive: nothing of them is read with it.
#[derive(Debug, Clone)]
pub struct GenerationItem<'a> {
    item: Item<'a>,
    record: GenerationRecord,
}

impl<'a> GenerationItem<'a> {
    pub(crate) fn open(item: Item<'a>) -> Result<Self> {
        if item.kind() != ItemKind::Generation {
            return Err(Error::invalid(format!("item `{}` is no generation record", item.name())));
        }
        let text = content(&item)?;
        let record = GenerationRecord::read(&text, item.name())?;
        Ok(Self { item, record })
    }

    /// The item.
    #[must_use]
    pub fn item(&self) -> &Item<'a> {
        &self.item
    }

    /// The record.
    #[must_use]
    pub fn record(&self) -> &GenerationRecord {
        &self.record
    }

    /// The parts that are lost, each with the reason: missing, of another kind, or with another content.
    ///
    /// # Errors
    /// `Io` if the manifest cannot be read.
    pub fn check_parts(&self) -> Result<Vec<(Part, Error)>> {
        let mut lost = Vec::new();
        for part in self.record.parts() {
            match part.check(self.item.archive()) {
                Err(error @ Error::Io { .. }) => return Err(error),
                Err(error) => lost.push((part, error)),
                Ok(()) => {}
            }
        }
        Ok(lost)
    }

    /// Checks that a part is the item that was meant.
    ///
    /// # Errors
    /// `NotFound` if the item is not there; `Corrupt` if it has another content or is of another kind.
    pub fn check_part(&self, part: &Part) -> Result<()> {
        part.check(self.item.archive())
    }
}

/// The text of a record, its hash checked.
pub(super) fn content(item: &Item<'_>) -> Result<Vec<u8>> {
    let record = item.record();
    if !record.descriptor.is_empty() {
        return Err(item.broken("a generation record has no descriptor"));
    }
    let limit = MAX_RECORD_BYTES as u64;
    if record.raw_bytes > limit {
        return Err(item.broken("a generation record has at most 16 MiB"));
    }
    let mut text = Vec::new();
    for id in record.content_blocks() {
        let left = record.raw_bytes.saturating_sub(text.len() as u64);
        let block = item.archive().block(id)?;
        if block.raw_bytes > left {
            return Err(item.broken("the content has another length than recorded"));
        }
        text.extend_from_slice(&item.archive().unpacked(item.name(), id, left)?);
    }
    if text.len() as u64 != record.raw_bytes {
        return Err(item.broken("the content has another length than recorded"));
    }
    item.check_content(Sha256::digest(&text).into())?;
    Ok(text)
}

impl Archive {
    /// The generation record named `name`.
    ///
    /// # Errors
    /// As [`Self::item`]; `InvalidArgument` if it is none; `Corrupt` names the field that breaks the schema;
    /// `Unsupported` for a later version.
    pub fn generation(&self, name: &str) -> Result<GenerationItem<'_>> {
        GenerationItem::open(self.item(name)?)
    }

    /// The names of all generation records, in the order they were added.
    ///
    /// # Errors
    /// `Corrupt` or `Io` if a manifest page cannot be read.
    pub fn generation_names(&self) -> Result<Vec<String>> {
        let items = self.items()?.into_iter().filter(|item| item.kind() == ItemKind::Generation);
        Ok(items.map(|item| item.name().to_owned()).collect())
    }
}
