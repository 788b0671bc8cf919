use crate::{Error, ImageDescriptor, Result};
pub use holotype_codec::image::Mode;
use holotype_codec::image::TileOptions;

/// Smallest and largest tile edge a writer accepts.
const TILE_EDGES: std::ops::RangeInclusive<u32> = 16..=16384;
/// Tile edge where nothing speaks against it.
const DEFAULT_TILE_EDGE: u32 = 1024;
/// Bytes of one row of default tiles above which smaller tiles are chosen, to bound memory.
const MAX_DEFAULT_BAND_BYTES: u64 = 16 << 20;

/// Whether a preview is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum PreviewChoice {
    /// For images of at least 512 × 512 pixels, where it costs little beside the image.
    #[default]
    Auto,
    /// Always, for images larger than the preview itself.
    On,
    /// Never.
    Off,
}

/// How an image is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ImageOptions {
    /// Time against density; default [`Mode::Standard`].
    pub mode: Mode,
    /// The strongest setting of [`Mode::Archival`]; default false.
    pub max_effort: bool,
    /// Tile edge in pixels, 16 to 16384; 0 (default) chooses 1024, or 512 where a row of such tiles would
    /// take more than 16 MiB of samples.
    pub tile_edge: u32,
    /// Threads; 0 (default) uses what the machine offers.
    pub n_threads: usize,
    /// Whether a preview is stored; default [`PreviewChoice::Auto`].
    pub preview: PreviewChoice,
}

impl ImageOptions {
    /// Options for `mode`, everything else at its default.
    #[must_use]
    pub fn new(mode: Mode) -> Self {
        Self { mode, ..Self::default() }
    }

    /// Sets [`Self::max_effort`].
    #[must_use]
    pub fn with_max_effort(mut self, max_effort: bool) -> Self {
        self.max_effort = max_effort;
        self
    }

    /// Sets [`Self::tile_edge`].
    #[must_use]
    pub fn with_tile_edge(mut self, tile_edge: u32) -> Self {
        self.tile_edge = tile_edge;
        self
    }

    /// Sets [`Self::n_threads`].
    #[must_use]
    pub fn with_n_threads(mut self, n_threads: usize) -> Self {
        self.n_threads = n_threads;
        self
    }

    /// Sets [`Self::preview`].
    #[must_use]
    pub fn with_preview(mut self, preview: PreviewChoice) -> Self {
        self.preview = preview;
        self
    }

    pub(crate) fn tile_options(&self) -> TileOptions {
        let mut options = TileOptions::new(self.mode);
        options.max_effort = self.max_effort;
        options
    }

    /// The tile edge for `image`.
    pub(crate) fn tile_edge_for(&self, image: &ImageDescriptor) -> Result<u32> {
        if self.tile_edge == 0 {
            let band_bytes =
                u64::from(image.width) * image.pixel_bytes() as u64 * u64::from(DEFAULT_TILE_EDGE);
            let is_wide = image.width > DEFAULT_TILE_EDGE && band_bytes > MAX_DEFAULT_BAND_BYTES;
            return Ok(if is_wide { DEFAULT_TILE_EDGE / 2 } else { DEFAULT_TILE_EDGE });
        }
        if !TILE_EDGES.contains(&self.tile_edge) {
            return Err(Error::invalid(format!(
                "tile edge {} is not in {}..={}",
                self.tile_edge,
                TILE_EDGES.start(),
                TILE_EDGES.end()
            )));
        }
        Ok(self.tile_edge)
    }
}
