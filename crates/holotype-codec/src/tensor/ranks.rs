//! Words of few values as their ranks among these. `docs/codecs/tensor.md` §9.
//!
//! Numbers that were unpacked from shorter ones, with a scale and an offset, have as many values as those had, and ranks are as
//! smooth as they were.

use super::layout::SliceLayout;
use super::stream::{self, Coder, Map, Recipe};
use super::word::Word;
use super::{ElementType, WordKind};
use crate::CodecError;
use crate::entropy::logarithm::log2;

/// Most values: ranks are of 16 bits.
const MAX_VALUES: usize = 1 << 16;
/// Words for each value, at least.
const MIN_WORDS_A_VALUE: usize = 4;
/// Words looked at first.
const SAMPLE_WORDS: usize = 4096;
/// Number of values, bytes of them.
const HEAD_BYTES: usize = 8;
/// What numbers begin with if they are as they are.
const AS_THEY_ARE: u8 = 0;
const CORRUPT: CodecError = CodecError::Corrupt { what: "ranks of values" };
const TRUNCATED: CodecError = CodecError::Truncated { what: "ranks of values" };

/// The distinct words, found with open addressing.
struct Values {
    slots: Vec<(u64, u32)>,
    slots_log2: u32,
    n: usize,
    max: usize,
}

const FREE: u32 = u32::MAX;

impl Values {
    /// Up to `max` words and one that is too many.
    fn new(max: usize) -> Self {
        // More slots than values, so that a search ends soon.
        let slots_log2 = (4 * max + 4).ilog2();
        Self { slots: vec![(0, FREE); 1 << slots_log2], slots_log2, n: 0, max }
    }

    fn slot(&mut self, word: u64) -> Option<&mut (u64, u32)> {
        let mut at = (word.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - self.slots_log2)) as usize;
        while self.slots.get(at).is_some_and(|(other, id)| *id != FREE && *other != word) {
            at = (at + 1) % (1 << self.slots_log2);
        }
        self.slots.get_mut(at)
    }

    /// Counts a word; false if there are too many.
    fn add(&mut self, word: u64) -> bool {
        let mut is_new = false;
        if let Some(slot) = self.slot(word) {
            is_new = slot.1 == FREE;
            *slot = (word, slot.1.wrapping_add(1));
        }
        self.n += usize::from(is_new);
        self.n <= self.max
    }

    /// About the bits of words with these frequencies.
    fn n_bits(&self) -> u64 {
        let counts = || self.slots.iter().map(|(_, less)| less.wrapping_add(1));
        let n: u32 = counts().sum();
        let bits = counts().map(|count| u64::from(count) * u64::from(log2(n) - log2(count)));
        // Some values of many seem to be less evenly spread than all are (Miller and Madow).
        (bits.sum::<u64>() >> 16) + self.n as u64 * 18 / 25
    }

    /// All words in the order of `key`, each with its rank in its slot.
    fn ranked(&mut self, key: impl Fn(u64) -> u64) -> Vec<u64> {
        let used = self.slots.iter().filter(|(_, id)| *id != FREE);
        let mut words: Vec<u64> = used.map(|(word, _)| *word).collect();
        words.sort_unstable_by_key(|word| key(*word));
        for (rank, word) in (0..).zip(&words) {
            if let Some(slot) = self.slot(*word) {
                slot.1 = rank;
            }
        }
        words
    }
}

/// A slice of few values: these, ascending, and the rank of each word among them.
pub(super) struct Ranked {
    pub(super) values: Vec<u8>,
    pub(super) values_layout: SliceLayout,
    pub(super) ranks: Vec<u8>,
    pub(super) ranks_layout: SliceLayout,
}

impl Ranked {
    /// Nothing if values are many, ranks say no more than words do, or their frequencies promise more than `limit` bytes.
    pub(super) fn of(bytes: &[u8], layout: &SliceLayout, limit: usize) -> Option<Self> {
        match layout.n_word_bytes {
            2 => rank::<u16>(bytes, layout, limit),
            4 => rank::<u32>(bytes, layout, limit),
            8 => rank::<u64>(bytes, layout, limit),
            _ => None,
        }
    }

    /// The coded slice of the coded values and ranks, which are as they are where nothing is given.
    pub(super) fn write(&self, values: Option<Vec<u8>>, ranks: Option<Vec<u8>>) -> Vec<u8> {
        let recipe = Recipe { coder: Coder::Ranks, map: Map::None, axes: 0, is_narrow: false };
        let mut table = Vec::new();
        put(values, &self.values, &mut table);
        let n_values = self.values.len() / self.values_layout.n_word_bytes;
        let mut out = recipe.head().to_vec();
        out.extend((n_values as u32).to_le_bytes());
        out.extend((table.len() as u32).to_le_bytes());
        out.extend(table);
        put(ranks, &self.ranks, &mut out);
        out
    }
}

fn put(coded: Option<Vec<u8>>, plain: &[u8], out: &mut Vec<u8>) {
    match coded {
        Some(coded) => out.extend(coded),
        None => {
            out.push(AS_THEY_ARE);
            out.extend_from_slice(plain);
        }
    }
}

fn rank<W: Word>(bytes: &[u8], layout: &SliceLayout, limit: usize) -> Option<Ranked> {
    let n = layout.n_words;
    let max = (n / MIN_WORDS_A_VALUE).min(MAX_VALUES);
    // Most slices have more values than this, and a few words tell.
    let step = (n / SAMPLE_WORDS).max(1);
    let n_sampled = n.div_ceil(step);
    let mut sampled = Values::new(max.min(n_sampled / 2));
    if !(0..n).step_by(step).all(|at| sampled.add(W::at(bytes, at).bits())) {
        return None;
    }
    let promised = (sampled.n_bits() * n as u64 / n_sampled.max(1) as u64) >> 3;
    if promised as usize + sampled.n * W::N_BYTES / 2 > limit {
        return None;
    }
    let words = W::from_bytes(bytes);
    let mut values = Values::new(max);
    if !words.iter().all(|word| values.add(word.bits())) {
        return None;
    }
    let kind = layout.kind();
    let ranked = values.ranked(|word| W::of(word).ordered(kind).bits());
    let width = width(ranked.len());
    let (first, last) = (W::of(*ranked.first()?).ordered(kind), W::of(*ranked.last()?).ordered(kind));
    let is_dense = last.minus(first).bits() < 2 * ranked.len() as u64;
    if is_dense && kind != WordKind::Float && width == layout.n_word_bytes {
        return None;
    }
    let ranks = words
        .iter()
        .flat_map(|word| {
            let rank = values.slot(word.bits()).map_or(0, |slot| slot.1);
            rank.to_le_bytes().into_iter().take(width)
        })
        .collect();
    let values: Vec<u8> =
        ranked.iter().flat_map(|word| word.to_le_bytes().into_iter().take(W::N_BYTES)).collect();
    Some(Ranked {
        values,
        values_layout: layout.row(ranked.len()),
        ranks,
        ranks_layout: ranks_layout(layout, width),
    })
}

fn width(n_values: usize) -> usize {
    if n_values <= 256 { 1 } else { 2 }
}

fn ranks_layout(layout: &SliceLayout, width: usize) -> SliceLayout {
    layout.with_words(if width == 1 { ElementType::U8 } else { ElementType::U16 }, width)
}

/// Inverse of [`Ranked::write`], from what follows the head.
pub(super) fn decode(body: &[u8], layout: &SliceLayout, out: &mut [u8]) -> Result<(), CodecError> {
    if layout.element.n_words() != 1 {
        return Err(CORRUPT);
    }
    match layout.n_word_bytes {
        2 => decode_words::<u16>(body, layout, out),
        4 => decode_words::<u32>(body, layout, out),
        8 => decode_words::<u64>(body, layout, out),
        _ => Err(CORRUPT),
    }
}

fn decode_words<W: Word>(body: &[u8], layout: &SliceLayout, out: &mut [u8]) -> Result<(), CodecError> {
    let (head, rest) = body.split_first_chunk::<HEAD_BYTES>().ok_or(TRUNCATED)?;
    let [n0, n1, n2, n3, size @ ..] = *head;
    let n = u32::from_le_bytes([n0, n1, n2, n3]) as usize;
    if !(1..=MAX_VALUES.min(layout.n_words)).contains(&n) {
        return Err(CORRUPT);
    }
    let (table, rest) = rest.split_at_checked(u32::from_le_bytes(size) as usize).ok_or(TRUNCATED)?;
    let mut bytes = vec![0; n * W::N_BYTES];
    take(table, &layout.row(n), &mut bytes)?;
    let values = W::from_bytes(&bytes);
    let kind = layout.kind();
    if !values.is_sorted_by(|a, b| a.ordered(kind).bits() < b.ordered(kind).bits()) {
        return Err(CORRUPT);
    }
    let inner = ranks_layout(layout, width(n));
    let mut ranks = vec![0; inner.n_bytes()];
    take(rest, &inner, &mut ranks)?;
    let value = |rank: usize| values.get(rank).copied().ok_or(CORRUPT);
    let words: Vec<W> = if width(n) == 1 {
        ranks.iter().map(|rank| value(usize::from(*rank))).collect::<Result<_, _>>()?
    } else {
        let ranks = ranks.as_chunks().0.iter().map(|rank| usize::from(u16::from_le_bytes(*rank)));
        ranks.map(value).collect::<Result<_, _>>()?
    };
    W::to_bytes(&words, out);
    Ok(())
}

fn take(coded: &[u8], layout: &SliceLayout, out: &mut [u8]) -> Result<(), CodecError> {
    match coded.split_first().ok_or(TRUNCATED)? {
        (&AS_THEY_ARE, raw) if raw.len() == out.len() => {
            out.copy_from_slice(raw);
            Ok(())
        }
        (coder, _) if (1..Coder::Delta as u8).contains(coder) || *coder == Coder::Leading as u8 => {
            stream::decode(coded, layout, None, out)
        }
        _ => Err(CORRUPT),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::{TensorCodec, choose, decode_slice, encode_slice};

    fn encode(bytes: &[u8], layout: &SliceLayout) -> Option<Vec<u8>> {
        let ranked = Ranked::of(bytes, layout, usize::MAX)?;
        let coded =
            |bytes: &[u8], layout: &SliceLayout| choose::encode_plainly(bytes, layout, TensorCodec::Auto);
        let values = coded(&ranked.values, &ranked.values_layout);
        Some(ranked.write(values, coded(&ranked.ranks, &ranked.ranks_layout)))
    }

    /// A smooth field of 16-bit numbers, unpacked.
    fn unpacked(n_values: i32) -> Vec<f32> {
        (0..120 * 200)
            .map(|i| {
                let (x, y) = ((i % 200) as f32 * 0.03, (i / 200) as f32 * 0.05);
                let packed = ((x.sin() + y.cos()) * n_values as f32 / 4.0).round();
                packed * 0.001_572_7 + 26.968_75
            })
            .collect()
    }

    #[test]
    fn words_come_back_and_are_small() {
        for n_values in [100, 3000] {
            let field = unpacked(n_values);
            let f32s: Vec<u8> = field.iter().flat_map(|v| v.to_le_bytes()).collect();
            let f64s: Vec<u8> = field.iter().flat_map(|v| f64::from(*v).to_le_bytes()).collect();
            let i16s: Vec<u8> = field.iter().flat_map(|v| ((v * 300.0) as i16 * 3).to_le_bytes()).collect();
            for (element, bytes) in
                [(ElementType::F32, f32s), (ElementType::F64, f64s), (ElementType::I16, i16s)]
            {
                let layout = SliceLayout::new(element, 0, &[120, 200]).unwrap();
                let coded = encode(&bytes, &layout).unwrap();
                let mut back = vec![0; bytes.len()];
                decode_slice(&coded, &layout, &mut back).unwrap();
                assert!(back == bytes, "{element:?}");
                if element == ElementType::F32 {
                    let plain = choose::encode_plainly(&bytes, &layout, TensorCodec::Auto).unwrap();
                    assert!(coded.len() * 4 < plain.len() * 3, "{} {}", coded.len(), plain.len());
                    assert_eq!(
                        encode_slice(&bytes, &layout, TensorCodec::Auto).unwrap(),
                        Some(coded.clone())
                    );
                }
                for at in 0..coded.len().min(80) {
                    assert!(decode_slice(&coded[..at], &layout, &mut back).is_err());
                    let mut bad = coded.clone();
                    bad[at] ^= 0x41;
                    let _ = decode_slice(&bad, &layout, &mut back);
                }
            }
        }
    }

    #[test]
    fn special_values_and_many_values() {
        let layout = SliceLayout::new(ElementType::F32, 0, &[64]).unwrap();
        let few = [f32::NAN, -f32::NAN, 0.0, -0.0, f32::INFINITY, 1e-42, -1.0, 1.0];
        let bytes: Vec<u8> = (0..64).flat_map(|i| few[i * i % 8].to_le_bytes()).collect();
        let coded = encode(&bytes, &layout).unwrap();
        let mut back = vec![0; bytes.len()];
        decode_slice(&coded, &layout, &mut back).unwrap();
        assert_eq!(back, bytes);
        let many: Vec<u8> = (0..64_u32).flat_map(u32::to_le_bytes).collect();
        assert_eq!(encode(&many, &layout), None);
    }

    #[test]
    fn forged_ranks_are_refused() {
        let layout = SliceLayout::new(ElementType::U16, 0, &[3]).unwrap();
        let mut out = [0; 6];
        let good = [2, 0, 0, 0, 5, 0, 0, 0, 0, 7, 0, 9, 1, 0, 1, 0, 1];
        decode(&good, &layout, &mut out).unwrap();
        assert_eq!(out, [9, 1, 7, 0, 9, 1]);
        for (at, value) in [(0, 0), (0, 4), (4, 4), (8, 6), (13, 7), (14, 2)] {
            let mut bad = good;
            bad[at] = value;
            assert!(decode(&bad, &layout, &mut out).is_err(), "{at} {value}");
        }
        // Values out of order.
        assert!(decode(&[2, 0, 0, 0, 5, 0, 0, 0, 0, 9, 1, 7, 0, 0, 1, 0, 1], &layout, &mut out).is_err());
    }
}
