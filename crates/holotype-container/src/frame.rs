use crate::{Error, Limits, cursor::Cursor, error::check_limit};

/// What a frame holds. Wire values; append only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u8)]
pub enum FrameType {
    /// A block: the unit of compression and verification.
    Block = 1,
    /// A page of a manifest table.
    Page = 2,
    /// The root record.
    Root = 3,
}

/// How a frame's payload is coded. Wire values; append only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u8)]
pub enum Codec {
    /// As it is.
    Raw = 0,
    /// One Zstandard frame.
    Zstd = 1,
    /// One LZ4 block.
    Lz4 = 2,
    /// A tile of the image codec (`docs/codecs.md`).
    ImageTile = 3,
    /// A slice of a tensor (`docs/codecs/tensor.md`).
    TensorSlice = 4,
}

impl Codec {
    /// Inverse of `self as u8`.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Raw),
            1 => Some(Self::Zstd),
            2 => Some(Self::Lz4),
            3 => Some(Self::ImageTile),
            4 => Some(Self::TensorSlice),
            _ => None,
        }
    }
}

/// First bytes of every frame: what salvage scans for.
pub const FRAME_SYNC: [u8; 4] = [0xf7, b'H', b'F', 0x9e];

/// The flag of a frame whose payload is another frame, encrypted. Spec §14.3.
const SEALED: u8 = 1;

/// The header before every payload. Spec §4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameHeader {
    /// What the payload is.
    pub frame_type: FrameType,
    /// How it is coded.
    pub codec: Codec,
    /// Payload bytes on disk.
    pub stored_bytes: u64,
    /// Payload bytes before coding.
    pub raw_bytes: u64,
    /// Ordinal of the item it belongs to, for salvage; 0 for manifest frames.
    pub item_hint: u32,
}

impl FrameHeader {
    /// Bytes on disk.
    pub const N_BYTES: usize = 32;

    /// The header as stored.
    #[must_use]
    pub fn encode(&self) -> [u8; Self::N_BYTES] {
        self.encode_with_flags(0)
    }

    /// The header of a frame whose payload of `n_bytes` is another frame, encrypted: it tells nothing of that.
    pub(crate) fn sealed(frame_type: FrameType, n_bytes: u64) -> [u8; Self::N_BYTES] {
        let header =
            Self { frame_type, codec: Codec::Raw, stored_bytes: n_bytes, raw_bytes: n_bytes, item_hint: 0 };
        header.encode_with_flags(SEALED)
    }

    fn encode_with_flags(&self, flags: u8) -> [u8; Self::N_BYTES] {
        let Self { frame_type, codec, stored_bytes, raw_bytes, item_hint } = *self;
        let mut out = [0; Self::N_BYTES];
        out[..4].copy_from_slice(&FRAME_SYNC);
        out[4] = frame_type as u8;
        out[5] = flags;
        out[6] = codec as u8;
        out[8..16].copy_from_slice(&stored_bytes.to_le_bytes());
        out[16..24].copy_from_slice(&raw_bytes.to_le_bytes());
        out[24..28].copy_from_slice(&item_hint.to_le_bytes());
        let crc = crc32fast::hash(&out[..28]);
        out[28..].copy_from_slice(&crc.to_le_bytes());
        out
    }

    /// Reads a frame header; `offset_bytes` is where it lies, for messages.
    ///
    /// # Errors
    /// `Truncated`, `Corrupt`, `Unsupported`, `LimitExceeded`.
    pub fn parse(bytes: &[u8], offset_bytes: u64, limits: &Limits) -> Result<Self, Error> {
        match Self::parse_with_flags(bytes, offset_bytes, limits)? {
            (header, 0) => Ok(header),
            (_, flags) => Err(Error::Unsupported { what: "frame flags", id: u64::from(flags) }),
        }
    }

    /// Reads the header of a frame whose payload is encrypted.
    ///
    /// # Errors
    /// As [`Self::parse`]; `Corrupt` if it is not.
    pub fn parse_sealed(bytes: &[u8], offset_bytes: u64, limits: &Limits) -> Result<Self, Error> {
        match Self::parse_with_flags(bytes, offset_bytes, limits)? {
            (header, SEALED) if header.codec == Codec::Raw && header.item_hint == 0 => Ok(header),
            _ => {
                let rule = "a frame of an encrypted archive is not encrypted";
                Err(Error::Corrupt { what: "frame header", offset_bytes, rule })
            }
        }
    }

    fn parse_with_flags(bytes: &[u8], offset_bytes: u64, limits: &Limits) -> Result<(Self, u8), Error> {
        const WHAT: &str = "frame header";
        let corrupt = |rule| Error::Corrupt { what: WHAT, offset_bytes, rule };
        let mut cursor = Cursor::new(bytes, WHAT);
        let covered = cursor.clone().take(28)?;
        if cursor.array::<4>()? != FRAME_SYNC {
            return Err(corrupt("the sync word is missing"));
        }
        let (frame_type, flags, codec, reserved) = (cursor.u8()?, cursor.u8()?, cursor.u8()?, cursor.u8()?);
        let (stored_bytes, raw_bytes, item_hint) = (cursor.u64()?, cursor.u64()?, cursor.u32()?);
        if cursor.u32()? != crc32fast::hash(covered) {
            return Err(corrupt("the checksum does not match"));
        }
        let frame_type = match frame_type {
            1 => FrameType::Block,
            2 => FrameType::Page,
            3 => FrameType::Root,
            other => return Err(Error::Unsupported { what: "frame type", id: u64::from(other) }),
        };
        let codec = Codec::from_code(codec)
            .ok_or(Error::Unsupported { what: "block codec", id: u64::from(codec) })?;
        if flags & !SEALED != 0 || reserved != 0 {
            return Err(Error::Unsupported { what: "frame flags", id: u64::from(flags | reserved) });
        }
        check_limit("the stored size of a block", stored_bytes, limits.max_block_bytes)?;
        check_limit("the raw size of a block", raw_bytes, limits.max_block_bytes)?;
        if codec == Codec::Raw && stored_bytes != raw_bytes {
            return Err(corrupt("an uncoded payload has two sizes"));
        }
        Ok((Self { frame_type, codec, stored_bytes, raw_bytes, item_hint }, flags))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_and_every_flipped_bit_is_refused() {
        let header = FrameHeader {
            frame_type: FrameType::Block,
            codec: Codec::ImageTile,
            stored_bytes: 1000,
            raw_bytes: 3000,
            item_hint: 7,
        };
        let good = header.encode();
        let limits = Limits::default();
        assert_eq!(FrameHeader::parse(&good, 0, &limits), Ok(header));
        for bit in 0..good.len() * 8 {
            let mut bad = good;
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(FrameHeader::parse(&bad, 0, &limits).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn forged_sizes_are_limited() {
        let header = FrameHeader {
            frame_type: FrameType::Block,
            codec: Codec::Zstd,
            stored_bytes: 10,
            raw_bytes: 1 << 60,
            item_hint: 0,
        };
        let error = FrameHeader::parse(&header.encode(), 0, &Limits::default()).unwrap_err();
        assert!(matches!(error, Error::LimitExceeded { .. }));
    }
}
