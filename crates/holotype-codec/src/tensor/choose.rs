//! Which coder a slice gets. Nothing here is needed to decode.

use super::layout::SliceLayout;
use super::narrow::narrower;
use super::numeric::{self, NumberKind};
use super::stream::{self, Coder, Map, Recipe, transformed};
use super::word::Word;
use super::{ElementType, TensorCodec, WordKind, leading, lz, planes, ranks};

/// A coded slice saves at least one part in so many: 3 %.
const MIN_GAIN: usize = 33;
/// Words looked at, in windows spread over the slice.
const WINDOW_WORDS: usize = 2048;
/// Words of a window at a first glance.
const GLANCE_WORDS: usize = 256;
const N_WINDOWS: usize = 4;
/// Words pco is tried on, twice as many of eight bytes.
const PCO_WORDS: usize = 4096;
/// pco promises to save one part in so many of what planes take, at a glance and at a look.
const MIN_GAIN_GLANCED: usize = 50;
const MIN_GAIN_NUMERIC: usize = 100;
/// Slices that take no more than this, coded, have too few values or too few words for ranks to gain anything.
const MIN_BYTES_RANKED: usize = 1024;
/// Ranks of words in no order save at least one part in so many.
const MIN_GAIN_RANKED: usize = 50;
/// Differences are looked at closely if a glance finds them larger by less than one part in so many.
const MAX_LOSS_GLANCED: usize = 128;
/// One repeated group of eight bytes in so many is worth a search for copies.
const MIN_REPEATS: usize = 64;

const PLAIN: Recipe = Recipe { coder: Coder::Zstd, map: Map::None, axes: 0, is_narrow: false };

/// Codes a slice; nothing if it is best kept as it is.
pub(super) fn encode(bytes: &[u8], layout: &SliceLayout, codec: TensorCodec) -> Option<Vec<u8>> {
    if codec != TensorCodec::Auto {
        return encode_plainly(bytes, layout, codec);
    }
    let Found { coded, has_order } = auto(bytes, layout);
    let mut best = Best(worth_it(coded, bytes, codec));
    let n_best = best.len().min(bytes.len());
    if layout.element.n_words() == 1 && n_best > MIN_BYTES_RANKED {
        // In no order, ranks are worth what the frequencies of their values are.
        let limit = if has_order { usize::MAX } else { n_best - n_best / MIN_GAIN_RANKED };
        best.offer(worth_it(ranks::encode(bytes, layout, limit), bytes, codec));
    }
    best.0
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
        TensorCodec::Pco => stream::encode(bytes, layout, pco_recipe(layout.element, false), lz::QUICK),
        TensorCodec::Auto => auto(bytes, layout).coded,
    };
    worth_it(coded, bytes, codec)
}

fn worth_it(coded: Option<Vec<u8>>, bytes: &[u8], codec: TensorCodec) -> Option<Vec<u8>> {
    coded.filter(|coded| coded.len() < bytes.len() && is_worth_it(coded.len(), bytes.len(), codec))
}

fn is_worth_it(n_coded: usize, n_bytes: usize, codec: TensorCodec) -> bool {
    codec != TensorCodec::Auto || n_coded + n_bytes / MIN_GAIN <= n_bytes
}

fn planes_recipe(layout: &SliceLayout) -> Recipe {
    let map = if layout.kind() == WordKind::Float { Map::Rotate } else { Map::None };
    Recipe { coder: Coder::Planes, map, axes: 0, is_narrow: false }
}

fn pco_recipe(element: ElementType, is_narrow: bool) -> Recipe {
    let map = if NumberKind::of(element).is_some() { Map::None } else { Map::Order };
    Recipe { coder: Coder::Pco, map, axes: 0, is_narrow }
}

/// What a look at some words of a slice promises, in bytes for all of it, the best first.
struct Look {
    promises: Vec<(usize, Recipe)>,
}

impl Look {
    fn of(bytes: &[u8], layout: &SliceLayout) -> Self {
        let promises = match layout.n_word_bytes {
            1 => look::<u8>(bytes, layout),
            2 => look::<u16>(bytes, layout),
            4 => look::<u32>(bytes, layout),
            _ => look::<u64>(bytes, layout),
        };
        Self { promises }
    }

    fn best_differences(&self) -> Option<Recipe> {
        self.promises.iter().find(|(_, recipe)| recipe.axes != 0).map(|(_, recipe)| *recipe)
    }
}

/// Words of the windows, each with its difference along axes already taken where `axes` says so.
fn sample<W: Word>(bytes: &[u8], layout: &SliceLayout, recipe: Recipe, n_window: usize) -> Vec<W> {
    let Recipe { map, axes, .. } = recipe;
    let strides: Vec<usize> = layout.axes(axes).unwrap_or_default().iter().map(|axis| axis.stride).collect();
    let kind = layout.kind();
    let mapped = |at: usize| match (W::at(bytes, at), map) {
        (word, Map::None) => word,
        (word, Map::Rotate) => word.rotate_up(),
        (word, Map::Order) => word.ordered(kind),
    };
    // W + N − NW and so on, by inclusion and exclusion; rows that meet at an edge make little difference.
    let difference = |at: usize| {
        let mut sum = W::default();
        for subset in 0..1_usize << strides.len() {
            let back: usize = strides.iter().enumerate().map(|(k, s)| (subset >> k & 1) * s).sum();
            let word = at.checked_sub(back).map_or(W::default(), mapped);
            sum = if subset.count_ones() % 2 == 0 { sum.plus(word) } else { sum.minus(word) };
        }
        sum.zigzag()
    };
    let of = |at: usize| if axes == 0 { mapped(at) } else { difference(at) };
    if layout.n_words <= n_window * N_WINDOWS {
        return (0..layout.n_words).map(of).collect();
    }
    let step = (layout.n_words - n_window) / (N_WINDOWS - 1);
    (0..N_WINDOWS).flat_map(|k| k * step..k * step + n_window).map(of).collect()
}

fn look<W: Word>(bytes: &[u8], layout: &SliceLayout) -> Vec<(usize, Recipe)> {
    let promise = |recipe: Recipe, n_window: usize| {
        let sampled: Vec<W> = sample(bytes, layout, recipe, n_window);
        match recipe.coder {
            Coder::Leading => leading::promise(&sampled, layout.n_words),
            _ => planes::promise(&planes::split(&sampled), sampled.len(), layout.n_words),
        }
    };
    let plain = planes_recipe(layout);
    let mut recipes = vec![plain];
    if plain.map == Map::Rotate && W::N_BYTES == 1 {
        recipes.push(Recipe { map: Map::None, ..plain });
    }
    if has_leading_bits(layout.element) {
        recipes.push(Recipe { coder: Coder::Leading, ..plain });
    }
    // A glance tells noise, which no difference makes smaller.
    let limit = promise(plain, GLANCE_WORDS);
    let differences = layout.masks().map(|axes| Recipe { map: Map::Order, axes, ..plain });
    let limit = limit + limit / MAX_LOSS_GLANCED;
    recipes.extend(differences.filter(|recipe| promise(*recipe, GLANCE_WORDS) <= limit));
    let mut promises: Vec<_> =
        recipes.into_iter().map(|recipe| (promise(recipe, WINDOW_WORDS), recipe)).collect();
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
fn pco_promise<W: Word>(
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
    let promise = |words: &[W]| {
        let coded = numeric::encode(words, kind, numeric::QUICK)?;
        let n_growing = scale(coded.bytes.len() - coded.n_fixed, words.len(), layout.n_words);
        Some((coded.n_fixed + n_growing, coded.is_classic))
    };
    // In no order, bins alone are no better than planes but where a glance tells.
    if is_glanced {
        let (glance, is_classic) = promise(words.get(..n / 4).filter(|some| !some.is_empty())?)?;
        if is_classic && glance > limit - limit / MIN_GAIN_GLANCED {
            return None;
        }
    }
    promise(&words).map(|(n, _)| n).filter(|n| *n < limit - limit / MIN_GAIN_NUMERIC)
}

/// True if groups of eight bytes come again more often than numbers do by chance.
fn has_copies(bytes: &[u8], n_word_bytes: usize) -> bool {
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

/// The smallest of what was worth trying.
struct Found {
    coded: Option<Vec<u8>>,
    /// Words tell of others near them, or come again.
    has_order: bool,
}

fn auto(bytes: &[u8], layout: &SliceLayout) -> Found {
    if let coded @ Some(_) = auto_narrow(bytes, layout) {
        return Found { coded, has_order: true };
    }
    let look = Look::of(bytes, layout);
    let mut best = Best(None);
    let Some((promised, first)) = look.promises.first().copied() else {
        return Found { coded: None, has_order: true };
    };
    // The first, and others that come close.
    let mut close = look.promises.iter().filter(|(n, _)| *n <= promised + promised / 32).take(2);
    close.by_ref().for_each(|(_, recipe)| best.offer(stream::encode(bytes, layout, *recipe, lz::QUICK)));
    let smooth = Some(first).filter(|recipe| recipe.axes != 0);
    let has_copies = has_copies(bytes, layout.n_word_bytes);
    let has_order = smooth.is_some() || has_copies;
    // Floats of two bytes in no order that do not come again leave pco nothing that planes do not see.
    if layout.n_word_bytes != 2 || layout.kind() != WordKind::Float || has_order {
        offer_pco(&mut best, bytes, layout, smooth, has_order);
    }
    if has_copies {
        let plain = look.promises.iter().find(|(_, recipe)| recipe.axes == 0).map(|(n, _)| *n);
        // What is smooth is worth it for the copies among its differences.
        let limit = plain.filter(|_| smooth.is_none()).map_or(usize::MAX, |n| n - n / MIN_GAIN);
        offer_copies(&mut best, bytes, layout, smooth, limit);
    }
    // Numbers that pco is best at are worth its time.
    if let Some(recipe) = best.0.as_ref().and_then(|coded| stream::pco_recipe_of(coded)) {
        best.offer(stream::encode(bytes, layout, recipe, lz::DENSE));
    }
    Found { coded: best.0, has_order }
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

/// Floats that are all of a narrower type.
fn auto_narrow(bytes: &[u8], layout: &SliceLayout) -> Option<Vec<u8>> {
    let to = narrower(layout.element)?;
    let recipe = Recipe { is_narrow: true, ..planes_recipe(layout) };
    let mut best = Best(None);
    best.offer(Some(stream::encode(bytes, layout, recipe, lz::QUICK)?));
    for axes in layout.masks() {
        best.offer(stream::encode(bytes, layout, Recipe { map: Map::Order, axes, ..recipe }, lz::QUICK));
    }
    best.offer(stream::encode(bytes, layout, pco_recipe(to, true), lz::QUICK));
    offer_copies(&mut best, bytes, layout, None, usize::MAX);
    best.0
}

fn offer_pco(best: &mut Best, bytes: &[u8], layout: &SliceLayout, smooth: Option<Recipe>, has_order: bool) {
    let recipe = pco_recipe(layout.element, false);
    let differences = smooth.map(|recipe| Recipe { coder: Coder::Pco, ..recipe });
    for recipe in [Some(recipe), differences].into_iter().flatten() {
        let limit = best.len().min(bytes.len());
        let is_glanced = !has_order;
        let promise = match layout.n_word_bytes {
            1 => None,
            2 => pco_promise::<u16>(bytes, layout, recipe, limit, is_glanced),
            4 => pco_promise::<u32>(bytes, layout, recipe, limit, is_glanced),
            _ => pco_promise::<u64>(bytes, layout, recipe, limit, is_glanced),
        };
        if promise.is_some() {
            best.offer(stream::encode(bytes, layout, recipe, lz::QUICK));
        }
    }
}

/// Looks for copies quickly; what comes near the best, and is below `limit`, is done densely.
fn offer_copies(best: &mut Best, bytes: &[u8], layout: &SliceLayout, smooth: Option<Recipe>, limit: usize) {
    let mut recipes = vec![PLAIN];
    if layout.n_word_bytes > 1 {
        recipes.push(Recipe { coder: Coder::ShuffleZstd, ..PLAIN });
    }
    recipes.extend(smooth.map(|recipe| Recipe { coder: Coder::ShuffleZstd, ..recipe }));
    let quick: Vec<_> = recipes
        .into_iter()
        .filter_map(|recipe| Some((stream::encode(bytes, layout, recipe, lz::QUICK)?, recipe)))
        .collect();
    let smallest = quick.iter().map(|(coded, _)| coded.len()).min().unwrap_or(usize::MAX);
    for (coded, recipe) in quick {
        let is_near = coded.len() < best.len().saturating_add(best.len() / 2)
            && coded.len() <= smallest.saturating_add(smallest / 2)
            && coded.len() < limit;
        best.offer(Some(coded));
        if is_near {
            best.offer(stream::encode(bytes, layout, recipe, lz::DENSE));
        }
    }
}
