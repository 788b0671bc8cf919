//! Tensors that were added to an archive: equal ones name the same blocks, others may be parents.

use super::TensorDescriptor;
use crate::{Archive, Result, TensorItem};
use holotype_container::cbor::{Map, Value};
use holotype_container::{BlockRun, ItemKind};
use std::collections::HashMap;

/// What a tensor that was added is known by; about 300 bytes each.
#[derive(Debug, Default)]
pub(crate) struct KnownTensors {
    by_content: HashMap<[u8; 32], Known>,
    by_name: HashMap<String, Named>,
}

/// Where a tensor's elements are.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) content: Vec<BlockRun>,
    pub(super) descriptor: Map,
    /// Its parents in a row.
    pub(super) n_parents: u64,
}

/// What a tensor of some name is.
#[derive(Debug, Clone)]
pub(super) struct Named {
    pub(super) descriptor: TensorDescriptor,
    pub(super) sha256: [u8; 32],
    pub(super) n_parents: u64,
}

impl Known {
    /// Names elements, what they are, how they are cut, and whether they are to be mapped.
    pub(super) fn key(sha256: [u8; 32], descriptor: &Map, is_mapped: bool) -> [u8; 32] {
        let mut bytes = sha256.to_vec();
        bytes.push(u8::from(is_mapped));
        Value::Map(descriptor.clone()).encode_into(&mut bytes);
        blake3::hash(&bytes).into()
    }
}

impl KnownTensors {
    /// The tensors of an archive.
    pub(crate) fn of(archive: &Archive) -> Result<Self> {
        let mut known = Self::default();
        for item in archive.items()?.into_iter().filter(|item| item.kind() == ItemKind::Tensor) {
            let tensor = TensorItem::open(item)?;
            let (record, descriptor) = (tensor.item().record(), tensor.descriptor());
            let n_parents = tensor.n_parents()?;
            known.name(&record.name, descriptor, record.content_sha256, n_parents);
            if !record.content.is_empty() {
                let alone = super::wire::encode_descriptor(
                    descriptor,
                    tensor.slices(),
                    None,
                    None,
                    tensor.max_error(),
                );
                let (content, descriptor) = (record.content.clone(), record.descriptor.clone());
                // Whether they can be mapped is not known; who asks for that gets blocks of their own.
                let key = Known::key(record.content_sha256, &alone, false);
                known.insert(key, Known { content, descriptor, n_parents });
            }
        }
        Ok(known)
    }

    pub(super) fn same(&self, key: &[u8; 32]) -> Option<&Known> {
        self.by_content.get(key)
    }

    pub(super) fn insert(&mut self, key: [u8; 32], known: Known) {
        self.by_content.insert(key, known);
    }

    pub(super) fn named(&self, name: &str) -> Option<&Named> {
        self.by_name.get(name)
    }

    /// The first by name of those with this content.
    pub(super) fn of_content(&self, sha256: &[u8; 32]) -> Option<&str> {
        let same = self.by_name.iter().filter(|(_, named)| named.sha256 == *sha256);
        same.map(|(name, _)| name.as_str()).min()
    }

    pub(super) fn name(
        &mut self,
        name: &str,
        descriptor: &TensorDescriptor,
        sha256: [u8; 32],
        n_parents: u64,
    ) {
        let named = Named { descriptor: descriptor.clone(), sha256, n_parents };
        self.by_name.insert(name.to_owned(), named);
    }
}
