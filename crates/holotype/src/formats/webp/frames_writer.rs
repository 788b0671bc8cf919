//! Frames as lossless animated WebP: of each what differs from the one before.

use super::writer::{encode, is_held, unknown};
use super::{AFTER_END, ALPHA, ANIMATION, BACKGROUND, EXIF, ICC, MAX_SIDE, NAME, XMP, riff};
use crate::formats::animated::{AnimationInfo, AnimationWriter, check_frame};
use crate::formats::canvas::Place;
use crate::formats::changed::{changed, cut};
use crate::formats::{Output, beyond_rgb8, lost_metadata, refuse};
use crate::{Error, Frame, MetadataKind, Result, TimeBase};

/// Starts an animation. What was compressed is held until the end.
pub(in crate::formats) fn create_animation<'a>(
    out: Box<dyn Output + 'a>,
    info: &AnimationInfo,
    allow_metadata_loss: bool,
) -> Result<Box<dyn AnimationWriter + 'a>> {
    let d = &info.descriptor;
    let mut samples = beyond_rgb8(d);
    if d.width > MAX_SIDE || d.height > MAX_SIDE {
        samples.push(format!("a side of more than {MAX_SIDE} pixels"));
    }
    if info.loop_count > 65535 {
        samples.push(format!("{} loops", info.loop_count));
    }
    let is_background = |key: &str| key == BACKGROUND;
    let lost = lost_metadata(&info.metadata, |e| {
        is_held(e) || (e.kind == MetadataKind::User && is_background(&e.key))
    });
    refuse(NAME, (samples, lost), allow_metadata_loss)?;
    Ok(Box::new(WebPFrames {
        out,
        info: info.clone(),
        allow_metadata_loss,
        before: None,
        frames: Vec::new(),
    }))
}

struct WebPFrames<'a> {
    out: Box<dyn Output + 'a>,
    info: AnimationInfo,
    allow_metadata_loss: bool,
    before: Option<Vec<u8>>,
    /// Data of their chunks.
    frames: Vec<Vec<u8>>,
}

impl AnimationWriter for WebPFrames<'_> {
    fn write_frame(&mut self, frame: &Frame) -> Result<()> {
        let index = self.frames.len() as u64;
        check_frame(NAME, &self.info, frame, index, self.allow_metadata_loss)?;
        let delay = milliseconds(frame.delay, self.info.time_base).ok_or_else(|| {
            let losses = vec![format!("the delay of frame {index}, which is not in milliseconds")];
            Error::WouldLose { format: NAME, losses }
        })?;
        let place = even(changed(self.before.as_deref(), frame));
        let coded = encode(&cut(frame, place), place.width, place.height, frame.descriptor.n_channels)?;
        let mut data = Vec::new();
        for number in [place.x / 2, place.y / 2, place.width - 1, place.height - 1, delay] {
            data.extend_from_slice(&number.to_le_bytes()[..3]);
        }
        // It replaces what was there, and stays.
        data.push(2);
        data.extend_from_slice(b"VP8L");
        data.extend_from_slice(&(coded.len() as u32).to_le_bytes());
        data.extend_from_slice(&coded);
        data.resize(data.len() + coded.len() % 2, 0);
        self.frames.push(data);
        self.before = Some(frame.samples.clone());
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        let AnimationInfo { descriptor: d, metadata, loop_count, .. } = &self.info;
        let mut flags = ANIMATION | if d.n_channels == 4 { ALPHA } else { 0 };
        let mut others: Vec<(&[u8], &[u8])> = Vec::new();
        for (kind, flag, name) in [(MetadataKind::Exif, EXIF, b"EXIF"), (MetadataKind::Xmp, XMP, b"XMP ")] {
            if let Some(data) = metadata.get(kind) {
                flags |= flag;
                others.push((name, data));
            }
        }
        others.extend(unknown(metadata)?);
        let profile = metadata.get(MetadataKind::Icc);
        if profile.is_some() {
            flags |= ICC;
        }
        let header = riff::extended_header(flags, d.width, d.height);
        let mut control = metadata.get_key(MetadataKind::User, BACKGROUND).unwrap_or(&[255; 4]).to_vec();
        control.resize(4, 255);
        control.extend_from_slice(&(*loop_count as u16).to_le_bytes());
        let mut chunks: Vec<(&[u8], &[u8])> = vec![(b"VP8X", &header)];
        chunks.extend(profile.map(|data| (&b"ICCP"[..], data)));
        chunks.push((b"ANIM", &control));
        chunks.extend(self.frames.iter().map(|data| (&b"ANMF"[..], data.as_slice())));
        chunks.extend_from_slice(&others);
        let mut bytes = riff::file(&chunks)?;
        bytes.extend_from_slice(metadata.get_key(MetadataKind::User, AFTER_END).unwrap_or_default());
        self.out.write_all(&bytes).and_then(|()| self.out.flush()).map_err(|e| Error::io("the WebP file", e))
    }
}

fn milliseconds(ticks: u64, base: TimeBase) -> Option<u32> {
    let milliseconds = u128::from(ticks) * u128::from(base.numerator()) * 1000;
    let denominator = u128::from(base.denominator());
    let whole = (milliseconds % denominator == 0).then_some(milliseconds / denominator)?;
    u32::try_from(whole).ok().filter(|whole| *whole < 1 << 24)
}

/// The place with even coordinates, as the format asks.
fn even(place: Place) -> Place {
    let Place { x, y, width, height } = place;
    Place { x: x & !1, y: y & !1, width: width + x % 2, height: height + y % 2 }
}
