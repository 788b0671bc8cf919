/// What one call may allocate or accept; on by default, raised explicitly for trusted input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Pixels of one image; default 2³² (a 65536 × 65536 image).
    pub max_pixels: u64,
    /// Bytes of decoded samples one call may return in memory; default 16 GiB.
    pub max_decoded_bytes: u64,
    /// Raw bytes of one block of a file; default 256 MiB. Writers make blocks of 16 MiB at most.
    pub max_file_block_bytes: u64,
    /// Bytes of one metadata entry; default 256 MiB.
    pub max_metadata_bytes: u64,
    /// Images taken from one source file; default 65536.
    pub max_images: u64,
    /// Parents in a row that a tensor may need; default 16. Writers make 8 at most.
    pub max_parents: u64,
    /// Limits of the container's structures.
    pub container: holotype_container::Limits,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_pixels: 1 << 32,
            max_decoded_bytes: 16 << 30,
            max_file_block_bytes: 256 << 20,
            max_metadata_bytes: 256 << 20,
            max_images: 65536,
            max_parents: 16,
            container: holotype_container::Limits::default(),
        }
    }
}

impl Limits {
    /// Sets [`Self::max_pixels`].
    #[must_use]
    pub fn with_max_pixels(mut self, n: u64) -> Self {
        self.max_pixels = n;
        self
    }

    /// Sets [`Self::max_decoded_bytes`].
    #[must_use]
    pub fn with_max_decoded_bytes(mut self, n: u64) -> Self {
        self.max_decoded_bytes = n;
        self
    }
}
