//! Copies in two dimensions, and predicted literals: screens, icons, drawings. `docs/codecs/indexed.md` §5.

mod bulk;
mod decode;
mod encode;
mod estimate;
mod literal;
mod script;
mod search;
mod sink;
mod tokens;

pub(super) use bulk::decode as decode_bulk;
pub(super) use decode::decode;
pub(in crate::image) use encode::Copying;
pub(super) use search::Patience;

use crate::entropy::cdf::{Cdf, LIVELY};
use crate::entropy::number::NumberModel;

/// What comes next.
mod token {
    /// One pixel, coded as it is.
    pub(super) const LITERAL: usize = 0;
    /// A copy from the last distance but one.
    pub(super) const OLDER: usize = 1;
    /// The pixel above to the right.
    pub(super) const NORTH_EAST: usize = 2;
    /// Pixels from the row above; five classes of length.
    pub(super) const NORTH: usize = 3;
    /// The pixel to the left, repeated; five classes of length.
    pub(super) const WEST: usize = 8;
    /// A copy from anywhere.
    pub(super) const COPY: usize = 13;
    /// A copy from the last distance.
    pub(super) const AGAIN: usize = 14;
}

/// What the token before was; part of the next one's context.
mod kind {
    pub(super) const LITERAL: usize = 0;
    pub(super) const NORTH_EAST: usize = 1;
    pub(super) const NORTH: usize = 2;
    pub(super) const WEST: usize = 3;
    pub(super) const COPY: usize = 4;
}

/// Pixels around the next one, in raster order: left of the first column stands the last of the row above.
#[derive(Debug, Clone, Copy)]
struct Around {
    west: u32,
    north: u32,
    north_west: u32,
    north_east: u32,
    west_west: u32,
}

/// Pixels in raster order after a margin of zeros.
#[derive(Debug)]
struct Canvas {
    pixels: Vec<u32>,
    width: usize,
    /// Distance of the pixel above to the right; in one column there is none, and the one above is taken.
    to_north_east: usize,
    /// Index of the first pixel.
    margin: usize,
}

impl Canvas {
    /// Room for `n_pixels`, all zero.
    fn new(width: usize, n_pixels: usize) -> Self {
        let margin = width + 2;
        let to_north_east = (width - 1).max(1);
        Self { pixels: vec![0; margin + n_pixels], width, to_north_east, margin }
    }

    /// Changes every pixel, and those before the first.
    fn map(&mut self, change: impl Fn(u32) -> u32) {
        self.pixels.iter_mut().for_each(|pixel| *pixel = change(*pixel));
    }

    fn row(&self, y: usize) -> &[u32] {
        &self.pixels[self.margin + y * self.width..][..self.width]
    }

    #[inline]
    fn around(&self, at: usize) -> Around {
        let p = &self.pixels;
        Around {
            west: p[at - 1],
            north: p[at - self.width],
            north_west: p[at - self.width - 1],
            north_east: p[at - self.to_north_east],
            west_west: p[at - 2],
        }
    }
}

/// A way to code the next pixels.
#[derive(Debug, Clone, Copy)]
struct Choice {
    token: usize,
    length: usize,
    distance: usize,
    /// Expected gain in 256ths of a bit.
    gain: i64,
}

/// The distributions of everything but literals.
#[derive(Debug)]
struct Models {
    /// By the kind of the token before and which neighbours are equal.
    tokens: [Cdf; 80],
    /// Lengths of runs from 9 on: north, west.
    run: [NumberModel; 2],
    /// Lengths of copies.
    length: NumberModel,
    /// Distances: rows, and columns by the number of rows.
    rows: NumberModel,
    columns: [NumberModel; 3],
}

impl Models {
    fn new() -> Self {
        Self {
            tokens: [Cdf::<LIVELY>::UNIFORM; 80],
            run: Default::default(),
            length: NumberModel::default(),
            rows: NumberModel::default(),
            columns: Default::default(),
        }
    }
}

/// Which distribution codes the next token.
#[inline]
fn context(before: usize, a: &Around) -> usize {
    let equal = usize::from(a.west == a.north)
        | usize::from(a.north == a.north_east) << 1
        | usize::from(a.north_west == a.north) << 2
        | usize::from(a.west == a.north_west) << 3;
    before * 16 + equal
}

/// Class of a run's length, the bits that tell it apart within, or the number for the last class.
#[inline]
fn run_class(length: usize) -> (usize, u32) {
    match length {
        1 => (0, 0),
        2 => (1, 0),
        3..=4 => (2, 1),
        5..=8 => (3, 2),
        _ => (4, 0),
    }
}
