//! Windows bitmaps: palettes, bit fields, run lengths; headers from OS/2 1 to version 5. Microsoft's "Bitmap Storage".

mod header;
mod masks;
mod reader;
mod rle;
mod writer;

pub(super) use reader::open;
pub(super) use writer::create;

use super::resolution::BMP_KEY as RESOLUTION;

const NAME: &str = "BMP";
/// Key of the [`crate::MetadataKind::User`] entry for the bit masks of pixel words: `bits red green blue alpha`, hexadecimal masks.
const MASKS: &str = "bmp:masks";
/// Key of the entry for bytes 56 to 112 of a version 4 or 5 header: colour space, end points, gamma, intent.
const COLOUR_SPACE: &str = "bmp:colour-space";
/// Key of the entry for the name of a linked profile.
const LINKED_PROFILE: &str = "bmp:linked-profile";
/// Colour space of headers with an embedded and with a linked profile.
const EMBEDDED: u32 = 0x4d42_4544;
const LINKED: u32 = 0x4c49_4e4b;
/// Colour space of headers that say sRGB.
const SRGB: u32 = 0x7352_4742;
