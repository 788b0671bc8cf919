//! Reversible per-tile transforms: interleaved samples of any type ↔ planes of at most 16 bit.
//! `docs/codecs.md` §3.

mod channel;
mod float;
mod interleave;
pub(super) mod words;

use super::{PlaneShape, Planes};
use crate::entropy::binary::{Decoder, Encoder};
use crate::{CodecError, SampleType, TileMut, TileRef, TileShape};
use channel::Channel;
use words::Word;

/// A tile taken apart: what is needed to put it together, and what is left to code.
#[derive(Debug)]
pub(super) struct Parts {
    /// The header's bytes.
    pub(super) header: Vec<u8>,
    /// The planes; `None` if every channel is constant or repeats another.
    pub(super) planes: Option<Planes>,
    /// True if samples of some channel are left as digits.
    pub(super) is_wide: bool,
}

/// Takes a tile apart.
pub(super) fn split(tile: &TileRef<'_>) -> Parts {
    match tile.shape().sample.n_bytes() {
        1 | 2 => split_words::<u16>(tile),
        _ => split_words::<u64>(tile),
    }
}

/// Rows that [`is_sparse`] looks at, and the part of their samples that it leaves out at either end.
const N_SPARSE_ROWS: usize = 8;
const TAIL: usize = 64;

/// True if a channel of bytes seems to use few of its values, by some rows: a rank map may pay. The rare values at
/// either end, which are gaps in any picture, do not count.
pub(super) fn is_sparse(tile: &TileRef<'_>) -> bool {
    let n = usize::from(tile.shape().n_channels);
    let step = tile.rows().len().div_ceil(N_SPARSE_ROWS);
    (0..n).any(|c| {
        let mut counts = [0_usize; 256];
        for row in tile.rows().iter().step_by(step) {
            row.chunks_exact(n).for_each(|pixel| counts[usize::from(pixel[c])] += 1);
        }
        let most = counts.iter().sum::<usize>() / TAIL;
        let tail = |counts: &mut dyn Iterator<Item = &usize>| {
            let mut n_passed = 0;
            counts.take_while(|n| (n_passed += **n, n_passed <= most).1).count()
        };
        let (first, last) = (tail(&mut counts.iter()), 255 - tail(&mut counts.iter().rev()));
        let n_used = counts.iter().take(last + 1).skip(first).filter(|n| **n > 0).count();
        last > first && channel::is_sparse(n_used, (last - first) as u64)
    })
}

fn split_words<W: Word>(tile: &TileRef<'_>) -> Parts {
    let shape = tile.shape();
    let mut channels: Vec<Channel> = Vec::new();
    let mut words: Vec<Vec<W>> = Vec::new();
    for c in 0..usize::from(shape.n_channels) {
        let natural = words::read(tile, c);
        // Only the first few channels are compared: hundreds of bands rarely repeat.
        let twin = words.iter().take(8).position(|earlier| *earlier == natural);
        channels.push(match twin {
            Some(twin) => Channel::Equal(twin),
            None => Channel::describe(&natural, shape.sample),
        });
        words.push(natural);
    }
    let mut coder = Encoder::new(Vec::new());
    let mut models = channel::Models::default();
    channels.iter().for_each(|channel| channel.write(&mut coder, &mut models));
    let header = coder.finish();
    let is_wide = channels.iter().any(|channel| matches!(channel, Channel::Wide { .. }));
    let mut samples = Vec::new();
    for (channel, words) in channels.iter().zip(words) {
        channel.split(words, shape.sample, &mut samples);
    }
    let planes = (!samples.is_empty()).then(|| Planes { shape: plane_shape(&shape, &channels), samples });
    Parts { header, planes, is_wide }
}

/// A header read back.
#[derive(Debug)]
pub(super) struct Recipe {
    channels: Vec<Channel>,
    /// Shape of the planes to decode, if there are any.
    pub(super) planes: Option<PlaneShape>,
}

/// Reads the header that [`split`] wrote.
pub(super) fn parse(header: &[u8], shape: &TileShape) -> Result<Recipe, CodecError> {
    let mut coder = Decoder::new(header);
    let mut models = channel::Models::default();
    let mut channels: Vec<Channel> = Vec::new();
    for c in 0..usize::from(shape.n_channels) {
        let channel = Channel::read(&mut coder, &mut models, c, shape.sample)?;
        if let Channel::Equal(twin) = channel
            && matches!(channels.get(twin), None | Some(Channel::Equal(_)))
        {
            return Err(CodecError::Corrupt { what: "a channel repeats one that has no samples" });
        }
        channels.push(channel);
    }
    coder.finish()?;
    let n_planes: usize = channels.iter().map(Channel::n_planes).sum();
    let planes = (n_planes > 0).then(|| plane_shape(shape, &channels));
    Ok(Recipe { channels, planes })
}

/// Puts the tile together from its decoded planes.
pub(super) fn join(
    recipe: &Recipe,
    planes: Option<Planes>,
    out: &mut TileMut<'_, '_>,
) -> Result<(), CodecError> {
    // Without planes all channels are constant, and all rows like the first.
    if recipe.planes.is_none() && out.shape().height > 1 {
        let shape = TileShape { height: 1, ..out.shape() };
        let (first, others) = out.rows_mut().split_at_mut(1);
        join(recipe, None, &mut TileMut::new(shape, first)?)?;
        others.iter_mut().for_each(|row| row.copy_from_slice(first[0]));
        return Ok(());
    }
    match out.shape().sample.n_bytes() {
        1 | 2 => join_words::<u16>(recipe, planes, out),
        _ => join_words::<u64>(recipe, planes, out),
    }
}

fn join_words<W: Word>(
    recipe: &Recipe,
    planes: Option<Planes>,
    out: &mut TileMut<'_, '_>,
) -> Result<(), CodecError> {
    let sample = out.shape().sample;
    let is_rgb8 = sample == SampleType::U8 && recipe.channels.len() == 3;
    let mut samples = planes.map_or(Vec::new(), |p| p.samples);
    let mut rest = samples.as_mut_slice();
    let mut words: Vec<Vec<W>> = Vec::new();
    for (c, channel) in recipe.channels.iter().enumerate() {
        let (own, after) = rest
            .split_at_mut_checked(channel.n_planes())
            .ok_or(CodecError::Corrupt { what: "a plane is missing" })?;
        rest = after;
        let joined = match channel {
            Channel::Equal(twin) => words.get(*twin).cloned().unwrap_or_default(),
            other => other.join(own, sample, out.shape().n_pixels())?,
        };
        if !is_rgb8 {
            words::write(out, c, &joined);
        }
        // Later channels may only repeat these.
        words.push(if c < 8 { joined } else { Vec::new() });
    }
    if is_rgb8 && let [Some(r), Some(g), Some(b)] = [0, 1, 2].map(|c| words.get(c).and_then(|w| W::as_u16(w)))
    {
        interleave::write(out, [r, g, b]);
    }
    Ok(())
}

fn plane_shape(shape: &TileShape, channels: &[Channel]) -> PlaneShape {
    let maxes: Vec<u16> = channels.iter().flat_map(Channel::maxes).collect();
    let is_rgb = shape.is_rgb && matches!(channels, [r, g, b, ..] if r.is_like(g) && g.is_like(b));
    PlaneShape { width: shape.width as usize, height: shape.height as usize, maxes, is_rgb }
}
