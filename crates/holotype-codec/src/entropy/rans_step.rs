//! What coding a token by static rANS does to a state, alone and eight at a time.

use super::words::WordWriter;
use crate::simd::Lanes;

/// Bits of the frequency and of the bias in [`Step::rest`]; the shift lies above them.
const FREQUENCY_BITS: u32 = 13;
const BIAS_BITS: u32 = 13;
const LOW_BITS: u32 = (1 << FREQUENCY_BITS) - 1;

/// What a token needs, with the division by its frequency as a multiplication. Frequencies have at most 12 bits; their
/// sum is 2 to the power of `PRECISION_BITS`.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Step<const PRECISION_BITS: u32> {
    reciprocal: u32,
    /// Frequency, bias, shift of the product, from the lowest bit on.
    rest: u32,
}

impl<const PRECISION_BITS: u32> Step<PRECISION_BITS> {
    /// Sum of the frequencies.
    const N_SLOTS: u32 = 1 << PRECISION_BITS;

    /// A token of `frequency` (not 0) whose slots begin at `start`. Exact for states below 2³¹ (Alverson's integer
    /// division; the constants are those of `ryg_rans`).
    pub(crate) fn new(start: u32, frequency: u32) -> Self {
        let with = |reciprocal: u32, shift: u32, bias: u32| Self {
            reciprocal,
            rest: frequency | bias << FREQUENCY_BITS | shift << (FREQUENCY_BITS + BIAS_BITS),
        };
        if frequency < 2 {
            // x·(2³² − 1) >> 32 is x − 1: the bias makes up for it.
            return with(u32::MAX, 0, start + Self::N_SLOTS - 1);
        }
        let shift = 32 - (frequency - 1).leading_zeros();
        let reciprocal = (1_u64 << (shift + 31)).div_ceil(u64::from(frequency));
        with(reciprocal as u32, shift - 1, start)
    }

    /// The state after the token; one that is too large gives up a word first.
    #[inline(always)]
    pub(crate) fn advance(self, state: u32, words: &mut WordWriter) -> u32 {
        let Self { reciprocal, rest } = self;
        let (frequency, bias) = (rest & LOW_BITS, rest >> FREQUENCY_BITS & LOW_BITS);
        let is_large = state >= frequency << (31 - PRECISION_BITS);
        words.put_one(state as u16, is_large);
        let state = state >> (16 * u32::from(is_large));
        let product = (u64::from(state) * u64::from(reciprocal)) >> 32;
        let quotient = product as u32 >> (rest >> (FREQUENCY_BITS + BIAS_BITS));
        state + bias + quotient * (Self::N_SLOTS - frequency)
    }

    /// The two numbers, for [`Self::advance_all`].
    pub(crate) fn pair(self) -> [i32; 2] {
        [self.reciprocal as i32, self.rest as i32]
    }

    /// Inverse of [`Self::pair`].
    #[inline(always)]
    pub(crate) fn of([reciprocal, rest]: [i32; 2]) -> Self {
        Self { reciprocal: reciprocal as u32, rest: rest as u32 }
    }

    /// [`Self::advance`] for eight states, each with the step of its token: the last lane's word comes first.
    #[inline(always)]
    pub(crate) fn advance_all<L: Lanes>(
        l: L,
        states: L::I,
        steps: (L::I, L::I),
        words: &mut WordWriter,
    ) -> L::I {
        let (reciprocal, rest) = steps;
        let low = l.splat_i32(LOW_BITS as i32);
        let (frequency, bias) = (l.and(rest, low), l.and(l.shr::<{ FREQUENCY_BITS as i32 }>(rest), low));
        // Less one, so that it fits although it may be 2³¹.
        let limit = l.sub_i32(l.shl_each(frequency, l.splat_i32(31 - PRECISION_BITS as i32)), l.splat_i32(1));
        let is_large = l.gt_i32(states, limit);
        let (full, n_words) = l.compress_u16(states, is_large);
        words.put(&full, n_words);
        let states = l.select_i32(is_large, l.shr::<16>(states), states);
        let product = l.mul_high_u32(states, reciprocal);
        let quotient = l.shr_each(product, l.shr::<{ (FREQUENCY_BITS + BIAS_BITS) as i32 }>(rest));
        let grown = l.mul_i32(quotient, l.sub_i32(l.splat_i32(Self::N_SLOTS as i32), frequency));
        l.add_i32(l.add_i32(states, bias), grown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::byte_rans::MIN_STATE;
    use crate::simd::{Kernel, WordLanes, dispatch};

    /// The states and words of both forms for eight states with a step each.
    struct Both<const P: u32> {
        states: [u32; 8],
        steps: [Step<P>; 8],
    }

    impl<const P: u32> Kernel for Both<P> {
        type Output = [([u32; 8], Vec<u8>); 2];

        #[inline(always)]
        fn run<L: WordLanes>(self, l: L) -> Self::Output {
            let Self { states, steps } = self;
            let mut words = WordWriter::new(16);
            let mut alone = states;
            for (state, step) in alone.iter_mut().zip(steps).rev() {
                *state = step.advance(*state, &mut words);
            }
            let mut words_of_all = WordWriter::new(16);
            let pairs = steps.map(Step::pair);
            let parts = (l.load_i32(&pairs.map(|pair| pair[0])), l.load_i32(&pairs.map(|pair| pair[1])));
            let mut all = [0; 8];
            let lanes = l.load_i32(&states.map(|state| state as i32));
            l.store_i32(Step::<P>::advance_all(l, lanes, parts, &mut words_of_all), &mut all);
            [(alone, words.bytes().to_vec()), (all.map(|state| state as u32), words_of_all.bytes().to_vec())]
        }
    }

    #[test]
    fn a_state_is_divided_by_every_frequency() {
        divide::<11>();
        divide::<12>();
    }

    fn divide<const P: u32>() {
        for frequency in 1..=1 << P {
            let start = ((1 << P) - frequency) / 3;
            let step = Step::<P>::new(start, frequency);
            let limit = u64::from(frequency) << (31 - P);
            // Around multiples of the frequency, and around where a word is given up.
            let near = |x: u64| [x.saturating_sub(1), x, x + 1];
            let f = u64::from(frequency);
            let states = [
                near(u64::from(MIN_STATE)),
                near(limit),
                near((limit << 16) / f * f / 2),
                near(77_777 / f * f),
            ];
            for state in states.as_flattened().iter().map(|s| (*s).clamp(1 << 15, (1 << 31) - 1) as u32) {
                let mut words = WordWriter::new(16);
                let kept = if u64::from(state) >= limit { state >> 16 } else { state };
                let expected = (kept / frequency) << P | (start + kept % frequency);
                assert_eq!(step.advance(state, &mut words), expected, "{state} by {frequency}");
                assert_eq!(words.bytes().len(), if kept == state { 0 } else { 2 });
            }
        }
    }

    #[test]
    fn eight_states_advance_as_each_does_alone() {
        advance_both_ways::<11>();
        advance_both_ways::<12>();
    }

    fn advance_both_ways<const P: u32>() {
        let mut seed = 1_u64;
        let mut next = |n: u32| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) as u32 % n
        };
        for _ in 0..20_000 {
            let states = std::array::from_fn(|_| MIN_STATE + next((1 << 31) - MIN_STATE));
            let steps = std::array::from_fn(|_| {
                let frequency = ((1 + next(1 << P)) >> next(P + 1)).max(1);
                Step::<P>::new(next((1 << P) + 1 - frequency), frequency)
            });
            let [alone, all] = dispatch(Both { states, steps });
            assert_eq!(alone, all);
        }
    }
}
