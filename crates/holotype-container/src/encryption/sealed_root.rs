use super::EncryptionRecord;
use crate::cbor::{self, Map, Value};
use crate::page::{build_frame, open_frame};
use crate::{Error, FrameType, Limits};

mod key {
    pub(super) const ENCRYPTION: u64 = 65537;
    pub(super) const SEALED_ROOT: u64 = 65538;
    pub(super) const PAGES_HASH: u64 = 65539;
}

/// The root frame of an encrypted archive: what is needed to open it, and the sealed root frame. Spec §14.2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SealedRoot {
    pub(crate) record: EncryptionRecord,
    /// The sealed root frame.
    pub(crate) sealed: Vec<u8>,
    /// BLAKE3 of the page frames, so that they can be verified without a key.
    pub(crate) pages_hash: [u8; 32],
}

impl SealedRoot {
    /// The frame as stored.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let Self { record, sealed, pages_hash } = self;
        let map = Map::from([
            (key::ENCRYPTION, record.to_value()),
            (key::SEALED_ROOT, Value::Bytes(sealed.clone())),
            (key::PAGES_HASH, Value::Bytes(pages_hash.to_vec())),
        ]);
        let mut payload = Vec::new();
        cbor::encode_map(&map, &mut payload);
        build_frame(FrameType::Root, &payload)
    }

    /// Reads a root frame that the seal covers.
    pub(crate) fn parse(frame: &[u8], frames_end_bytes: u64, limits: &Limits) -> Result<Self, Error> {
        let corrupt = |rule| Error::Corrupt { what: "root record", offset_bytes: frames_end_bytes, rule };
        let payload = open_frame(frame, FrameType::Root, frames_end_bytes, limits.max_root_bytes, limits)?;
        let Value::Map(mut map) = cbor::decode(&payload, limits)? else {
            return Err(corrupt("the root is not a map"));
        };
        let record =
            map.remove(&key::ENCRYPTION).ok_or_else(|| corrupt("the encryption record is missing"))?;
        let record = EncryptionRecord::from_value(&record)?;
        let Some(Value::Bytes(sealed)) = map.remove(&key::SEALED_ROOT) else {
            return Err(corrupt("the sealed root is missing"));
        };
        let hash = map.remove(&key::PAGES_HASH);
        let pages_hash = hash.as_ref().and_then(|value| value.as_bytes()?.try_into().ok());
        let pages_hash = pages_hash.ok_or_else(|| corrupt("the hash of the pages is missing"))?;
        match map.first_key_value() {
            Some((&id, _)) => Err(Error::Unsupported { what: "root key", id }),
            None => Ok(Self { record, sealed, pages_hash }),
        }
    }
}
