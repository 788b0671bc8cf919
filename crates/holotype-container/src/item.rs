use crate::cbor::{Map, Value};
use crate::{Error, Extents, FileAttributes, Limits, decode_extents, encode_extents, error::check_limit};

/// What an item is. Wire values; append only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u8)]
pub enum ItemKind {
    /// A still image.
    Image = 0,
    /// Bytes kept as they are.
    File = 1,
    /// Frames shown one after another.
    Animation = 2,
    /// Sound, its bytes kept as they are.
    Audio = 3,
    /// A folder of a packed tree.
    Directory = 6,
    /// A symbolic link of a packed tree.
    Symlink = 7,
    /// An array of numbers of any rank.
    Tensor = 4,
    /// The record of how an AI image was made.
    Generation = 5,
}

impl ItemKind {
    /// Lower-case name, as in `image`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::File => "file",
            Self::Animation => "animation",
            Self::Audio => "audio",
            Self::Directory => "directory",
            Self::Symlink => "symlink",
            Self::Tensor => "tensor",
            Self::Generation => "generation",
        }
    }
}

/// Consecutive blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BlockRun {
    /// Id of the first block.
    pub first: u64,
    /// Number of blocks.
    pub n_blocks: u64,
}

/// One named, typed thing. Spec §5.3.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ItemRecord {
    /// Its name, unique in the archive, not empty.
    pub name: String,
    /// What it is.
    pub kind: ItemKind,
    /// Its place in the order of adding, from 0.
    pub ordinal: u64,
    /// SHA-256 of its raw content.
    pub content_sha256: [u8; 32],
    /// Bytes of its raw content.
    pub raw_bytes: u64,
    /// The blocks of its content, in order; none if it has extents.
    pub content: Vec<BlockRun>,
    /// Where in blocks it shares with others its content is, in order.
    pub extents: Option<Extents>,
    /// What its kind needs to be understood; the container does not look inside.
    pub descriptor: Map,
    /// Metadata: inline, or in blocks when it is large. The container does not look inside.
    pub metadata: Option<Metadata>,
    /// The preview's descriptor and block.
    pub preview: Option<Preview>,
    /// What the file system it comes from knew of it.
    pub attributes: FileAttributes,
    /// The file an image stands for.
    pub restored: Option<Box<RestoredFile>>,
    /// Keys this version does not know; kept on rewriting.
    pub unknown: Map,
}

/// A file that is made again of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RestoredFile {
    /// The block that says how.
    pub recipe: u64,
    /// Bytes of the file.
    pub n_bytes: u64,
    /// SHA-256 of the file.
    pub sha256: [u8; 32],
}

impl RestoredFile {
    /// A file of so many bytes with this hash, which the block `recipe` tells how to make.
    #[must_use]
    pub const fn new(recipe: u64, n_bytes: u64, sha256: [u8; 32]) -> Self {
        Self { recipe, n_bytes, sha256 }
    }
}

/// Where an item's metadata is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Metadata {
    /// In the record.
    Inline(Value),
    /// CBOR in a block of its own.
    Block(u64),
}

/// An item's preview.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// Its block.
    pub block: u64,
    /// What it needs to be understood.
    pub descriptor: Map,
}

mod key {
    pub(super) const NAME: u64 = 0;
    pub(super) const KIND: u64 = 1;
    pub(super) const ORDINAL: u64 = 2;
    pub(super) const CONTENT_SHA256: u64 = 3;
    pub(super) const RAW_BYTES: u64 = 4;
    pub(super) const CONTENT: u64 = 5;
    pub(super) const DESCRIPTOR: u64 = 6;
    pub(super) const METADATA: u64 = 7;
    pub(super) const METADATA_BLOCK: u64 = 8;
    pub(super) const PREVIEW: u64 = 9;
    pub(super) const EXTENTS: u64 = 10;
    pub(super) const EXTENTS_BLOCK: u64 = 11;
    pub(super) const ATTRIBUTES: u64 = 12;
    pub(super) const RESTORED: u64 = 13;
    /// Keys from here on must be understood.
    pub(super) const FIRST_REQUIRED: u64 = 1 << 16;
}

impl ItemRecord {
    /// A record without content.
    #[must_use]
    pub fn new(name: String, kind: ItemKind) -> Self {
        Self {
            name,
            kind,
            ordinal: 0,
            content_sha256: [0; 32],
            raw_bytes: 0,
            content: Vec::new(),
            extents: None,
            descriptor: Map::new(),
            metadata: None,
            preview: None,
            attributes: FileAttributes::default(),
            restored: None,
            unknown: Map::new(),
        }
    }

    /// Ids of every block it names: content, extents and their list, metadata, preview, recipe.
    pub fn blocks(&self) -> impl Iterator<Item = u64> + '_ {
        let metadata = match &self.metadata {
            Some(Metadata::Block(id)) => Some(*id),
            _ => None,
        };
        let (extents, list): (&[_], _) = match &self.extents {
            Some(Extents::Inline(extents)) => (extents, None),
            Some(Extents::Block(id)) => (&[], Some(*id)),
            None => (&[], None),
        };
        let shared = extents.iter().map(|extent| extent.block).chain(list);
        let preview = self.preview.as_ref().map(|preview| preview.block);
        let recipe = self.restored.as_ref().map(|file| file.recipe);
        self.content_blocks().chain(shared).chain(metadata).chain(preview).chain(recipe)
    }

    /// Ids of the blocks of its content, in order.
    pub fn content_blocks(&self) -> impl Iterator<Item = u64> + '_ {
        self.content.iter().flat_map(|run| run.first..run.first + run.n_blocks)
    }

    /// Id of block number `index` of its content.
    #[must_use]
    pub fn content_block(&self, mut index: u64) -> Option<u64> {
        for run in &self.content {
            if index < run.n_blocks {
                return Some(run.first + index);
            }
            index -= run.n_blocks;
        }
        None
    }

    /// Number of blocks of its content.
    #[must_use]
    pub fn n_content_blocks(&self) -> u64 {
        self.content.iter().fold(0, |sum, run| sum.saturating_add(run.n_blocks))
    }

    pub(crate) fn to_value(&self) -> Value {
        let Self {
            name,
            kind,
            ordinal,
            content_sha256,
            raw_bytes,
            content,
            extents,
            descriptor,
            metadata,
            preview,
            attributes,
            restored,
            unknown,
        } = self;
        let mut map = unknown.clone();
        map.insert(key::NAME, Value::Text(name.clone()));
        map.insert(key::KIND, Value::Unsigned(*kind as u64));
        map.insert(key::ORDINAL, Value::Unsigned(*ordinal));
        map.insert(key::CONTENT_SHA256, Value::Bytes(content_sha256.to_vec()));
        map.insert(key::RAW_BYTES, Value::Unsigned(*raw_bytes));
        match extents {
            None => {
                let runs = content.iter().flat_map(|run| [run.first, run.n_blocks]).map(Value::Unsigned);
                map.insert(key::CONTENT, Value::Array(runs.collect()));
            }
            Some(Extents::Inline(extents)) => {
                let mut bytes = Vec::new();
                encode_extents(extents, &mut bytes);
                map.insert(key::EXTENTS, Value::Bytes(bytes));
            }
            Some(Extents::Block(id)) => drop(map.insert(key::EXTENTS_BLOCK, Value::Unsigned(*id))),
        }
        if !descriptor.is_empty() {
            map.insert(key::DESCRIPTOR, Value::Map(descriptor.clone()));
        }
        match metadata {
            Some(Metadata::Inline(value)) => drop(map.insert(key::METADATA, value.clone())),
            Some(Metadata::Block(id)) => drop(map.insert(key::METADATA_BLOCK, Value::Unsigned(*id))),
            None => {}
        }
        if let Some(Preview { block, descriptor }) = preview {
            let value = Value::Array(vec![Value::Unsigned(*block), Value::Map(descriptor.clone())]);
            map.insert(key::PREVIEW, value);
        }
        if !attributes.is_empty() {
            map.insert(key::ATTRIBUTES, attributes.to_value());
        }
        if let Some(file) = restored {
            let RestoredFile { recipe, n_bytes, sha256 } = **file;
            let numbers = [recipe, n_bytes].map(Value::Unsigned);
            let parts = numbers.into_iter().chain([Value::Bytes(sha256.to_vec())]);
            map.insert(key::RESTORED, Value::Array(parts.collect()));
        }
        Value::Map(map)
    }

    /// Reads a record; every block id must be below `n_blocks`.
    pub(crate) fn from_value(value: Value, n_blocks: u64, limits: &Limits) -> Result<Self, Error> {
        let Value::Map(mut map) = value else { return Err(corrupt("an item is not a map")) };
        let name = match map.remove(&key::NAME) {
            Some(Value::Text(name)) if !name.is_empty() => name,
            _ => return Err(corrupt("the name is missing")),
        };
        check_limit("the length of an item's name", name.len() as u64, limits.max_name_bytes)?;
        let kind = match take_unsigned(&mut map, key::KIND)? {
            0 => ItemKind::Image,
            1 => ItemKind::File,
            2 => ItemKind::Animation,
            3 => ItemKind::Audio,
            6 => ItemKind::Directory,
            7 => ItemKind::Symlink,
            4 => ItemKind::Tensor,
            5 => ItemKind::Generation,
            id => return Err(Error::Unsupported { what: "item kind", id }),
        };
        let ordinal = take_unsigned(&mut map, key::ORDINAL)?;
        let content_sha256 = match map.remove(&key::CONTENT_SHA256) {
            Some(Value::Bytes(bytes)) => bytes.try_into().ok(),
            _ => None,
        };
        let raw_bytes = take_unsigned(&mut map, key::RAW_BYTES)?;
        let places = [key::CONTENT, key::EXTENTS, key::EXTENTS_BLOCK].map(|key| map.remove(&key));
        let (content, extents) = match places {
            [Some(Value::Array(runs)), None, None] => (read_runs(&runs, n_blocks)?, None),
            [None, Some(Value::Bytes(bytes)), None] => {
                let extents = decode_extents(&bytes, n_blocks, raw_bytes, limits)?;
                (Vec::new(), Some(Extents::Inline(extents)))
            }
            [None, None, Some(Value::Unsigned(id))] if id < n_blocks => {
                (Vec::new(), Some(Extents::Block(id)))
            }
            _ => return Err(corrupt("the list of blocks is missing, malformed or there twice")),
        };
        let descriptor = match map.remove(&key::DESCRIPTOR) {
            None => Map::new(),
            Some(Value::Map(descriptor)) if !descriptor.is_empty() => descriptor,
            Some(_) => return Err(corrupt("the descriptor is not a map with entries")),
        };
        let metadata = match (map.remove(&key::METADATA), map.remove(&key::METADATA_BLOCK)) {
            (None, None) => None,
            (Some(value), None) => Some(Metadata::Inline(value)),
            (None, Some(Value::Unsigned(id))) if id < n_blocks => Some(Metadata::Block(id)),
            _ => return Err(corrupt("the metadata is neither inline nor in a block")),
        };
        let preview = map.remove(&key::PREVIEW).map(|value| read_preview(&value, n_blocks)).transpose()?;
        let attributes = map.remove(&key::ATTRIBUTES).map(FileAttributes::from_value).transpose()?;
        let attributes = attributes.unwrap_or_default();
        let restored = map.remove(&key::RESTORED).map(|value| read_restored(&value, n_blocks)).transpose()?;
        check_kind(kind, raw_bytes, &content, extents.as_ref(), &attributes)?;
        if restored.is_some() && kind != ItemKind::Image {
            return Err(corrupt("what is no image stands for a file"));
        }
        if let Some((&id, _)) = map.range(key::FIRST_REQUIRED..).next() {
            return Err(Error::Unsupported { what: "item key", id });
        }
        Ok(Self {
            name,
            kind,
            ordinal,
            content_sha256: content_sha256.ok_or_else(|| corrupt("the content hash is missing"))?,
            raw_bytes,
            content,
            extents,
            descriptor,
            metadata,
            preview,
            attributes,
            restored,
            // An emptied map keeps its memory, several times that of a record.
            unknown: if map.is_empty() { Map::new() } else { map },
        })
    }
}

fn corrupt(rule: &'static str) -> Error {
    Error::Corrupt { what: "item record", offset_bytes: 0, rule }
}

fn take_unsigned(map: &mut Map, key: u64) -> Result<u64, Error> {
    map.remove(&key).and_then(|v| v.as_unsigned()).ok_or_else(|| corrupt("a number is missing"))
}

/// What kind, content and attributes must have to do with each other.
fn check_kind(
    kind: ItemKind,
    raw_bytes: u64,
    content: &[BlockRun],
    extents: Option<&Extents>,
    attributes: &FileAttributes,
) -> Result<(), Error> {
    let has_content = raw_bytes > 0 || !content.is_empty() || extents.is_some();
    if matches!(kind, ItemKind::Directory | ItemKind::Symlink) && has_content {
        return Err(corrupt("a folder or symbolic link has content"));
    }
    if extents.is_some() && kind != ItemKind::File {
        return Err(corrupt("what is no file has extents"));
    }
    if attributes.symlink_target.is_some() != (kind == ItemKind::Symlink) {
        return Err(corrupt("a target belongs to a symbolic link"));
    }
    if attributes.hard_link.is_some() && kind != ItemKind::File {
        return Err(corrupt("what is no file is a hard link"));
    }
    Ok(())
}

fn read_runs(values: &[Value], n_blocks: u64) -> Result<Vec<BlockRun>, Error> {
    let (pairs, []) = values.as_chunks::<2>() else { return Err(corrupt("the list of blocks is odd")) };
    let run = |[first, n]: &[Value; 2]| {
        let run = BlockRun { first: first.as_unsigned()?, n_blocks: n.as_unsigned()? };
        let end = run.first.checked_add(run.n_blocks)?;
        (run.n_blocks > 0 && end <= n_blocks).then_some(run)
    };
    pairs.iter().map(|pair| run(pair).ok_or_else(|| corrupt("a block number is past the table"))).collect()
}

fn read_restored(value: &Value, n_blocks: u64) -> Result<Box<RestoredFile>, Error> {
    match value.as_array() {
        Some([Value::Unsigned(recipe), Value::Unsigned(n_bytes), Value::Bytes(sha256)])
            if *recipe < n_blocks =>
        {
            let sha256 = sha256.as_slice().try_into().map_err(|_| corrupt("a file's hash is malformed"))?;
            Ok(Box::new(RestoredFile { recipe: *recipe, n_bytes: *n_bytes, sha256 }))
        }
        _ => Err(corrupt("the file an image stands for is malformed")),
    }
}

fn read_preview(value: &Value, n_blocks: u64) -> Result<Preview, Error> {
    match value.as_array() {
        Some([Value::Unsigned(block), Value::Map(descriptor)]) if *block < n_blocks => {
            Ok(Preview { block: *block, descriptor: descriptor.clone() })
        }
        _ => Err(corrupt("the preview is malformed")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> ItemRecord {
        let mut record = ItemRecord::new("scan.tif".into(), ItemKind::Image);
        record.content = vec![BlockRun { first: 0, n_blocks: 4 }, BlockRun { first: 6, n_blocks: 1 }];
        record.descriptor.insert(0, Value::Unsigned(5));
        record.preview = Some(Preview { block: 5, descriptor: Map::new() });
        record.restored = Some(Box::new(RestoredFile::new(6, 1000, [7; 32])));
        record.unknown.insert(99, Value::Text("kept".into()));
        record
    }

    #[test]
    fn round_trips_and_keeps_unknown_keys() {
        let limits = Limits::default();
        assert_eq!(ItemRecord::from_value(record().to_value(), 7, &limits), Ok(record()));
        assert!(ItemRecord::from_value(record().to_value(), 6, &limits).is_err());
    }

    #[test]
    fn required_keys_are_refused_by_name() {
        let mut required = record();
        required.unknown.insert(1 << 16, Value::Unsigned(0));
        let error = ItemRecord::from_value(required.to_value(), 7, &Limits::default()).unwrap_err();
        assert_eq!(error, Error::Unsupported { what: "item key", id: 1 << 16 });
    }

    #[test]
    fn forged_runs_do_not_overflow() {
        let mut forged = record();
        forged.content = vec![BlockRun { first: 0, n_blocks: 1 << 63 }; 3];
        let read = ItemRecord::from_value(forged.to_value(), 1 << 63, &Limits::default()).unwrap();
        assert_eq!((read.n_content_blocks(), read.content_block(u64::MAX)), (u64::MAX, Some((1 << 63) - 1)));
    }

    #[test]
    fn blocks_are_numbered_across_runs() {
        let record = record();
        assert_eq!(record.content_blocks().collect::<Vec<_>>(), [0, 1, 2, 3, 6]);
        assert_eq!((record.content_block(4), record.content_block(5)), (Some(6), None));
        assert_eq!(record.n_content_blocks(), 5);
    }
}
