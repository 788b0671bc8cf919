use crate::ReadAt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

/// One read that went through a [`Recorder`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordedRead {
    /// Where it started.
    pub offset_bytes: u64,
    /// How much it asked for.
    pub n_bytes: u64,
}

/// Passes reads on and writes them down: proves which bytes an operation touches.
#[derive(Debug, Clone)]
pub struct Recorder<S> {
    inner: S,
    reads: Arc<Mutex<Vec<RecordedRead>>>,
}

impl<S: ReadAt> Recorder<S> {
    /// Wraps `inner`; clones share the record.
    pub fn new(inner: S) -> Self {
        Self { inner, reads: Arc::default() }
    }

    /// The reads so far, in the order they were asked; empties the record.
    #[must_use]
    pub fn take(&self) -> Vec<RecordedRead> {
        std::mem::take(&mut *self.reads.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<S: ReadAt> ReadAt for Recorder<S> {
    fn len_bytes(&self) -> u64 {
        self.inner.len_bytes()
    }

    fn read_exact_at(&self, offset_bytes: u64, out: &mut [u8]) -> io::Result<()> {
        let read = RecordedRead { offset_bytes, n_bytes: out.len() as u64 };
        self.reads.lock().unwrap_or_else(PoisonError::into_inner).push(read);
        self.inner.read_exact_at(offset_bytes, out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemorySource;

    #[test]
    fn records_offsets_and_lengths() {
        let recorder = Recorder::new(MemorySource::new([0_u8; 16]));
        let shared = recorder.clone();
        shared.read_exact_at(3, &mut [0; 4]).unwrap();
        assert_eq!(recorder.take(), [RecordedRead { offset_bytes: 3, n_bytes: 4 }]);
        assert!(recorder.take().is_empty());
    }
}
