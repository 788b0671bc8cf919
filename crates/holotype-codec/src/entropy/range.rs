//! A binary range coder with 64-bit state and carries. `docs/codecs/archival.md` §1.
//!
//! The interval is `[low, low + range)`; a bit takes the lower part if it is 1. Whole 32-bit words leave it; a
//! carry runs back into the bytes already written.

use super::binary::BitCoder;
use crate::CodecError;

/// Writes bits.
#[derive(Debug)]
pub(crate) struct RangeEncoder {
    low: u64,
    range: u64,
    out: Vec<u8>,
    /// Where the coder's own bytes begin.
    start: usize,
    most_bytes: usize,
}

impl RangeEncoder {
    /// Appends to `out`, of which more than `most_bytes` are of no use.
    pub(crate) fn within(most_bytes: usize, out: Vec<u8>) -> Self {
        let start = out.len();
        Self { low: 0, range: u64::MAX, out, start, most_bytes }
    }

    #[cold]
    fn carry(&mut self) {
        for byte in self.out[self.start..].iter_mut().rev() {
            *byte = byte.wrapping_add(1);
            if *byte != 0 {
                break;
            }
        }
    }

    fn advance(&mut self, by: u64) {
        let (low, overflows) = self.low.overflowing_add(by);
        self.low = low;
        if overflows {
            self.carry();
        }
    }

    /// Ends the stream: the shortest bytes whose continuation by zeros lies in the interval.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        for n_bytes in 0..=8_u32 {
            let below = u64::MAX.checked_shr(8 * n_bytes).unwrap_or(0);
            let step = (below - (self.low & below)).wrapping_add(1) & below;
            if step < self.range {
                self.advance(step);
                self.out.extend_from_slice(&self.low.to_be_bytes()[..n_bytes as usize]);
                break;
            }
        }
        self.out
    }
}

impl BitCoder for RangeEncoder {
    fn is_past_the_end(&self) -> bool {
        self.out.len() > self.most_bytes
    }

    #[inline(always)]
    fn code(&mut self, bit: bool, p1: u32) -> bool {
        let bound = (self.range >> 16) * u64::from(p1);
        if bit {
            self.range = bound;
        } else {
            self.advance(bound);
            self.range -= bound;
        }
        if self.range >> 32 == 0 {
            self.out.extend_from_slice(&((self.low >> 32) as u32).to_be_bytes());
            self.low <<= 32;
            self.range <<= 32;
        }
        bit
    }
}

/// Reads bits; past the end it reads zeros and counts them.
#[derive(Debug)]
pub(crate) struct RangeDecoder<'a> {
    /// The bytes read less `low`.
    value: u64,
    range: u64,
    bytes: &'a [u8],
    at: usize,
}

impl<'a> RangeDecoder<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        let mut decoder = Self { value: 0, range: u64::MAX, bytes, at: 0 };
        decoder.take_word();
        decoder.take_word();
        decoder
    }

    #[inline(always)]
    fn take_word(&mut self) {
        let word = match self.bytes.get(self.at..).and_then(<[u8]>::first_chunk) {
            Some(word) => u32::from_be_bytes(*word),
            None => self.last_word(),
        };
        self.value = self.value << 32 | u64::from(word);
        self.at = self.at.saturating_add(4);
    }

    #[cold]
    fn last_word(&self) -> u32 {
        let rest = self.bytes.get(self.at..).unwrap_or(&[]);
        (0..4).fold(0, |word, i| word << 8 | u32::from(rest.get(i).copied().unwrap_or(0)))
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

impl BitCoder for RangeDecoder<'_> {
    fn is_past_the_end(&self) -> bool {
        self.at > self.bytes.len() + 8
    }

    #[inline(always)]
    fn code(&mut self, _: bool, p1: u32) -> bool {
        let bound = (self.range >> 16) * u64::from(p1);
        let bit = self.value < bound;
        if bit {
            self.range = bound;
        } else {
            self.value -= bound;
            self.range -= bound;
        }
        if self.range >> 32 == 0 {
            self.range <<= 32;
            self.take_word();
        }
        bit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bits(n: usize) -> Vec<(bool, u32)> {
        let mut state = 1_u32;
        let mut random = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state >> 8
        };
        // Runs of sure bits make long carries.
        (0..n).map(|i| (random() % 61 == 0, if i % 500 < 300 { 1 } else { 1 + random() % 65535 })).collect()
    }

    fn coded(bits: &[(bool, u32)]) -> Vec<u8> {
        let mut encoder = RangeEncoder::within(usize::MAX, vec![255]);
        for (bit, p1) in bits {
            encoder.code(*bit, *p1);
        }
        encoder.finish()
    }

    #[test]
    fn bits_round_trip_at_every_length() {
        let all = bits(6000);
        for n in (0..200).chain([6000]) {
            let bytes = coded(&all[..n]);
            assert_eq!(bytes[0], 255);
            let mut decoder = RangeDecoder::new(&bytes[1..]);
            assert!(all[..n].iter().all(|(bit, p1)| decoder.code(false, *p1) == *bit), "{n}");
            decoder.finish().unwrap();
        }
    }

    #[test]
    fn the_end_is_checked() {
        let all = bits(3000);
        let bytes = coded(&all);
        let run = |bytes: &[u8]| {
            let mut decoder = RangeDecoder::new(bytes);
            for (_, p1) in &all {
                decoder.code(false, *p1);
            }
            decoder.finish()
        };
        assert!(run(&bytes[1..]).is_ok());
        assert!(run(&bytes[1..bytes.len() - 20]).is_err());
        assert!(run(&[&bytes[1..], &[0; 9]].concat()).is_err());
    }
}
