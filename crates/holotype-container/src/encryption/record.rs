use super::{DataKey, KeySlot, Sealer};
use crate::cbor::Value;
use crate::{Error, Limits};

const AES_256_GCM: u64 = 1;
const COMMITMENT: &str = "holotype v1 key commitment";
const MAX_SLOTS: usize = 16;

/// The random bytes of an encrypted archive, made anew for every one that is written.
#[derive(Debug, Clone)]
pub struct EncryptionSeed {
    /// The archive's identity, in its header.
    pub archive_id: [u8; 16],
    /// The archive's key.
    pub key: DataKey,
    /// What makes the revision's key of it.
    pub salt: [u8; 32],
}

/// How an archive is encrypted and who can open it. Spec §14.2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncryptionRecord {
    salt: [u8; 32],
    commitment: [u8; 32],
    slots: Vec<KeySlot>,
}

impl EncryptionRecord {
    /// The record of an archive with these slots.
    ///
    /// # Errors
    /// `InvalidArgument` unless there are 1 to 16 slots.
    pub fn new(seed: &EncryptionSeed, slots: Vec<KeySlot>) -> Result<Self, Error> {
        if slots.is_empty() || slots.len() > MAX_SLOTS {
            return Err(Error::InvalidArgument { what: "an encrypted archive has 1 to 16 key slots" });
        }
        let EncryptionSeed { archive_id, key, salt } = seed;
        Ok(Self { salt: *salt, commitment: key.derive(COMMITMENT, archive_id, salt), slots })
    }

    /// Number of key slots.
    #[must_use]
    pub fn n_slots(&self) -> usize {
        self.slots.len()
    }

    /// The archive's key, if `password` opens a slot.
    ///
    /// # Errors
    /// `WrongKey` if it opens none; `LimitExceeded` if a slot asks for more than `limits` allow.
    pub fn unlock(&self, archive_id: &[u8; 16], password: &[u8], limits: &Limits) -> Result<DataKey, Error> {
        for slot in &self.slots {
            if let Some(key) = slot.open(archive_id, password, limits)? {
                // A wrapped key may be made to open under several passwords, but not to be several keys.
                if let Ok(key) = self.check_key(archive_id, &key) {
                    return Ok(key);
                }
            }
        }
        Err(Error::WrongKey)
    }

    /// The key, if it is this archive's.
    ///
    /// # Errors
    /// `WrongKey` if it is not.
    pub fn check_key(&self, archive_id: &[u8; 16], key: &DataKey) -> Result<DataKey, Error> {
        let commitment = blake3::Hash::from(key.derive(COMMITMENT, archive_id, &self.salt));
        // `blake3::Hash` compares in constant time.
        if commitment == blake3::Hash::from(self.commitment) { Ok(key.clone()) } else { Err(Error::WrongKey) }
    }

    /// What seals and opens this revision's frames.
    #[must_use]
    pub fn sealer(&self, archive_id: &[u8; 16], key: &DataKey) -> Sealer {
        Sealer::new(key, archive_id, &self.salt)
    }

    /// The record of the next revision of the same archive: the same slots, another salt.
    ///
    /// # Errors
    /// `WrongKey` if `key` is not the archive's.
    pub(crate) fn next(&self, archive_id: &[u8; 16], key: &DataKey, salt: [u8; 32]) -> Result<Self, Error> {
        let key = self.check_key(archive_id, key)?;
        let commitment = key.derive(COMMITMENT, archive_id, &salt);
        Ok(Self { salt, commitment, slots: self.slots.clone() })
    }

    /// What makes the revision's frame key.
    pub(crate) fn salt(&self) -> [u8; 32] {
        self.salt
    }

    /// The same archive, opened by other slots.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn with_slots(&self, slots: Vec<KeySlot>) -> Result<Self, Error> {
        if slots.is_empty() || slots.len() > MAX_SLOTS {
            return Err(Error::InvalidArgument { what: "an encrypted archive has 1 to 16 key slots" });
        }
        Ok(Self { slots, ..self.clone() })
    }

    pub(super) fn to_value(&self) -> Value {
        let Self { salt, commitment, slots } = self;
        Value::Array(vec![
            Value::Unsigned(AES_256_GCM),
            Value::Bytes(salt.to_vec()),
            Value::Bytes(commitment.to_vec()),
            Value::Array(slots.iter().map(KeySlot::to_value).collect()),
        ])
    }

    pub(super) fn from_value(value: &Value) -> Result<Self, Error> {
        let corrupt = || Error::Corrupt {
            what: "root record",
            offset_bytes: 0,
            rule: "the encryption record is malformed",
        };
        let fields = value.as_array().ok_or_else(corrupt)?;
        let algorithm = fields.first().and_then(Value::as_unsigned).ok_or_else(corrupt)?;
        if algorithm != AES_256_GCM {
            return Err(Error::Unsupported { what: "encryption algorithm", id: algorithm });
        }
        let [_, salt, commitment, Value::Array(slots)] = fields else { return Err(corrupt()) };
        if slots.is_empty() || slots.len() > MAX_SLOTS {
            return Err(corrupt());
        }
        let array = |value: &Value| value.as_bytes()?.try_into().ok();
        Ok(Self {
            salt: array(salt).ok_or_else(corrupt)?,
            commitment: array(commitment).ok_or_else(corrupt)?,
            slots: slots.iter().map(KeySlot::from_value).collect::<Result<_, _>>()?,
        })
    }
}
