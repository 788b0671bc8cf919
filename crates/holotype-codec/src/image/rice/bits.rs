//! Bit streams, most significant bit first.

use crate::CodecError;

/// Writes numbers of up to 32 bits.
pub(super) struct BitWriter {
    out: Vec<u8>,
    buffer: u64,
    n: u32,
}

impl BitWriter {
    pub(super) fn new(out: Vec<u8>) -> Self {
        Self { out, buffer: 0, n: 0 }
    }

    /// Appends the low `n_bits` bits of `value`, which has no others set.
    #[inline]
    pub(super) fn put(&mut self, value: u32, n_bits: u32) {
        self.buffer = self.buffer << n_bits | u64::from(value);
        self.n += n_bits;
        while self.n >= 8 {
            self.n -= 8;
            self.out.push((self.buffer >> self.n) as u8);
        }
    }

    /// Pads the last byte with zeros.
    pub(super) fn finish(mut self) -> Vec<u8> {
        if self.n > 0 {
            self.out.push((self.buffer << (8 - self.n)) as u8);
        }
        self.out
    }
}

/// Reads them; past the end it reads zeros and counts them.
pub(super) struct BitReader<'a> {
    bytes: &'a [u8],
    at: usize,
    /// The next bits, left-aligned.
    buffer: u64,
    n: u32,
}

impl<'a> BitReader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, buffer: 0, n: 0 }
    }

    #[inline]
    fn refill(&mut self) {
        while self.n <= 56 {
            let byte = self.bytes.get(self.at).copied().unwrap_or(0);
            self.buffer |= u64::from(byte) << (56 - self.n);
            self.at += 1;
            self.n += 8;
        }
    }

    /// The number of zeros ahead, at most `max` ≤ 32; they are taken.
    #[inline]
    pub(super) fn zeros(&mut self, max: u32) -> u32 {
        self.refill();
        let n = self.buffer.leading_zeros().min(max);
        self.buffer <<= n;
        self.n -= n;
        n
    }

    /// The next `n_bits` ≤ 32 bits.
    #[inline]
    pub(super) fn take(&mut self, n_bits: u32) -> u32 {
        if n_bits == 0 {
            return 0;
        }
        self.refill();
        let value = (self.buffer >> (64 - n_bits)) as u32;
        self.buffer <<= n_bits;
        self.n -= n_bits;
        value
    }

    /// True if more bits were taken than there are.
    pub(super) fn is_past_the_end(&self) -> bool {
        8 * self.at as u64 - u64::from(self.n) > 8 * self.bytes.len() as u64
    }

    /// Checks that the stream was used up to its last byte, not read past, and padded with zeros.
    pub(super) fn finish(self) -> Result<(), CodecError> {
        let used_bits = 8 * self.at as u64 - u64::from(self.n);
        let n_bits = 8 * self.bytes.len() as u64;
        if self.is_past_the_end() {
            return Err(CodecError::Truncated { what: "Rice codes" });
        }
        if n_bits - used_bits >= 8 || (self.buffer != 0) {
            return Err(CodecError::Corrupt { what: "bits after the Rice codes" });
        }
        Ok(())
    }
}
