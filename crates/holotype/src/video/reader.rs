use super::NAME;
use super::pixels::{self, Pipe};
use super::probe::{Probe, probe};
use super::program::{self, Running};
use crate::formats::{AnimationInfo, AnimationReader};
use crate::{Error, Frame, Limits, MetadataKind, Result, memory};
use std::ffi::OsStr;
use std::io::Read as _;
use std::path::Path;

/// Frames of a video, decoded by `ffmpeg` while they are asked for.
pub(crate) struct VideoReader {
    running: Running,
    pipe: Pipe,
    info: AnimationInfo,
    delays: std::vec::IntoIter<u64>,
    n_bytes: u64,
}

impl VideoReader {
    pub(crate) fn open(path: &Path, limits: &Limits, allow_approximate: bool) -> Result<Self> {
        let Probe { width, height, pixel_format, time_base, delays, .. } = probe(path)?;
        let pipe = pixels::pipe(&pixel_format);
        if pipe.is_converted && !allow_approximate {
            return Err(Error::unsupported(format!(
                "video of `{pixel_format}` pixels, which would have to be converted to RGB"
            )));
        }
        let descriptor = pipe.descriptor(width, height);
        let n_bytes = descriptor.raw_bytes().unwrap_or(u64::MAX);
        for (what, found, limit) in [
            ("the number of pixels of a frame", descriptor.n_pixels(), limits.max_pixels),
            ("the size of a frame", n_bytes, limits.max_decoded_bytes),
        ] {
            if found > limit {
                return Err(Error::LimitExceeded { what, found, limit });
            }
        }
        let mut info = AnimationInfo::new(descriptor);
        (info.n_frames, info.time_base, info.loop_count) = (Some(delays.len() as u64), time_base, 1);
        info.metadata.push(MetadataKind::SourceFormat, "", "video");
        let running = start(path, pipe.name)?;
        Ok(Self { running, pipe, info, delays: delays.into_iter(), n_bytes })
    }
}

/// Starts decoding the frames of a file, as stored, in a pixel format.
pub(super) fn start(path: &Path, pixel_format: &str) -> Result<Running> {
    let path = program::plain(path);
    let arguments: [&OsStr; 17] = [
        "-noautorotate".as_ref(),
        "-i".as_ref(),
        &path,
        "-map".as_ref(),
        "0:v:0".as_ref(),
        "-fps_mode".as_ref(),
        "passthrough".as_ref(),
        "-sws_flags".as_ref(),
        "accurate_rnd+full_chroma_int+bitexact".as_ref(),
        "-f".as_ref(),
        "rawvideo".as_ref(),
        "-pix_fmt".as_ref(),
        pixel_format.as_ref(),
        "-threads".as_ref(),
        "1".as_ref(),
        "-nostdin".as_ref(),
        "-".as_ref(),
    ];
    program::start("ffmpeg", &arguments, false)
}

impl AnimationReader for VideoReader {
    fn info(&self) -> &AnimationInfo {
        &self.info
    }

    fn next_frame(&mut self) -> Result<Option<Frame>> {
        let io = |e| Error::io("ffmpeg", e);
        let Some(stdout) = &mut self.running.child.stdout else { return Ok(None) };
        let mut samples = memory::zeroed("a frame", self.n_bytes)?;
        let mut n_read = 0;
        while n_read < samples.len() {
            match stdout.read(&mut samples[n_read..]).map_err(io)? {
                0 => break,
                n => n_read += n,
            }
        }
        let count = || Error::source_format(NAME, "it has another number of frames than it says");
        if n_read == 0 {
            self.running.child.stdout = None;
            self.running.finish()?;
            return if self.delays.next().is_some() { Err(count()) } else { Ok(None) };
        }
        if n_read < samples.len() {
            self.running.finish()?;
            return Err(Error::source_format(NAME, "the last frame is not whole"));
        }
        let delay = self.delays.next().ok_or_else(count)?;
        Ok(Some(Frame::new(self.info.descriptor.clone(), self.pipe.interleave(samples), delay)))
    }
}

/// The sound of a video as a Matroska file of its packets as they are; `None` if the file is no video or has none.
///
/// # Errors
/// `Io`; `SourceFormat` if `ffmpeg` cannot read it; `LimitExceeded` if it is larger than what may be decoded.
pub fn read_sound(path: &Path, limits: &Limits) -> Result<Option<Vec<u8>>> {
    let mut prefix = Vec::new();
    let file = std::fs::File::open(path).map_err(|e| Error::io(path, e))?;
    file.take(64).read_to_end(&mut prefix).map_err(|e| Error::io(path, e))?;
    if !super::is_video(&prefix) || !probe(path)?.has_sound {
        return Ok(None);
    }
    let path = program::plain(path);
    let arguments: [&OsStr; 12] = [
        "-i".as_ref(),
        &path,
        "-map".as_ref(),
        "0:a".as_ref(),
        "-c".as_ref(),
        "copy".as_ref(),
        "-fflags".as_ref(),
        "+bitexact".as_ref(),
        "-f".as_ref(),
        "matroska".as_ref(),
        "-nostdin".as_ref(),
        "-".as_ref(),
    ];
    program::output("ffmpeg", &arguments, limits.max_decoded_bytes).map(Some)
}
