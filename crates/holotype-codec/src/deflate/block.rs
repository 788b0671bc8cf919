//! Tokens grouped, each group in the form that takes the fewest bytes.

use super::bits::BitWriter;
use super::matches::{MAX_MATCH, MIN_LOOKAHEAD, Token};
use super::tree::Code;
use super::{DeflateParameters, DeflateStrategy};

const N_LITERALS: usize = 286;
const N_DISTANCES: usize = 30;
const N_LENGTHS: usize = 19;
const END: usize = 256;
/// Symbols of the code of code lengths: the last length 3 to 6 times more, zero 3 to 10 and 11 to 138 times.
const REPEAT: usize = 16;
const ZEROS: usize = 17;
const MANY_ZEROS: usize = 18;
/// In which order the lengths of that code are written.
const ORDER: [usize; N_LENGTHS] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// Blocks, one after another.
pub(super) struct Blocks<'a> {
    data: &'a [u8],
    /// Where the block at hand begins.
    start: usize,
    n_bytes: usize,
    tokens: Vec<Token>,
    max_tokens: usize,
    is_fixed: bool,
    window: Window,
    literals: Vec<u32>,
    distances: Vec<u32>,
    bits: BitWriter,
    fixed: (Code, Code),
}

/// What zlib holds of the data: a block that begins before it is not written as it is, short as that may be.
struct Window {
    start: usize,
    n_bytes: usize,
    /// It moves on by a half when so few bytes are left ahead,
    least_ahead: usize,
    /// which it finds at the byte after that of the token, if it is lazy.
    is_late: bool,
}

impl Window {
    fn new(parameters: DeflateParameters) -> Self {
        let least_ahead = match parameters.strategy {
            DeflateStrategy::HuffmanOnly => 0,
            DeflateStrategy::RunLength => MAX_MATCH,
            _ => MIN_LOOKAHEAD - 1,
        };
        let is_late = parameters.level > 3 && least_ahead == MIN_LOOKAHEAD - 1;
        Self { start: 0, n_bytes: 2 << parameters.window_bits, least_ahead, is_late }
    }

    /// The search comes to the byte `at`.
    fn reach(&mut self, at: usize, n_data: usize) {
        let at = at + usize::from(self.is_late);
        let end = self.start + self.n_bytes;
        // Once all data is held it looks at every byte whether there is more.
        let least = if end >= n_data && self.least_ahead > 0 { MIN_LOOKAHEAD } else { self.least_ahead };
        if at + least >= end {
            self.start += self.n_bytes / 2;
        }
    }
}

/// The symbol of a length, its further bits and their number.
fn length_symbol(n_bytes: u16) -> (usize, u32, u32) {
    let rest = u32::from(n_bytes) - 3;
    match rest {
        0..8 => (257 + rest as usize, 0, 0),
        255 => (285, 0, 0),
        _ => {
            let n_bits = rest.ilog2() - 2;
            (257 + 4 * n_bits as usize + (rest >> n_bits) as usize, rest & ((1 << n_bits) - 1), n_bits)
        }
    }
}

/// The same of a distance.
fn distance_symbol(distance: u16) -> (usize, u32, u32) {
    let rest = u32::from(distance) - 1;
    if rest < 4 {
        return (rest as usize, 0, 0);
    }
    let n_bits = rest.ilog2() - 1;
    (2 * n_bits as usize + (rest >> n_bits) as usize, rest & ((1 << n_bits) - 1), n_bits)
}

fn n_bits_of(counts: &[u32], n_bits: &[u8]) -> u64 {
    counts.iter().zip(n_bits).map(|(count, n)| u64::from(*count) * u64::from(*n)).sum()
}

fn last_used(n_bits: &[u8]) -> usize {
    n_bits.iter().rposition(|n| *n > 0).unwrap_or(0)
}

impl<'a> Blocks<'a> {
    pub(super) fn new(data: &'a [u8], parameters: DeflateParameters) -> Self {
        let literals = (0..288).map(|symbol| match symbol {
            0..144 | 280..288 => 8,
            144..256 => 9,
            _ => 7,
        });
        let mut blocks = Self {
            data,
            start: 0,
            n_bytes: 0,
            tokens: Vec::new(),
            max_tokens: (1 << (parameters.memory_level + 6)) - 1,
            is_fixed: parameters.strategy == DeflateStrategy::Fixed,
            window: Window::new(parameters),
            literals: vec![0; N_LITERALS],
            distances: vec![0; N_DISTANCES],
            bits: BitWriter::default(),
            fixed: (Code::of(literals.collect()), Code::of(vec![5; N_DISTANCES])),
        };
        blocks.literals[END] = 1;
        blocks
    }

    fn add(&mut self, token: Token) {
        self.window.reach(self.start + self.n_bytes, self.data.len());
        match token {
            Token::Literal(byte) => {
                self.literals[usize::from(byte)] += 1;
                self.n_bytes += 1;
            }
            Token::Match { n_bytes, distance } => {
                self.literals[length_symbol(n_bytes).0] += 1;
                self.distances[distance_symbol(distance).0] += 1;
                self.n_bytes += usize::from(n_bytes);
            }
        }
        self.tokens.push(token);
    }

    /// Takes a token; false if the block it ended was written and `check` refuses what there is now.
    pub(super) fn push(&mut self, token: Token, check: &mut dyn FnMut(&[u8]) -> bool) -> bool {
        self.add(token);
        if self.tokens.len() < self.max_tokens {
            return true;
        }
        self.flush(false);
        check(self.bits.bytes())
    }

    /// Ends the stream.
    pub(super) fn finish(mut self, last: Option<u8>) -> Vec<u8> {
        last.into_iter().for_each(|byte| self.add(Token::Literal(byte)));
        self.flush(true);
        self.bits.finish()
    }

    fn flush(&mut self, is_last: bool) {
        let literals = Code::shortest(&self.literals, 15);
        let distances = Code::shortest(&self.distances, 15);
        let extra: u64 = self.tokens.iter().map(extra_bits).sum();
        let lengths = Lengths::of(&literals, &distances);
        let n_bits = |literals: &Code, distances: &Code| {
            extra
                + n_bits_of(&self.literals, &literals.n_bits)
                + n_bits_of(&self.distances, &distances.n_bits)
        };
        let n_own = (n_bits(&literals, &distances) + lengths.n_bits() + 10) / 8;
        let n_fixed = (n_bits(&self.fixed.0, &self.fixed.1) + 10) / 8;
        let use_fixed = n_fixed <= n_own || self.is_fixed;
        let n_least = if use_fixed { n_fixed } else { n_own };
        let last = u32::from(is_last);
        let is_held = self.start >= self.window.start;
        if self.n_bytes as u64 + 4 <= n_least && is_held && self.n_bytes <= 0xFFFF {
            self.bits.put(last, 3);
            self.bits.align();
            self.bits.put(self.n_bytes as u32, 16);
            self.bits.put(!(self.n_bytes as u32) & 0xFFFF, 16);
            self.bits.put_bytes(&self.data[self.start..self.start + self.n_bytes]);
        } else if use_fixed {
            self.bits.put(2 | last, 3);
            write_tokens(&mut self.bits, &self.tokens, &self.fixed.0, &self.fixed.1);
        } else {
            self.bits.put(4 | last, 3);
            lengths.write(&mut self.bits);
            write_tokens(&mut self.bits, &self.tokens, &literals, &distances);
        }
        self.start += self.n_bytes;
        self.n_bytes = 0;
        self.tokens.clear();
        self.literals.fill(0);
        self.distances.fill(0);
        self.literals[END] = 1;
    }
}

fn extra_bits(token: &Token) -> u64 {
    match token {
        Token::Literal(_) => 0,
        Token::Match { n_bytes, distance } => {
            u64::from(length_symbol(*n_bytes).2 + distance_symbol(*distance).2)
        }
    }
}

fn write_tokens(bits: &mut BitWriter, tokens: &[Token], literals: &Code, distances: &Code) {
    let mut put = |(code, n_bits): (u32, u32)| bits.put(code, n_bits);
    for token in tokens {
        match *token {
            Token::Literal(byte) => put(literals.bits(usize::from(byte))),
            Token::Match { n_bytes, distance } => {
                let (symbol, rest, n_rest) = length_symbol(n_bytes);
                put(literals.bits(symbol));
                put((rest, n_rest));
                let (symbol, rest, n_rest) = distance_symbol(distance);
                put(distances.bits(symbol));
                put((rest, n_rest));
            }
        }
    }
    put(literals.bits(END));
}

/// Code lengths as they are written: symbols with their further bits, and the code of these symbols.
struct Lengths {
    n_literals: usize,
    n_distances: usize,
    symbols: Vec<(usize, u32, u32)>,
    code: Code,
    n_lengths: usize,
}

impl Lengths {
    fn of(literals: &Code, distances: &Code) -> Self {
        let (n_literals, n_distances) = (last_used(&literals.n_bits) + 1, last_used(&distances.n_bits) + 1);
        let mut symbols = Vec::new();
        push_runs(&literals.n_bits[..n_literals], &mut symbols);
        push_runs(&distances.n_bits[..n_distances], &mut symbols);
        let mut counts = [0; N_LENGTHS];
        symbols.iter().for_each(|(symbol, _, _)| counts[*symbol] += 1);
        let code = Code::shortest(&counts, 7);
        let last = ORDER.iter().rposition(|symbol| code.n_bits[*symbol] > 0).unwrap_or(0);
        Self { n_literals, n_distances, symbols, code, n_lengths: last.max(3) + 1 }
    }

    fn n_bits(&self) -> u64 {
        let symbols =
            self.symbols.iter().map(|(symbol, _, n)| u64::from(self.code.n_bits[*symbol]) + u64::from(*n));
        symbols.sum::<u64>() + 3 * self.n_lengths as u64 + 14
    }

    fn write(&self, bits: &mut BitWriter) {
        bits.put(self.n_literals as u32 - 257, 5);
        bits.put(self.n_distances as u32 - 1, 5);
        bits.put(self.n_lengths as u32 - 4, 4);
        for symbol in ORDER.iter().take(self.n_lengths) {
            bits.put(self.code.n_bits[*symbol].into(), 3);
        }
        for (symbol, rest, n_rest) in &self.symbols {
            let (code, n_bits) = self.code.bits(*symbol);
            bits.put(code, n_bits);
            bits.put(*rest, *n_rest);
        }
    }
}

/// Lengths as symbols: a run is cut where zlib cuts it.
fn push_runs(n_bits: &[u8], out: &mut Vec<(usize, u32, u32)>) {
    let (mut before, mut count) = (None, 0_u32);
    let bounds = |next: Option<u8>, now: Option<u8>| match next {
        Some(0) => (138, 3),
        next if next == now => (6, 3),
        _ => (7, 4),
    };
    let (mut most, mut least) = bounds(n_bits.first().copied(), None);
    for (i, now) in n_bits.iter().enumerate() {
        let next = n_bits.get(i + 1).copied();
        count += 1;
        if count < most && next == Some(*now) {
            continue;
        }
        let symbol = usize::from(*now);
        if count < least {
            out.extend((0..count).map(|_| (symbol, 0, 0)));
        } else if *now != 0 {
            if before != Some(*now) {
                out.push((symbol, 0, 0));
                count -= 1;
            }
            out.push((REPEAT, count - 3, 2));
        } else if count <= 10 {
            out.push((ZEROS, count - 3, 3));
        } else {
            out.push((MANY_ZEROS, count - 11, 7));
        }
        count = 0;
        before = Some(*now);
        (most, least) = bounds(next, Some(*now));
    }
}
