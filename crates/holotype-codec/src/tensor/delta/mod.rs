//! A slice as what it differs from the same part of a parent. `docs/codecs/tensor.md` §7.
//!
//! * `filter`: what the change of a float is likely to be, from the changes of those before it.
//! * `token`: numbers as a byte to be coded and some bits.
//! * `context`: which words' bytes are coded with the same table.

mod context;
mod filter;
mod token;

use super::WordKind;
use super::layout::SliceLayout;
use super::stream::{Coder, Map, Recipe};
use super::word::Word;
use crate::CodecError;
use crate::entropy::context_rans::{self, Tables};
use context::Contexts;
use filter::Filter;
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

/// Inverse of [`encode`], from what follows the head.
pub(super) fn decode(
    body: &[u8],
    parent: &[u8],
    layout: &SliceLayout,
    out: &mut [u8],
) -> Result<(), CodecError> {
    match layout.n_word_bytes {
        1 => decode_words::<u8>(body, parent, layout, out),
        2 => decode_words::<u16>(body, parent, layout, out),
        4 => decode_words::<u32>(body, parent, layout, out),
        _ => decode_words::<u64>(body, parent, layout, out),
    }
}

fn encode_words<W: Word>(bytes: &[u8], parent: &[u8], layout: &SliceLayout) -> Vec<u8> {
    let (words, parents) = (W::from_bytes(bytes), W::from_bytes(parent));
    let keys: Vec<u8> = parents.iter().map(|word| context::key(word.bits(), layout.element)).collect();
    let filters = [Some(Filter::none()), Filter::fitted(&words, &parents, layout.element)];
    let mut best: Option<Vec<u8>> = None;
    for filter in filters.into_iter().flatten() {
        let changes = filter.changes(&words, &parents, layout);
        let coded = encode_changes(&changes, &keys, &filter);
        if best.as_ref().is_none_or(|best| coded.len() < best.len()) {
            best = Some(coded);
        }
    }
    best.unwrap_or_default()
}

fn encode_changes<W: Word>(changes: &[W], keys: &[u8], filter: &Filter) -> Vec<u8> {
    let tokens = Tokens::best(changes);
    let (bytes, bits) = tokens.split(changes);
    let (contexts, histograms) = Contexts::best(&bytes, keys);
    let mut out = Recipe { coder: Coder::Delta, map: Map::Order, axes: 0, is_narrow: false }.head().to_vec();
    tokens.write(&mut out);
    filter.write(&mut out);
    contexts.write(&mut out);
    context_rans::encode(&bytes, &contexts.of_all(keys), &histograms, &mut out);
    out.extend(bits);
    out
}

fn decode_words<W: Word>(
    body: &[u8],
    parent: &[u8],
    layout: &SliceLayout,
    out: &mut [u8],
) -> Result<(), CodecError> {
    let parents = W::from_bytes(parent);
    let (tokens, rest) = Tokens::read(body, W::N_BYTES)?;
    let (filter, rest) = Filter::read(rest, layout.element)?;
    let (contexts, rest) = Contexts::read(rest)?;
    let (tables, rest) = Tables::read(rest, contexts.n())?;
    let mut keys: Vec<u8> = parents.iter().map(|word| context::key(word.bits(), layout.element)).collect();
    contexts.replace_all(&mut keys);
    let mut bytes = vec![0; parents.len()];
    let bits = context_rans::decode(&tables, rest, &keys, &mut bytes)?;
    drop(keys);
    let changes: Vec<W> = tokens.join(&bytes, bits)?;
    let words = filter.restore(&changes, &parents, layout);
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
