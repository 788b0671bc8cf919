use super::super::word::Word;
use crate::CodecError;
use crate::entropy::logarithm::log2;

/// Words under one scale, as a power of two: the least and the most.
const LOG2: std::ops::RangeInclusive<u8> = 6..=20;
/// What writers take: few enough for scales to follow the tensor, enough for their bits to be paid.
const FITTED_LOG2: u8 = 7;
const MAX_SCALE: u8 = 31;

/// How much smaller the differences of some words are than those of others, in powers of two. `docs/codecs/tensor.md` §7.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Scales {
    log2: u8,
    scales: Vec<u8>,
}

impl Scales {
    /// One for all of `n_words` words.
    pub(super) fn even(n_words: usize) -> Self {
        let log2 = *LOG2.end();
        Self { log2, scales: vec![0; n_words.div_ceil(1 << log2)] }
    }

    /// Those that bring the differences of words with the same key to the same size.
    pub(super) fn fitted<W: Word>(changes: &[W], keys: &[u8]) -> Self {
        let n = 1 << FITTED_LOG2;
        let sizes: Vec<i64> = changes
            .chunks(n)
            .zip(keys.chunks(n))
            .filter_map(|(changes, keys)| mean_log2(changes, keys))
            .collect();
        let largest = sizes.iter().max().copied().unwrap_or(0);
        let scale = |size: &i64| (largest - size).min(i64::from(MAX_SCALE)) as u8;
        Self { log2: FITTED_LOG2, scales: sizes.iter().map(scale).collect() }
    }

    /// The number in the head.
    pub(super) fn log2(&self) -> u8 {
        self.log2
    }

    /// Adds them to the keys of all words.
    pub(super) fn add_to(&self, keys: &mut [u8]) {
        for (keys, scale) in
            keys.chunks_mut(1 << self.log2).zip(&self.scales).filter(|(_, scale)| **scale > 0)
        {
            keys.iter_mut().for_each(|key| *key = key.saturating_add(*scale));
        }
    }

    /// Bits of the steps from scale to scale.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let (mut held, mut n_held, mut before) = (0_u64, 0, 0_i32);
        for scale in &self.scales {
            let step = i32::from(*scale) - before;
            before = i32::from(*scale);
            let n_ones = ((step << 1) ^ (step >> 31)) as u32;
            // At most 63 bits of ones after at most 7 that are held.
            for n in [n_ones / 2, n_ones - n_ones / 2] {
                held |= !(u64::MAX << n) << n_held;
                n_held += n;
                while n_held >= 8 {
                    out.push(held as u8);
                    held >>= 8;
                    n_held -= 8;
                }
            }
            n_held += 1;
            if n_held == 8 {
                out.push(held as u8);
                (held, n_held) = (0, 0);
            }
        }
        if n_held > 0 {
            out.push(held as u8);
        }
    }

    /// Scales of `n_words` words, as many under one as the head's number `log2` says; gives the bytes after them.
    pub(super) fn read(coded: &[u8], log2: u8, n_words: usize) -> Result<(Self, &[u8]), CodecError> {
        const CORRUPT: CodecError = CodecError::Corrupt { what: "scales" };
        if !LOG2.contains(&log2) {
            return Err(CodecError::Unsupported { what: "words under one scale", id: u32::from(log2) });
        }
        let mut bits = coded.iter().enumerate().flat_map(|(at, byte)| (0..8).map(move |k| (at, byte >> k)));
        let mut last = None;
        let mut scale = 0_i32;
        let n_scales = n_words.div_ceil(1 << log2);
        let mut scales = Vec::with_capacity(n_scales);
        while scales.len() < n_scales {
            let mut n_ones = 0_i32;
            loop {
                let (at, bit) = bits.next().ok_or(CodecError::Truncated { what: "scales" })?;
                last = Some((at, bit));
                if bit & 1 == 0 {
                    break;
                }
                n_ones += 1;
                if n_ones > 2 * i32::from(MAX_SCALE) {
                    return Err(CORRUPT);
                }
            }
            scale += (n_ones >> 1) ^ -(n_ones & 1);
            if !(0..=i32::from(MAX_SCALE)).contains(&scale) {
                return Err(CORRUPT);
            }
            scales.push(scale as u8);
        }
        // What is left of the last byte is zeros.
        let n_bytes = match last {
            Some((_, bits)) if bits != 0 => return Err(CORRUPT),
            Some((at, _)) => at + 1,
            None => 0,
        };
        Ok((Self { log2, scales }, coded.get(n_bytes..).unwrap_or_default()))
    }
}

/// The mean of the logarithms of the differences, each times 2 to its word's key, to the nearest; nothing if there are none.
/// A mean of logarithms, since some lie far off: where a small number changed its sign.
fn mean_log2<W: Word>(changes: &[W], keys: &[u8]) -> Option<i64> {
    let size = |(change, key): (&W, &u8)| {
        let number = change.bits().saturating_add(1);
        let n_less = (64 - number.leading_zeros()).saturating_sub(32);
        i64::from(log2((number >> n_less) as u32)) + ((i64::from(n_less) + i64::from(*key)) << 16)
    };
    let sum: i64 = changes.iter().zip(keys).map(size).sum();
    let n = changes.len() as i64;
    (n > 0).then(|| (sum + (n << 15)).div_euclid(n << 16))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(scales: &Scales, n_words: usize) {
        let mut coded = Vec::new();
        scales.write(&mut coded);
        coded.extend_from_slice(b"after");
        let (read, rest) = Scales::read(&coded, scales.log2, n_words).unwrap();
        assert_eq!((&read, rest), (scales, &b"after"[..]));
        assert!(coded.len() < 6 || Scales::read(&coded[..coded.len() - 6], scales.log2, n_words).is_err());
    }

    #[test]
    fn scales_come_back() {
        check(&Scales::even(0), 0);
        check(&Scales::even(1 << 21), 1 << 21);
        let mut state = 1_u32;
        let scales: Vec<u8> = (0..1000)
            .map(|i| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                if i % 9 == 0 { (state >> 27) as u8 } else { (state >> 30) as u8 }
            })
            .collect();
        for n in 0..80 {
            check(&Scales { log2: 6, scales: scales[..n].to_vec() }, n * 64);
        }
        check(&Scales { log2: 6, scales: [0, 31, 0, 31, 31, 30].repeat(90) }, 540 * 64);
    }

    #[test]
    fn what_is_no_scale_is_refused() {
        // 0, then 1: the bits 0, 1 1 0; n_ones 2 is a step of 1.
        assert_eq!(Scales::read(&[0b0110], 6, 128).unwrap().0, Scales { log2: 6, scales: vec![0, 1] });
        assert!(matches!(Scales::read(&[0b0110], 5, 128), Err(CodecError::Unsupported { .. })));
        assert!(matches!(Scales::read(&[0b0110], 21, 128), Err(CodecError::Unsupported { .. })));
        assert!(matches!(Scales::read(&[0xFF], 6, 128), Err(CodecError::Truncated { .. })));
        // A step below 0, one above 31, bits that are left.
        assert!(matches!(Scales::read(&[0b0001], 6, 64), Err(CodecError::Corrupt { .. })));
        assert!(matches!(Scales::read(&[0xFF; 9], 6, 64), Err(CodecError::Corrupt { .. })));
        assert!(matches!(Scales::read(&[0b0001_0110], 6, 128), Err(CodecError::Corrupt { .. })));
    }

    #[test]
    fn what_changes_less_has_a_larger_scale() {
        let keys = vec![100_u8; 512];
        let changes: Vec<u32> = (0..512).map(|i| if i < 256 { 640 } else { 80 }).collect();
        let scales = Scales::fitted(&changes, &keys);
        assert_eq!(scales.scales, [0, 0, 3, 3]);
        let mut scaled = keys.clone();
        scales.add_to(&mut scaled);
        assert!(scaled[..256].iter().all(|key| *key == 100) && scaled[256..].iter().all(|key| *key == 103));
        // Twice the exponent and half the difference are the same change.
        let keys: Vec<u8> = (0..512).map(|i| if i < 256 { 100 } else { 103 }).collect();
        assert_eq!(Scales::fitted(&changes, &keys).scales, [0; 4]);
        assert_eq!(Scales::fitted(&[0_u32; 300], &[7; 300]).scales, [0; 3]);
        // Nothing that is so large overflows.
        assert_eq!(
            Scales::fitted(&[u64::MAX; 300], &(0..=255).cycle().take(300).collect::<Vec<u8>>()).scales.len(),
            3
        );
    }
}
