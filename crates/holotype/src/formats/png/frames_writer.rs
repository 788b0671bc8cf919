//! Frames as APNG: of each what differs from the one before.

use super::NAME;
use super::writer::{
    Chunked, Filter, IDAT_BYTES, colour_type, depth, losses, output_error, pack, write_head,
};
use crate::formats::animated::{AnimationInfo, AnimationWriter, check_frame};
use crate::formats::changed::{changed, cut};
use crate::formats::{Output, SourceImage, no_image, refuse};
use crate::{Error, Frame, Result, TimeBase};
use flate2::{Compression, write::ZlibEncoder};
use std::io::Write as _;

/// Starts an animation; its number of frames is known.
pub(in crate::formats) fn create_animation<'a>(
    out: Box<dyn Output + 'a>,
    info: &AnimationInfo,
    allow_metadata_loss: bool,
) -> Result<Box<dyn AnimationWriter + 'a>> {
    let image = SourceImage { descriptor: info.descriptor.clone(), metadata: info.metadata.clone() };
    refuse(NAME, losses(&image), allow_metadata_loss)?;
    let d = &info.descriptor;
    let (Some(colour), Some(depth)) = (colour_type(d), depth(d)) else { return Err(no_image()) };
    let n_frames = info.n_frames.and_then(|n| u32::try_from(n).ok());
    let n_frames = n_frames.ok_or_else(|| Error::invalid("APNG says in front how many frames there are"))?;
    let Ok(n_plays) = u32::try_from(info.loop_count) else {
        let losses = vec![format!("{} loops", info.loop_count)];
        return Err(Error::WouldLose { format: NAME, losses });
    };
    let mut out = Chunked { out };
    write_head(&mut out, d, &info.metadata, colour, depth).map_err(output_error)?;
    let control = [n_frames.to_be_bytes(), n_plays.to_be_bytes()].concat();
    out.chunk(*b"acTL", &control).map_err(output_error)?;
    Ok(Box::new(ApngWriter {
        out,
        info: info.clone(),
        depth,
        allow_metadata_loss,
        before: None,
        n_written: 0,
        n_numbers: 0,
    }))
}

struct ApngWriter<'a> {
    out: Chunked<Box<dyn Output + 'a>>,
    info: AnimationInfo,
    depth: u8,
    allow_metadata_loss: bool,
    before: Option<Vec<u8>>,
    n_written: u64,
    /// Chunks of the animation so far: each has a number.
    n_numbers: u32,
}

impl ApngWriter<'_> {
    fn number(&mut self) -> [u8; 4] {
        self.n_numbers += 1;
        (self.n_numbers - 1).to_be_bytes()
    }
}

impl AnimationWriter for ApngWriter<'_> {
    fn write_frame(&mut self, frame: &Frame) -> Result<()> {
        let index = self.n_written;
        check_frame(NAME, &self.info, frame, index, self.allow_metadata_loss)?;
        let delay = delay(frame.delay, self.info.time_base).ok_or_else(|| {
            let losses = vec![format!("the delay of frame {index}, {} ticks", frame.delay)];
            Error::WouldLose { format: NAME, losses }
        })?;
        let place = changed(self.before.as_deref(), frame);
        let mut control = self.number().to_vec();
        for word in [place.width, place.height, place.x, place.y] {
            control.extend_from_slice(&word.to_be_bytes());
        }
        control.extend_from_slice(&delay.0.to_be_bytes());
        control.extend_from_slice(&delay.1.to_be_bytes());
        // It stays, and replaces what was there.
        control.extend_from_slice(&[0, 0]);
        self.out.chunk(*b"fcTL", &control).map_err(output_error)?;
        let part = Frame { samples: cut(frame, place), ..frame.clone() };
        let coded = compress(&part, place.width, self.depth).map_err(output_error)?;
        for data in coded.chunks(IDAT_BYTES) {
            if index == 0 {
                self.out.chunk(*b"IDAT", data).map_err(output_error)?;
            } else {
                let data = [&self.number()[..], data].concat();
                self.out.chunk(*b"fdAT", &data).map_err(output_error)?;
            }
        }
        self.before = Some(frame.samples.clone());
        self.n_written += 1;
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        if Some(self.n_written) != self.info.n_frames {
            return Err(Error::invalid("there are not as many frames as were announced"));
        }
        self.out.chunk(*b"IEND", &[]).map_err(output_error)?;
        self.out.out.flush().map_err(output_error)
    }
}

/// Seconds as a fraction of two 16-bit numbers.
fn delay(ticks: u64, base: TimeBase) -> Option<(u16, u16)> {
    let (n, d) = (ticks.checked_mul(u64::from(base.numerator()))?, u64::from(base.denominator()));
    let (mut a, mut b) = (n, d);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    Some((u16::try_from(n / a.max(1)).ok()?, u16::try_from(d / a.max(1)).ok()?))
}

/// Rows of `width` pixels, filtered and compressed.
fn compress(frame: &Frame, width: u32, depth: u8) -> std::io::Result<Vec<u8>> {
    let d = &frame.descriptor;
    let pixel_bits = usize::from(depth) * usize::from(d.n_channels);
    let row_bytes = (width as usize * pixel_bits).div_ceil(8);
    let mut filter = Filter::new(row_bytes, pixel_bits.div_ceil(8), depth >= 8 && d.palette.is_none());
    let mut out = ZlibEncoder::new(Vec::new(), Compression::new(6));
    for row in frame.samples.chunks_exact(width as usize * d.pixel_bytes()) {
        pack(row, depth, &mut filter.row);
        out.write_all(filter.next())?;
    }
    out.finish()
}
