use super::{ElementType, TensorCodec};
use crate::{Error, Metadata, Result};
use holotype_codec::noise::NoiseRecipe;
use holotype_codec::tensor::{finite_range, may_be_rounded};

/// How far a stored value may be from the one that was given.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum MaxError {
    /// At most so much.
    Absolute(f64),
    /// At most so much of the range of the tensor's finite values.
    Relative(f64),
}

impl MaxError {
    /// The absolute bound for these elements; nothing if they are all the same, and a relative one means exact.
    pub(super) fn bound(self, elements: &[u8], element: ElementType) -> Result<Option<f64>> {
        let (Self::Absolute(asked) | Self::Relative(asked)) = self;
        if !may_be_rounded(element) {
            return Err(Error::invalid(format!("elements of {} cannot be rounded", element.name())));
        }
        if !(asked > 0.0 && asked.is_finite()) {
            return Err(Error::invalid(format!("the largest error is positive and finite, not {asked}")));
        }
        let bound = match self {
            Self::Absolute(bound) => bound,
            Self::Relative(part) => part * finite_range(elements, element),
        };
        if !(2.0 * bound).is_finite() {
            return Err(Error::invalid("the largest error is beyond all numbers"));
        }
        Ok((bound > 0.0).then_some(bound))
    }
}

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
    /// Store values that are this near to those given instead of them: smaller, and marked as lossy for ever. Default
    /// none: every bit is kept. For floats of 16 bits or more, [`TensorCodec::Auto`], no parent.
    pub max_error: Option<MaxError>,
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

    /// Sets [`Self::max_error`].
    #[must_use]
    pub fn with_max_error(mut self, max_error: Option<MaxError>) -> Self {
        self.max_error = max_error;
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
