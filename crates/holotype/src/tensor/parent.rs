//! The tensor another one is stored against. `docs/format.md` §13.1.

use super::TensorDescriptor;
use crate::{Archive, Error, Item, Result, TensorItem, memory};
use holotype_container::cbor::Value;
use sha2::{Digest, Sha256};
use std::borrow::Cow;

/// Most parents in a row that a writer makes.
pub(crate) const MAX_WRITTEN_PARENTS: u64 = 8;

/// How a descriptor names a parent.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct ParentName {
    /// Seal of the archive it is in, if that is another.
    pub seal: Option<[u8; 32]>,
    /// Name of the item.
    pub name: String,
    /// SHA-256 of its content.
    pub sha256: [u8; 32],
    /// Byte of its content that the tensor's first is compared with; `None` if it is a tensor of the same type and
    /// shape.
    pub first: Option<u64>,
}

impl ParentName {
    pub(super) fn encode(&self) -> Value {
        let Self { seal, name, sha256, first } = self;
        let mut parts = vec![
            Value::Bytes(seal.map_or_else(Vec::new, |seal| seal.to_vec())),
            Value::Text(name.clone()),
            Value::Bytes(sha256.to_vec()),
        ];
        parts.extend(first.map(Value::Unsigned));
        Value::Array(parts)
    }

    pub(super) fn decode(value: &Value) -> Option<Self> {
        let (seal, name, sha256, first) = match value.as_array()? {
            [Value::Bytes(seal), Value::Text(name), Value::Bytes(sha256)] => (seal, name, sha256, None),
            [Value::Bytes(seal), Value::Text(name), Value::Bytes(sha256), Value::Unsigned(first)] => {
                (seal, name, sha256, Some(*first))
            }
            _ => return None,
        };
        let seal = if seal.is_empty() { None } else { Some(seal.as_slice().try_into().ok()?) };
        Some(Self { seal, name: name.clone(), sha256: sha256.as_slice().try_into().ok()?, first })
    }
}

/// What a tensor is stored against: it becomes smaller by what the two have in common, and reads back as itself.
///
/// ```
/// use holotype::{Archive, ElementType, TensorDescriptor, TensorOptions, TensorParent, Writer, WriterOptions};
/// let descriptor = TensorDescriptor::new(ElementType::F32, &[4096]);
/// let base: Vec<u8> = (0..4096).flat_map(|i| (i as f32 * 0.7).sin().to_le_bytes()).collect();
/// let tuned: Vec<u8> = (0..4096).flat_map(|i| ((i as f32 * 0.7).sin() * 1.00001).to_le_bytes()).collect();
/// let mut writer = Writer::new(Vec::new(), WriterOptions::default())?;
/// writer.add_tensor("base", &descriptor, &base, &TensorOptions::default())?;
/// let parent = TensorParent::added("base", &base);
/// writer.add_tensor_by("tuned", &descriptor, &tuned, &parent, &TensorOptions::default())?;
/// let archive = Archive::from_bytes(writer.finish()?.0)?;
/// let item = archive.tensor("tuned")?;
/// assert_eq!(item.parent().unwrap().name, "base");
/// assert!(item.item().stored_bytes()? * 2 < tuned.len() as u64);
/// assert_eq!(item.read()?, tuned);
/// # Ok::<(), holotype::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct TensorParent<'a> {
    pub(super) name: ParentName,
    pub(super) descriptor: Option<TensorDescriptor>,
    pub(super) content: Cow<'a, [u8]>,
    pub(super) n_parents: u64,
}

impl<'a> TensorParent<'a> {
    /// A tensor that was added to the same archive before, and its elements.
    #[must_use]
    pub fn added(name: &str, elements: &'a [u8]) -> Self {
        let sha256 = Sha256::digest(elements).into();
        let name = ParentName { seal: None, name: name.to_owned(), sha256, first: None };
        Self { name, descriptor: None, content: Cow::Borrowed(elements), n_parents: 0 }
    }

    /// `n_bytes` from `first` of the content of a tensor that was added to the same archive before, for a tensor of
    /// any type.
    ///
    /// # Errors
    /// `InvalidArgument` if it has fewer bytes.
    pub fn added_range(name: &str, content: &'a [u8], first: u64, n_bytes: u64) -> Result<Self> {
        let start = usize::try_from(first).ok();
        let part = start.and_then(|start| content.get(start..)?.get(..usize::try_from(n_bytes).ok()?));
        let part =
            part.ok_or_else(|| Error::invalid(format!("`{name}` has fewer bytes than are asked of it")))?;
        let Self { name, .. } = Self::added(name, content);
        let name = ParentName { first: Some(first), ..name };
        Ok(Self { name, descriptor: None, content: Cow::Borrowed(part), n_parents: 0 })
    }

    /// A tensor of an archive of [`crate::WriterOptions::parents`], which readers need too. It is read whole.
    ///
    /// # Errors
    /// As [`TensorItem::read`].
    pub fn of(tensor: &TensorItem<'_>) -> Result<TensorParent<'static>> {
        let item = tensor.item();
        let name = ParentName {
            seal: Some(item.archive().seal()),
            name: item.name().to_owned(),
            sha256: item.content_sha256(),
            first: None,
        };
        Ok(TensorParent {
            name,
            descriptor: Some(tensor.descriptor().clone()),
            content: Cow::Owned(tensor.read()?),
            n_parents: tensor.n_parents()?,
        })
    }

    /// `n_bytes` from `first` of the content of a file or tensor of an archive of [`crate::WriterOptions::parents`].
    ///
    /// # Errors
    /// `InvalidArgument` if it has fewer bytes, or is neither; as [`TensorItem::read`].
    pub fn range(item: &Item<'_>, first: u64, n_bytes: u64) -> Result<TensorParent<'static>> {
        if first.checked_add(n_bytes).is_none_or(|end| end > item.raw_bytes()) {
            return Err(Error::invalid(format!(
                "bytes {first}..{} are not in `{}`, which has {}",
                first.saturating_add(n_bytes),
                item.name(),
                item.raw_bytes()
            )));
        }
        let parent = OpenParent::new(item.clone(), 0)?;
        let mut content = memory::zeroed("the parent", n_bytes)?;
        parent.read_range(first, &mut content)?;
        let name = ParentName {
            seal: Some(item.archive().seal()),
            name: item.name().to_owned(),
            sha256: item.content_sha256(),
            first: Some(first),
        };
        let n_parents = parent.n_parents()?;
        Ok(TensorParent { name, descriptor: None, content: Cow::Owned(content), n_parents })
    }
}

impl TensorParent<'_> {
    /// True if a tensor of these elements, which have this hash, is the parent itself, which is in another archive. What
    /// its table says proves nothing, so the bytes are compared.
    pub(super) fn is_equal(&self, sha256: [u8; 32], elements: &[u8]) -> bool {
        let is_whole_and_elsewhere = self.name.seal.is_some() && self.name.first.is_none();
        is_whole_and_elsewhere && self.name.sha256 == sha256 && *self.content == *elements
    }
}

/// A parent, ready to be read.
#[derive(Debug, Clone)]
pub(crate) enum OpenParent<'a> {
    Tensor(Box<TensorItem<'a>>),
    File(&'a Archive, crate::FileMap),
}

impl<'a> OpenParent<'a> {
    /// `n_children` tensors in a row led to it.
    pub(crate) fn new(item: Item<'a>, n_children: u64) -> Result<Self> {
        use holotype_container::ItemKind;
        match item.kind() {
            ItemKind::Tensor => Ok(Self::Tensor(Box::new(TensorItem::open_as(item, n_children)?))),
            ItemKind::File if item.parts()?.is_none() => {
                Ok(Self::File(item.archive(), item.archive().file_map(item.name())?))
            }
            _ => Err(Error::invalid(format!("`{}` is neither a tensor nor a file of its own", item.name()))),
        }
    }

    /// Fills `out` with its content from byte `first`.
    pub(crate) fn read_range(&self, first: u64, out: &mut [u8]) -> Result<()> {
        match self {
            Self::Tensor(tensor) => tensor.read_content(first, out),
            Self::File(archive, map) => match archive.read_at(map, first, out)? {
                n if n == out.len() => Ok(()),
                _ => Err(Error::invalid("the parent has fewer bytes")),
            },
        }
    }

    /// Its parents in a row.
    fn n_parents(&self) -> Result<u64> {
        match self {
            Self::Tensor(tensor) => tensor.n_parents(),
            Self::File(..) => Ok(0),
        }
    }
}
