//! Bit streams, least significant bit first.

use crate::CodecError;

/// Writes numbers of up to 32 bits.
#[derive(Debug, Default)]
pub(crate) struct BitWriter {
    out: Vec<u8>,
    buffer: u64,
    n: u32,
}

impl BitWriter {
    /// Appends the low `n_bits` ≤ 32 bits of `value`, which has no others set.
    #[inline]
    pub(crate) fn put(&mut self, value: u32, n_bits: u32) {
        self.buffer |= u64::from(value) << self.n;
        self.n += n_bits;
        while self.n >= 8 {
            self.out.push(self.buffer as u8);
            self.buffer >>= 8;
            self.n -= 8;
        }
    }

    /// Pads the last byte with zeros.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        if self.n > 0 {
            self.out.push(self.buffer as u8);
        }
        self.out
    }
}

/// Reads them; past the end it reads zeros and counts them.
#[derive(Debug)]
pub(crate) struct BitReader<'a> {
    bytes: &'a [u8],
    at: usize,
    buffer: u64,
    n: u32,
}

impl<'a> BitReader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, buffer: 0, n: 0 }
    }

    /// The next `n_bits` ≤ 32 bits.
    #[inline]
    pub(crate) fn take(&mut self, n_bits: u32) -> u32 {
        while self.n < n_bits {
            let byte = self.bytes.get(self.at).copied().unwrap_or(0);
            self.buffer |= u64::from(byte) << self.n;
            self.at += 1;
            self.n += 8;
        }
        let value = self.buffer & ((1 << n_bits) - 1);
        self.buffer >>= n_bits;
        self.n -= n_bits;
        value as u32
    }

    /// Checks that every byte was used, none past the end, and that the padding is zero.
    pub(crate) fn finish(self) -> Result<(), CodecError> {
        if self.at > self.bytes.len() {
            return Err(CodecError::Truncated { what: "raw bits" });
        }
        if self.at < self.bytes.len() || self.buffer != 0 {
            return Err(CodecError::Corrupt { what: "bits after the raw bits" });
        }
        Ok(())
    }
}
