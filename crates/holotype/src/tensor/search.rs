//! Where a tensor's parent is found: among the archives a writer may name, or what was added before.

use super::{TensorDescriptor, TensorParent};
use crate::{Error, Item, Result, Writer};
use holotype_container::ItemKind;
use sha2::{Digest, Sha256};
use std::io::Write;

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
