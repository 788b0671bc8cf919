//! A binary arithmetic coder for 16-bit probabilities. `docs/codecs/adaptive.md` §1.
//!
//! The interval is `[low, high]` in 32 bits; a bit takes the lower part if it is 1. Leading bytes on which both
//! ends agree leave the interval; nothing ever carries.

use crate::CodecError;

/// Codes or decodes one bit, so that a model is written once for both directions.
pub(crate) trait BitCoder {
    /// Codes `bit`, or decodes and returns one; `p1` is the probability of a 1 in 65536ths, 1 to 65535.
    fn code(&mut self, bit: bool, p1: u32) -> bool;

    /// True if whatever follows is in vain: the coded bytes ended before what was decoded, or more bytes were written than
    /// are wanted.
    fn is_past_the_end(&self) -> bool {
        false
    }
}

fn split(low: u32, high: u32, p1: u32) -> u32 {
    low + ((u64::from(high - low) * u64::from(p1)) >> 16) as u32
}

/// The value in `[low, high]` that ends with the most zero bytes, and how many bytes come before these.
fn shortest(low: u32, high: u32) -> (u32, usize) {
    for n_bytes in 0..4 {
        let rest = u32::MAX >> (8 * n_bytes);
        let rounded = if low & rest == 0 { Some(low) } else { (low | rest).checked_add(1) };
        if let Some(value) = rounded.filter(|v| *v <= high) {
            return (value, n_bytes);
        }
    }
    (low, 4)
}

/// Writes bits.
#[derive(Debug)]
pub(crate) struct Encoder {
    low: u32,
    high: u32,
    out: Vec<u8>,
    most_bytes: usize,
}

impl Encoder {
    /// Appends to `out`.
    pub(crate) fn new(out: Vec<u8>) -> Self {
        Self::within(usize::MAX, out)
    }

    /// Appends to `out`, of which more than `most_bytes` are of no use.
    pub(crate) fn within(most_bytes: usize, out: Vec<u8>) -> Self {
        Self { low: 0, high: u32::MAX, out, most_bytes }
    }

    /// Ends the stream: the shortest bytes whose continuation by zeros lies in the interval.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        let (value, n_bytes) = shortest(self.low, self.high);
        self.out.extend_from_slice(&value.to_be_bytes()[..n_bytes]);
        self.out
    }
}

impl BitCoder for Encoder {
    fn is_past_the_end(&self) -> bool {
        self.out.len() > self.most_bytes
    }

    #[inline]
    fn code(&mut self, bit: bool, p1: u32) -> bool {
        let middle = split(self.low, self.high, p1);
        if bit {
            self.high = middle;
        } else {
            self.low = middle + 1;
        }
        while (self.low ^ self.high) >> 24 == 0 {
            self.out.push((self.high >> 24) as u8);
            self.low <<= 8;
            self.high = self.high << 8 | 255;
        }
        bit
    }
}

/// Reads bits; past the end it reads zeros and counts them.
#[derive(Debug)]
pub(crate) struct Decoder<'a> {
    low: u32,
    high: u32,
    value: u32,
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Decoder<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        let mut decoder = Self { low: 0, high: u32::MAX, value: 0, bytes, at: 0 };
        for _ in 0..4 {
            decoder.value = decoder.value << 8 | decoder.next();
        }
        decoder
    }

    #[inline]
    fn next(&mut self) -> u32 {
        let byte = self.bytes.get(self.at).copied().unwrap_or(0);
        self.at += 1;
        u32::from(byte)
    }

    /// Checks that the stream was used up and not read past.
    pub(crate) fn finish(self) -> Result<(), CodecError> {
        if self.at < self.bytes.len() {
            return Err(CodecError::Corrupt { what: "bytes after the coded samples" });
        }
        if self.is_past_the_end() {
            return Err(CodecError::Truncated { what: "coded samples" });
        }
        Ok(())
    }
}

impl Decoder<'_> {
    /// Checks that the stream ends as [`Encoder::finish`] ends it, to the byte.
    pub(crate) fn finish_exactly(self) -> Result<(), CodecError> {
        let (value, n_bytes) = shortest(self.low, self.high);
        let expected = &value.to_be_bytes()[..n_bytes];
        match self.bytes.get(self.at - 4..) {
            Some(tail) if tail == expected => Ok(()),
            Some(tail) if tail.len() >= n_bytes => {
                Err(CodecError::Corrupt { what: "the coded bits do not end where they should" })
            }
            _ => Err(CodecError::Truncated { what: "coded bits" }),
        }
    }
}

impl BitCoder for Decoder<'_> {
    fn is_past_the_end(&self) -> bool {
        self.at > self.bytes.len() + 4
    }

    #[inline]
    fn code(&mut self, _: bool, p1: u32) -> bool {
        let middle = split(self.low, self.high, p1);
        let bit = self.value <= middle;
        if bit {
            self.high = middle;
        } else {
            self.low = middle + 1;
        }
        while (self.low ^ self.high) >> 24 == 0 {
            self.low <<= 8;
            self.high = self.high << 8 | 255;
            self.value = self.value << 8 | self.next();
        }
        bit
    }
}

/// An adaptive bit: probability of a 1 in 65536ths, quick at first, then slower.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AdaptiveBit {
    p1: u16,
    n: u8,
}

impl Default for AdaptiveBit {
    fn default() -> Self {
        Self { p1: 1 << 15, n: 0 }
    }
}

impl AdaptiveBit {
    /// Largest count: the rate settles at 1/32.
    const MAX_N: u8 = 30;

    pub(crate) fn p1(self) -> u32 {
        u32::from(self.p1)
    }

    #[inline]
    pub(crate) fn update(&mut self, bit: bool) {
        let rate = i32::from(self.n) + 2;
        let target = if bit { 65535 - 32 } else { 32 };
        self.p1 = (i32::from(self.p1) + (target - i32::from(self.p1)) / rate) as u16;
        self.n = (self.n + 1).min(Self::MAX_N);
    }

    /// Codes one bit with this model alone.
    #[inline]
    pub(crate) fn code(&mut self, coder: &mut impl BitCoder, bit: bool) -> bool {
        let bit = coder.code(bit, self.p1());
        self.update(bit);
        bit
    }
}

/// Adaptive numbers: unary bit length, then the bits below the leading one.
#[derive(Debug, Clone)]
pub(crate) struct AdaptiveNumber {
    length: [AdaptiveBit; 33],
    top: [AdaptiveBit; 33],
}

impl Default for AdaptiveNumber {
    fn default() -> Self {
        Self { length: [AdaptiveBit::default(); 33], top: [AdaptiveBit::default(); 33] }
    }
}

impl AdaptiveNumber {
    /// Codes `value`; every decoded value fits 32 bits whatever the input.
    pub(crate) fn code(&mut self, coder: &mut impl BitCoder, value: u32) -> u32 {
        let n_bits = 32 - value.leading_zeros();
        let mut length = 0;
        while length < 32 && self.length[length as usize].code(coder, length < n_bits) {
            length += 1;
        }
        if length < 2 {
            return length;
        }
        let mut out = 1_u32;
        for shift in (0..length - 1).rev() {
            let bit = value >> shift & 1 == 1;
            let bit = if shift + 2 == length {
                self.top[length as usize].code(coder, bit)
            } else {
                coder.code(bit, 1 << 15)
            };
            out = out << 1 | u32::from(bit);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_and_numbers_round_trip() {
        let mut state = 1_u32;
        let mut random = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state >> 8
        };
        let bits: Vec<(bool, u32)> = (0..5000).map(|_| (random() % 7 == 0, 1 + random() % 65535)).collect();
        let numbers: Vec<u32> = (0..500).map(|i| random() << 8 >> (i % 32)).chain([0, u32::MAX]).collect();
        let mut encoder = Encoder::new(Vec::new());
        let mut model = AdaptiveNumber::default();
        for (bit, p1) in &bits {
            encoder.code(*bit, *p1);
        }
        for n in &numbers {
            model.code(&mut encoder, *n);
        }
        let coded = encoder.finish();
        let mut decoder = Decoder::new(&coded);
        let mut model = AdaptiveNumber::default();
        assert!(bits.iter().all(|(bit, p1)| decoder.code(false, *p1) == *bit));
        assert!(numbers.iter().all(|n| model.code(&mut decoder, 0) == *n));
        decoder.finish().unwrap();
    }

    #[test]
    fn the_end_is_checked() {
        let mut encoder = Encoder::new(Vec::new());
        for i in 0..200 {
            encoder.code(i % 3 == 0, 30_000);
        }
        let coded = encoder.finish();
        let run = |bytes: &[u8]| {
            let mut decoder = Decoder::new(bytes);
            for _ in 0..200 {
                decoder.code(false, 30_000);
            }
            decoder.finish()
        };
        assert!(run(&coded).is_ok());
        assert!(run(&coded[..coded.len() - 6]).is_err());
        assert!(run(&[coded.as_slice(), &[0; 9]].concat()).is_err());
    }
}
