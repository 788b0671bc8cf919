//! Which coders of pixels are tried. A decoder never needs to know.

use super::dictionary::Dictionary;
use super::estimate::{self, Guess};
use super::pixels::{Pixels, pixel_bytes, read_row};
use super::{Patience, PixelCoder, code};
use crate::image::race::Race;
use crate::image::{Mode, TileOptions, path};
use crate::{TileRef, TileShape};

/// What one look at some of a tile's rows tells.
#[derive(Debug, Clone, Copy)]
struct Survey {
    /// Pixels unlike those to the left, above, above left and above right, in 1024ths.
    n_new: usize,
    /// Different pixels among those that differ from the one to the left, up to a limit.
    n_colours: usize,
    /// Colours are met four times on average, or more.
    colours_return: bool,
}

/// Rows looked at, in parts that are each spread over the tile.
const N_ROWS: usize = 64;
const N_PARTS: usize = 8;
const MAX_COLOURS: usize = 4096;
/// Pixels after which a look may end early.
const MIN_SEEN: usize = 2000;
/// Tiles up to this size are tried with everything.
const SMALL_PIXELS: usize = 4096;
/// Tiles from this size on are first coded in part, if they are worth trying with more coders than one.
const N_STRIP_PIXELS: usize = 1 << 16;
/// How large a part: one of so many.
const STRIP: usize = 6;
/// Most bytes of a part, in percent of what runs take, that leave hope for the whole.
const HOPE: usize = 150;

impl Survey {
    /// Stops after a few rows all over the tile if more than `most` in 1024 pixels are new.
    fn new(tile: &TileRef<'_>, n_bytes: usize, most: usize) -> Self {
        let rows = tile.rows();
        let step = rows.len().div_ceil(N_ROWS).max(1);
        let mut dictionary = Dictionary::new();
        let (mut n_new, mut n_seen) = (0, 0);
        let (mut above, mut row) = (Vec::new(), Vec::new());
        for part in 0..N_PARTS {
            for y in (part * step..rows.len()).step_by(N_PARTS * step) {
                above.clear();
                row.clear();
                read_row(rows[y.saturating_sub(1)], n_bytes, &mut above);
                read_row(rows[y], n_bytes, &mut row);
                for x in 0..row.len() {
                    let pixel = row[x];
                    if x > 0 && row[x - 1] == pixel {
                        continue;
                    }
                    if dictionary.entries.len() < MAX_COLOURS {
                        dictionary.number(pixel);
                    }
                    let near = &above[x.saturating_sub(1)..(x + 2).min(row.len())];
                    n_new += usize::from(y == 0 || !near.contains(&pixel));
                }
                n_seen += row.len();
                // Far more than enough, on rows far apart, needs no more of them.
                if n_seen > MIN_SEEN && n_new * 1024 > 2 * most * n_seen {
                    break;
                }
            }
            if n_new * 1024 > most * n_seen {
                break;
            }
        }
        let n_colours = dictionary.entries.len();
        Self { n_new: n_new * 1024 / n_seen.max(1), n_colours, colours_return: 4 * n_colours <= n_seen }
    }
}

/// What is tried for a tile.
#[derive(Debug)]
pub(in crate::image) struct Plan {
    coders: Vec<PixelCoder>,
    /// New pixels in 1024.
    n_new: usize,
    /// Whether a guess may stand for trying a coder.
    guesses: bool,
    /// Whether time is no object.
    is_patient: bool,
    /// Single channels: what repeats cost is guessed well whatever the number of colours.
    is_single: bool,
    /// Whether planes may be smaller.
    tries_planes: bool,
    /// Whether a guess tells what is tried first.
    is_ordered: bool,
    /// Whether planes and copies may be compared before they are done: not where copies are tried in vain most times.
    may_race: bool,
    /// Whether there are more than 256 colours for certain.
    has_many_colours: bool,
    /// Percent of their guess that planes take at least.
    least_percent: u64,
    /// Whether nothing is tried unless repeats are guessed to take less than planes.
    needs_repeats: bool,
}

/// Leaves out coders that take far more than runs for a part of the tile. Copies find more in the whole than in a part;
/// by how much more they may lose there is from the sizes of tiles of many kinds.
fn drop_hopeless(coders: &mut Vec<PixelCoder>, pixels: &Pixels, shape: &TileShape) {
    let strip = pixels.middle(STRIP);
    let shape = TileShape { height: (strip.values.len() / strip.width) as u32, ..*shape };
    let size = |coder| {
        code(coder, &strip, &shape, Patience::Limited, usize::MAX).map_or(usize::MAX, |coded| coded.len())
    };
    let most = size(PixelCoder::Runs).saturating_mul(HOPE) / 100;
    coders.retain(|coder| *coder == PixelCoder::Runs || size(*coder) <= most);
}

impl Plan {
    /// One look at some rows of the tile.
    pub(in crate::image) fn new(tile: &TileRef<'_>, options: &TileOptions) -> Self {
        let shape = tile.shape();
        let Some(n_bytes) = pixel_bytes(&shape) else {
            return Self {
                coders: Vec::new(),
                n_new: 0,
                guesses: false,
                is_patient: true,
                is_single: false,
                tries_planes: true,
                is_ordered: false,
                may_race: false,
                has_many_colours: false,
                least_percent: 0,
                needs_repeats: false,
            };
        };
        let most_new = if options.mode == Mode::Fast { 400 } else { 850 };
        let Survey { n_new, n_colours, colours_return } = Survey::new(tile, n_bytes, most_new);
        // What is soon done is tried.
        let is_small = shape.n_pixels() <= SMALL_PIXELS;
        let most = |standard: usize, fast: usize| {
            is_small || n_new <= if options.mode == Mode::Fast { fast } else { standard }
        };
        let is_flat = n_new <= 3 && !is_small;
        let few = if options.mode == Mode::Fast { 16 } else { 256 };
        let mut coders = Vec::new();
        if n_colours > 1 {
            if most(64, 64) {
                coders.push(PixelCoder::Runs);
            }
            // Single bytes repeat by chance: a search for copies gains little over prediction and takes long.
            let most_copied = if shape.n_channels == 1 { 20 } else { 160 };
            if most(550, most_copied) && !(is_flat && (n_colours <= 16 || options.mode == Mode::Fast)) {
                coders.push(PixelCoder::Copies);
            }
            if (n_colours <= 16 || most(550, 160))
                && most(1024, 160)
                && n_colours <= few
                && !(is_flat && n_colours > 2)
            {
                coders.push(PixelCoder::Palette);
            }
        }
        if options.mode == Mode::Archival && n_colours > 1 && most(450, 0) {
            coders.push(PixelCoder::Mixing);
        }
        let tries_planes =
            is_small || n_colours == 1 || n_new >= 60 || (shape.n_channels == 1 && n_new >= 10);
        // With few colours a palette may do better than any guess says.
        let is_single = shape.n_channels == 1;
        let has_many = n_colours > if is_single { 16 } else { 256 };
        let guesses = if is_small { !colours_return } else { has_many };
        let is_patient = options.mode == Mode::Archival || shape.n_pixels() < N_STRIP_PIXELS;
        let is_ordered = options.mode != Mode::Fast;
        let may_race = options.mode == Mode::Standard && !is_single;
        // Planes of few colours are better than their guess, and archival ones than those of the tiles it is from.
        let least_percent = match (guesses, options.mode) {
            (true, Mode::Archival) => 33,
            (true, _) => 37,
            (false, Mode::Archival) => 27,
            (false, _) => 30,
        };
        // Of a small picture, coders of pixels may take a little less than planes whatever it shows, and many times as long.
        let needs_repeats = options.mode == Mode::Fast && is_small && n_new > most_new && !colours_return;
        Self {
            coders,
            n_new,
            guesses,
            is_patient,
            is_single,
            tries_planes,
            is_ordered,
            may_race,
            has_many_colours: n_colours > 256,
            least_percent,
            needs_repeats,
        }
    }

    /// True if a coder is not worth trying where repeats are guessed to take `percent` of the planes' bytes. From the
    /// sizes of tiles of many kinds: what these rules drop was smaller in one of fifty, by little.
    fn is_hopeless(&self, coder: PixelCoder, percent: u64) -> bool {
        match coder {
            PixelCoder::Copies | PixelCoder::Bulk => percent > 112,
            PixelCoder::Palette | PixelCoder::Runs => self.is_single && percent > 125,
            PixelCoder::Mixing => percent > 115 && self.n_new >= 280 || percent > 145 && self.n_new >= 200,
        }
    }

    /// What the tile would take; `None` where that is not known or nothing depends on it.
    pub(in crate::image) fn guess(&self, tile: &TileRef<'_>) -> Option<Guess> {
        let helps = self.guesses || self.is_ordered || self.needs_repeats;
        let is_used = !self.coders.is_empty() && self.tries_planes && helps;
        if is_used { estimate::guess(tile) } else { None }
    }

    /// Whether the tile is coded as pixels before it is as planes, if it is then.
    pub(in crate::image) fn begins_with_pixels(&self, guess: Option<Guess>) -> bool {
        !self.tries_planes || self.is_ordered && guess.is_some_and(|guess| guess.is_repetitive())
    }

    /// Bytes that the tile takes at least as planes: the smallest part of its guess that any of 1238 tiles of many kinds
    /// took. Without a guess, more than it takes as pixels.
    pub(in crate::image) fn least_planes(&self, guess: Option<Guess>) -> usize {
        guess.map_or(usize::MAX, |guess| (guess.planes * self.least_percent / 100) as usize)
    }

    /// Copies to go beside planes, where either may be far behind.
    pub(in crate::image) fn race<'a>(&self, tile: &'a TileRef<'a>, guess: Option<Guess>) -> Option<Race<'a>> {
        let is_worth = self.may_race && self.tries_planes && self.coders.contains(&PixelCoder::Copies);
        if is_worth { guess.map(|guess| Race::new(tile, guess, self.has_many_colours)) } else { None }
    }

    /// The tile by the coder that takes the fewest bytes; `None` if none can, or none is likely to take fewer than
    /// `n_predicted`, the bytes of the tile as planes. Copies are those of the race if there is one.
    pub(in crate::image) fn encode(
        &self,
        tile: &TileRef<'_>,
        guess: Option<Guess>,
        n_predicted: Option<usize>,
        race: Option<&mut Race<'_>>,
    ) -> Option<Vec<u8>> {
        let mut coders = self.coders.clone();
        if self.guesses
            && let (Some(guess), Some(n_predicted)) = (guess, n_predicted)
        {
            let percent = guess.repeats * 100 / n_predicted as u64;
            coders.retain(|coder| !self.is_hopeless(*coder, percent));
        }
        let is_likely = !self.needs_repeats || guess.is_some_and(|guess| guess.is_repetitive());
        if coders.is_empty() || !is_likely {
            return None;
        }
        let shape = tile.shape();
        let mut raced = race.filter(|_| coders.contains(&PixelCoder::Copies));
        let pixels = if raced.is_some() && coders.len() == 1 { None } else { Some(Pixels::read(tile)?) };
        if let Some(pixels) = &pixels
            && !self.is_patient
            && coders.len() > 1
            && coders.contains(&PixelCoder::Runs)
        {
            drop_hopeless(&mut coders, pixels, &shape);
        }
        let patience = if self.is_patient { Patience::Endless } else { Patience::Limited };
        let mut best: Option<Vec<u8>> = None;
        let mut most_bytes = n_predicted.unwrap_or(usize::MAX);
        for coder in coders {
            let coded = match (&mut raced, &pixels) {
                (Some(race), _) if coder == PixelCoder::Copies => race.copies(most_bytes),
                (_, Some(pixels)) => code(coder, pixels, &shape, patience, most_bytes),
                _ => None,
            };
            if let Some(coded) = coded
                && best.as_ref().is_none_or(|best| coded.len() < best.len())
            {
                most_bytes = most_bytes.min(coded.len());
                best = Some(coded);
            }
        }
        Some([&[path::INDEXED], best?.as_slice()].concat())
    }
}
