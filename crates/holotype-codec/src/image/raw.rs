//! Path 0: the samples as they are.

use crate::{CodecError, TileMut, TileRef};

pub(super) fn encode(tile: &TileRef<'_>, out: &mut Vec<u8>) {
    for row in tile.rows() {
        out.extend_from_slice(row);
    }
}

pub(super) fn decode(bytes: &[u8], out: &mut TileMut<'_, '_>) -> Result<(), CodecError> {
    let row_bytes = out.shape().row_bytes();
    let n_expected = row_bytes * out.shape().height as usize;
    if bytes.len() < n_expected {
        return Err(CodecError::Truncated { what: "raw samples" });
    }
    if bytes.len() > n_expected {
        return Err(CodecError::Corrupt { what: "bytes after the raw samples" });
    }
    for (row, coded) in out.rows_mut().iter_mut().zip(bytes.chunks_exact(row_bytes)) {
        row.copy_from_slice(coded);
    }
    Ok(())
}
