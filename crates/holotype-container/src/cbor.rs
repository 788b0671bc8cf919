//! Deterministic CBOR (RFC 8949 §4.2.1), the subset the format uses. Spec §5.1.
//!
//! The decoder accepts only what the encoder would write: shortest lengths, definite sizes, map keys unsigned
//! and strictly ascending, UTF-8 text, no floats, no tags. So a value has one encoding, and every byte counts.

use crate::{Error, Limits, cursor::Cursor};
use std::collections::BTreeMap;

/// A CBOR value.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Value {
    /// Major type 0.
    Unsigned(u64),
    /// Major type 2.
    Bytes(Vec<u8>),
    /// Major type 3.
    Text(String),
    /// Major type 4.
    Array(Vec<Value>),
    /// Major type 5 with unsigned keys.
    Map(Map),
}

/// A map with unsigned keys, in key order.
pub type Map = BTreeMap<u64, Value>;

impl Value {
    /// Appends the value's one encoding.
    pub fn encode_into(&self, out: &mut Vec<u8>) {
        match self {
            Self::Unsigned(n) => put_head(out, 0, *n),
            Self::Bytes(bytes) => {
                put_head(out, 2, bytes.len() as u64);
                out.extend_from_slice(bytes);
            }
            Self::Text(text) => {
                put_head(out, 3, text.len() as u64);
                out.extend_from_slice(text.as_bytes());
            }
            Self::Array(values) => {
                put_head(out, 4, values.len() as u64);
                values.iter().for_each(|v| v.encode_into(out));
            }
            Self::Map(map) => encode_map(map, out),
        }
    }

    /// The number, if it is one.
    #[must_use]
    pub fn as_unsigned(&self) -> Option<u64> {
        if let Self::Unsigned(n) = self { Some(*n) } else { None }
    }

    /// The byte string, if it is one.
    #[must_use]
    pub fn as_bytes(&self) -> Option<&[u8]> {
        if let Self::Bytes(bytes) = self { Some(bytes) } else { None }
    }

    /// The text, if it is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// The array, if it is one.
    #[must_use]
    pub fn as_array(&self) -> Option<&[Value]> {
        if let Self::Array(values) = self { Some(values) } else { None }
    }

    /// The map, if it is one.
    #[must_use]
    pub fn as_map(&self) -> Option<&Map> {
        if let Self::Map(map) = self { Some(map) } else { None }
    }
}

/// Appends a map's one encoding.
pub fn encode_map(map: &Map, out: &mut Vec<u8>) {
    put_head(out, 5, map.len() as u64);
    for (key, value) in map {
        put_head(out, 0, *key);
        value.encode_into(out);
    }
}

/// Reads exactly one value that fills `bytes`.
///
/// # Errors
/// `Corrupt` for anything but the one encoding of a value; `Truncated`; `LimitExceeded` for deep nesting.
pub fn decode(bytes: &[u8], limits: &Limits) -> Result<Value, Error> {
    let mut cursor = Cursor::new(bytes, "CBOR value");
    let value = read(&mut cursor, limits.max_cbor_depth)?;
    cursor.finish()?;
    Ok(value)
}

/// Appends the head of an array of `n` values, to be followed by them.
pub(crate) fn put_array_head(out: &mut Vec<u8>, n: u64) {
    put_head(out, 4, n);
}

/// Appends a map's one encoding, its values encoded already.
pub(crate) fn encode_map_of_encoded(map: &BTreeMap<u64, Vec<u8>>, out: &mut Vec<u8>) {
    put_head(out, 5, map.len() as u64);
    for (key, value) in map {
        put_head(out, 0, *key);
        out.extend_from_slice(value);
    }
}

/// Reads an array that fills `bytes`, one value at a time, so that only one is held. Returns their number.
///
/// # Errors
/// As [`decode`], and what `take` returns.
pub(crate) fn decode_array(
    bytes: &[u8],
    limits: &Limits,
    mut take: impl FnMut(Value) -> Result<(), Error>,
) -> Result<u64, Error> {
    let mut cursor = Cursor::new(bytes, "CBOR value");
    let (4, n) = read_head(&mut cursor)? else { return Err(cursor.corrupt("the value is not an array")) };
    let depth = limits.max_cbor_depth.saturating_sub(1);
    for _ in 0..n {
        take(read(&mut cursor, depth)?)?;
    }
    cursor.finish()?;
    Ok(n)
}

fn put_head(out: &mut Vec<u8>, major: u8, n: u64) {
    let major = major << 5;
    match n {
        0..=23 => out.push(major | n as u8),
        24..=0xff => out.extend_from_slice(&[major | 24, n as u8]),
        0x100..=0xffff => {
            out.push(major | 25);
            out.extend_from_slice(&(n as u16).to_be_bytes());
        }
        0x1_0000..=0xffff_ffff => {
            out.push(major | 26);
            out.extend_from_slice(&(n as u32).to_be_bytes());
        }
        _ => {
            out.push(major | 27);
            out.extend_from_slice(&n.to_be_bytes());
        }
    }
}

fn read_head(cursor: &mut Cursor<'_>) -> Result<(u8, u64), Error> {
    let first = cursor.u8()?;
    let (n, smallest) = match first & 31 {
        short @ 0..=23 => (u64::from(short), 0),
        24 => (u64::from(cursor.u8()?), 24),
        25 => (u64::from(u16::from_be_bytes(cursor.array()?)), 1 << 8),
        26 => (u64::from(u32::from_be_bytes(cursor.array()?)), 1 << 16),
        27 => (u64::from_be_bytes(cursor.array()?), 1 << 32),
        _ => return Err(cursor.corrupt("CBOR of indefinite or reserved length")),
    };
    if n < smallest {
        return Err(cursor.corrupt("CBOR number not in its shortest form"));
    }
    Ok((first >> 5, n))
}

fn read(cursor: &mut Cursor<'_>, depth: u32) -> Result<Value, Error> {
    let limit = u64::from(depth);
    let deeper =
        depth.checked_sub(1).ok_or(Error::LimitExceeded { what: "CBOR nesting", found: limit + 1, limit })?;
    let (major, n) = read_head(cursor)?;
    let n_items = |cursor: &Cursor<'_>| match usize::try_from(n) {
        Ok(n) if n <= cursor.remaining() => Ok(n),
        _ => Err(Error::Truncated {
            what: "CBOR value",
            offset_bytes: cursor.position(),
            expected: n,
            found: cursor.remaining() as u64,
        }),
    };
    match major {
        0 => Ok(Value::Unsigned(n)),
        2 => Ok(Value::Bytes(cursor.take(n_items(cursor)?)?.to_vec())),
        3 => {
            let bytes = cursor.take(n_items(cursor)?)?;
            let text = std::str::from_utf8(bytes).map_err(|_| cursor.corrupt("CBOR text is not UTF-8"))?;
            Ok(Value::Text(text.to_owned()))
        }
        4 => {
            let n = n_items(cursor)?;
            // Grown as values are really read: a count alone allocates nothing.
            let mut values = Vec::new();
            for _ in 0..n {
                values.push(read(cursor, deeper)?);
            }
            Ok(Value::Array(values))
        }
        5 => {
            let n = n_items(cursor)?;
            let mut map = Map::new();
            for _ in 0..n {
                let (0, key) = read_head(cursor)? else {
                    return Err(cursor.corrupt("a CBOR map key is not an unsigned number"));
                };
                if map.last_key_value().is_some_and(|(last, _)| *last >= key) {
                    return Err(cursor.corrupt("CBOR map keys do not ascend"));
                }
                map.insert(key, read(cursor, deeper)?);
            }
            Ok(Value::Map(map))
        }
        _ => Err(cursor.corrupt("a CBOR type the format does not use")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<u64>().prop_map(Value::Unsigned),
            (0..300_u64).prop_map(Value::Unsigned),
            prop::collection::vec(any::<u8>(), 0..40).prop_map(Value::Bytes),
            ".{0,20}".prop_map(Value::Text),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
                prop::collection::btree_map(0..1000_u64, inner, 0..6).prop_map(Value::Map),
            ]
        })
    }

    proptest! {
        #[test]
        fn one_value_one_encoding(value in value()) {
            let mut bytes = Vec::new();
            value.encode_into(&mut bytes);
            prop_assert_eq!(decode(&bytes, &Limits::default()), Ok(value));
        }

        #[test]
        fn what_decodes_encodes_to_the_same_bytes(bytes in prop::collection::vec(any::<u8>(), 0..24)) {
            if let Ok(value) = decode(&bytes, &Limits::default()) {
                let mut again = Vec::new();
                value.encode_into(&mut again);
                prop_assert_eq!(again, bytes);
            }
        }
    }

    #[test]
    fn rfc_8949_examples() {
        for (value, hex) in [
            (Value::Unsigned(23), "17"),
            (Value::Unsigned(24), "1818"),
            (Value::Unsigned(1_000_000_000_000), "1b000000e8d4a51000"),
            (Value::Text("IETF".into()), "6449455446"),
            (Value::Bytes(vec![1, 2, 3, 4]), "4401020304"),
        ] {
            let mut bytes = Vec::new();
            value.encode_into(&mut bytes);
            assert_eq!(crate::hex(&bytes), hex);
        }
    }

    #[test]
    fn other_encodings_are_refused() {
        for bad in [
            &[0x18, 23][..],
            &[0x9f, 0xff],
            &[0x20],
            &[0xf6],
            &[0xa2, 1, 0, 1, 0],
            &[0xa2, 2, 0, 1, 0],
            &[0x61, 0xff],
            &[0, 0],
            &[],
        ] {
            assert!(decode(bad, &Limits::default()).is_err(), "{bad:?}");
        }
        assert!(matches!(decode(&[0x81; 64], &Limits::default()), Err(Error::LimitExceeded { .. })));
        assert!(matches!(
            decode(&[0x9b, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0], &Limits::default()),
            Err(Error::Truncated { .. })
        ));
    }
}
