//! The planes that a row is predicted from. `docs/codecs/inter.md` §5.1, §5.2.

use super::{FRACTION_BITS, N_OWN, Weights};
use crate::TileShape;

/// One channel: rows with a pixel at each end that repeats the last one within.
#[derive(Debug, Default, Clone)]
struct Channel {
    /// The prediction's row above, this one, the one below.
    above: Vec<i16>,
    here: Vec<i16>,
    below: Vec<i16>,
    /// The tile's row above; above the first the prediction's first.
    decoded: Vec<i16>,
    /// This row of the tile minus the prediction's.
    innovations: Vec<i16>,
    /// Residuals of the row above and of this one, zeros at the ends.
    residuals_above: Vec<i16>,
    residuals: Vec<i16>,
    guesses: Vec<i16>,
    activities: Vec<u16>,
}

/// All channels of a tile, row by row.
#[derive(Debug)]
pub(super) struct Channels {
    channels: Vec<Channel>,
    /// For channels that are not there.
    zeros: Vec<i16>,
    height: usize,
}

/// Pixels `from..to` of a row, whose blocks are of one class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) class: u8,
}

/// A row of guesses, and how much goes on around each.
pub(super) struct Row<'a> {
    pub(super) guesses: &'a [i16],
    pub(super) activities: &'a [u16],
}

/// A channel of row `y` of interleaved samples, padded.
#[inline(always)]
fn read_row(samples: &[u8], n: usize, c: usize, width: usize, y: usize, to: &mut [i16]) {
    let row = samples.get(y * width * n..(y + 1) * width * n).unwrap_or_default();
    for (to, pixel) in to[1..].iter_mut().zip(row.chunks_exact(n)) {
        *to = i16::from(pixel[c]);
    }
    to[0] = to[1];
    to[width + 1] = to[width];
}

impl Channels {
    pub(super) fn new(predicted: &[u8], shape: &TileShape) -> Self {
        let (width, n) = (shape.width as usize, usize::from(shape.n_channels));
        let line = || vec![0; width + 2];
        let channels = (0..n).map(|c| {
            let mut channel = Channel {
                above: line(),
                here: line(),
                below: line(),
                decoded: line(),
                innovations: vec![0; width],
                residuals_above: line(),
                residuals: line(),
                guesses: vec![0; width],
                activities: vec![0; width],
            };
            read_row(predicted, n, c, width, 0, &mut channel.below);
            channel.here.clone_from(&channel.below);
            channel.decoded.clone_from(&channel.below);
            channel
        });
        Self { channels: channels.collect(), zeros: vec![0; width], height: shape.height as usize }
    }

    /// Makes row `y` the one that is predicted. Rows are started one after the other.
    #[inline(always)]
    pub(super) fn start_row(&mut self, y: usize, predicted: &[u8]) {
        let n = self.channels.len();
        let next = (y + 1).min(self.height - 1);
        for (c, channel) in self.channels.iter_mut().enumerate() {
            let width = channel.guesses.len();
            std::mem::swap(&mut channel.above, &mut channel.here);
            std::mem::swap(&mut channel.here, &mut channel.below);
            read_row(predicted, n, c, width, next, &mut channel.below);
            std::mem::swap(&mut channel.residuals_above, &mut channel.residuals);
        }
    }

    /// Guesses channel `c` of the row, each part of it by its own weights; the channels before it are set.
    #[inline(always)]
    pub(super) fn predict(&mut self, c: usize, parts: &[Part], weights: &[Vec<Weights>]) -> Row<'_> {
        let (before, own) = self.channels.split_at_mut(c);
        let own = &mut own[0];
        let zeros = self.zeros.as_slice();
        let of = |k: usize| before.get(k).map_or(zeros, |other| other.innovations.as_slice());
        for part in parts {
            guess(own, [of(0), of(1), of(2)], part, &weights[usize::from(part.class)][c]);
        }
        match before.last() {
            None => activity_alone(own),
            Some(other) => activity_beside(own, other),
        }
        Row { guesses: &own.guesses, activities: &own.activities }
    }

    /// Takes the samples of channel `c` of the row.
    #[inline(always)]
    pub(super) fn set_row(&mut self, c: usize, samples: impl Iterator<Item = u8>) {
        let channel = &mut self.channels[c];
        let width = channel.guesses.len();
        for (to, sample) in channel.decoded[1..].iter_mut().zip(samples) {
            *to = i16::from(sample);
        }
        let decoded = &mut channel.decoded[..width + 2];
        decoded[0] = decoded[1];
        decoded[width + 1] = decoded[width];
        let (residuals, guesses) = (&mut channel.residuals[1..=width], &channel.guesses[..width]);
        for (x, residual) in residuals.iter_mut().enumerate() {
            *residual = i16::from((decoded[x + 1] - guesses[x]) as i8);
        }
        let here = &channel.here[1..=width];
        for (x, innovation) in channel.innovations[..width].iter_mut().enumerate() {
            *innovation = decoded[x + 1] - here[x];
        }
    }
}

/// The weighted sum of the neighbourhood and of the channels before, rounded.
#[inline(always)]
fn guess(channel: &mut Channel, others: [&[i16]; 3], part: &Part, weights: &Weights) {
    let Part { from, to, .. } = *part;
    let line = from..to + 2;
    let (a, h) = (&channel.above[line.clone()], &channel.here[line.clone()]);
    let (b, d) = (&channel.below[line.clone()], &channel.decoded[line]);
    let [o0, o1, o2] = others.map(|other| &other[from..to]);
    let w = weights;
    let total: i32 = w[..N_OWN].iter().sum();
    for (x, guess) in channel.guesses[from..to].iter_mut().enumerate() {
        let at = |line: &[i16], k: usize| i32::from(line[x + k]);
        let sum = w[0] * at(h, 0)
            + w[1] * at(h, 2)
            + w[2] * at(a, 1)
            + w[3] * at(b, 1)
            + w[4] * at(a, 0)
            + w[5] * at(a, 2)
            + w[6] * at(b, 0)
            + w[7] * at(b, 2)
            + w[8] * at(d, 1)
            + w[9] * at(d, 0)
            + w[10] * at(d, 2)
            + w[11] * i32::from(o0[x])
            + w[12] * i32::from(o1[x])
            + w[13] * i32::from(o2[x])
            - total * at(h, 1);
        let value = at(h, 1) + ((sum + (1 << (FRACTION_BITS - 1))) >> FRACTION_BITS);
        *guess = value.clamp(0, 255) as i16;
    }
}

#[inline(always)]
fn activity_alone(channel: &mut Channel) {
    let width = channel.guesses.len();
    let n = width + 2;
    let (a, h, b, r) =
        (&channel.above[..n], &channel.here[..n], &channel.below[..n], &channel.residuals_above[..n]);
    for (x, activity) in channel.activities[..width].iter_mut().enumerate() {
        let texture = h[x].abs_diff(h[x + 2]) + a[x + 1].abs_diff(b[x + 1]);
        let errors = 2 * r[x + 1].unsigned_abs() + r[x].unsigned_abs() + r[x + 2].unsigned_abs();
        *activity = texture + 2 * errors;
    }
}

#[inline(always)]
fn activity_beside(channel: &mut Channel, other: &Channel) {
    let width = channel.guesses.len();
    let n = width + 2;
    let (a, h, b, r) =
        (&channel.above[..n], &channel.here[..n], &channel.below[..n], &channel.residuals_above[..n]);
    let o = &other.residuals[..n];
    for (x, activity) in channel.activities[..width].iter_mut().enumerate() {
        let texture = h[x].abs_diff(h[x + 2]) + a[x + 1].abs_diff(b[x + 1]);
        let errors = |r: &[i16]| 2 * r[x + 1].unsigned_abs() + r[x].unsigned_abs() + r[x + 2].unsigned_abs();
        *activity = texture + errors(r) + errors(o);
    }
}
