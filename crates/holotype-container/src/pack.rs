//! Bytes as one Zstandard frame, or as they are. Spec §4, codecs 0 and 1.

use crate::Codec;
use std::borrow::Cow;
use std::fmt;

/// Zstandard level of packed bytes: dense enough, and quick for a million items.
const ZSTD_LEVEL: i32 = 6;

/// RFC 8878 §3.1.1.2: a block that holds anything has three bytes of header and one of content …
const MIN_ZSTD_BLOCK_BYTES: u64 = 4;
/// … and holds at most so many bytes.
const MAX_ZSTD_BLOCK_RAW_BYTES: u64 = 128 << 10;

/// Packs many small payloads with one compressor, whose tables cost more than such a payload.
#[derive(Default)]
pub struct Packer(Option<zstd::bulk::Compressor<'static>>);

impl Packer {
    /// `raw` as one Zstandard frame if that is smaller, else as it is. Same bytes, same result.
    pub fn pack<'a>(&mut self, raw: &'a [u8]) -> (Codec, Cow<'a, [u8]>) {
        if self.0.is_none() {
            self.0 = zstd::bulk::Compressor::new(ZSTD_LEVEL).ok();
        }
        match self.0.as_mut().map(|compressor| compressor.compress(raw)) {
            Some(Ok(packed)) if packed.len() < raw.len() => (Codec::Zstd, Cow::Owned(packed)),
            _ => (Codec::Raw, Cow::Borrowed(raw)),
        }
    }
}

impl fmt::Debug for Packer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Packer(..)")
    }
}

/// [`Packer::pack`] of a single payload.
#[must_use]
pub fn pack(raw: &[u8]) -> (Codec, Cow<'_, [u8]>) {
    Packer::default().pack(raw)
}

/// Unpacks one Zstandard frame of exactly `raw_bytes` bytes, which the caller has checked against a limit.
#[must_use]
pub fn unpack(packed: &[u8], raw_bytes: u64) -> Option<Vec<u8>> {
    // The frame's own claim is checked first: nothing is allocated for a frame that lies.
    let claimed = zstd::zstd_safe::get_frame_content_size(packed).ok()??;
    let most = (packed.len() as u64 / MIN_ZSTD_BLOCK_BYTES).saturating_mul(MAX_ZSTD_BLOCK_RAW_BYTES);
    if claimed != raw_bytes || claimed > most {
        return None;
    }
    zstd::bulk::decompress(packed, usize::try_from(raw_bytes).ok()?)
        .ok()
        .filter(|raw| raw.len() as u64 == raw_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_that_cannot_hold_what_it_claims_is_refused() {
        let raw = vec![7; 9_000_000];
        let (codec, packed) = pack(&raw);
        assert_eq!((codec, unpack(&packed, 9_000_000)), (Codec::Zstd, Some(raw)));
        // Magic, a single segment with 8 bytes of content size, the size, an empty last block.
        for claimed in [1_u64 << 32, 1 << 60, u64::MAX - 3] {
            let mut forged = vec![0x28, 0xb5, 0x2f, 0xfd, 0xe0];
            forged.extend_from_slice(&claimed.to_le_bytes());
            forged.extend_from_slice(&[1, 0, 0]);
            assert_eq!(unpack(&forged, claimed), None);
        }
    }

    #[test]
    fn a_packer_used_again_gives_the_same_bytes() {
        let mut packer = Packer::default();
        for n in [0, 1, 100, 70_000, 3, 2000] {
            let raw: Vec<u8> = (0..n).map(|i| (i / 9) as u8).collect();
            let (codec, packed) = packer.pack(&raw);
            assert_eq!((codec, packed.clone()), pack(&raw));
            match codec {
                Codec::Zstd => assert_eq!(unpack(&packed, n), Some(raw)),
                _ => assert_eq!(packed, raw),
            }
        }
    }
}
