//! The list of 16-bit words that interleaved states and streams of bits draw from: written last word first, read first
//! word first.

/// Words, written from the end of a buffer that grows at its front.
#[derive(Debug)]
pub(crate) struct WordWriter {
    /// Little-endian.
    buffer: Vec<[u8; 2]>,
    /// Index of the first word.
    first: usize,
}

impl WordWriter {
    /// With room for about as many words; of memory that is not written to none is taken.
    pub(crate) fn new(n_words: usize) -> Self {
        let n = n_words.max(1 << 10);
        Self { buffer: vec![[0; 2]; n], first: n }
    }

    /// Makes room for `n` more words and a vector.
    pub(crate) fn reserve(&mut self, n: usize) {
        if self.first < n + 8 {
            let n_old = self.buffer.len();
            let mut larger = vec![[0; 2]; n_old + (n_old + n).max(1 << 15)];
            let shift = larger.len() - n_old;
            larger[shift..].copy_from_slice(&self.buffer);
            self.buffer = larger;
            self.first += shift;
        }
    }

    /// Puts the last `n` of eight words before the others; [`Self::new`] or [`Self::reserve`] made room for eight.
    #[inline(always)]
    pub(crate) fn put(&mut self, eight: &[u16; 8], n: usize) {
        // The places before the new words are overwritten later.
        if let Some(place) = self.buffer.get_mut(self.first - 8..self.first) {
            place.copy_from_slice(&eight.map(u16::to_le_bytes));
        }
        self.first -= n;
    }

    /// Puts a word before the others if `is_there`; without a branch, which half of the time would be missed.
    #[inline(always)]
    pub(crate) fn put_one(&mut self, word: u16, is_there: bool) {
        // The place before the new word is overwritten later.
        if let Some(place) = self.buffer.get_mut(self.first.wrapping_sub(1)) {
            *place = word.to_le_bytes();
        }
        self.first -= usize::from(is_there);
    }

    /// The words in the order of reading, little-endian.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.buffer[self.first..].as_flattened()
    }
}

/// Words in the order of reading; past their end come zeros.
#[derive(Debug)]
pub(crate) struct WordReader<'a> {
    words: &'a [[u8; 2]],
    /// The last words, and zeros.
    tail: [[u8; 2]; 2 * N_AHEAD],
    /// Index of the first word in the tail.
    tail_at: usize,
    /// How many were taken; more than there are if the input is cut.
    n_taken: usize,
}

/// Words that are looked at together.
const N_AHEAD: usize = 8;

impl<'a> WordReader<'a> {
    pub(crate) fn new(words: &'a [[u8; 2]]) -> Self {
        let tail_at = words.len().saturating_sub(N_AHEAD);
        let mut tail = [[0; 2]; 2 * N_AHEAD];
        tail.iter_mut().zip(&words[tail_at..]).for_each(|(to, from)| *to = *from);
        Self { words, tail, tail_at, n_taken: 0 }
    }

    /// The next eight words.
    #[inline(always)]
    pub(crate) fn peek(&self) -> [u16; N_AHEAD] {
        let next = self.words.get(self.n_taken..).and_then(|rest| rest.first_chunk());
        let next = next.or_else(|| self.tail.get(self.n_taken.checked_sub(self.tail_at)?..)?.first_chunk());
        next.map_or([0; N_AHEAD], |next| next.map(u16::from_le_bytes))
    }

    /// Passes the next `n` words.
    #[inline(always)]
    pub(crate) fn skip(&mut self, n: usize) {
        self.n_taken += n;
    }

    /// True if more words were taken than there are.
    pub(crate) fn is_past_the_end(&self) -> bool {
        self.n_taken > self.words.len()
    }

    /// True if all words were taken.
    pub(crate) fn is_at_the_end(&self) -> bool {
        self.n_taken == self.words.len()
    }
}
