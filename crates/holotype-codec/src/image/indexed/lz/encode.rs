use super::literal::{Channels, Literals, Numbers};
use super::search::{Patience, Search, matching};
use super::{Around, Canvas, Models, context, kind, run_class, token};
use crate::entropy::number::zigzag;
use crate::entropy::rans::{Encoder, SymbolCoder};
use crate::image::indexed::dictionary::{Dictionary, EntryCoder, EntryForm};
use crate::image::indexed::pixels::{Pixels, pixel_bytes};
use crate::{SampleType, TileRef, TileShape};

/// Runs this long are taken without a look at copies.
const LONG_RUN: usize = 48;
/// Copies this long are taken without a look at others.
const LONG_COPY: usize = 64;

/// A tile on its way into copies and literals, any number of rows at a time.
pub(in crate::image) struct Copying {
    /// What stands before the coded pixels.
    head: Vec<u8>,
    parser: Box<dyn Parse>,
    width: usize,
    n_rows: usize,
    /// What each of the rows coded so far has taken together with those above it, in 256ths of a bit.
    spent: Vec<u64>,
}

impl Copying {
    /// [`Copying::new`] for the pixels of `tile`, with limited patience.
    pub(in crate::image) fn of(tile: &TileRef<'_>) -> Option<Self> {
        let shape = tile.shape();
        Self::new(&Pixels::read(tile)?, &shape, pixel_bytes(&shape)?, Patience::Limited)
    }

    /// `None` if the tile has neither few colours nor up to four 8-bit channels.
    pub(in crate::image::indexed) fn new(
        pixels: &Pixels,
        shape: &TileShape,
        n_bytes: usize,
        patience: Patience,
    ) -> Option<Self> {
        let mut canvas = Canvas::new(pixels.width, pixels.values.len());
        let mut head = Vec::new();
        let mut coder = Encoder::default();
        let parser: Box<dyn Parse> = if let Some((dictionary, numbers)) =
            Dictionary::index(&pixels.values, 256)
        {
            let (sorted, ranks) = dictionary.sorted(shape);
            let form = EntryForm::choose(&sorted, n_bytes);
            head.extend([1 | form.code() << 1, (sorted.len() - 1) as u8]);
            let mut entry = EntryCoder::new(form, n_bytes);
            sorted.iter().for_each(|value| {
                entry.code(&mut coder, *value);
            });
            let ranked = numbers.iter().map(|n| ranks[*n as usize]);
            canvas.pixels[canvas.margin..].iter_mut().zip(ranked).for_each(|(p, rank)| *p = rank);
            Box::new(Parser::new(coder, Numbers::new(sorted.len()), canvas, patience))
        } else {
            if n_bytes > 4 || shape.sample.n_bytes() != 1 || shape.sample == SampleType::Bool {
                return None;
            }
            let is_colour = shape.is_rgb && shape.n_channels >= 3;
            let first = *pixels.values.first()? as u32;
            let changes = pixels.values.iter().fold(0, |all, p| all | (*p as u32 ^ first));
            let is_constant = |c: &u32| changes >> (8 * c) & 255 == 0;
            let constant: Vec<u32> = (0..n_bytes as u32).filter(is_constant).collect();
            let mask = constant.iter().fold(0, |all, c| all | 1 << c);
            let samples = constant.iter().fold(0, |all, c| all | first & 255 << (8 * c));
            head.extend([if is_colour { 2 } else { 0 }, mask as u8]);
            head.extend(constant.iter().map(|c| (first >> (8 * c)) as u8));
            canvas.pixels[canvas.margin..].iter_mut().zip(&pixels.values).for_each(|(p, v)| *p = *v as u32);
            let literals = Channels::new(n_bytes as u32, is_colour, mask, samples);
            Box::new(Parser::new(coder, literals, canvas, patience))
        };
        let n_rows = pixels.values.len() / pixels.width;
        Some(Self { head, parser, width: pixels.width, n_rows, spent: Vec::with_capacity(n_rows) })
    }

    /// Bits that the first `n_rows` rows take, about; codes what is not coded yet of them.
    pub(in crate::image) fn bits_of(&mut self, n_rows: usize) -> u64 {
        let n_rows = n_rows.min(self.n_rows);
        self.parser.advance(n_rows * self.width, self.width, &mut self.spent, u64::MAX);
        n_rows.checked_sub(1).map_or(0, |row| self.spent[row] >> 8)
    }

    /// The coded tile; `None` as soon as it takes more than `most_bytes`. To be asked once.
    pub(in crate::image) fn finish(&mut self, most_bytes: usize) -> Option<Vec<u8>> {
        // In 256ths of a bit, and a little, for what is counted is about what it is.
        let most_spent = (most_bytes as u64).saturating_mul((8 << 8) + 8);
        if !self.parser.advance(self.n_rows * self.width, self.width, &mut self.spent, most_spent) {
            return None;
        }
        let mut out = std::mem::take(&mut self.head);
        self.parser.finish(&mut out);
        Some(out)
    }
}

/// A [`Parser`] whatever its literals.
trait Parse {
    /// Codes the first `n_pixels` as far as they are not coded yet, and adds what the rows that end among them have taken.
    /// False as soon as more is spent than `most_spent`.
    fn advance(&mut self, n_pixels: usize, width: usize, spent: &mut Vec<u64>, most_spent: u64) -> bool;
    /// Appends what was coded to `out`.
    fn finish(&mut self, out: &mut Vec<u8>);
}

/// A way to code the next pixels.
#[derive(Debug, Clone, Copy)]
struct Choice {
    token: usize,
    length: usize,
    distance: usize,
    /// Expected gain in 256ths of a bit.
    gain: i64,
}

/// Parses pixels into tokens, by what they cost at the moment.
struct Parser<L> {
    coder: Encoder,
    literals: L,
    canvas: Canvas,
    models: Models,
    search: Search,
    /// Index of the next pixel.
    at: usize,
    before: usize,
    distances: [usize; 2],
    /// Moving averages in 2⁻²⁰ bits: of a pixel, of a literal.
    pixel_cost: i64,
    literal_cost: i64,
}

impl<L: Literals> Parse for Parser<L> {
    fn advance(&mut self, n_pixels: usize, width: usize, spent: &mut Vec<u64>, most_spent: u64) -> bool {
        let margin = self.canvas.margin;
        while self.at < margin + n_pixels {
            let at = self.at;
            let around = self.canvas.around(at);
            let choice = self.choose(at, &around);
            let before = self.coder.spent();
            if before > most_spent {
                return false;
            }
            self.write(at, &around, &choice);
            let cost = ((self.coder.spent() - before) as i64) << 12;
            if choice.length < LONG_RUN {
                let share = choice.length.min(8) as i64 * 20;
                self.pixel_cost += (cost / choice.length as i64 - self.pixel_cost) * share / 1024;
            }
            if choice.token == token::LITERAL {
                self.literal_cost += (cost - self.literal_cost) / 20;
            }
            self.learn(at, choice.length);
            self.at += choice.length;
            while self.at - margin >= (spent.len() + 1) * width {
                spent.push(self.coder.spent());
            }
        }
        true
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        std::mem::take(&mut self.coder).finish(out);
    }
}

impl<L: Literals> Parser<L> {
    fn new(coder: Encoder, literals: L, canvas: Canvas, patience: Patience) -> Self {
        let search = Search::new(canvas.pixels.len(), patience);
        Self {
            at: canvas.margin,
            coder,
            literals,
            canvas,
            models: Models::new(),
            search,
            before: kind::LITERAL,
            distances: [1; 2],
            pixel_cost: 4 << 20,
            literal_cost: 8 << 20,
        }
    }

    /// Makes the pixels that were coded findable, but for the inside of flat runs.
    fn learn(&mut self, at: usize, length: usize) {
        let pixels = &self.canvas.pixels;
        for i in at..at + length {
            let is_flat =
                pixels[i - 1] == pixels[i] && pixels.get(i + 1..i + 3).is_some_and(|p| *p == [pixels[i]; 2]);
            if !is_flat {
                self.search.look_ahead(pixels, i);
                self.search.insert(pixels, i);
            }
        }
    }

    fn choose(&mut self, at: usize, around: &Around) -> Choice {
        let pixels = &self.canvas.pixels;
        let limit = pixels.len() - at;
        let west = matching(pixels, at, 1, limit);
        let north = matching(pixels, at, self.canvas.width, limit);
        let tokens = &self.models.tokens[context(self.before, around)];
        let run = |first: usize, length: usize, distance: usize| {
            let (class, n_bits) = run_class(length);
            let mut cost = tokens.cost(first + class) + (n_bits << 8);
            if class == 4 {
                cost += self.models.run[usize::from(first == token::WEST)].cost(length as u64 - 9);
            }
            Choice { token: first + class, length, distance, gain: self.gain(length, cost) }
        };
        let mut best = Choice {
            token: token::LITERAL,
            length: 1,
            distance: 0,
            gain: self.gain(1, tokens.cost(token::LITERAL)) - (self.literal_cost >> 12),
        };
        let better = |best: &mut Choice, other: Choice| {
            if other.gain > best.gain {
                *best = other;
            }
        };
        if west > 0 {
            better(&mut best, run(token::WEST, west, 1));
        }
        if north > 0 {
            better(&mut best, run(token::NORTH, north, self.canvas.width));
        }
        if west.max(north) >= LONG_RUN {
            return if west >= north {
                run(token::WEST, west, 1)
            } else {
                run(token::NORTH, north, self.canvas.width)
            };
        }
        if pixels[at] == around.north_east {
            let gain = self.gain(1, tokens.cost(token::NORTH_EAST));
            better(&mut best, Choice { token: token::NORTH_EAST, length: 1, distance: 0, gain });
        }
        let place = at - self.canvas.margin;
        for (token, distance) in [token::AGAIN, token::OLDER].into_iter().zip(self.distances) {
            if distance > place {
                continue;
            }
            let length = matching(pixels, at, distance, limit);
            if length >= 2 {
                let cost = tokens.cost(token) + self.models.length.cost(length as u64 - 2);
                better(&mut best, Choice { token, length, distance, gain: self.gain(length, cost) });
            }
        }
        if best.length >= LONG_COPY {
            return best;
        }
        if !self.search.is_worth(at) {
            return best;
        }
        // Places come nearest first: what is farther away must be as long at least.
        let mut longest = 3;
        for other in self.search.places(pixels, at) {
            let distance = at - other;
            if longest > limit || pixels[at + longest - 1] != pixels[other + longest - 1] {
                continue;
            }
            let length = matching(pixels, at, distance, limit);
            if length < longest || distance == 1 || distance == self.canvas.width || distance > place {
                continue;
            }
            longest = length;
            let (rows, columns) = self.offset(distance);
            let cost = tokens.cost(token::COPY)
                + self.models.rows.cost(rows)
                + self.models.columns[rows.min(2) as usize].cost(columns)
                + self.models.length.cost(length as u64 - 2)
                + self.search.least_gain();
            better(&mut best, Choice { token: token::COPY, length, distance, gain: self.gain(length, cost) });
            if length >= LONG_COPY {
                break;
            }
        }
        self.search.note(best.token == token::COPY);
        best
    }

    /// What `length` pixels for `cost` save.
    fn gain(&self, length: usize, cost: u32) -> i64 {
        length as i64 * (self.pixel_cost >> 12) - i64::from(cost)
    }

    /// A distance as rows and zigzag columns.
    fn offset(&self, distance: usize) -> (u64, u64) {
        let width = self.canvas.width;
        let rows = (distance + width / 2) / width;
        (rows as u64, zigzag(distance as i64 - (rows * width) as i64))
    }

    fn write(&mut self, at: usize, around: &Around, choice: &Choice) {
        let Choice { token, length, distance, .. } = *choice;
        self.coder.symbol(&mut self.models.tokens[context(self.before, around)], token);
        self.before = match token {
            token::LITERAL => {
                let pixel = self.canvas.pixels[at];
                self.literals.code(&mut self.coder, around, pixel);
                kind::LITERAL
            }
            token::NORTH_EAST => kind::NORTH_EAST,
            token::NORTH..token::COPY => {
                let is_west = token >= token::WEST;
                let (class, n_bits) = run_class(length);
                if class == 4 {
                    self.models.run[usize::from(is_west)].code(&mut self.coder, length as u64 - 9);
                } else {
                    self.coder.bits((length as u32 - 1) & ((1 << n_bits) - 1), n_bits);
                }
                if is_west { kind::WEST } else { kind::NORTH }
            }
            _ => {
                match token {
                    token::COPY => {
                        let (rows, columns) = self.offset(distance);
                        self.models.rows.code(&mut self.coder, rows);
                        self.models.columns[rows.min(2) as usize].code(&mut self.coder, columns);
                        self.distances = [distance, self.distances[0]];
                    }
                    token::OLDER => self.distances.swap(0, 1),
                    _ => {}
                }
                self.models.length.code(&mut self.coder, length as u64 - 2);
                kind::COPY
            }
        };
    }
}
