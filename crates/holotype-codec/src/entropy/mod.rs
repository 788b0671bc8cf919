//! Entropy coders.

pub(crate) mod binary;
