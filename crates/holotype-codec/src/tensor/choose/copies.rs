//! What comes again in a slice: whether anything does, and how densely it is worth to be coded.

use super::look::{N_WINDOWS, sample};
use crate::tensor::layout::SliceLayout;
use crate::tensor::stream::{Coder, Recipe};
use crate::tensor::word::Word;
use crate::tensor::{lz, planes};

/// One repeated group of eight bytes in so many is worth a search for copies.
const MIN_REPEATS: usize = 64;
/// A slice coded to less than one part in so many is small enough: what would make it smaller takes more time than that is worth.
pub(super) const SMALL: usize = 64;
/// The densest level is worth its time if it saves one part in so many.
const MIN_GAIN_DENSE: usize = 100;
/// Part of a slice whose bytes tell what the levels would make of it, and the least and the most of them.
const SAMPLED_PART: usize = 32;
const SAMPLE_BYTES: std::ops::RangeInclusive<usize> = 4096..=32768;
/// A sample that is coded to less does not tell levels apart.
const MIN_CODED_SAMPLE: usize = 128;

/// A level that promises to make what repeats so small.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Level {
    pub(super) n_promised: usize,
    pub(super) level: i32,
}

/// True if groups of eight bytes come again more often than numbers do by chance.
pub(super) fn has_copies(bytes: &[u8], n_word_bytes: usize) -> bool {
    const N_SLOTS_LOG2: u32 = 14;
    let mut seen = vec![0_u64; 1 << N_SLOTS_LOG2];
    let (mut n_looked, mut n_repeats) = (0_usize, 0_usize);
    let mut look = |group: u64, hash: u64| {
        n_looked += 1;
        if let Some(slot) = seen.get_mut((hash >> (59 - N_SLOTS_LOG2)) as usize & ((1 << N_SLOTS_LOG2) - 1)) {
            n_repeats += usize::from(*slot == group);
            *slot = group;
        }
    };
    let hash = |group: u64| group.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    // The value itself says which groups are looked at, so that a copy is met wherever it lies.
    let is_looked_at = |hash: u64| hash >> 59 == 0;
    let words = bytes.as_chunks::<8>().0.iter().map(|group| u64::from_le_bytes(*group));
    if n_word_bytes > 4 {
        words
            .map(|group| (group, hash(group)))
            .filter(|(_, hash)| is_looked_at(*hash))
            .for_each(|(g, h)| look(g, h));
    } else {
        let mut before = 0;
        for group in words {
            // The group that begins four bytes before, and this one.
            for group in [before >> 32 | group << 32, group] {
                let hash = hash(group);
                if is_looked_at(hash) {
                    look(group, hash);
                }
            }
            before = group;
        }
    }
    // So few distinct groups that none was looked at: they repeat.
    n_looked < 4 || n_repeats * MIN_REPEATS > n_looked
}

/// The level that a slice is worth which `recipe` makes `n_quick` bytes of at [`lz::QUICK`], while `n_best` is the least that any
/// way takes; none if no level promises less than that.
pub(super) fn level(
    bytes: &[u8],
    layout: &SliceLayout,
    recipe: Recipe,
    n_quick: usize,
    n_best: usize,
) -> Option<Level> {
    if n_quick <= bytes.len() / SMALL {
        return (n_quick <= n_best).then_some(Level { n_promised: n_quick, level: lz::MIDDLE });
    }
    let n_sample = (bytes.len() / SAMPLED_PART).clamp(*SAMPLE_BYTES.start(), *SAMPLE_BYTES.end());
    let sampled = match layout.n_word_bytes {
        1 => sampled::<u8>(bytes, layout, recipe, n_sample),
        2 => sampled::<u16>(bytes, layout, recipe, n_sample),
        4 => sampled::<u32>(bytes, layout, recipe, n_sample),
        _ => sampled::<u64>(bytes, layout, recipe, n_sample),
    };
    let coded = |level| lz::encode(&sampled, level).map_or(usize::MAX, |coded| coded.len());
    let quick = coded(lz::QUICK).max(1);
    let promised = |level| (n_quick as u64 * coded(level) as u64 / quick as u64) as usize;
    let (middle, dense) = (promised(lz::MIDDLE), promised(lz::DENSE));
    let limit = n_best.min(middle);
    if quick >= MIN_CODED_SAMPLE && dense + limit / MIN_GAIN_DENSE < limit {
        return Some(Level { n_promised: dense, level: lz::DENSE });
    }
    (middle < n_best).then_some(Level { n_promised: middle, level: lz::MIDDLE })
}

/// About `n` bytes as the coder of `recipe` gets them.
fn sampled<W: Word>(bytes: &[u8], layout: &SliceLayout, recipe: Recipe, n: usize) -> Vec<u8> {
    let words: Vec<W> = sample(bytes, layout, recipe, n / W::N_BYTES / N_WINDOWS);
    if recipe.coder == Coder::ShuffleZstd {
        return planes::split(&words);
    }
    let mut out = vec![0; words.len() * W::N_BYTES];
    W::to_bytes(&words, &mut out);
    out
}
