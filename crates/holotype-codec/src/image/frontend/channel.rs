use super::float::{narrow, narrower, widen};
use super::words::{Word, from_word, to_word};
use crate::entropy::binary::{AdaptiveBit, AdaptiveNumber, BitCoder, Decoder};
use crate::{CodecError, SampleType};

/// What is left of one channel. `docs/codecs.md` §3.2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Channel {
    /// Every sample is this word.
    Constant(u64),
    /// The same samples as an earlier channel.
    Equal(usize),
    /// Words from `base` on, spread by at most 16 bit.
    Plane { base: u64, max: u16 },
    /// Few of the possible values are used: samples are their ranks.
    Ranks(Vec<u64>),
    /// Floats that hold integers, from `base` on.
    Integers { base: i64, max: u16 },
    /// Floats that fit the next narrower type: what is left of them there.
    Narrow(Box<Self>),
    /// Anything else: the word's 16-bit digits, most significant first.
    Wide { n_digits: usize },
}

mod kind {
    pub(super) const CONSTANT: u32 = 0;
    pub(super) const EQUAL: u32 = 1;
    pub(super) const PLANE: u32 = 2;
    pub(super) const RANKS: u32 = 3;
    pub(super) const INTEGERS: u32 = 4;
    pub(super) const WIDE: u32 = 5;
    pub(super) const NARROW: u32 = 6;
}

/// Models of the header's numbers.
#[derive(Debug, Default)]
pub(super) struct Models {
    kind: AdaptiveNumber,
    word: [AdaptiveNumber; 2],
    gap: AdaptiveNumber,
    repeat: AdaptiveBit,
}

/// A rank map has at most this many values.
const MAX_RANKS: usize = 1 << 16;

impl Channel {
    /// The tightest description of `words`.
    pub(super) fn describe<W: Word>(words: &[W], sample: SampleType) -> Self {
        let first = words.first().copied().unwrap_or(W::of(0));
        let (low, high) = words.iter().fold((first, first), |(a, b), &w| (a.min(w), b.max(w)));
        let (low, high): (u64, u64) = (low.into(), high.into());
        if low >= high {
            return Self::Constant(low);
        }
        if sample.is_float()
            && let Some(integers) = as_integers(words, sample)
        {
            return integers;
        }
        if let Some(slim) = narrower(sample)
            && let Some(words) = as_narrow(words, sample, slim)
        {
            return Self::Narrow(Box::new(Self::describe(&words, slim)));
        }
        let span = high - low;
        let used = used_values(words, low, span);
        if let Some(used) = used
            && (span >= 1 << 16 || is_sparse(used.len(), span))
            && used.len() >= 2
        {
            return Self::Ranks(used);
        }
        match u16::try_from(span) {
            Ok(max) => Self::Plane { base: low, max },
            Err(_) => Self::Wide { n_digits: sample.n_bytes() / 2 },
        }
    }

    pub(super) fn n_planes(&self) -> usize {
        self.maxes().len()
    }

    /// Largest sample of each of its planes.
    pub(super) fn maxes(&self) -> Vec<u16> {
        match self {
            Self::Constant(_) | Self::Equal(_) => Vec::new(),
            Self::Plane { max, .. } | Self::Integers { max, .. } => vec![*max],
            Self::Ranks(used) => vec![(used.len() - 1) as u16],
            Self::Wide { n_digits } => vec![u16::MAX; *n_digits],
            Self::Narrow(inner) => inner.maxes(),
        }
    }

    /// True if both are planes of the same form, so that a colour transform may join them.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Narrow(a), Self::Narrow(b)) => a.is_like(b),
            pair => {
                matches!(pair, (Self::Plane { .. }, Self::Plane { .. }) | (Self::Ranks(_), Self::Ranks(_)))
            }
        }
    }

    /// Writes the description.
    pub(super) fn write(&self, coder: &mut impl BitCoder, models: &mut Models) {
        models.kind.code(coder, self.kind());
        match self {
            Self::Constant(word) => drop(models.code_word(coder, *word)),
            Self::Equal(twin) => drop(models.gap.code(coder, *twin as u32)),
            Self::Plane { base, max } => {
                models.code_word(coder, *base);
                models.gap.code(coder, u32::from(*max));
            }
            Self::Integers { base, max } => {
                models.code_word(coder, *base as u64);
                models.gap.code(coder, u32::from(*max));
            }
            Self::Ranks(used) => {
                models.gap.code(coder, used.len() as u32);
                let mut before = None;
                for value in used {
                    let gap = before.map_or(*value, |b| value - b - 1);
                    models.code_gap(coder, gap, before.is_none());
                    before = Some(*value);
                }
            }
            Self::Wide { .. } => {}
            Self::Narrow(inner) => inner.write(coder, models),
        }
    }

    /// Reads what [`Self::write`] wrote for channel `c` and checks it.
    pub(super) fn read(
        coder: &mut Decoder<'_>,
        models: &mut Models,
        c: usize,
        sample: SampleType,
    ) -> Result<Self, CodecError> {
        let corrupt = |what| CodecError::Corrupt { what };
        let all = u64::MAX >> (64 - 8 * sample.n_bytes() as u32);
        let max = |n: u32| u16::try_from(n).ok().filter(|n| *n > 0).ok_or(corrupt("a plane has no range"));
        match models.kind.code(coder, 0) {
            kind::CONSTANT => {
                let word = models.code_word(coder, 0);
                if word > all {
                    Err(corrupt("a constant exceeds its type"))
                } else {
                    Ok(Self::Constant(word))
                }
            }
            kind::EQUAL => {
                let twin = models.gap.code(coder, 0) as usize;
                if twin < c.min(8) {
                    Ok(Self::Equal(twin))
                } else {
                    Err(corrupt("a channel repeats a later one"))
                }
            }
            kind::PLANE => {
                let base = models.code_word(coder, 0);
                let max = max(models.gap.code(coder, 0))?;
                match base.checked_add(u64::from(max)) {
                    Some(high) if high <= all => Ok(Self::Plane { base, max }),
                    _ => Err(corrupt("a plane exceeds its type")),
                }
            }
            kind::INTEGERS if sample.is_float() => {
                let base = models.code_word(coder, 0) as i64;
                let max = max(models.gap.code(coder, 0))?;
                let limit = 1 << 53;
                if !(-limit..=limit - 65_536).contains(&base) {
                    return Err(corrupt("integers exceed their float type"));
                }
                Ok(Self::Integers { base, max })
            }
            kind::RANKS => {
                let n = models.gap.code(coder, 0) as usize;
                if !(2..=MAX_RANKS).contains(&n) {
                    return Err(corrupt("a rank map has 2 to 65536 values"));
                }
                let mut used: Vec<u64> = Vec::new();
                for _ in 0..n {
                    let gap = models.code_gap(coder, 0, used.is_empty());
                    let value = used.last().map_or(Some(gap), |b| b.checked_add(1)?.checked_add(gap));
                    used.push(value.filter(|v| *v <= all).ok_or(corrupt("a rank map exceeds its type"))?);
                }
                Ok(Self::Ranks(used))
            }
            kind::NARROW if narrower(sample).is_some() => {
                let slim = narrower(sample).unwrap_or(sample);
                match Self::read(coder, models, c, slim)? {
                    Self::Equal(_) => Err(corrupt("a narrow float repeats a channel")),
                    inner => Ok(Self::Narrow(Box::new(inner))),
                }
            }
            kind::WIDE if sample.n_bytes() >= 4 => Ok(Self::Wide { n_digits: sample.n_bytes() / 2 }),
            id => Err(CodecError::Unsupported { what: "channel form", id }),
        }
    }

    fn kind(&self) -> u32 {
        match self {
            Self::Constant(_) => kind::CONSTANT,
            Self::Equal(_) => kind::EQUAL,
            Self::Plane { .. } => kind::PLANE,
            Self::Ranks(_) => kind::RANKS,
            Self::Integers { .. } => kind::INTEGERS,
            Self::Wide { .. } => kind::WIDE,
            Self::Narrow(_) => kind::NARROW,
        }
    }

    /// Appends the channel's planes.
    pub(super) fn split<W: Word>(&self, words: Vec<W>, sample: SampleType, planes: &mut Vec<Vec<u16>>) {
        match self {
            Self::Constant(_) | Self::Equal(_) => {}
            Self::Plane { base, .. } => {
                let base = W::of(*base);
                planes.push(W::into_plane(words, |w| w.less(base)));
            }
            Self::Integers { base, .. } => {
                let integers =
                    words.iter().map(|&w| integer(from_word(w.into(), sample), sample).unwrap_or(*base));
                planes.push(integers.map(|v| (v - base) as u16).collect());
            }
            Self::Ranks(used) => planes.push(ranks(words, used)),
            Self::Wide { n_digits } => {
                for digit in (0..*n_digits).rev() {
                    planes.push(words.iter().map(|&w| (w.into() >> (16 * digit)) as u16).collect());
                }
            }
            Self::Narrow(inner) => {
                if let Some(slim) = narrower(sample)
                    && let Some(words) = as_narrow(&words, sample, slim)
                {
                    inner.split(words, slim, planes);
                }
            }
        }
    }

    /// The channel's words from its planes.
    pub(super) fn join<W: Word>(
        &self,
        planes: &mut [Vec<u16>],
        sample: SampleType,
        n_pixels: usize,
    ) -> Result<Vec<W>, CodecError> {
        // Each plane is used once: its memory may become that of the words.
        let first = planes.first_mut().map(std::mem::take).unwrap_or_default();
        match self {
            Self::Constant(word) => Ok(vec![W::of(*word); n_pixels]),
            Self::Equal(_) => Ok(Vec::new()),
            Self::Plane { base, .. } => {
                let base = W::of(*base);
                Ok(W::from_plane(first, |v| base.more(v)))
            }
            Self::Integers { base, .. } => first
                .iter()
                .map(|&v| float_of(base + i64::from(v), sample).map(|bits| W::of(to_word(bits, sample))))
                .collect::<Option<_>>()
                .ok_or(CodecError::Corrupt { what: "an integer is not exact in its float type" }),
            Self::Ranks(used) => {
                let table: Vec<W> = used.iter().map(|word| W::of(*word)).collect();
                if first.iter().fold(0, |max, v| max.max(*v)) as usize >= table.len() {
                    return Err(CodecError::Corrupt { what: "a rank is past its map" });
                }
                Ok(W::from_plane(first, |v| table.get(usize::from(v)).copied().unwrap_or(W::of(0))))
            }
            Self::Wide { .. } => {
                let rest = planes.get(1..).unwrap_or(&[]);
                let digits =
                    |i| rest.iter().fold(u64::from(first[i]), |word, p| word << 16 | u64::from(p[i]));
                Ok((0..n_pixels).map(|i| W::of(digits(i))).collect())
            }
            Self::Narrow(inner) => {
                if let Some(plane) = planes.first_mut() {
                    *plane = first;
                }
                let slim = narrower(sample).unwrap_or(sample);
                let mut words: Vec<W> = inner.join(planes, slim, n_pixels)?;
                for word in &mut words {
                    let bits = widen(from_word((*word).into(), slim), slim, sample);
                    *word = W::of(to_word(bits, sample));
                }
                Ok(words)
            }
        }
    }
}

impl Models {
    /// Codes a 64-bit number as two halves, the upper first.
    fn code_word(&mut self, coder: &mut impl BitCoder, word: u64) -> u64 {
        let high = self.word[1].code(coder, (word >> 32) as u32);
        let low = self.word[0].code(coder, word as u32);
        u64::from(high) << 32 | u64::from(low)
    }

    /// Codes the gap between used values; runs of neighbours cost little.
    fn code_gap(&mut self, coder: &mut impl BitCoder, gap: u64, is_first: bool) -> u64 {
        if is_first || !self.repeat.code(coder, gap == 0) { self.code_word(coder, gap) } else { 0 }
    }
}

/// Spans below this are marked in a table; wider ones are sorted.
const MAX_TABLE: u64 = 1 << 20;

/// The distinct words in order, if a rank map could hold them and has use of it.
fn used_values<W: Word>(words: &[W], low: u64, span: u64) -> Option<Vec<u64>> {
    if span < MAX_TABLE {
        let mut seen = vec![0_u8; span as usize + 1];
        for part in words.chunks((words.len() / 16).max(1 << 12)) {
            part.iter().for_each(|&w| seen[(w.into() - low) as usize] = 1);
            // Spans of more than 16 bit need the map whatever it holds.
            if span < 1 << 16 && !is_sparse(n_set(&seen), span) {
                return None;
            }
        }
        let used: Vec<u64> = (low..).zip(&seen).filter_map(|(v, seen)| (*seen == 1).then_some(v)).collect();
        return (used.len() <= MAX_RANKS).then_some(used);
    }
    let mut used: Vec<u64> = words.iter().map(|&w| w.into()).collect();
    used.sort_unstable();
    used.dedup();
    // A map of mostly different values costs more than it saves.
    (used.len() <= MAX_RANKS && used.len() < words.len() / 4).then_some(used)
}

fn n_set(seen: &[u8]) -> usize {
    // Parts of 255 at most, so that sums of bytes do not overflow.
    seen.chunks(255).map(|part| usize::from(part.iter().sum::<u8>())).sum()
}

/// True if few enough of the values from 0 to `span` are used.
pub(super) fn is_sparse(n_used: usize, span: u64) -> bool {
    (n_used as u64) < (span + 1) / 4 * 3
}

/// The rank of every word among `used`, which holds them all in order.
fn ranks<W: Word>(words: Vec<W>, used: &[u64]) -> Vec<u16> {
    let (low, high) = (used.first().copied().unwrap_or(0), used.last().copied().unwrap_or(0));
    if high - low < MAX_TABLE {
        let mut table = vec![0; (high - low) as usize + 1];
        (0..).zip(used).for_each(|(rank, &value)| table[(value - low) as usize] = rank);
        return W::into_plane(words, |w| table.get((w.into() - low) as usize).copied().unwrap_or(0));
    }
    W::into_plane(words, |w| used.partition_point(|v| *v < w.into()) as u16)
}

/// The channel as integers, if every float is one, none is −0, and they span at most 16 bit.
fn as_integers<W: Word>(words: &[W], sample: SampleType) -> Option<Channel> {
    let (mut low, mut high) = (i64::MAX, i64::MIN);
    for &word in words {
        let value = integer(from_word(word.into(), sample), sample)?;
        low = low.min(value);
        high = high.max(value);
    }
    let max = u16::try_from(high.checked_sub(low)?).ok()?;
    Some(Channel::Integers { base: low, max })
}

/// The channel's words in a narrower type, if every float fits it.
fn as_narrow<W: Word>(words: &[W], sample: SampleType, slim: SampleType) -> Option<Vec<W>> {
    let slimmer = |&word: &W| {
        let bits = narrow(from_word(word.into(), sample), sample, slim)?;
        Some(W::of(to_word(bits, slim)))
    };
    words.iter().map(slimmer).collect()
}

/// The integer a float holds, if converting it back gives the same bits.
fn integer(bits: u64, sample: SampleType) -> Option<i64> {
    let value = match sample {
        SampleType::F16 => half_integer(bits as u16)?,
        SampleType::F32 => f64::from(f32::from_bits(bits as u32)),
        _ => f64::from_bits(bits),
    };
    // Saturating and exact below 2⁵³: anything else does not come back.
    let integer = value as i64;
    (integer.unsigned_abs() <= 1 << 52 && float_of(integer, sample) == Some(bits)).then_some(integer)
}

/// The bit pattern of an integer in a float type, if it is exact there.
fn float_of(integer: i64, sample: SampleType) -> Option<u64> {
    match sample {
        SampleType::F16 => half_of(integer),
        SampleType::F32 => {
            let float = integer as f32;
            (float as i64 == integer).then(|| u64::from(float.to_bits()))
        }
        _ => {
            let float = integer as f64;
            (float as i64 == integer).then(|| float.to_bits())
        }
    }
}

/// The integer value of a binary16, if it has one.
fn half_integer(bits: u16) -> Option<f64> {
    let exponent = i32::from(bits >> 10 & 31);
    if exponent == 31 {
        return None;
    }
    let fraction = i32::from(bits & 1023);
    let (significand, shift) = if exponent == 0 { (fraction, -24) } else { (fraction | 1024, exponent - 25) };
    if shift < 0
        && (shift < -10 && significand != 0 || shift >= -10 && significand & ((1 << -shift) - 1) != 0)
    {
        return None;
    }
    let magnitude = if shift >= 0 {
        significand << shift
    } else if shift < -10 {
        0
    } else {
        significand >> -shift
    };
    Some(f64::from(if bits >> 15 == 1 { -magnitude } else { magnitude }))
}

/// The binary16 of an integer, if it is exact.
fn half_of(integer: i64) -> Option<u64> {
    let magnitude = integer.unsigned_abs();
    if magnitude == 0 {
        return Some(0);
    }
    let log = 63 - magnitude.leading_zeros();
    if log > 15 || (log > 10 && magnitude & ((1 << (log - 10)) - 1) != 0) {
        return None;
    }
    let fraction = if log > 10 { magnitude >> (log - 10) } else { magnitude << (10 - log) } & 1023;
    Some(u64::from(integer < 0) << 15 | u64::from(log + 15) << 10 | fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_integers_agree_in_both_directions() {
        let mut n_found = 0;
        for bits in 0..=u16::MAX {
            if let Some(value) = integer(u64::from(bits), SampleType::F16) {
                assert_eq!(half_of(value), Some(u64::from(bits)));
                n_found += 1;
            }
        }
        // 0, ±1..2048 exactly, then 1024 values for each of the five octaves up to 65504.
        assert_eq!(n_found, 1 + 2 * (2047 + 5 * 1024));
    }

    #[test]
    fn descriptions_are_tight() {
        let describe = |values: &[f32]| {
            let words: Vec<u64> =
                values.iter().map(|v| to_word(u64::from(v.to_bits()), SampleType::F32)).collect();
            Channel::describe(&words, SampleType::F32)
        };
        assert_eq!(describe(&[5.0, 3.0, 4.0]), Channel::Integers { base: 3, max: 2 });
        assert!(!matches!(describe(&[5.0, -0.0, 4.0]), Channel::Integers { .. }), "−0 is no integer");
        assert!(!matches!(describe(&[f32::NAN, 1.0]), Channel::Integers { .. }));
        assert_eq!(Channel::describe(&[7_u16, 7], SampleType::U8), Channel::Constant(7));
        assert_eq!(Channel::describe(&[7_u16, 9, 8], SampleType::U8), Channel::Plane { base: 7, max: 2 });
        assert_eq!(
            Channel::describe(&[0_u16, 200, 0, 100], SampleType::U8),
            Channel::Ranks(vec![0, 100, 200])
        );
        let halves = describe(&[0.5, 1.25, -0.0, f32::INFINITY]);
        assert!(matches!(&halves, Channel::Narrow(inner) if inner.maxes().len() == 1), "{halves:?}");
        let spread: Vec<u64> = (0..1000).map(|i| i * 4_000_000).collect();
        assert_eq!(Channel::describe(&spread, SampleType::U32), Channel::Wide { n_digits: 2 });
    }
}
