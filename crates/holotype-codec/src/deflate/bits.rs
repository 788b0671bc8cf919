/// Bits, lowest first.
#[derive(Debug, Default)]
pub(super) struct BitWriter {
    bytes: Vec<u8>,
    held: u64,
    n_held: u32,
}

impl BitWriter {
    /// At most 32 bits.
    pub(super) fn put(&mut self, value: u32, n_bits: u32) {
        self.held |= u64::from(value) << self.n_held;
        self.n_held += n_bits;
        while self.n_held >= 8 {
            self.bytes.push(self.held as u8);
            self.held >>= 8;
            self.n_held -= 8;
        }
    }

    /// Zeros up to the next byte.
    pub(super) fn align(&mut self) {
        if self.n_held > 0 {
            self.put(0, 8 - self.n_held);
        }
    }

    /// Bytes at a byte's start.
    pub(super) fn put_bytes(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Whole bytes so far.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn finish(mut self) -> Vec<u8> {
        self.align();
        self.bytes
    }
}
