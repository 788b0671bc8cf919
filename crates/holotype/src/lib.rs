//! One sealed, lossless, random-access file for images, tensors and data sets.
//!
//! This is the crate people use: it joins the codec, the container and the store, and adds threads, the import
//! and export of real image formats, and progress. See `ARCHITECTURE.md`.

mod animation;
mod append;
mod archive;
mod checkpoint;
mod content_hash;
mod copying;
mod encryption;
mod error;
mod export;
mod flatten;
pub mod formats;
pub mod generation;
mod image;
mod import;
mod limits;
mod memory;
#[cfg(feature = "remote")]
mod object_output;
mod output;
mod overlay;
mod pack;
mod parallel;
mod pipeline;
mod progress;
#[cfg(feature = "remote")]
mod remote;
mod restore;
mod salvage;
mod signing;
mod tensor;
mod unpack;
pub mod video;
mod writer;

pub use animation::{
    AnimationAppendOptions, AnimationDescription, AnimationExportOptions, AnimationImportOptions,
    AnimationOptions, AudioTrack, Frame, FrameFiles, TimeBase, export_animation, holds_animation,
    open_animated,
};
pub use append::AppendOutput;
pub use archive::{
    Animation, AnimationItem, Archive, AudioItem, FileMap, Finding, FrameCache, FrameInfo, ImageItem, Item,
    OpenOptions, ParentInfo, Revision, RevisionInfo, Summary, TensorItem, VerifyOptions, VerifyReport,
};
pub use encryption::{Encryption, KdfCost, Password, rekey};
pub use error::{Error, ErrorKind, Result};
pub use export::{ExportOptions, export, source_format};
pub use flatten::{FlattenOptions, flatten};
pub use formats::SourceImage;
pub use holotype_codec::SampleType;
pub use holotype_codec::noise::{NoiseGenerator, NoiseRecipe};
pub use holotype_container::{
    Chunking, Compression, FileAttributes, FileTime, ItemKind, PublicKey, SecretKey,
};
pub use holotype_store::RemoteError;
#[cfg(feature = "remote")]
pub use holotype_store::{RemoteOptions, S3Options};
pub use image::{
    Alpha, ChannelOrder, ColourModel, ImageDescriptor, ImageOptions, Metadata, MetadataEntry, MetadataKind,
    Mode, PREVIEW_EDGE, Palette, Preview, PreviewChoice, Region,
};
pub use import::{ImportOptions, Imported, import};
pub use limits::Limits;
#[cfg(feature = "remote")]
pub use object_output::ObjectOutput;
pub use output::{FileOutput, Replace};
pub use overlay::Overlay;
pub use pack::{Exclude, Packed, Packing, Parent, Profile};
pub use progress::Progress;
#[cfg(feature = "remote")]
pub use remote::is_address;
pub use salvage::{
    LostItem, Proof, SalvageOptions, SalvageReport, SalvagedItem, SalvagedManifest, salvage, salvage_bytes,
    salvage_source,
};
pub use signing::{
    SignOptions, keygen, read_public_key, read_secret_key, sign, sign_archive, signature_path,
};
pub use tensor::{
    ElementOrder, ElementType, MaxError, OpaqueElement, ParentName, TensorCodec, TensorDescriptor,
    TensorOptions, TensorParent,
};
pub use unpack::{UnpackOptions, Unpacked, paths as unpack_paths, unpack};
pub use writer::{Writer, WriterOptions};
