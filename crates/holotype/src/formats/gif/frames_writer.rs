//! Frames as GIF, if each has few enough colours: of each what differs from the one before.

use super::writer::{put, put_entry, put_sub_blocks, put_table, screen, table_bits};
use super::{AFTER_TRAILER, APPLICATION, NAME, SCREEN};
use crate::formats::animated::{AnimationInfo, AnimationWriter, check_frame};
use crate::formats::canvas::Place;
use crate::formats::changed::{changed, cut};
use crate::formats::{Output, beyond_rgb8, lost_metadata, refuse};
use crate::{Error, Frame, MetadataKind, Result, TimeBase};
use std::collections::HashMap;
use weezl::{BitOrder, encode::Encoder};

/// Starts an animation.
pub(in crate::formats) fn create_animation<'a>(
    out: Box<dyn Output + 'a>,
    info: &AnimationInfo,
    allow_metadata_loss: bool,
) -> Result<Box<dyn AnimationWriter + 'a>> {
    let d = &info.descriptor;
    let mut samples = beyond_rgb8(d);
    if d.width > 65535 || d.height > 65535 {
        samples.push("a side of more than 65535 pixels".into());
    }
    if info.loop_count > 65536 {
        samples.push(format!("{} loops", info.loop_count));
    }
    let lost = lost_metadata(&info.metadata, |e| match e.kind {
        MetadataKind::SourceFormat | MetadataKind::Comment | MetadataKind::Xmp | MetadataKind::Icc => true,
        MetadataKind::User => {
            [SCREEN, AFTER_TRAILER].contains(&e.key.as_str()) || e.key.starts_with(APPLICATION)
        }
        _ => false,
    });
    refuse(NAME, (samples, lost), allow_metadata_loss)?;
    let mut writer =
        GifFrames { out, info: info.clone(), allow_metadata_loss, before: None, held: None, n_written: 0 };
    writer.start()?;
    Ok(Box::new(writer))
}

struct GifFrames<'a> {
    out: Box<dyn Output + 'a>,
    info: AnimationInfo,
    allow_metadata_loss: bool,
    before: Option<Vec<u8>>,
    /// The last frame: what becomes of it depends on the next.
    held: Option<Coded>,
    n_written: u64,
}

/// A frame but for its disposal.
struct Coded {
    place: Place,
    palette: Vec<u8>,
    transparent: Option<u8>,
    delay: u16,
    indices: Vec<u8>,
}

impl GifFrames<'_> {
    fn start(&mut self) -> Result<()> {
        let d = &self.info.descriptor;
        let user = |key| self.info.metadata.get_key(MetadataKind::User, key);
        let aspect = user(SCREEN).and_then(screen).map_or(0, |screen| screen[5] as u8);
        let mut out = b"GIF89a".to_vec();
        put(&mut out, &[d.width as u16, d.height as u16]);
        out.extend_from_slice(&[0x70, 0, aspect]);
        if self.info.loop_count != 1 {
            let again = self.info.loop_count.saturating_sub(1) as u16;
            out.extend_from_slice(b"\x21\xff\x0bNETSCAPE2.0\x03\x01");
            put(&mut out, &[again]);
            out.push(0);
        }
        for entry in &self.info.metadata.entries {
            put_entry(&mut out, entry);
        }
        self.write(&out)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.out.write_all(bytes).map_err(|e| Error::io("the GIF file", e))
    }

    /// Writes the frame that is held; `clears` what it drew before the next.
    fn flush(&mut self, clears: bool) -> Result<()> {
        let Some(Coded { place, palette, transparent, delay, indices }) = self.held.take() else {
            return Ok(());
        };
        let flags = if clears { 2 << 2 } else { 1 << 2 } | u8::from(transparent.is_some());
        let [low, high] = delay.to_le_bytes();
        let mut out = vec![0x21, 0xf9, 4, flags, low, high, transparent.unwrap_or(0), 0, 0x2c];
        put(&mut out, &[place.x, place.y, place.width, place.height].map(|n| n as u16));
        out.push(0x80 | table_bits(&palette));
        put_table(&mut out, &palette);
        let code_bits = (table_bits(&palette) + 1).max(2);
        out.push(code_bits);
        let packed = Encoder::new(BitOrder::Lsb, code_bits)
            .encode(&indices)
            .map_err(|_| Error::invalid("an index is larger than the palette"))?;
        put_sub_blocks(&mut out, &packed);
        self.write(&out)
    }
}

impl AnimationWriter for GifFrames<'_> {
    fn write_frame(&mut self, frame: &Frame) -> Result<()> {
        let index = self.n_written;
        check_frame(NAME, &self.info, frame, index, self.allow_metadata_loss)?;
        let lost = |what: String| Error::WouldLose { format: NAME, losses: vec![what] };
        let delay = hundredths(frame.delay, self.info.time_base).ok_or_else(|| {
            lost(format!("the delay of frame {index}, which is not in hundredths of a second"))
        })?;
        // What becomes transparent again is cleared, and all drawn anew.
        let n = frame.descriptor.pixel_bytes();
        let before = self.before.as_deref();
        let clears = n == 4
            && before.is_some_and(|before| {
                before.chunks_exact(4).zip(frame.samples.chunks_exact(4)).any(|(a, b)| a[3] != 0 && b[3] == 0)
            });
        if clears && let Some(held) = &mut self.held {
            // A frame that clears all has to be drawn whole.
            let whole =
                Place { x: 0, y: 0, width: self.info.descriptor.width, height: self.info.descriptor.height };
            if held.place != whole {
                let before = Frame { samples: self.before.clone().unwrap_or_default(), ..frame.clone() };
                let delay = held.delay;
                *held = coded(&before, whole, delay)
                    .map_err(|what| lost(format!("frame {} with {what}", index - 1)))?;
            }
        }
        self.flush(clears)?;
        let place = changed(before_of(&self.before, clears), frame);
        let coded = coded(frame, place, delay).map_err(|what| lost(format!("frame {index} with {what}")))?;
        self.held = Some(coded);
        self.before = Some(frame.samples.clone());
        self.n_written += 1;
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        self.flush(false)?;
        let after =
            self.info.metadata.get_key(MetadataKind::User, AFTER_TRAILER).unwrap_or_default().to_vec();
        self.write(&[&[0x3b], after.as_slice()].concat())?;
        self.out.flush().map_err(|e| Error::io("the GIF file", e))
    }
}

fn before_of(before: &Option<Vec<u8>>, clears: bool) -> Option<&[u8]> {
    before.as_deref().filter(|_| !clears)
}

fn hundredths(ticks: u64, base: TimeBase) -> Option<u16> {
    let hundredths = u128::from(ticks) * u128::from(base.numerator()) * 100;
    let denominator = u128::from(base.denominator());
    (hundredths % denominator == 0).then(|| u16::try_from(hundredths / denominator).ok()).flatten()
}

/// Indices into a palette of the colours of a place, in the order they come; else what there is too much of.
fn coded(frame: &Frame, place: Place, delay: u16) -> Result<Coded, String> {
    let mut numbers: HashMap<[u8; 4], u8> = HashMap::new();
    let (mut palette, mut indices, mut transparent) = (Vec::new(), Vec::new(), None);
    let samples = cut(frame, place);
    for pixel in samples.chunks_exact(frame.descriptor.pixel_bytes()) {
        let colour = [pixel[0], pixel[1], pixel[2], pixel.get(3).copied().unwrap_or(255)];
        let index = match numbers.get(&colour) {
            Some(index) => *index,
            None => {
                let index = u8::try_from(numbers.len()).map_err(|_| "more than 256 colours".to_owned())?;
                match colour {
                    [0, 0, 0, 0] => transparent = Some(index),
                    [_, _, _, 255] => {}
                    [_, _, _, 0] => return Err("colour under transparent pixels".into()),
                    _ => return Err("half transparent pixels".into()),
                }
                numbers.insert(colour, index);
                palette.extend_from_slice(&colour[..3]);
                index
            }
        };
        indices.push(index);
    }
    Ok(Coded { place, palette, transparent, delay, indices })
}
