//! What a file that is made of tensors consists of. `docs/format.md` §13.2.

use holotype_container::cbor::{self, Map, Value};
use holotype_container::{ItemKind, ItemRecord, Limits};
use std::collections::HashSet;

/// Key and value of the descriptor of such a file.
const FORM: (u64, u64) = (0, 1);

/// A part of a file's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    Bytes(Vec<u8>),
    /// The content of the tensor of that name.
    Tensor(String),
}

/// The descriptor of a file that is made of parts.
pub(super) fn descriptor() -> Map {
    Map::from([(FORM.0, Value::Unsigned(FORM.1))])
}

/// True if the content is made of parts, which its block tells. A descriptor that says anything else is an error.
pub(crate) fn is_made_of_parts(record: &ItemRecord) -> Result<bool, &'static str> {
    if record.kind != ItemKind::File || record.descriptor.is_empty() {
        return Ok(false);
    }
    if record.descriptor != descriptor() || record.extents.is_some() || record.n_content_blocks() != 1 {
        return Err("the file's descriptor is malformed");
    }
    Ok(true)
}

pub(super) fn encode_parts(parts: Vec<Part>) -> Vec<u8> {
    let value = |part| match part {
        Part::Bytes(bytes) => Value::Bytes(bytes),
        Part::Tensor(name) => Value::Text(name),
    };
    let mut bytes = Vec::new();
    Value::Array(parts.into_iter().map(value).collect()).encode_into(&mut bytes);
    bytes
}

/// Inverse of [`encode_parts`]; nothing if it breaks a rule.
pub(crate) fn decode_parts(bytes: &[u8], limits: &Limits) -> Option<Vec<Part>> {
    let Value::Array(values) = cbor::decode(bytes, limits).ok()? else { return None };
    let mut names = HashSet::new();
    let mut parts = Vec::with_capacity(values.len());
    for value in values {
        parts.push(match value {
            Value::Bytes(bytes) if !bytes.is_empty() => Part::Bytes(bytes),
            Value::Text(name) if names.insert(name.clone()) => Part::Tensor(name),
            _ => return None,
        });
    }
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_have_one_encoding() {
        let parts = vec![Part::Bytes(vec![1, 2]), Part::Tensor("a".into()), Part::Bytes(vec![3])];
        let coded = encode_parts(parts.clone());
        assert_eq!(coded, [0x83, 0x42, 1, 2, 0x61, b'a', 0x41, 3]);
        assert_eq!(decode_parts(&coded, &Limits::default()), Some(parts));
        // A name twice, no bytes, a number, no array, bytes after it.
        for bad in [&[0x82, 0x61, b'a', 0x61, b'a'][..], &[0x81, 0x40], &[0x81, 1], &[0x41, 1], &[0x80, 0]] {
            assert_eq!(decode_parts(bad, &Limits::default()), None);
        }
    }
}
