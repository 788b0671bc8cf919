use crate::{Error, cursor::Cursor};

/// First eight bytes of every archive: a non-ASCII byte, the name, and what text transfers break.
pub const MAGIC: [u8; 8] = [0x8b, b'H', b'O', b'L', b'O', b'\r', b'\n', 0x1a];
/// The format version this crate reads and writes.
pub const FORMAT_VERSION: u8 = 1;

/// Feature: every frame is encrypted. Spec §14.
const ENCRYPTED: u16 = 2;

/// The archive's first bytes. Spec §3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Header {
    /// Zero, or a random identity where encryption needs one.
    pub archive_id: [u8; 16],
    /// True if every frame is encrypted.
    pub is_encrypted: bool,
}

impl Header {
    /// Bytes on disk.
    pub const N_BYTES: usize = 32;

    /// The header as stored.
    #[must_use]
    pub fn encode(&self) -> [u8; Self::N_BYTES] {
        let Self { archive_id, is_encrypted } = self;
        let mut out = [0; Self::N_BYTES];
        out[..8].copy_from_slice(&MAGIC);
        out[8] = FORMAT_VERSION;
        let features = if *is_encrypted { ENCRYPTED } else { 0 };
        out[10..12].copy_from_slice(&features.to_le_bytes());
        out[12..28].copy_from_slice(archive_id);
        let crc = crc32fast::hash(&out[..28]);
        out[28..].copy_from_slice(&crc.to_le_bytes());
        out
    }

    /// Reads a header.
    ///
    /// # Errors
    /// `NotAnArchive`, `Truncated`, `Corrupt`, or `Unsupported` for another version or a required feature.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        if bytes.len() >= MAGIC.len() && !bytes.starts_with(&MAGIC) {
            return Err(Error::NotAnArchive { what: "the first bytes are not the magic number" });
        }
        let mut cursor = Cursor::new(bytes, "header");
        let covered = cursor.clone().take(28)?;
        cursor.take(MAGIC.len())?;
        let version = cursor.u8()?;
        let reserved = cursor.u8()?;
        let features = cursor.u16()?;
        let archive_id = cursor.array()?;
        if cursor.u32()? != crc32fast::hash(covered) {
            return Err(Error::Corrupt {
                what: "header",
                offset_bytes: 0,
                rule: "the checksum does not match",
            });
        }
        if version != FORMAT_VERSION {
            return Err(Error::Unsupported { what: "format version", id: u64::from(version) });
        }
        if reserved != 0 {
            return Err(Error::Unsupported { what: "header byte 9 of", id: u64::from(reserved) });
        }
        if features & !ENCRYPTED != 0 {
            return Err(Error::Unsupported { what: "header features", id: u64::from(features) });
        }
        Ok(Self { archive_id, is_encrypted: features & ENCRYPTED != 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_bytes() {
        let bytes = Header::default().encode();
        assert_eq!(bytes[..12], [0x8b, b'H', b'O', b'L', b'O', 13, 10, 26, 1, 0, 0, 0]);
        assert_eq!(Header::parse(&bytes), Ok(Header::default()));
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_refused() {
        let good = Header { archive_id: [7; 16], is_encrypted: true }.encode();
        for bit in 0..good.len() * 8 {
            let mut bad = good;
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(Header::parse(&bad).is_err(), "bit {bit}");
        }
        for n in 0..good.len() {
            assert!(Header::parse(&good[..n]).is_err(), "{n} bytes");
        }
    }
}
