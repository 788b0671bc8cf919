use crate::CodecError;
use crate::entropy::context_rans::table_bytes;
use crate::entropy::logarithm::entropy;
use crate::simd::{ByteLanes, Kernel, dispatch};
use crate::tensor::word::Word;
use std::marker::PhantomData;

/// Numbers as a byte, the token, and some of their low bits, which are kept as they are.
///
/// The lowest `n_low` bits never are in the token. Of the rest, what has more than `n_top + 1` bits keeps the `n_top`
/// below its first one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tokens {
    n_top: u32,
    n_low: u32,
    width: u32,
}

/// Numbers looked at to choose.
const N_SAMPLED: usize = 8192;
/// Tables that tokens may be in.
const N_TABLES: usize = 6;

impl Tokens {
    /// None if the tokens were more than 256 or made no sense.
    fn new(n_top: u32, n_low: u32, width: u32) -> Option<Self> {
        let is_good = (1..=7).contains(&n_top) && n_low < width && n_low + n_top < width;
        (is_good && Self { n_top, n_low, width }.n_tokens() <= 256).then_some(Self { n_top, n_low, width })
    }

    fn n_tokens(self) -> u32 {
        (2 << self.n_top) + ((self.width - self.n_low - self.n_top - 1) << self.n_top)
    }

    /// Those that promise the fewest bits.
    pub(super) fn best<W: Word>(numbers: &[W]) -> Self {
        let width = 8 * W::N_BYTES as u32;
        let step = (numbers.len() / N_SAMPLED).max(1);
        let cost = |tokens: &Self| {
            let mut counts = [0_u32; 256];
            let mut n_bits = 0_u64;
            for number in numbers.iter().step_by(step) {
                let (token, n) = tokens.token(number.bits());
                counts[usize::from(token)] += 1;
                n_bits += u64::from(n);
            }
            let n_bits = n_bits + (entropy(&counts) >> 16);
            n_bits * step as u64 + (N_TABLES * 8 * table_bytes(&counts)) as u64
        };
        // For each number of top bits, the fewest low bits that leave at most 256 tokens.
        let candidates =
            (1..=6).filter_map(|n_top| (0..width).find_map(|n_low| Self::new(n_top, n_low, width)));
        candidates.min_by_key(cost).unwrap_or(Self { n_top: 1, n_low: 0, width })
    }

    /// The token, and how many bits go with it.
    #[inline(always)]
    fn token(self, number: u64) -> (u8, u32) {
        let Self { n_top, n_low, .. } = self;
        let rest = number >> n_low;
        if rest < 2 << n_top {
            return (rest as u8, n_low);
        }
        let n_less = rest.ilog2() - n_top;
        // The first one of the top bits counts 2^n_top itself.
        (((n_less << n_top) + (rest >> n_less) as u32) as u8, n_less + n_low)
    }

    /// The smallest number of a token, and how many bits are added; `None` if there is no such token.
    fn base(self, token: u32) -> Option<(u64, u32)> {
        let Self { n_top, n_low, .. } = self;
        if token >= self.n_tokens() {
            return None;
        }
        if token < 2 << n_top {
            return Some((u64::from(token) << n_low, n_low));
        }
        let n_less = (token >> n_top) - 1;
        let top = u64::from(token - (n_less << n_top));
        Some((top << (n_less + n_low), n_less + n_low))
    }

    /// Tokens of all numbers, and their bits in order, the last byte filled with zeros.
    pub(super) fn split<W: Word>(self, numbers: &[W]) -> (Vec<u8>, Vec<u8>) {
        let mut out = Vec::with_capacity(numbers.len() * W::N_BYTES);
        let (mut buffer, mut n_held) = (0_u128, 0);
        let tokens = numbers
            .iter()
            .map(|number| {
                let (token, n) = self.token(number.bits());
                buffer |= u128::from(number.bits() & !(u64::MAX << n)) << n_held;
                n_held += n;
                if n_held >= 64 {
                    out.extend_from_slice(&(buffer as u64).to_le_bytes());
                    buffer >>= 64;
                    n_held -= 64;
                }
                token
            })
            .collect();
        out.extend(buffer.to_le_bytes().iter().take(n_held.div_ceil(8) as usize));
        (tokens, out)
    }

    /// Inverse of [`Self::split`].
    pub(super) fn join<W: Word>(self, tokens: &[u8], bits: &[u8]) -> Result<Vec<W>, CodecError> {
        const WRONG_LENGTH: CodecError =
            CodecError::Corrupt { what: "the bits of the differences have another length" };
        if tokens.iter().fold(0, |max, token| max.max(*token)) as u32 >= self.n_tokens() {
            return Err(CodecError::Corrupt { what: "a token that is not there" });
        }
        // Eight bytes can be taken from wherever bits begin.
        let padded = [bits, &[0; 16]].concat();
        let (numbers, at) = dispatch(Join::<W> { form: self, tokens, padded: &padded, word: PhantomData });
        if at.div_ceil(8) != bits.len() {
            return Err(WRONG_LENGTH);
        }
        if bits.last().is_some_and(|last| !at.is_multiple_of(8) && last >> (at % 8) != 0) {
            return Err(CodecError::Corrupt { what: "bits after the differences" });
        }
        Ok(numbers)
    }

    pub(super) fn write(self, out: &mut Vec<u8>) {
        let Self { n_top, n_low, width: _ } = self;
        out.extend_from_slice(&[n_top as u8, n_low as u8]);
    }

    pub(super) fn read(coded: &[u8], n_word_bytes: usize) -> Result<(Self, &[u8]), CodecError> {
        let ([n_top, n_low], rest) =
            coded.split_first_chunk().ok_or(CodecError::Truncated { what: "form of the differences" })?;
        let tokens = Self::new(u32::from(*n_top), u32::from(*n_low), 8 * n_word_bytes as u32);
        Ok((tokens.ok_or(CodecError::Corrupt { what: "a form of differences that is none" })?, rest))
    }
}

/// Numbers of tokens, and how many bits they took.
struct Join<'a, W> {
    form: Tokens,
    tokens: &'a [u8],
    /// The bits, and bytes after them.
    padded: &'a [u8],
    word: PhantomData<W>,
}

impl<W: Word> Kernel for Join<'_, W> {
    type Output = (Vec<W>, usize);

    #[inline(always)]
    fn run<L: ByteLanes>(self, _: L) -> Self::Output {
        // Plain loops: the compiler makes the best of them with the instructions it was given.
        let Self { form, tokens, padded, .. } = self;
        let mut at = 0_usize;
        let held = |at: usize| {
            let held = padded.get(at / 8..).and_then(|held| held.first_chunk()).copied().unwrap_or_default();
            u64::from_le_bytes(held) >> (at % 8)
        };
        let numbers = if W::N_BYTES <= 4 {
            // Number and bits in one entry: 32 bits of the one, a byte of the other.
            let entries: [u64; 256] = std::array::from_fn(|token| {
                let (base, n) = form.base(token as u32).unwrap_or((0, 0));
                base << 8 | u64::from(n)
            });
            let mut join = |tokens: &[u8], numbers: &mut [W]| {
                let mut bits = held(at);
                for (number, token) in numbers.iter_mut().zip(tokens) {
                    let entry = entries[usize::from(*token)];
                    let n = entry as u32 & 63;
                    *number = W::of((entry >> 8) + (bits & !(u64::MAX << n)));
                    bits >>= n;
                    at += n as usize;
                }
            };
            let mut numbers = vec![W::default(); tokens.len()];
            if W::N_BYTES <= 2 {
                // Of three numbers, at most 45 bits.
                let ((tokens, rest), (numbers, tail)) =
                    (tokens.as_chunks::<3>(), numbers.as_chunks_mut::<3>());
                tokens.iter().zip(numbers).for_each(|(tokens, numbers)| join(tokens, numbers));
                join(rest, tail);
            } else {
                let one_by_one = tokens.as_chunks::<1>().0.iter().zip(numbers.as_chunks_mut::<1>().0);
                one_by_one.for_each(|(token, number)| join(token, number));
            }
            numbers
        } else {
            let bases: [(u64, u32); 256] =
                std::array::from_fn(|token| form.base(token as u32).unwrap_or((0, 0)));
            let join = |token: &u8| {
                let (base, n) = bases[usize::from(*token)];
                // Up to 32 bits at once.
                let n_first = n.min(32);
                let low = held(at) & !(u64::MAX << n_first);
                let high = held(at + n_first as usize) & !(u64::MAX << (n - n_first));
                at += n as usize;
                W::of(base + low + (high << n_first))
            };
            tokens.iter().map(join).collect()
        };
        (numbers, at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<W: Word + std::fmt::Debug>(numbers: &[W]) {
        let width = 8 * W::N_BYTES as u32;
        let mut n_forms = 0;
        for tokens in
            (0..9).flat_map(|n_top| (0..64).filter_map(move |n_low| Tokens::new(n_top, n_low, width)))
        {
            let (bytes, bits) = tokens.split(numbers);
            assert_eq!(tokens.join::<W>(&bytes, &bits).unwrap(), numbers, "{tokens:?}");
            assert!(tokens.join::<W>(&bytes, &[&bits[..], &[0]].concat()).is_err());
            assert!(bits.is_empty() || tokens.join::<W>(&bytes, &bits[1..]).is_err());
            let mut coded = Vec::new();
            tokens.write(&mut coded);
            assert_eq!(Tokens::read(&coded, W::N_BYTES).unwrap(), (tokens, &[][..]));
            n_forms += 1;
        }
        assert!(n_forms > 3);
    }

    #[test]
    fn numbers_of_every_length_come_back() {
        let numbers: Vec<u64> =
            (0..64).flat_map(|n| [0, (1 << n) - 1, 1 << n, (1 << n) + (1 << n >> 1)]).collect();
        let numbers: Vec<u64> = numbers.into_iter().chain([u64::MAX, u64::MAX - 1]).collect();
        check(&numbers);
        check(&numbers.iter().map(|n| *n as u32).collect::<Vec<_>>());
        check(&numbers.iter().map(|n| *n as u16).collect::<Vec<_>>());
        check(&(0..=255).collect::<Vec<u8>>());
    }

    #[test]
    fn tokens_grow_with_numbers() {
        let tokens = Tokens::new(3, 0, 16).unwrap();
        let all: Vec<u8> = (0..1 << 16).map(|n| tokens.token(n).0).collect();
        assert!(all.is_sorted());
        assert_eq!(usize::from(all[(1 << 16) - 1]) + 1, tokens.n_tokens() as usize);
        assert!(Tokens::new(4, 0, 32).is_none() && Tokens::new(4, 13, 32).is_some());
    }
}
