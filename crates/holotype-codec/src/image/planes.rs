/// What a plane coder knows without reading a byte: the front end's output shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaneShape {
    /// Width in samples, at least 1.
    pub width: usize,
    /// Height in samples, at least 1.
    pub height: usize,
    /// Largest value a sample of each plane may have; one entry a plane, at least one plane.
    pub maxes: Vec<u16>,
    /// True if planes 0, 1, 2 are red, green, blue.
    pub is_rgb: bool,
}

/// The predictive coders' input and output: planes of unsigned samples up to 16 bit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planes {
    /// The shape; every sample of plane `c` is at most `shape.maxes[c]`.
    pub shape: PlaneShape,
    /// One row-major `[height, width]` vector a plane.
    pub samples: Vec<Vec<u16>>,
}

impl Planes {
    /// Samples of all planes.
    pub(super) fn n_samples(&self) -> usize {
        self.samples.iter().map(Vec::len).sum()
    }
}
