use super::float::{Float, FloatLanes};
use super::{Form, change, changed};
use crate::CodecError;
use crate::simd::{ByteLanes, Kernel, Lanes, dispatch};
use crate::tensor::layout::SliceLayout;
use crate::tensor::word::Word;
use crate::tensor::{ElementType, WordKind};

/// Words of a part that are brought side by side with those of the other parts at once.
const N_STEPS: usize = 32;
/// Most changes before a word that count.
const MAX_TAPS: usize = 16;
/// Steps that are held between moves of the history.
const N_HELD: usize = 256;
/// A tap of 1.
const UNIT: f32 = 64.0;
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

impl Filter {
    /// Every word is compared with its parent itself.
    pub(super) const fn none() -> Self {
        Self { taps: Vec::new() }
    }

    /// Taps that suit these words; none if none do.
    pub(super) fn fitted<W: Word>(words: &[W], parents: &[W], element: ElementType) -> Option<Self> {
        let float = Float::of(element)?;
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
                (Some(word), Some(parent)) => float.change(word.bits() as u32, parent.bits() as u32),
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
        match Float::of(layout.element) {
            Some(float) if !self.taps.is_empty() => {
                dispatch(Filtering::<W, 4, false, true> { taps: &self.taps, float, input: words, parents })
            }
            _ => dispatch(Plain { kind: layout.kind(), input: words, parents, step: change }),
        }
    }

    /// Inverse of [`Self::changes`].
    pub(super) fn restore<W: Word>(
        &self,
        changes: &[W],
        parents: &[W],
        layout: &SliceLayout,
        form: Form,
    ) -> Vec<W> {
        let Self { taps } = self;
        match (Float::of(layout.element), form) {
            (Some(float), Form::Even) if !taps.is_empty() => {
                dispatch(Filtering::<W, 2, true, false> { taps, float, input: changes, parents })
            }
            (Some(float), Form::Scaled(_)) if !taps.is_empty() => {
                dispatch(Filtering::<W, 4, true, true> { taps, float, input: changes, parents })
            }
            _ => dispatch(Plain { kind: layout.kind(), input: changes, parents, step: changed }),
        }
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.push(self.taps.len() as u8);
        out.extend(self.taps.iter().map(|tap| *tap as u8));
    }

    pub(super) fn read(coded: &[u8], element: ElementType) -> Result<(Self, &[u8]), CodecError> {
        const TRUNCATED: CodecError = CodecError::Truncated { what: "taps" };
        let (n, rest) = coded.split_first().ok_or(TRUNCATED)?;
        if usize::from(*n) > MAX_TAPS || *n > 0 && Float::of(element).is_none() {
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

/// One word of every part.
type Row<const N_VECTORS: usize> = [[i32; 8]; N_VECTORS];

/// Guesses from the changes before, for one word of every part at a time; there are 8 parts for each of `N_VECTORS`.
struct Filtering<'a, W, const N_VECTORS: usize, const RESTORES: bool, const OLDEST_FIRST: bool> {
    taps: &'a [i8],
    float: Float,
    /// Words, or what they differ from their guesses.
    input: &'a [W],
    parents: &'a [W],
}

impl<W: Word, const N_VECTORS: usize, const RESTORES: bool, const OLDEST_FIRST: bool> Kernel
    for Filtering<'_, W, N_VECTORS, RESTORES, OLDEST_FIRST>
{
    type Output = Vec<W>;

    #[inline(always)]
    fn run<L: ByteLanes>(self, l: L) -> Vec<W> {
        let Self { taps, float, input, parents } = self;
        let float = FloatLanes::new(l, float);
        let mut out = vec![W::default(); input.len()];
        let part = input.len().div_ceil(8 * N_VECTORS).max(1);
        let mut weights = [0.0; MAX_TAPS];
        weights.iter_mut().zip(taps).for_each(|(weight, tap)| *weight = f32::from(*tap) / UNIT);
        let weights = weights.get(..taps.len()).unwrap_or_default();
        // Changes of the words before, the newest last; moved to the front when the end is reached.
        let mut held = [[[0.0_f32; 8]; N_VECTORS]; N_HELD];
        let mut n_held = weights.len();
        let mut inputs = [[[0; 8]; N_VECTORS]; N_STEPS];
        let mut before = [[[0; 8]; N_VECTORS]; N_STEPS];
        for start in (0..part).step_by(N_STEPS) {
            let n = N_STEPS.min(part - start);
            if W::N_BYTES <= 2 {
                gather(part, start, (input, parents), &mut inputs, |word, parent| word | parent << 16);
            } else {
                gather(part, start, (input, parents), &mut inputs, |word, _| word);
                gather(part, start, (input, parents), &mut before, |_, parent| parent);
            }
            for (row, before) in inputs.iter_mut().zip(&before).take(n) {
                if n_held == N_HELD {
                    held.copy_within(N_HELD - weights.len().., 0);
                    n_held = weights.len();
                }
                let newest = held.get(n_held - weights.len()..n_held).unwrap_or_default();
                let mut sums = [l.splat(0.0); N_VECTORS];
                if OLDEST_FIRST {
                    for (weight, changes) in weights.iter().rev().zip(newest) {
                        sums = with_product(l, sums, *weight, changes);
                    }
                } else {
                    for (weight, changes) in weights.iter().zip(newest.iter().rev()) {
                        sums = with_product(l, sums, *weight, changes);
                    }
                }
                let Some(changes) = held.get_mut(n_held) else { break };
                n_held += 1;
                for (((row, before), sum), changes) in row.iter_mut().zip(before).zip(sums).zip(changes) {
                    let input = l.load_i32(row);
                    // Words of two bytes have their parents above them.
                    let (input, before) = if W::N_BYTES <= 2 {
                        (l.and(input, l.splat_i32(0xFFFF)), l.shr::<16>(input))
                    } else {
                        (input, l.load_i32(before))
                    };
                    let guess = float.guess(before, sum);
                    let made =
                        if RESTORES { float.differing(input, guess) } else { float.difference(input, guess) };
                    l.store(float.change(if RESTORES { made } else { input }, before), changes);
                    l.store_i32(made, row);
                }
            }
            scatter(&inputs, part, start, &mut out);
        }
        out
    }
}

/// Each sum and the product of a weight and a change.
#[inline(always)]
fn with_product<L: Lanes, const N_VECTORS: usize>(
    l: L,
    sums: [L::F; N_VECTORS],
    weight: f32,
    changes: &[[f32; 8]; N_VECTORS],
) -> [L::F; N_VECTORS] {
    let (weight, mut sums) = (l.splat(weight), sums);
    // By number, which keeps them in registers.
    for k in 0..N_VECTORS {
        sums[k] = l.add(sums[k], l.mul(weight, l.load(&changes[k])));
    }
    sums
}

/// What `of` makes of the words of all parts from `start` on and of their parents, side by side; 0 where there are none.
#[inline(always)]
fn gather<W: Word, const N_VECTORS: usize>(
    part: usize,
    start: usize,
    (words, parents): (&[W], &[W]),
    rows: &mut [Row<N_VECTORS>; N_STEPS],
    of: impl Fn(u32, u32) -> u32,
) {
    for p in 0..8 * N_VECTORS {
        let end = words.len().min((p + 1) * part);
        let begin = end.min(p * part + start);
        let range = begin..end.min(begin + N_STEPS);
        let words = words.get(range.clone()).unwrap_or_default();
        let pairs = words.iter().zip(parents.get(range).unwrap_or_default());
        rows.iter_mut().zip(pairs).for_each(|(row, (word, parent))| {
            row[p / 8][p % 8] = of(word.bits() as u32, parent.bits() as u32) as i32;
        });
        rows.iter_mut().skip(words.len()).for_each(|row| row[p / 8][p % 8] = 0);
    }
}

/// Puts words that are side by side where they belong.
#[inline(always)]
fn scatter<W: Word, const N_VECTORS: usize>(
    rows: &[Row<N_VECTORS>; N_STEPS],
    part: usize,
    start: usize,
    out: &mut [W],
) {
    let len = out.len();
    for p in 0..8 * N_VECTORS {
        let end = len.min((p + 1) * part);
        let begin = end.min(p * part + start);
        let out = out.get_mut(begin..end.min(begin + N_STEPS)).unwrap_or_default();
        out.iter_mut().zip(rows).for_each(|(word, row)| *word = W::of(u64::from(row[p / 8][p % 8] as u32)));
    }
}
