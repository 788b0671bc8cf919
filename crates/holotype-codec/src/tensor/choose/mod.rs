//! Which coder a slice gets. Nothing here is needed to decode.
//!
//! What a look at some words promises is coded quickly; only what then is smallest, or promises to be, is coded densely.
//!
//! * `look`: what some words of a slice promise.
//! * `copies`: what comes again, and how densely that is worth to be coded.

mod copies;
mod look;
#[cfg(test)]
mod tests;

use super::layout::SliceLayout;
use super::narrow::narrowed;
use super::numeric::NumberKind;
use super::ranks::Ranked;
use super::stream::{self, Coder, Map, Recipe};
use super::{ElementType, TensorCodec, WordKind, lz};
use copies::{Level, SMALL, has_copies};
use look::{Look, pco_promise};
use std::borrow::Cow;

/// A coded slice saves at least one part in so many: 3 %.
const MIN_GAIN: usize = 33;
/// Slices that take no more than this, coded, have too few values or too few words for ranks to gain anything.
const MIN_BYTES_RANKED: usize = 1024;
/// Ranks of words in no order save at least one part in so many.
const MIN_GAIN_RANKED: usize = 50;
/// A slice coded to less than one part in so many is as good as none: nothing else is tried.
const NEGLIGIBLE: usize = 4096;
/// Of two ways to code a slice densely the second is left out if it promises to be larger by more than one part in so many.
const NEAR: usize = 100;
/// What some words promise of pco may be too much by one part in so many.
const MAX_LOSS_NUMERIC: usize = 4;

const PLAIN: Recipe = Recipe { coder: Coder::Zstd, map: Map::None, axes: 0, is_narrow: false };

/// Codes a slice; nothing if it is best kept as it is.
pub(super) fn encode(bytes: &[u8], layout: &SliceLayout, codec: TensorCodec) -> Option<Vec<u8>> {
    if codec != TensorCodec::Auto {
        return encode_plainly(bytes, layout, codec);
    }
    let found = Found::of(bytes, layout);
    let ranked = ranked(bytes, layout, &found);
    let Some(ranks) = ranked.as_ref().map(FoundRanks::of) else { return found.finish() };
    let mut best = Best(None);
    let (n_words, n_ranks) = (found.n_promised(), ranks.n_promised());
    if n_words <= n_ranks.saturating_add(n_ranks / NEAR) {
        best.offer(found.finish());
    }
    if n_ranks <= n_words.saturating_add(n_words / NEAR) {
        best.offer(Some(ranks.finish()));
    }
    best.0.filter(|coded| is_worth_it(coded.len(), bytes.len(), codec))
}

/// The same without ranks, so that the slice may be a part of another.
pub(super) fn encode_plainly(bytes: &[u8], layout: &SliceLayout, codec: TensorCodec) -> Option<Vec<u8>> {
    let coded = match codec {
        TensorCodec::Raw => return None,
        TensorCodec::Planes => {
            let recipe = planes_recipe(layout);
            let narrow = stream::encode(bytes, layout, Recipe { is_narrow: true, ..recipe }, lz::QUICK);
            narrow.or_else(|| stream::encode(bytes, layout, recipe, lz::QUICK))
        }
        TensorCodec::ShuffleZstd => {
            stream::encode(bytes, layout, Recipe { coder: Coder::ShuffleZstd, ..PLAIN }, lz::DENSE)
        }
        TensorCodec::Lorenzo => {
            let all = layout.masks().map(|axes| Recipe { map: Map::Order, axes, ..planes_recipe(layout) });
            let coded = |recipe| stream::encode(bytes, layout, recipe, lz::QUICK);
            match Look::of(bytes, layout).best_differences() {
                Some(recipe) => coded(recipe),
                None => all.filter_map(coded).min_by_key(Vec::len),
            }
        }
        TensorCodec::Pco => stream::encode(bytes, layout, pco_recipe(layout.element), lz::QUICK),
        TensorCodec::Auto => return Found::of(bytes, layout).finish(),
    };
    coded.filter(|coded| is_worth_it(coded.len(), bytes.len(), codec))
}

fn is_worth_it(n_coded: usize, n_bytes: usize, codec: TensorCodec) -> bool {
    n_coded < n_bytes && (codec != TensorCodec::Auto || n_coded + n_bytes / MIN_GAIN <= n_bytes)
}

fn planes_recipe(layout: &SliceLayout) -> Recipe {
    let map = if layout.kind() == WordKind::Float { Map::Rotate } else { Map::None };
    Recipe { coder: Coder::Planes, map, axes: 0, is_narrow: false }
}

fn pco_recipe(element: ElementType) -> Recipe {
    let map = if NumberKind::of(element).is_some() { Map::None } else { Map::Order };
    Recipe { coder: Coder::Pco, map, axes: 0, is_narrow: false }
}

struct Best(Option<Vec<u8>>);

impl Best {
    fn offer(&mut self, coded: Option<Vec<u8>>) {
        if let Some(coded) = coded.filter(|coded| coded.len() < self.len()) {
            self.0 = Some(coded);
        }
    }

    fn len(&self) -> usize {
        self.0.as_ref().map_or(usize::MAX, Vec::len)
    }
}

/// A slice coded quickly in the ways that a look at it suggests.
struct Found<'a> {
    /// Those of the narrower type if it is one.
    bytes: Cow<'a, [u8]>,
    layout: SliceLayout,
    is_narrow: bool,
    best: Best,
    /// Words tell of others near them, or come again.
    has_order: bool,
    /// What is worth to be coded more densely, the smallest promise first.
    dense: Vec<(Level, Recipe)>,
}

impl<'a> Found<'a> {
    fn of(bytes: &'a [u8], layout: &SliceLayout) -> Self {
        let narrow = narrowed(bytes, layout);
        let is_narrow = narrow.is_some();
        let (bytes, layout) = narrow
            .map_or((Cow::Borrowed(bytes), layout.clone()), |(bytes, layout)| (Cow::Owned(bytes), layout));
        let mut found =
            Self { bytes, layout, is_narrow, best: Best(None), has_order: is_narrow, dense: Vec::new() };
        found.look();
        found
    }

    /// The least bytes that the slice takes or may take.
    fn n_promised(&self) -> usize {
        self.dense.first().map_or(usize::MAX, |(level, _)| level.n_promised).min(self.best.len())
    }

    fn is_negligible(&self) -> bool {
        self.best.len() < self.bytes.len() / NEGLIGIBLE
    }

    fn coded(&self, recipe: Recipe, level: i32) -> Option<Vec<u8>> {
        stream::encode(&self.bytes, &self.layout, recipe, level)
    }

    fn look(&mut self) {
        let look = Look::of(&self.bytes, &self.layout);
        let Some((promised, first)) = look.promises.first().copied() else { return };
        // The first, and another that comes close.
        for (_, recipe) in look.promises.iter().filter(|(n, _)| *n <= promised + promised / 32).take(2) {
            self.best.offer(self.coded(*recipe, lz::QUICK));
        }
        if self.is_negligible() {
            self.has_order = true;
            return;
        }
        let smooth = Some(first).filter(|recipe| recipe.axes != 0);
        let has_copies = has_copies(&self.bytes, self.layout.n_word_bytes);
        self.has_order |= smooth.is_some() || has_copies;
        // What is smooth is worth it for the copies among its differences.
        let plain = look.promises.iter().find(|(_, recipe)| recipe.axes == 0).map(|(n, _)| *n);
        let limit = plain.filter(|_| smooth.is_none()).map_or(usize::MAX, |n| n - n / MIN_GAIN);
        let n_planes = self.best.len();
        let quick = if has_copies { self.offer_copies(smooth) } else { Vec::new() };
        // Floats of two bytes in no order that do not come again leave pco nothing that planes do not see.
        if self.layout.n_word_bytes != 2 || self.layout.kind() != WordKind::Float || self.has_order {
            self.offer_pco(smooth, n_planes.min(self.bytes.len()));
        }
        self.find_levels(quick, limit);
    }

    /// Copies as they are quickly found, in the bytes as they are, in planes, and in what is smooth.
    fn offer_copies(&mut self, smooth: Option<Recipe>) -> Vec<(usize, Recipe)> {
        let mut recipes = vec![PLAIN];
        if self.layout.n_word_bytes > 1 {
            recipes.push(Recipe { coder: Coder::ShuffleZstd, ..PLAIN });
        }
        recipes.extend(smooth.map(|recipe| Recipe { coder: Coder::ShuffleZstd, ..recipe }));
        let mut quick = Vec::new();
        for recipe in recipes {
            if let Some(coded) = self.coded(recipe, lz::QUICK) {
                quick.push((coded.len(), recipe));
                self.best.offer(Some(coded));
            }
        }
        quick
    }

    /// Numbers in bins, if some words promise less than `limit` bytes and no far more than the best takes.
    fn offer_pco(&mut self, smooth: Option<Recipe>, limit: usize) {
        let recipe = pco_recipe(self.layout.element);
        let differences = smooth.map(|recipe| Recipe { coder: Coder::Pco, ..recipe });
        let promise =
            |recipe| Some((pco_promise(&self.bytes, &self.layout, recipe, limit, !self.has_order)?, recipe));
        let mut promises: Vec<_> =
            [Some(recipe), differences].into_iter().flatten().filter_map(promise).collect();
        promises.sort_by_key(|(n, _)| *n);
        for (n, recipe) in promises {
            let n_best = self.best.len();
            if n < n_best.saturating_add(n_best / MAX_LOSS_NUMERIC) {
                self.best.offer(self.coded(recipe, lz::DENSE));
            }
        }
    }

    /// What came near the best quickly, and is below `limit`, may be worth a denser level.
    fn find_levels(&mut self, mut quick: Vec<(usize, Recipe)>, limit: usize) {
        quick.sort_by_key(|(n, _)| *n);
        let smallest = quick.first().map_or(usize::MAX, |(n, _)| *n);
        let n_best = self.best.len();
        let is_near = |n: usize| {
            n < limit && n < n_best.saturating_add(n_best / 2) && n <= smallest.saturating_add(smallest / 4)
        };
        for (n_quick, recipe) in quick.into_iter().filter(|(n, _)| is_near(*n)) {
            let level = copies::level(&self.bytes, &self.layout, recipe, n_quick, n_best);
            self.dense.extend(level.map(|level| (level, recipe)));
        }
        self.dense.sort_by_key(|(level, _)| level.n_promised);
        let promised = self.dense.first().map_or(0, |(level, _)| level.n_promised);
        self.dense.retain(|(level, _)| level.n_promised <= promised + promised / NEAR);
    }

    /// The slice as densely as that is worth its time; nothing if it is best kept as it is.
    fn finish(self) -> Option<Vec<u8>> {
        let mut best = Best(None);
        for (Level { level, .. }, recipe) in &self.dense {
            best.offer(self.coded(*recipe, *level));
        }
        let Self { bytes, is_narrow, best: quick, .. } = self;
        best.offer(quick.0);
        let mut coded = best.0?;
        if is_narrow {
            stream::mark_narrow(&mut coded);
        }
        let n_bytes = if is_narrow { 2 * bytes.len() } else { bytes.len() };
        is_worth_it(coded.len(), n_bytes, TensorCodec::Auto).then_some(coded)
    }
}

/// A slice of few values: these and the rank of each word.
struct FoundRanks<'a> {
    ranked: &'a Ranked,
    values: Found<'a>,
    ranks: Found<'a>,
}

impl<'a> FoundRanks<'a> {
    fn of(ranked: &'a Ranked) -> Self {
        let Ranked { values, values_layout, ranks, ranks_layout } = ranked;
        Self { ranked, values: Found::of(values, values_layout), ranks: Found::of(ranks, ranks_layout) }
    }

    fn n_promised(&self) -> usize {
        let Self { ranked, values, ranks } = self;
        values.n_promised().min(ranked.values.len()) + ranks.n_promised().min(ranked.ranks.len())
    }

    fn finish(self) -> Vec<u8> {
        self.ranked.write(self.values.finish(), self.ranks.finish())
    }
}

/// The words as ranks, if they are of few values.
fn ranked(bytes: &[u8], layout: &SliceLayout, found: &Found<'_>) -> Option<Ranked> {
    let n_best = found.n_promised().min(bytes.len());
    if layout.element.n_words() != 1 || n_best <= MIN_BYTES_RANKED.max(bytes.len() / SMALL) {
        return None;
    }
    // In no order, ranks are worth what the frequencies of their values are.
    let limit = if found.has_order { usize::MAX } else { n_best - n_best / MIN_GAIN_RANKED };
    Ranked::of(bytes, layout, limit)
}
