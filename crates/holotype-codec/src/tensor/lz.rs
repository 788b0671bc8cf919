//! Bytes as one Zstandard frame. `docs/codecs/tensor.md` §5.

use crate::CodecError;
use zstd::zstd_safe::CParameter;

/// Level of a quick look.
pub(super) const QUICK: i32 = 3;
/// Level that takes three times as long as that, where nothing comes again.
pub(super) const MIDDLE: i32 = 12;
/// Level of what is worth its time.
pub(super) const DENSE: i32 = 22;
/// What [`DENSE`] does less than the level would: copies it looks at, as a power of two, and the length of one that is taken at
/// once. More makes nothing smaller, and takes long where much comes again.
const SEARCH_LOG2: u32 = 6;
const TARGET_BYTES: u32 = 512;

/// `bytes` as a frame that states its content size.
pub(super) fn encode(bytes: &[u8], level: i32) -> Option<Vec<u8>> {
    let mut compressor = zstd::bulk::Compressor::new(level).ok()?;
    if level == DENSE {
        compressor.set_parameter(CParameter::SearchLog(SEARCH_LOG2)).ok()?;
        compressor.set_parameter(CParameter::TargetLength(TARGET_BYTES)).ok()?;
    }
    compressor.compress(bytes).ok()
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
