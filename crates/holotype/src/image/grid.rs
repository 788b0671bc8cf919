use crate::{Error, ImageDescriptor, Result};

/// A box of pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Region {
    /// First column.
    pub x: u32,
    /// First row.
    pub y: u32,
    /// Columns, at least 1.
    pub width: u32,
    /// Rows, at least 1.
    pub height: u32,
}

impl Region {
    /// All of `image`.
    #[must_use]
    pub fn whole(image: &ImageDescriptor) -> Self {
        Self { x: 0, y: 0, width: image.width, height: image.height }
    }

    /// Checks that the region is not empty and lies inside `image`.
    ///
    /// # Errors
    /// `InvalidArgument` otherwise.
    pub fn check(&self, image: &ImageDescriptor) -> Result<()> {
        let inside =
            |start: u32, n: u32, size: u32| n >= 1 && start.checked_add(n).is_some_and(|end| end <= size);
        if inside(self.x, self.width, image.width) && inside(self.y, self.height, image.height) {
            return Ok(());
        }
        Err(Error::invalid(format!(
            "region {},{},{},{} is not inside the {} × {} image",
            self.x, self.y, self.width, self.height, image.width, image.height
        )))
    }

    /// Bytes of the region's samples; `None` on overflow.
    #[must_use]
    pub fn raw_bytes(&self, image: &ImageDescriptor) -> Option<u64> {
        (u64::from(self.width) * u64::from(self.height)).checked_mul(image.pixel_bytes() as u64)
    }

    /// The part shared with `other`, if any.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Option<Self> {
        let x = self.x.max(other.x);
        let y = self.y.max(other.y);
        let right =
            (u64::from(self.x) + u64::from(self.width)).min(u64::from(other.x) + u64::from(other.width));
        let bottom =
            (u64::from(self.y) + u64::from(self.height)).min(u64::from(other.y) + u64::from(other.height));
        let width = u32::try_from(right.checked_sub(u64::from(x))?).ok()?;
        let height = u32::try_from(bottom.checked_sub(u64::from(y))?).ok()?;
        (width > 0 && height > 0).then_some(Self { x, y, width, height })
    }
}

/// How an image is cut into tiles: squares of `tile_edge`, cropped at the right and bottom, row-major.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TileGrid {
    width: u32,
    height: u32,
    tile_edge: u32,
}

impl TileGrid {
    pub(crate) fn new(image: &ImageDescriptor, tile_edge: u32) -> Self {
        Self { width: image.width, height: image.height, tile_edge }
    }

    pub(crate) fn n_columns(&self) -> u32 {
        self.width.div_ceil(self.tile_edge)
    }

    pub(crate) fn n_rows(&self) -> u32 {
        self.height.div_ceil(self.tile_edge)
    }

    pub(crate) fn n_tiles(&self) -> u64 {
        u64::from(self.n_columns()) * u64::from(self.n_rows())
    }

    /// The pixels of the tile at `column`, `row` of the grid.
    pub(crate) fn tile(&self, column: u32, row: u32) -> Region {
        let x = column * self.tile_edge;
        let y = row * self.tile_edge;
        Region {
            x,
            y,
            width: self.tile_edge.min(self.width - x),
            height: self.tile_edge.min(self.height - y),
        }
    }

    /// Row-major number of the tile at `column`, `row`.
    pub(crate) fn tile_number(&self, column: u32, row: u32) -> u64 {
        u64::from(row) * u64::from(self.n_columns()) + u64::from(column)
    }

    /// Grid columns and rows that `region` touches.
    pub(crate) fn touched(
        &self,
        region: &Region,
    ) -> (std::ops::RangeInclusive<u32>, std::ops::RangeInclusive<u32>) {
        let last_x = region.x + (region.width - 1);
        let last_y = region.y + (region.height - 1);
        (
            region.x / self.tile_edge..=last_x / self.tile_edge,
            region.y / self.tile_edge..=last_y / self.tile_edge,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SampleType;

    #[test]
    fn tiles_cover_every_pixel_once() {
        for (w, h, edge) in [(1, 1, 4), (4, 4, 4), (5, 3, 4), (9, 8, 4), (3, 9, 1)] {
            let image = ImageDescriptor::new(w, h, 1, SampleType::U8);
            let grid = TileGrid::new(&image, edge);
            let mut hits = vec![0; (w * h) as usize];
            for row in 0..grid.n_rows() {
                for column in 0..grid.n_columns() {
                    let t = grid.tile(column, row);
                    for y in t.y..t.y + t.height {
                        for x in t.x..t.x + t.width {
                            hits[(y * w + x) as usize] += 1;
                        }
                    }
                }
            }
            assert!(hits.iter().all(|&n| n == 1));
            assert_eq!(grid.n_tiles(), u64::from(grid.n_columns() * grid.n_rows()));
        }
    }

    #[test]
    fn regions_outside_or_empty_are_refused() {
        let image = ImageDescriptor::new(10, 10, 1, SampleType::U8);
        let region = |x, y, width, height| Region { x, y, width, height }.check(&image).is_ok();
        assert!(region(0, 0, 10, 10));
        assert!(region(9, 9, 1, 1));
        assert!(!region(9, 9, 2, 1));
        assert!(!region(0, 0, 0, 1));
        assert!(!region(u32::MAX, 0, 2, 1));
    }
}
