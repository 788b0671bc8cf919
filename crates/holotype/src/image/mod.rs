//! The image item: what an image is, apart from its samples.

mod descriptor;
mod metadata;

pub use descriptor::{Alpha, ChannelOrder, ColourModel, ImageDescriptor, Palette};
pub use metadata::{Metadata, MetadataEntry, MetadataKind};
