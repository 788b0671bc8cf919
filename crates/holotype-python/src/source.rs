use holotype_store::{CutShort, ReadAt};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use std::io;
use std::sync::{Mutex, PoisonError};

/// A seekable Python file object, read by position.
///
/// Reads take turns: the file has one position. Callers hold no interpreter lock, so a thread that waits for
/// its turn cannot block the one that reads.
pub(crate) struct FileObject {
    file: Py<PyAny>,
    start: u64,
    n_bytes: u64,
    turn: Mutex<()>,
}

impl FileObject {
    /// The bytes `start..end` of `file`.
    pub(crate) fn new(file: Py<PyAny>, start: u64, end: u64) -> Self {
        Self { file, start, n_bytes: end.saturating_sub(start), turn: Mutex::new(()) }
    }
}

impl ReadAt for FileObject {
    fn len_bytes(&self) -> u64 {
        self.n_bytes
    }

    fn read_exact_at(&self, offset_bytes: u64, out: &mut [u8]) -> io::Result<()> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        Python::attach(|py| {
            let file = self.file.bind(py);
            file.call_method1("seek", (self.start.saturating_add(offset_bytes),))?;
            let expected = out.len() as u64;
            let mut rest = out;
            while !rest.is_empty() {
                let part: PyBackedBytes =
                    file.call_method1("read", (rest.len(),))?.extract().map_err(PyErr::from)?;
                if part.is_empty() {
                    let found = expected - rest.len() as u64;
                    return Err(CutShort { offset_bytes, expected, found }.into_io());
                }
                if part.len() > rest.len() {
                    return Err(io::Error::other("the file object gave more bytes than were asked for"));
                }
                let (now, later) = rest.split_at_mut(part.len());
                now.copy_from_slice(&part);
                rest = later;
            }
            Ok(())
        })
    }
}
