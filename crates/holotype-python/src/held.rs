use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use std::io::{self, Write};
use std::mem::MaybeUninit;
use std::{ptr, slice};

/// Most bytes of a piece: small enough to stay in the cache while a file object takes it.
const PIECE_BYTES: usize = 256 << 10;
/// The first piece: an archive of one small image fits.
const FIRST_PIECE_BYTES: usize = 16 << 10;

/// An archive that is made in memory, in pieces: it grows without being copied, and what was handed on is free again.
#[derive(Debug, Default)]
pub(crate) struct Held {
    pieces: Vec<Vec<u8>>,
    n_bytes: usize,
}

impl Held {
    pub(crate) fn n_bytes(&self) -> u64 {
        self.n_bytes as u64
    }

    /// Its pieces, in their order.
    pub(crate) fn into_pieces(self) -> impl Iterator<Item = Vec<u8>> {
        self.pieces.into_iter()
    }

    /// A Python `bytes` of it all. `MemoryError` if there is no room for it.
    #[expect(unsafe_code, reason = "PyO3 would fill the memory with zeros first")]
    pub(crate) fn into_bytes(self, py: Python<'_>) -> PyResult<Bound<'_, PyBytes>> {
        let n_bytes: usize = self.pieces.iter().map(Vec::len).sum();
        // SAFETY: without bytes to copy this is a new object of so many that are not initialised, or an exception; no
        // vector holds more than `isize::MAX`, nor do all that are in memory.
        let made = unsafe {
            let made = ffi::PyBytes_FromStringAndSize(ptr::null(), n_bytes as ffi::Py_ssize_t);
            Bound::from_owned_ptr_or_err(py, made)?
        };
        // SAFETY: the object is of `n_bytes`, which start there, and nobody else has seen it.
        let mut rest: &mut [MaybeUninit<u8>] =
            unsafe { slice::from_raw_parts_mut(ffi::PyBytes_AsString(made.as_ptr()).cast(), n_bytes) };
        for piece in self.into_pieces() {
            let (now, later) = rest.split_at_mut(piece.len());
            now.write_copy_of_slice(&piece);
            rest = later;
        }
        Ok(made.cast_into()?)
    }
}

impl Write for Held {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let is_full = self.pieces.last().is_none_or(|piece| piece.len() == piece.capacity());
        if is_full {
            let mut piece = Vec::new();
            let n_bytes = self.n_bytes.clamp(FIRST_PIECE_BYTES, PIECE_BYTES);
            piece.try_reserve_exact(n_bytes).map_err(|_| io::ErrorKind::OutOfMemory)?;
            self.pieces.push(piece);
        }
        let Some(piece) = self.pieces.last_mut() else { return Ok(0) };
        let n = bytes.len().min(piece.capacity() - piece.len());
        piece.extend_from_slice(&bytes[..n]);
        self.n_bytes += n;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
