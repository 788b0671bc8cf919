//! What comes again in a slice: whether anything does, and how densely it is worth to be coded.

use super::look::{N_WINDOWS, sample};
use crate::simd::{Kernel, WordLanes, dispatch};
use crate::tensor::layout::SliceLayout;
use crate::tensor::stream::{Coder, Recipe};
use crate::tensor::word::Word;
use crate::tensor::{lz, planes};

/// One repeated group of eight bytes in so many is worth a search for copies.
const MIN_REPEATS: usize = 64;
/// One group in so many is looked at.
const LOOKED_PART: usize = 32;
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

/// Looks at groups that start at any of `words`. The group itself says whether it is looked at, so that a copy is met wherever
/// it lies.
struct LookedAt<'a> {
    words: &'a [[u8; 4]],
    seen: &'a mut Seen,
}

impl Kernel for LookedAt<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: WordLanes>(self, l: L) {
        let factors = [0x9E37_79B1_u32, 0x85EB_CA77].map(|factor| l.splat_i32(factor as i32));
        let Self { words, seen } = self;
        for (i, nine) in words.windows(9).step_by(8).enumerate() {
            let word = |k: usize| nine.get(k).map_or(0, |word| i32::from_le_bytes(*word));
            let first = l.load_i32(&std::array::from_fn(word));
            let second = l.load_i32(&std::array::from_fn(|k| word(k + 1)));
            let hash = l.add_i32(l.mul_i32(first, factors[0]), l.mul_i32(second, factors[1]));
            // Five bits are 0: one group in 32.
            let mut mask = l.sign_mask(l.eq_i32(l.shr::<27>(hash), l.splat_i32(0)));
            while mask != 0 {
                let at = 8 * i + mask.trailing_zeros() as usize;
                if let Some([a, b]) = words.get(at..).and_then(<[_]>::first_chunk::<2>) {
                    seen.look(u64::from(u32::from_le_bytes(*a)) | u64::from(u32::from_le_bytes(*b)) << 32);
                }
                mask &= mask - 1;
            }
        }
    }
}

/// Groups of eight bytes that were looked at: how many, and how many were the last one in their slot.
struct Seen {
    slots: Vec<u64>,
    n_looked: usize,
    n_repeats: usize,
}

impl Seen {
    /// With about so many slots.
    fn new(n_slots: usize) -> Self {
        let n_slots = n_slots.clamp(1 << 8, 1 << 14).next_power_of_two();
        Self { slots: vec![0; n_slots], n_looked: 0, n_repeats: 0 }
    }

    fn look(&mut self, group: u64) {
        self.n_looked += 1;
        let slot = (hash(group) >> 40) as usize & (self.slots.len() - 1);
        if let Some(slot) = self.slots.get_mut(slot) {
            self.n_repeats += usize::from(*slot == group);
            *slot = group;
        }
    }
}

fn hash(group: u64) -> u64 {
    group.wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// True if groups of eight bytes come again more often than numbers do by chance.
pub(super) fn has_copies(bytes: &[u8], n_word_bytes: usize) -> bool {
    let words = bytes.as_chunks().0;
    let mut seen = Seen::new(4 * words.len() / LOOKED_PART);
    if n_word_bytes > 4 {
        let groups = bytes.as_chunks().0.iter().map(|group| u64::from_le_bytes(*group));
        let looked = groups.filter(|group| ((hash(*group) >> 32) as usize).is_multiple_of(LOOKED_PART));
        looked.for_each(|group| seen.look(group));
    } else {
        dispatch(LookedAt { words, seen: &mut seen });
    }
    // So few distinct groups that none was looked at: they repeat.
    seen.n_looked < 4 || seen.n_repeats * MIN_REPEATS > seen.n_looked
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::tests::portably;
    use crate::tensor::choose::tests::Chance;

    /// Bytes in no order.
    fn noise(n_bytes: usize, seed: u64) -> Vec<u8> {
        let mut chance = Chance(seed);
        (0..n_bytes).map(|_| chance.next() as u8).collect()
    }

    #[test]
    fn copies_are_met_wherever_they_lie() {
        for n_word_bytes in [1, 2, 4, 8] {
            let alone = noise(1 << 18, 1);
            assert!(!has_copies(&alone, n_word_bytes), "{n_word_bytes}");
            // A sixteenth of it a second time, further on by no multiple of a vector.
            let mut twice = alone.clone();
            let (from, to) = (8 * 1001, (1 << 17) + 8 * 13);
            twice.copy_within(from..from + (1 << 14), to);
            assert!(has_copies(&twice, n_word_bytes), "{n_word_bytes}");
            assert!(has_copies(&[7; 4096], n_word_bytes), "{n_word_bytes}");
            assert!(has_copies(&alone[..64], n_word_bytes), "too few to tell");
        }
    }

    #[test]
    fn all_instructions_look_at_the_same_groups() {
        let bytes = noise(40_000, 2);
        for n_bytes in [0, 4, 35, 36, 40, 67, 68, 39_999, 40_000] {
            let words = bytes[..n_bytes].as_chunks().0;
            let look = || {
                let mut seen = Seen::new(words.len());
                dispatch(LookedAt { words, seen: &mut seen });
                (seen.n_looked, seen.n_repeats, seen.slots)
            };
            assert_eq!(look(), portably(look), "{n_bytes}");
        }
        let mut seen = Seen::new(0);
        dispatch(LookedAt { words: bytes.as_chunks().0, seen: &mut seen });
        assert!((250..375).contains(&seen.n_looked), "one in 32 of 10,000: {}", seen.n_looked);
    }
}
