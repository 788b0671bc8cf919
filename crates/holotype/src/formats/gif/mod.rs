//! GIF 87a and 89a: of one frame indices and palette as they are, of several what is shown; comments and application extensions verbatim.

mod blocks;
mod frames;
mod frames_writer;
mod reader;
mod writer;

pub(super) use blocks::is_animated;
pub(super) use frames::open_animation;
pub(super) use frames_writer::create_animation;
pub(super) use reader::{open, open_first};
pub(super) use writer::create;

const NAME: &str = "GIF";
/// Keys of [`crate::MetadataKind::User`] entries. The screen, where it is more than the frame:
/// `width height left top background aspect`, decimal.
const SCREEN: &str = "gif:screen";
/// The global palette, where the frame has its own: red, green, blue bytes.
const GLOBAL_PALETTE: &str = "gif:global-palette";
/// Flags (without transparency) and delay of the graphic control extension, where they are not 0: three bytes.
const CONTROL: &str = "gif:control";
/// A transparent index outside the palette, decimal.
const TRANSPARENT: &str = "gif:transparent-index";
/// Prefix of keys of application extensions; the identifier follows.
const APPLICATION: &str = "gif:application/";
/// Bytes after the end of the file.
const AFTER_TRAILER: &str = "gif:after-trailer";
const XMP_ID: &[u8; 11] = b"XMP DataXMP";
const ICC_ID: &[u8; 11] = b"ICCRGBG1012";

/// What stands behind an XMP packet so that readers of sub-blocks find the end.
fn xmp_trailer() -> Vec<u8> {
    std::iter::once(1).chain((0..=255).rev()).collect()
}
