//! Residuals in a stream for each context. `docs/codecs/inter.md` §5.3.

use crate::CodecError;
use crate::entropy::byte_rans;

/// Levels of activity.
pub(super) const N_LEVELS: usize = 16;
/// The smallest activity of each level but the first.
const THRESHOLDS: [u16; N_LEVELS - 1] = [2, 4, 6, 9, 13, 18, 24, 32, 42, 56, 76, 100, 140, 200, 300];
/// Activities from here on are alike.
const N_ACTIVITIES: usize = 301;

fn levels() -> [u8; N_ACTIVITIES] {
    std::array::from_fn(|activity| {
        THRESHOLDS.iter().filter(|threshold| usize::from(**threshold) <= activity).count() as u8
    })
}

/// The stream of each level.
fn numbers(joins: &[bool; N_LEVELS - 1]) -> [u8; N_LEVELS] {
    let mut numbers = [0; N_LEVELS];
    for (i, joins) in joins.iter().enumerate() {
        numbers[i + 1] = numbers[i] + u8::from(!joins);
    }
    numbers
}

/// The residuals of a tile with their levels, to be coded.
#[derive(Debug)]
pub(super) struct Collected {
    levels: [u8; N_ACTIVITIES],
    coded: Vec<(u8, u8)>,
}

impl Collected {
    pub(super) fn with_capacity(n: usize) -> Self {
        Self { levels: levels(), coded: Vec::with_capacity(n) }
    }

    #[inline(always)]
    pub(super) fn push(&mut self, activity: u16, symbol: u8) {
        self.coded.push((self.levels[usize::from(activity).min(N_ACTIVITIES - 1)], symbol));
    }

    /// Joins levels whose residuals are alike and codes the streams.
    pub(super) fn finish(self) -> ([bool; N_LEVELS - 1], Vec<u8>) {
        let mut counts = vec![[0_u32; 256]; N_LEVELS];
        for (level, symbol) in &self.coded {
            counts[usize::from(*level)][usize::from(*symbol)] += 1;
        }
        let joins = join(counts);
        let numbers = numbers(&joins);
        let mut streams = vec![Vec::new(); usize::from(numbers[N_LEVELS - 1]) + 1];
        for (level, symbol) in self.coded {
            streams[usize::from(numbers[usize::from(level)])].push(symbol);
        }
        let mut out = Vec::new();
        for symbols in &streams {
            let mut coded = Vec::new();
            match symbols.split_first() {
                None => {}
                Some((first, rest)) if rest.iter().all(|symbol| symbol == first) => coded.push(*first),
                Some(_) => byte_rans::encode(symbols, &byte_rans::histogram(symbols), &mut coded),
            }
            out.extend_from_slice(&(symbols.len() as u32).to_le_bytes());
            out.extend_from_slice(&(coded.len() as u32).to_le_bytes());
            out.extend_from_slice(&coded);
        }
        (joins, out)
    }
}

/// About the bytes of a stream with this histogram.
fn cost(counts: &[u32; 256]) -> usize {
    match counts.iter().filter(|count| **count > 0).count() {
        0 => 8,
        1 => 9,
        _ => 8 + byte_rans::estimate(counts),
    }
}

fn sum(a: &[u32; 256], b: &[u32; 256]) -> [u32; 256] {
    std::array::from_fn(|i| a[i] + b[i])
}

/// Joins neighbours, each time those that save most, as long as it saves anything.
fn join(mut counts: Vec<[u32; 256]>) -> [bool; N_LEVELS - 1] {
    let mut joins = [false; N_LEVELS - 1];
    // First level of each stream.
    let mut firsts: Vec<usize> = (0..N_LEVELS).collect();
    let mut costs: Vec<usize> = counts.iter().map(cost).collect();
    loop {
        let saved = |i: usize| {
            let joined = cost(&sum(&counts[i], &counts[i + 1]));
            (costs[i] + costs[i + 1]).saturating_sub(joined)
        };
        let best =
            (0..counts.len() - 1).map(|i| (saved(i), i)).max_by_key(|(saved, i)| (*saved, usize::MAX - i));
        let Some((1.., i)) = best else { return joins };
        counts[i] = sum(&counts[i], &counts[i + 1]);
        costs[i] = cost(&counts[i]);
        counts.remove(i + 1);
        costs.remove(i + 1);
        joins[firsts.remove(i + 1) - 1] = true;
        if counts.len() == 1 {
            return joins;
        }
    }
}

/// Decoded streams, taken from symbol by symbol.
#[derive(Debug)]
pub(super) struct Streams {
    /// The stream of each activity.
    numbers: [u8; N_ACTIVITIES],
    symbols: Vec<u8>,
    /// Where the next symbol of each stream is, and where its last one ends.
    cursors: [usize; N_LEVELS],
    ends: [usize; N_LEVELS],
}

impl Streams {
    /// Decodes the streams of a tile of `n_samples` samples.
    pub(super) fn read(
        mut bytes: &[u8],
        joins: &[bool; N_LEVELS - 1],
        n_samples: usize,
    ) -> Result<Self, CodecError> {
        const CORRUPT: CodecError =
            CodecError::Corrupt { what: "the streams do not hold a tile's residuals" };
        let of_level = numbers(joins);
        let mut symbols = vec![0; n_samples];
        let (mut cursors, mut ends) = ([0; N_LEVELS], [0; N_LEVELS]);
        let mut at = 0;
        for k in 0..=usize::from(of_level[N_LEVELS - 1]) {
            let truncated = CodecError::Truncated { what: "streams of residuals" };
            let (head, rest) = bytes.split_first_chunk::<8>().ok_or(truncated.clone())?;
            let word =
                |i: usize| u32::from_le_bytes([head[i], head[i + 1], head[i + 2], head[i + 3]]) as usize;
            let (coded, rest) = rest.split_at_checked(word(4)).ok_or(truncated)?;
            bytes = rest;
            let end = at + word(0);
            let out = symbols.get_mut(at..end).ok_or(CORRUPT)?;
            match (out.len(), coded) {
                (0, []) => {}
                (1.., [symbol]) => out.fill(*symbol),
                (1.., [_, _, ..]) => byte_rans::decode(coded, out)?,
                _ => return Err(CORRUPT),
            }
            (cursors[k], ends[k]) = (at, end);
            at = end;
        }
        if at != n_samples || !bytes.is_empty() {
            return Err(CORRUPT);
        }
        let numbers = levels().map(|level| of_level[usize::from(level)]);
        Ok(Self { numbers, symbols, cursors, ends })
    }

    /// The next symbol of the stream of each activity.
    #[inline(always)]
    pub(super) fn take(&mut self, activities: &[u16], out: &mut [u8]) {
        let mut cursors = self.cursors;
        for (activity, symbol) in activities.iter().zip(out) {
            let number = self.numbers[usize::from(*activity).min(N_ACTIVITIES - 1)];
            let cursor = &mut cursors[usize::from(number) % N_LEVELS];
            // A stream that runs into the next is noticed at the end.
            *symbol = self.symbols.get(*cursor).copied().unwrap_or_default();
            *cursor += 1;
        }
        self.cursors = cursors;
    }

    /// Checks that every stream was used up.
    pub(super) fn finish(&self) -> Result<(), CodecError> {
        if self.cursors != self.ends {
            return Err(CodecError::Corrupt { what: "the residuals are not those of their contexts" });
        }
        Ok(())
    }
}
