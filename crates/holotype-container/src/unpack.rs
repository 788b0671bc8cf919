//! Bytes out of one Zstandard frame, one LZ4 block, or as they are. Spec §4, codecs 0 to 2.

use crate::Codec;
use crate::pack::ZSTD_STEP_BYTES;
use std::fmt;
use zstd::zstd_safe::{DCtx, DParameter, InBuffer, OutBuffer, ResetDirective, get_frame_content_size};

/// RFC 8878 §3.1.1.2: a block that holds anything has three bytes of header and one of content …
const MIN_ZSTD_BLOCK_BYTES: u64 = 4;
/// … and holds at most so many bytes.
const MAX_ZSTD_BLOCK_RAW_BYTES: u64 = 128 << 10;
/// An LZ4 sequence of this many bytes, or more, gives at most 255 times as many.
const MAX_LZ4_RATIO: u64 = 255;
/// Bytes of a frame that are read before it says how many more it needs: the most that its header has, and that of the
/// first of its inner blocks (RFC 8878 §3.1.1).
const ZSTD_HEADERS_BYTES: usize = 18 + 3;

/// Unpacks many payloads with one decompressor.
#[derive(Default)]
pub struct Unpacker {
    context: Option<DCtx<'static>>,
    /// For starts of frames; it decodes into the output, which is large enough for the whole frame.
    steps: Option<DCtx<'static>>,
}

impl fmt::Debug for Unpacker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Unpacker(..)")
    }
}

impl Unpacker {
    /// The raw bytes of a block of any codec for bytes, in `buffer` if that is large enough; `None` if it does not
    /// unpack to exactly `raw_bytes`, which the caller has checked against a limit.
    pub fn block(
        &mut self,
        codec: Codec,
        payload: &[u8],
        raw_bytes: u64,
        buffer: Vec<u8>,
    ) -> Option<Vec<u8>> {
        match codec {
            Codec::Raw if payload.len() as u64 == raw_bytes => {
                let mut raw = room(buffer, raw_bytes)?;
                raw.clear();
                raw.extend_from_slice(payload);
                Some(raw)
            }
            Codec::Zstd => self.frame(payload, raw_bytes, buffer),
            Codec::Lz4 if raw_bytes <= (payload.len() as u64).saturating_mul(MAX_LZ4_RATIO) => {
                let mut raw = room(buffer, raw_bytes)?;
                raw.resize(usize::try_from(raw_bytes).ok()?, 0);
                let n_bytes = lz4_flex::block::decompress_into(payload, &mut raw).ok()?;
                (n_bytes as u64 == raw_bytes).then_some(raw)
            }
            _ => None,
        }
    }

    /// [`Self::block`], of which the first `n_bytes` are needed: these and any number of those that follow them, where
    /// it takes less work to leave some out. What is left out is not decoded, so nothing is said of it.
    pub fn start_of_block(
        &mut self,
        codec: Codec,
        payload: &[u8],
        raw_bytes: u64,
        n_bytes: u64,
        buffer: Vec<u8>,
    ) -> Option<Vec<u8>> {
        let n_bytes = n_bytes.max(1).checked_next_multiple_of(ZSTD_STEP_BYTES as u64)?;
        if codec == Codec::Zstd && n_bytes < raw_bytes {
            self.start_of_frame(payload, raw_bytes, n_bytes, buffer)
        } else {
            self.block(codec, payload, raw_bytes, buffer)
        }
    }

    fn frame(&mut self, packed: &[u8], raw_bytes: u64, buffer: Vec<u8>) -> Option<Vec<u8>> {
        check_claim(packed, raw_bytes)?;
        let mut raw = room(buffer, raw_bytes)?;
        self.context()?.decompress(&mut raw, packed).ok()?;
        (raw.len() as u64 == raw_bytes).then_some(raw)
    }

    /// One inner block after the other, until there is enough.
    fn start_of_frame(
        &mut self,
        packed: &[u8],
        raw_bytes: u64,
        n_bytes: u64,
        buffer: Vec<u8>,
    ) -> Option<Vec<u8>> {
        check_claim(packed, raw_bytes)?;
        let n_bytes = usize::try_from(n_bytes).ok()?;
        if self.steps.is_none() {
            let mut steps = DCtx::try_create()?;
            steps.set_parameter(DParameter::StableOutBuffer(true)).ok()?;
            self.steps = Some(steps);
        }
        let context = self.steps.as_mut()?;
        context.reset(ResetDirective::SessionOnly).ok()?;
        let mut raw = room(buffer, raw_bytes)?;
        let mut out = OutBuffer::around(&mut raw);
        let (mut at, mut n_wanted) = (0_usize, ZSTD_HEADERS_BYTES);
        while out.pos() < n_bytes {
            let end = at.saturating_add(n_wanted).min(packed.len());
            let mut input = InBuffer::around(packed.get(at..end)?);
            let before = out.pos();
            n_wanted = context.decompress_stream(&mut out, &mut input).ok()?;
            if input.pos == 0 && out.pos() == before {
                return None;
            }
            at += input.pos;
        }
        Some(raw)
    }

    fn context(&mut self) -> Option<&mut DCtx<'static>> {
        if self.context.is_none() {
            self.context = DCtx::try_create();
        }
        self.context.as_mut()
    }
}

/// `buffer` if it holds `n_bytes`, else one that does.
fn room(buffer: Vec<u8>, n_bytes: u64) -> Option<Vec<u8>> {
    let n_bytes = usize::try_from(n_bytes).ok()?;
    Some(if buffer.capacity() < n_bytes { Vec::with_capacity(n_bytes) } else { buffer })
}

/// The frame's own claim is checked first: nothing is allocated for a frame that lies.
fn check_claim(packed: &[u8], raw_bytes: u64) -> Option<()> {
    let claimed = get_frame_content_size(packed).ok()??;
    let most = (packed.len() as u64 / MIN_ZSTD_BLOCK_BYTES).saturating_mul(MAX_ZSTD_BLOCK_RAW_BYTES);
    (claimed == raw_bytes && claimed <= most).then_some(())
}

/// Unpacks one Zstandard frame of exactly `raw_bytes` bytes, which the caller has checked against a limit.
#[must_use]
pub fn unpack(packed: &[u8], raw_bytes: u64) -> Option<Vec<u8>> {
    Unpacker::default().frame(packed, raw_bytes, Vec::new())
}

/// [`Unpacker::block`] of a single payload.
#[must_use]
pub fn unpack_block(codec: Codec, payload: &[u8], raw_bytes: u64) -> Option<Vec<u8>> {
    Unpacker::default().block(codec, payload, raw_bytes, Vec::new())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Compression, Packer, pack};

    #[test]
    fn the_start_of_a_block_is_what_the_whole_starts_with() {
        let mut state = 1_u32;
        let raw: Vec<u8> = (0..300_000)
            .map(|i| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                if i % 5 == 0 { (state >> 29) as u8 } else { (i / 700) as u8 }
            })
            .collect();
        let n = raw.len() as u64;
        let mut unpacker = Unpacker::default();
        for compression in [Compression::Zstd(4), Compression::Zstd(19), Compression::Lz4, Compression::Store]
        {
            let (codec, packed) = Packer::new(compression).pack(&raw);
            for n_bytes in [0, 1, 65_535, 65_536, 65_537, 131_072, 200_000, n - 1, n] {
                let found = unpacker
                    .start_of_block(codec, &packed, n, n_bytes, vec![9; 250_000 + n_bytes as usize])
                    .unwrap();
                assert!(
                    found.len() as u64 >= n_bytes && raw.starts_with(&found),
                    "{compression:?} {n_bytes}"
                );
                let less = n_bytes.max(1).next_multiple_of(65_536) < n && codec == Codec::Zstd;
                assert_eq!((found.len() as u64) < n, less, "{compression:?} {n_bytes}");
            }
            for buffer in [Vec::new(), vec![9; 10], vec![9; 400_000]] {
                assert_eq!(unpacker.block(codec, &packed, n, buffer).as_deref(), Some(raw.as_slice()));
            }
        }
    }

    #[test]
    fn the_start_of_a_broken_frame_is_no_start() {
        let raw: Vec<u8> = (0..300_000_u32).map(|i| (i.wrapping_mul(i) >> 9) as u8).collect();
        let (_, packed) = Packer::new(Compression::Zstd(3)).pack(&raw);
        let mut unpacker = Unpacker::default();
        for cut in [0, 3, 10, packed.len() / 8] {
            let found = unpacker.start_of_block(Codec::Zstd, &packed[..cut], 300_000, 200_000, Vec::new());
            assert_eq!(found, None, "{cut}");
        }
        assert_eq!(unpacker.start_of_block(Codec::Zstd, &packed, 300_001, 100, Vec::new()), None);
        let found = unpacker.start_of_block(Codec::Zstd, &packed, 300_000, 100, Vec::new());
        assert_eq!(found.as_deref(), raw.get(..ZSTD_STEP_BYTES));
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
}
