use super::Frame;
use crate::formats::{self, AnimationFormat, AnimationInfo, AnimationWriter};
use crate::image::preview::PreviewBuilder;
use crate::{
    AnimationItem, Archive, Error, FileOutput, FrameCache, Metadata, Replace, Result, memory, video,
};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// How an animation is written in another format.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AnimationExportOptions {
    /// Which frames; by default all.
    pub frames: Option<Range<u64>>,
    /// Write even where the format cannot hold all metadata, or the sound.
    pub allow_metadata_loss: bool,
    /// What becomes of an existing file; by default it is an error.
    pub replace: Replace,
    /// Threads; 0 (default) uses what the machine offers.
    pub n_threads: usize,
    /// Previews of the frames, at most 128 pixels a side, instead of the frames. No metadata, no sound.
    pub previews: bool,
}

impl Default for AnimationExportOptions {
    fn default() -> Self {
        Self {
            frames: None,
            allow_metadata_loss: false,
            replace: Replace::Never,
            n_threads: 0,
            previews: false,
        }
    }
}

impl AnimationExportOptions {
    /// Sets [`Self::frames`].
    #[must_use]
    pub fn with_frames(mut self, frames: Range<u64>) -> Self {
        self.frames = Some(frames);
        self
    }

    /// Sets [`Self::allow_metadata_loss`].
    #[must_use]
    pub fn with_metadata_loss(mut self, allow: bool) -> Self {
        self.allow_metadata_loss = allow;
        self
    }

    /// Sets [`Self::replace`].
    #[must_use]
    pub fn with_replace(mut self, replace: Replace) -> Self {
        self.replace = replace;
        self
    }

    /// Sets [`Self::n_threads`].
    #[must_use]
    pub fn with_n_threads(mut self, n: usize) -> Self {
        self.n_threads = n;
        self
    }

    /// Sets [`Self::previews`].
    #[must_use]
    pub fn with_previews(mut self, previews: bool) -> Self {
        self.previews = previews;
        self
    }
}

/// True if [`export_animation`] writes files of this extension: `apng`, `png`, `gif`, `webp`, `y4m`, `mkv`, `avi`,
/// `mp4`.
#[must_use]
pub fn holds_animation(extension: &str) -> bool {
    AnimationFormat::from_extension(extension).is_some() || video::holds(extension)
}

/// Writes an animation as a file of the format its extension says, exactly or not at all; videos by `ffmpeg`. Returns the
/// number of frames.
///
/// # Errors
/// `InvalidArgument` if no such format is known; `WouldLose` if it cannot hold the frames, their delays, metadata or
/// sound; `Corrupt` if a frame is damaged; `Unsupported` if `ffmpeg` is missing; `Io`.
pub fn export_animation(
    archive: &Archive,
    animation: &AnimationItem<'_>,
    path: &Path,
    options: &AnimationExportOptions,
) -> Result<u64> {
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
    let description = animation.description();
    let frames = options.frames.clone().unwrap_or(0..description.n_frames);
    if frames.start >= frames.end || frames.end > description.n_frames {
        return Err(Error::invalid(format!("there are {} frames", description.n_frames)));
    }
    let mut source = Frames::new(animation, frames.clone(), options)?;
    let mut info = AnimationInfo::new(source.descriptor()?);
    info.n_frames = Some(frames.end - frames.start);
    (info.loop_count, info.time_base) = (description.loop_count, description.time_base);
    info.chroma = source.chroma_descriptor()?;
    let has_sound = !description.audio.is_empty() && !options.previews;
    if !options.previews {
        info.metadata = animation.metadata()?;
    }
    let allows = options.allow_metadata_loss || options.previews;
    if let Some(format) = AnimationFormat::from_extension(extension) {
        if has_sound && !allows {
            return Err(Error::WouldLose {
                format: "an animation without sound",
                losses: vec!["sound".into()],
            });
        }
        let mut out = FileOutput::create(path, options.replace)?;
        let writer = formats::create_animation(format, Box::new(&mut out), &info, allows)?;
        write(&mut source, writer)?;
        out.commit()?;
    } else if video::holds(extension) {
        if options.replace == Replace::Never && path.exists() {
            return Err(Error::io(path, std::io::ErrorKind::AlreadyExists.into()));
        }
        // The program asks for a path: files beside it, gone in the end.
        let beside = Beside::new(path);
        let mut sound = Vec::new();
        if has_sound {
            for (i, name) in description.audio.iter().enumerate() {
                let file = beside.path(&format!("sound{i}"));
                std::fs::write(&file, archive.audio(name)?.read()?).map_err(|e| Error::io(&file, e))?;
                sound.push(file);
            }
        }
        let partial = beside.path("video");
        let writer = video::VideoWriter::create(&partial, extension, &info, sound, allows)?;
        write(&mut source, Box::new(writer))?;
        std::fs::File::open(&partial).and_then(|file| file.sync_all()).map_err(|e| Error::io(&partial, e))?;
        std::fs::rename(&partial, path).map_err(|e| Error::io(path, e))?;
    } else {
        return Err(Error::invalid(format!("no animation is `.{extension}`")));
    }
    Ok(frames.end - frames.start)
}

fn write(source: &mut Frames<'_, '_>, mut writer: Box<dyn AnimationWriter + '_>) -> Result<()> {
    while let Some(frame) = source.next()? {
        writer.write_frame(&frame)?;
        if let Some(samples) = source.chroma()? {
            writer.write_chroma(&samples)?;
        }
    }
    writer.finish()
}

/// Frames of an item, one after another.
struct Frames<'a, 'i> {
    animation: &'a AnimationItem<'i>,
    frames: Range<u64>,
    metadata: std::collections::BTreeMap<u64, Metadata>,
    cache: FrameCache,
    /// The animation of the subsampled channels.
    chroma: Option<(AnimationItem<'i>, FrameCache)>,
    n_threads: usize,
    previews: bool,
    /// Palettes become colours, as no format of animations has one a frame; whether with alpha.
    colours_have_alpha: bool,
}

impl<'a, 'i> Frames<'a, 'i> {
    fn new(
        animation: &'a AnimationItem<'i>,
        frames: Range<u64>,
        options: &AnimationExportOptions,
    ) -> Result<Self> {
        let metadata = if options.previews { Default::default() } else { animation.all_frame_metadata()? };
        let (n_threads, previews) = (options.n_threads, options.previews);
        let mut palettes =
            animation.description().formats.iter().filter_map(|format| format.palette.as_ref());
        let colours_have_alpha = palettes.any(|palette| !palette.alpha.is_empty());
        let chroma = if previews { None } else { animation.chroma()? };
        let chroma = chroma.map(|chroma| (chroma, FrameCache::default()));
        let cache = FrameCache::default();
        Ok(Self { animation, frames, metadata, cache, chroma, n_threads, previews, colours_have_alpha })
    }

    /// What the first's subsampled channels are.
    fn chroma_descriptor(&self) -> Result<Option<crate::ImageDescriptor>> {
        let first = |(chroma, _): &(AnimationItem<'_>, FrameCache)| chroma.frame(self.frames.start);
        Ok(self.chroma.as_ref().map(first).transpose()?.map(|info| info.descriptor))
    }

    /// The subsampled channels of the frame given last.
    fn chroma(&mut self) -> Result<Option<Vec<u8>>> {
        let frame = self.frames.start - 1;
        let Some((chroma, cache)) = &mut self.chroma else { return Ok(None) };
        let mut samples = memory::zeroed("a frame", chroma.frame_bytes(frame)?)?;
        chroma.read_frame_into(frame, &mut samples, cache, self.n_threads)?;
        Ok(Some(samples))
    }

    /// What the first is.
    fn descriptor(&self) -> Result<crate::ImageDescriptor> {
        let descriptor = self.animation.frame(self.frames.start)?.descriptor;
        Ok(match &descriptor.palette {
            _ if self.previews => PreviewBuilder::new(&descriptor).finish().descriptor(),
            Some(palette) => palette.coloured(&descriptor, self.colours_have_alpha),
            None => descriptor,
        })
    }

    fn next(&mut self) -> Result<Option<Frame>> {
        let Some(frame) = self.frames.next() else { return Ok(None) };
        let known = self.animation.frame(frame)?;
        let mut samples = memory::zeroed("a frame", self.animation.frame_bytes(frame)?)?;
        self.animation.read_frame_into(frame, &mut samples, &mut self.cache, self.n_threads)?;
        if self.previews {
            let mut builder = PreviewBuilder::new(&known.descriptor);
            builder.push_rows(&samples);
            let preview = builder.finish();
            let descriptor = preview.descriptor();
            return Ok(Some(Frame::new(descriptor, preview.pixels, known.delay)));
        }
        let metadata = self.metadata.remove(&frame).unwrap_or_default();
        let mut descriptor = known.descriptor;
        if let Some(palette) = &descriptor.palette {
            samples = palette.colours(&samples, descriptor.sample, self.colours_have_alpha)?;
            descriptor = palette.coloured(&descriptor, self.colours_have_alpha);
        }
        Ok(Some(Frame::new(descriptor, samples, known.delay).with_metadata(metadata)))
    }
}

/// Names of files beside one that is being made; the files are gone when it is dropped.
struct Beside {
    path: PathBuf,
    made: std::cell::RefCell<Vec<PathBuf>>,
}

impl Beside {
    fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), made: std::cell::RefCell::default() }
    }

    fn path(&self, what: &str) -> PathBuf {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        let path = self.path.with_file_name(format!(".{name}.{}.{what}.partial", std::process::id()));
        self.made.borrow_mut().push(path.clone());
        path
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        for path in self.made.borrow().iter() {
            let _ = std::fs::remove_file(path);
        }
    }
}
