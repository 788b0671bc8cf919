//! One sealed, lossless, random-access file for images, tensors and data sets.
//!
//! This is the crate people use: it joins the codec, the container and the store, and adds threads, the import
//! and export of real image formats, and progress. See `ARCHITECTURE.md`.

mod error;
pub mod formats;
mod image;
mod limits;

pub use error::{Error, ErrorKind, Result};
pub use holotype_codec::SampleType;
pub use image::{
    Alpha, ChannelOrder, ColourModel, ImageDescriptor, Metadata, MetadataEntry, MetadataKind, Palette,
};
pub use limits::Limits;
