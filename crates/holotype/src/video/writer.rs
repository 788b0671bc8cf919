use super::program::{self, Running};
use super::{NAME, pixels, reader};
use crate::formats::{AnimationInfo, AnimationWriter, check_frame};
use crate::{Error, Frame, MetadataKind, Result};
use sha2::{Digest, Sha256};
use std::ffi::OsString;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

/// Losses are those of this format.
const FORMAT: &str = "a video";

/// True if a video of this extension is written.
pub(crate) fn holds(extension: &str) -> bool {
    codec(extension).is_some()
}

/// Codec, and the container's name, of an extension.
fn codec(extension: &str) -> Option<(&'static str, &'static str)> {
    match extension.to_ascii_lowercase().as_str() {
        "mkv" => Some(("ffv1", "matroska")),
        "avi" => Some(("ffv1", "avi")),
        "mp4" => Some(("libx264rgb", "mp4")),
        _ => None,
    }
}

/// Gives frames to `ffmpeg`: FFV1 in Matroska and AVI, H.264 without loss in MP4. In the end all are read again and
/// compared.
pub(crate) struct VideoWriter {
    running: Option<Running>,
    info: AnimationInfo,
    path: PathBuf,
    sound: Vec<PathBuf>,
    how: (&'static str, &'static str, &'static str, &'static str),
    allow_metadata_loss: bool,
    delay: u64,
    n_written: u64,
    content: Sha256,
}

impl VideoWriter {
    /// Starts a video at `path`, with these files of sound.
    pub(crate) fn create(
        path: &Path,
        extension: &str,
        info: &AnimationInfo,
        sound: Vec<PathBuf>,
        allow_metadata_loss: bool,
    ) -> Result<Self> {
        let (codec, container) =
            codec(extension).ok_or_else(|| Error::invalid(format!("no video is `.{extension}`")))?;
        let mut losses = Vec::new();
        let d = &info.descriptor;
        if info.chroma.is_some() {
            losses.push("subsampled colour".to_owned());
        }
        let formats = pixels::for_ffv1(d).filter(|(given, _)| codec == "ffv1" || *given == "rgb24");
        if formats.is_none() {
            losses.push(format!(
                "{} {} samples in {} channels",
                d.colour.name(),
                d.sample.name(),
                d.n_channels
            ));
        }
        let kept = |e: &&crate::MetadataEntry| e.kind != MetadataKind::SourceFormat;
        if !allow_metadata_loss {
            losses.extend(
                info.metadata.entries.iter().filter(kept).map(|e| format!("{} {}", e.kind.name(), e.key)),
            );
        }
        let (Some((given, stored)), []) = (formats, losses.as_slice()) else {
            return Err(Error::WouldLose { format: FORMAT, losses });
        };
        let stored = if codec == "ffv1" { stored } else { "rgb24" };
        Ok(Self {
            running: None,
            info: info.clone(),
            path: path.to_owned(),
            sound,
            how: (codec, container, given, stored),
            allow_metadata_loss,
            delay: 0,
            n_written: 0,
            content: Sha256::new(),
        })
    }

    fn start(&self) -> Result<Running> {
        let (codec, container, given, stored) = self.how;
        let (d, base) = (&self.info.descriptor, self.info.time_base);
        let rate =
            format!("{}/{}", base.denominator(), u64::from(base.numerator()).saturating_mul(self.delay));
        let size = format!("{}x{}", d.width, d.height);
        let mut arguments: Vec<OsString> = Vec::new();
        let mut add = |words: &[&str]| arguments.extend(words.iter().map(OsString::from));
        add(&["-y", "-f", "rawvideo", "-pix_fmt", given, "-s", &size, "-framerate", &rate, "-i", "-"]);
        for sound in &self.sound {
            arguments.push("-i".into());
            arguments.push(program::plain(sound));
        }
        let mut add = |words: &[&str]| arguments.extend(words.iter().map(OsString::from));
        add(&["-map", "0:v"]);
        for i in 0..self.sound.len() {
            add(&["-map", &format!("{}:a", i + 1), "-c:a", "copy"]);
        }
        add(&["-c:v", codec, "-pix_fmt", stored, "-fps_mode", "passthrough", "-fflags", "+bitexact"]);
        if codec == "ffv1" {
            add(&["-level", "3", "-slicecrc", "1", "-flags:v", "+bitexact"]);
        } else {
            add(&["-qp", "0", "-preset", "medium"]);
        }
        add(&["-f", container]);
        arguments.push(program::plain(&self.path));
        let arguments: Vec<_> = arguments.iter().map(OsString::as_os_str).collect();
        program::start("ffmpeg", &arguments, true)
    }

    /// Compares what was written with what was given.
    fn check(&self) -> Result<()> {
        let mut running = reader::start(&self.path, self.how.2)?;
        let mut content = Sha256::new();
        let mut part = vec![0; 1 << 18];
        while let Some(stdout) = &mut running.child.stdout {
            match stdout.read(&mut part).map_err(|e| Error::io("ffmpeg", e))? {
                0 => break,
                n => content.update(&part[..n]),
            }
        }
        running.finish()?;
        if content.finalize() != self.content.clone().finalize() {
            return Err(Error::source_format(NAME, "ffmpeg gives other pixels than it was given"));
        }
        Ok(())
    }
}

impl AnimationWriter for VideoWriter {
    fn write_frame(&mut self, frame: &Frame) -> Result<()> {
        let index = self.n_written;
        check_frame(FORMAT, &self.info, frame, index, self.allow_metadata_loss)?;
        let lost = |what: String| Error::WouldLose { format: FORMAT, losses: vec![what] };
        if index == 0 {
            if frame.delay == 0 {
                return Err(lost("a frame that is not shown".into()));
            }
            self.delay = frame.delay;
            self.running = Some(self.start()?);
        } else if frame.delay != self.delay {
            return Err(lost(format!("frame {index} is shown longer or shorter than others")));
        }
        self.content.update(&frame.samples);
        self.n_written += 1;
        let Some(running) = &mut self.running else { return Ok(()) };
        let written = running.child.stdin.as_mut().map(|stdin| stdin.write_all(&frame.samples));
        if let Some(Err(error)) = written {
            // What it said tells more than the broken pipe.
            running.finish()?;
            return Err(Error::io("ffmpeg", error));
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        let mut running =
            self.running.take().ok_or_else(|| Error::invalid("a video has at least one frame"))?;
        running.finish()?;
        self.check()
    }
}
