//! Finding motion. Never needed to decode.
//!
//! Candidates come from two places: patches of the tile that occur in the earlier frame to the byte (text and
//! windows that scroll), and blocks that lie best on a smaller earlier frame (cameras and things that move). Each
//! block of the tile then takes the candidate it lies best on.

use super::Reference;
use super::motion::{MAX_VECTORS, Motion, Vector, n_blocks};
use crate::image::inter::motion::MAX_STEP;
use crate::simd::{Kernel, WordLanes, dispatch};
use crate::{SampleType, TileRef, TileShape};
use std::collections::BTreeMap;

/// Candidates tried on every block.
const MAX_CANDIDATES: usize = 12;
/// log2 of the edge of blocks.
const BLOCK_LOG2: u32 = 4;
/// A block leaves the vector of the tile if that saves so many of its bytes' differences.
const MIN_GAIN: u32 = 40;

/// The motion of a tile.
pub(super) fn find(tile: &TileRef<'_>, reference: &Reference<'_>) -> Motion {
    let shape = tile.shape();
    let still = Motion::of_one(Vector::default());
    if !matches!(shape.sample, SampleType::Bool | SampleType::U8 | SampleType::U16) {
        return still;
    }
    let votes = [exact_votes(tile, reference), coarse_votes(tile, reference)];
    let mut total: BTreeMap<Vector, u32> = BTreeMap::new();
    for votes in votes {
        let n: u32 = votes.values().sum();
        votes.into_iter().for_each(|(vector, k)| *total.entry(vector).or_default() += k * 1000 / n.max(1));
    }
    total.remove(&Vector::default());
    let mut ranked: Vec<(Vector, u32)> = total.into_iter().filter(|(_, votes)| *votes >= 20).collect();
    ranked.sort_by_key(|(vector, votes)| (std::cmp::Reverse(*votes), *vector));
    ranked.truncate(MAX_CANDIDATES.min(MAX_VECTORS) - 1);
    if ranked.is_empty() {
        return still;
    }
    let candidates: Vec<Vector> =
        std::iter::once(Vector::default()).chain(ranked.into_iter().map(|(vector, _)| vector)).collect();
    choose(tile, reference, &candidates)
}

/// The best candidate of each block, and of all.
fn choose(tile: &TileRef<'_>, reference: &Reference<'_>, candidates: &[Vector]) -> Motion {
    let shape = tile.shape();
    let costs: Vec<Vec<u32>> = candidates
        .iter()
        .map(|vector| {
            let predicted = Motion::of_one(*vector).predict(reference, &shape);
            dispatch(Differences { rows: tile.rows(), predicted: &predicted, shape })
        })
        .collect();
    let totals: Vec<u64> = costs.iter().map(|costs| costs.iter().map(|c| u64::from(*c)).sum()).collect();
    let Some(best) = (0..candidates.len()).min_by_key(|i| (totals[*i], *i)) else {
        return Motion::of_one(Vector::default());
    };
    let own = |block: usize| {
        let usual = costs[best][block];
        let found = (0..candidates.len()).min_by_key(|i| (costs[*i][block], *i)).unwrap_or(best);
        if costs[found][block] + MIN_GAIN + usual / 8 <= usual { found } else { best }
    };
    let blocks: Vec<usize> = (0..costs[best].len()).map(own).collect();
    let gained: u64 = blocks.iter().enumerate().map(|(b, i)| u64::from(costs[best][b] - costs[*i][b])).sum();
    if gained * 50 < totals[best] {
        return Motion::of_one(candidates[best]);
    }
    // Only vectors that are used, the usual one first.
    let mut used = vec![best];
    used.extend((0..candidates.len()).filter(|i| *i != best && blocks.contains(i)));
    let number = |i: &usize| used.iter().position(|u| u == i).unwrap_or(0) as u8;
    let vectors = used.iter().map(|i| candidates[*i]).collect();
    Motion { vectors, block_log2: BLOCK_LOG2, blocks: blocks.iter().map(number).collect() }
}

/// Sums of absolute differences from a prediction, block by block.
struct Differences<'a> {
    rows: &'a [&'a [u8]],
    predicted: &'a [u8],
    shape: TileShape,
}

impl Kernel for Differences<'_> {
    type Output = Vec<u32>;

    #[inline(always)]
    fn run<L: WordLanes>(self, _: L) -> Vec<u32> {
        let Self { rows, predicted, shape } = self;
        let (across, down) = n_blocks(&shape, BLOCK_LOG2);
        let block_bytes = (shape.row_bytes() / shape.width as usize) << BLOCK_LOG2;
        let mut sums = vec![0; across * down];
        for (y, (row, from)) in rows.iter().zip(predicted.chunks_exact(shape.row_bytes())).enumerate() {
            let sums = &mut sums[(y >> BLOCK_LOG2) * across..];
            for ((a, b), sum) in row.chunks(block_bytes).zip(from.chunks(block_bytes)).zip(sums) {
                *sum += match shape.sample.n_bytes() {
                    1 => a.iter().zip(b).map(|(a, b)| u32::from(a.abs_diff(*b))).sum::<u32>(),
                    _ => (a.as_chunks::<2>().0.iter().zip(b.as_chunks::<2>().0))
                        .map(|(a, b)| u32::from(u16::from_le_bytes(*a).abs_diff(u16::from_le_bytes(*b))))
                        .sum(),
                };
            }
        }
        sums
    }
}

/// How much a tile differs from its prediction, to how much it differs from its own neighbours.
pub(super) fn difference_ratio(tile: &TileRef<'_>, predicted: &[u8]) -> f64 {
    let shape = tile.shape();
    let (n, size) = (shape.row_bytes() / shape.width as usize, shape.sample.n_bytes());
    let is_number = matches!(shape.sample, SampleType::Bool | SampleType::U8 | SampleType::U16);
    let value = |row: &[u8], at: usize| match row.get(at..at + size) {
        Some([a]) => i64::from(*a),
        Some([a, b]) => i64::from(u16::from_le_bytes([*a, *b])),
        Some(bytes) => bytes.iter().fold(0, |hash: i64, byte| hash.wrapping_mul(31) + i64::from(*byte)),
        None => 0,
    };
    let distance = |a: i64, b: i64| if is_number { a.abs_diff(b) } else { u64::from(a != b) };
    let (mut to_predicted, mut to_own) = (0, 0);
    let step = (shape.n_pixels() / 20_000).max(1) | 1;
    let height = shape.height as usize;
    let width = shape.width as usize;
    for at in (0..width * height).step_by(step) {
        let (x, y) = (at % width, at / width);
        if x == 0 || y == 0 {
            continue;
        }
        let (row, above) = (tile.rows()[y], tile.rows()[y - 1]);
        let from = &predicted[y * shape.row_bytes()..];
        for c in (0..n).step_by(size) {
            let v = value(row, x * n + c);
            let (w, north, corner) =
                (value(row, (x - 1) * n + c), value(above, x * n + c), value(above, (x - 1) * n + c));
            let gradient = w.wrapping_add(north).wrapping_sub(corner).clamp(w.min(north), w.max(north));
            to_predicted += distance(v, value(from, x * n + c));
            to_own += distance(v, gradient);
        }
    }
    to_predicted as f64 / (to_own as f64 + 1.0)
}

/// Width and height of patches that are looked for to the byte.
const PATCH: (usize, usize) = (8, 4);
/// Patches looked for, at most.
const N_PATCHES: usize = 1024;
/// A patch that occurs more often says nothing.
const MAX_OCCURRENCES: u32 = 6;
/// Frames larger than this are not searched to the byte.
const MAX_SEARCHED_PIXELS: usize = 1 << 24;

/// Vectors to patches of the earlier frame that are those of the tile to the byte.
fn exact_votes(tile: &TileRef<'_>, reference: &Reference<'_>) -> BTreeMap<Vector, u32> {
    let shape = tile.shape();
    let n = shape.row_bytes() / shape.width as usize;
    let (width, height) = (reference.width as usize, reference.height as usize);
    let mut votes = BTreeMap::new();
    if width < PATCH.0 || height < PATCH.1 || width * height > MAX_SEARCHED_PIXELS {
        return votes;
    }
    // Patches of the tile that have something in them, by their hash.
    let mut wanted: BTreeMap<u32, (u32, u32, u32)> = BTreeMap::new();
    let mut filter = vec![0_u64; 1 << 10];
    let (tile_width, tile_height) = (shape.width as usize, shape.height as usize);
    let step = ((tile_width * tile_height / N_PATCHES) as f64).sqrt().max(8.0) as usize;
    let mut hashes = Vec::new();
    for y in (0..(tile_height + 1).saturating_sub(PATCH.1)).step_by(step) {
        let rows: [&[u8]; PATCH.1] = std::array::from_fn(|i| tile.rows()[y + i]);
        hash_row(&rows, n, &mut hashes);
        for x in (0..hashes.len()).step_by(step) {
            let is_flat = rows.iter().all(|row| {
                let part = &row[x * n..(x + PATCH.0) * n];
                part.chunks_exact(n).all(|pixel| *pixel == rows[0][x * n..(x + 1) * n])
            });
            if !is_flat {
                wanted.insert(hashes[x], (x as u32, y as u32, 0));
                filter[(hashes[x] >> 22) as usize] |= 1 << (hashes[x] >> 16 & 63);
            }
        }
    }
    if wanted.is_empty() {
        return votes;
    }
    let line = width * n;
    let mut found = Vec::new();
    for y in 0..=height - PATCH.1 {
        let rows: [&[u8]; PATCH.1] =
            std::array::from_fn(|i| &reference.samples[(y + i) * line..(y + i + 1) * line]);
        hash_row(&rows, n, &mut hashes);
        for (x, hash) in hashes.iter().enumerate() {
            if filter[(hash >> 22) as usize] >> (hash >> 16 & 63) & 1 == 0 {
                continue;
            }
            if let Some((_, _, seen)) = wanted.get_mut(hash) {
                *seen += 1;
                if *seen <= MAX_OCCURRENCES {
                    found.push((*hash, x as i32, y as i32));
                }
            }
        }
    }
    for (hash, x, y) in found {
        if let Some((tx, ty, 1..=MAX_OCCURRENCES)) = wanted.get(&hash) {
            let (dx, dy) = (x - (reference.x + tx) as i32, y - (reference.y + ty) as i32);
            if dx.abs().max(dy.abs()) <= MAX_STEP {
                *votes.entry(Vector { dx, dy }).or_default() += 1;
            }
        }
    }
    votes
}

const ACROSS: u32 = 0x9e37_79b1;
const DOWN: u32 = 0x85eb_ca6b;

/// The hash of the patch at each column of four rows: a rolling one.
fn hash_row(rows: &[&[u8]; PATCH.1], n: usize, out: &mut Vec<u32>) {
    out.clear();
    let width = rows[0].len() / n;
    if width < PATCH.0 {
        return;
    }
    let column = |x: usize| {
        rows.iter().fold(0_u32, |hash, row| {
            row[x * n..(x + 1) * n].iter().fold(hash.wrapping_mul(DOWN), |h, b| {
                h.wrapping_mul(0x0100_0193).wrapping_add(u32::from(*b) + 1)
            })
        })
    };
    let columns: Vec<u32> = (0..width).map(|x| column(x).wrapping_mul(0x2c1b_3c6d)).collect();
    let last = (0..PATCH.0 as u32).fold(1_u32, |power, _| power.wrapping_mul(ACROSS));
    let mut hash = 0_u32;
    for x in 0..width {
        hash = hash.wrapping_mul(ACROSS).wrapping_add(columns[x]);
        if x >= PATCH.0 {
            hash = hash.wrapping_sub(columns[x - PATCH.0].wrapping_mul(last));
        }
        if x + 1 >= PATCH.0 {
            out.push(hash ^ hash >> 15);
        }
    }
}

/// Pixels a side that become one of the smaller frame.
const SHRINK: usize = 4;
/// Edge of blocks on the smaller frame, steps looked at around each.
const COARSE_EDGE: usize = 8;
const COARSE_REACH: i32 = 12;
/// Blocks looked for.
const N_COARSE: usize = 40;

/// A smaller frame of one channel.
struct Small {
    width: usize,
    height: usize,
    values: Vec<i32>,
}

impl Small {
    /// Means of squares of the part of a frame; `row(y)` gives its rows.
    fn new<'a>(row: impl Fn(usize) -> &'a [u8], (width, height): (usize, usize), shape: &TileShape) -> Self {
        let n = shape.row_bytes() / shape.width as usize;
        let (w, h) = (width / SHRINK, height / SHRINK);
        let mut values = vec![0; w * h];
        for (y, line) in values.chunks_exact_mut(w.max(1)).enumerate() {
            for dy in 0..SHRINK {
                let row = row(y * SHRINK + dy);
                for (value, square) in line.iter_mut().zip(row.chunks_exact(n * SHRINK)) {
                    *value += match shape.sample.n_bytes() {
                        1 => square.iter().map(|v| i32::from(*v)).sum::<i32>(),
                        _ => {
                            square.as_chunks::<2>().0.iter().map(|v| i32::from(u16::from_le_bytes(*v))).sum()
                        }
                    };
                }
            }
        }
        Self { width: w, height: h, values }
    }

    fn block(&self, x: i32, y: i32) -> Option<impl Iterator<Item = &[i32]>> {
        let (x, y) = (usize::try_from(x).ok()?, usize::try_from(y).ok()?);
        if x + COARSE_EDGE > self.width || y + COARSE_EDGE > self.height {
            return None;
        }
        Some((y..y + COARSE_EDGE).map(move |y| &self.values[y * self.width + x..][..COARSE_EDGE]))
    }

    fn distance(&self, at: (i32, i32), other: &Self, to: (i32, i32)) -> Option<u64> {
        let (own, other) = (self.block(at.0, at.1)?, other.block(to.0, to.1)?);
        Some(own.zip(other).flat_map(|(a, b)| a.iter().zip(b)).map(|(a, b)| u64::from(a.abs_diff(*b))).sum())
    }
}

/// Vectors of blocks to where they lie best on the earlier frame, found on smaller frames and made exact.
fn coarse_votes(tile: &TileRef<'_>, reference: &Reference<'_>) -> BTreeMap<Vector, u32> {
    let shape = tile.shape();
    let n = shape.row_bytes() / shape.width as usize;
    let line = reference.width as usize * n;
    let own = Small::new(|y| tile.rows()[y], (shape.width as usize, shape.height as usize), &shape);
    let frame = Small::new(
        |y| &reference.samples[y * line..(y + 1) * line],
        (reference.width as usize, reference.height as usize),
        &shape,
    );
    let mut votes = BTreeMap::new();
    let (across, down) = (own.width / COARSE_EDGE, own.height / COARSE_EDGE);
    let step = (across * down / N_COARSE).max(1) | 1;
    // Where the tile is on the smaller frame, as near as may be.
    let origin = ((reference.x as usize / SHRINK) as i32, (reference.y as usize / SHRINK) as i32);
    for block in (0..across * down).step_by(step) {
        let at = ((block % across * COARSE_EDGE) as i32, (block / across * COARSE_EDGE) as i32);
        let here = (at.0 + origin.0, at.1 + origin.1);
        let steps = (-COARSE_REACH..=COARSE_REACH)
            .flat_map(|dy| (-COARSE_REACH..=COARSE_REACH).map(move |dx| (dx, dy)));
        let best = steps
            .filter_map(|(dx, dy)| {
                let distance = own.distance(at, &frame, (here.0 + dx, here.1 + dy))?;
                Some((distance, dx.abs() + dy.abs(), dx, dy))
            })
            .min();
        let Some((_, _, dx, dy)) = best else { continue };
        let vector = refine(tile, reference, at, Vector { dx: dx * SHRINK as i32, dy: dy * SHRINK as i32 });
        *votes.entry(vector).or_default() += 1;
    }
    votes
}

/// The exact vector of a block near one that was found on smaller frames.
fn refine(tile: &TileRef<'_>, reference: &Reference<'_>, at: (i32, i32), near: Vector) -> Vector {
    let shape = tile.shape();
    let n = shape.row_bytes() / shape.width as usize;
    let edge = COARSE_EDGE * SHRINK;
    let (x, y) = (at.0 as usize * SHRINK, at.1 as usize * SHRINK);
    let line = reference.width as usize * n;
    let cost = |vector: Vector| -> Option<u64> {
        let fx = usize::try_from(reference.x as i32 + x as i32 + vector.dx).ok()?;
        let fy = usize::try_from(reference.y as i32 + y as i32 + vector.dy).ok()?;
        if fx + edge > reference.width as usize || fy + edge > reference.height as usize {
            return None;
        }
        let mut sum = 0;
        for dy in 0..edge {
            let a = &tile.rows()[y + dy][x * n..(x + edge) * n];
            let b = &reference.samples[(fy + dy) * line + fx * n..][..edge * n];
            sum += match shape.sample.n_bytes() {
                1 => a.iter().zip(b).map(|(a, b)| u64::from(a.abs_diff(*b))).sum::<u64>(),
                _ => (a.as_chunks::<2>().0.iter().zip(b.as_chunks::<2>().0))
                    .map(|(a, b)| u64::from(u16::from_le_bytes(*a).abs_diff(u16::from_le_bytes(*b))))
                    .sum(),
            };
        }
        Some(sum)
    };
    let reach = SHRINK as i32;
    let mut best = (cost(near).unwrap_or(u64::MAX), near);
    // Every second step first, then those next to the best.
    for (from, to, by) in [(-reach, reach, 2), (-1, 1, 1)] {
        let centre = best.1;
        for dy in (from..=to).step_by(by) {
            for dx in (from..=to).step_by(by) {
                let vector = Vector { dx: centre.dx + dx, dy: centre.dy + dy };
                if let Some(cost) = cost(vector).filter(|cost| *cost < best.0) {
                    best = (cost, vector);
                }
            }
        }
    }
    best.1
}
