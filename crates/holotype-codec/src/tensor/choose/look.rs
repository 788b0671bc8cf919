//! What some words of a slice promise of all of them.

use super::planes_recipe;
use crate::tensor::layout::SliceLayout;
use crate::tensor::numeric::{self, NumberKind};
use crate::tensor::stream::{Coder, Map, Recipe, transformed};
use crate::tensor::word::Word;
use crate::tensor::{ElementType, leading, planes};

/// Most words of a window at a look; all windows hold a quarter of a small slice, but no less than at a glance.
const WINDOW_WORDS: usize = 2048;
/// Words of a window at a first glance.
const GLANCE_WORDS: usize = 256;
pub(super) const N_WINDOWS: usize = 4;
/// Words pco is tried on, twice as many of eight bytes.
const PCO_WORDS: usize = 4096;
/// pco promises to save one part in so many of what planes take, at a glance and at a look.
const MIN_GAIN_GLANCED: usize = 50;
const MIN_GAIN_NUMERIC: usize = 100;
/// Differences are looked at closely if a glance finds them larger by less than one part in so many.
const MAX_LOSS_GLANCED: usize = 128;
/// Those along several axes are looked at if a glance finds those along one of them larger by less than one part in so many.
const MAX_LOSS_ALONG_ONE: usize = 32;

/// What a look at some words of a slice promises, in bytes for all of it, the best first.
pub(super) struct Look {
    pub(super) promises: Vec<(usize, Recipe)>,
}

impl Look {
    pub(super) fn of(bytes: &[u8], layout: &SliceLayout) -> Self {
        let promises = match layout.n_word_bytes {
            1 => look::<u8>(bytes, layout),
            2 => look::<u16>(bytes, layout),
            4 => look::<u32>(bytes, layout),
            _ => look::<u64>(bytes, layout),
        };
        Self { promises }
    }

    pub(super) fn best_differences(&self) -> Option<Recipe> {
        self.promises.iter().find(|(_, recipe)| recipe.axes != 0).map(|(_, recipe)| *recipe)
    }
}

/// Words of the windows, each with its difference along axes already taken where `axes` says so.
pub(super) fn sample<W: Word>(bytes: &[u8], layout: &SliceLayout, recipe: Recipe, n_window: usize) -> Vec<W> {
    let Recipe { map, axes, .. } = recipe;
    let strides: Vec<usize> = layout.axes(axes).unwrap_or_default().iter().map(|axis| axis.stride).collect();
    let n_words = layout.n_words;
    let (n_window, n_windows) =
        if n_words <= n_window * N_WINDOWS { (n_words, 1) } else { (n_window, N_WINDOWS) };
    let mut sampled = vec![W::default(); n_window * n_windows];
    for (k, window) in sampled.chunks_exact_mut(n_window.max(1)).enumerate() {
        let start = (n_words - n_window) / (N_WINDOWS - 1) * k;
        // W + N − NW and so on, by inclusion and exclusion; rows that meet at an edge make little difference.
        for subset in 0..1_usize << strides.len() {
            let back: usize = strides.iter().enumerate().map(|(k, s)| (subset >> k & 1) * s).sum();
            // Before the first word there are zeros.
            let n_zeros = back.saturating_sub(start).min(n_window);
            let from = (start + n_zeros).saturating_sub(back) * W::N_BYTES;
            let some = bytes.get(from..from + (n_window - n_zeros) * W::N_BYTES).unwrap_or_default();
            let words = transformed(W::from_bytes(some), layout, map, 0).unwrap_or_default();
            let sums = window.iter_mut().skip(n_zeros).zip(words);
            if subset.count_ones() % 2 == 0 {
                sums.for_each(|(sum, word)| *sum = sum.plus(word));
            } else {
                sums.for_each(|(sum, word)| *sum = sum.minus(word));
            }
        }
    }
    if axes != 0 {
        sampled.iter_mut().for_each(|word| *word = word.zigzag());
    }
    sampled
}

fn look<W: Word>(bytes: &[u8], layout: &SliceLayout) -> Vec<(usize, Recipe)> {
    let promise = |recipe: Recipe, n_window: usize| {
        let sampled: Vec<W> = sample(bytes, layout, recipe, n_window);
        match recipe.coder {
            Coder::Leading => leading::promise(&sampled, layout.n_words),
            _ => planes::promise(&planes::split(&sampled), sampled.len(), layout.n_words),
        }
    };
    let n_window = WINDOW_WORDS.min(layout.n_words / (4 * N_WINDOWS)).max(GLANCE_WORDS);
    let plain = planes_recipe(layout);
    let mut recipes = vec![plain];
    if plain.map == Map::Rotate && W::N_BYTES == 1 {
        recipes.push(Recipe { map: Map::None, ..plain });
    }
    if has_leading_bits(layout.element) {
        recipes.push(Recipe { coder: Coder::Leading, ..plain });
    }
    // A glance tells noise, which no difference makes smaller; along two axes none does that does not along either.
    let limit = promise(plain, GLANCE_WORDS);
    let along = |axes: u8| Recipe { map: Map::Order, axes, ..plain };
    let at_glance = |axes: u8, n: usize| promise(along(axes), GLANCE_WORDS) <= n;
    let single: u8 = layout
        .masks()
        .filter(|axes| axes.count_ones() == 1 && at_glance(*axes, limit + limit / MAX_LOSS_ALONG_ONE))
        .sum();
    let limit = limit + limit / MAX_LOSS_GLANCED;
    let worth_it = layout.masks().filter(|axes| axes & single != 0 && at_glance(*axes, limit));
    recipes.extend(worth_it.map(along));
    let mut promises: Vec<_> =
        recipes.into_iter().map(|recipe| (promise(recipe, n_window), recipe)).collect();
    promises.sort_by_key(|(n, _)| *n);
    // Of two that do the same in two ways the better is enough.
    let better =
        promises.iter().find(|(_, recipe)| recipe.map == Map::Rotate).map(|(_, recipe)| recipe.coder);
    promises.retain(|(_, recipe)| recipe.map != Map::Rotate || Some(recipe.coder) == better);
    promises
}

/// Floats whose most significant byte is their exponent.
fn has_leading_bits(element: ElementType) -> bool {
    matches!(element, ElementType::Bf16 | ElementType::F32 | ElementType::Complex64)
}

/// `n` bytes for `sampled` words, for all of them.
fn scale(n: usize, n_sampled: usize, n_words: usize) -> usize {
    (n as u64 * n_words as u64 / n_sampled.max(1) as u64) as usize
}

/// Bytes of all words by pco, as some of them promise; none if they are more than `limit`, or pco sees no more in them than planes
/// do.
pub(super) fn pco_promise(
    bytes: &[u8],
    layout: &SliceLayout,
    recipe: Recipe,
    limit: usize,
    is_glanced: bool,
) -> Option<usize> {
    match layout.n_word_bytes {
        1 => None,
        2 => pco_promise_of::<u16>(bytes, layout, recipe, limit, is_glanced),
        4 => pco_promise_of::<u32>(bytes, layout, recipe, limit, is_glanced),
        _ => pco_promise_of::<u64>(bytes, layout, recipe, limit, is_glanced),
    }
}

fn pco_promise_of<W: Word>(
    bytes: &[u8],
    layout: &SliceLayout,
    recipe: Recipe,
    limit: usize,
    is_glanced: bool,
) -> Option<usize> {
    let kind = if recipe.map == Map::Order { NumberKind::Unsigned } else { NumberKind::of(layout.element)? };
    let n = layout.n_words.min(if W::N_BYTES == 8 { 2 * PCO_WORDS } else { PCO_WORDS });
    let start = (layout.n_words - n) / 2;
    let words: Vec<W> = if recipe.axes == 0 {
        let some = bytes.get(start * W::N_BYTES..(start + n) * W::N_BYTES)?;
        transformed(W::from_bytes(some), layout, recipe.map, 0)?
    } else {
        transformed(W::from_bytes(bytes), layout, recipe.map, recipe.axes)?.get(start..start + n)?.to_vec()
    };
    let promise = |words: &[W], level: usize| {
        let coded = numeric::encode(words, kind, level)?;
        let n_growing = scale(coded.bytes.len() - coded.n_fixed, words.len(), layout.n_words);
        Some((coded.n_fixed + n_growing, coded.is_classic))
    };
    // In no order, bins alone are no better than planes but where a glance tells.
    if is_glanced {
        let (glance, is_classic) =
            promise(words.get(..n / 4).filter(|some| !some.is_empty())?, numeric::GLANCE)?;
        if is_classic && glance > limit - limit / MIN_GAIN_GLANCED {
            return None;
        }
    }
    promise(&words, numeric::QUICK).map(|(n, _)| n).filter(|n| *n < limit - limit / MIN_GAIN_NUMERIC)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::choose::tests::Chance;

    /// What [`sample`] gives, word by word.
    fn plainly(bytes: &[u8], layout: &SliceLayout, recipe: Recipe, n_window: usize) -> Vec<u32> {
        let strides: Vec<usize> = layout.axes(recipe.axes).unwrap().iter().map(|axis| axis.stride).collect();
        let mapped = |at: usize| match (u32::at(bytes, at), recipe.map) {
            (word, Map::None) => word,
            (word, Map::Rotate) => word.rotate_up(),
            (word, Map::Order) => word.ordered(layout.kind()),
        };
        let of = |at: usize| {
            let mut sum = 0_u32;
            for subset in 0..1_usize << strides.len() {
                let back: usize = strides.iter().enumerate().map(|(k, s)| (subset >> k & 1) * s).sum();
                let word = at.checked_sub(back).map_or(0, mapped);
                sum = if subset.count_ones() % 2 == 0 { sum.plus(word) } else { sum.minus(word) };
            }
            if strides.is_empty() { sum } else { sum.zigzag() }
        };
        if layout.n_words <= n_window * N_WINDOWS {
            return (0..layout.n_words).map(of).collect();
        }
        let step = (layout.n_words - n_window) / (N_WINDOWS - 1);
        (0..N_WINDOWS).flat_map(|k| k * step..k * step + n_window).map(of).collect()
    }

    #[test]
    fn windows_are_what_their_words_are() {
        let mut chance = Chance(1);
        for shape in [[1, 1, 1], [3, 5, 7], [2, 40, 50], [1, 2, 2000], [70, 9, 2]] {
            let layout = SliceLayout::new(ElementType::F32, 0, &shape).unwrap();
            let bytes: Vec<u8> = (0..4 * layout.n_words).map(|_| chance.next() as u8).collect();
            let plain = [Map::None, Map::Rotate, Map::Order].map(|map| (map, 0));
            for (map, axes) in plain.into_iter().chain(layout.masks().map(|axes| (Map::Order, axes))) {
                let recipe = Recipe { coder: Coder::Planes, map, axes, is_narrow: false };
                for n_window in [1, 16, 300, 5000] {
                    let found: Vec<u32> = sample(&bytes, &layout, recipe, n_window);
                    assert_eq!(
                        found,
                        plainly(&bytes, &layout, recipe, n_window),
                        "{shape:?} {axes} {n_window}"
                    );
                }
            }
        }
    }
}
