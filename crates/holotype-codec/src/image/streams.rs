//! The list of 16-bit words that interleaved streams of bits draw from: written last word first, read first
//! word first.

/// Words, written from the end of a buffer that grows at its front.
#[derive(Debug)]
pub(super) struct WordWriter {
    buffer: Vec<u16>,
    /// Index of the first word.
    first: usize,
}

impl WordWriter {
    /// With room for about as many words; of memory that is not written to none is taken.
    pub(super) fn new(n_words: usize) -> Self {
        let n = n_words.max(1 << 10);
        Self { buffer: vec![0; n], first: n }
    }

    /// Makes room for `n` more words and a vector.
    pub(super) fn reserve(&mut self, n: usize) {
        if self.first < n + 8 {
            let n_old = self.buffer.len();
            let mut larger = vec![0; n_old + (n_old + n).max(1 << 15)];
            let shift = larger.len() - n_old;
            larger[shift..].copy_from_slice(&self.buffer);
            self.buffer = larger;
            self.first += shift;
        }
    }

    /// Puts the last `n` of eight words before the others; [`Self::reserve`] made room.
    #[inline(always)]
    pub(super) fn put(&mut self, eight: &[u16; 8], n: usize) {
        // The places before the new words are overwritten later.
        if let Some(place) = self.buffer.get_mut(self.first - 8..self.first) {
            place.copy_from_slice(eight);
        }
        self.first -= n;
    }

    /// The words in the order of reading.
    pub(super) fn words(&self) -> &[u16] {
        &self.buffer[self.first..]
    }
}

/// Words in the order of reading; past their end come zeros.
#[derive(Debug)]
pub(super) struct WordReader<'a> {
    words: &'a [[u8; 2]],
    /// How many were taken; more than there are if the input is cut.
    n_taken: usize,
}

impl<'a> WordReader<'a> {
    pub(super) fn new(words: &'a [[u8; 2]]) -> Self {
        Self { words, n_taken: 0 }
    }

    /// The next eight words.
    #[inline(always)]
    pub(super) fn peek(&self) -> [u16; 8] {
        let rest = self.words.get(self.n_taken..).unwrap_or(&[]);
        match rest.first_chunk() {
            Some(eight) => eight.map(u16::from_le_bytes),
            None => std::array::from_fn(|k| rest.get(k).map_or(0, |word| u16::from_le_bytes(*word))),
        }
    }

    /// Passes the next `n` words.
    #[inline(always)]
    pub(super) fn skip(&mut self, n: usize) {
        self.n_taken += n;
    }

    /// True if more words were taken than there are.
    pub(super) fn is_past_the_end(&self) -> bool {
        self.n_taken > self.words.len()
    }

    /// True if all words were taken.
    pub(super) fn is_at_the_end(&self) -> bool {
        self.n_taken == self.words.len()
    }
}
