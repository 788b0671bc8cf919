use crate::CodecError;
use crate::entropy::context_rans::{MAX_CONTEXTS, table_bytes};
use crate::entropy::logarithm::entropy;
use crate::tensor::ElementType;
use crate::tensor::word::Word;

/// What the differences of words depend on: the exponents of their parents, for floats of 64 bits those of the binary32
/// next to them; 0 for others.
pub(super) fn keys<W: Word>(parents: &[W], element: ElementType) -> Vec<u8> {
    match element {
        ElementType::F32 | ElementType::Complex64 => each(parents, |word| (word >> 23) as u8),
        ElementType::Bf16 => each(parents, |word| (word >> 7) as u8),
        ElementType::F16 => each(parents, |word| (word >> 10) as u8 & 31),
        ElementType::F64 | ElementType::Complex128 => {
            each(parents, |word| (word >> 52 & 2047).saturating_sub(896).min(255) as u8)
        }
        ElementType::F8E4M3Fn | ElementType::F8E4M3Fnuz => each(parents, |word| word as u8 >> 3 & 15),
        ElementType::F8E5M2 | ElementType::F8E5M2Fnuz => each(parents, |word| word as u8 >> 2 & 31),
        _ => vec![0; parents.len()],
    }
}

/// A loop of its own for every type.
fn each<W: Word>(parents: &[W], key: impl Fn(u64) -> u8) -> Vec<u8> {
    parents.iter().map(|word| key(word.bits())).collect()
}

/// Ranges of keys that share a table, ascending.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Contexts {
    /// First key of each range but the first.
    firsts: Vec<u8>,
}

/// Counts of tokens of words whose parents have neighbouring keys.
struct Group {
    first: u8,
    counts: [u32; 256],
    cost: u64,
}

impl Group {
    fn new(first: u8, counts: [u32; 256]) -> Self {
        Self { first, cost: (entropy(&counts) >> 16) + 8 * table_bytes(&counts) as u64, counts }
    }

    fn with(&self, other: &Self) -> Self {
        Self::new(self.first, std::array::from_fn(|i| self.counts[i] + other.counts[i]))
    }
}

impl Contexts {
    /// Ranges that make tokens and tables small together, the counts of each, and about the bits of all.
    pub(super) fn best(tokens: &[u8], keys: &[u8]) -> (Self, Vec<[u32; 256]>, u64) {
        let mut counts = vec![[0_u32; 256]; 256];
        for (token, key) in tokens.iter().zip(keys) {
            if let Some(counts) = counts.get_mut(usize::from(*key)) {
                counts[usize::from(*token)] += 1;
            }
        }
        let is_there = |counts: &[u32; 256]| counts.iter().any(|count| *count > 0);
        let mut groups: Vec<Group> = (0..=255)
            .zip(counts)
            .filter(|(_, counts)| is_there(counts))
            .map(|(key, counts)| Group::new(key, counts))
            .collect();
        let gain = |pair: &[Group]| match pair {
            [a, b] => (a.cost + b.cost) as i64 - a.with(b).cost as i64,
            _ => i64::MIN,
        };
        let mut gains: Vec<i64> = groups.windows(2).map(gain).collect();
        while let Some((at, best)) = gains.iter().copied().enumerate().max_by_key(|(at, gain)| (*gain, !*at))
        {
            if best < 0 && groups.len() <= MAX_CONTEXTS {
                break;
            }
            let second = groups.remove(at + 1);
            gains.remove(at);
            if let Some(first) = groups.get_mut(at) {
                *first = first.with(&second);
            }
            for k in [at.wrapping_sub(1), at] {
                if let (Some(pair), Some(known)) = (groups.get(k..k.wrapping_add(2)), gains.get_mut(k)) {
                    *known = gain(pair);
                }
            }
        }
        let firsts = groups.iter().skip(1).map(|group| group.first).collect();
        let cost = groups.iter().map(|group| group.cost).sum();
        (Self { firsts }, groups.into_iter().map(|group| group.counts).collect(), cost)
    }

    /// Their number.
    pub(super) fn n(&self) -> usize {
        self.firsts.len() + 1
    }

    /// Puts contexts in place of keys.
    pub(super) fn replace_all(&self, keys: &mut [u8]) {
        if self.firsts.is_empty() {
            keys.fill(0);
            return;
        }
        let of: [u8; 256] =
            std::array::from_fn(|key| self.firsts.partition_point(|first| usize::from(*first) <= key) as u8);
        keys.iter_mut().for_each(|key| *key = of[usize::from(*key)]);
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.push(self.n() as u8);
        out.extend_from_slice(&self.firsts);
    }

    pub(super) fn read(coded: &[u8]) -> Result<(Self, &[u8]), CodecError> {
        const TRUNCATED: CodecError = CodecError::Truncated { what: "contexts" };
        let (n, rest) = coded.split_first().ok_or(TRUNCATED)?;
        if !(1..=MAX_CONTEXTS).contains(&usize::from(*n)) {
            return Err(CodecError::Corrupt { what: "the number of contexts" });
        }
        let (firsts, rest) = rest.split_at_checked(usize::from(*n) - 1).ok_or(TRUNCATED)?;
        if !firsts.is_sorted_by(|a, b| a < b) || firsts.first() == Some(&0) {
            return Err(CodecError::Corrupt { what: "contexts are not in order" });
        }
        Ok((Self { firsts: firsts.to_vec() }, rest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_exponents() {
        let values = [1.0_f32, -1.5, 3e-5, 7e30];
        let bits = values.map(f32::to_bits);
        let exponents = bits.map(|bits| (bits >> 23 & 255) as u8);
        assert_eq!(keys(&bits, ElementType::F32), exponents);
        assert_eq!(keys(&bits.map(|bits| (bits >> 16) as u16), ElementType::Bf16), exponents);
        assert_eq!(keys(&values.map(|value| f64::from(value).to_bits()), ElementType::F64), exponents);
        assert_eq!(keys(&[0, f64::MAX.to_bits()], ElementType::Complex128), [0, 255]);
        assert_eq!(keys(&[0xBC00_u16], ElementType::F16), [15]);
        assert_eq!(keys(&[77_u64], ElementType::I64), [0]);
    }

    #[test]
    fn like_goes_with_like() {
        let keys: Vec<u8> = (0..40_000_u32).map(|i| 100 + (i % 40) as u8).collect();
        let tokens: Vec<u8> =
            (0..40_000_u32).map(|i| if i % 40 < 20 { 3 } else { (i / 40 % 64) as u8 }).collect();
        let (contexts, histograms, n_bits) = Contexts::best(&tokens, &keys);
        assert_eq!(contexts, Contexts { firsts: vec![120] });
        assert_eq!(
            histograms.iter().map(|counts| counts.iter().sum::<u32>()).collect::<Vec<_>>(),
            [20_000; 2]
        );
        // Half of the tokens say nothing, the others six bits each.
        assert!((120_000..121_000).contains(&n_bits), "{n_bits}");
        let mut of = [0, 119, 120, 255];
        contexts.replace_all(&mut of);
        assert_eq!(of, [0, 0, 1, 1]);
        let mut coded = Vec::new();
        contexts.write(&mut coded);
        assert_eq!(Contexts::read(&coded).unwrap(), (contexts, &[][..]));
        for bad in [&[][..], &[0], &[33], &[2], &[2, 0], &[3, 9, 9], &[3, 9, 8]] {
            assert!(Contexts::read(bad).is_err());
        }
    }
}
