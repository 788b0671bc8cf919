//! WebP: lossless images as pixels, lossy ones on request. The container is RFC 9649, section 2.

mod frames;
mod frames_writer;
mod reader;
mod riff;
mod writer;

pub(super) use frames::open_animation;
pub(super) use frames_writer::create_animation;
pub(super) use reader::{open, open_first};
pub(super) use riff::opaque;
pub(super) use writer::create;

const NAME: &str = "WebP";
/// Prefix of keys of [`crate::MetadataKind::User`] entries for chunks of unknown use; the chunk's name follows.
const CHUNK: &str = "webp:chunk/";
/// Key of the entry for bytes after the container's end.
const AFTER_END: &str = "webp:after-end";
/// Key of the entry for the background of an animation, which nobody shows: blue, green, red, alpha.
const BACKGROUND: &str = "webp:background";
/// Longest side of a lossless image.
const MAX_SIDE: u32 = 16384;
/// Flags of the `VP8X` chunk.
const ANIMATION: u8 = 1 << 1;
const XMP: u8 = 1 << 2;
const EXIF: u8 = 1 << 3;
const ALPHA: u8 = 1 << 4;
const ICC: u8 = 1 << 5;
