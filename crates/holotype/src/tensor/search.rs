//! Where a tensor's parent is found: among the archives a writer may name, or what was added before.

use super::{TensorDescriptor, TensorParent};
use crate::{Error, Item, Parent, Result, Writer};
use holotype_container::ItemKind;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::io::Write;

/// Tensors of a writer's parents by the hash of their content: number of the parent, and name.
#[derive(Debug, Default)]
pub(crate) struct TensorsOfParents {
    n_parents: usize,
    by_content: HashMap<[u8; 32], Vec<(usize, String)>>,
}

impl TensorsOfParents {
    /// Looks at the parents that were added since.
    fn update(&mut self, parents: &[Parent]) -> Result<()> {
        for (number, parent) in parents.iter().enumerate().skip(self.n_parents) {
            let items = parent.archive().items()?;
            for item in items.iter().filter(|item| item.kind() == ItemKind::Tensor && item.raw_bytes() > 0) {
                let same = self.by_content.entry(item.content_sha256()).or_default();
                same.push((number, item.name().to_owned()));
            }
            self.n_parents = number + 1;
        }
        Ok(())
    }
}

impl<W: Write> Writer<W> {
    /// The tensor `name` of the first of [`crate::WriterOptions::parents`] that has one of this type, shape and order.
    ///
    /// # Errors
    /// As [`TensorParent::of`].
    pub fn parent_tensor(
        &self,
        name: &str,
        descriptor: &TensorDescriptor,
    ) -> Result<Option<TensorParent<'static>>> {
        for parent in self.parents() {
            let item = match parent.archive().item(name) {
                Ok(item) if item.kind() == ItemKind::Tensor => item,
                Ok(_) | Err(Error::NotFound { .. }) => continue,
                Err(error) => return Err(error),
            };
            let tensor = parent.archive().tensor(item.name())?;
            if tensor.descriptor() == descriptor {
                return TensorParent::of(&tensor).map(Some);
            }
        }
        Ok(None)
    }

    /// A tensor of [`crate::WriterOptions::parents`] that is equal to this one, whatever its name: of the same type, shape
    /// and order, with these elements.
    ///
    /// # Errors
    /// As [`TensorParent::of`].
    pub fn equal_tensor(
        &mut self,
        descriptor: &TensorDescriptor,
        elements: &[u8],
    ) -> Result<Option<TensorParent<'static>>> {
        let (known, parents) = self.known_and_parents();
        known.update(parents)?;
        if known.by_content.is_empty() {
            return Ok(None);
        }
        let sha256: [u8; 32] = Sha256::digest(elements).into();
        for (number, name) in known.by_content.get(&sha256).into_iter().flatten() {
            let Some(parent) = parents.get(*number) else { continue };
            let tensor = parent.archive().tensor(name)?;
            if tensor.descriptor() == descriptor {
                return TensorParent::of(&tensor).map(Some);
            }
        }
        Ok(None)
    }

    /// `n_bytes` from byte `first` on of the stream ([`crate::Archive::stream_map`]) of the first of
    /// [`crate::WriterOptions::parents`]; `None` if they are not in one tensor or one file with blocks of
    /// its own.
    ///
    /// # Errors
    /// `InvalidArgument` if there is no parent or its stream has fewer bytes; as [`TensorParent::range`].
    pub fn parent_of_stream(&self, first: u64, n_bytes: u64) -> Result<Option<TensorParent<'static>>> {
        let parent = self.parents().first().ok_or_else(|| Error::invalid("the archive has no parent"))?;
        let end = first.saturating_add(n_bytes);
        let mut start = 0_u64;
        let mut found = None;
        for item in parent.archive().stream_items()? {
            let after = start.saturating_add(item.raw_bytes());
            if (start..after).contains(&first) && end <= after {
                found = Some((item, first - start));
            }
            start = after;
        }
        if end > start {
            return Err(Error::invalid(format!("the parent has {start} bytes, not {first}..{end}")));
        }
        let found = match found {
            Some((item, first)) if item.parts()?.is_none() => Some((item, first)),
            _ => None,
        };
        found.map(|(item, first)| TensorParent::range(&item, first, n_bytes)).transpose()
    }

    /// What has the content `bytes`: a tensor that was added before, or a file or tensor of
    /// [`crate::WriterOptions::parents`].
    ///
    /// # Errors
    /// `Corrupt` or `Io` if a parent cannot be read.
    pub fn parent_of_content<'e>(&mut self, bytes: &'e [u8]) -> Result<Option<TensorParent<'e>>> {
        let sha256: [u8; 32] = Sha256::digest(bytes).into();
        if let Some(name) = self.known_tensors()?.of_content(&sha256) {
            return TensorParent::added_range(name, bytes, 0, bytes.len() as u64).map(Some);
        }
        let is_same = |item: &Item<'_>| {
            matches!(item.kind(), ItemKind::File | ItemKind::Tensor)
                && item.raw_bytes() == bytes.len() as u64
                && item.content_sha256() == sha256
        };
        for parent in self.parents() {
            for item in parent.archive().items()?.into_iter().filter(is_same) {
                if item.parts()?.is_none() {
                    return TensorParent::range(&item, 0, bytes.len() as u64).map(Some);
                }
            }
        }
        Ok(None)
    }
}
