//! Bytes as one Zstandard frame, as one LZ4 block, or as they are. Spec §4, codecs 0 to 2.

use crate::{Codec, Error};
use std::borrow::Cow;
use std::fmt;
use zstd::zstd_safe::zstd_sys::ZSTD_EndDirective;
use zstd::zstd_safe::{CCtx, CParameter, InBuffer, OutBuffer, ResetDirective, compress_bound};

/// Zstandard level of packed bytes: dense enough, and quick for a million items.
const ZSTD_LEVEL: i32 = 6;

/// A frame ends one of its inner blocks after every so many raw bytes: their tables then fit what they code, which makes
/// it a little smaller, and a reader that wants the start of a frame decodes no more than these.
pub(crate) const ZSTD_STEP_BYTES: usize = 64 << 10;

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

/// What ending an inner block early can cost, the end of the frame included.
const STEP_OVERHEAD_BYTES: usize = 32;

/// From this level on a quick look tells whether a slow one is worth it.
const MIN_SLOW_LEVEL: i32 = 7;
/// A block that a coder makes smaller by less than 1/64 is stored as it is: nothing is left to decode.
const MIN_GAIN_LOG2: u32 = 6;
/// Packs many small payloads with one compressor, whose tables cost more than such a payload.
#[derive(Default)]
pub struct Packer {
    compression: Compression,
    compressor: Option<CCtx<'static>>,
    probe: Option<CCtx<'static>>,
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

fn zstd_frame(compressor: &mut Option<CCtx<'static>>, level: i32, raw: &[u8]) -> Option<Vec<u8>> {
    let context = match compressor {
        Some(context) => context,
        None => {
            let mut context = CCtx::try_create()?;
            context.set_parameter(CParameter::CompressionLevel(level)).ok()?;
            compressor.insert(context)
        }
    };
    let n_steps = raw.len() / ZSTD_STEP_BYTES + 1;
    let mut packed = Vec::with_capacity(compress_bound(raw.len()) + n_steps * STEP_OVERHEAD_BYTES);
    if raw.len() <= ZSTD_STEP_BYTES {
        return context.compress2(&mut packed, raw).ok().map(|_| packed);
    }
    context.reset(ResetDirective::SessionOnly).ok()?;
    context.set_pledged_src_size(Some(raw.len() as u64)).ok()?;
    let mut out = OutBuffer::around(&mut packed);
    let (mut rest, mut is_last) = (raw, false);
    while !is_last {
        let (step, after) = rest.split_at(rest.len().min(ZSTD_STEP_BYTES));
        rest = after;
        is_last = rest.is_empty();
        let end = if is_last { ZSTD_EndDirective::ZSTD_e_end } else { ZSTD_EndDirective::ZSTD_e_flush };
        let mut input = InBuffer::around(step);
        // The output is large enough for all of it, so a step that is not done makes progress the next time.
        while context.compress_stream2(&mut out, &mut input, end).ok()? > 0 {
            if out.pos() == out.capacity() {
                return None;
            }
        }
    }
    Some(packed)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{unpack, unpack_block};

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
