//! PNG (W3C, Third Edition): every colour type and bit depth, interlaced too; ancillary chunks kept verbatim.

mod chunks;
mod reader;
mod writer;

pub(super) use chunks::is_animated;
pub(super) use reader::open;
pub(super) use writer::create;

const NAME: &str = "PNG";
/// Key of the [`crate::MetadataKind::User`] entry for bytes after the end of the image.
const AFTER_IEND: &str = "png:after-IEND";
/// Keyword of the iTXt chunk that holds XMP.
const XMP_KEYWORD: &[u8] = b"XML:com.adobe.xmp";
