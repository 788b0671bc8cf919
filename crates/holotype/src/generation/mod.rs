//! Records of how AI images were made. `docs/format.md` §18.
//!
//! A record is an item beside the images, masks and latents it names as its parts.

mod derive;
mod encode;
mod json;
mod part;
mod record;
mod redact;
mod schema;
mod source;

pub use crate::archive::GenerationItem;
pub use derive::derive_file;
pub(crate) use json::MAX_BYTES as MAX_RECORD_BYTES;
pub use part::{Part, PartRole};
pub use record::GenerationRecord;
pub use redact::{Redacted, redact};
pub use source::{AlphaBits, Derivation, SourceText, derive, has_c2pa, source_texts};
