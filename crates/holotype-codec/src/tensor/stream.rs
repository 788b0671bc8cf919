//! The bytes of a coded slice: a head of four, then what its coder wrote. `docs/codecs/tensor.md` §1.

use super::layout::SliceLayout;
use super::lorenzo;
use super::narrow::{narrowed, narrower, widen_all};
use super::numeric::{self, NumberKind};
use super::word::Word;
use super::{ElementType, WordKind, delta, leading, lz, multiples, planes, ranks};
use crate::CodecError;
use crate::simd::{ByteLanes, Kernel, dispatch};

/// What turns words into bytes. Wire values; append only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Coder {
    Planes = 1,
    Zstd = 2,
    ShuffleZstd = 3,
    Pco = 4,
    /// By a parent; see [`delta`](super::delta).
    Delta = 5,
    /// Integers and a step; see [`multiples`](super::multiples).
    Multiples = 6,
    /// Values and ranks; see [`ranks`](super::ranks).
    Ranks = 7,
    /// Exponents with the bits that follow; see [`leading`](super::leading).
    Leading = 8,
}

/// What is done to words before. Wire values; append only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Map {
    /// Nothing.
    None = 0,
    /// The sign moves to the lowest bit.
    Rotate = 1,
    /// Numbers that sort as the elements; differences along axes follow.
    Order = 2,
}

/// The head of a coded slice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Recipe {
    pub(super) coder: Coder,
    pub(super) map: Map,
    /// Axes of the differences, the last in bit 0.
    pub(super) axes: u8,
    /// The words are floats of half the width.
    pub(super) is_narrow: bool,
}

impl Recipe {
    pub(super) fn head(self) -> [u8; 4] {
        [self.coder as u8, self.map as u8, self.axes, u8::from(self.is_narrow)]
    }

    fn parse(head: [u8; 4]) -> Result<Self, CodecError> {
        let [coder, map, axes, is_narrow] = head;
        let unsupported = |what, id: u8| Err(CodecError::Unsupported { what, id: u32::from(id) });
        let coder = match coder {
            1 => Coder::Planes,
            2 => Coder::Zstd,
            3 => Coder::ShuffleZstd,
            4 => Coder::Pco,
            5 => Coder::Delta,
            6 => Coder::Multiples,
            7 => Coder::Ranks,
            8 => Coder::Leading,
            id => return unsupported("slice coder", id),
        };
        let map = match map {
            0 => Map::None,
            1 => Map::Rotate,
            2 => Map::Order,
            id => return unsupported("slice map", id),
        };
        let is_rotated = map == Map::Rotate;
        if axes != 0 && map != Map::Order
            || is_rotated && coder == Coder::Pco
            || !is_rotated && coder == Coder::Leading
        {
            return Err(CodecError::Corrupt { what: "the head of a slice contradicts itself" });
        }
        // By a parent it is a number of that coder.
        if is_narrow > 1 && coder != Coder::Delta {
            return unsupported("slice narrowing", is_narrow);
        }
        let is_other = match coder {
            Coder::Delta => map != Map::Order || axes != 0,
            Coder::Multiples | Coder::Ranks => head != [coder as u8, 0, 0, 0],
            _ => false,
        };
        if is_other {
            return Err(CodecError::Corrupt { what: "the head of a slice contradicts itself" });
        }
        Ok(Self { coder, map, axes, is_narrow: is_narrow == 1 })
    }

    fn number_kind(self, element: ElementType) -> Option<NumberKind> {
        if self.map == Map::Order { Some(NumberKind::Unsigned) } else { NumberKind::of(element) }
    }
}

/// Maps every word, and back.
struct Mapping<'a, W> {
    words: &'a mut [W],
    map: Map,
    kind: WordKind,
    is_inverse: bool,
}

impl<W: Word> Kernel for Mapping<'_, W> {
    type Output = ();

    #[inline(always)]
    fn run<L: ByteLanes>(self, _: L) {
        // Plain loops: the compiler makes the best of them with the instructions it was given.
        let Self { words, map, kind, is_inverse } = self;
        match (map, is_inverse) {
            (Map::None, _) => {}
            (Map::Rotate, false) => words.iter_mut().for_each(|word| *word = word.rotate_up()),
            (Map::Rotate, true) => words.iter_mut().for_each(|word| *word = word.rotate_down()),
            (Map::Order, false) => match kind {
                WordKind::Float => words.iter_mut().for_each(|word| *word = word.ordered(WordKind::Float)),
                kind => words.iter_mut().for_each(|word| *word = word.ordered(kind)),
            },
            (Map::Order, true) => match kind {
                WordKind::Float => words.iter_mut().for_each(|word| *word = word.unordered(WordKind::Float)),
                kind => words.iter_mut().for_each(|word| *word = word.unordered(kind)),
            },
        }
    }
}

/// The words that a coder gets.
pub(super) fn transformed<W: Word>(
    mut words: Vec<W>,
    layout: &SliceLayout,
    map: Map,
    axes: u8,
) -> Option<Vec<W>> {
    dispatch(Mapping { words: &mut words, map, kind: layout.kind(), is_inverse: false });
    if axes != 0 {
        layout.axes(axes)?.into_iter().for_each(|axis| lorenzo::difference(&mut words, axis));
        words.iter_mut().for_each(|word| *word = word.zigzag());
    }
    Some(words)
}

fn restore<W: Word>(words: &mut [W], layout: &SliceLayout, recipe: Recipe) -> Result<(), CodecError> {
    if recipe.axes != 0 {
        let axes =
            layout.axes(recipe.axes).ok_or(CodecError::Corrupt { what: "an axis that is not there" })?;
        words.iter_mut().for_each(|word| *word = word.unzigzag());
        axes.into_iter().for_each(|axis| lorenzo::sum(words, axis));
    }
    dispatch(Mapping { words, map: recipe.map, kind: layout.kind(), is_inverse: true });
    Ok(())
}

/// Says that the words are those of the narrower type.
pub(super) fn mark_narrow(coded: &mut [u8]) {
    if let Some(is_narrow) = coded.get_mut(3) {
        *is_narrow = 1;
    }
}

/// A slice as `recipe` says, densely if `level` is [`lz::DENSE`]; nothing if it cannot be done so.
pub(super) fn encode(bytes: &[u8], layout: &SliceLayout, recipe: Recipe, level: i32) -> Option<Vec<u8>> {
    match (layout.n_word_bytes, recipe.is_narrow) {
        (1, false) => encode_words(u8::from_bytes(bytes), layout, layout.element, recipe, level),
        (2, false) => encode_words(u16::from_bytes(bytes), layout, layout.element, recipe, level),
        (4, false) => encode_words(u32::from_bytes(bytes), layout, layout.element, recipe, level),
        (8, false) => encode_words(u64::from_bytes(bytes), layout, layout.element, recipe, level),
        (_, true) => {
            let (bytes, layout) = narrowed(bytes, layout)?;
            let mut coded = encode(&bytes, &layout, Recipe { is_narrow: false, ..recipe }, level)?;
            mark_narrow(&mut coded);
            Some(coded)
        }
        _ => None,
    }
}

fn encode_words<W: Word>(
    words: Vec<W>,
    layout: &SliceLayout,
    element: ElementType,
    recipe: Recipe,
    level: i32,
) -> Option<Vec<u8>> {
    let words = transformed(words, layout, recipe.map, recipe.axes)?;
    let mut out = recipe.head().to_vec();
    if matches!(recipe.coder, Coder::Planes | Coder::Leading) {
        // Room for planes that are kept as they are: growing would copy them.
        out.reserve(words.len() * W::N_BYTES);
    }
    match recipe.coder {
        Coder::Planes => planes::encode(&planes::split(&words), words.len(), &mut out),
        Coder::Leading => leading::encode(&words, &mut out)?,
        Coder::ShuffleZstd => out.extend(lz::encode(&planes::split(&words), level)?),
        Coder::Zstd => {
            let mut bytes = vec![0; words.len() * W::N_BYTES];
            W::to_bytes(&words, &mut bytes);
            out.extend(lz::encode(&bytes, level)?);
        }
        Coder::Pco => {
            let level = if level == lz::QUICK { numeric::QUICK } else { numeric::DENSE };
            out.extend(numeric::encode(&words, recipe.number_kind(element)?, level)?.bytes);
        }
        Coder::Delta | Coder::Multiples | Coder::Ranks => return None,
    }
    Some(out)
}

/// Inverse of [`encode`] and [`delta::encode`].
pub(super) fn decode(
    coded: &[u8],
    layout: &SliceLayout,
    parent: Option<&[u8]>,
    out: &mut [u8],
) -> Result<(), CodecError> {
    let (head, body) = coded.split_first_chunk().ok_or(CodecError::Truncated { what: "head of a slice" })?;
    let recipe = Recipe::parse(*head)?;
    if recipe.coder == Coder::Delta {
        let parent = parent.ok_or(CodecError::Corrupt { what: "a difference from no parent" })?;
        return delta::decode(head[3], body, parent, layout, out);
    }
    if recipe.coder == Coder::Multiples {
        return multiples::decode(body, layout, out);
    }
    if recipe.coder == Coder::Ranks {
        return ranks::decode(body, layout, out);
    }
    if recipe.coder == Coder::Planes && recipe.axes == 0 && !recipe.is_narrow {
        return match layout.n_word_bytes {
            1 => decode_planes::<u8>(body, layout, recipe.map, out),
            2 => decode_planes::<u16>(body, layout, recipe.map, out),
            4 => decode_planes::<u32>(body, layout, recipe.map, out),
            _ => decode_planes::<u64>(body, layout, recipe.map, out),
        };
    }
    if recipe.coder == Coder::Leading && !recipe.is_narrow {
        return match layout.n_word_bytes {
            2 => leading::decode::<u16>(body, layout.n_words, out),
            4 => leading::decode::<u32>(body, layout.n_words, out),
            _ => Err(CodecError::Corrupt { what: "leading bits of other words" }),
        };
    }
    if !recipe.is_narrow {
        return match layout.n_word_bytes {
            1 => decode_words::<u8>(body, layout, layout.element, recipe)
                .map(|words| u8::to_bytes(&words, out)),
            2 => decode_words::<u16>(body, layout, layout.element, recipe)
                .map(|words| u16::to_bytes(&words, out)),
            4 => decode_words::<u32>(body, layout, layout.element, recipe)
                .map(|words| u32::to_bytes(&words, out)),
            _ => decode_words::<u64>(body, layout, layout.element, recipe)
                .map(|words| u64::to_bytes(&words, out)),
        };
    }
    let from =
        narrower(layout.element).ok_or(CodecError::Corrupt { what: "a type that has no narrower one" })?;
    if layout.n_word_bytes == 4 {
        let words = decode_words::<u16>(body, layout, from, recipe)?;
        u32::to_bytes(&widen_all::<u16, u32>(&words, from, layout.element), out);
    } else {
        let words = decode_words::<u32>(body, layout, from, recipe)?;
        u64::to_bytes(&widen_all::<u32, u64>(&words, from, layout.element), out);
    }
    Ok(())
}

/// Planes straight to elements: most weights and noise are coded so.
fn decode_planes<W: Word>(
    body: &[u8],
    layout: &SliceLayout,
    map: Map,
    out: &mut [u8],
) -> Result<(), CodecError> {
    let planes = planes::decode(body, layout.n_words, W::N_BYTES)?;
    planes::merge::<W>(&planes.iter().map(AsRef::as_ref).collect::<Vec<_>>(), map, layout.kind(), out);
    Ok(())
}

fn decode_words<W: Word>(
    body: &[u8],
    layout: &SliceLayout,
    element: ElementType,
    recipe: Recipe,
) -> Result<Vec<W>, CodecError> {
    let mut words = vec![W::default(); layout.n_words];
    match recipe.coder {
        Coder::Planes => {
            let mut bytes = vec![0; words.len() * W::N_BYTES];
            decode_planes::<W>(body, layout, Map::None, &mut bytes)?;
            words = W::from_bytes(&bytes);
        }
        Coder::Leading => {
            let mut bytes = vec![0; words.len() * W::N_BYTES];
            leading::decode::<W>(body, words.len(), &mut bytes)?;
            return Ok(W::from_bytes(&bytes));
        }
        Coder::ShuffleZstd => {
            let mut planes = vec![0; words.len() * W::N_BYTES];
            lz::decode(body, &mut planes)?;
            let parts: Vec<&[u8]> = planes.chunks_exact(words.len().max(1)).collect();
            let mut bytes = vec![0; planes.len()];
            planes::merge::<W>(&parts, Map::None, layout.kind(), &mut bytes);
            words = W::from_bytes(&bytes);
        }
        Coder::Zstd => {
            let mut bytes = vec![0; words.len() * W::N_BYTES];
            lz::decode(body, &mut bytes)?;
            words = W::from_bytes(&bytes);
        }
        Coder::Pco => {
            let kind = recipe
                .number_kind(element)
                .ok_or(CodecError::Corrupt { what: "a type that pco does not know" })?;
            numeric::decode(body, kind, &mut words)?;
        }
        Coder::Delta | Coder::Multiples | Coder::Ranks => {
            return Err(CodecError::Corrupt { what: "a coder that has its own form" });
        }
    }
    restore(&mut words, layout, recipe)?;
    Ok(words)
}
