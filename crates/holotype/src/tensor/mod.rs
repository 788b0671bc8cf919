//! Tensors: what they are, how they are cut into slices, and their record in an archive.

mod boxes;
mod descriptor;
mod encode;
mod options;
pub(crate) mod slices;
pub(crate) mod wire;

pub(crate) use boxes::{copy_box, intersection};
pub use descriptor::{ElementOrder, OpaqueElement, TensorDescriptor};
pub use holotype_codec::tensor::{ElementType, TensorCodec};
pub use options::TensorOptions;
