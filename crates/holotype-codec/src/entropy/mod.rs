//! Entropy coders.

pub(crate) mod binary;
pub(crate) mod bits;
pub(crate) mod byte_rans;
pub(crate) mod cdf;
pub(crate) mod context_rans;
pub(crate) mod logarithm;
pub(crate) mod number;
pub(crate) mod range;
pub(crate) mod rans;
pub(crate) mod rans_lanes;
mod rans_step;
pub(crate) mod static_rans;
pub(crate) mod words;
