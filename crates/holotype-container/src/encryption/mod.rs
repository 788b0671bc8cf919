//! Encrypted archives: `docs/format.md` §14.
//!
//! One random key an archive, wrapped by key slots; one key a revision, derived from it; every frame sealed under a
//! nonce that is its place in the file. Hashes and the seal are over what is stored, so that they need no key.

mod data_key;
mod key_slot;
mod record;
mod sealed_root;
mod sealer;

pub use data_key::DataKey;
pub use key_slot::{KdfCost, KeySlot};
pub use record::{EncryptionRecord, EncryptionSeed};
pub use sealer::Sealer;

pub(crate) use sealed_root::SealedRoot;
