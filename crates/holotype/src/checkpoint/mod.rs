//! Files of tensors: stored tensor by tensor, and given back byte for byte. `docs/format.md` §13.2.
//!
//! * `parts`: the record of a file that is made of bytes and tensors.
//! * `safetensors`: the header of that format.
//! * `pack`: such a file into an archive.

mod pack;
mod parts;
mod safetensors;

pub(crate) use parts::{Part, decode_parts, is_made_of_parts};
