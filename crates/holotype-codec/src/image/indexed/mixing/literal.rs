//! Pixels that no guess meets. `docs/codecs/indexed.md` §7.4.

use super::around::Around;
use super::mixer::{Hash, Mixer};
use crate::CodecError;
use crate::entropy::binary::{AdaptiveBit, AdaptiveNumber, BitCoder};
use crate::entropy::number::{unzigzag, zigzag};
use crate::image::indexed::dictionary::{EntryForm, MAX_COLOURS, byte_difference, signed};

/// Contexts of a bit of a literal.
const N_CONTEXTS: usize = 8;
/// First weight of a context, in 65536ths.
const WEIGHT: i32 = 14_000;

/// Codes one pixel from those around it.
pub(super) trait Literals {
    /// Codes what stands before the first pixel.
    fn start(&mut self, coder: &mut impl BitCoder);
    /// Codes `pixel`, or decodes and returns one.
    fn code(&mut self, coder: &mut impl BitCoder, around: &Around, pixel: u32) -> Result<u32, CodecError>;
}

fn mixer(n_pixels: usize, n_sets: [usize; 2]) -> Mixer<N_CONTEXTS> {
    Mixer::new(n_pixels.ilog2().clamp(12, 18), n_sets, WEIGHT)
}

/// Numbers in the order of their first appearance, and the dictionary as it grows.
#[derive(Debug)]
pub(super) struct Numbers {
    mixer: Mixer<N_CONTEXTS>,
    is_new: [AdaptiveBit; 2],
    was_new: bool,
    entry: Entry,
    /// All entries when encoding, none when decoding.
    all: Vec<u64>,
    entries: Vec<u64>,
}

impl Numbers {
    pub(super) fn new(form: EntryForm, n_bytes: usize, n_pixels: usize, all: Vec<u64>) -> Self {
        Self {
            mixer: mixer(n_pixels, [17, 1]),
            is_new: Default::default(),
            was_new: true,
            entry: Entry { form, n_bytes, before: 0, numbers: Default::default() },
            all,
            entries: Vec::new(),
        }
    }

    /// The dictionary.
    pub(super) fn entries(&self) -> &[u64] {
        &self.entries
    }
}

impl Literals for Numbers {
    /// The first entry: guesses at the margin name it.
    fn start(&mut self, coder: &mut impl BitCoder) {
        let first = self.all.first().copied().unwrap_or(0);
        self.entries.push(self.entry.code(coder, first));
    }

    #[inline(always)]
    fn code(&mut self, coder: &mut impl BitCoder, a: &Around, pixel: u32) -> Result<u32, CodecError> {
        let n = self.entries.len() as u32;
        let is_new = self.is_new[usize::from(self.was_new)].code(coder, pixel == n);
        self.was_new = is_new;
        if is_new {
            if n as usize >= MAX_COLOURS {
                return Err(CodecError::Corrupt { what: "too many colours" });
            }
            let value = self.all.get(n as usize).copied().unwrap_or(0);
            self.entries.push(self.entry.code(coder, value));
            return Ok(n);
        }
        let hash = |kind, values: &[u32]| values.iter().fold(Hash::new(kind), |hash, v| hash.with(*v));
        let bases = [
            hash(20, &[]),
            hash(21, &[a.w()]),
            hash(22, &[a.n()]),
            hash(23, &[a.w(), a.n()]),
            hash(24, &[a.w(), a.n(), a.nw(), a.ne()]),
            hash(25, &[a.w(), a.ww()]),
            hash(26, &[a.ne()]),
            hash(27, &[a.n(), a.ne()]),
        ];
        let n_bits = 32 - (n - 1).leading_zeros();
        let mut node = 1;
        for shift in (0..n_bits).rev() {
            let contexts = bases.map(|base| base.with(node).value());
            let bit = self.mixer.code(coder, &contexts, [shift as usize, 0], pixel >> shift & 1 == 1);
            node = node << 1 | u32::from(bit);
        }
        let pixel = node - (1 << n_bits);
        if pixel >= n { Err(CodecError::Corrupt { what: "a colour that does not exist" }) } else { Ok(pixel) }
    }
}

/// Entries as in §3, by adaptive numbers.
#[derive(Debug)]
struct Entry {
    form: EntryForm,
    n_bytes: usize,
    before: u64,
    numbers: [AdaptiveNumber; 8],
}

impl Entry {
    fn code(&mut self, coder: &mut impl BitCoder, value: u64) -> u64 {
        let before = self.before;
        self.before = match self.form {
            EntryForm::Raw => (0..8 * self.n_bytes as u32)
                .rev()
                .fold(0, |all, i| all << 1 | u64::from(coder.code(value >> i & 1 == 1, 1 << 15))),
            EntryForm::Difference => {
                let number = zigzag(signed(value.wrapping_sub(before), self.n_bytes));
                let high = self.numbers[1].code(coder, (number >> 32) as u32);
                let low = self.numbers[0].code(coder, number as u32);
                let number = u64::from(high) << 32 | u64::from(low);
                before.wrapping_add(unzigzag(number) as u64) & u64::MAX >> (64 - 8 * self.n_bytes)
            }
            EntryForm::Bytes => (0..self.n_bytes).fold(0, |all, i| {
                let number = self.numbers[i].code(coder, u32::from(byte_difference(value, before, i)));
                let byte = ((before >> (8 * i)) as u8).wrapping_add(unzigzag(u64::from(number)) as u8);
                all | u64::from(byte) << (8 * i)
            }),
        };
        self.before
    }
}

/// 8-bit channels, each predicted from its neighbours or from its difference to green.
#[derive(Debug)]
pub(super) struct Channels {
    mixer: Mixer<N_CONTEXTS>,
    /// Position in the pixel and if it follows green.
    order: Vec<(u32, bool)>,
    /// Lower bits of large residuals, by order, length and place.
    low: Vec<AdaptiveBit>,
}

/// Position of green in a colour pixel.
const GREEN: u32 = 1;
/// Decisions of a residual.
const N_NODES: usize = 12;

impl Channels {
    pub(super) fn new(n_channels: u32, is_colour: bool, n_pixels: usize) -> Self {
        let order: &[u32] = if is_colour { &[3, 1, 0, 2] } else { &[0, 1, 2, 3] };
        let order: Vec<(u32, bool)> = order
            .iter()
            .filter(|c| **c < n_channels)
            .map(|c| (*c, is_colour && matches!(c, 0 | 2)))
            .collect();
        let mixer = mixer(n_pixels, [N_NODES * 4, N_NODES * 8]);
        Self { mixer, order, low: vec![AdaptiveBit::default(); 4 * 8 * 8] }
    }
}

/// The decisions of one residual.
struct Decisions<'a> {
    mixer: &'a mut Mixer<N_CONTEXTS>,
    bases: [Hash; N_CONTEXTS],
    order: usize,
    level: usize,
}

impl Decisions<'_> {
    #[inline(always)]
    fn take(&mut self, coder: &mut impl BitCoder, node: usize, bit: bool) -> bool {
        let contexts = self.bases.map(|base| base.with(node as u32).value());
        self.mixer.code(coder, &contexts, [node * 4 + self.order, node * 8 + self.level], bit)
    }
}

impl Literals for Channels {
    fn start(&mut self, _: &mut impl BitCoder) {}

    #[inline(always)]
    fn code(&mut self, coder: &mut impl BitCoder, a: &Around, pixel: u32) -> Result<u32, CodecError> {
        let (mut coded, mut residuals, mut last) = (0, 0_u32, 0_u32);
        for (o, (c, follows_green)) in self.order.iter().enumerate() {
            let sample = |pixel: u32| (pixel >> (8 * c) & 255) as i32;
            let [w, n, nw, ne, ww] = [a.w(), a.n(), a.nw(), a.ne(), a.ww()].map(|pixel| {
                sample(pixel) - if *follows_green { (pixel >> (8 * GREEN) & 255) as i32 } else { 0 }
            });
            let base = if *follows_green { (coded >> (8 * GREEN) & 255) as i32 } else { 0 };
            let median = (w + n - nw).clamp(w.min(n), w.max(n));
            // (2 · median + (W + N) / 2 + (NE − NW) / 4) / 3 over a common denominator, rounded down.
            let prediction = (base + (8 * median + 2 * (w + n) + (ne - nw)).div_euclid(12)).clamp(0, 255);
            let activity = (w - nw).abs() + (n - nw).abs() + (n - ne).abs() + (w - ww).abs();
            let level = (32 - activity.unsigned_abs().leading_zeros()).min(7);
            let o32 = o as u32;
            let hash =
                |kind, values: &[u32]| values.iter().fold(Hash::new(kind).with(o32), |hash, v| hash.with(*v));
            let gradient = |d: i32| {
                let size = (32 - d.unsigned_abs().leading_zeros()).min(6);
                if d < 0 { size + 8 } else { size }
            };
            let bases = [
                hash(30, &[level, last]),
                hash(31, &[gradient(w - nw), gradient(n - nw), gradient(n - ne), gradient(w - ww)]),
                hash(32, &[w as u32, n as u32]),
                hash(33, &[coded]),
                hash(34, &[residuals]),
                hash(35, &[prediction as u32, level / 2]),
                hash(36, &[a.w(), a.n()]),
                hash(37, &[prediction as u32, residuals & 255]),
            ];
            let residual = ((pixel >> (8 * c)) as u8).wrapping_sub(prediction as u8) as i8;
            let mut decisions = Decisions { mixer: &mut self.mixer, bases, order: o, level: level as usize };
            let mut magnitude = 0;
            let mut is_negative = false;
            if !decisions.take(coder, 0, residual == 0) {
                is_negative = decisions.take(coder, 1, residual < 0);
                let size = u32::from(residual.unsigned_abs());
                let size_log2 = if size == 0 { 0 } else { size.ilog2() };
                let mut log = 0;
                while log < 7 && decisions.take(coder, 2 + log as usize, log < size_log2) {
                    log += 1;
                }
                magnitude = 1_u32;
                for i in 0..log {
                    let bit = size >> (log - 1 - i) & 1 == 1;
                    let bit = if i == 0 {
                        decisions.take(coder, 9 + (log.min(3) - 1) as usize, bit)
                    } else {
                        self.low[(o * 8 + log as usize) * 8 + i as usize].code(coder, bit)
                    };
                    magnitude = magnitude << 1 | u32::from(bit);
                }
            }
            let signed = if is_negative { (magnitude as u8).wrapping_neg() } else { magnitude as u8 };
            coded |= u32::from((prediction as u8).wrapping_add(signed)) << (8 * c);
            residuals = residuals << 8 | u32::from(signed);
            last = (32 - magnitude.leading_zeros()).min(7) << 1 | u32::from(is_negative);
        }
        Ok(coded)
    }
}
