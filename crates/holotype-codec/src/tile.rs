use crate::{CodecError, SampleType};

/// What is known about a tile before its bytes are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TileShape {
    /// Width in pixels, at least 1.
    pub width: u32,
    /// Height in pixels, at least 1.
    pub height: u32,
    /// Samples per pixel, interleaved, at least 1.
    pub n_channels: u16,
    /// Type of each sample.
    pub sample: SampleType,
    /// True if channels 0, 1, 2 are red, green, blue: colour transforms are then worth trying.
    pub is_rgb: bool,
}

impl TileShape {
    /// Bytes of one row: `width * n_channels * sample.n_bytes()`.
    #[must_use]
    pub fn row_bytes(&self) -> usize {
        self.width as usize * usize::from(self.n_channels) * self.sample.n_bytes()
    }

    /// Pixels in the tile.
    #[must_use]
    pub fn n_pixels(&self) -> usize {
        self.width as usize * self.height as usize
    }

    fn check<R: AsRef<[u8]>>(&self, rows: &[R]) -> Result<(), CodecError> {
        if self.width == 0 || self.height == 0 || self.n_channels == 0 {
            return Err(CodecError::InvalidArgument { what: "a tile has at least one sample" });
        }
        if rows.len() != self.height as usize || rows.iter().any(|r| r.as_ref().len() != self.row_bytes()) {
            return Err(CodecError::InvalidArgument { what: "rows do not match the tile's shape" });
        }
        Ok(())
    }
}

/// A tile to encode: `height` rows of little-endian interleaved samples, wherever they lie.
#[derive(Debug, Clone, Copy)]
pub struct TileRef<'a> {
    shape: TileShape,
    rows: &'a [&'a [u8]],
}

impl<'a> TileRef<'a> {
    /// Checks that `rows` has `shape.height` rows of `shape.row_bytes()` bytes.
    ///
    /// # Errors
    /// `InvalidArgument` otherwise.
    pub fn new(shape: TileShape, rows: &'a [&'a [u8]]) -> Result<Self, CodecError> {
        shape.check(rows)?;
        Ok(Self { shape, rows })
    }

    /// The shape.
    #[must_use]
    pub fn shape(&self) -> TileShape {
        self.shape
    }

    /// The rows, top to bottom.
    #[must_use]
    pub fn rows(&self) -> &'a [&'a [u8]] {
        self.rows
    }
}

/// A tile to decode into: like [`TileRef`], writable.
#[derive(Debug)]
pub struct TileMut<'a, 'b> {
    shape: TileShape,
    rows: &'a mut [&'b mut [u8]],
}

impl<'a, 'b> TileMut<'a, 'b> {
    /// Checks that `rows` has `shape.height` rows of `shape.row_bytes()` bytes.
    ///
    /// # Errors
    /// `InvalidArgument` otherwise.
    pub fn new(shape: TileShape, rows: &'a mut [&'b mut [u8]]) -> Result<Self, CodecError> {
        shape.check(rows)?;
        Ok(Self { shape, rows })
    }

    /// The shape.
    #[must_use]
    pub fn shape(&self) -> TileShape {
        self.shape
    }

    /// The rows, top to bottom.
    #[must_use]
    pub fn rows_mut(&mut self) -> &mut [&'b mut [u8]] {
        self.rows
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// The samples that `decode` puts into a tile.
    pub(crate) fn samples(
        shape: TileShape,
        decode: impl FnOnce(&mut TileMut<'_, '_>) -> Result<(), CodecError>,
    ) -> Result<Vec<u8>, CodecError> {
        let mut samples = vec![0; shape.row_bytes() * shape.height as usize];
        let mut rows: Vec<&mut [u8]> = samples.chunks_exact_mut(shape.row_bytes()).collect();
        decode(&mut TileMut::new(shape, &mut rows)?)?;
        Ok(samples)
    }
}
