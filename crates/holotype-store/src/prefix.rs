use crate::{CutShort, ReadAt};
use std::io;
use std::ops::Range;

/// The first bytes of a source, as if it ended there.
#[derive(Debug, Clone)]
pub struct PrefixSource<S> {
    source: S,
    n_bytes: u64,
}

impl<S: ReadAt> PrefixSource<S> {
    /// The first `n_bytes` of `source`, or all of it if it has fewer.
    pub fn new(source: S, n_bytes: u64) -> Self {
        Self { n_bytes: n_bytes.min(source.len_bytes()), source }
    }

    fn holds(&self, offset_bytes: u64, n_bytes: u64) -> bool {
        offset_bytes.checked_add(n_bytes).is_some_and(|end| end <= self.n_bytes)
    }
}

impl<S: ReadAt> ReadAt for PrefixSource<S> {
    fn len_bytes(&self) -> u64 {
        self.n_bytes
    }

    fn read_exact_at(&self, offset_bytes: u64, out: &mut [u8]) -> io::Result<()> {
        if !self.holds(offset_bytes, out.len() as u64) {
            return Err(CutShort::past_the_end(offset_bytes, out.len(), self.n_bytes));
        }
        self.source.read_exact_at(offset_bytes, out)
    }

    fn slice(&self, offset_bytes: u64, n_bytes: u64) -> Option<&[u8]> {
        self.source.slice(offset_bytes, n_bytes).filter(|_| self.holds(offset_bytes, n_bytes))
    }

    fn will_read(&self, ranges: &[Range<u64>]) -> io::Result<()> {
        self.source.will_read(ranges)
    }

    fn is_far(&self) -> bool {
        self.source.is_far()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemorySource;

    #[test]
    fn ends_where_it_is_told_to() {
        let source = PrefixSource::new(MemorySource::new(b"abcdef".to_vec()), 4);
        assert_eq!(source.len_bytes(), 4);
        assert_eq!(source.slice(1, 3), Some(&b"bcd"[..]));
        assert_eq!(source.slice(1, 4), None);
        let mut out = [0; 3];
        assert!(source.read_exact_at(2, &mut out).is_err());
        source.read_exact_at(1, &mut out).unwrap();
        assert_eq!(&out, b"bcd");
        assert_eq!(PrefixSource::new(MemorySource::new(b"abc".to_vec()), 9).len_bytes(), 3);
    }
}
