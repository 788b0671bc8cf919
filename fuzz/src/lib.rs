//! What the fuzz targets share: small limits, a reader of everything, drafts of sealed archives, seeds.

mod draft;
mod path;
mod read;
mod seeds;
mod shape;
mod slice;

pub use draft::{draft_of, seal_draft};
pub use path::is_asked;
pub use read::{image_samples, read_everything};
pub use seeds::write_if_asked;
pub use shape::{SHAPE_BYTES, encode_shape, take_shape};
pub use slice::{LAYOUT_BYTES, encode_layout, take_layout};

use holotype::Limits;

/// Limits small enough for thousands of runs a second; what exceeds them must be refused, not tried.
pub fn limits() -> Limits {
    let mut limits = Limits::default().with_max_pixels(1 << 14).with_max_decoded_bytes(1 << 18);
    limits.max_metadata_bytes = 1 << 18;
    limits.max_images = 8;
    limits.container.max_root_bytes = 1 << 18;
    limits.container.max_page_bytes = 1 << 18;
    limits.container.max_block_bytes = 1 << 18;
    limits
}
