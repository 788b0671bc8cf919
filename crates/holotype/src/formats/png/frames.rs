//! APNG: the frames of a file, each as a PNG of its own for the reader of those.

use super::chunks::{self, Chunks, Step, read_checked, walk};
use super::writer::Chunked;
use super::{NAME, reader};
use crate::formats::animated::{AnimationInfo, AnimationReader};
use crate::formats::canvas::{CanvasKind, Dispose, Drawing, Drawn, Pictures, Place};
use crate::formats::held::{check_size, limit, whole_bytes};
use crate::formats::{Input, SourceImage};
use crate::{Error, ImageDescriptor, Limits, Metadata, MetadataKind, Result, SampleType, TimeBase};
use std::io::{Cursor, SeekFrom};

/// Most frames of a file: what is known of each is kept.
const MAX_FRAMES: u64 = 1 << 20;

/// Opens an animation.
pub(in crate::formats) fn open_animation<'a>(
    mut input: Box<dyn Input + 'a>,
    limits: &Limits,
    allow_approximate: bool,
) -> Result<Box<dyn AnimationReader + 'a>> {
    let Chunks { mut metadata, palette, transparency } = chunks::read(&mut *input, limits, true)?;
    let layout = Layout::read(input.as_mut())?;
    let [w0, w1, w2, w3, h0, h1, h2, h3, depth, colour, ..] = layout.header;
    let (width, height) = (u32::from_be_bytes([w0, w1, w2, w3]), u32::from_be_bytes([h0, h1, h2, h3]));
    let (n_colours, has_alpha) = match colour {
        0 => (1, false),
        2 | 3 => (3, false),
        4 => (1, true),
        _ => (3, true),
    };
    let bits = if colour == 3 { 8 } else { depth };
    let sample = if bits == 16 { SampleType::U16 } else { SampleType::U8 };
    let kind = CanvasKind { width, height, n_colours, sample, bits: bits.clamp(1, 16), has_alpha };
    let descriptor = kind.descriptor(true);
    check_size(NAME, &descriptor, limits)?;
    whole_bytes(&descriptor, limits)?;
    if colour != 3
        && let Some(palette) = &palette
    {
        metadata.push(MetadataKind::PngChunk, "PLTE", palette.clone());
    }
    metadata.push(MetadataKind::SourceFormat, "", "png");
    let (time_base, delays) = delays(&layout.frames)?;
    let mut info = AnimationInfo::new(descriptor);
    (info.loop_count, info.time_base, info.metadata) = (u64::from(layout.n_plays), time_base, metadata);
    let pictures = Stored {
        input,
        layout,
        palette,
        transparency,
        delays,
        kind: info.descriptor.clone(),
        limits: *limits,
    };
    Ok(Box::new(Drawn::new(NAME, &kind, pictures, info, allow_approximate)?))
}

/// Where the frames of a file are.
#[derive(Default)]
struct Layout {
    header: [u8; 13],
    n_plays: u32,
    frames: Vec<StoredFrame>,
}

struct StoredFrame {
    place: Place,
    /// Numerator and denominator of seconds.
    delay: (u16, u16),
    dispose: Dispose,
    is_over: bool,
    /// Position of the data of each chunk, their sizes, whether a number is in front of it.
    parts: Vec<(u64, u32, bool)>,
}

impl Layout {
    fn read(input: &mut dyn Input) -> Result<Self> {
        let mut layout = Self::default();
        let (mut n_frames, mut next_number) = (None, 0_u32);
        let mut number = |found: [u8; 4]| {
            let is_next = u32::from_be_bytes(found) == next_number;
            next_number = next_number.wrapping_add(1);
            if is_next { Ok(()) } else { Err(Error::source_format(NAME, "frames are out of order")) }
        };
        walk(input, &mut |input, kind, n_bytes| {
            let malformed = || Error::source_format(NAME, "a chunk of the animation is malformed");
            match &kind {
                b"IHDR" => {
                    let data = read_checked(input, kind, n_bytes)?;
                    layout.header = data.try_into().map_err(|_| malformed())?;
                    return Ok(Step::Done);
                }
                b"acTL" => {
                    let data = read_checked(input, kind, n_bytes)?;
                    let data = <[u8; 8]>::try_from(data).map_err(|_| malformed())?;
                    let [a, b, c, d, plays @ ..] = data;
                    n_frames = Some(u64::from(u32::from_be_bytes([a, b, c, d])));
                    layout.n_plays = u32::from_be_bytes(plays);
                    return Ok(Step::Done);
                }
                b"fcTL" => {
                    let data = read_checked(input, kind, n_bytes)?;
                    let data = <[u8; 26]>::try_from(data).map_err(|_| malformed())?;
                    number([data[0], data[1], data[2], data[3]])?;
                    layout.frames.push(StoredFrame::parse(&data)?);
                    limit("the number of frames", layout.frames.len() as u64, MAX_FRAMES)?;
                    return Ok(Step::Done);
                }
                b"IDAT" | b"fdAT" => {
                    let at = input.stream_position().map_err(chunks::damaged)?;
                    let is_numbered = &kind == b"fdAT";
                    if is_numbered {
                        let mut found = [0; 4];
                        input.read_exact(&mut found).map_err(chunks::damaged)?;
                        number(found)?;
                        input.seek(SeekFrom::Start(at)).map_err(chunks::damaged)?;
                    }
                    // Image data in front of all frames is a picture for others.
                    match layout.frames.last_mut() {
                        Some(frame) => frame.parts.push((at, n_bytes, is_numbered)),
                        None if is_numbered => return Err(malformed()),
                        None => {}
                    }
                }
                b"IEND" => return Ok(Step::Stop),
                _ => {}
            }
            Ok(Step::Skip)
        })?;
        let found = layout.frames.len() as u64;
        if n_frames != Some(found) || found == 0 {
            return Err(Error::source_format(
                NAME,
                format!("there are {found} frames, not as many as it says"),
            ));
        }
        Ok(layout)
    }
}

impl StoredFrame {
    fn parse(data: &[u8; 26]) -> Result<Self> {
        let word = |at: usize| u32::from_be_bytes([data[at], data[at + 1], data[at + 2], data[at + 3]]);
        let dispose = match data[24] {
            0 => Dispose::Keep,
            1 => Dispose::Clear,
            2 => Dispose::Restore,
            other => return Err(Error::unsupported(format!("APNG with the disposal {other}"))),
        };
        let is_over = match data[25] {
            0 => false,
            1 => true,
            other => return Err(Error::unsupported(format!("APNG with the blending {other}"))),
        };
        let half = |at: usize| u16::from_be_bytes([data[at], data[at + 1]]);
        Ok(Self {
            place: Place { x: word(12), y: word(16), width: word(4), height: word(8) },
            delay: (half(20), if half(22) == 0 { 100 } else { half(22) }),
            dispose,
            is_over,
            parts: Vec::new(),
        })
    }
}

/// A unit in which all delays are whole, and the delays.
fn delays(frames: &[StoredFrame]) -> Result<(TimeBase, Vec<u64>)> {
    let gcd = |mut a: u64, mut b: u64| {
        while b != 0 {
            (a, b) = (b, a % b);
        }
        a.max(1)
    };
    let parts = |frame: &StoredFrame| {
        let (n, d) = (u64::from(frame.delay.0), u64::from(frame.delay.1));
        let g = gcd(n, d);
        (n / g, d / g)
    };
    // Milliseconds where these do.
    let mut common = 1_u64;
    for frame in frames {
        let (_, d) = parts(frame);
        common = common / gcd(common, d) * d;
        if common > u64::from(u32::MAX) {
            return Err(Error::unsupported("APNG whose delays have no common unit"));
        }
    }
    if 1000 % common == 0 {
        common = 1000;
    }
    let all = frames.iter().map(|frame| {
        let (n, d) = parts(frame);
        n * (common / d)
    });
    Ok((TimeBase::new(1, common as u32)?, all.collect()))
}

/// The frames of an open file.
struct Stored<'a> {
    input: Box<dyn Input + 'a>,
    layout: Layout,
    palette: Option<Vec<u8>>,
    transparency: Option<Vec<u8>>,
    delays: Vec<u64>,
    /// The canvas.
    kind: ImageDescriptor,
    limits: Limits,
}

impl Stored<'_> {
    /// A frame as a file of its own.
    fn file(&mut self, i: usize) -> Result<Vec<u8>> {
        let frame = &self.layout.frames[i];
        let io = |e| Error::source_format(NAME, e);
        let mut out = Chunked { out: b"\x89PNG\r\n\x1a\n".to_vec() };
        let mut header = self.layout.header;
        header[..4].copy_from_slice(&frame.place.width.to_be_bytes());
        header[4..8].copy_from_slice(&frame.place.height.to_be_bytes());
        out.chunk(*b"IHDR", &header).map_err(io)?;
        for (kind, data) in [(*b"PLTE", &self.palette), (*b"tRNS", &self.transparency)] {
            if let Some(data) = data {
                out.chunk(kind, data).map_err(io)?;
            }
        }
        let mut n_coded = 0;
        for (at, n_bytes, is_numbered) in &frame.parts {
            n_coded += u64::from(*n_bytes);
            limit("the size of a frame", n_coded, self.limits.max_decoded_bytes)?;
            self.input.seek(SeekFrom::Start(*at)).map_err(io)?;
            let kind = if *is_numbered { *b"fdAT" } else { *b"IDAT" };
            let data = read_checked(&mut *self.input, kind, *n_bytes)?;
            let data = data.get(if *is_numbered { 4.. } else { 0.. }).unwrap_or_default();
            out.chunk(*b"IDAT", data).map_err(io)?;
        }
        out.chunk(*b"IEND", &[]).map_err(io)?;
        Ok(out.out)
    }
}

impl Pictures for Stored<'_> {
    fn n_pictures(&self) -> usize {
        self.layout.frames.len()
    }

    fn drawing(&self, i: usize) -> Drawing {
        let StoredFrame { place, dispose, is_over, .. } = self.layout.frames[i];
        Drawing { place, is_over, dispose, delay: self.delays[i] }
    }

    fn read(&mut self, i: usize) -> Result<Vec<u16>> {
        let mut reader = reader::open(Cursor::new(self.file(i)?), &self.limits)?;
        let image = reader.next_image()?.ok_or_else(|| Error::source_format(NAME, "a frame is missing"))?;
        let mut samples = vec![0; whole_bytes(&image.descriptor, &self.limits)?];
        reader.read_rows(&mut samples)?;
        Ok(with_alpha(&image, &samples, &self.kind))
    }
}

/// Samples as the canvas has them.
fn with_alpha(image: &SourceImage, samples: &[u8], kind: &ImageDescriptor) -> Vec<u16> {
    let SourceImage { descriptor: d, metadata } = image;
    let max = ((1_u32 << kind.bits_per_sample) - 1) as u16;
    let words = || -> Box<dyn Iterator<Item = u16> + '_> {
        if d.sample == SampleType::U16 {
            Box::new(samples.as_chunks::<2>().0.iter().map(|word| u16::from_le_bytes(*word)))
        } else {
            Box::new(samples.iter().map(|byte| u16::from(*byte)))
        }
    };
    if let Some(palette) = &d.palette {
        let entry = |index: &u8| {
            let at = usize::from(*index);
            let [r, g, b] = palette.rgb.get(at).copied().unwrap_or_default();
            [r, g, b, palette.alpha.get(at).map_or(255, |alpha| u16::from(*alpha))]
        };
        return samples.iter().flat_map(entry).collect();
    }
    if d.n_channels == kind.n_channels {
        return words().collect();
    }
    let clear = clear_colour(metadata, usize::from(d.n_channels));
    let words: Vec<u16> = words().collect();
    let pixels = words.chunks_exact(usize::from(d.n_channels));
    let mut out = Vec::with_capacity(words.len() / usize::from(d.n_channels) * usize::from(kind.n_channels));
    for pixel in pixels {
        out.extend_from_slice(pixel);
        out.push(if clear.as_deref() == Some(pixel) { 0 } else { max });
    }
    out
}

/// The colour that is transparent, of images without alpha.
fn clear_colour(metadata: &Metadata, n: usize) -> Option<Vec<u16>> {
    let data = metadata.get_key(MetadataKind::PngChunk, "tRNS")?;
    let colour: Vec<u16> = data.as_chunks::<2>().0.iter().map(|word| u16::from_be_bytes(*word)).collect();
    (colour.len() == n).then_some(colour)
}
