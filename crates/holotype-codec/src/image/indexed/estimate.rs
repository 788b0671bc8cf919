//! What coders of repeats and of planes would take, guessed from some rows before anything is coded. Encoder only.
//!
//! For repeats, pixels like a neighbour cost their kind; new ones also cost gradient residuals, under classes of
//! activity. Repeats from afar are not seen, so a guess is too large where there are many. For planes every pixel costs
//! its residuals.

use super::pixels::{pixel_bytes, read_row};
use crate::TileRef;
use crate::entropy::logarithm::entropy;

/// Rows looked at.
const N_ROWS: usize = 40;
/// Classes of activity around a sample: bit lengths.
const N_ACTIVITIES: usize = 16;
/// Bit lengths of residuals.
const N_LENGTHS: usize = 18;
/// Equalities around a pixel: W = N, N = NE, NW = W.
const N_AROUND: usize = 8;
/// Same as W, as N, as NW or NE, new.
const N_KINDS: usize = 4;

/// Estimated bytes of a tile.
#[derive(Debug, Clone, Copy)]
pub(in crate::image) struct Guess {
    /// By a coder of repeats.
    pub(super) repeats: u64,
    /// As planes.
    pub(in crate::image) planes: u64,
    /// Of `repeats`, in a pixel unlike its neighbours: bits.
    new_pixel_bits: u64,
}

/// Repeats guessed to take so many percent of the planes' bytes do take less.
const FAR_LESS: u64 = 60;
/// So may these, if new pixels are hard to predict.
const LESS: u64 = 95;
const MANY_BITS: u64 = 15;

impl Guess {
    /// Whether repeats are likely to take less than planes. From tiles of many kinds: letters and lines cost many bits
    /// where they differ from their neighbours, what can be predicted costs few.
    pub(in crate::image) fn is_repetitive(&self) -> bool {
        let percent = if self.new_pixel_bits >= MANY_BITS { LESS } else { FAR_LESS };
        self.repeats * 100 < self.planes * percent
    }
}

/// Counts of the bit lengths of one channel's residuals, by activity.
type Lengths = [[u32; N_LENGTHS]; N_ACTIVITIES];

/// The guess for a tile of at least 2 × 2 pixels of at most 16-bit samples; `None` for others.
pub(in crate::image) fn guess(tile: &TileRef<'_>) -> Option<Guess> {
    let shape = tile.shape();
    let n_bytes = pixel_bytes(&shape)?;
    let sample_bits = 8 * shape.sample.n_bytes() as u32;
    if sample_bits > 16 || shape.width < 2 || shape.height < 2 {
        return None;
    }
    let n_channels = usize::from(shape.n_channels);
    // Of pixels like a neighbour, of new ones.
    let mut lengths: Vec<[Lengths; 2]> = vec![Default::default(); n_channels];
    let mut kinds = [[0_u32; N_KINDS]; N_AROUND];
    let rows = tile.rows();
    let (mut above, mut row) = (Vec::new(), Vec::new());
    let mut n_seen = 0;
    for y in (1..rows.len()).step_by(rows.len().div_ceil(N_ROWS)) {
        above.clear();
        row.clear();
        read_row(rows[y - 1], n_bytes, &mut above);
        read_row(rows[y], n_bytes, &mut row);
        for x in 1..row.len() {
            let (pixel, w, n, nw) = (row[x], row[x - 1], above[x], above[x - 1]);
            let ne = above.get(x + 1).copied().unwrap_or(n);
            let kind = match pixel {
                _ if pixel == w => 0,
                _ if pixel == n => 1,
                _ if pixel == nw || pixel == ne => 2,
                _ => 3,
            };
            let around = usize::from(w == n) | usize::from(n == ne) << 1 | usize::from(nw == w) << 2;
            kinds[around][kind] += 1;
            let is_new = usize::from(kind == 3);
            for (c, lengths) in lengths.iter_mut().enumerate() {
                // Colours as differences to green.
                let sample = |pixel: u64, c: usize| {
                    (pixel >> (sample_bits as usize * c) & ((1 << sample_bits) - 1)) as i32
                };
                let is_difference = shape.is_rgb && (c == 0 || c == 2);
                let value = |pixel: u64| sample(pixel, c) - if is_difference { sample(pixel, 1) } else { 0 };
                let [pixel, w, n, nw, ne] = [pixel, w, n, nw, ne].map(value);
                let residual = pixel.abs_diff((w + n - nw).clamp(w.min(n), w.max(n)));
                let activity = w.abs_diff(nw) + n.abs_diff(nw) + n.abs_diff(ne);
                let class = (u32::BITS - activity.leading_zeros()) as usize;
                let length = (u32::BITS - residual.leading_zeros()) as usize;
                lengths[is_new][class.min(N_ACTIVITIES - 1)][length] += 1;
            }
        }
        n_seen += row.len();
    }
    let n_new: u32 = kinds.iter().map(|counts| counts[N_KINDS - 1]).sum();
    let (mut repeats, mut planes) = (kinds.iter().map(|counts| bits_of(counts)).sum(), 0);
    for [like_others, new] in &lengths {
        for (like_others, new) in like_others.iter().zip(new) {
            repeats += bits_of_residuals(new);
            planes += bits_of_residuals(&std::array::from_fn(|length| like_others[length] + new[length]));
        }
    }
    let whole = |bits: u64| bits * shape.n_pixels() as u64 / (8 * n_seen.max(1) as u64);
    let new_pixel_bits = repeats / u64::from(n_new.max(1));
    Some(Guess { repeats: whole(repeats), planes: whole(planes), new_pixel_bits })
}

/// A residual costs its length, and its lower bits and sign: as many as the length says.
fn bits_of_residuals(counts: &[u32; N_LENGTHS]) -> u64 {
    let lower: u64 = counts.iter().zip(0..).map(|(n, length)| u64::from(*n) * length).sum();
    bits_of(counts) + lower
}

/// Bits of what was counted, under its own statistics.
fn bits_of(counts: &[u32]) -> u64 {
    entropy(counts) >> 16
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{SampleType, TileShape};

    fn repeats(rows: &[Vec<u8>]) -> u64 {
        let (width, height) = (rows[0].len() as u32, rows.len() as u32);
        let shape = TileShape { width, height, n_channels: 1, sample: SampleType::U8, is_rgb: false };
        let rows: Vec<&[u8]> = rows.iter().map(Vec::as_slice).collect();
        super::guess(&TileRef::new(shape, &rows).unwrap()).unwrap().repeats
    }

    #[test]
    fn noise_costs_its_bits_and_sameness_nothing() {
        let mut state = 1_u32;
        let mut byte = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        let noise: Vec<Vec<u8>> = (0..256).map(|_| (0..256).map(|_| byte()).collect()).collect();
        assert!((60_000..80_000).contains(&repeats(&noise)), "{}", repeats(&noise));
        let flat = vec![vec![7; 256]; 256];
        assert_eq!(repeats(&flat), 0);
        let striped = vec![noise[0].clone(); 256];
        assert!(repeats(&striped) < 1000, "{}", repeats(&striped));
    }
}
