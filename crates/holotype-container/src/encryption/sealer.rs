use super::DataKey;
use crate::{Error, FrameHeader, FrameType, Limits};
use aes_gcm::aead::consts::U12;
use aes_gcm::aead::{Aead as _, Payload};
use aes_gcm::{Aes256Gcm, KeyInit as _, Nonce};
use std::fmt;
use zeroize::Zeroize as _;

const FRAMES: &str = "holotype v1 frame key";
const ROOT_DOMAIN: &[u8] = b"holotype root v1\0";

/// Seals and opens the frames of one revision. Spec §14.3.
#[derive(Clone)]
pub struct Sealer {
    cipher: Aes256Gcm,
    archive_id: [u8; 16],
}

impl Sealer {
    /// Bytes a sealed payload is longer than the frame in it.
    pub const TAG_BYTES: usize = 16;

    pub(crate) fn new(key: &DataKey, archive_id: &[u8; 16], salt: &[u8; 32]) -> Self {
        let mut derived = key.derive(FRAMES, archive_id, salt);
        let cipher = Aes256Gcm::new(&derived.into());
        derived.zeroize();
        Self { cipher, archive_id: *archive_id }
    }

    /// The nonce of the frame of this type at this place: no two frames of a revision share both.
    fn nonce(frame_type: FrameType, offset_bytes: u64) -> [u8; 12] {
        let mut nonce = [0; 12];
        nonce[..4].copy_from_slice(&(frame_type as u32).to_le_bytes());
        nonce[4..].copy_from_slice(&offset_bytes.to_le_bytes());
        nonce
    }

    /// The frame that hides `inner`, a whole frame of the same type, at `offset_bytes`.
    pub(crate) fn seal_frame(&self, frame_type: FrameType, offset_bytes: u64, inner: &[u8]) -> Vec<u8> {
        let n_bytes = (inner.len() + Self::TAG_BYTES) as u64;
        let header = FrameHeader::sealed(frame_type, n_bytes);
        let nonce = Nonce::from(Self::nonce(frame_type, offset_bytes));
        [header.as_slice(), &self.encrypt(&nonce, inner, &header)].concat()
    }

    /// The frame that the frame read from `offset_bytes` hides.
    pub(crate) fn open_frame(
        &self,
        frame_type: FrameType,
        offset_bytes: u64,
        outer: &[u8],
        limits: &Limits,
    ) -> Result<Vec<u8>, Error> {
        let corrupt = |rule| Error::Corrupt { what: "sealed frame", offset_bytes, rule };
        let header = FrameHeader::parse_sealed(outer, offset_bytes, limits)?;
        let (aad, payload) = outer.split_at(FrameHeader::N_BYTES);
        if header.frame_type != frame_type || header.stored_bytes != payload.len() as u64 {
            return Err(corrupt("its header disagrees with its reference"));
        }
        let nonce = Nonce::from(Self::nonce(frame_type, offset_bytes));
        self.cipher
            .decrypt(&nonce, Payload { msg: payload, aad })
            .map_err(|_| corrupt("it does not decrypt: it is of another place, another archive, or forged"))
    }

    /// Seals the root frame. Not bound to its place: other key slots move it and leave it as it is.
    pub(crate) fn seal_root(&self, inner: &[u8]) -> Vec<u8> {
        let aad = [ROOT_DOMAIN, &self.archive_id].concat();
        self.encrypt(&Nonce::from(Self::nonce(FrameType::Root, 0)), inner, &aad)
    }

    fn encrypt(&self, nonce: &Nonce<U12>, msg: &[u8], aad: &[u8]) -> Vec<u8> {
        // The cipher ends at 64 GiB, sixteen times the longest block. What it refuses would be stored as nothing,
        // which every reader refuses.
        self.cipher.encrypt(nonce, Payload { msg, aad }).unwrap_or_default()
    }

    pub(crate) fn open_root(&self, sealed: &[u8]) -> Result<Vec<u8>, Error> {
        let aad = [ROOT_DOMAIN, &self.archive_id].concat();
        let nonce = Nonce::from(Self::nonce(FrameType::Root, 0));
        self.cipher.decrypt(&nonce, Payload { msg: sealed, aad: &aad }).map_err(|_| Error::Corrupt {
            what: "root record",
            offset_bytes: 0,
            rule: "it does not decrypt: it is of another archive, or forged",
        })
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn sealer(key: u8, id: u8, salt: u8) -> Sealer {
        Sealer::new(&DataKey::from_bytes([key; 32]), &[id; 16], &[salt; 32])
    }

    #[test]
    fn a_frame_opens_only_where_it_was_sealed() {
        let limits = Limits::default();
        let (a, inner) = (sealer(1, 2, 3), b"a whole frame");
        let outer = a.seal_frame(FrameType::Block, 4096, inner);
        assert_eq!(a.open_frame(FrameType::Block, 4096, &outer, &limits).unwrap(), inner);
        assert!(a.open_frame(FrameType::Block, 4097, &outer, &limits).is_err(), "another place");
        assert!(a.open_frame(FrameType::Page, 4096, &outer, &limits).is_err(), "another type");
        for other in [sealer(9, 2, 3), sealer(1, 9, 3), sealer(1, 2, 9)] {
            assert!(
                other.open_frame(FrameType::Block, 4096, &outer, &limits).is_err(),
                "another archive or revision"
            );
        }
        for bit in 0..outer.len() * 8 {
            let mut bad = outer.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(a.open_frame(FrameType::Block, 4096, &bad, &limits).is_err(), "bit {bit}");
        }
        for n in 0..outer.len() {
            assert!(a.open_frame(FrameType::Block, 4096, &outer[..n], &limits).is_err(), "{n} bytes");
        }
    }

    #[test]
    fn ten_million_frames_repeat_no_nonce() {
        // Frames as a writer lays them out: blocks of any size one after the other, then pages, then the root.
        let mut seen = HashSet::with_capacity(10_000_003);
        let mut offset = 32_u64;
        let mut state = 1_u64;
        for i in 0..10_000_000_u32 {
            let frame_type = if i < 9_990_000 { FrameType::Block } else { FrameType::Page };
            assert!(seen.insert(Sealer::nonce(frame_type, offset)), "frame {i}");
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            offset += 32 + Sealer::TAG_BYTES as u64 + (state >> 40);
        }
        assert!(seen.insert(Sealer::nonce(FrameType::Root, 0)));
    }

    #[test]
    fn archives_share_no_key() {
        // The nonces of two archives are the same; their keys are not, so neither are their sealed frames.
        let mut sealed = HashSet::new();
        for (key, id, salt) in [(1, 1, 1), (2, 1, 1), (1, 2, 1), (1, 1, 2)] {
            assert!(sealed.insert(sealer(key, id, salt).seal_frame(FrameType::Block, 32, &[0; 64])));
        }
    }
}
