//! Entropy coders.

pub(crate) mod binary;
pub(crate) mod logarithm;
pub(crate) mod rans;
