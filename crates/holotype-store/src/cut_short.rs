use std::io;
use thiserror::Error;

/// A source ends before the bytes that were asked for: there never were so many, or it was cut since it was opened.
///
/// The error of `UnexpectedEof` from every [`crate::ReadAt`] that can tell how far it got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{expected} bytes expected at offset {offset_bytes}, {found} found")]
pub struct CutShort {
    /// Where the read started.
    pub offset_bytes: u64,
    /// Bytes asked for.
    pub expected: u64,
    /// Bytes that were there.
    pub found: u64,
}

impl CutShort {
    /// What an I/O error says of it, if it is one of these.
    #[must_use]
    pub fn of(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }

    /// As the error of a read.
    #[must_use]
    pub fn into_io(self) -> io::Error {
        io::Error::new(io::ErrorKind::UnexpectedEof, self)
    }

    /// A read of a source of `len_bytes` bytes that goes past its end.
    pub(crate) fn past_the_end(offset_bytes: u64, expected: usize, len_bytes: u64) -> io::Error {
        let found = len_bytes.saturating_sub(offset_bytes);
        Self { offset_bytes, expected: expected as u64, found }.into_io()
    }
}
