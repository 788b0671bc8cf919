use super::blocks::{self, Blocks, Frame};
use super::{CONTROL, GLOBAL_PALETTE, NAME, SCREEN, TRANSPARENT};
use crate::formats::held::{Whole, check_size, whole_bytes};
use crate::formats::{ImageReader, Input, SourceImage};
use crate::{Error, ImageDescriptor, Limits, MetadataKind, Palette, Result, SampleType};
use weezl::{BitOrder, LzwStatus, decode::Decoder};

/// Opens a GIF file of one frame.
pub(in crate::formats) fn open(mut input: Box<dyn Input>, limits: &Limits) -> Result<Box<dyn ImageReader>> {
    let blocks = blocks::read(input.as_mut(), limits, u64::MAX)?;
    if blocks.n_frames > 1 {
        let n = blocks.n_frames;
        return Err(Error::unsupported(format!("GIF of {n} frames: it is kept as a file, not as pixels")));
    }
    decode(blocks, limits)
}

/// Opens the first frame of a GIF file, for a preview.
pub(in crate::formats) fn open_first(input: &mut dyn Input, limits: &Limits) -> Result<Box<dyn ImageReader>> {
    decode(blocks::read(input, limits, 1)?, limits)
}

fn decode(mut blocks: Blocks, limits: &Limits) -> Result<Box<dyn ImageReader>> {
    let frame = blocks.frames.pop().ok_or_else(|| Error::source_format(NAME, "there is no frame"))?;
    let own_palette = frame.palette.as_ref();
    let rgb =
        own_palette.or(blocks.palette.as_ref()).ok_or_else(|| Error::unsupported("GIF without a palette"))?;
    let rgb: Vec<[u16; 3]> = rgb.as_chunks::<3>().0.iter().map(|entry| entry.map(u16::from)).collect();
    let size = (u32::from(frame.width), u32::from(frame.height));
    let plain = ImageDescriptor::new(size.0, size.1, 1, SampleType::U8);
    check_size(NAME, &plain, limits)?;
    let samples = indices(&frame, whole_bytes(&plain, limits)?)?;
    let bits = rgb.len().ilog2() as u8;
    // Indices past the palette are kept: the samples then have all 8 bits.
    let bits = if samples.iter().any(|&i| usize::from(i) >= rgb.len()) { 8 } else { bits };

    let mut metadata = std::mem::take(&mut blocks.metadata);
    let mut user = |key: &str, data: Vec<u8>| metadata.push(MetadataKind::User, key, data);
    let mut alpha = Vec::new();
    if let Some([flags, delay @ .., transparent]) = frame.control {
        if flags & 1 == 1 && usize::from(transparent) < rgb.len() {
            alpha = vec![255; usize::from(transparent)];
            alpha.push(0);
        } else if flags & 1 == 1 {
            user(TRANSPARENT, transparent.to_string().into());
        }
        if flags & !1 != 0 || delay != [0, 0] {
            user(CONTROL, vec![flags & !1, delay[0], delay[1]]);
        }
    }
    let (width, height) = blocks.screen;
    let is_plain = (width, height, frame.left, frame.top) == (frame.width, frame.height, 0, 0);
    if !is_plain || blocks.background != 0 || blocks.aspect != 0 {
        let (left, top) = (frame.left, frame.top);
        user(SCREEN, format!("{width} {height} {left} {top} {} {}", blocks.background, blocks.aspect).into());
    }
    if let (Some(_), Some(global)) = (own_palette, blocks.palette.take()) {
        user(GLOBAL_PALETTE, global);
    }
    metadata.push(MetadataKind::SourceFormat, "", "gif");
    let descriptor = plain.with_bits_per_sample(bits).with_palette(Palette { bits: 8, rgb, alpha });
    descriptor.validate().map_err(|e| Error::source_format(NAME, e))?;
    Ok(Whole::reader(SourceImage { descriptor, metadata }, samples))
}

/// The frame's indices, top row first.
pub(super) fn indices(frame: &Frame, n_bytes: usize) -> Result<Vec<u8>> {
    if !(1..=8).contains(&frame.code_bits) {
        return Err(Error::source_format(NAME, "the code size is not in 1..=8"));
    }
    // A code has two bits at least and stands for at most 4096 pixels: a forged size is seen before memory is taken.
    if n_bytes / (4 * 4096) > frame.data.len() {
        return Err(Error::source_format(NAME, "the frame has too few pixels"));
    }
    let mut decoder = Decoder::new(BitOrder::Lsb, frame.code_bits);
    let mut coded = vec![0; n_bytes];
    let (mut n_in, mut n_out) = (0, 0);
    while n_out < n_bytes {
        let step = decoder.decode_bytes(&frame.data[n_in..], &mut coded[n_out..]);
        n_in += step.consumed_in;
        n_out += step.consumed_out;
        match step.status {
            Ok(LzwStatus::Ok) if step.consumed_in + step.consumed_out > 0 => {}
            Ok(_) if n_out == n_bytes => {}
            Ok(_) => return Err(Error::source_format(NAME, "the frame has too few pixels")),
            Err(e) => return Err(Error::source_format(NAME, e)),
        }
    }
    if !frame.is_interlaced {
        return Ok(coded);
    }
    let width = usize::from(frame.width);
    let height = usize::from(frame.height);
    let mut samples = vec![0; n_bytes];
    let passes = [(0, 8), (4, 8), (2, 4), (1, 2)];
    let rows = passes.into_iter().flat_map(|(first, step)| (first..height).step_by(step));
    for (row, coded) in rows.zip(coded.chunks_exact(width)) {
        samples[row * width..(row + 1) * width].copy_from_slice(coded);
    }
    Ok(samples)
}
