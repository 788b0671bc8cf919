//! Bytes as one Zstandard frame. `docs/codecs/tensor.md` §5.

use crate::CodecError;

/// Level of a quick look.
pub(super) const QUICK: i32 = 3;
/// Level of what is kept.
pub(super) const DENSE: i32 = 22;

/// `bytes` as a frame that states its content size.
pub(super) fn encode(bytes: &[u8], level: i32) -> Option<Vec<u8>> {
    zstd::bulk::compress(bytes, level).ok()
}

/// Fills `out` from a frame of exactly its size.
pub(super) fn decode(frame: &[u8], out: &mut [u8]) -> Result<(), CodecError> {
    const CORRUPT: CodecError = CodecError::Corrupt { what: "a Zstandard frame" };
    let size = zstd::zstd_safe::get_frame_content_size(frame).ok().flatten();
    if size != Some(out.len() as u64) || zstd::zstd_safe::find_frame_compressed_size(frame) != Ok(frame.len())
    {
        return Err(CORRUPT);
    }
    match zstd::bulk::decompress_to_buffer(frame, out) {
        Ok(n) if n == out.len() => Ok(()),
        _ => Err(CORRUPT),
    }
}
