//! YUV4MPEG2 video whose planes are all of one size: gray, and Y, Cb, Cr without subsampling.

use super::animated::{AnimationInfo, AnimationReader, AnimationWriter, check_frame};
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
    let descriptor = descriptor(width, height, planes).ok_or_else(|| {
        Error::unsupported(format!("Y4M with planes `{planes}`: only those without subsampling are frames"))
    })?;
    check_size(NAME, &descriptor, limits)?;
    let n_bytes = whole_bytes(&descriptor, limits)?;
    let mut info = AnimationInfo::new(descriptor);
    info.loop_count = 1;
    let mut delay = 100;
    if let Some((numerator, denominator)) = rate {
        (info.time_base, delay) = (TimeBase::new(denominator, numerator)?, 1);
    }
    if !others.is_empty() {
        info.metadata.push(MetadataKind::User, PARAMETERS, others.join(" "));
    }
    info.metadata.push(MetadataKind::SourceFormat, "", "y4m");
    Ok(Box::new(Y4mReader { input, info, n_bytes, delay }))
}

struct Y4mReader<'a> {
    input: Box<dyn Input + 'a>,
    info: AnimationInfo,
    n_bytes: usize,
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
        let planes = read_bytes(NAME, self.input.as_mut(), self.n_bytes as u64)?;
        let d = &self.info.descriptor;
        let (n, size) = (usize::from(d.n_channels), d.sample.n_bytes());
        let mut samples = vec![0; self.n_bytes];
        for (c, plane) in planes.chunks_exact(self.n_bytes / n).enumerate() {
            for (pixel, sample) in samples.chunks_exact_mut(n * size).zip(plane.chunks_exact(size)) {
                pixel[c * size..(c + 1) * size].copy_from_slice(sample);
            }
        }
        let mut metadata = Metadata::default();
        if !parameters.is_empty() {
            metadata.push(MetadataKind::User, FRAME_PARAMETERS, parameters);
        }
        Ok(Some(Frame::new(d.clone(), samples, self.delay).with_metadata(metadata)))
    }
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

fn descriptor(width: u32, height: u32, planes: &str) -> Option<ImageDescriptor> {
    let deep = |bits: &str| bits.parse::<u8>().ok().filter(|bits| (9..=16).contains(bits));
    let (n, bits) = match planes {
        "mono" => (1, 8),
        "444" => (3, 8),
        "444alpha" => (4, 8),
        _ => match (planes.strip_prefix("mono"), planes.strip_prefix("444p")) {
            (Some(bits), _) => (1, deep(bits)?),
            (_, Some(bits)) => (3, deep(bits)?),
            _ => return None,
        },
    };
    let sample = if bits == 8 { SampleType::U8 } else { SampleType::U16 };
    let colour = if n == 1 { ColourModel::Gray } else { ColourModel::YCbCr };
    let alpha = if n == 4 { Alpha::Straight } else { Alpha::None };
    Some(ImageDescriptor::new(width, height, n, sample).with_bits_per_sample(bits).with_colour(colour, alpha))
}

/// Starts a file. What a video cannot say, how often it is shown, is left out.
pub(super) fn create<'a>(
    out: Box<dyn Output + 'a>,
    info: &AnimationInfo,
    allow_metadata_loss: bool,
) -> Result<Box<dyn AnimationWriter + 'a>> {
    let d = &info.descriptor;
    let planes = match (d.n_channels, d.bits_per_sample) {
        (1, 8) => "mono".to_owned(),
        (1, bits) => format!("mono{bits}"),
        (3, 8) => "444".to_owned(),
        (4, 8) => "444alpha".to_owned(),
        (_, bits) => format!("444p{bits}"),
    };
    let mut samples = Vec::new();
    if descriptor(d.width, d.height, &planes).as_ref() != Some(d) {
        samples.push(format!("{} {} samples in {} channels", d.colour.name(), d.sample.name(), d.n_channels));
    }
    let lost = lost_metadata(&info.metadata, |e| {
        e.kind == MetadataKind::SourceFormat || (e.kind == MetadataKind::User && e.key == PARAMETERS)
    });
    refuse(NAME, (samples, lost), allow_metadata_loss)?;
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
        let d = &frame.descriptor;
        let (n, size) = (usize::from(d.n_channels), d.sample.n_bytes());
        for c in 0..n {
            let pixels = frame.samples.chunks_exact(n * size);
            let plane: Vec<u8> = pixels.flat_map(|pixel| &pixel[c * size..(c + 1) * size]).copied().collect();
            self.out.write_all(&plane).map_err(io)?;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        self.out.flush().map_err(|e| Error::io("the Y4M file", e))
    }
}

fn damaged(error: std::io::Error) -> Error {
    Error::source_format(NAME, error)
}
