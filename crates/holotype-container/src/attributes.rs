use crate::Error;
use crate::cbor::{Map, Value};

/// What a file system knows of a file, folder or link. Spec §5.8.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileAttributes {
    /// Permission bits, 0 to 0o7777.
    pub mode: Option<u32>,
    /// When its content was last changed.
    pub mtime: Option<FileTime>,
    /// Its path, if that is not UTF-8; the item's name then only stands for it.
    pub raw_path: Option<Vec<u8>>,
    /// Extended attributes, names ascending.
    pub xattrs: Vec<Xattr>,
    /// Name of the item whose file this is, by another name.
    pub hard_link: Option<String>,
    /// Where a symbolic link points.
    pub symlink_target: Option<Vec<u8>>,
}

/// A moment: seconds since 1970-01-01 UTC, and nanoseconds after them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileTime {
    /// Seconds, negative before 1970.
    pub seconds: i64,
    /// 0 to 999 999 999.
    pub nanoseconds: u32,
}

/// Name and value of an extended attribute.
type Xattr = (Vec<u8>, Vec<u8>);

mod key {
    pub(super) const MODE: u64 = 0;
    pub(super) const MTIME_SECONDS: u64 = 1;
    pub(super) const MTIME_NANOSECONDS: u64 = 2;
    pub(super) const RAW_PATH: u64 = 3;
    pub(super) const XATTRS: u64 = 4;
    pub(super) const HARD_LINK: u64 = 5;
    pub(super) const SYMLINK_TARGET: u64 = 6;
}

const MAX_MODE: u32 = 0o7777;
const MAX_NANOSECONDS: u32 = 999_999_999;
/// Bytes of a path or of the target of a link.
const MAX_PATH_BYTES: usize = 4096;

impl FileAttributes {
    /// True if nothing is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub(crate) fn to_value(&self) -> Value {
        let Self { mode, mtime, raw_path, xattrs, hard_link, symlink_target } = self;
        let mut map = Map::new();
        let mut put = |key, value: Option<Value>| map.extend(value.map(|value| (key, value)));
        put(key::MODE, mode.map(|mode| Value::Unsigned(mode.into())));
        put(key::MTIME_SECONDS, mtime.map(|t| Value::Unsigned(zigzag(t.seconds))));
        let nanoseconds = mtime.map(|t| u64::from(t.nanoseconds)).filter(|n| *n > 0);
        put(key::MTIME_NANOSECONDS, nanoseconds.map(Value::Unsigned));
        put(key::RAW_PATH, raw_path.clone().map(Value::Bytes));
        let pairs = xattrs
            .iter()
            .map(|(name, value)| Value::Array(vec![Value::Bytes(name.clone()), Value::Bytes(value.clone())]));
        put(key::XATTRS, (!xattrs.is_empty()).then(|| Value::Array(pairs.collect())));
        put(key::HARD_LINK, hard_link.clone().map(Value::Text));
        put(key::SYMLINK_TARGET, symlink_target.clone().map(Value::Bytes));
        Value::Map(map)
    }

    pub(crate) fn from_value(value: Value) -> Result<Self, Error> {
        let Value::Map(map) = value else { return Err(corrupt("they are not a map")) };
        let mut found = Self::default();
        let (mut seconds, mut nanoseconds) = (None, None);
        let is_empty = map.is_empty();
        for (id, value) in map {
            match (id, value) {
                (key::MODE, Value::Unsigned(mode)) => {
                    let mode = u32::try_from(mode).ok().filter(|mode| *mode <= MAX_MODE);
                    found.mode = Some(mode.ok_or_else(|| corrupt("the mode has unknown bits"))?);
                }
                (key::MTIME_SECONDS, Value::Unsigned(n)) => seconds = Some(unzigzag(n)),
                (key::MTIME_NANOSECONDS, Value::Unsigned(n)) => {
                    let n = u32::try_from(n).ok().filter(|n| (1..=MAX_NANOSECONDS).contains(n));
                    nanoseconds = Some(n.ok_or_else(|| corrupt("the nanoseconds are out of range"))?);
                }
                (key::RAW_PATH, Value::Bytes(path)) => found.raw_path = Some(path),
                (key::XATTRS, Value::Array(pairs)) => found.xattrs = read_xattrs(pairs)?,
                (key::HARD_LINK, Value::Text(name)) => found.hard_link = Some(name),
                (key::SYMLINK_TARGET, Value::Bytes(target)) => found.symlink_target = Some(target),
                (key::MODE..=key::SYMLINK_TARGET, _) => return Err(corrupt("a value has another type")),
                (id, _) => return Err(Error::Unsupported { what: "file attribute", id }),
            }
        }
        found.mtime = match (seconds, nanoseconds) {
            (None, None) => None,
            (Some(seconds), n) => Some(FileTime { seconds, nanoseconds: n.unwrap_or(0) }),
            (None, Some(_)) => return Err(corrupt("nanoseconds without seconds")),
        };
        if is_empty {
            return Err(corrupt("they are empty"));
        }
        found.check().map_err(corrupt)?;
        Ok(found)
    }

    /// The rule they break, if any.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        let Self { mode, mtime, raw_path, xattrs, hard_link, symlink_target } = self;
        if mode.is_some_and(|mode| mode > MAX_MODE) {
            return Err("the mode has unknown bits");
        }
        if mtime.is_some_and(|t| t.nanoseconds > MAX_NANOSECONDS) {
            return Err("the nanoseconds are out of range");
        }
        if raw_path.as_ref().is_some_and(|path| std::str::from_utf8(path).is_ok()) {
            return Err("a raw path is UTF-8");
        }
        let too_long = |path: &Vec<u8>| path.is_empty() || path.len() > MAX_PATH_BYTES || path.contains(&0);
        if raw_path.as_ref().is_some_and(too_long) || symlink_target.as_ref().is_some_and(too_long) {
            return Err("a path is empty, too long or has a zero byte");
        }
        if xattrs.iter().any(|(name, _)| name.is_empty() || name.contains(&0))
            || xattrs.iter().zip(xattrs.iter().skip(1)).any(|(a, b)| a.0 >= b.0)
        {
            return Err("the extended attributes do not ascend or have no name");
        }
        if hard_link.as_ref().is_some_and(String::is_empty) {
            return Err("a hard link names nothing");
        }
        Ok(())
    }
}

fn corrupt(rule: &'static str) -> Error {
    Error::Corrupt { what: "file attributes", offset_bytes: 0, rule }
}

fn zigzag(n: i64) -> u64 {
    (n << 1 ^ n >> 63).cast_unsigned()
}

fn unzigzag(n: u64) -> i64 {
    (n >> 1).cast_signed() ^ -(n & 1).cast_signed()
}

fn read_xattrs(pairs: Vec<Value>) -> Result<Vec<Xattr>, Error> {
    if pairs.is_empty() {
        return Err(corrupt("a list of extended attributes is empty"));
    }
    let read = |pair| match pair {
        Value::Array(pair) => match <[Value; 2]>::try_from(pair) {
            Ok([Value::Bytes(name), Value::Bytes(value)]) => Ok((name, value)),
            _ => Err(corrupt("an extended attribute is malformed")),
        },
        _ => Err(corrupt("an extended attribute is malformed")),
    };
    pairs.into_iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trips() {
        let mut attributes = FileAttributes { mode: Some(0o4755), ..FileAttributes::default() };
        for seconds in [0, 1, -1, i64::MAX, i64::MIN] {
            for nanoseconds in [0, 1, MAX_NANOSECONDS] {
                attributes.mtime = Some(FileTime { seconds, nanoseconds });
                assert_eq!(FileAttributes::from_value(attributes.to_value()), Ok(attributes.clone()));
            }
        }
        attributes.raw_path = Some(b"a/\xff".to_vec());
        attributes.xattrs = vec![(b"user.a".to_vec(), b"1".to_vec()), (b"user.b".to_vec(), Vec::new())];
        attributes.hard_link = Some("b".into());
        attributes.symlink_target = Some(b"../x".to_vec());
        assert_eq!(FileAttributes::from_value(attributes.to_value()), Ok(attributes));
    }

    #[test]
    fn wrong_values_are_refused() {
        let map = |pairs: &[(u64, Value)]| Value::Map(pairs.iter().cloned().collect());
        let number = Value::Unsigned;
        let bytes = |b: &[u8]| Value::Bytes(b.to_vec());
        let pair = |name: &[u8]| Value::Array(vec![bytes(name), bytes(b"")]);
        for bad in [
            map(&[]),
            number(1),
            map(&[(0, number(0o10000))]),
            map(&[(2, number(5))]),
            map(&[(1, number(5)), (2, number(0))]),
            map(&[(1, number(5)), (2, number(1_000_000_000))]),
            map(&[(3, bytes(b"plain"))]),
            map(&[(3, bytes(b"\xff\0"))]),
            map(&[(4, Value::Array(vec![]))]),
            map(&[(4, Value::Array(vec![pair(b"b"), pair(b"a")]))]),
            map(&[(4, Value::Array(vec![pair(b"")]))]),
            map(&[(4, Value::Array(vec![number(1)]))]),
            map(&[(5, Value::Text(String::new()))]),
            map(&[(6, bytes(b""))]),
            map(&[(6, bytes(&[b'x'; 4097]))]),
            map(&[(0, bytes(b"644"))]),
        ] {
            assert_eq!(FileAttributes::from_value(bad).unwrap_err().kind(), crate::ErrorKind::Corrupt);
        }
        let unknown = FileAttributes::from_value(map(&[(7, number(1))])).unwrap_err();
        assert_eq!(unknown, Error::Unsupported { what: "file attribute", id: 7 });
    }
}
