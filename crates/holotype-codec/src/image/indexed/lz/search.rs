//! Where a copy may come from: chains of places with the same three pixels.

use crate::simd::prefetch;

/// Places looked at for one copy.
const MAX_TRIES: usize = 16;
/// Looks in a row without a copy after which only every [`STRIDE`]-th pixel is looked for.
const PATIENCE: u32 = 32;
const STRIDE: usize = 8;

/// What a copy from a new distance must gain beside its cost, in 256ths of a bit: it makes what follows less certain.
const TAKEN_FROM_AFAR: u32 = 3 << 8;

/// How long places are looked for that give no copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::image::indexed) enum Patience {
    /// For a while.
    Limited,
    /// Whatever it takes, and for copies that save little.
    Endless,
}

/// Pixels ahead of which the table is asked for: about as long as memory takes.
const AHEAD: usize = 8;
/// Most hashes, as a power of two. As many as there are pixels, so that few places share one by chance: a walk over
/// places far apart waits for memory at each.
const MAX_TABLE_LOG2: u32 = 19;

#[derive(Debug)]
pub(super) struct Search {
    /// The last place with a hash, and 1.
    heads: Vec<u32>,
    /// The place before a place with the same hash, and 1.
    chain: Vec<u32>,
    /// Bits of a hash.
    table_log2: u32,
    patience: Patience,
    /// Looks in a row after which nothing was copied.
    n_vain: u32,
}

impl Search {
    pub(super) fn new(n_pixels: usize, patience: Patience) -> Self {
        let table_log2 = n_pixels.next_power_of_two().ilog2().clamp(8, MAX_TABLE_LOG2);
        Self { heads: vec![0; 1 << table_log2], chain: vec![0; n_pixels], table_log2, patience, n_vain: 0 }
    }

    /// Gets ready to look at what follows place `i`.
    #[inline]
    pub(super) fn look_ahead(&self, pixels: &[u32], i: usize) {
        if let Some(hash) = self.hash(pixels, i + AHEAD) {
            prefetch(&self.heads, hash);
        }
    }

    /// Makes place `i` findable.
    #[inline]
    pub(super) fn insert(&mut self, pixels: &[u32], i: usize) {
        let Some(hash) = self.hash(pixels, i) else { return };
        self.chain[i] = self.heads[hash];
        self.heads[hash] = i as u32 + 1;
    }

    /// False where a look is not worth its time: among pixels that repeat nothing.
    pub(super) fn is_worth(&self, i: usize) -> bool {
        self.patience == Patience::Endless || self.n_vain < PATIENCE || i.is_multiple_of(STRIDE)
    }

    /// What a copy from a new distance must gain beside its cost.
    pub(super) fn least_gain(&self) -> u32 {
        match self.patience {
            Patience::Limited => TAKEN_FROM_AFAR,
            Patience::Endless => 0,
        }
    }

    /// Notes whether a look ended in a copy.
    pub(super) fn note(&mut self, is_copied: bool) {
        self.n_vain = if is_copied { 0 } else { self.n_vain + 1 };
    }

    /// Earlier places that may start with the same three pixels, latest first.
    pub(super) fn places(&self, pixels: &[u32], i: usize) -> impl Iterator<Item = usize> {
        let mut next = self.hash(pixels, i).map_or(0, |hash| self.heads[hash]);
        std::iter::from_fn(move || {
            let place = (next as usize).checked_sub(1)?;
            next = self.chain[place];
            Some(place)
        })
        .take(MAX_TRIES)
    }

    #[inline]
    fn hash(&self, pixels: &[u32], i: usize) -> Option<usize> {
        let [a, b, c] = *pixels.get(i..)?.first_chunk::<3>()?;
        let mixed = u64::from(a)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            .wrapping_add(u64::from(b))
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            .wrapping_add(u64::from(c))
            .wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Some((mixed >> (64 - self.table_log2)) as usize)
    }
}

/// How many pixels from `i` on equal those `distance` before, at most `limit`.
#[inline]
pub(super) fn matching(pixels: &[u32], i: usize, distance: usize, limit: usize) -> usize {
    let ahead = &pixels[i..i + limit];
    let earlier = &pixels[i - distance..i - distance + limit];
    // Eight at a time while they are all equal: flat places are long.
    let (eights, earlier_eights) = (ahead.as_chunks::<8>().0, earlier.as_chunks::<8>().0);
    let n_same = 8 * eights.iter().zip(earlier_eights).take_while(|(a, b)| a == b).count();
    let differs = ahead[n_same..].iter().zip(&earlier[n_same..]).position(|(a, b)| a != b);
    differs.map_or(limit, |n| n_same + n)
}
