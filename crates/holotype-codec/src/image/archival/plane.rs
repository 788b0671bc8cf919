//! Planes as binary32, padded so that every tap of every sample lies inside. `docs/codecs/archival.md` §2.

/// A plane being coded, or a finished one that later planes look at.
#[derive(Debug)]
pub(super) struct Plane {
    values: Vec<f32>,
    stride: usize,
    pub(super) width: usize,
    pub(super) height: usize,
    /// Smallest value a sample may have.
    pub(super) low: i32,
    /// Largest value a sample may have.
    pub(super) high: i32,
    /// Sample minus rounded prediction, `[height, width]`.
    residuals: Vec<f32>,
}

/// Most samples of a segment.
pub(super) const MAX_SEGMENT: usize = 16;

/// What of a padded row the taps of a segment's samples may lie in.
pub(super) type Segment = [f32; Plane::LEFT + Plane::RIGHT + MAX_SEGMENT];

/// What of a padded row a sample's taps may lie in: [`Plane::LEFT`] samples left of it, itself, and those right of it.
pub(super) type Window = [f32; Plane::LEFT + Plane::RIGHT];

/// The rows above a row, `R` being whole padded rows, or what of them lies around a segment or a sample.
#[derive(Debug, Clone, Copy)]
pub(super) struct Above<R> {
    pub(super) one: R,
    pub(super) two: R,
    pub(super) three: R,
}

/// Rows of an earlier plane around a row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reference<R> {
    pub(super) above: R,
    pub(super) here: R,
    pub(super) below: R,
}

/// The planes that a plane looks at, the one coded first first.
#[derive(Debug, Clone, Copy)]
pub(super) enum References<T> {
    None,
    One(T),
    Two([T; 2]),
}

/// A row to be coded.
#[derive(Debug)]
pub(super) struct Current<'a> {
    pub(super) above: Above<&'a [f32]>,
    pub(super) here: &'a mut [f32],
    pub(super) residuals: &'a mut [f32],
}

/// The `N` values of a row from `start` on: of a padded row what lies around a segment, of that what lies around a sample.
#[inline(always)]
pub(super) fn part<const N: usize>(row: &[f32], start: usize) -> &[f32; N] {
    row.get(start..).and_then(<[f32]>::first_chunk).unwrap_or(&[0.0; N])
}

impl<R: Copy> Above<R> {
    #[inline(always)]
    pub(super) fn map<U>(&self, f: impl Fn(R) -> U) -> Above<U> {
        Above { one: f(self.one), two: f(self.two), three: f(self.three) }
    }
}

impl<R: Copy> Reference<R> {
    #[inline(always)]
    pub(super) fn map<U>(&self, f: impl Fn(R) -> U) -> Reference<U> {
        Reference { above: f(self.above), here: f(self.here), below: f(self.below) }
    }
}

impl<T> References<T> {
    #[inline(always)]
    pub(super) fn map<U>(&self, f: impl Fn(&T) -> U) -> References<U> {
        match self {
            Self::None => References::None,
            Self::One(p) => References::One(f(p)),
            Self::Two([p, q]) => References::Two([f(p), f(q)]),
        }
    }
}

impl<'a> References<&'a Plane> {
    /// At most two of `planes`.
    pub(super) fn new(planes: &'a [Plane]) -> Self {
        match planes {
            [] => Self::None,
            [p] => Self::One(p),
            [p, q, ..] => Self::Two([p, q]),
        }
    }
}

impl Plane {
    /// Samples of padding left of a row.
    pub(super) const LEFT: usize = 16;
    /// Samples of padding right of a row.
    const RIGHT: usize = 8;
    /// Rows of padding above.
    const TOP: usize = 3;

    /// A plane whose padding above is the middle of its range.
    pub(super) fn new(width: usize, height: usize, low: i32, high: i32) -> Self {
        // The last segment may be shorter than those that are looked at.
        let stride = Self::LEFT + width + Self::RIGHT + MAX_SEGMENT;
        let middle = (low + (high - low + 1) / 2) as f32;
        Self {
            values: vec![middle; stride * (Self::TOP + height + 1)],
            stride,
            width,
            height,
            low,
            high,
            residuals: vec![0.0; width * height],
        }
    }

    fn start(&self, y: usize) -> usize {
        (y + Self::TOP) * self.stride
    }

    /// The samples of row `y`.
    pub(super) fn row_mut(&mut self, y: usize) -> &mut [f32] {
        let start = self.start(y) + Self::LEFT;
        &mut self.values[start..start + self.width]
    }

    /// All samples, row after row.
    pub(super) fn samples(&self) -> Vec<i32> {
        let mut samples = Vec::with_capacity(self.width * self.height);
        for y in 0..self.height {
            let start = self.start(y) + Self::LEFT;
            samples.extend(self.values[start..start + self.width].iter().map(|v| *v as i32));
        }
        samples
    }

    /// Makes row `y` ready to be coded: left of it stands the first sample of the row above.
    pub(super) fn begin_row(&mut self, y: usize) -> Current<'_> {
        let (start, stride) = (self.start(y), self.stride);
        let (before, from_here) = self.values.split_at_mut(start);
        let row = |back: usize| &before[start - back * stride..start - (back - 1) * stride];
        let above = Above { one: row(1), two: row(2), three: row(3) };
        let here = &mut from_here[..stride];
        here[..Self::LEFT].fill(above.one[Self::LEFT]);
        let residuals = &mut self.residuals[y * self.width..(y + 1) * self.width];
        Current { above, here, residuals }
    }

    /// Right of a finished row its last sample is repeated; below the last row the row itself.
    pub(super) fn end_row(&mut self, y: usize) {
        let end = self.start(y) + Self::LEFT + self.width;
        let last = self.values[end - 1];
        self.values[end..end + Self::RIGHT].fill(last);
        if y + 1 == self.height {
            let start = self.start(y);
            self.values.copy_within(start..start + self.stride, start + self.stride);
        }
    }

    /// The rows around row `y` of a finished plane.
    pub(super) fn around(&self, y: usize) -> Reference<&[f32]> {
        let row = |y: usize| &self.values[y * self.stride..(y + 1) * self.stride];
        let y_padded = y + Self::TOP;
        Reference { above: row(y_padded - 1), here: row(y_padded), below: row(y_padded + 1) }
    }

    /// The residuals of row `y`.
    pub(super) fn residuals(&self, y: usize) -> &[f32] {
        &self.residuals[y * self.width..(y + 1) * self.width]
    }
}
