use holotype_store::ReadAt;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes given up together when a disk cannot read them.
const PIECE_BYTES: usize = 4096;

/// Reads a failing medium: what it cannot read comes as zeros, which no hash vouches for.
pub(super) struct Tolerant {
    inner: Box<dyn ReadAt>,
    n_unreadable: AtomicU64,
}

impl Tolerant {
    pub(super) fn new(inner: Box<dyn ReadAt>) -> Self {
        Self { inner, n_unreadable: AtomicU64::new(0) }
    }

    /// Bytes that could not be read; those tried twice count twice.
    pub(super) fn n_unreadable(&self) -> u64 {
        self.n_unreadable.load(Ordering::Relaxed)
    }
}

impl ReadAt for Tolerant {
    fn len_bytes(&self) -> u64 {
        self.inner.len_bytes()
    }

    fn read_exact_at(&self, offset_bytes: u64, out: &mut [u8]) -> io::Result<()> {
        if self.inner.read_exact_at(offset_bytes, out).is_ok() {
            return Ok(());
        }
        for (i, piece) in out.chunks_mut(PIECE_BYTES).enumerate() {
            let at = offset_bytes.saturating_add((i * PIECE_BYTES) as u64);
            if self.inner.read_exact_at(at, piece).is_err() {
                piece.fill(0);
                self.n_unreadable.fetch_add(piece.len() as u64, Ordering::Relaxed);
            }
        }
        Ok(())
    }

    fn slice(&self, offset_bytes: u64, n_bytes: u64) -> Option<&[u8]> {
        self.inner.slice(offset_bytes, n_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct BadSector;

    impl ReadAt for BadSector {
        fn len_bytes(&self) -> u64 {
            3 * PIECE_BYTES as u64
        }

        fn read_exact_at(&self, offset_bytes: u64, out: &mut [u8]) -> io::Result<()> {
            let end = offset_bytes + out.len() as u64;
            if offset_bytes < 5000 && end > 5000 {
                return Err(io::Error::other("bad sector"));
            }
            out.fill(7);
            Ok(())
        }
    }

    #[test]
    fn only_the_bad_piece_is_given_up() {
        let source = Tolerant::new(Box::new(BadSector));
        let mut bytes = vec![1; 3 * PIECE_BYTES];
        source.read_exact_at(0, &mut bytes).unwrap();
        assert!(bytes[..PIECE_BYTES].iter().all(|b| *b == 7));
        assert!(bytes[PIECE_BYTES..2 * PIECE_BYTES].iter().all(|b| *b == 0));
        assert!(bytes[2 * PIECE_BYTES..].iter().all(|b| *b == 7));
        assert_eq!(source.n_unreadable(), PIECE_BYTES as u64);
    }
}
