use super::TensorCodec;
use crate::Metadata;
use holotype_codec::noise::NoiseRecipe;

/// How a tensor is stored.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct TensorOptions {
    /// How its slices are coded; default [`TensorCodec::Auto`]. A [`TensorCodec::Raw`] tensor of up to 1 GiB is one
    /// slice, whose bytes begin at a multiple of 4096 in the file.
    pub codec: TensorCodec,
    /// Elements of a slice along each axis, cropped at the ends; default slices of at most 1 MiB that are
    /// consecutive parts of the content.
    pub slice_shape: Option<Vec<u64>>,
    /// How the elements may have been made. The first that makes them again, bit for bit, is stored in their place; if
    /// none does, they are. Default none. Tried for tensors in C order.
    pub noise: Vec<NoiseRecipe>,
    /// Threads; 0 (default) uses what the machine offers. They do not change the bytes.
    pub n_threads: usize,
    /// Kept byte for byte.
    pub metadata: Metadata,
}

impl TensorOptions {
    /// Options that code slices with `codec`.
    #[must_use]
    pub fn new(codec: TensorCodec) -> Self {
        Self { codec, ..Self::default() }
    }

    /// Sets [`Self::slice_shape`].
    #[must_use]
    pub fn with_slice_shape(mut self, slice_shape: Option<Vec<u64>>) -> Self {
        self.slice_shape = slice_shape;
        self
    }

    /// Sets [`Self::noise`].
    #[must_use]
    pub fn with_noise(mut self, noise: Vec<NoiseRecipe>) -> Self {
        self.noise = noise;
        self
    }

    /// Sets [`Self::n_threads`].
    #[must_use]
    pub fn with_n_threads(mut self, n_threads: usize) -> Self {
        self.n_threads = n_threads;
        self
    }

    /// Sets [`Self::metadata`].
    #[must_use]
    pub fn with_metadata(mut self, metadata: Metadata) -> Self {
        self.metadata = metadata;
        self
    }
}
