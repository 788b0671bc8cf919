//! The frames of an animated WebP file as they are shown.

use super::reader::{Coded, metadata};
use super::riff::{self, Chunk};
use super::{ALPHA, BACKGROUND, NAME};
use crate::formats::Input;
use crate::formats::animated::{AnimationInfo, AnimationReader};
use crate::formats::canvas::{CanvasKind, Dispose, Drawing, Drawn, Pictures, Place};
use crate::formats::guard::guarded;
use crate::formats::held::{check_size, whole_bytes};
use crate::{Error, Limits, MetadataKind, Result, SampleType};

/// The background that writers give who do not care: white.
const USUAL_BACKGROUND: [u8; 4] = [255; 4];

/// Opens an animation. Its compressed frames are held in memory.
pub(in crate::formats) fn open_animation<'a>(
    mut input: Box<dyn Input + 'a>,
    limits: &Limits,
    allow_approximate: bool,
) -> Result<Box<dyn AnimationReader + 'a>> {
    let (mut chunks, after) = riff::chunks(input.as_mut(), limits)?;
    let mut frames = Vec::new();
    let (mut canvas, mut control) = (None, None);
    let mut malformed = false;
    chunks.retain(|(name, data)| match (name, data.as_slice()) {
        (b"VP8X", [flags, _, _, _, w0, w1, w2, h0, h1, h2, ..]) => {
            canvas = Some((*flags, u24(&[*w0, *w1, *w2]) + 1, u24(&[*h0, *h1, *h2]) + 1));
            false
        }
        (b"ANIM", [background @ .., low, high]) if background.len() == 4 => {
            control = Some((background.to_vec(), u16::from_le_bytes([*low, *high])));
            false
        }
        (b"ANMF", data) => {
            match StoredFrame::parse(data) {
                Some(frame) => frames.push(frame),
                None => malformed = true,
            }
            false
        }
        _ => true,
    });
    let missing = || Error::source_format(NAME, "a chunk of the animation is missing or malformed");
    let (Some((flags, width, height)), Some((background, n_plays)), false) = (canvas, control, malformed)
    else {
        return Err(missing());
    };
    if frames.is_empty() {
        return Err(missing());
    }
    let mut has_alpha = flags & ALPHA != 0;
    for (i, frame) in frames.iter().enumerate() {
        let coded = Coded::of(&frame.chunks)?;
        if coded.is_lossy() && !allow_approximate {
            return Err(Error::unsupported(format!("animated WebP whose frame {i} is lossy")));
        }
        if (coded.width, coded.height) != (frame.place.width, frame.place.height) {
            return Err(Error::source_format(NAME, format!("frame {i} has another size than it says")));
        }
        has_alpha |= coded.has_alpha;
    }
    let kind = CanvasKind { width, height, n_colours: 3, sample: SampleType::U8, bits: 8, has_alpha };
    let descriptor = kind.descriptor(true);
    check_size(NAME, &descriptor, limits)?;
    whole_bytes(&descriptor, limits)?;
    let mut info = AnimationInfo::new(descriptor);
    info.loop_count = u64::from(n_plays);
    info.metadata = metadata(chunks, after);
    if background != USUAL_BACKGROUND {
        info.metadata.push(MetadataKind::User, BACKGROUND, background);
    }
    Ok(Box::new(Drawn::new(NAME, &kind, Stored { frames }, info, allow_approximate)?))
}

fn u24(bytes: &[u8]) -> u32 {
    bytes.iter().rev().fold(0, |sum, byte| sum << 8 | u32::from(*byte))
}

struct StoredFrame {
    place: Place,
    delay: u64,
    is_over: bool,
    dispose: Dispose,
    chunks: Vec<Chunk>,
}

impl StoredFrame {
    fn parse(data: &[u8]) -> Option<Self> {
        let (head, mut rest) = data.split_at_checked(16)?;
        let mut chunks = Vec::new();
        while !rest.is_empty() {
            let (name, after) = rest.split_first_chunk::<4>()?;
            let (n_bytes, after) = after.split_first_chunk::<4>()?;
            let n_bytes = u32::from_le_bytes(*n_bytes) as usize;
            let (data, after) = after.split_at_checked(n_bytes)?;
            chunks.push((*name, data.to_vec()));
            rest = if n_bytes % 2 == 1 { after.get(1..).unwrap_or_default() } else { after };
        }
        Some(Self {
            place: Place {
                x: 2 * u24(&head[..3]),
                y: 2 * u24(&head[3..6]),
                width: u24(&head[6..9]) + 1,
                height: u24(&head[9..12]) + 1,
            },
            delay: u64::from(u24(&head[12..15])),
            is_over: head[15] & 2 == 0,
            dispose: if head[15] & 1 == 1 { Dispose::Clear } else { Dispose::Keep },
            chunks,
        })
    }
}

struct Stored {
    frames: Vec<StoredFrame>,
}

impl Pictures for Stored {
    fn n_pictures(&self) -> usize {
        self.frames.len()
    }

    fn drawing(&self, i: usize) -> Drawing {
        let StoredFrame { place, delay, is_over, dispose, .. } = self.frames[i];
        Drawing { place, is_over, dispose, delay }
    }

    fn read(&mut self, i: usize) -> Result<Vec<u16>> {
        let coded = Coded::of(&self.frames[i].chunks)?;
        let n = if coded.has_alpha { 4 } else { 3 };
        // Its size is that of a place inside the canvas, which was checked.
        let mut samples = vec![0; coded.width as usize * coded.height as usize * n];
        guarded(NAME, || coded.decode(&mut samples))?;
        let pixel = |pixel: &[u8]| {
            let [r, g, b, a] = [pixel[0], pixel[1], pixel[2], pixel.get(3).copied().unwrap_or(255)];
            [r, g, b, a].map(u16::from)
        };
        Ok(samples.chunks_exact(n).flat_map(pixel).collect())
    }
}
