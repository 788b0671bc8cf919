//! A slice as what it differs from the same part of a parent. `docs/codecs/tensor.md` §7.
//!
//! * `filter`: what the change of a float is likely to be, from the changes of those before it.
//! * `float`: the numbers it computes with.
//! * `token`: numbers as a byte to be coded and some bits.
//! * `context`: which words' bytes are coded with the same table.
//! * `scale`: how much smaller the differences are in some places than in others.

mod context;
mod filter;
mod float;
mod scale;
mod token;

use super::WordKind;
use super::layout::SliceLayout;
use super::stream::{Coder, Map};
use super::word::Word;
use crate::CodecError;
use crate::entropy::context_rans::{self, Tables};
use context::Contexts;
use filter::Filter;
use scale::Scales;
use token::Tokens;

/// Codes a slice by its parent, of the same layout.
pub(super) fn encode(bytes: &[u8], parent: &[u8], layout: &SliceLayout) -> Vec<u8> {
    match layout.n_word_bytes {
        1 => encode_words::<u8>(bytes, parent, layout),
        2 => encode_words::<u16>(bytes, parent, layout),
        4 => encode_words::<u32>(bytes, parent, layout),
        _ => encode_words::<u64>(bytes, parent, layout),
    }
}

/// The two forms a slice may have. Writers make the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Without scales, in 16 parts.
    Even,
    /// With a scale for each 2 to this words, in 32 parts.
    Scaled(u8),
}

impl Form {
    /// That of the last byte of a head.
    fn of(number: u8) -> Self {
        if number == 0 { Self::Even } else { Self::Scaled(number) }
    }
}

/// Inverse of [`encode`], from the last byte of the head and what follows it.
pub(super) fn decode(
    number: u8,
    body: &[u8],
    parent: &[u8],
    layout: &SliceLayout,
    out: &mut [u8],
) -> Result<(), CodecError> {
    let form = Form::of(number);
    match layout.n_word_bytes {
        1 => decode_words::<u8>(form, body, parent, layout, out),
        2 => decode_words::<u16>(form, body, parent, layout, out),
        4 => decode_words::<u32>(form, body, parent, layout, out),
        _ => decode_words::<u64>(form, body, parent, layout, out),
    }
}

/// A way to code a slice, and about the bytes it takes.
struct Candidate {
    filter: Filter,
    tokens: Tokens,
    bytes: Vec<u8>,
    bits: Vec<u8>,
    scales: Scales,
    contexts: Contexts,
    histograms: Vec<[u32; 256]>,
    n_bytes: usize,
}

fn encode_words<W: Word>(bytes: &[u8], parent: &[u8], layout: &SliceLayout) -> Vec<u8> {
    let (words, parents) = (W::from_bytes(bytes), W::from_bytes(parent));
    let keys = context::keys(&parents, layout.element);
    let filters = [Some(Filter::none()), Filter::fitted(&words, &parents, layout.element)];
    let mut best: Option<Candidate> = None;
    for filter in filters.into_iter().flatten() {
        let changes = filter.changes(&words, &parents, layout);
        let tokens = Tokens::best(&changes);
        let (bytes, bits) = tokens.split(&changes);
        let scaled = |scales: Scales| {
            let mut keys = keys.clone();
            scales.add_to(&mut keys);
            let (contexts, histograms, n_bits) = Contexts::best(&bytes, &keys);
            let mut steps = Vec::new();
            scales.write(&mut steps);
            (scales, contexts, histograms, steps.len() + (n_bits >> 3) as usize)
        };
        let (even, fitted) = (scaled(Scales::even(words.len())), scaled(Scales::fitted(&changes, &keys)));
        let (scales, contexts, histograms, n_bytes) = if fitted.3 < even.3 { fitted } else { even };
        let n_bytes = n_bytes + bits.len();
        if best.as_ref().is_none_or(|best| n_bytes < best.n_bytes) {
            best = Some(Candidate { filter, tokens, bytes, bits, scales, contexts, histograms, n_bytes });
        }
    }
    best.map(|best| best.encode(keys)).unwrap_or_default()
}

impl Candidate {
    fn encode(self, keys: Vec<u8>) -> Vec<u8> {
        let Self { filter, tokens, bytes, bits, scales, contexts, histograms, n_bytes: _ } = self;
        let mut keys = keys;
        scales.add_to(&mut keys);
        contexts.replace_all(&mut keys);
        let mut out = vec![Coder::Delta as u8, Map::Order as u8, 0, scales.log2()];
        tokens.write(&mut out);
        filter.write(&mut out);
        contexts.write(&mut out);
        scales.write(&mut out);
        context_rans::encode(&bytes, &keys, &histograms, &mut out);
        out.extend(bits);
        out
    }
}

fn decode_words<W: Word>(
    form: Form,
    body: &[u8],
    parent: &[u8],
    layout: &SliceLayout,
    out: &mut [u8],
) -> Result<(), CodecError> {
    let parents = W::from_bytes(parent);
    let (tokens, rest) = Tokens::read(body, W::N_BYTES)?;
    let (filter, rest) = Filter::read(rest, layout.element)?;
    let (contexts, mut rest) = Contexts::read(rest)?;
    let mut keys = context::keys(&parents, layout.element);
    if let Form::Scaled(log2) = form {
        let (scales, after) = Scales::read(rest, log2, parents.len())?;
        scales.add_to(&mut keys);
        rest = after;
    }
    let (tables, rest) = Tables::read(rest, contexts.n())?;
    contexts.replace_all(&mut keys);
    let mut bytes = vec![0; parents.len()];
    let bits = context_rans::decode(&tables, rest, &keys, &mut bytes)?;
    drop(keys);
    let changes: Vec<W> = tokens.join(&bytes, bits)?;
    let words = filter.restore(&changes, &parents, layout, form);
    W::to_bytes(&words, out);
    Ok(())
}

/// The word before which a change counts from `guess`, zigzag.
#[inline(always)]
fn change<W: Word>(word: W, guess: W, kind: WordKind) -> W {
    word.ordered(kind).minus(guess.ordered(kind)).zigzag()
}

/// Inverse of [`change`].
#[inline(always)]
fn changed<W: Word>(change: W, guess: W, kind: WordKind) -> W {
    guess.ordered(kind).plus(change.unzigzag()).unordered(kind)
}
