//! Tensors: what they are, how they are cut into slices, and their record in an archive.

mod alone;
mod boxes;
mod descriptor;
mod encode;
mod known;
mod npy;
mod options;
mod parent;
mod search;
pub(crate) mod slices;
pub(crate) mod wire;

pub(crate) use alone::Orphans;
pub(crate) use boxes::{copy_box, intersection};
pub use descriptor::{ElementOrder, OpaqueElement, TensorDescriptor};
pub use holotype_codec::tensor::{ElementType, TensorCodec};
pub(crate) use known::KnownTensors;
pub use options::{MaxError, TensorOptions};
pub(crate) use parent::OpenParent;
pub use parent::{ParentName, TensorParent};
pub(crate) use search::TensorsOfParents;
