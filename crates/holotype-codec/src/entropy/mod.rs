//! Entropy coders.

pub(crate) mod binary;
pub(crate) mod bits;
pub(crate) mod cdf;
pub(crate) mod number;
pub(crate) mod rans;
