//! Where tokens go when they are found: into adaptive models at once, or on a list until all are known. Encoder only.

use super::bulk::{self, Channel, N_NUMBER_BITS, less_green, residual, with_green};
use super::estimate::LiteralCosts;
use super::literal::{Channels, Literals};
use super::script::Script;
use super::{Around, Canvas, Choice, Models, context, kind, run_class, token};
use crate::entropy::rans::{Encoder, Meter, SymbolCoder};
use crate::image::indexed::PixelCoder;

/// Takes what a parser finds.
pub(super) trait Sink {
    type Coder: SymbolCoder;
    /// No run or copy is longer, none is from farther away in rows or columns.
    const MAX_LENGTH: usize;
    /// By how much [`Self::spent`] may be more than what it will be, in 256ths of a bit a byte.
    const TOLERANCE: u64;
    /// Codes tokens and numbers.
    fn coder(&mut self) -> &mut Self::Coder;
    /// What was taken so far costs, in 256ths of a bit, roughly.
    fn spent(&self) -> u64;
    fn literal(&mut self, around: &Around, pixel: u32);
    /// Takes note of a token under a context.
    fn note(&mut self, context: usize, choice: &Choice, offset: [u32; 2]);
    /// The coder and what it coded, given all pixels. To be asked once.
    fn finish(&mut self, canvas: &mut Canvas) -> Vec<u8>;
}

/// Writes tokens under the models of adaptive copies.
pub(super) struct Writer<S> {
    pub(super) sink: S,
    pub(super) models: Models,
    pub(super) before: usize,
    pub(super) distances: [usize; 2],
}

impl<S: Sink> Writer<S> {
    pub(super) fn new(sink: S) -> Self {
        Self { sink, models: Models::new(), before: kind::LITERAL, distances: [1; 2] }
    }

    /// Writes a token; `offset` is that of a new distance.
    #[inline]
    pub(super) fn write(&mut self, around: &Around, pixel: u32, choice: &Choice, offset: [u32; 2]) {
        let Self { sink, models, before, distances } = self;
        let Choice { token, length, distance, .. } = *choice;
        let context = context(*before, around);
        sink.note(context, choice, offset);
        sink.coder().symbol(&mut models.tokens[context], token);
        *before = match token {
            token::LITERAL => {
                sink.literal(around, pixel);
                kind::LITERAL
            }
            token::NORTH_EAST => kind::NORTH_EAST,
            token::NORTH..token::COPY => {
                let is_west = token >= token::WEST;
                let (class, n_bits) = run_class(length);
                if class == 4 {
                    models.run[usize::from(is_west)].code(sink.coder(), length as u64 - 9);
                } else {
                    sink.coder().bits((length as u32 - 1) & ((1 << n_bits) - 1), n_bits);
                }
                if is_west { kind::WEST } else { kind::NORTH }
            }
            _ => {
                match token {
                    token::COPY => {
                        let [rows, columns] = offset;
                        models.rows.code(sink.coder(), u64::from(rows));
                        models.columns[rows.min(2) as usize].code(sink.coder(), u64::from(columns));
                        *distances = [distance, distances[0]];
                    }
                    token::OLDER => distances.swap(0, 1),
                    _ => {}
                }
                models.length.code(sink.coder(), length as u64 - 2);
                kind::COPY
            }
        };
    }
}

/// Coded at once.
pub(super) struct Coded<L> {
    /// What stands before the coded pixels.
    pub(super) head: Vec<u8>,
    pub(super) coder: Encoder,
    pub(super) literals: L,
}

impl<L: Literals> Sink for Coded<L> {
    type Coder = Encoder;
    const MAX_LENGTH: usize = u32::MAX as usize;
    const TOLERANCE: u64 = 8;

    fn coder(&mut self) -> &mut Encoder {
        &mut self.coder
    }

    fn spent(&self) -> u64 {
        self.coder.spent()
    }

    fn literal(&mut self, around: &Around, pixel: u32) {
        self.literals.code(&mut self.coder, around, pixel);
    }

    fn note(&mut self, _: usize, _: &Choice, _: [u32; 2]) {}

    fn finish(&mut self, _: &mut Canvas) -> Vec<u8> {
        let mut out = vec![PixelCoder::Copies as u8];
        out.append(&mut self.head);
        std::mem::take(&mut self.coder).finish(&mut out);
        out
    }
}

impl Coded<Channels> {
    /// For the channels of the canvas's pixels.
    pub(super) fn channels(canvas: &Canvas, n_channels: usize, is_colour: bool) -> Self {
        let (mask, samples) = constant(canvas, n_channels);
        let head =
            [&[if is_colour { 2 } else { 0 }, mask as u8], bytes_of(mask, samples).as_slice()].concat();
        let literals = Channels::new(n_channels as u32, is_colour, mask, samples);
        Self { head, coder: Encoder::default(), literals }
    }
}

/// Which channels are constant, and their samples.
fn constant(canvas: &Canvas, n_channels: usize) -> (u32, u32) {
    let pixels = &canvas.pixels[canvas.margin..];
    let first = pixels.first().copied().unwrap_or(0);
    let changes = pixels.iter().fold(0, |all, pixel| all | (pixel ^ first));
    let constant = (0..n_channels as u32).filter(|c| changes >> (8 * c) & 255 == 0);
    constant.fold((0, 0), |(mask, samples), c| (mask | 1 << c, samples | first & 255 << (8 * c)))
}

fn bytes_of(mask: u32, samples: u32) -> Vec<u8> {
    (0..4).filter(|c| mask >> c & 1 == 1).map(|c| (samples >> (8 * c)) as u8).collect()
}

/// Bulk copies are for tiles with a literal in so many pixels, or more.
const LITERALS_FOR_BULK: usize = 10;

/// Put on a list; how it is coded is chosen at the end.
pub(super) struct Planned {
    n_channels: usize,
    is_colour: bool,
    /// What stands before the coded pixels if they are coded in bulk.
    head: Vec<u8>,
    channels: Vec<Channel>,
    meter: Meter,
    costs: LiteralCosts,
    script: Script,
    /// Whether few literals are coded in bulk as well.
    pub(super) always_bulk: bool,
}

impl Planned {
    /// The pixels of `canvas` are those of the tile, and become what bulk copies code.
    pub(super) fn new(canvas: &mut Canvas, n_channels: usize, is_colour: bool) -> Self {
        if is_colour {
            canvas.map(less_green);
        }
        let (mask, samples) = constant(canvas, n_channels);
        Self {
            n_channels,
            is_colour,
            head: [&[u8::from(is_colour), mask as u8], bytes_of(mask, samples).as_slice()].concat(),
            channels: Channel::all(n_channels as u32, is_colour, mask),
            meter: Meter::default(),
            costs: LiteralCosts::new(),
            script: Script::default(),
            always_bulk: false,
        }
    }

    /// Whether literals are so many that bulk copies are decoded much sooner. Where they are fewer, models that learn take
    /// fewer bytes.
    fn is_for_bulk(&self, n_pixels: usize) -> bool {
        self.always_bulk || self.script.literals.len() >= n_pixels / LITERALS_FOR_BULK
    }
}

impl Sink for Planned {
    type Coder = Meter;
    const MAX_LENGTH: usize = (1 << N_NUMBER_BITS) - 1;
    const TOLERANCE: u64 = 128;

    fn coder(&mut self) -> &mut Meter {
        &mut self.meter
    }

    fn spent(&self) -> u64 {
        self.meter.spent()
    }

    #[inline]
    fn literal(&mut self, around: &Around, pixel: u32) {
        let residual = residual(around, pixel);
        self.script.literals.push(residual);
        self.meter.spend(self.costs.cost(residual, &self.channels));
    }

    #[inline]
    fn note(&mut self, context: usize, choice: &Choice, offset: [u32; 2]) {
        self.script.note(context, choice, offset);
    }

    fn finish(&mut self, canvas: &mut Canvas) -> Vec<u8> {
        let n_pixels = canvas.pixels.len() - canvas.margin;
        if self.is_for_bulk(n_pixels) {
            let mut out = vec![PixelCoder::Bulk as u8];
            out.append(&mut self.head);
            bulk::encode(&self.script, &self.channels, &mut out);
            return out;
        }
        if self.is_colour {
            canvas.map(with_green);
        }
        let mut writer = Writer::new(Coded::channels(canvas, self.n_channels, self.is_colour));
        self.script.replay(canvas, |at, around, choice, offset| {
            writer.write(around, canvas.pixels[at], choice, offset);
        });
        writer.sink.finish(canvas)
    }
}
