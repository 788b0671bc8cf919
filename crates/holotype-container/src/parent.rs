use crate::cbor::Value;
use crate::{DataKey, Error};

/// Most parents of an archive.
const MAX_PARENTS: usize = 64;
/// Most hints of a parent, and their bytes.
const MAX_HINTS: usize = 16;
const MAX_HINT_BYTES: usize = 4096;

/// Another archive, some blocks of which this one names instead of holding them. Spec §15.
#[derive(Debug, Clone)]
pub struct ParentRecord {
    /// Its seal.
    pub seal: [u8; 32],
    /// Its bytes.
    pub n_bytes: u64,
    /// Where it may be: paths relative to the folder of the child, or addresses.
    pub hints: Vec<String>,
    /// Of an encrypted parent, its id and its key: whoever can open the child can read it.
    pub key: Option<([u8; 16], DataKey)>,
}

impl PartialEq for ParentRecord {
    fn eq(&self, other: &Self) -> bool {
        self.to_value() == other.to_value()
    }
}

impl Eq for ParentRecord {}

/// A block of a parent. Spec §15.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ForeignBlock {
    /// Number of the parent, from 0.
    pub parent: u32,
    /// The block's id there.
    pub id: u64,
}

impl ParentRecord {
    /// Checks what a writer puts into the record.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let is_hint = |hint: &String| !hint.is_empty() && hint.len() <= MAX_HINT_BYTES;
        if self.hints.len() <= MAX_HINTS && self.hints.iter().all(is_hint) {
            return Ok(());
        }
        Err(Error::InvalidArgument { what: "a parent has at most 16 hints of 1 to 4096 bytes" })
    }

    fn to_value(&self) -> Value {
        let Self { seal, n_bytes, hints, key } = self;
        let mut fields = vec![
            Value::Bytes(seal.to_vec()),
            Value::Unsigned(*n_bytes),
            Value::Array(hints.iter().cloned().map(Value::Text).collect()),
        ];
        if let Some((archive_id, key)) = key {
            fields.push(Value::Bytes(archive_id.to_vec()));
            fields.push(Value::Bytes(key.as_bytes().to_vec()));
        }
        Value::Array(fields)
    }

    fn from_value(value: &Value) -> Option<Self> {
        let (seal, n_bytes, hints, key) = match value.as_array()? {
            [seal, n_bytes, hints] => (seal, n_bytes, hints, None),
            [seal, n_bytes, hints, id, key] => (seal, n_bytes, hints, Some((id, key))),
            _ => return None,
        };
        let key = match key {
            None => None,
            Some((id, key)) => {
                Some((id.as_bytes()?.try_into().ok()?, DataKey::from_bytes(key.as_bytes()?.try_into().ok()?)))
            }
        };
        let hints = hints.as_array()?.iter().map(|hint| hint.as_text().map(str::to_owned));
        let record = Self {
            seal: seal.as_bytes()?.try_into().ok()?,
            n_bytes: n_bytes.as_unsigned()?,
            hints: hints.collect::<Option<_>>()?,
            key,
        };
        record.check().ok()?;
        Some(record)
    }
}

/// Root key 65536.
pub(crate) fn encode_parents(parents: &[ParentRecord]) -> Value {
    Value::Array(parents.iter().map(ParentRecord::to_value).collect())
}

/// Inverse of [`encode_parents`]: 1 to 64 parents, no seal twice.
pub(crate) fn decode_parents(value: &Value) -> Option<Vec<ParentRecord>> {
    let parents: Vec<ParentRecord> =
        value.as_array()?.iter().map(ParentRecord::from_value).collect::<Option<_>>()?;
    let is_twice = |(i, parent): (usize, &ParentRecord)| parents[..i].iter().any(|p| p.seal == parent.seal);
    let is_good =
        !parents.is_empty() && parents.len() <= MAX_PARENTS && !parents.iter().enumerate().any(is_twice);
    is_good.then_some(parents)
}

/// Checks that one more parent fits.
pub(crate) fn check_next(parents: &[ParentRecord], next: &ParentRecord) -> Result<(), Error> {
    next.check()?;
    if parents.len() >= MAX_PARENTS {
        return Err(Error::InvalidArgument { what: "an archive has at most 64 parents" });
    }
    if parents.iter().any(|parent| parent.seal == next.seal) {
        return Err(Error::InvalidArgument { what: "the same parent is given twice" });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parent(seal: u8, key: bool) -> ParentRecord {
        ParentRecord {
            seal: [seal; 32],
            n_bytes: 1000,
            hints: vec!["../base.holo".into(), "https://example.org/base.holo".into()],
            key: key.then(|| ([7; 16], DataKey::from_bytes([9; 32]))),
        }
    }

    #[test]
    fn round_trips_and_refuses_what_breaks_a_rule() {
        let parents = vec![parent(1, false), parent(2, true)];
        assert_eq!(decode_parents(&encode_parents(&parents)), Some(parents));
        let long = ParentRecord { hints: vec!["x".repeat(4097)], ..parent(1, false) };
        let many = ParentRecord { hints: vec!["x".into(); 17], ..parent(1, false) };
        let empty = ParentRecord { hints: vec![String::new()], ..parent(1, false) };
        for bad in [vec![], vec![parent(1, false), parent(1, true)], vec![long], vec![many], vec![empty]] {
            assert_eq!(decode_parents(&encode_parents(&bad)), None);
        }
        assert!(check_next(&[parent(1, false)], &parent(1, false)).is_err());
        assert!(check_next(&[parent(1, false)], &parent(2, false)).is_ok());
        assert!(!format!("{:?}", parent(1, true)).contains("9, 9"), "keys are not printed");
    }
}
