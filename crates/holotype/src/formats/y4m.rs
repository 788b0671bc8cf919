//! YUV4MPEG2 video: gray, and Y, Cb, Cr. Where Cb and Cr are subsampled, frames are Y, and Cb and Cr are its chroma.

use super::animated::{AnimationInfo, AnimationReader, AnimationWriter, check_frame, lost_chroma};
use super::held::{check_size, read_bytes, whole_bytes};
use super::{Input, Output, lost_metadata, refuse};
use crate::{
    Alpha, ColourModel, Error, Frame, ImageDescriptor, Limits, Metadata, MetadataKind, Result, SampleType,
    TimeBase,
};
use std::io::{BufRead as _, Read as _, SeekFrom};

const NAME: &str = "Y4M";
/// What a file starts with.
pub(super) const MAGIC: &[u8] = b"YUV4MPEG2 ";
/// Longest line of parameters.
const MAX_LINE_BYTES: u64 = 4096;
/// Key of the [`MetadataKind::User`] entries of other parameters of the file and of a frame, as they stand there.
const PARAMETERS: &str = "y4m:parameters";
const FRAME_PARAMETERS: &str = "y4m:frame-parameters";
/// Key of the [`MetadataKind::User`] entry of the name of subsampled planes, which says where their samples lie.
const PLANES: &str = "y4m:planes";

/// Opens a file.
pub(super) fn open<'a>(
    mut input: Box<dyn Input + 'a>,
    limits: &Limits,
) -> Result<Box<dyn AnimationReader + 'a>> {
    input.seek(SeekFrom::Start(0)).map_err(damaged)?;
    let line = line(input.as_mut())?.ok_or_else(|| Error::source_format(NAME, "the file ends early"))?;
    let (mut width, mut height, mut rate, mut planes) = (None, None, None, "420jpeg");
    let mut others = Vec::new();
    for word in line.split(' ').skip(1).filter(|word| !word.is_empty()) {
        let (kind, rest) = word.split_at_checked(1).unwrap_or((word, ""));
        match kind {
            "W" => width = rest.parse().ok(),
            "H" => height = rest.parse().ok(),
            "F" => rate = fraction(rest),
            "C" => planes = rest,
            _ => others.push(word),
        }
    }
    let (Some(width), Some(height)) = (width, height) else {
        return Err(Error::source_format(NAME, "width or height is missing"));
    };
    let unknown = || Error::unsupported(format!("Y4M with planes `{planes}`"));
    let Kind { descriptor, chroma } = kind(width, height, planes).ok_or_else(unknown)?;
    check_size(NAME, &descriptor, limits)?;
    let mut info = AnimationInfo::new(descriptor);
    info.chroma = chroma;
    if info.chroma.is_some() {
        info.metadata.push(MetadataKind::User, PLANES, planes);
    }
    let n_bytes = whole_bytes(&info.descriptor, limits)?;
    let chroma_bytes = info.chroma.as_ref().map_or(Ok(0), |chroma| whole_bytes(chroma, limits))?;
    info.loop_count = 1;
    let mut delay = 100;
    if let Some((numerator, denominator)) = rate {
        (info.time_base, delay) = (TimeBase::new(denominator, numerator)?, 1);
    }
    if !others.is_empty() {
        info.metadata.push(MetadataKind::User, PARAMETERS, others.join(" "));
    }
    info.metadata.push(MetadataKind::SourceFormat, "", "y4m");
    Ok(Box::new(Y4mReader { input, info, n_bytes, chroma_bytes, chroma: None, delay }))
}

struct Y4mReader<'a> {
    input: Box<dyn Input + 'a>,
    info: AnimationInfo,
    n_bytes: usize,
    chroma_bytes: usize,
    /// The subsampled channels of the last frame.
    chroma: Option<Vec<u8>>,
    delay: u64,
}

impl AnimationReader for Y4mReader<'_> {
    fn info(&self) -> &AnimationInfo {
        &self.info
    }

    fn next_frame(&mut self) -> Result<Option<Frame>> {
        let Some(line) = line(self.input.as_mut())? else { return Ok(None) };
        let parameters = line.strip_prefix("FRAME").map(str::trim);
        let parameters = parameters.ok_or_else(|| Error::source_format(NAME, "a frame is missing"))?;
        let d = &self.info.descriptor;
        let samples = interleaved(&read_bytes(NAME, self.input.as_mut(), self.n_bytes as u64)?, d);
        if let Some(chroma) = &self.info.chroma {
            let planes = read_bytes(NAME, self.input.as_mut(), self.chroma_bytes as u64)?;
            self.chroma = Some(interleaved(&planes, chroma));
        }
        let mut metadata = Metadata::default();
        if !parameters.is_empty() {
            metadata.push(MetadataKind::User, FRAME_PARAMETERS, parameters);
        }
        Ok(Some(Frame::new(d.clone(), samples, self.delay).with_metadata(metadata)))
    }

    fn take_chroma(&mut self) -> Option<Vec<u8>> {
        self.chroma.take()
    }
}

/// Planes, one after another, as pixels.
fn interleaved(planes: &[u8], d: &ImageDescriptor) -> Vec<u8> {
    let (n, size) = (usize::from(d.n_channels), d.sample.n_bytes());
    let mut samples = vec![0; planes.len()];
    for (c, plane) in planes.chunks_exact((planes.len() / n).max(1)).enumerate() {
        for (pixel, sample) in samples.chunks_exact_mut(n * size).zip(plane.chunks_exact(size)) {
            pixel[c * size..(c + 1) * size].copy_from_slice(sample);
        }
    }
    samples
}

/// Inverse of [`interleaved`].
fn planes_of(samples: &[u8], d: &ImageDescriptor) -> Vec<u8> {
    let (n, size) = (usize::from(d.n_channels), d.sample.n_bytes());
    let plane =
        |c: usize| samples.chunks_exact(n * size).flat_map(move |pixel| &pixel[c * size..(c + 1) * size]);
    (0..n).flat_map(plane).copied().collect()
}

/// A line without its end; `None` at the end of the file.
fn line(input: &mut dyn Input) -> Result<Option<String>> {
    let mut line = Vec::new();
    (&mut *input).take(MAX_LINE_BYTES).read_until(b'\n', &mut line).map_err(damaged)?;
    if line.is_empty() {
        return Ok(None);
    }
    let text = line.strip_suffix(b"\n").and_then(|line| std::str::from_utf8(line).ok());
    text.map(|text| Some(text.to_owned())).ok_or_else(|| Error::source_format(NAME, "a line does not end"))
}

fn fraction(text: &str) -> Option<(u32, u32)> {
    let (numerator, denominator) = text.split_once(':')?;
    let (numerator, denominator) = (numerator.parse().ok()?, denominator.parse().ok()?);
    (numerator > 0 && denominator > 0).then_some((numerator, denominator))
}

/// What frames are, and their subsampled channels if they have any.
struct Kind {
    descriptor: ImageDescriptor,
    chroma: Option<ImageDescriptor>,
}

/// Pixels of Y across and down for one of Cb and Cr.
const SUBSAMPLED: [(&str, u32, u32); 3] = [("420", 2, 2), ("422", 2, 1), ("411", 4, 1)];

fn kind(width: u32, height: u32, planes: &str) -> Option<Kind> {
    let bits_after = |rest: &str, mark: &str| match rest {
        "" => Some(8),
        _ => rest.strip_prefix(mark)?.parse::<u8>().ok().filter(|bits| (9..=16).contains(bits)),
    };
    let of = |width, height, n, bits: u8| {
        let sample = if bits == 8 { SampleType::U8 } else { SampleType::U16 };
        ImageDescriptor::new(width, height, n, sample).with_bits_per_sample(bits)
    };
    if let Some(rest) = planes.strip_prefix("mono") {
        return Some(Kind { descriptor: of(width, height, 1, bits_after(rest, "")?), chroma: None });
    }
    if let Some(rest) = planes.strip_prefix("444") {
        let (n, alpha) = if rest == "alpha" { (4, Alpha::Straight) } else { (3, Alpha::None) };
        let bits = if n == 4 { 8 } else { bits_after(rest, "p")? };
        let descriptor = of(width, height, n, bits).with_colour(ColourModel::YCbCr, alpha);
        return Some(Kind { descriptor, chroma: None });
    }
    let (rest, across, down) = SUBSAMPLED
        .into_iter()
        .find_map(|(name, across, down)| Some((planes.strip_prefix(name)?, across, down)))?;
    let bits = match rest {
        "jpeg" | "mpeg2" | "paldv" if (across, down) == (2, 2) => 8,
        _ => bits_after(rest, "p")?,
    };
    let chroma = of(width.div_ceil(across), height.div_ceil(down), 2, bits);
    Some(Kind {
        descriptor: of(width, height, 1, bits),
        chroma: Some(chroma.with_colour(ColourModel::Channels, Alpha::None)),
    })
}

/// The name of planes of these frames: that which metadata remembers, if it fits.
fn planes_name(info: &AnimationInfo) -> Option<String> {
    let d = &info.descriptor;
    let fits = |name: &String| {
        let kind = kind(d.width, d.height, name);
        kind.is_some_and(|kind| kind.descriptor == *d && kind.chroma == info.chroma)
    };
    let deep = |name: &str, mark: &str| match d.bits_per_sample {
        8 => name.to_owned(),
        bits => format!("{name}{mark}{bits}"),
    };
    let kept = info.metadata.get_key(MetadataKind::User, PLANES);
    let kept = kept.and_then(|name| String::from_utf8(name.to_vec()).ok());
    let usual = match (&info.chroma, d.n_channels) {
        (None, 1) => vec![deep("mono", "")],
        (None, 4) => vec!["444alpha".into()],
        (None, _) => vec![deep("444", "p")],
        (Some(_), _) => SUBSAMPLED.iter().map(|(name, ..)| deep(name, "p")).collect(),
    };
    kept.into_iter().chain(usual).find(fits)
}

/// Starts a file. What a video cannot say, how often it is shown, is left out.
pub(super) fn create<'a>(
    out: Box<dyn Output + 'a>,
    info: &AnimationInfo,
    allow_metadata_loss: bool,
) -> Result<Box<dyn AnimationWriter + 'a>> {
    let d = &info.descriptor;
    let planes = planes_name(info);
    let mut samples = Vec::new();
    if planes.is_none() {
        samples.push(format!("{} {} samples in {} channels", d.colour.name(), d.sample.name(), d.n_channels));
    }
    let lost = lost_metadata(&info.metadata, |e| {
        let is_own = e.kind == MetadataKind::User && (e.key == PARAMETERS || e.key == PLANES);
        e.kind == MetadataKind::SourceFormat || is_own
    });
    refuse(NAME, (samples, lost), allow_metadata_loss)?;
    let planes = planes.unwrap_or_default();
    Ok(Box::new(Y4mWriter { out, info: info.clone(), planes, allow_metadata_loss, delay: None, n_frames: 0 }))
}

struct Y4mWriter<'a> {
    out: Box<dyn Output + 'a>,
    info: AnimationInfo,
    planes: String,
    allow_metadata_loss: bool,
    /// That of every frame.
    delay: Option<u64>,
    n_frames: u64,
}

impl Y4mWriter<'_> {
    fn header(&self, delay: u64) -> Result<String> {
        let base = self.info.time_base;
        let (mut numerator, mut denominator) =
            (u64::from(base.denominator()), u64::from(base.numerator()).saturating_mul(delay));
        let (mut a, mut b) = (numerator, denominator);
        while b != 0 {
            (a, b) = (b, a % b);
        }
        (numerator, denominator) = (numerator / a.max(1), denominator / a.max(1));
        if delay == 0 || denominator > u64::from(u32::MAX) {
            let losses = vec![format!("a delay of {delay} ticks")];
            return Err(Error::WouldLose { format: NAME, losses });
        }
        let d = &self.info.descriptor;
        let other = self.info.metadata.get_key(MetadataKind::User, PARAMETERS).unwrap_or(b"Ip A1:1");
        Ok(format!(
            "YUV4MPEG2 W{} H{} F{numerator}:{denominator} {} C{}\n",
            d.width,
            d.height,
            String::from_utf8_lossy(other),
            self.planes
        ))
    }
}

impl AnimationWriter for Y4mWriter<'_> {
    fn write_frame(&mut self, frame: &Frame) -> Result<()> {
        let io = |e| Error::io("the Y4M file", e);
        let mut own = frame.clone();
        let parameters = frame.metadata.get_key(MetadataKind::User, FRAME_PARAMETERS).map(<[u8]>::to_vec);
        own.metadata.entries.retain(|e| e.kind != MetadataKind::User || e.key != FRAME_PARAMETERS);
        check_frame(NAME, &self.info, &own, self.n_frames, self.allow_metadata_loss)?;
        match self.delay {
            None => {
                let header = self.header(frame.delay)?;
                self.out.write_all(header.as_bytes()).map_err(io)?;
                self.delay = Some(frame.delay);
            }
            Some(delay) if delay != frame.delay => {
                let losses = vec![format!("frame {} is shown longer or shorter than others", self.n_frames)];
                return Err(Error::WouldLose { format: NAME, losses });
            }
            Some(_) => {}
        }
        self.n_frames += 1;
        let mut head = b"FRAME".to_vec();
        if let Some(parameters) = parameters {
            head.push(b' ');
            head.extend_from_slice(&parameters);
        }
        head.push(b'\n');
        self.out.write_all(&head).map_err(io)?;
        self.out.write_all(&planes_of(&frame.samples, &frame.descriptor)).map_err(io)
    }

    fn write_chroma(&mut self, samples: &[u8]) -> Result<()> {
        let Some(chroma) = &self.info.chroma else { return Err(lost_chroma(NAME)) };
        if chroma.raw_bytes() != Some(samples.len() as u64) {
            return Err(Error::invalid("the subsampled channels are not as many as said"));
        }
        self.out.write_all(&planes_of(samples, chroma)).map_err(|e| Error::io("the Y4M file", e))
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        self.out.flush().map_err(|e| Error::io("the Y4M file", e))
    }
}

fn damaged(error: std::io::Error) -> Error {
    Error::source_format(NAME, error)
}
