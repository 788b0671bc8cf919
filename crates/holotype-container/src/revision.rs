use crate::cbor::Value;
use crate::{Header, Trailer};

/// Most revisions before one: the list of them is in every root.
const MAX_EARLIER: usize = 4096;

/// A revision before the one at hand. Spec §16.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RevisionRecord {
    /// Bytes of the file up to its end.
    pub end_bytes: u64,
    /// Its seal.
    pub seal: [u8; 32],
    /// Of an encrypted archive, what makes its frame key.
    pub salt: Option<[u8; 32]>,
}

/// True if one more revision can be listed after `n_earlier`.
pub(crate) fn has_room(n_earlier: usize) -> bool {
    n_earlier < MAX_EARLIER
}

pub(crate) fn encode_revisions(revisions: &[RevisionRecord]) -> Value {
    let one = |RevisionRecord { end_bytes, seal, salt }: &RevisionRecord| {
        let mut fields = vec![Value::Unsigned(*end_bytes), Value::Bytes(seal.to_vec())];
        fields.extend(salt.map(|salt| Value::Bytes(salt.to_vec())));
        Value::Array(fields)
    };
    Value::Array(revisions.iter().map(one).collect())
}

/// Reads a list of at least one revision, ends ascending, all of them with a salt or none.
pub(crate) fn decode_revisions(value: &Value) -> Option<Vec<RevisionRecord>> {
    let list = value.as_array()?;
    if list.is_empty() || list.len() > MAX_EARLIER {
        return None;
    }
    let one = |value: &Value| {
        let (end, seal, salt) = match value.as_array()? {
            [end, seal] => (end, seal, None),
            [end, seal, salt] => (end, seal, Some(salt.as_bytes()?.try_into().ok()?)),
            _ => return None,
        };
        let (end_bytes, seal) = (end.as_unsigned()?, seal.as_bytes()?.try_into().ok()?);
        Some(RevisionRecord { end_bytes, seal, salt })
    };
    let revisions: Vec<RevisionRecord> = list.iter().map(one).collect::<Option<_>>()?;
    let smallest = (Header::N_BYTES + Trailer::N_BYTES) as u64;
    let is_first_whole = revisions.first().is_some_and(|first| first.end_bytes >= smallest);
    let neighbours = || revisions.iter().zip(revisions.iter().skip(1));
    let ascend =
        neighbours().all(|(a, b)| b.end_bytes - a.end_bytes.min(b.end_bytes) >= Trailer::N_BYTES as u64);
    let alike = neighbours().all(|(a, b)| a.salt.is_some() == b.salt.is_some());
    (is_first_whole && ascend && alike).then_some(revisions)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn revision(end_bytes: u64, salt: Option<u8>) -> RevisionRecord {
        RevisionRecord { end_bytes, seal: [3; 32], salt: salt.map(|salt| [salt; 32]) }
    }

    #[test]
    fn lists_round_trip_and_wrong_ones_are_refused() {
        for good in [
            vec![revision(144, None)],
            vec![revision(144, None), revision(300, None)],
            vec![revision(500, Some(1)), revision(900, Some(2))],
        ] {
            assert_eq!(decode_revisions(&encode_revisions(&good)), Some(good));
        }
        for bad in [
            vec![],
            vec![revision(143, None)],
            vec![revision(300, None), revision(300, None)],
            vec![revision(300, None), revision(200, None)],
            vec![revision(300, None), revision(900, Some(1))],
            vec![revision(u64::MAX, None), revision(0, None)],
            (0..4097).map(|i| revision(1000 * (i + 1), None)).collect(),
        ] {
            assert_eq!(decode_revisions(&encode_revisions(&bad)), None);
        }
    }
}
