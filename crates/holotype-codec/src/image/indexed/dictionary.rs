//! The distinct pixels of a tile. `docs/codecs/indexed.md` §3.

use crate::TileShape;
use crate::entropy::number::{NumberModel, unzigzag, zigzag};
use crate::entropy::rans::SymbolCoder;

/// A dictionary has at most this many pixels.
pub(super) const MAX_COLOURS: usize = 1 << 16;

/// How a new pixel is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EntryForm {
    /// As it is: unrelated numbers.
    Raw,
    /// As the difference to the entry before it: labels that were counted.
    Difference,
    /// Byte by byte as the difference to the byte of the entry before it: colours.
    Bytes,
}

impl EntryForm {
    pub(super) const ALL: [Self; 3] = [Self::Raw, Self::Difference, Self::Bytes];

    pub(super) fn code(self) -> u8 {
        self as u8
    }

    pub(super) fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }

    /// The form that takes the fewest bits for these entries, roughly.
    pub(super) fn choose(entries: &[u64], n_bytes: usize) -> Self {
        let (mut difference, mut by_byte, mut before) = (0_u64, 0, 0_u64);
        for entry in entries {
            let distance = signed(entry.wrapping_sub(before), n_bytes);
            // The number model stops 8 short of 2⁶⁴.
            let is_far = zigzag(distance) > u64::MAX - 8;
            difference += if is_far { 1 << 20 } else { 5 + bit_length(zigzag(distance).saturating_sub(8)) };
            for i in 0..n_bytes {
                by_byte += 4 + bit_length(u64::from(byte_difference(*entry, before, i)).saturating_sub(8));
            }
            before = *entry;
        }
        let raw = entries.len() as u64 * 8 * n_bytes as u64;
        if raw <= difference && raw <= by_byte {
            Self::Raw
        } else if difference <= by_byte {
            Self::Difference
        } else {
            Self::Bytes
        }
    }
}

fn bit_length(n: u64) -> u64 {
    u64::from(64 - n.leading_zeros())
}

/// The low `n_bytes` of a number as a signed one.
fn signed(value: u64, n_bytes: usize) -> i64 {
    let unused = 64 - 8 * n_bytes as u32;
    (value << unused) as i64 >> unused
}

fn byte_difference(value: u64, before: u64, i: usize) -> u8 {
    let d = ((value >> (8 * i)) as u8).wrapping_sub((before >> (8 * i)) as u8) as i8;
    zigzag(i64::from(d)) as u8
}

/// Writes or reads one entry after the other.
#[derive(Debug)]
pub(super) struct EntryCoder {
    form: EntryForm,
    n_bytes: usize,
    before: u64,
    numbers: [NumberModel; 8],
}

impl EntryCoder {
    pub(super) fn new(form: EntryForm, n_bytes: usize) -> Self {
        Self { form, n_bytes, before: 0, numbers: Default::default() }
    }

    /// Codes `value`; one that is decoded fits its bytes whatever the input.
    pub(super) fn code(&mut self, coder: &mut impl SymbolCoder, value: u64) -> u64 {
        let n_bits = 8 * self.n_bytes as u32;
        let mask = u64::MAX >> (64 - n_bits);
        let value = match self.form {
            EntryForm::Raw => {
                let low = coder.bits(value as u32, n_bits.min(32));
                let high = coder.bits((value >> 32) as u32, n_bits.saturating_sub(32));
                u64::from(high) << 32 | u64::from(low)
            }
            EntryForm::Difference => {
                let distance = signed(value.wrapping_sub(self.before), self.n_bytes);
                let number = self.numbers[0].code(coder, zigzag(distance));
                self.before.wrapping_add(unzigzag(number) as u64) & mask
            }
            EntryForm::Bytes => {
                let mut bytes = 0;
                for i in 0..self.n_bytes {
                    let number = u64::from(byte_difference(value, self.before, i));
                    let number = self.numbers[i].code(coder, number);
                    let byte = ((self.before >> (8 * i)) as u8).wrapping_add(unzigzag(number) as u8);
                    bytes |= u64::from(byte) << (8 * i);
                }
                bytes
            }
        };
        self.before = value;
        value
    }
}

/// Pixels and their numbers in the order of their first appearance.
#[derive(Debug)]
pub(super) struct Dictionary {
    pub(super) entries: Vec<u64>,
    /// Open addressing: an entry's number and 1, or 0; a power of two of places, at most half of them used.
    places: Vec<u32>,
}

impl Dictionary {
    pub(super) fn new() -> Self {
        Self { entries: Vec::new(), places: vec![0; 64] }
    }

    /// The number of `value`, which is added if it is new.
    #[inline]
    pub(super) fn number(&mut self, value: u64) -> u32 {
        let mask = self.places.len() - 1;
        let mut place = hash(value) & mask;
        loop {
            match self.places[place] {
                0 => break,
                n if self.entries[n as usize - 1] == value => return n - 1,
                _ => place = (place + 1) & mask,
            }
        }
        self.entries.push(value);
        self.places[place] = self.entries.len() as u32;
        if self.entries.len() * 2 > self.places.len() {
            self.grow();
        }
        self.entries.len() as u32 - 1
    }

    fn grow(&mut self) {
        let mask = 2 * self.places.len() - 1;
        self.places = vec![0; mask + 1];
        for (value, n) in self.entries.iter().zip(1..) {
            let mut place = hash(*value) & mask;
            while self.places[place] != 0 {
                place = (place + 1) & mask;
            }
            self.places[place] = n;
        }
    }

    /// The entries in an order in which neighbours are alike, and the place of every number in it.
    pub(super) fn sorted(&self, shape: &TileShape) -> (Vec<u64>, Vec<u32>) {
        let mut order: Vec<u32> = (0..self.entries.len() as u32).collect();
        let entry = |n: u32| self.entries[n as usize];
        order.sort_unstable_by_key(|n| (lightness(entry(*n), shape), entry(*n)));
        let mut ranks = vec![0; order.len()];
        order.iter().zip(0..).for_each(|(n, rank)| ranks[*n as usize] = rank);
        (order.into_iter().map(entry).collect(), ranks)
    }

    /// The number of every pixel, unless there are more than `max_colours` different ones.
    pub(super) fn index(values: &[u64], max_colours: usize) -> Option<(Self, Vec<u32>)> {
        let mut dictionary = Self::new();
        let mut numbers = Vec::with_capacity(values.len());
        let mut before: Option<(u64, u32)> = None;
        for value in values {
            let number = match before {
                Some((same, number)) if same == *value => number,
                _ => dictionary.number(*value),
            };
            if dictionary.entries.len() > max_colours {
                return None;
            }
            before = Some((*value, number));
            numbers.push(number);
        }
        Some((dictionary, numbers))
    }
}

/// Colours by opacity, then by lightness; other pixels by value.
fn lightness(pixel: u64, shape: &TileShape) -> u64 {
    if !shape.is_rgb || shape.sample.n_bytes() != 1 {
        return pixel;
    }
    let [r, g, b, a, ..] = pixel.to_le_bytes().map(u64::from);
    a << 16 | (2 * r + 5 * g + b)
}

fn hash(value: u64) -> usize {
    let mixed = value.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ mixed >> 32) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::rans::{Decoder, Encoder};

    #[test]
    fn entries_round_trip_in_every_form() {
        for n_bytes in 1..=8 {
            let mask = u64::MAX >> (64 - 8 * n_bytes);
            let entries: Vec<u64> =
                (0..200_u64).map(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (i % 40) & mask).collect();
            for form in EntryForm::ALL {
                let mut encoder = Encoder::default();
                let mut coder = EntryCoder::new(form, n_bytes as usize);
                entries.iter().for_each(|e| assert_eq!(coder.code(&mut encoder, *e), *e));
                let mut bytes = Vec::new();
                encoder.finish(&mut bytes);
                let mut decoder = Decoder::new(&bytes).unwrap();
                let mut coder = EntryCoder::new(form, n_bytes as usize);
                entries.iter().for_each(|e| assert_eq!(coder.code(&mut decoder, 0), *e));
                decoder.finish().unwrap();
            }
        }
    }

    #[test]
    fn forms_follow_the_entries() {
        assert_eq!(EntryForm::choose(&[1, 2, 3, 5, 4], 4), EntryForm::Difference);
        assert_eq!(EntryForm::choose(&[0xffff_ffff, 0xfffe_fefe, 0xff00_0000], 4), EntryForm::Bytes);
        let random: Vec<u64> = (1..50_u64).map(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32).collect();
        assert_eq!(EntryForm::choose(&random, 4), EntryForm::Raw);
    }

    #[test]
    fn numbers_are_those_of_first_appearance() {
        let values: Vec<u64> = (0..5000_u64).map(|i| ((i * i) % 1009) << 20).collect();
        let (dictionary, numbers) = Dictionary::index(&values, 1000).unwrap();
        assert!(numbers.iter().zip(&values).all(|(n, v)| dictionary.entries[*n as usize] == *v));
        assert_eq!(numbers[..3], [0, 1, 2]);
        assert!(Dictionary::index(&values, 100).is_none());
    }
}
