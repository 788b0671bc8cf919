use crate::cursor::{Cursor, put_varint};
use crate::{Error, Limits, error::check_limit};

/// A range of a block's raw bytes, a piece of an item's content. Spec §5.5.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Extent {
    /// The block.
    pub block: u64,
    /// Where the range starts in the block's raw bytes.
    pub offset_bytes: u64,
    /// Its length, at least 1.
    pub n_bytes: u64,
}

/// Where the extents of an item are.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Extents {
    /// In its record.
    Inline(Vec<Extent>),
    /// In a block of their own.
    Block(u64),
}

/// Smallest extent: three one-byte numbers.
const MIN_EXTENT_BYTES: usize = 3;

/// Appends a list of extents.
pub fn encode_extents(extents: &[Extent], out: &mut Vec<u8>) {
    let mut expected = 0_u64;
    for Extent { block, offset_bytes, n_bytes } in extents {
        let step = block.wrapping_sub(expected).cast_signed();
        put_varint(out, (step << 1 ^ step >> 63).cast_unsigned());
        put_varint(out, *offset_bytes);
        put_varint(out, *n_bytes);
        expected = block.wrapping_add(1);
    }
}

/// Reads a list of extents that fills `bytes`; every block is below `n_blocks`, the lengths add up to `raw_bytes`.
///
/// # Errors
/// `Truncated`, `Corrupt`; `LimitExceeded` for more than [`Limits::max_extents`].
pub fn decode_extents(
    bytes: &[u8],
    n_blocks: u64,
    raw_bytes: u64,
    limits: &Limits,
) -> Result<Vec<Extent>, Error> {
    let mut cursor = Cursor::new(bytes, "extents");
    let mut extents = Vec::with_capacity(bytes.len() / MIN_EXTENT_BYTES / 2);
    let (mut expected, mut total) = (0_u64, 0_u64);
    while cursor.remaining() > 0 {
        check_limit("the number of an item's extents", extents.len() as u64 + 1, limits.max_extents)?;
        let step = cursor.varint()?;
        let block = expected.wrapping_add(step >> 1 ^ (step & 1).wrapping_neg());
        let (offset_bytes, n_bytes) = (cursor.varint()?, cursor.varint()?);
        if block >= n_blocks {
            return Err(cursor.corrupt("a block number is past the table"));
        }
        if n_bytes == 0 || offset_bytes.checked_add(n_bytes).is_none() {
            return Err(cursor.corrupt("an extent is empty or overflows"));
        }
        total = total.checked_add(n_bytes).ok_or_else(|| cursor.corrupt("the extents overflow"))?;
        extents.push(Extent { block, offset_bytes, n_bytes });
        expected = block.wrapping_add(1);
    }
    if total != raw_bytes || extents.is_empty() {
        return Err(cursor.corrupt("the extents do not add up to the content"));
    }
    Ok(extents)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn extent(block: u64, offset_bytes: u64, n_bytes: u64) -> Extent {
        Extent { block, offset_bytes, n_bytes }
    }

    proptest! {
        #[test]
        fn round_trips(list in prop::collection::vec((0..1_u64 << 40, 0..1_u64 << 30, 1..1_u64 << 30), 1..50)) {
            let extents: Vec<Extent> = list.into_iter().map(|(b, o, n)| extent(b, o, n)).collect();
            let total = extents.iter().map(|e| e.n_bytes).sum();
            let mut bytes = Vec::new();
            encode_extents(&extents, &mut bytes);
            prop_assert_eq!(decode_extents(&bytes, 1 << 40, total, &Limits::default()), Ok(extents));
        }

        #[test]
        fn any_bytes_have_one_meaning(bytes in prop::collection::vec(any::<u8>(), 0..30), total in 0..1000_u64) {
            if let Ok(extents) = decode_extents(&bytes, u64::MAX, total, &Limits::default()) {
                let mut again = Vec::new();
                encode_extents(&extents, &mut again);
                prop_assert_eq!(again, bytes);
            }
        }
    }

    #[test]
    fn blocks_that_follow_each_other_take_a_byte() {
        let extents = [extent(5, 0, 9), extent(6, 0, 9), extent(7, 1, 2), extent(3, 4, 1)];
        let mut bytes = Vec::new();
        encode_extents(&extents, &mut bytes);
        assert_eq!(bytes, [10, 0, 9, 0, 0, 9, 0, 1, 2, 9, 4, 1]);
    }

    #[test]
    fn wrong_lists_are_refused() {
        let limits = Limits::default();
        for (bytes, n_blocks, total) in [
            (&[0, 0, 5][..], 0, 5),
            (&[0, 0, 5], 1, 6),
            (&[0, 0, 0], 1, 0),
            (&[], 1, 0),
            (&[1, 0, 5], u64::MAX, 5),
            (&[0, 0], 1, 5),
            (&[0, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1, 5], 1, 5),
        ] {
            assert!(decode_extents(bytes, n_blocks, total, &limits).is_err(), "{bytes:?}");
        }
        let few = Limits { max_extents: 1, ..limits };
        assert!(matches!(decode_extents(&[0, 0, 5, 0, 0, 5], 2, 10, &few), Err(Error::LimitExceeded { .. })));
    }
}
