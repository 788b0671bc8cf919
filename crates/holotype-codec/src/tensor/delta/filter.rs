use super::{change, changed};
use crate::CodecError;
use crate::simd::{ByteLanes, Kernel, Lanes, dispatch};
use crate::tensor::layout::SliceLayout;
use crate::tensor::word::Word;
use crate::tensor::{ElementType, WordKind};

/// Parts of a slice whose words are restored side by side, each from those of its own part.
const N_PARTS: usize = 16;
/// Eight of them at a time.
const N_VECTORS: usize = N_PARTS / 8;
/// Most changes before a word that count.
const MAX_TAPS: usize = 16;
/// Steps that are held between moves of the history.
const N_HELD: usize = 256;
/// A tap of 1.
const UNIT: f32 = 64.0;
/// Biased exponent of the smallest change that counts: no product of it, nor a sum of products, is subnormal.
const MIN_EXPONENT: u32 = 37;
/// Words looked at to find taps, in windows spread over the slice.
const WINDOW_WORDS: usize = 16384;
const N_WINDOWS: usize = 4;
/// A change counts as so many times the usual one at most when taps are sought.
const MAX_CHANGE: f32 = 8.0;

/// A tensor's neighbouring elements are changed alike: the change of a float, as a weighted sum of those before it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Filter {
    taps: Vec<i8>,
}

/// Where a float's parts are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Form {
    /// Bits of the fraction.
    n_fraction: u32,
    /// Its exponent's offset less than that of binary32.
    rebase: u32,
    /// The exponent of what is no number, and the bit of the sign.
    max_exponent: u32,
    sign: u32,
}

impl Form {
    fn of(element: ElementType) -> Option<Self> {
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

    /// `parent` changed by `by`, to the nearest; `parent` where that is not normal, nothing is added, or it is no
    /// number.
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

    /// What changed from `parent` to `word`; 0 for what is too small, or no number.
    #[inline(always)]
    fn change(self, word: u32, parent: u32) -> f32 {
        let change = self.value(word) - self.value(parent);
        let exponent = change.to_bits() >> 23 & 255;
        if (MIN_EXPONENT..255).contains(&exponent) { change } else { 0.0 }
    }
}

impl Filter {
    /// Every word is compared with its parent itself.
    pub(super) const fn none() -> Self {
        Self { taps: Vec::new() }
    }

    /// Taps that suit these words; none if none do.
    pub(super) fn fitted<W: Word>(words: &[W], parents: &[W], element: ElementType) -> Option<Self> {
        let form = Form::of(element)?;
        let mut sums = [0_f64; MAX_TAPS + 1];
        let n_window = WINDOW_WORDS.min(words.len());
        let n_windows = if words.len() <= N_WINDOWS * WINDOW_WORDS {
            words.len().div_ceil(n_window.max(1))
        } else {
            N_WINDOWS
        };
        let step = if n_windows > 1 { (words.len() - n_window) / (n_windows - 1) } else { 0 };
        for start in (0..n_windows).map(|k| k * step) {
            let of = |i: usize| match (words.get(i), parents.get(i)) {
                (Some(word), Some(parent)) => form.change(word.bits() as u32, parent.bits() as u32),
                _ => 0.0,
            };
            let mut changes: Vec<f32> = (start..start + n_window).map(of).collect();
            // What stands out would drown the others.
            let mean = changes.iter().map(|change| f64::from(change.abs())).sum::<f64>()
                / changes.len().max(1) as f64;
            let limit = (mean as f32 * MAX_CHANGE).min(f32::MAX);
            changes.iter_mut().for_each(|change| *change = change.clamp(-limit, limit));
            // Every window counts alike.
            let scale = if mean > 0.0 { 1.0 / (mean * mean) } else { 0.0 };
            for (lag, sum) in sums.iter_mut().enumerate() {
                let products = changes.iter().zip(changes.iter().skip(lag));
                *sum += scale * products.map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
            }
        }
        let taps = solve(&sums)?.map(|tap| (tap * f64::from(UNIT)).round().clamp(-128.0, 127.0) as i8);
        let n = taps.iter().rposition(|tap| *tap != 0)? + 1;
        Some(Self { taps: taps.iter().take(n).copied().collect() })
    }

    /// The changes from guesses, as numbers that are small where these are good.
    pub(super) fn changes<W: Word>(&self, words: &[W], parents: &[W], layout: &SliceLayout) -> Vec<W> {
        self.run(words, parents, layout, change, |word, _| word)
    }

    /// Inverse of [`Self::changes`].
    pub(super) fn restore<W: Word>(&self, changes: &[W], parents: &[W], layout: &SliceLayout) -> Vec<W> {
        self.run(changes, parents, layout, changed, |_, word| word)
    }

    /// What `step` makes of each input and the guess for it; `word` tells which of input and output is the word itself.
    fn run<W: Word>(
        &self,
        input: &[W],
        parents: &[W],
        layout: &SliceLayout,
        step: impl Fn(W, W, WordKind) -> W,
        word: impl Fn(W, W) -> W,
    ) -> Vec<W> {
        let kind = layout.kind();
        match Form::of(layout.element) {
            Some(form) if !self.taps.is_empty() => {
                dispatch(Filtering { taps: &self.taps, form, input, parents, step, word })
            }
            _ => dispatch(Plain { kind, input, parents, step }),
        }
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.push(self.taps.len() as u8);
        out.extend(self.taps.iter().map(|tap| *tap as u8));
    }

    pub(super) fn read(coded: &[u8], element: ElementType) -> Result<(Self, &[u8]), CodecError> {
        const TRUNCATED: CodecError = CodecError::Truncated { what: "taps" };
        let (n, rest) = coded.split_first().ok_or(TRUNCATED)?;
        if usize::from(*n) > MAX_TAPS || *n > 0 && Form::of(element).is_none() {
            return Err(CodecError::Corrupt { what: "the number of taps" });
        }
        let (taps, rest) = rest.split_at_checked(usize::from(*n)).ok_or(TRUNCATED)?;
        Ok((Self { taps: taps.iter().map(|tap| *tap as i8).collect() }, rest))
    }
}

/// Taps by the recursion of Levinson and Durbin from sums of products of changes; none if changes are unlike.
fn solve(sums: &[f64; MAX_TAPS + 1]) -> Option<[f64; MAX_TAPS]> {
    let mut taps = [0.0; MAX_TAPS];
    let mut error = sums[0] * (1.0 + 1e-9);
    if !error.is_finite() || error <= 0.0 {
        return None;
    }
    for n in 0..MAX_TAPS {
        let known: f64 = (0..n).map(|k| taps[k] * sums[n - k]).sum();
        let reflection = (sums[n + 1] - known) / error;
        let before = taps;
        for k in 0..n {
            taps[k] = before[k] - reflection * before[n - 1 - k];
        }
        taps[n] = reflection;
        error *= 1.0 - reflection * reflection;
        if !error.is_finite() || error <= 0.0 {
            return None;
        }
    }
    Some(taps)
}

/// Every parent is the guess.
struct Plain<'a, W, S> {
    kind: WordKind,
    input: &'a [W],
    parents: &'a [W],
    step: S,
}

impl<W: Word, S: Fn(W, W, WordKind) -> W> Kernel for Plain<'_, W, S> {
    type Output = Vec<W>;

    #[inline(always)]
    fn run<L: ByteLanes>(self, _: L) -> Vec<W> {
        let Self { kind, input, parents, step } = self;
        // Plain loops: the compiler makes the best of them with the instructions it was given.
        let each = input.iter().zip(parents);
        match kind {
            WordKind::Float => each.map(|(input, parent)| step(*input, *parent, WordKind::Float)).collect(),
            kind => each.map(|(input, parent)| step(*input, *parent, kind)).collect(),
        }
    }
}

/// Changes of the words before, of every part.
struct History<'a> {
    weights: &'a [f32],
    /// The newest last; moved to the front when the end is reached.
    held: [[[f32; 8]; N_VECTORS]; N_HELD],
    n: usize,
}

impl History<'_> {
    /// The next word of every part.
    #[inline(always)]
    fn next<L: Lanes, W: Word>(
        &mut self,
        l: L,
        form: Form,
        inputs: [W; N_PARTS],
        before: [W; N_PARTS],
        step: &impl Fn(W, W, WordKind) -> W,
        word: &impl Fn(W, W) -> W,
    ) -> [W; N_PARTS] {
        let Self { weights, held, n } = self;
        if *n == N_HELD {
            held.copy_within(N_HELD - weights.len().., 0);
            *n = weights.len();
        }
        let mut sums = [l.splat(0.0); N_VECTORS];
        let newest = held.get(*n - weights.len()..*n).unwrap_or_default();
        for (weight, change) in weights.iter().zip(newest.iter().rev()) {
            let weight = l.splat(*weight);
            for k in 0..N_VECTORS {
                sums[k] = l.add(sums[k], l.mul(weight, l.load(&change[k])));
            }
        }
        let mut by = [[0.0; 8]; N_VECTORS];
        for k in 0..N_VECTORS {
            l.store(sums[k], &mut by[k]);
        }
        let mut made = [W::default(); N_PARTS];
        let mut changes = [[0.0; 8]; N_VECTORS];
        for k in 0..N_PARTS {
            let guess = W::of(u64::from(form.guess(before[k].bits() as u32, by[k / 8][k % 8])));
            made[k] = step(inputs[k], guess, WordKind::Float);
            changes[k / 8][k % 8] =
                form.change(word(inputs[k], made[k]).bits() as u32, before[k].bits() as u32);
        }
        if let Some(held) = held.get_mut(*n) {
            *held = changes;
        }
        *n += 1;
        made
    }
}

/// Guesses from the changes before, for one word of every part at a time.
struct Filtering<'a, W, S, O> {
    taps: &'a [i8],
    form: Form,
    input: &'a [W],
    parents: &'a [W],
    step: S,
    word: O,
}

impl<W, S, O> Kernel for Filtering<'_, W, S, O>
where
    W: Word,
    S: Fn(W, W, WordKind) -> W,
    O: Fn(W, W) -> W,
{
    type Output = Vec<W>;

    #[inline(always)]
    fn run<L: ByteLanes>(self, l: L) -> Vec<W> {
        let Self { taps, form, input, parents, step, word } = self;
        let mut out = vec![W::default(); input.len()];
        let part = input.len().div_ceil(N_PARTS).max(1);
        let mut weights = [0.0; MAX_TAPS];
        weights.iter_mut().zip(taps).for_each(|(weight, tap)| *weight = f32::from(*tap) / UNIT);
        let weights = weights.get(..taps.len()).unwrap_or_default();
        let mut history = History { weights, held: [[[0.0; 8]; N_VECTORS]; N_HELD], n: weights.len() };
        let mut inputs: [&[W]; N_PARTS] = [&[]; N_PARTS];
        let mut before: [&[W]; N_PARTS] = [&[]; N_PARTS];
        inputs.iter_mut().zip(input.chunks(part)).for_each(|(to, from)| *to = from);
        before.iter_mut().zip(parents.chunks(part)).for_each(|(to, from)| *to = from);
        let mut outs: [&mut [W]; N_PARTS] = std::array::from_fn(|_| &mut [][..]);
        outs.iter_mut().zip(out.chunks_mut(part)).for_each(|(to, from)| *to = from);
        // As long as every part has words left.
        let n_full = inputs.iter().chain(&before).map(|part| part.len()).min().unwrap_or(0);
        let full_inputs = inputs.map(|part| part.get(..n_full).unwrap_or_default());
        let full_before = before.map(|part| part.get(..n_full).unwrap_or_default());
        for at in 0..n_full {
            let (inputs, before) = (full_inputs.map(|part| part[at]), full_before.map(|part| part[at]));
            let made = history.next(l, form, inputs, before, &step, &word);
            for (out, made) in outs.iter_mut().zip(made) {
                if let Some(out) = out.get_mut(at) {
                    *out = made;
                }
            }
        }
        for at in n_full..part {
            let inputs = inputs.map(|part| part.get(at).copied().unwrap_or_default());
            let before = before.map(|part| part.get(at).copied().unwrap_or_default());
            let made = history.next(l, form, inputs, before, &step, &word);
            for (out, made) in outs.iter_mut().zip(made) {
                if let Some(out) = out.get_mut(at) {
                    *out = made;
                }
            }
        }
        out
    }
}
