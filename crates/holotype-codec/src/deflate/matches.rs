//! Which bytes become references to earlier ones.

use super::{DeflateParameters, DeflateStrategy};

const MIN_MATCH: usize = 3;
pub(super) const MAX_MATCH: usize = 258;
/// Bytes at the end of the window that are not referred to.
pub(super) const MIN_LOOKAHEAD: usize = MAX_MATCH + MIN_MATCH + 1;
/// References of three bytes further back than this cost more than they save.
const TOO_FAR: usize = 4096;
/// No place; place 0 is never referred to either.
const NONE: u32 = 0;

/// A byte, or a reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token {
    Literal(u8),
    /// 3 to 258 bytes from 1 to 32768 bytes back.
    Match {
        n_bytes: u16,
        distance: u16,
    },
}

/// How long a level searches.
struct Effort {
    /// A match of so many bytes makes the next search a quarter as long.
    good: usize,
    /// A match of so many bytes is taken at once; of a level that is not lazy, its bytes are not all remembered.
    lazy: usize,
    /// A match of so many bytes ends the search.
    nice: usize,
    /// Places looked at.
    chain: usize,
}

const EFFORTS: [Effort; 9] = {
    const fn effort(good: usize, lazy: usize, nice: usize, chain: usize) -> Effort {
        Effort { good, lazy, nice, chain }
    }
    [
        effort(4, 4, 8, 4),
        effort(4, 5, 16, 8),
        effort(4, 6, 32, 32),
        effort(4, 4, 16, 16),
        effort(8, 16, 32, 32),
        effort(8, 16, 128, 128),
        effort(8, 32, 128, 256),
        effort(32, 128, 258, 1024),
        effort(32, 258, 258, 4096),
    ]
};

/// How a search ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// A token was refused.
    Refused,
    /// All tokens were handed over but the literal held here, which ends the last block without beginning another.
    Done(Option<u8>),
}

impl End {
    fn of(is_done: bool) -> Self {
        if is_done { Self::Done(None) } else { Self::Refused }
    }
}

/// Hands every token to `take`, in order, until it returns false.
pub(super) fn find(data: &[u8], parameters: DeflateParameters, take: &mut dyn FnMut(Token) -> bool) -> End {
    match parameters.strategy {
        DeflateStrategy::HuffmanOnly => End::of(data.iter().all(|byte| take(Token::Literal(*byte)))),
        DeflateStrategy::RunLength => End::of(runs(data, take)),
        _ if parameters.level <= 3 => End::of(Search::new(data, parameters).greedy(take)),
        _ => Search::new(data, parameters).lazy(take),
    }
}

/// Repetitions of the byte before.
fn runs(data: &[u8], take: &mut dyn FnMut(Token) -> bool) -> bool {
    let mut at = 0;
    while at < data.len() {
        let n = match at.checked_sub(1) {
            Some(before) => {
                let same = data[at..].iter().take(MAX_MATCH).take_while(|byte| **byte == data[before]);
                same.count()
            }
            None => 0,
        };
        let (token, step) = if n >= MIN_MATCH {
            (Token::Match { n_bytes: n as u16, distance: 1 }, n)
        } else {
            (Token::Literal(data[at]), 1)
        };
        if !take(token) {
            return false;
        }
        at += step;
    }
    true
}

/// Places of the same three bytes, the last first.
struct Search<'a> {
    data: &'a [u8],
    effort: &'static Effort,
    is_filtered: bool,
    max_distance: usize,
    window_mask: usize,
    hash_shift: u32,
    hash_mask: u32,
    /// The last place of each hash.
    head: Vec<u32>,
    /// The place before of the same hash, by place.
    previous: Vec<u32>,
}

impl<'a> Search<'a> {
    fn new(data: &'a [u8], parameters: DeflateParameters) -> Self {
        let window = 1_usize << parameters.window_bits;
        let hash_bits = u32::from(parameters.memory_level) + 7;
        Self {
            data,
            effort: &EFFORTS[usize::from(parameters.level.clamp(1, 9)) - 1],
            is_filtered: parameters.strategy == DeflateStrategy::Filtered,
            max_distance: window - MIN_LOOKAHEAD,
            window_mask: window - 1,
            hash_shift: hash_bits.div_ceil(MIN_MATCH as u32),
            hash_mask: (1 << hash_bits) - 1,
            head: vec![NONE; 1 << hash_bits],
            previous: vec![NONE; window],
        }
    }

    /// Remembers the place `at`; returns the last one of the same hash.
    fn insert(&mut self, at: usize) -> u32 {
        let byte = |i: usize| u32::from(self.data.get(at + i).copied().unwrap_or(0));
        let shift = self.hash_shift;
        let hash = (byte(0) << (2 * shift) ^ byte(1) << shift ^ byte(2)) & self.hash_mask;
        let last = std::mem::replace(&mut self.head[hash as usize], at as u32);
        self.previous[at & self.window_mask] = last;
        last
    }

    /// The longest match of more than `n_before` bytes at `at` among the places from `place` on, with where it is.
    fn longest(&self, at: usize, mut place: u32, n_before: usize) -> (usize, usize) {
        let n_left = self.data.len() - at;
        let mut n_chain = self.effort.chain;
        if n_before >= self.effort.good {
            n_chain >>= 2;
        }
        let nice = self.effort.nice.min(n_left);
        let limit = at.saturating_sub(self.max_distance) as u32;
        let (mut best, mut start) = (n_before, 0);
        let most = n_left.min(MAX_MATCH);
        let scan = &self.data[at..at + most];
        loop {
            let there = &self.data[place as usize..];
            // Past the end of the data are zeros in zlib's window; a match never is longer than what is left.
            let n = if best < most && there[best] != scan[best] {
                0
            } else {
                scan.iter().zip(there).take_while(|(a, b)| a == b).count()
            };
            if n > best {
                best = n;
                start = place as usize;
                if n >= nice {
                    break;
                }
            }
            place = self.previous[place as usize & self.window_mask];
            n_chain -= 1;
            if place <= limit || n_chain == 0 {
                break;
            }
        }
        (best.min(n_left), start)
    }

    fn is_near(&self, at: usize, place: u32) -> bool {
        place != NONE && at - place as usize <= self.max_distance
    }

    fn greedy(mut self, take: &mut dyn FnMut(Token) -> bool) -> bool {
        let mut at = 0;
        while at < self.data.len() {
            let n_left = self.data.len() - at;
            let place = if n_left >= MIN_MATCH { self.insert(at) } else { NONE };
            let (n, start) =
                if self.is_near(at, place) { self.longest(at, place, MIN_MATCH - 1) } else { (0, 0) };
            if n < MIN_MATCH {
                if !take(Token::Literal(self.data[at])) {
                    return false;
                }
                at += 1;
                continue;
            }
            if !take(Token::Match { n_bytes: n as u16, distance: (at - start) as u16 }) {
                return false;
            }
            if n <= self.effort.lazy && n_left - n >= MIN_MATCH {
                for at in at + 1..at + n {
                    self.insert(at);
                }
            }
            at += n;
        }
        true
    }

    fn lazy(mut self, take: &mut dyn FnMut(Token) -> bool) -> End {
        let mut at = 0;
        // The match that begins at the byte before.
        let (mut n_before, mut start_before) = (MIN_MATCH - 1, 0);
        let mut has_before = false;
        while at < self.data.len() {
            let n_left = self.data.len() - at;
            let place = if n_left >= MIN_MATCH { self.insert(at) } else { NONE };
            let (mut n, mut start) = (MIN_MATCH - 1, 0);
            if n_before < self.effort.lazy && self.is_near(at, place) {
                (n, start) = self.longest(at, place, n_before);
                let is_dear = n == MIN_MATCH && at - start > TOO_FAR;
                if n <= 5 && (self.is_filtered || is_dear) {
                    n = MIN_MATCH - 1;
                }
            }
            if n_before >= MIN_MATCH && n <= n_before {
                let distance = (at - 1 - start_before) as u16;
                if !take(Token::Match { n_bytes: n_before as u16, distance }) {
                    return End::Refused;
                }
                let last_insert = (at + n_left).saturating_sub(MIN_MATCH);
                (at + 1..at + n_before - 1).filter(|at| *at <= last_insert).for_each(|at| {
                    self.insert(at);
                });
                at += n_before - 1;
                (n_before, has_before) = (MIN_MATCH - 1, false);
                continue;
            }
            if has_before && !take(Token::Literal(self.data[at - 1])) {
                return End::Refused;
            }
            (n_before, start_before, has_before) = (n, start, true);
            at += 1;
        }
        End::Done(has_before.then(|| self.data[at - 1]))
    }
}
