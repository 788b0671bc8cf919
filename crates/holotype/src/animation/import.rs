use super::chroma::ChromaFrames;
use super::{AnimationOptions, AudioTrack, Frame, FrameFiles, TimeBase, open_animated};
use crate::{Limits, PreviewChoice, Result, Writer, video};
use std::io::Write;
use std::path::PathBuf;

/// Milliseconds of a frame where nobody says.
const DEFAULT_DELAY: u64 = 100;

/// How files become an animation.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct AnimationImportOptions {
    /// How it is stored. Time base, loop count and metadata are those of the file, if it is one that tells them; audio
    /// too if none is named.
    pub animation: AnimationOptions,
    /// Unit and delay of every frame, whatever the file says.
    pub timing: Option<(TimeBase, u64)>,
    /// How often it is shown, whatever the file says; 0 for ever.
    pub loop_count: Option<u64>,
    /// Also takes what decoders may disagree about, as [`open_animated`] says.
    pub allow_approximate: bool,
}

impl AnimationImportOptions {
    /// What is stored as `animation` says, with the times of the file.
    #[must_use]
    pub fn new(animation: AnimationOptions) -> Self {
        Self { animation, ..Self::default() }
    }

    /// Sets [`Self::timing`].
    #[must_use]
    pub fn with_timing(mut self, timing: Option<(TimeBase, u64)>) -> Self {
        self.timing = timing;
        self
    }

    /// Sets [`Self::loop_count`].
    #[must_use]
    pub fn with_loop_count(mut self, n: Option<u64>) -> Self {
        self.loop_count = n;
        self
    }

    /// Sets [`Self::allow_approximate`].
    #[must_use]
    pub fn with_approximate(mut self, allow: bool) -> Self {
        self.allow_approximate = allow;
        self
    }
}

impl<W: Write> Writer<W> {
    /// Adds an animation of files: one that is an animation or a video, with its delays, loops, metadata and, of videos,
    /// the packets of its sound; or any others, frame after frame. Returns the number of frames.
    ///
    /// # Errors
    /// As [`Writer::add_animation`] and [`FrameFiles::next_frame`].
    pub fn import_animation(
        &mut self,
        name: &str,
        paths: &[PathBuf],
        options: &AnimationImportOptions,
    ) -> Result<u64> {
        let limits = Limits::default();
        let mut animation = options.animation.clone();
        if let Some((base, _)) = options.timing {
            animation.time_base = base;
        }
        if let Some(n) = options.loop_count {
            animation.loop_count = n;
        }
        let alone = match paths {
            [path] => open_animated(path, &limits, options.allow_approximate)?.map(|reader| (path, reader)),
            _ => None,
        };
        let Some((path, mut reader)) = alone else {
            let delay = options.timing.map_or(DEFAULT_DELAY, |(_, delay)| delay);
            let files = FrameFiles::new(paths.to_vec(), delay);
            let mut files = files.with_approximate(options.allow_approximate);
            return self.add_animation(name, &mut || files.next_frame(), &animation);
        };
        let info = reader.info();
        if options.timing.is_none() {
            animation.time_base = info.time_base;
        }
        if options.loop_count.is_none() {
            animation.loop_count = info.loop_count;
        }
        if animation.metadata.entries.is_empty() {
            animation.metadata = info.metadata.clone();
        }
        let chroma = info.chroma.clone().map(|descriptor| (format!("{name}/chroma"), descriptor));
        animation.chroma = chroma.as_ref().map(|(name, _)| name.clone());
        let sound = if animation.audio.is_empty() { video::read_sound(path, &limits)? } else { None };
        let track = format!("{name}/audio/0");
        if sound.is_some() {
            animation.audio.push(track.clone());
        }
        let mut next = || -> Result<Option<Frame>> {
            let mut frame = reader.next_frame()?;
            if let (Some(frame), Some((_, delay))) = (&mut frame, options.timing) {
                frame.delay = delay;
            }
            Ok(frame)
        };
        let n_frames = self.add_animation(name, &mut next, &animation)?;
        if let Some((name, descriptor)) = chroma {
            let image = animation.image.with_preview(PreviewChoice::Off);
            let how = AnimationOptions::default()
                .with_image(image)
                .with_key_interval(animation.key_interval)
                .with_time_base(animation.time_base)
                .with_loop_count(animation.loop_count);
            let mut frames = ChromaFrames::open(path, descriptor, options.allow_approximate)?;
            let delay = options.timing.map(|(_, delay)| delay);
            let mut next = || Ok(frames.next()?.map(|f| Frame { delay: delay.unwrap_or(f.delay), ..f }));
            self.add_animation(&name, &mut next, &how)?;
        }
        if let Some(sound) = sound {
            self.add_audio(&track, &AudioTrack::new("MATROSKA"), &mut sound.as_slice())?;
        }
        Ok(n_frames)
    }
}
