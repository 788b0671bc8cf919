//! Entropy coders.

pub(crate) mod binary;
pub(crate) mod range;
