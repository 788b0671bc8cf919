//! SHA-256 of content that grows: its state can be kept and gone on from.

use sha2::block_api::compress256;

/// What SHA-256 starts from: FIPS 180-4, section 5.3.3.
const INITIAL: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// SHA-256 of the bytes so far.
#[derive(Debug, Clone)]
pub(crate) struct ContentHash {
    state: [u32; 8],
    /// What follows the last whole block.
    tail: Vec<u8>,
    n_bytes: u64,
}

impl Default for ContentHash {
    fn default() -> Self {
        Self { state: INITIAL, tail: Vec::new(), n_bytes: 0 }
    }
}

impl ContentHash {
    /// Bytes that SHA-256 takes at a time.
    pub(crate) const BLOCK_BYTES: usize = 64;

    /// Goes on after `n_bytes` bytes, whose whole blocks left `state` and whose others were `tail`; nothing if these are
    /// not as many as they must be.
    pub(crate) fn resume(state: &[u8; 32], n_bytes: u64, tail: &[u8]) -> Option<Self> {
        if tail.len() as u64 != n_bytes % Self::BLOCK_BYTES as u64 {
            return None;
        }
        let mut words = [0; 8];
        for (word, bytes) in words.iter_mut().zip(state.as_chunks().0) {
            *word = u32::from_be_bytes(*bytes);
        }
        Some(Self { state: words, tail: tail.to_vec(), n_bytes })
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.n_bytes = self.n_bytes.wrapping_add(bytes.len() as u64);
        let mut rest = bytes;
        if !self.tail.is_empty() {
            let (first, after) = rest.split_at(rest.len().min(Self::BLOCK_BYTES - self.tail.len()));
            self.tail.extend_from_slice(first);
            rest = after;
            let (blocks, _) = self.tail.as_chunks();
            compress256(&mut self.state, blocks);
            if !blocks.is_empty() {
                self.tail.clear();
            }
        }
        let (blocks, tail) = rest.as_chunks();
        compress256(&mut self.state, blocks);
        self.tail.extend_from_slice(tail);
    }

    /// The state after the last whole block: the eight words, big-endian.
    pub(crate) fn state(&self) -> [u8; 32] {
        let mut out = [0; 32];
        for (bytes, word) in out.as_chunks_mut().0.iter_mut().zip(self.state) {
            *bytes = word.to_be_bytes();
        }
        out
    }

    /// The hash of all bytes.
    pub(crate) fn finalize(mut self) -> [u8; 32] {
        let n_zeros = (2 * Self::BLOCK_BYTES - 9 - self.tail.len()) % Self::BLOCK_BYTES;
        let mut end = vec![0; 1 + n_zeros];
        end[0] = 0x80;
        end.extend_from_slice(&self.n_bytes.wrapping_mul(8).to_be_bytes());
        self.update(&end);
        self.state()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::{Digest, Sha256};

    #[test]
    fn it_is_sha256_however_the_bytes_come() {
        let bytes: Vec<u8> = (0..400_u32).map(|i| ((i * i) >> 3) as u8).collect();
        for n in 0..=260 {
            let expected: [u8; 32] = Sha256::digest(&bytes[..n]).into();
            for step in [1, 7, 63, 64, 65, 130, 400] {
                let mut hash = ContentHash::default();
                bytes[..n].chunks(step).for_each(|part| hash.update(part));
                assert_eq!(hash.finalize(), expected, "{n} bytes by {step}");
            }
        }
    }

    #[test]
    fn it_goes_on_from_its_state() {
        let bytes: Vec<u8> = (0..200_u8).collect();
        for n in 0..200 {
            let mut hash = ContentHash::default();
            hash.update(&bytes[..n]);
            let tail = &bytes[n - n % 64..n];
            let mut again = ContentHash::resume(&hash.state(), n as u64, tail).unwrap();
            again.update(&bytes[n..]);
            let expected: [u8; 32] = Sha256::digest(&bytes).into();
            assert_eq!(again.finalize(), expected);
        }
        assert!(ContentHash::resume(&[0; 32], 65, &[]).is_none());
    }
}
