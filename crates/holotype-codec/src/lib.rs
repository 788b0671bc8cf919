//! Samples to bytes and back: the lossless codecs of Holotype.
//!
//! This room knows no file, no thread and no clock. Everything a decoder allocates is bounded by the shape
//! its caller asked for plus the length of the input. Decoding gives the same bits on every platform.

pub mod deflate;
mod entropy;
mod error;
pub mod image;
mod leb128;
pub mod noise;
mod sample;
#[allow(dead_code, reason = "the vocabulary of the kernels is larger than the first kernel")]
mod simd;
pub mod tensor;
mod tile;

pub use error::CodecError;
pub use leb128::{put_leb128, take_leb128};
pub use sample::SampleType;
pub use tile::{TileMut, TileRef, TileShape};
