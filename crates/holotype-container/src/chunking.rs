//! Content-defined chunking, frozen: the same bytes are cut in the same places by every version. Spec §5.7.

use crate::cbor::Value;
use crate::{Error, frame_hash};
use std::borrow::Cow;
use std::fmt;

/// How content is cut into chunks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chunking {
    min_bytes: u32,
    average_log2: u32,
    max_bytes: u32,
    secret: Option<Secret>,
}

/// What makes the cuts of an encrypted archive its own, so that their places tell nothing of known content.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Secret([u8; 32]);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// A [`Chunking`] with its table, made once for all content that is cut.
#[derive(Debug, Clone)]
pub struct Cutter {
    chunking: Chunking,
    gear: Cow<'static, [u64; 256]>,
}

impl Cutter {
    /// Length of the first chunk of `content`, which is the whole rest of it or at least [`Chunking::max_bytes`].
    #[must_use]
    pub fn first_chunk(&self, content: &[u8]) -> usize {
        self.chunking.first_chunk_by(&self.gear, content)
    }

    /// The rule it cuts by.
    #[must_use]
    pub fn chunking(&self) -> &Chunking {
        &self.chunking
    }
}

/// Averages from 2⁸ to 2²⁴ bytes.
const AVERAGE_LOG2: std::ops::RangeInclusive<u32> = 8..=24;
/// Added to and taken from log2 of the average: how strict the test is before and after it.
const NORMALISATION: u32 = 2;

impl Default for Chunking {
    /// 64 KiB on average, 16 KiB to 256 KiB.
    fn default() -> Self {
        Self::around(16)
    }
}

impl Chunking {
    /// Chunks of 2^`average_log2` bytes (8 to 24, clamped), a quarter of it at least, four times it at most.
    #[must_use]
    pub fn around(average_log2: u32) -> Self {
        let average_log2 = average_log2.clamp(*AVERAGE_LOG2.start(), *AVERAGE_LOG2.end());
        let (min_bytes, max_bytes) = (1 << (average_log2 - 2), 1 << (average_log2 + 2));
        Self { min_bytes, average_log2, max_bytes, secret: None }
    }

    /// The same rule with cuts of its own, in other places than those of another secret.
    #[must_use]
    pub fn with_secret(mut self, secret: [u8; 32]) -> Self {
        self.secret = Some(Secret(secret));
        self
    }

    /// What cuts by this rule.
    #[must_use]
    pub fn cutter(&self) -> Cutter {
        let gear = match &self.secret {
            None => Cow::Borrowed(&*GEAR),
            Some(Secret(secret)) => Cow::Owned(gear(secret)),
        };
        Cutter { chunking: *self, gear }
    }

    /// Chunks of `min_bytes` to `max_bytes`, 2^`average_log2` on average.
    ///
    /// # Errors
    /// `InvalidArgument` unless 64 ≤ min ≤ 2^average ≤ max ≤ 2²⁸ and 8 ≤ average ≤ 24.
    pub fn new(min_bytes: u32, average_log2: u32, max_bytes: u32) -> Result<Self, Error> {
        let is_known = AVERAGE_LOG2.contains(&average_log2)
            && (64..=1 << average_log2).contains(&min_bytes)
            && (1 << average_log2..=1 << 28).contains(&max_bytes);
        if is_known {
            Ok(Self { min_bytes, average_log2, max_bytes, secret: None })
        } else {
            let what = "chunks need 64 <= min <= average <= max <= 2^28, average 2^8 to 2^24";
            Err(Error::InvalidArgument { what })
        }
    }

    /// Fewest bytes of a chunk that is not the last of its content.
    #[must_use]
    pub fn min_bytes(&self) -> u32 {
        self.min_bytes
    }

    /// Bytes around which cuts become more likely; a power of two.
    #[must_use]
    pub fn average_bytes(&self) -> u32 {
        1 << self.average_log2
    }

    /// Most bytes of a chunk.
    #[must_use]
    pub fn max_bytes(&self) -> u32 {
        self.max_bytes
    }

    /// Length of the first chunk of `content`, which is the whole rest of it or at least [`Self::max_bytes`].
    #[must_use]
    pub fn first_chunk(&self, content: &[u8]) -> usize {
        self.cutter().first_chunk(content)
    }

    fn first_chunk_by(&self, table: &[u64; 256], content: &[u8]) -> usize {
        let content = &content[..content.len().min(self.max_bytes as usize)];
        let strict = 1_u64 << (64 - self.average_log2 - NORMALISATION);
        let loose = 1_u64 << (64 - self.average_log2 + NORMALISATION);
        let middle = content.len().min(1 << self.average_log2);
        let Some((before, after)) = content.split_at_checked(middle) else { return content.len() };
        let mut gear = 0;
        let skipped = self.min_bytes as usize;
        if let Some(n) = before.get(skipped..).and_then(|bytes| scan(table, bytes, &mut gear, strict)) {
            return skipped + n;
        }
        // Nothing of `after` is skipped: the minimum is not above the average.
        scan(table, after, &mut gear, loose).map_or(content.len(), |n| middle + n)
    }

    pub(crate) fn to_value(self) -> Value {
        let Self { min_bytes, average_log2, max_bytes, secret } = self;
        let numbers = [min_bytes, average_log2, max_bytes].map(|n| Value::Unsigned(n.into()));
        let secret = secret.map(|Secret(secret)| Value::Bytes(secret.to_vec()));
        Value::Array(numbers.into_iter().chain(secret).collect())
    }

    pub(crate) fn from_value(value: &Value) -> Option<Self> {
        let (numbers, secret) = value.as_array()?.split_at_checked(3)?;
        let [min, average, max] = numbers else { return None };
        let number = |value: &Value| u32::try_from(value.as_unsigned()?).ok();
        let chunking = Self::new(number(min)?, number(average)?, number(max)?).ok()?;
        match secret {
            [] => Some(chunking),
            [secret] => Some(chunking.with_secret(secret.as_bytes()?.try_into().ok()?)),
            _ => None,
        }
    }
}

/// Number of bytes up to and with the first at which the gear is below `threshold`.
fn scan(table: &[u64; 256], bytes: &[u8], gear: &mut u64, threshold: u64) -> Option<usize> {
    let mut state = *gear;
    for (i, &byte) in bytes.iter().enumerate() {
        state = (state << 1).wrapping_add(table[byte as usize]);
        if state < threshold {
            return Some(i + 1);
        }
    }
    *gear = state;
    None
}

/// The table of archives that are not encrypted.
static GEAR: std::sync::LazyLock<[u64; 256]> = std::sync::LazyLock::new(|| gear(&[]));

/// The first 8 bytes of BLAKE3(`"holotype gear v1"` ‖ byte ‖ secret), little-endian, for every byte.
fn gear(secret: &[u8]) -> [u64; 256] {
    std::array::from_fn(|byte| {
        let rule = [b"holotype gear v1", [byte as u8].as_slice(), secret].concat();
        let [a, b, c, d, e, f, g, h, ..] = frame_hash(&rule);
        u64::from_le_bytes([a, b, c, d, e, f, g, h])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The spec's own words, a byte at a time.
    fn plain(chunking: &Chunking, content: &[u8]) -> usize {
        let mut gear = 0_u64;
        for (i, &byte) in content.iter().enumerate().take(chunking.max_bytes as usize) {
            if i < chunking.min_bytes as usize {
                continue;
            }
            gear = (gear << 1).wrapping_add(GEAR[byte as usize]);
            let zeros = if i < 1 << chunking.average_log2 { 2 } else { -2 };
            if gear.leading_zeros() >= chunking.average_log2.wrapping_add_signed(zeros) {
                return i + 1;
            }
        }
        content.len().min(chunking.max_bytes as usize)
    }

    fn noise(n: usize) -> Vec<u8> {
        let mut state = 1_u64;
        (0..n)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 56) as u8
            })
            .collect()
    }

    fn cuts(chunking: &Chunking, mut content: &[u8]) -> Vec<usize> {
        let mut lengths = Vec::new();
        while !content.is_empty() {
            let n = chunking.first_chunk(content);
            lengths.push(n);
            content = &content[n..];
        }
        lengths
    }

    #[test]
    fn fast_and_plain_cut_alike() {
        let content = noise(300_000);
        for chunking in [
            Chunking::around(8),
            Chunking::around(12),
            Chunking::default(),
            Chunking::new(1 << 12, 12, 1 << 12).unwrap(),
            Chunking::new(64, 10, 5000).unwrap(),
        ] {
            for n in [0, 1, 63, 64, 65, 4095, 4096, 4097, 20_000, 300_000] {
                assert_eq!(chunking.first_chunk(&content[..n]), plain(&chunking, &content[..n]), "{n}");
            }
            let lengths = cuts(&chunking, &content);
            assert_eq!(lengths.iter().sum::<usize>(), content.len());
            let (_last, others) = lengths.split_last().unwrap();
            assert!(others.iter().all(|n| (chunking.min_bytes..=chunking.max_bytes).contains(&(*n as u32))));
        }
    }

    #[test]
    fn an_insertion_moves_few_cuts() {
        let old = noise(1_000_000);
        let new = [&old[..500_000], b"inserted", &old[500_000..]].concat();
        let chunking = Chunking::around(12);
        let ends = |content: &[u8]| -> std::collections::BTreeSet<[u8; 32]> {
            let mut at = 0;
            let lengths = cuts(&chunking, content);
            lengths
                .into_iter()
                .map(|n| {
                    at += n;
                    frame_hash(&content[at - n..at])
                })
                .collect()
        };
        assert!(ends(&new).difference(&ends(&old)).count() <= 3);
    }

    #[test]
    fn average_is_near_what_was_asked() {
        let content = noise(8 << 20);
        let n = cuts(&Chunking::default(), &content).len();
        assert!((90..170).contains(&n), "{n}");
    }

    #[test]
    fn the_table_is_frozen() {
        let whole: Vec<u8> = GEAR.iter().flat_map(|word| word.to_le_bytes()).collect();
        assert_eq!(
            crate::hex(&frame_hash(&whole)),
            "671009ef692dd365ec2b457be36f54c257e1d92fc78a5ec763bc51509d3727fb"
        );
    }

    #[test]
    fn a_secret_moves_the_cuts() {
        let content = noise(300_000);
        let all: Vec<Vec<usize>> = [None, Some([1; 32]), Some([2; 32])]
            .map(|secret| {
                let chunking = Chunking::around(12);
                let chunking = secret.map_or(chunking, |secret| chunking.with_secret(secret));
                assert_eq!(Chunking::from_value(&chunking.to_value()), Some(chunking));
                cuts(&chunking, &content)
            })
            .into();
        let ends = |lengths: &[usize]| -> std::collections::BTreeSet<usize> {
            lengths
                .iter()
                .scan(0, |at, n| {
                    *at += n;
                    Some(*at)
                })
                .collect()
        };
        for (a, b) in [(0, 1), (0, 2), (1, 2)] {
            assert!(ends(&all[a]).intersection(&ends(&all[b])).count() <= 3);
        }
    }

    #[test]
    fn settings_outside_the_rule_are_refused() {
        for (min, average, max) in [
            (63, 12, 8192),
            (5000, 12, 8192),
            (64, 12, 4095),
            (64, 7, 4096),
            (64, 25, 1 << 28),
            (64, 12, u32::MAX),
        ] {
            assert!(Chunking::new(min, average, max).is_err());
        }
        assert_eq!(Chunking::from_value(&Chunking::default().to_value()), Some(Chunking::default()));
    }
}
