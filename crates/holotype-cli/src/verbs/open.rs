use crate::exit::Failure;
use crate::names::is_stream;
use holotype::{Archive, Error};
use std::io::Read as _;
use std::path::Path;

/// Opens the archive at `path`, or all of stdin.
pub(crate) fn open(path: &Path) -> Result<Archive, Failure> {
    let archive = if is_stream(path) {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes).map_err(|e| Error::io("-", e))?;
        Archive::from_bytes(bytes)
    } else {
        Archive::open(path)
    };
    archive.map_err(|e| Failure::from(e).about(path.display()))
}
