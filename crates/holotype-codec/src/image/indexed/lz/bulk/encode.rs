//! Scripts into bytes.

use super::{
    Channel, FORM, Layout, N_NUMBER_BITS, OF_NUMBERS, OF_TOKENS, Tables, list, literal_context, of_literals,
    segments, size_of,
};
use crate::entropy::binary::{AdaptiveNumber, Encoder as HeaderEncoder};
use crate::entropy::bits::BitWriter;
use crate::entropy::static_rans::{Encoder, Step};
use crate::entropy::words::WordWriter;
use crate::image::clusters::Choose;
use crate::image::indexed::lz::script::{Script, class_of};
use crate::image::indexed::lz::token;
use crate::image::levels::{Counts, encode_steps};
use crate::image::tables::{MAX_CLUSTERS, TableModels};
use crate::simd::{Kernel, WordLanes, dispatch};

/// What eight lanes code at once: context and number of each.
type Mark = [i32; 8];
/// A lane that codes nothing.
const NOTHING: i32 = -1;
/// Bits of numbers that are not their own token.
const NOT_DIRECT: i32 = (1 << N_NUMBER_BITS) - (1 << FORM.direct);
/// Contexts of numbers stand after those of literals.
const FIRST_OF_NUMBERS: usize = 256;
const N_CONTEXTS: usize = FIRST_OF_NUMBERS + 7;

fn mark(context: usize, number: u32) -> i32 {
    (context << N_NUMBER_BITS) as i32 | number as i32
}

fn split(mark: i32) -> (usize, u32) {
    (mark as usize >> N_NUMBER_BITS, mark as u32 & ((1 << N_NUMBER_BITS) - 1))
}

/// Appends `script` to `out`, which holds what tells `channels`.
pub(in crate::image::indexed::lz) fn encode(script: &Script, channels: &[Channel], out: &mut Vec<u8>) {
    let (lists, raw_bits) = lists(script);
    let mut marks = vec![marks_of_numbers(&lists)];
    mark_literals(&script.literals, channels, &mut marks);
    let counts = count(&marks);
    let layout = of_literals(channels.len());
    let mut literals = choose(&counts[..layout.n_contexts], layout);
    let mut numbers = choose(&counts[FIRST_OF_NUMBERS..], OF_NUMBERS);
    let mut of_tokens = vec![[0; _]; OF_TOKENS.n_contexts];
    script
        .tokens
        .iter()
        .for_each(|[context, token]| of_tokens[usize::from(*context)][usize::from(*token)] += 1);
    let mut tokens = choose(&of_tokens, OF_TOKENS);

    let steps = Steps::new(&[(&literals, 0), (&numbers, FIRST_OF_NUMBERS)]);
    let mut streams: Vec<(Vec<u32>, WordWriter)> = Vec::new();
    for marks in &marks {
        let (states, words) = dispatch(Code { marks, steps: &steps });
        streams.push((states.to_vec(), words));
    }
    let (states, words) = code_tokens(script, &tokens);
    streams.push((states.to_vec(), words));

    let mut coder = HeaderEncoder::new(Vec::new());
    let (mut wide, mut models) = (AdaptiveNumber::default(), TableModels::default());
    let list_lengths = lists[..list::COLUMNS].iter().map(Vec::len);
    let lengths = std::iter::once(script.literals.len()).chain(list_lengths).chain([raw_bits.len()]);
    let n_words = streams.iter().map(|(_, words)| words.bytes().len() / 2);
    for length in lengths.chain(n_words) {
        wide.code(&mut coder, length as u32);
    }
    for (tables, layout, is_used) in [
        (&mut literals, layout, !script.literals.is_empty() && !channels.is_empty()),
        (&mut numbers, OF_NUMBERS, lists.iter().any(|list| !list.is_empty())),
        (&mut tokens, OF_TOKENS, true),
    ] {
        if is_used {
            // Encoding what is there cannot fail: every field is within its range.
            let coded = tables.code(layout, &mut coder, &mut models);
            debug_assert_eq!(coded, Ok(()));
        }
    }
    let header = coder.finish();
    out.extend_from_slice(&(header.len() as u32).to_le_bytes());
    out.extend_from_slice(&header);
    for (states, words) in &streams {
        states.iter().for_each(|state| out.extend_from_slice(&state.to_le_bytes()));
        out.extend_from_slice(words.bytes());
    }
    out.extend_from_slice(&raw_bits);
}

fn choose(counts: &[Counts], layout: Layout) -> Tables {
    dispatch(Choose { counts, layout })
}

/// Lists of numbers, and the raw bits of runs.
fn lists(script: &Script) -> ([Vec<u32>; list::N], Vec<u8>) {
    let mut lists: [Vec<u32>; list::N] = Default::default();
    let mut bits = BitWriter::default();
    let mut lengths = script.lengths.iter().copied();
    for [_, token] in &script.tokens {
        let token = usize::from(*token);
        match token {
            token::LITERAL | token::NORTH_EAST => {}
            token::NORTH..token::COPY => match class_of(token) {
                class @ 2..4 => {
                    let first = if class == 2 { 3 } else { 5 };
                    bits.put(lengths.next().unwrap_or(first) - first, class as u32 - 1);
                }
                4 => {
                    let kind = if token < token::WEST { list::NORTHS } else { list::WESTS };
                    lists[kind].extend(lengths.next().map(|length| length - 9));
                }
                _ => {}
            },
            _ => lists[list::LENGTHS].extend(lengths.next().map(|length| length - 2)),
        }
    }
    lists[list::ROWS] = script.offsets.iter().map(|offset| offset[0]).collect();
    lists[list::COLUMNS] = script.offsets.iter().map(|offset| offset[1]).collect();
    (lists, bits.finish())
}

fn marks_of_numbers(lists: &[Vec<u32>; list::N]) -> Vec<Mark> {
    let mut marks = Vec::new();
    for (kind, numbers) in lists.iter().enumerate() {
        let context = |i: usize| match kind {
            list::COLUMNS => list::COLUMNS + lists[list::ROWS][i].min(2) as usize,
            _ => kind,
        };
        let all = numbers.iter().enumerate().map(|(i, n)| mark(FIRST_OF_NUMBERS + context(i), *n));
        let all: Vec<i32> = all.collect();
        for chunk in all.chunks(8) {
            let mut lanes = [NOTHING; 8];
            lanes[..chunk.len()].copy_from_slice(chunk);
            marks.push(lanes);
        }
    }
    marks
}

/// Adds the literals of the first half after what is there, those of the second half, if there is one, as another list.
fn mark_literals(literals: &[u32], channels: &[Channel], marks: &mut Vec<Vec<Mark>>) {
    let (n_segments, n_longest) = segments(literals.len());
    for half in 0..n_segments / 8 {
        if half == marks.len() {
            marks.push(Vec::new());
        }
        if channels.is_empty() {
            continue;
        }
        let first = marks[half].len();
        marks[half].resize(first + n_longest * channels.len(), [NOTHING; 8]);
        for lane in 0..8 {
            let start = (8 * half + lane) * n_longest;
            let segment = literals.iter().skip(start).take(n_longest);
            let mut before = [[0; 2]; 4];
            for (residual, steps) in segment.zip(marks[half][first..].chunks_exact_mut(channels.len())) {
                let mut size = 0;
                for (i, (channel, step)) in channels.iter().zip(steps).enumerate() {
                    let number = channel.number(*residual);
                    step[lane] = mark(literal_context(i, before[i & 3], size), number);
                    size = size_of(number);
                    before[i & 3] = [size, before[i & 3][0]];
                }
            }
        }
    }
}

fn count(marks: &[Vec<Mark>]) -> Vec<Counts> {
    let mut counts = vec![[0; _]; N_CONTEXTS];
    for mark in marks.iter().flatten().flatten().filter(|mark| **mark != NOTHING) {
        let (context, number) = split(*mark);
        counts[context][FORM.token_of(number).0 as usize] += 1;
    }
    counts
}

/// Tokens of a table there is room for.
const N_TABLE_STEPS: usize = 128;
/// Room for two sets of tables.
const N_STEPS: usize = (2 * MAX_CLUSTERS * N_TABLE_STEPS).next_power_of_two();

/// What coding each token takes, by context.
struct Steps {
    /// Where those of a context begin.
    first: [u16; N_CONTEXTS],
    steps: Box<[[i32; 2]; N_STEPS]>,
}

impl Steps {
    /// For tables, and the context each of them begins with.
    fn new(all: &[(&Tables, usize)]) -> Self {
        let mut steps = Self { first: [0; N_CONTEXTS], steps: Box::new([[0; 2]; N_STEPS]) };
        let mut n_tables = 0;
        for (tables, first_context) in all {
            for (first, cluster) in steps.first[*first_context..].iter_mut().zip(&tables.clusters) {
                *first = ((n_tables + usize::from(*cluster)) * N_TABLE_STEPS) as u16;
            }
            for levels in &tables.levels {
                encode_steps(levels, &mut steps.steps[n_tables * N_TABLE_STEPS..]);
                n_tables += 1;
            }
        }
        steps
    }

    #[inline]
    fn place(&self, context: usize, token: u32) -> usize {
        usize::from(self.first[context]) + token as usize
    }

    #[inline]
    fn step(&self, context: usize, token: u32) -> Step {
        Step::of(self.steps[self.place(context, token) % N_STEPS])
    }
}

/// Codes what lanes do, to be run as a kernel.
struct Code<'a> {
    marks: &'a [Mark],
    steps: &'a Steps,
}

impl Kernel for Code<'_> {
    type Output = ([u32; 8], WordWriter);

    #[inline(always)]
    fn run<L: WordLanes>(self, l: L) -> Self::Output {
        let Self { marks, steps } = self;
        let mut coder = Encoder::<8>::new(2 * marks.len());
        for lanes in marks.iter().rev() {
            coder.begin_step();
            // The number of every lane is its own token.
            let is_plain = lanes.iter().fold(0, |all, mark| all | mark) & (NOTHING << 31 | NOT_DIRECT) == 0;
            if L::IS_VECTOR && is_plain {
                let mut places = [0; 8];
                for (place, mark) in places.iter_mut().zip(lanes) {
                    let (context, number) = split(*mark);
                    *place = steps.place(context, number);
                }
                coder.tokens(l, l.look_up_pairs(&steps.steps, places));
                continue;
            }
            let coded = || lanes.iter().enumerate().rev().filter(|(_, mark)| **mark != NOTHING);
            // Raw bits come after the tokens when decoding, so they go first here.
            for (k, mark) in coded() {
                let number = split(*mark).1;
                let (_, n_bits) = FORM.token_of(number);
                if n_bits > 0 {
                    coder.bits(k, number & ((1 << n_bits) - 1), n_bits);
                }
            }
            for (k, mark) in coded() {
                let (context, number) = split(*mark);
                coder.token(k, steps.step(context, FORM.token_of(number).0));
            }
        }
        coder.finish()
    }
}

fn code_tokens(script: &Script, tables: &Tables) -> ([u32; 2], WordWriter) {
    let steps = Steps::new(&[(tables, 0)]);
    let mut coder = Encoder::<2>::new(script.tokens.len() / 4);
    for (i, [context, token]) in script.tokens.iter().enumerate().rev() {
        coder.begin_step();
        coder.token(i & 1, steps.step(usize::from(*context), u32::from(*token)));
    }
    coder.finish()
}
