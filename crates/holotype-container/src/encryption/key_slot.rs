use super::DataKey;
use crate::cbor::Value;
use crate::{Error, Limits};
use aes_gcm::aead::{Aead as _, Payload};
use aes_gcm::{Aes256Gcm, KeyInit as _, Nonce};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use zeroize::Zeroize as _;

const DOMAIN: &[u8] = b"holotype key slot v1\0";
const PASSWORD: u64 = 1;

/// What deriving a key from a password costs: Argon2id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KdfCost {
    /// Memory in KiB, at least 8 a lane.
    pub memory_kib: u32,
    /// Passes over it.
    pub n_passes: u32,
    /// Lanes.
    pub n_lanes: u32,
}

impl Default for KdfCost {
    /// 64 MiB, 3 passes, 4 lanes: the second choice of RFC 9106.
    fn default() -> Self {
        Self { memory_kib: 64 << 10, n_passes: 3, n_lanes: 4 }
    }
}

/// The archive's key, wrapped by a password. Spec §14.2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySlot {
    cost: KdfCost,
    salt: [u8; 16],
    wrapped: [u8; 48],
}

impl KeySlot {
    /// Wraps `key` by `password`; `salt` is 16 random bytes, used once.
    ///
    /// # Errors
    /// `InvalidArgument` for a cost that Argon2 does not have; `LimitExceeded` if there is no memory for it.
    pub fn wrap(
        key: &DataKey,
        archive_id: &[u8; 16],
        password: &[u8],
        cost: KdfCost,
        salt: [u8; 16],
    ) -> Result<Self, Error> {
        let slot = Self { cost, salt, wrapped: [0; 48] };
        let cipher = slot.cipher(password)?;
        let payload = Payload { msg: key.as_bytes(), aad: &slot.associated_data(archive_id) };
        // The wrapping key is used once, its salt being new: any nonce will do.
        let sealed = cipher.encrypt(&Nonce::default(), payload).ok();
        let wrapped = sealed.and_then(|bytes| bytes.try_into().ok());
        Ok(Self {
            wrapped: wrapped.ok_or(Error::InvalidArgument { what: "the key cannot be wrapped" })?,
            ..slot
        })
    }

    /// The key, if `password` opens the slot.
    pub(super) fn open(
        &self,
        archive_id: &[u8; 16],
        password: &[u8],
        limits: &Limits,
    ) -> Result<Option<DataKey>, Error> {
        crate::error::check_limit(
            "the memory that a password costs, in KiB,",
            u64::from(self.cost.memory_kib),
            limits.max_kdf_memory_kib,
        )?;
        crate::error::check_limit(
            "the number of passes that a password costs",
            u64::from(self.cost.n_passes),
            limits.max_kdf_passes,
        )?;
        let cipher = self.cipher(password)?;
        let payload = Payload { msg: &self.wrapped, aad: &self.associated_data(archive_id) };
        let Ok(mut opened) = cipher.decrypt(&Nonce::default(), payload) else { return Ok(None) };
        let key = opened.as_slice().try_into().ok().map(DataKey::from_bytes);
        opened.zeroize();
        Ok(key)
    }

    fn cipher(&self, password: &[u8]) -> Result<Aes256Gcm, Error> {
        let KdfCost { memory_kib, n_passes, n_lanes } = self.cost;
        let params = Params::new(memory_kib, n_passes, n_lanes, Some(32)).map_err(|_| {
            Error::InvalidArgument { what: "a cost of passwords that Argon2id does not have" }
        })?;
        let n_blocks = params.block_count();
        let mut memory: Vec<Block> = Vec::new();
        if memory.try_reserve_exact(n_blocks).is_err() {
            return Err(Error::LimitExceeded {
                what: "the memory that a password costs, in KiB,",
                found: u64::from(memory_kib),
                limit: 0,
            });
        }
        memory.resize(n_blocks, Block::default());
        let mut key = [0; 32];
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into_with_memory(password, &self.salt, &mut key, &mut memory)
            .map_err(|_| Error::InvalidArgument { what: "a password that Argon2id does not take" })?;
        let cipher = Aes256Gcm::new(&key.into());
        key.zeroize();
        Ok(cipher)
    }

    /// Everything of the slot but the wrapped key: a cheaper cost would be another slot.
    fn associated_data(&self, archive_id: &[u8; 16]) -> Vec<u8> {
        let KdfCost { memory_kib, n_passes, n_lanes } = self.cost;
        let mut out = [DOMAIN, archive_id.as_slice()].concat();
        for n in [PASSWORD as u32, memory_kib, n_passes, n_lanes] {
            out.extend_from_slice(&n.to_le_bytes());
        }
        out.extend_from_slice(&self.salt);
        out
    }

    pub(super) fn to_value(&self) -> Value {
        let Self { cost: KdfCost { memory_kib, n_passes, n_lanes }, salt, wrapped } = self;
        let number = |n: u32| Value::Unsigned(u64::from(n));
        Value::Array(vec![
            Value::Unsigned(PASSWORD),
            number(*memory_kib),
            number(*n_passes),
            number(*n_lanes),
            Value::Bytes(salt.to_vec()),
            Value::Bytes(wrapped.to_vec()),
        ])
    }

    pub(super) fn from_value(value: &Value) -> Result<Self, Error> {
        let corrupt =
            || Error::Corrupt { what: "root record", offset_bytes: 0, rule: "a key slot is malformed" };
        let fields = value.as_array().ok_or_else(corrupt)?;
        let kind = fields.first().and_then(Value::as_unsigned).ok_or_else(corrupt)?;
        if kind != PASSWORD {
            return Err(Error::Unsupported { what: "kind of key slot", id: kind });
        }
        let [_, memory_kib, n_passes, n_lanes, salt, wrapped] = fields else { return Err(corrupt()) };
        let number = |value: &Value| value.as_unsigned().and_then(|n| u32::try_from(n).ok());
        let slot = || {
            let cost = KdfCost {
                memory_kib: number(memory_kib)?,
                n_passes: number(n_passes)?,
                n_lanes: number(n_lanes)?,
            };
            let (salt, wrapped) = (salt.as_bytes()?.try_into().ok()?, wrapped.as_bytes()?.try_into().ok()?);
            let is_possible =
                cost.n_passes >= 1 && (1..=64).contains(&cost.n_lanes) && cost.memory_kib >= 8 * cost.n_lanes;
            is_possible.then_some(Self { cost, salt, wrapped })
        };
        slot().ok_or_else(corrupt)
    }
}
