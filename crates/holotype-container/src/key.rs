use crate::{Error, hex};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use std::fmt;

const PUBLIC: &str = "holotype-public-key";
const SECRET: &str = "holotype-secret-key";
const ED25519: &str = "ed25519";

/// The key that proves who signed: an Ed25519 public key. Spec §12.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// A key from its 32 bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes of RFC 8032.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Lower-case hexadecimal.
    #[must_use]
    pub fn to_hex(&self) -> String {
        hex(&self.0)
    }

    /// Reads the text of a `.pub` file.
    ///
    /// # Errors
    /// `KeyFile`.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let bad = |rule| Error::KeyFile { expected: "public", rule };
        let words: Vec<&str> = text.trim_end().split(' ').collect();
        match words.as_slice() {
            [SECRET, ..] => Err(bad("it holds a secret key")),
            [PUBLIC, ED25519, key] => unhex(key).map(Self).ok_or_else(|| bad("the key is not 64 hex digits")),
            [PUBLIC, ..] => Err(bad("it is not one key of algorithm `ed25519`")),
            _ => Err(bad("it does not start with `holotype-public-key`")),
        }
    }

    /// The text of a `.pub` file.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!("{PUBLIC} {ED25519} {}\n", self.to_hex())
    }

    /// True if `signature` is this key's over `message`: RFC 8032 with canonical encodings, keys and
    /// commitments of small order refused.
    pub(crate) fn has_signed(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        VerifyingKey::from_bytes(&self.0)
            .is_ok_and(|key| key.verify_strict(message, &Signature::from_bytes(signature)).is_ok())
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}

/// The key that signs; wiped from memory when dropped and never printed.
pub struct SecretKey(SigningKey);

impl SecretKey {
    /// The key of 32 random bytes.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// The key others verify with.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }

    /// Reads the text of a `.key` file.
    ///
    /// # Errors
    /// `KeyFile`, without the content.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let bad = |rule| Error::KeyFile { expected: "secret", rule };
        let words: Vec<&str> = text.trim_end().split(' ').collect();
        let (seed, public) = match words.as_slice() {
            [PUBLIC, ..] => return Err(bad("it holds a public key")),
            [SECRET, ED25519, seed, public] => (seed, public),
            [SECRET, ..] => return Err(bad("it is not one key of algorithm `ed25519`")),
            _ => return Err(bad("it does not start with `holotype-secret-key`")),
        };
        let seed = unhex(seed).ok_or_else(|| bad("the seed is not 64 hex digits"))?;
        let key = Self::from_seed(&seed);
        if unhex(public) != Some(key.public_key().0) {
            return Err(bad("its two halves do not belong together"));
        }
        Ok(key)
    }

    /// The text of a `.key` file.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!("{SECRET} {ED25519} {} {}\n", hex(self.0.as_bytes()), self.public_key().to_hex())
    }

    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey(of {})", self.public_key())
    }
}

/// 32 bytes from 64 lower-case hex digits, the one form that is written.
fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut out = [0; 32];
    if text.len() != 64 || !text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
        return None;
    }
    for (byte, at) in out.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(text.get(at..at + 2)?, 16).ok()?;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_8032_test_1() {
        let seed = unhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60").unwrap();
        let key = SecretKey::from_seed(&seed);
        let public = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
        assert_eq!(key.public_key().to_hex(), public);
        let signature = key.sign(b"");
        assert_eq!(hex(&signature)[..32], *"e5564300c360ac729086e2cc806e828a");
        assert!(key.public_key().has_signed(b"", &signature));
        assert!(!key.public_key().has_signed(b"x", &signature));
    }

    #[test]
    fn a_key_of_small_order_signs_nothing() {
        // With the neutral element as key and commitment and S = 0 the plain equation holds for any message.
        let mut neutral = [0; 32];
        neutral[0] = 1;
        let mut signature = [0; 64];
        signature[0] = 1;
        assert!(!PublicKey::from_bytes(neutral).has_signed(b"anything", &signature));
    }

    #[test]
    fn key_files_round_trip_and_nothing_else_parses() {
        let key = SecretKey::from_seed(&[7; 32]);
        let text = key.to_text();
        assert_eq!(SecretKey::parse(&text).unwrap().public_key(), key.public_key());
        assert_eq!(PublicKey::parse(&key.public_key().to_text()), Ok(key.public_key()));
        assert!(SecretKey::parse(&key.public_key().to_text()).is_err());
        assert!(PublicKey::parse(&text).is_err(), "a secret key is no public one");
        for at in 0..text.trim_end().len() {
            let mut bad = text.clone().into_bytes();
            bad[at] ^= 1;
            let bad = String::from_utf8(bad).unwrap();
            let error = SecretKey::parse(&bad).unwrap_err().to_string();
            assert!(!error.contains("0707"), "an error repeats no secret");
        }
        assert!(!format!("{key:?}").contains("0707"));
    }
}
