use crate::simd::Lanes;
use crate::tensor::ElementType;

/// Biased exponent of the smallest change that counts: no product of it, nor a sum of products, is subnormal.
const MIN_EXPONENT: u32 = 37;

/// Where a float's parts are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Float {
    /// Bits of the fraction.
    n_fraction: u32,
    /// Its exponent's offset less than that of binary32.
    rebase: u32,
    /// The exponent of what is no number, and the bit of the sign.
    max_exponent: u32,
    sign: u32,
}

impl Float {
    pub(super) fn of(element: ElementType) -> Option<Self> {
        match element {
            ElementType::F32 | ElementType::Complex64 => {
                Some(Self { n_fraction: 23, rebase: 0, max_exponent: 255, sign: 31 })
            }
            ElementType::Bf16 => Some(Self { n_fraction: 7, rebase: 0, max_exponent: 255, sign: 15 }),
            ElementType::F16 => Some(Self { n_fraction: 10, rebase: 112, max_exponent: 31, sign: 15 }),
            _ => None,
        }
    }

    /// The number; 0 for what is not normal.
    #[inline(always)]
    fn value(self, word: u32) -> f32 {
        let magnitude = word & !(u32::MAX << self.sign);
        let exponent = magnitude >> self.n_fraction;
        let bits = ((magnitude << (23 - self.n_fraction)) + (self.rebase << 23)) | (word >> self.sign) << 31;
        let is_normal = exponent != 0 && exponent != self.max_exponent;
        f32::from_bits(if is_normal { bits } else { 0 })
    }

    /// What changed from `parent` to `word`; 0 for what is too small, or no number.
    #[inline(always)]
    pub(super) fn change(self, word: u32, parent: u32) -> f32 {
        let change = self.value(word) - self.value(parent);
        let exponent = change.to_bits() >> 23 & 255;
        if (MIN_EXPONENT..255).contains(&exponent) { change } else { 0.0 }
    }
}

/// The same of eight words at a time, and what guesses are made of. Words of 16 bits lie in the low half of a lane.
#[derive(Clone, Copy)]
pub(super) struct FloatLanes<L: Lanes> {
    lanes: L,
    /// A 1 at the sign, ones below it.
    sign: L::I,
    below: L::I,
    n_fraction: L::I,
    n_less: L::I,
    sign_at: L::I,
    sign_to: L::I,
    max_exponent: L::I,
    /// What is added to a magnitude, in place, to rebase its exponent.
    rebase: L::I,
    half: L::I,
    /// One less than the smallest, one more than the largest magnitude that is normal, as binary32 cut off.
    low: L::I,
    high: L::I,
    /// [`Self::rebase`] at the narrower fraction.
    rebase_low: L::I,
}

impl<L: Lanes> FloatLanes<L> {
    #[inline(always)]
    pub(super) fn new(lanes: L, float: Float) -> Self {
        let Float { n_fraction, rebase, max_exponent, sign } = float;
        let n_less = 23 - n_fraction;
        let splat = |value: u32| lanes.splat_i32(value as i32);
        Self {
            lanes,
            sign: splat(1 << sign),
            below: splat((1 << sign) - 1),
            n_fraction: splat(n_fraction),
            n_less: splat(n_less),
            sign_at: splat(sign),
            sign_to: splat(31 - sign),
            max_exponent: splat(max_exponent),
            rebase: splat(rebase << 23),
            half: splat(1 << n_less >> 1),
            low: splat(((rebase + 1) << n_fraction) - 1),
            high: splat((rebase + max_exponent) << n_fraction),
            rebase_low: splat(rebase << n_fraction),
        }
    }

    /// [`Float::value`].
    #[inline(always)]
    fn value(self, word: L::I) -> L::F {
        let l = self.lanes;
        let magnitude = l.and(word, self.below);
        let exponent = l.shr_each(magnitude, self.n_fraction);
        let sign = l.shl_each(l.and(word, self.sign), self.sign_to);
        let bits = l.or(l.add_i32(l.shl_each(magnitude, self.n_less), self.rebase), sign);
        let zero = l.splat_i32(0);
        let is_none = l.or(l.eq_i32(exponent, zero), l.eq_i32(exponent, self.max_exponent));
        l.with_bits(l.select_i32(is_none, zero, bits))
    }

    /// `parent` changed by `by`, to the nearest; `parent` where that is not normal, nothing is added, or it is no
    /// number.
    #[inline(always)]
    pub(super) fn guess(self, parent: L::I, by: L::F) -> L::I {
        let l = self.lanes;
        let magnitude_of = |bits: L::I| l.and(bits, l.splat_i32(i32::MAX));
        let bits = l.bits(l.add(self.value(parent), by));
        let rounded = l.shr_each(l.add_i32(magnitude_of(bits), self.half), self.n_less);
        let is_normal = l.and(l.gt_i32(rounded, self.low), l.gt_i32(self.high, rounded));
        let exponent = l.shr_each(l.and(parent, self.below), self.n_fraction);
        let is_same =
            l.or(l.eq_i32(exponent, self.max_exponent), l.eq_i32(magnitude_of(l.bits(by)), l.splat_i32(0)));
        let word = l.or(l.sub_i32(rounded, self.rebase_low), l.shl_each(l.shr::<31>(bits), self.sign_at));
        l.select_i32(is_same, parent, l.select_i32(is_normal, word, parent))
    }

    /// [`Float::change`].
    #[inline(always)]
    pub(super) fn change(self, word: L::I, parent: L::I) -> L::F {
        let l = self.lanes;
        let change = l.bits(l.sub(self.value(word), self.value(parent)));
        let exponent = l.and(l.shr::<23>(change), l.splat_i32(255));
        let counts = l.and(
            l.gt_i32(exponent, l.splat_i32(MIN_EXPONENT as i32 - 1)),
            l.gt_i32(l.splat_i32(255), exponent),
        );
        l.with_bits(l.and(change, counts))
    }

    /// Ones where the sign bit is set, in the word's width.
    #[inline(always)]
    fn signs(self, word: L::I) -> L::I {
        let l = self.lanes;
        let all = l.sub_i32(l.splat_i32(0), l.shr_each(word, self.sign_at));
        l.and(all, l.or(self.below, self.sign))
    }

    #[inline(always)]
    fn ordered(self, word: L::I) -> L::I {
        self.lanes.xor(word, self.lanes.or(self.signs(word), self.sign))
    }

    /// [`change`](super::change) of floats.
    #[inline(always)]
    pub(super) fn difference(self, word: L::I, guess: L::I) -> L::I {
        let (l, mask) = (self.lanes, self.lanes.or(self.below, self.sign));
        let difference = l.and(l.sub_i32(self.ordered(word), self.ordered(guess)), mask);
        l.and(l.xor(l.shl::<1>(difference), self.signs(difference)), mask)
    }

    /// [`changed`](super::changed) of floats.
    #[inline(always)]
    pub(super) fn differing(self, difference: L::I, guess: L::I) -> L::I {
        let (l, mask) = (self.lanes, self.lanes.or(self.below, self.sign));
        let odd = l.sub_i32(l.splat_i32(0), l.and(difference, l.splat_i32(1)));
        let ordered = l.add_i32(self.ordered(guess), l.xor(l.shr::<1>(difference), odd));
        let ordered = l.and(ordered, mask);
        // Not negative is what has the sign bit set here.
        l.xor(ordered, l.or(l.xor(self.signs(ordered), mask), self.sign))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{change, changed};
    use super::*;
    use crate::simd::{ByteLanes, Kernel, Portable, dispatch};
    use crate::tensor::WordKind;
    use crate::tensor::word::Word;

    impl Float {
        /// The plain form of [`FloatLanes::guess`].
        #[inline(always)]
        fn guess(self, parent: u32, by: f32) -> u32 {
            let bits = (self.value(parent) + by).to_bits();
            let n_less = 23 - self.n_fraction;
            let rounded = ((bits & 0x7FFF_FFFF) + (1 << n_less >> 1)) >> n_less;
            let (low, high) =
                ((self.rebase + 1) << self.n_fraction, (self.rebase + self.max_exponent) << self.n_fraction);
            let is_number = parent >> self.n_fraction & self.max_exponent != self.max_exponent;
            let is_good = (low..high).contains(&rounded) && is_number && by != 0.0;
            let word = rounded.wrapping_sub(self.rebase << self.n_fraction) | bits >> 31 << self.sign;
            if is_good { word } else { parent }
        }
    }

    struct Everything {
        float: Float,
        words: [i32; 8],
        parents: [i32; 8],
        by: [f32; 8],
    }

    /// Guess, difference, its inverse, change.
    type Made = ([i32; 8], [i32; 8], [i32; 8], [u32; 8]);

    impl Kernel for Everything {
        type Output = Made;

        #[inline(always)]
        fn run<L: ByteLanes>(self, l: L) -> Made {
            let float = FloatLanes::new(l, self.float);
            let (words, parents) = (l.load_i32(&self.words), l.load_i32(&self.parents));
            let guess = float.guess(parents, l.load(&self.by));
            let difference = float.difference(words, guess);
            let mut made = ([0; 8], [0; 8], [0; 8], [0; 8]);
            l.store_i32(guess, &mut made.0);
            l.store_i32(difference, &mut made.1);
            l.store_i32(float.differing(difference, guess), &mut made.2);
            let mut changes = [0.0; 8];
            l.store(float.change(words, parents), &mut changes);
            made.3 = changes.map(f32::to_bits);
            made
        }
    }

    fn check<W: Word>(element: ElementType) {
        let float = Float::of(element).unwrap();
        let mut state = 5_u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state >> 24
        };
        let top = u64::from(float.max_exponent) << float.n_fraction;
        let special = [0, 1, top - 1, top, top + 1, 1 << float.n_fraction, (1 << float.n_fraction) - 1];
        for i in 0..40_000 {
            let mut word = |k: usize| {
                let any = next();
                let bits = if (i + k).is_multiple_of(7) {
                    special[any as usize % 7] | any >> 8 << float.sign
                } else {
                    any
                };
                W::of(bits).bits() as i32
            };
            let words: [i32; 8] = std::array::from_fn(&mut word);
            let parents: [i32; 8] =
                std::array::from_fn(|k| if k % 3 == 0 { words[k] ^ (k as i32) } else { word(k + 3) });
            let by: [f32; 8] = std::array::from_fn(|k| match k {
                0 => 0.0,
                1 => -0.0,
                2 => f32::NAN,
                3 => f32::INFINITY,
                4 => f32::from_bits(next() as u32),
                _ => float.value(parents[k] as u32) * (next() as u8 as f32 - 128.0) / 4096.0,
            });
            let make = || Everything { float, words, parents, by };
            let made = dispatch(make());
            assert_eq!(made, make().run(Portable), "{i}");
            for k in 0..8 {
                let (word, parent) = (words[k] as u32, parents[k] as u32);
                let guess = float.guess(parent, by[k]);
                let (word_of, guess_of) = (W::of(u64::from(word)), W::of(u64::from(guess)));
                let difference = change(word_of, guess_of, WordKind::Float);
                assert!(changed(difference, guess_of, WordKind::Float) == word_of);
                assert_eq!(made.0[k] as u32, guess, "{i} {k} {parent:x} {}", by[k]);
                assert_eq!((made.1[k] as u32, made.2[k] as u32), (difference.bits() as u32, word));
                assert_eq!(made.3[k], float.change(word, parent).to_bits(), "{word:x} {parent:x}");
            }
        }
    }

    #[test]
    fn lanes_do_what_the_plain_form_does() {
        check::<u16>(ElementType::F16);
        check::<u16>(ElementType::Bf16);
        check::<u32>(ElementType::F32);
    }
}
