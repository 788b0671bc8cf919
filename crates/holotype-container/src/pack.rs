//! Bytes as one Zstandard frame, as one LZ4 block, or as they are. Spec §4, codecs 0 to 2.

use crate::{Codec, Error};
use std::borrow::Cow;
use std::fmt;

/// Zstandard level of packed bytes: dense enough, and quick for a million items.
const ZSTD_LEVEL: i32 = 6;

/// RFC 8878 §3.1.1.2: a block that holds anything has three bytes of header and one of content …
const MIN_ZSTD_BLOCK_BYTES: u64 = 4;
/// … and holds at most so many bytes.
const MAX_ZSTD_BLOCK_RAW_BYTES: u64 = 128 << 10;

/// How bytes are made smaller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Compression {
    /// Not at all.
    Store,
    /// LZ4: quick to write, quickest to read.
    Lz4,
    /// Zstandard at a level from 1 to 22.
    Zstd(i32),
}

impl Default for Compression {
    fn default() -> Self {
        Self::Zstd(ZSTD_LEVEL)
    }
}

impl std::str::FromStr for Compression {
    type Err = Error;

    /// `store`, `lz4`, `zstd` (level 3) or `zstd:LEVEL`.
    fn from_str(text: &str) -> Result<Self, Error> {
        let what = "a compression is `store`, `lz4`, `zstd` or `zstd:LEVEL` with a level from 1 to 22";
        match text.split_once(':') {
            None if text == "store" => Ok(Self::Store),
            None if text == "lz4" => Ok(Self::Lz4),
            None if text == "zstd" => Ok(Self::Zstd(3)),
            Some(("zstd", level)) => match level.parse() {
                Ok(level @ 1..=22) => Ok(Self::Zstd(level)),
                _ => Err(Error::InvalidArgument { what }),
            },
            _ => Err(Error::InvalidArgument { what }),
        }
    }
}

/// From this level on a quick look tells whether a slow one is worth it.
const MIN_SLOW_LEVEL: i32 = 7;
/// A block that a coder makes smaller by less than 1/64 is stored as it is: nothing is left to decode.
const MIN_GAIN_LOG2: u32 = 6;
/// An LZ4 sequence of this many bytes, or more, gives at most 255 times as many.
const MAX_LZ4_RATIO: u64 = 255;

/// Packs many small payloads with one compressor, whose tables cost more than such a payload.
#[derive(Default)]
pub struct Packer {
    compression: Compression,
    compressor: Option<zstd::bulk::Compressor<'static>>,
    probe: Option<zstd::bulk::Compressor<'static>>,
}

impl Packer {
    /// A packer of another compression than the default, Zstandard level 6.
    #[must_use]
    pub fn new(compression: Compression) -> Self {
        Self { compression, ..Self::default() }
    }

    /// `raw` coded if that is smaller, else as it is. Same bytes, same result.
    pub fn pack<'a>(&mut self, raw: &'a [u8]) -> (Codec, Cow<'a, [u8]>) {
        self.pack_below(raw, raw.len())
    }

    /// [`Self::pack`] of a large block: coded only if that saves 1/64 of it.
    pub fn pack_large<'a>(&mut self, raw: &'a [u8]) -> (Codec, Cow<'a, [u8]>) {
        let most = raw.len() - (raw.len() >> MIN_GAIN_LOG2);
        if let Compression::Zstd(MIN_SLOW_LEVEL..) = self.compression {
            match zstd_frame(&mut self.probe, 1, raw) {
                Some(packed) if packed.len() < most => {}
                _ => return (Codec::Raw, Cow::Borrowed(raw)),
            }
        }
        self.pack_below(raw, most)
    }

    fn pack_below<'a>(&mut self, raw: &'a [u8], limit: usize) -> (Codec, Cow<'a, [u8]>) {
        let (codec, packed) = match self.compression {
            Compression::Store => (Codec::Raw, None),
            Compression::Lz4 => (Codec::Lz4, Some(lz4_flex::block::compress(raw))),
            Compression::Zstd(level) => (Codec::Zstd, zstd_frame(&mut self.compressor, level, raw)),
        };
        match packed {
            Some(packed) if packed.len() < limit => (codec, Cow::Owned(packed)),
            _ => (Codec::Raw, Cow::Borrowed(raw)),
        }
    }
}

fn zstd_frame(
    compressor: &mut Option<zstd::bulk::Compressor<'static>>,
    level: i32,
    raw: &[u8],
) -> Option<Vec<u8>> {
    if compressor.is_none() {
        *compressor = zstd::bulk::Compressor::new(level).ok();
    }
    compressor.as_mut()?.compress(raw).ok()
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

/// The raw bytes of a block of any codec for bytes; `None` if it does not unpack to exactly `raw_bytes`, which the
/// caller has checked against a limit.
#[must_use]
pub fn unpack_block(codec: Codec, payload: &[u8], raw_bytes: u64) -> Option<Vec<u8>> {
    match codec {
        Codec::Raw => (payload.len() as u64 == raw_bytes).then(|| payload.to_vec()),
        Codec::Zstd => unpack(payload, raw_bytes),
        Codec::Lz4 if raw_bytes <= (payload.len() as u64).saturating_mul(MAX_LZ4_RATIO) => {
            let raw = lz4_flex::block::decompress(payload, usize::try_from(raw_bytes).ok()?).ok()?;
            (raw.len() as u64 == raw_bytes).then_some(raw)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_compression_round_trips_and_noise_is_stored() {
        let text: Vec<u8> = (0..100_000_u32).flat_map(|i| (i / 7).to_le_bytes()).collect();
        let mut state = 1_u64;
        let noise: Vec<u8> = (0..100_000)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 56) as u8
            })
            .collect();
        for (compression, codec) in [
            (Compression::Store, Codec::Raw),
            (Compression::Lz4, Codec::Lz4),
            (Compression::Zstd(3), Codec::Zstd),
            (Compression::Zstd(19), Codec::Zstd),
        ] {
            let mut packer = Packer::new(compression);
            for (raw, codec) in [(&text, codec), (&noise, Codec::Raw), (&Vec::new(), Codec::Raw)] {
                let (found, packed) = packer.pack_large(raw);
                assert_eq!((found, packed.len() <= raw.len()), (codec, true), "{compression:?}");
                let n = raw.len() as u64;
                assert_eq!(unpack_block(found, &packed, n).as_ref(), Some(raw));
                assert_eq!(unpack_block(found, &packed, n + 1), None);
                assert!(n == 0 || unpack_block(found, &packed, n - 1).is_none());
            }
        }
    }

    #[test]
    fn compressions_have_names() {
        assert_eq!("zstd:19".parse(), Ok(Compression::Zstd(19)));
        assert_eq!("zstd".parse(), Ok(Compression::Zstd(3)));
        assert_eq!("lz4".parse(), Ok(Compression::Lz4));
        assert_eq!("store".parse(), Ok(Compression::Store));
        for bad in ["zstd:0", "zstd:23", "zstd:x", "lz4:1", "gzip", ""] {
            assert!(bad.parse::<Compression>().is_err());
        }
    }

    #[test]
    fn lz4_that_cannot_hold_what_it_claims_is_refused() {
        assert_eq!(unpack_block(Codec::Lz4, &[0x1f, 0, 1, 0, 255], 1 << 40), None);
        assert_eq!(unpack_block(Codec::Lz4, &[], 0), None);
        assert_eq!(unpack_block(Codec::ImageTile, &[0], 1), None);
    }

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
