//! The image item: what an image is, and how its samples become tiles and come back.

pub(crate) mod decode;
mod descriptor;
pub(crate) mod encode;
pub(crate) mod grid;
mod metadata;
mod options;
mod palette;
pub(crate) mod preview;
pub(crate) mod wire;

pub use descriptor::{Alpha, ChannelOrder, ColourModel, ImageDescriptor, Palette};
pub use grid::Region;
pub use metadata::{Metadata, MetadataEntry, MetadataKind};
pub use options::{ImageOptions, Mode, PreviewChoice};
pub use preview::{PREVIEW_EDGE, Preview};
