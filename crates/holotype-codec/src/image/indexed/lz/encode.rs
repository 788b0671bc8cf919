use super::literal::Numbers;
use super::search::{Patience, Search, matching};
use super::sink::{Coded, Planned, Sink, Writer};
use super::{Around, Canvas, Choice, context, run_class, token};
use crate::entropy::number::zigzag;
use crate::entropy::rans::Encoder;
use crate::image::indexed::dictionary::{Dictionary, EntryCoder, EntryForm};
use crate::image::indexed::pixels::{Pixels, pixel_bytes, read_small_row};
use crate::{SampleType, TileRef, TileShape};

/// Runs this long are taken without a look at copies.
const LONG_RUN: usize = 48;
/// Copies this long are taken without a look at others.
const LONG_COPY: usize = 64;

/// A tile on its way into copies and literals, any number of rows at a time.
pub(in crate::image) struct Copying {
    parser: Box<dyn Parse>,
    width: usize,
    n_rows: usize,
    /// What each of the rows coded so far has taken together with those above it, in 256ths of a bit.
    spent: Vec<u64>,
}

impl Copying {
    /// [`Copying::new`] for the pixels of `tile`, with limited patience. `has_many_colours` if they are known to be more
    /// than 256.
    pub(in crate::image) fn of(tile: &TileRef<'_>, has_many_colours: bool) -> Option<Self> {
        let shape = tile.shape();
        let n_bytes = pixel_bytes(&shape)?;
        if !has_many_colours || !has_channels(&shape, n_bytes) {
            return Self::new(&Pixels::read(tile)?, &shape, n_bytes, Patience::Limited);
        }
        let mut canvas = Canvas::new(shape.width as usize, shape.n_pixels());
        let rows = canvas.pixels[canvas.margin..].chunks_exact_mut(shape.width as usize);
        rows.zip(tile.rows()).for_each(|(to, row)| read_small_row(row, n_bytes, to));
        let sink = Planned::new(&mut canvas, n_bytes, is_colour(&shape));
        Some(Self::with(Box::new(Parser::new(sink, canvas, Patience::Limited)), &shape))
    }

    /// `None` if the tile has neither few colours nor up to four 8-bit channels.
    pub(in crate::image::indexed) fn new(
        pixels: &Pixels,
        shape: &TileShape,
        n_bytes: usize,
        patience: Patience,
    ) -> Option<Self> {
        let parser: Box<dyn Parse> =
            if let Some((dictionary, numbers)) = Dictionary::index(&pixels.values, 256) {
                let mut canvas = Canvas::new(pixels.width, pixels.values.len());
                let (sorted, ranks) = dictionary.sorted(shape);
                let form = EntryForm::choose(&sorted, n_bytes);
                let head = vec![1 | form.code() << 1, (sorted.len() - 1) as u8];
                let mut coder = Encoder::default();
                let mut entry = EntryCoder::new(form, n_bytes);
                sorted.iter().for_each(|value| {
                    entry.code(&mut coder, *value);
                });
                let ranked = numbers.iter().map(|n| ranks[*n as usize]);
                canvas.pixels[canvas.margin..].iter_mut().zip(ranked).for_each(|(p, rank)| *p = rank);
                let sink = Coded { head, coder, literals: Numbers::new(sorted.len()) };
                Box::new(Parser::new(sink, canvas, patience))
            } else {
                if !has_channels(shape, n_bytes) {
                    return None;
                }
                let (mut canvas, is_colour) = (canvas_of(pixels), is_colour(shape));
                match patience {
                    Patience::Endless => {
                        Box::new(Parser::new(Coded::channels(&canvas, n_bytes, is_colour), canvas, patience))
                    }
                    Patience::Limited => {
                        let sink = Planned::new(&mut canvas, n_bytes, is_colour);
                        Box::new(Parser::new(sink, canvas, patience))
                    }
                }
            };
        Some(Self::with(parser, shape))
    }

    /// Bulk copies, however many literals there are.
    pub(in crate::image::indexed) fn in_bulk(
        pixels: &Pixels,
        shape: &TileShape,
        n_bytes: usize,
    ) -> Option<Self> {
        if !has_channels(shape, n_bytes) {
            return None;
        }
        let mut canvas = canvas_of(pixels);
        let mut sink = Planned::new(&mut canvas, n_bytes, is_colour(shape));
        sink.always_bulk = true;
        Some(Self::with(Box::new(Parser::new(sink, canvas, Patience::Limited)), shape))
    }

    fn with(parser: Box<dyn Parse>, shape: &TileShape) -> Self {
        let (width, n_rows) = (shape.width as usize, shape.height as usize);
        Self { parser, width, n_rows, spent: Vec::with_capacity(n_rows) }
    }

    /// Bits that the first `n_rows` rows take, about; codes what is not coded yet of them.
    pub(in crate::image) fn bits_of(&mut self, n_rows: usize) -> u64 {
        let n_rows = n_rows.min(self.n_rows);
        self.parser.advance(n_rows * self.width, self.width, &mut self.spent, u64::MAX);
        n_rows.checked_sub(1).map_or(0, |row| self.spent[row] >> 8)
    }

    /// The coded tile; `None` as soon as it takes more than `most_bytes`, about. To be asked once.
    pub(in crate::image) fn finish(&mut self, most_bytes: usize) -> Option<Vec<u8>> {
        // In 256ths of a bit, and a little, for what is counted is about what it is.
        let most_spent = (most_bytes as u64).saturating_mul((8 << 8) + self.parser.tolerance());
        if !self.parser.advance(self.n_rows * self.width, self.width, &mut self.spent, most_spent) {
            return None;
        }
        Some(self.parser.finish())
    }
}

/// Whether the channels of a pixel may be coded one by one.
fn has_channels(shape: &TileShape, n_bytes: usize) -> bool {
    n_bytes <= 4 && shape.sample.n_bytes() == 1 && shape.sample != SampleType::Bool
}

fn is_colour(shape: &TileShape) -> bool {
    shape.is_rgb && shape.n_channels >= 3
}

fn canvas_of(pixels: &Pixels) -> Canvas {
    let mut canvas = Canvas::new(pixels.width, pixels.values.len());
    canvas.pixels[canvas.margin..].iter_mut().zip(&pixels.values).for_each(|(p, v)| *p = *v as u32);
    canvas
}

/// A [`Parser`] whatever its literals.
trait Parse {
    /// Codes the first `n_pixels` as far as they are not coded yet, and adds what the rows that end among them have taken.
    /// False as soon as more is spent than `most_spent`.
    fn advance(&mut self, n_pixels: usize, width: usize, spent: &mut Vec<u64>, most_spent: u64) -> bool;
    /// By how much what is spent may be more than what it will be, in 256ths of a bit a byte.
    fn tolerance(&self) -> u64;
    /// The coder and what it coded. To be asked once.
    fn finish(&mut self) -> Vec<u8>;
}

/// Parses pixels into tokens, by what they cost at the moment.
struct Parser<S> {
    writer: Writer<S>,
    canvas: Canvas,
    search: Search,
    /// Index of the next pixel.
    at: usize,
    /// Moving averages in 2⁻²⁰ bits: of a pixel, of a literal.
    pixel_cost: i64,
    literal_cost: i64,
}

impl<S: Sink> Parse for Parser<S> {
    fn advance(&mut self, n_pixels: usize, width: usize, spent: &mut Vec<u64>, most_spent: u64) -> bool {
        let margin = self.canvas.margin;
        while self.at < margin + n_pixels {
            let at = self.at;
            let around = self.canvas.around(at);
            let choice = self.choose(at, &around);
            let before = self.writer.sink.spent();
            if before > most_spent {
                return false;
            }
            let offset = if choice.token == token::COPY { self.offset(choice.distance) } else { [0; 2] };
            self.writer.write(&around, self.canvas.pixels[at], &choice, offset);
            let cost = ((self.writer.sink.spent() - before) as i64) << 12;
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
                spent.push(self.writer.sink.spent());
            }
        }
        true
    }

    fn tolerance(&self) -> u64 {
        S::TOLERANCE
    }

    fn finish(&mut self) -> Vec<u8> {
        self.writer.sink.finish(&mut self.canvas)
    }
}

impl<S: Sink> Parser<S> {
    fn new(sink: S, canvas: Canvas, patience: Patience) -> Self {
        let search = Search::new(canvas.pixels.len(), patience);
        Self {
            at: canvas.margin,
            writer: Writer::new(sink),
            canvas,
            search,
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
        let limit = (pixels.len() - at).min(S::MAX_LENGTH);
        let west = matching(pixels, at, 1, limit);
        let north = matching(pixels, at, self.canvas.width, limit);
        let Writer { models, before, distances, .. } = &self.writer;
        let tokens = &models.tokens[context(*before, around)];
        let run = |first: usize, length: usize, distance: usize| {
            let (class, n_bits) = run_class(length);
            let mut cost = tokens.cost(first + class) + (n_bits << 8);
            if class == 4 {
                cost += models.run[usize::from(first == token::WEST)].cost(length as u64 - 9);
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
        for (token, distance) in [token::AGAIN, token::OLDER].into_iter().zip(*distances) {
            if distance > place {
                continue;
            }
            let length = matching(pixels, at, distance, limit);
            if length >= 2 {
                let cost = tokens.cost(token) + models.length.cost(length as u64 - 2);
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
            let [rows, columns] = self.offset(distance);
            if rows.max(columns) > S::MAX_LENGTH as u32 {
                continue;
            }
            let cost = tokens.cost(token::COPY)
                + models.rows.cost(u64::from(rows))
                + models.columns[rows.min(2) as usize].cost(u64::from(columns))
                + models.length.cost(length as u64 - 2)
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
    fn offset(&self, distance: usize) -> [u32; 2] {
        let width = self.canvas.width;
        let rows = (distance + width / 2) / width;
        [rows as u32, zigzag(distance as i64 - (rows * width) as i64) as u32]
    }
}
