//! PNG (W3C, Third Edition): every colour type and bit depth, interlaced too, and APNG; ancillary chunks kept verbatim.

mod chunks;
mod frames;
mod frames_writer;
mod reader;
mod writer;

pub(super) use chunks::is_animated;
pub(super) use frames::open_animation;
pub(super) use frames_writer::create_animation;
pub(super) use reader::open;
pub(super) use writer::create;
pub(crate) use writer::{Chunked, pack};

const NAME: &str = "PNG";
/// Key of the [`crate::MetadataKind::User`] entry for bytes after the end of the image.
const AFTER_IEND: &str = "png:after-IEND";
/// Keyword of the iTXt chunk that holds XMP.
const XMP_KEYWORD: &[u8] = b"XML:com.adobe.xmp";
