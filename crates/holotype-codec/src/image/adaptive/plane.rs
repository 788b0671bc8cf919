/// A plane with two samples of padding at each side and two rows above.
#[derive(Debug)]
pub(super) struct Padded {
    pub(super) values: Vec<i32>,
    pub(super) stride: usize,
    pub(super) width: usize,
    pub(super) height: usize,
    /// Smallest value a sample may have.
    pub(super) low: i32,
    /// Largest value a sample may have.
    pub(super) high: i32,
}

impl Padded {
    /// Samples of padding at each side of a row.
    pub(super) const PAD: usize = 2;

    /// A plane whose padding above is the middle of its range.
    pub(super) fn new(width: usize, height: usize, low: i32, high: i32) -> Self {
        let stride = width + 2 * Self::PAD;
        let middle = low + (high - low + 1) / 2;
        // Zeros are not touched until a row is coded: a forged height costs nothing.
        let mut values = vec![0; stride * (height + 2)];
        values.iter_mut().take(2 * stride).for_each(|value| *value = middle);
        Self { values, stride, width, height, low, high }
    }

    /// Index of the first sample of row `y`.
    pub(super) fn row(&self, y: usize) -> usize {
        (y + 2) * self.stride + Self::PAD
    }

    /// Before row `y` is coded: left of it stands the first sample of the row above.
    pub(super) fn begin_row(&mut self, y: usize) {
        let start = self.row(y);
        let above = self.values[start - self.stride];
        self.values[start - 1] = above;
        self.values[start - 2] = above;
    }

    /// After row `y` was coded: right of it its last sample is repeated.
    pub(super) fn end_row(&mut self, y: usize) {
        let end = self.row(y) + self.width;
        let last = self.values[end - 1];
        self.values[end] = last;
        self.values[end + 1] = last;
    }
}
