use crate::{ImageDescriptor, Metadata};

/// A frame to be added to an animation.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Frame {
    /// What its samples are.
    pub descriptor: ImageDescriptor,
    /// The samples: row-major, interleaved, little-endian.
    pub samples: Vec<u8>,
    /// How long it is shown, in ticks of the animation's time base.
    pub delay: u64,
    /// Metadata of this frame alone.
    pub metadata: Metadata,
}

impl Frame {
    /// A frame without metadata, shown for `delay` ticks.
    #[must_use]
    pub fn new(descriptor: ImageDescriptor, samples: Vec<u8>, delay: u64) -> Self {
        Self { descriptor, samples, delay, metadata: Metadata::default() }
    }

    /// Sets [`Self::metadata`].
    #[must_use]
    pub fn with_metadata(mut self, metadata: Metadata) -> Self {
        self.metadata = metadata;
        self
    }
}
