use std::fmt;
use zeroize::Zeroize as _;

/// The key that everything in an encrypted archive hangs on; wiped from memory when dropped and never printed.
#[derive(Clone)]
pub struct DataKey([u8; 32]);

impl DataKey {
    /// A key of 32 random bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// A key for one purpose in one revision of one archive.
    pub(super) fn derive(&self, context: &'static str, archive_id: &[u8; 16], salt: &[u8; 32]) -> [u8; 32] {
        let mut material = [0; 80];
        material[..32].copy_from_slice(&self.0);
        material[32..48].copy_from_slice(archive_id);
        material[48..].copy_from_slice(salt);
        let key = blake3::derive_key(context, &material);
        material.zeroize();
        key
    }
}

impl Drop for DataKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey(..)")
    }
}
