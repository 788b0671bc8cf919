/// Columns of margin at either side, and rows above.
pub(super) const MARGIN: usize = 4;

/// Numbers of pixels with a margin of zeros above, left and right.
#[derive(Debug, Clone)]
pub(super) struct Grid {
    pub(super) width: usize,
    pub(super) height: usize,
    /// Distance of a pixel and the one below.
    pub(super) stride: usize,
    pub(super) numbers: Vec<u8>,
}

impl Grid {
    pub(super) fn new(width: usize, height: usize) -> Self {
        let stride = width + 2 * MARGIN;
        Self { width, height, stride, numbers: vec![0; stride * (height + MARGIN)] }
    }

    /// Index of the first pixel of row `y`.
    pub(super) fn start(&self, y: usize) -> usize {
        (y + MARGIN) * self.stride + MARGIN
    }

    pub(super) fn row(&self, y: usize) -> &[u8] {
        &self.numbers[self.start(y)..][..self.width]
    }

    /// Sets all pixels in raster order.
    pub(super) fn fill(&mut self, mut numbers: impl Iterator<Item = u8>) {
        for y in 0..self.height {
            let start = self.start(y);
            self.numbers[start..start + self.width].iter_mut().zip(&mut numbers).for_each(|(to, n)| *to = n);
        }
    }
}
