//! The header, and what it names.

use super::fill::Fill;
use super::lanes::{Decode, Stream};
use super::{
    Channel, Layout, MIN_HALVED, OF_NUMBERS, OF_TOKENS, Tables, less_green, of_literals, with_green,
};
use crate::entropy::binary::{AdaptiveNumber, Decoder as HeaderDecoder};
use crate::entropy::byte_rans::MIN_STATE;
use crate::image::indexed::lz::Canvas;
use crate::image::indexed::pixels;
use crate::image::tables::TableModels;
use crate::simd::dispatch;
use crate::{CodecError, TileMut};

const WRONG_HEADER: CodecError = CodecError::Corrupt { what: "header of bulk copies" };
const CUT: CodecError = CodecError::Truncated { what: "header of bulk copies" };

/// Decodes what [`super::encode`] made.
pub(in crate::image::indexed) fn decode(bytes: &[u8], out: &mut TileMut<'_, '_>) -> Result<(), CodecError> {
    let shape = out.shape();
    let [flags, mask, rest @ ..] = bytes else { return Err(CUT) };
    let (is_colour, mask) = (*flags == 1, u32::from(*mask));
    let n_channels = u32::from(shape.n_channels);
    let fits =
        shape.sample.n_bytes() == 1 && n_channels <= 4 && (!is_colour || (shape.is_rgb && n_channels >= 3));
    if *flags > 1 || !fits || mask >= 1 << n_channels {
        return Err(WRONG_HEADER);
    }
    let (samples, rest) = rest.split_at_checked(mask.count_ones() as usize).ok_or(CUT)?;
    let places = (0..4).filter(|c| mask >> c & 1 == 1);
    let constant = places.zip(samples).fold(0, |all, (c, sample)| all | u32::from(*sample) << (8 * c));
    let channels = Channel::all(n_channels, is_colour, mask);

    let (n_header, rest) = rest.split_first_chunk::<4>().ok_or(CUT)?;
    let (header, mut rest) = rest.split_at_checked(u32::from_le_bytes(*n_header) as usize).ok_or(CUT)?;
    let mut coder = HeaderDecoder::new(header);
    let (mut wide, mut models) = (AdaptiveNumber::default(), TableModels::default());
    let mut length = || wide.code(&mut coder, 0) as usize;
    let n_literals = length();
    let [n_norths, n_wests, n_lengths, n_offsets] = std::array::from_fn(|_| length());
    let n_numbers = [n_norths, n_wests, n_lengths, n_offsets, n_offsets];
    let n_raw = length();
    // Each of these is a pixel or more.
    let n_least = [n_literals, n_norths, n_wests, n_lengths].into_iter().try_fold(0, usize::checked_add);
    if n_least.is_none_or(|n| n > shape.n_pixels()) || n_offsets > n_lengths {
        return Err(WRONG_HEADER);
    }
    let n_streams = if n_literals < MIN_HALVED { 1 } else { 2 };
    let n_words: Vec<usize> = (0..=n_streams).map(|_| length()).collect();
    let mut tables = |layout: Layout, is_used: bool| {
        let mut tables = Tables::new(layout);
        if is_used {
            tables.code(layout, &mut coder, &mut models)?;
        }
        Ok(tables)
    };
    let of_literals = tables(of_literals(channels.len()), n_literals > 0 && !channels.is_empty())?;
    let of_numbers = tables(OF_NUMBERS, n_numbers.iter().any(|n| *n > 0))?;
    let of_tokens = tables(OF_TOKENS, true)?;
    coder.finish()?;

    let (n_words_of_tokens, n_words) = n_words.split_last().ok_or(WRONG_HEADER)?;
    let mut streams = Vec::with_capacity(n_streams);
    for n in n_words {
        let (states, words) = take::<8>(&mut rest, *n)?;
        streams.push(Stream { states, words });
    }
    let (states, words) = take::<2>(&mut rest, *n_words_of_tokens)?;
    if rest.len() != n_raw {
        return Err(if rest.len() < n_raw { CUT } else { WRONG_HEADER });
    }
    let (lists, mut literals) = dispatch(Decode {
        streams: &streams,
        of_numbers: &of_numbers,
        of_literals: &of_literals,
        n_numbers,
        n_literals,
        channels: &channels,
    })?;
    let mut canvas = Canvas::new(shape.width as usize, shape.n_pixels());
    if is_colour {
        canvas.map(less_green);
    }
    // Predicted from what stands before the first pixel, constant samples come with the first literal.
    if let Some(first) = literals.first_mut() {
        let (before, constant) = (canvas.pixels[0].to_le_bytes(), constant.to_le_bytes());
        let is_constant = |c| mask >> c & 1 == 1;
        let residual = |c: usize| if is_constant(c) { constant[c].wrapping_sub(before[c]) } else { 0 };
        *first |= u32::from_le_bytes(std::array::from_fn(residual));
    }
    dispatch(Fill {
        tables: &of_tokens,
        states,
        words,
        lists,
        literals,
        raw_bits: rest,
        canvas: &mut canvas,
    })?;
    if is_colour {
        pixels::write_rows(out, |y| canvas.row(y).iter().map(|pixel| u64::from(with_green(*pixel))));
    } else {
        pixels::write_rows(out, |y| canvas.row(y).iter().map(|pixel| u64::from(*pixel)));
    }
    Ok(())
}

/// The states of a stream and its words.
fn take<'a, const N: usize>(
    rest: &mut &'a [u8],
    n_words: usize,
) -> Result<([u32; N], &'a [[u8; 2]]), CodecError> {
    let cut = CodecError::Truncated { what: "stream of bulk copies" };
    let n_bytes = n_words.saturating_mul(2).saturating_add(4 * N);
    let (stream, after) = rest.split_at_checked(n_bytes).ok_or(cut)?;
    *rest = after;
    let (states, words) = stream.split_at(4 * N);
    let mut first = [0; N];
    first.iter_mut().zip(states.as_chunks::<4>().0).for_each(|(to, from)| *to = u32::from_le_bytes(*from));
    if first.iter().any(|state| !(MIN_STATE..1 << 31).contains(state)) {
        return Err(CodecError::Corrupt { what: "a coder state is out of range" });
    }
    Ok((first, words.as_chunks::<2>().0))
}
