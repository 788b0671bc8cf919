//! The pixels of a tile with a margin, and those around one of them.

/// Columns of margin at either side.
pub(super) const MARGIN: usize = 4;
const MARGIN_ROWS: usize = 2;

/// Pixels with a margin of zeros above, left and right.
#[derive(Debug)]
pub(super) struct Grid {
    pub(super) width: usize,
    pub(super) height: usize,
    /// Distance of a pixel and the one below.
    pub(super) stride: usize,
    pub(super) pixels: Vec<u32>,
}

impl Grid {
    pub(super) fn new(width: usize, height: usize) -> Self {
        let stride = width + 2 * MARGIN;
        Self { width, height, stride, pixels: vec![0; stride * (height + MARGIN_ROWS)] }
    }

    pub(super) fn n_pixels(&self) -> usize {
        self.width * self.height
    }

    /// Index of the first pixel of row `y`.
    pub(super) fn start(&self, y: usize) -> usize {
        (y + MARGIN_ROWS) * self.stride + MARGIN
    }

    pub(super) fn row(&self, y: usize) -> &[u32] {
        &self.pixels[self.start(y)..][..self.width]
    }

    /// Sets all pixels in raster order.
    pub(super) fn fill(&mut self, pixels: impl IntoIterator<Item = u32>) {
        let mut pixels = pixels.into_iter();
        for y in 0..self.height {
            let start = self.start(y);
            self.pixels[start..start + self.width].iter_mut().zip(&mut pixels).for_each(|(to, p)| *to = p);
        }
    }

    pub(super) fn around(&self, at: usize) -> Around {
        let row = |up: usize| {
            let from = at - up * self.stride - MARGIN;
            self.pixels[from..].first_chunk::<9>().copied().unwrap_or_default()
        };
        let here = row(0);
        Around { west: [here[3], here[2], here[1], here[0]], above: row(1), above2: row(2) }
    }
}

/// Pixels around one of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Around {
    /// 1 to 4 columns to the left.
    pub(super) west: [u32; 4],
    /// 4 columns to the left to 4 to the right, in the row above.
    pub(super) above: [u32; 9],
    /// The same one row further up.
    pub(super) above2: [u32; 9],
}

impl Around {
    pub(super) fn w(&self) -> u32 {
        self.west[0]
    }
    pub(super) fn ww(&self) -> u32 {
        self.west[1]
    }
    pub(super) fn n(&self) -> u32 {
        self.above[4]
    }
    pub(super) fn nw(&self) -> u32 {
        self.above[3]
    }
    pub(super) fn ne(&self) -> u32 {
        self.above[5]
    }
    pub(super) fn nn(&self) -> u32 {
        self.above2[4]
    }
}
