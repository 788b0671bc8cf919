use crate::cbor::{self, Map, Value};
use crate::{Error, Limits, PublicKey, SecretKey};
use std::collections::BTreeMap;

/// First eight bytes of every signature file.
pub const SIGNATURE_MAGIC: [u8; 8] = [0x8b, b'H', b'S', b'I', b'G', b'\r', b'\n', 0x1a];
/// What a signed message starts with, so that no other signature can be taken for one.
const DOMAIN: &[u8] = b"holotype signature v1\0";
const ED25519: u64 = 1;
const MAX_SIGNATURES: usize = 64;

mod key {
    pub(super) const SEAL: u64 = 0;
    pub(super) const SIGNATURES: u64 = 1;
}

/// The signatures of one archive, kept beside it: who vouches for its seal. Spec §12.
///
/// ```
/// use holotype_container::{SecretKey, SignatureFile};
/// let (key, seal) = (SecretKey::from_seed(&[7; 32]), [1; 32]);
/// let mut file = SignatureFile::new(seal);
/// file.sign(&key)?;
/// let read = SignatureFile::parse(&file.encode())?;
/// assert_eq!(read.check(&seal, &[key.public_key()])?, [key.public_key()]);
/// assert!(read.check(&[2; 32], &[]).is_err());
/// # Ok::<(), holotype_container::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureFile {
    seal: [u8; 32],
    by_key: BTreeMap<PublicKey, [u8; 64]>,
}

impl SignatureFile {
    /// No signatures yet of the archive with this seal.
    #[must_use]
    pub fn new(seal: [u8; 32]) -> Self {
        Self { seal, by_key: BTreeMap::new() }
    }

    /// The seal that was signed.
    #[must_use]
    pub fn seal(&self) -> &[u8; 32] {
        &self.seal
    }

    /// Adds a signature, or replaces the same key's.
    ///
    /// # Errors
    /// `LimitExceeded` beyond 64 signers.
    pub fn sign(&mut self, key: &SecretKey) -> Result<(), Error> {
        let public = key.public_key();
        if !self.by_key.contains_key(&public) && self.by_key.len() >= MAX_SIGNATURES {
            return Err(too_many(self.by_key.len() + 1));
        }
        self.by_key.insert(public, key.sign(&message(&self.seal)));
        Ok(())
    }

    /// The file's bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let Self { seal, by_key } = self;
        let entry = |(public, signature): (&PublicKey, &[u8; 64])| {
            Value::Array(vec![
                Value::Unsigned(ED25519),
                Value::Bytes(public.as_bytes().to_vec()),
                Value::Bytes(signature.to_vec()),
            ])
        };
        let map = Map::from([
            (key::SEAL, Value::Bytes(seal.to_vec())),
            (key::SIGNATURES, Value::Array(by_key.iter().map(entry).collect())),
        ]);
        let mut out = SIGNATURE_MAGIC.to_vec();
        cbor::encode_map(&map, &mut out);
        out
    }

    /// Reads a signature file. The signatures are not yet checked.
    ///
    /// # Errors
    /// `Signature` for anything but the one encoding; `Unsupported` for an unknown key or algorithm;
    /// `LimitExceeded`.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let bad = |rule| Error::Signature { rule };
        let cbor = bytes
            .strip_prefix(&SIGNATURE_MAGIC)
            .ok_or_else(|| bad("the signature file does not start with its magic number"))?;
        let limits = Limits { max_cbor_depth: 4, ..Limits::default() };
        let value = cbor::decode(cbor, &limits).map_err(|_| bad("the signature file is malformed"))?;
        let Value::Map(mut map) = value else { return Err(bad("the signature file holds no map")) };
        let seal = map.remove(&key::SEAL).and_then(|v| array(&v));
        let seal = seal.ok_or_else(|| bad("the signature file names no seal"))?;
        let Some(Value::Array(entries)) = map.remove(&key::SIGNATURES) else {
            return Err(bad("the signature file holds no list of signatures"));
        };
        if let Some((&id, _)) = map.first_key_value() {
            return Err(Error::Unsupported { what: "signature file key", id });
        }
        if entries.len() > MAX_SIGNATURES {
            return Err(too_many(entries.len()));
        }
        let mut file = Self::new(seal);
        for entry in &entries {
            let Some([Value::Unsigned(algorithm), public, signature]) = entry.as_array() else {
                return Err(bad("a signature is malformed"));
            };
            if *algorithm != ED25519 {
                return Err(Error::Unsupported { what: "signature algorithm", id: *algorithm });
            }
            let (Some(public), Some(signature)) = (array(public), array(signature)) else {
                return Err(bad("a key or a signature has another length"));
            };
            let public = PublicKey::from_bytes(public);
            if file.by_key.last_key_value().is_some_and(|(last, _)| *last >= public) {
                return Err(bad("signatures do not ascend by their keys"));
            }
            file.by_key.insert(public, signature);
        }
        if file.by_key.is_empty() {
            return Err(bad("the signature file holds no signature"));
        }
        Ok(file)
    }

    /// Checks every signature against the archive's `seal` and that each key of `required` is among the signers.
    /// Returns the signers, in the order of their keys.
    ///
    /// # Errors
    /// `Signature` if the file is of another seal or any signature does not hold; `NotSigned`.
    pub fn check(&self, seal: &[u8; 32], required: &[PublicKey]) -> Result<Vec<PublicKey>, Error> {
        if self.seal != *seal {
            return Err(Error::Signature { rule: "the signatures are of another archive" });
        }
        let message = message(seal);
        for (public, signature) in &self.by_key {
            if !public.has_signed(&message, signature) {
                return Err(Error::Signature { rule: "a signature does not hold" });
            }
        }
        if let Some(missing) = required.iter().find(|key| !self.by_key.contains_key(key)) {
            return Err(Error::NotSigned { key: missing.to_hex() });
        }
        Ok(self.by_key.keys().copied().collect())
    }
}

fn message(seal: &[u8; 32]) -> Vec<u8> {
    [DOMAIN, seal].concat()
}

fn array<const N: usize>(value: &Value) -> Option<[u8; N]> {
    value.as_bytes()?.try_into().ok()
}

fn too_many(found: usize) -> Error {
    Error::LimitExceeded {
        what: "the number of signatures",
        found: found as u64,
        limit: MAX_SIGNATURES as u64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed(seeds: &[u8]) -> SignatureFile {
        let mut file = SignatureFile::new([9; 32]);
        for seed in seeds {
            file.sign(&SecretKey::from_seed(&[*seed; 32])).unwrap();
        }
        file
    }

    fn public(seed: u8) -> PublicKey {
        SecretKey::from_seed(&[seed; 32]).public_key()
    }

    #[test]
    fn several_signers_in_one_encoding() {
        let file = signed(&[1, 2, 3]);
        assert_eq!(file.encode(), signed(&[3, 1, 2, 2]).encode());
        let read = SignatureFile::parse(&file.encode()).unwrap();
        assert_eq!(read, file);
        assert_eq!(read.check(&[9; 32], &[public(3), public(1)]).unwrap().len(), 3);
        assert!(matches!(read.check(&[9; 32], &[public(4)]), Err(Error::NotSigned { .. })));
    }

    #[test]
    fn no_bit_can_be_changed_and_no_byte_cut() {
        let good = signed(&[1, 2]).encode();
        let accepted = |bytes: &[u8]| {
            SignatureFile::parse(bytes).and_then(|file| file.check(&[9; 32], &[public(1)])).is_ok()
        };
        assert!(accepted(&good));
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(!accepted(&bad), "bit {bit}");
        }
        for n in 0..good.len() {
            assert!(!accepted(&good[..n]), "{n} bytes");
        }
        assert!(!accepted(&[good.as_slice(), &[0]].concat()));
    }

    #[test]
    fn swapped_signatures_do_not_hold() {
        let mut file = signed(&[1, 2]);
        let values: Vec<[u8; 64]> = file.by_key.values().rev().copied().collect();
        for (slot, value) in file.by_key.values_mut().zip(values) {
            *slot = value;
        }
        let read = SignatureFile::parse(&file.encode()).unwrap();
        assert!(matches!(read.check(&[9; 32], &[]), Err(Error::Signature { .. })));
    }

    #[test]
    fn an_empty_list_is_refused() {
        assert!(SignatureFile::parse(&SignatureFile::new([9; 32]).encode()).is_err());
    }
}
