//! Symbols of adaptive distributions by range asymmetric numeral systems. `docs/codecs/indexed.md` §2.
//!
//! Two 32-bit states take turns, so that one symbol's arithmetic overlaps the next one's.

use super::bits::{BitReader, BitWriter};
use super::cdf::{Cdf, TOTAL_LOG2};
use crate::CodecError;

/// The smallest state between symbols, and the first.
const LOW: u32 = 1 << 16;

/// Codes or decodes symbols and raw bits, so that a model is written once for both directions.
pub(crate) trait SymbolCoder {
    /// Codes `symbol` (below 16), or decodes and returns one; the distribution learns it.
    fn symbol<const MAX_N: u16>(&mut self, cdf: &mut Cdf<MAX_N>, symbol: usize) -> usize;
    /// Codes or decodes the low `n_bits` ≤ 32 bits of `value`, as they are.
    fn bits(&mut self, value: u32, n_bits: u32) -> u32;
}

/// Keeps the symbols and codes them at the end: the states run backwards.
#[derive(Debug, Default)]
pub(crate) struct Encoder {
    /// First slot and number of slots.
    symbols: Vec<(u16, u16)>,
    bits: BitWriter,
    spent: u64,
}

impl Encoder {
    /// What was coded so far costs, in 256ths of a bit, roughly.
    pub(crate) fn spent(&self) -> u64 {
        self.spent
    }

    /// Appends the stream to `out`.
    pub(crate) fn finish(self, out: &mut Vec<u8>) {
        let bits = self.bits.finish();
        let mut n = bits.len();
        while n >= 128 {
            out.push(n as u8 | 128);
            n >>= 7;
        }
        out.push(n as u8);
        out.extend_from_slice(&bits);
        let mut states = [LOW; 2];
        // No symbol makes more than one word; the last comes first.
        let mut words = vec![[0_u8; 2]; self.symbols.len()];
        let mut first = words.len();
        for (i, (start, n_slots)) in self.symbols.iter().enumerate().rev() {
            let x = &mut states[i & 1];
            let n_slots = u32::from(*n_slots);
            let is_full = *x >> 17 >= n_slots;
            words[first - 1] = (*x as u16).to_le_bytes();
            first -= usize::from(is_full);
            *x >>= if is_full { 16 } else { 0 };
            *x = ((*x / n_slots) << TOTAL_LOG2) + *x % n_slots + u32::from(*start);
        }
        states.iter().for_each(|x| out.extend_from_slice(&x.to_le_bytes()));
        out.extend_from_slice(words[first..].as_flattened());
    }
}

impl SymbolCoder for Encoder {
    #[inline]
    fn symbol<const MAX_N: u16>(&mut self, cdf: &mut Cdf<MAX_N>, symbol: usize) -> usize {
        let (start, n_slots) = cdf.range(symbol);
        self.symbols.push((start as u16, n_slots as u16));
        self.spent += u64::from(cdf.cost(symbol));
        cdf.update(symbol);
        symbol
    }

    #[inline]
    fn bits(&mut self, value: u32, n_bits: u32) -> u32 {
        self.bits.put(value, n_bits);
        self.spent += u64::from(n_bits) << 8;
        value
    }
}

/// Adds up what coding would cost.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    spent: u64,
}

impl Meter {
    /// What was coded so far costs, in 256ths of a bit, roughly.
    pub(crate) fn spent(&self) -> u64 {
        self.spent
    }

    /// Adds what was found elsewhere, in 256ths of a bit.
    #[inline]
    pub(crate) fn spend(&mut self, cost: u32) {
        self.spent += u64::from(cost);
    }
}

impl SymbolCoder for Meter {
    #[inline]
    fn symbol<const MAX_N: u16>(&mut self, cdf: &mut Cdf<MAX_N>, symbol: usize) -> usize {
        self.spent += u64::from(cdf.cost(symbol));
        cdf.update(symbol);
        symbol
    }

    #[inline]
    fn bits(&mut self, value: u32, n_bits: u32) -> u32 {
        self.spent += u64::from(n_bits) << 8;
        value
    }
}

/// Reads symbols; past the end of its words it reads zeros and counts them.
#[derive(Debug)]
pub(crate) struct Decoder<'a> {
    /// The state of the next symbol and the one of the symbol after it.
    x: u32,
    next: u32,
    words: &'a [[u8; 2]],
    at: usize,
    bits: BitReader<'a>,
}

impl<'a> Decoder<'a> {
    pub(crate) fn new(mut bytes: &'a [u8]) -> Result<Self, CodecError> {
        let cut = CodecError::Truncated { what: "coded symbols" };
        let (mut n, mut shift) = (0, 0);
        loop {
            let (&byte, rest) = bytes.split_first().ok_or(cut.clone())?;
            bytes = rest;
            n |= usize::from(byte & 127) << shift;
            shift += 7;
            if byte < 128 {
                break;
            }
            if shift > 28 {
                return Err(CodecError::Corrupt { what: "length of the raw bits" });
            }
        }
        let (bits, rest) = bytes.split_at_checked(n).ok_or(cut.clone())?;
        let (states, rest) = rest.split_first_chunk::<8>().ok_or(cut.clone())?;
        let [a, b, c, d, e, f, g, h] = *states;
        let (words, odd) = rest.as_chunks::<2>();
        if !odd.is_empty() {
            return Err(cut);
        }
        Ok(Self {
            x: u32::from_le_bytes([a, b, c, d]),
            next: u32::from_le_bytes([e, f, g, h]),
            words,
            at: 0,
            bits: BitReader::new(bits),
        })
    }

    /// Checks that the stream was used up and not read past.
    pub(crate) fn finish(self) -> Result<(), CodecError> {
        self.bits.finish()?;
        if self.at > self.words.len() {
            return Err(CodecError::Truncated { what: "coded symbols" });
        }
        if self.at < self.words.len() || (self.x, self.next) != (LOW, LOW) {
            return Err(CodecError::Corrupt { what: "the coded symbols do not end where they should" });
        }
        Ok(())
    }
}

impl SymbolCoder for Decoder<'_> {
    #[inline(always)]
    fn symbol<const MAX_N: u16>(&mut self, cdf: &mut Cdf<MAX_N>, _: usize) -> usize {
        let slot = self.x & ((1 << TOTAL_LOG2) - 1);
        let symbol = cdf.find(slot);
        let (start, n_slots) = cdf.range(symbol);
        cdf.update(symbol);
        // A hostile state may be anything: the sum cannot overflow, as n_slots < 2¹⁵ and x >> 15 < 2¹⁷.
        let x = n_slots * (self.x >> TOTAL_LOG2) + slot - start;
        let word = u32::from(u16::from_le_bytes(self.words.get(self.at).copied().unwrap_or([0; 2])));
        let is_low = x < LOW;
        self.at += usize::from(is_low);
        self.x = self.next;
        self.next = if is_low { x << 16 | word } else { x };
        symbol
    }

    #[inline]
    fn bits(&mut self, _: u32, n_bits: u32) -> u32 {
        self.bits.take(n_bits)
    }
}

#[cfg(test)]
mod tests {
    use super::super::cdf::LIVELY;
    use super::*;

    fn sample(n: u32) -> Vec<(usize, u32)> {
        (0..n).map(|i| (((i * i) >> 3) as usize * 5 % 16, i % 33)).collect()
    }

    fn coded(items: &[(usize, u32)]) -> Vec<u8> {
        let mut encoder = Encoder::default();
        let mut cdfs = [Cdf::<LIVELY>::UNIFORM; 3];
        for (symbol, n_bits) in items {
            encoder.symbol(&mut cdfs[*n_bits as usize % 3], *symbol);
            encoder.bits(u32::MAX.checked_shr(32 - n_bits).unwrap_or(0), *n_bits);
        }
        let mut out = Vec::new();
        encoder.finish(&mut out);
        out
    }

    fn decoded(bytes: &[u8], items: &[(usize, u32)]) -> Result<bool, CodecError> {
        let mut decoder = Decoder::new(bytes)?;
        let mut cdfs = [Cdf::<LIVELY>::UNIFORM; 3];
        let mut is_same = true;
        for (symbol, n_bits) in items {
            is_same &= decoder.symbol(&mut cdfs[*n_bits as usize % 3], 0) == *symbol;
            is_same &= decoder.bits(0, *n_bits) == u32::MAX.checked_shr(32 - n_bits).unwrap_or(0);
        }
        decoder.finish()?;
        Ok(is_same)
    }

    #[test]
    fn symbols_and_bits_round_trip_and_the_end_is_checked() {
        for n in [0, 1, 2, 3, 50, 4001] {
            let items = sample(n);
            let bytes = coded(&items);
            assert_eq!(decoded(&bytes, &items), Ok(true));
            for cut in 0..bytes.len().min(300) {
                assert!(decoded(&bytes[..cut], &items).is_err());
            }
            assert!(decoded(&[bytes.as_slice(), &[0]].concat(), &items).is_err());
            assert!(decoded(&[bytes.as_slice(), &[0, 0]].concat(), &items).is_err());
        }
    }
}
