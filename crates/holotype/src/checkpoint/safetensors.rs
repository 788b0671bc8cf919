//! The header of safetensors files: 8 bytes of length, JSON, and behind it the tensors' bytes without gaps.
//!
//! Source: the safetensors library, version 0.8, whose rules these are; what breaks one is no such file here.

use crate::{ElementType, TensorDescriptor};
use serde::de::{Deserializer as _, MapAccess, Visitor};
use serde_json::Value;
use std::collections::HashSet;
use std::fmt;

/// Longest JSON, as the format's own library has it.
const MAX_JSON_BYTES: u64 = 100_000_000;
/// Bytes of the length before the JSON.
pub(super) const LENGTH_BYTES: usize = 8;

/// A tensor of a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) descriptor: TensorDescriptor,
    pub(super) n_bytes: u64,
}

/// Bytes of the JSON, from those of its length; nothing if a file of `file_bytes` cannot have so many.
pub(super) fn json_bytes(length: [u8; LENGTH_BYTES], file_bytes: u64) -> Option<u64> {
    let n = u64::from_le_bytes(length);
    let is_possible = n <= MAX_JSON_BYTES && n.checked_add(LENGTH_BYTES as u64)? <= file_bytes;
    is_possible.then_some(n)
}

/// The tensors of a file in the order their bytes lie in, which are `n_bytes`; nothing if it breaks a rule.
pub(super) fn parse(json: &[u8], n_bytes: u64) -> Option<Vec<Entry>> {
    if json.first() != Some(&b'{') {
        return None;
    }
    let mut input = serde_json::Deserializer::from_slice(json);
    let members = input.deserialize_map(Members).ok()?;
    input.end().ok()?;
    let mut entries = Vec::with_capacity(members.len());
    for (name, value) in members {
        if name != "__metadata__" {
            entries.push(entry(name, &value)?);
        } else if !value.as_object()?.values().all(Value::is_string) {
            return None;
        }
    }
    // Tensors without elements lie before what follows them.
    entries.sort_by_key(|(start, entry)| (*start, entry.n_bytes));
    let mut at = 0;
    for (start, entry) in &entries {
        if *start != at {
            return None;
        }
        at = at.checked_add(entry.n_bytes)?;
    }
    (at == n_bytes).then(|| entries.into_iter().map(|(_, entry)| entry).collect())
}

/// A tensor and where its bytes start.
fn entry(name: String, value: &Value) -> Option<(u64, Entry)> {
    let value = value.as_object().filter(|members| members.len() == 3)?;
    let numbers =
        |key: &str| -> Option<Vec<u64>> { value.get(key)?.as_array()?.iter().map(Value::as_u64).collect() };
    let shape = numbers("shape")?;
    let descriptor = descriptor(value.get("dtype")?.as_str()?, &shape)?;
    descriptor.validate().ok()?;
    let [start, end] = numbers("data_offsets")?.try_into().ok()?;
    let n_bytes = end.checked_sub(start)?;
    // Elements that do not fill bytes do so together.
    let n_bits = descriptor.n_elements()?.checked_mul(u64::from(descriptor.n_bits()))?;
    (n_bits == n_bytes.checked_mul(8)?).then_some((start, Entry { name, descriptor, n_bytes }))
}

fn descriptor(dtype: &str, shape: &[u64]) -> Option<TensorDescriptor> {
    let element = match dtype {
        "BOOL" => ElementType::Bool,
        "U8" => ElementType::U8,
        "I8" => ElementType::I8,
        "U16" => ElementType::U16,
        "I16" => ElementType::I16,
        "U32" => ElementType::U32,
        "I32" => ElementType::I32,
        "U64" => ElementType::U64,
        "I64" => ElementType::I64,
        "F16" => ElementType::F16,
        "BF16" => ElementType::Bf16,
        "F32" => ElementType::F32,
        "F64" => ElementType::F64,
        "C64" => ElementType::Complex64,
        "F8_E4M3" => ElementType::F8E4M3Fn,
        "F8_E5M2" => ElementType::F8E5M2,
        "F8_E4M3FNUZ" => ElementType::F8E4M3Fnuz,
        "F8_E5M2FNUZ" => ElementType::F8E5M2Fnuz,
        "F8_E8M0" => ElementType::F8E8M0Fnu,
        "F4" => return Some(TensorDescriptor::opaque("F4", 4, shape)),
        "F6_E2M3" | "F6_E3M2" => return Some(TensorDescriptor::opaque(dtype, 6, shape)),
        _ => return None,
    };
    Some(TensorDescriptor::new(element, shape))
}

/// The members of an object, no name twice.
struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Vec<(String, Value)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        let mut names = HashSet::new();
        while let Some((name, value)) = map.next_entry::<String, Value>()? {
            if !names.insert(name.clone()) {
                return Err(serde::de::Error::custom("a name twice"));
            }
            members.push((name, value));
        }
        Ok(members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tensors_come_in_the_order_of_their_bytes() {
        let json = br#"{"__metadata__":{"format":"pt"},"b":{"dtype":"BF16","shape":[2,3],"data_offsets":[4,16]},
            "a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"none":{"dtype":"I8","shape":[0,9],"data_offsets":[4,4]},
            "half":{"dtype":"F4","shape":[4],"data_offsets":[16,18]}}  "#;
        let entries = parse(json, 18).unwrap();
        let names: Vec<_> = entries.iter().map(|entry| entry.name.as_str()).collect();
        assert_eq!(names, ["a", "none", "b", "half"]);
        assert_eq!(entries[2].descriptor, TensorDescriptor::new(ElementType::Bf16, &[2, 3]));
        assert_eq!(entries[3].descriptor, TensorDescriptor::opaque("F4", 4, &[4]));
        assert!(parse(json, 19).is_none());
    }

    #[test]
    fn what_breaks_a_rule_is_no_such_file() {
        let good = r#"{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}"#;
        assert!(parse(good.as_bytes(), 2).is_some());
        for (from, to) in [
            ("{\"a\"", " {\"a\""),
            ("\"U8\"", "\"U9\""),
            ("\"U8\"", "8"),
            ("[2]", "[3]"),
            ("[2]", "[-2]"),
            ("[2]", "[2.0]"),
            ("[2]", "2"),
            ("[0,2]", "[1,3]"),
            ("[0,2]", "[2,0]"),
            ("[0,2]", "[0,2,2]"),
            ("[0,2]}", "[0,2],\"x\":1}"),
            ("}}", "},\"a\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[2,2]}}"),
            ("}}", "},\"__metadata__\":{\"x\":1}}"),
            ("}}", "}}x"),
            ("}}", "}"),
        ] {
            assert!(parse(good.replacen(from, to, 1).as_bytes(), 2).is_none(), "{from} {to}");
        }
        let huge = r#"{"a":{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]}}"#;
        assert!(parse(huge.as_bytes(), 0).is_none());
        assert_eq!(json_bytes(9_u64.to_le_bytes(), 17), Some(9));
        assert_eq!(json_bytes(10_u64.to_le_bytes(), 17), None);
        assert_eq!(json_bytes(u64::MAX.to_le_bytes(), 17), None);
    }
}
