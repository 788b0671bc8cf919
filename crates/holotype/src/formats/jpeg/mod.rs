//! JPEG: decoded only on request, since the file itself is smaller and is the original.

mod cmyk;
mod markers;
mod reader;

pub(super) use reader::{open, open_tolerant};

const NAME: &str = "JPEG";
/// Keys of [`crate::MetadataKind::User`] entries: unit (1 inch, 2 cm) and pixels a unit of the JFIF header, decimal.
const DENSITY: &str = "jpeg:density";
/// Prefix for application segments without a kind of their own; the number follows. Verbatim.
const SEGMENT: &str = "jpeg:APP";
