use super::chroma::ChromaFrames;
use super::encode::Encoder;
use super::{AnimationOptions, Frame, FrameFiles, TimeBase, open_animated, wire};
use crate::{Error, ImageOptions, Limits, Result, Writer};
use std::io::Write;
use std::path::PathBuf;

/// How frames are added to an animation that is there; what it says of itself stays.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AnimationAppendOptions {
    /// How tiles of new frames are coded.
    pub image: ImageOptions,
    /// A frame coded alone at least every so many frames, 1 to 256; default 24.
    pub key_interval: u32,
    /// Names of further audio items that go with it, beside those it has.
    pub audio: Vec<String>,
}

impl Default for AnimationAppendOptions {
    fn default() -> Self {
        let AnimationOptions { image, key_interval, audio, .. } = AnimationOptions::default();
        Self { image, key_interval, audio }
    }
}

impl AnimationAppendOptions {
    /// Sets [`Self::image`].
    #[must_use]
    pub fn with_image(mut self, image: ImageOptions) -> Self {
        self.image = image;
        self
    }

    /// Sets [`Self::key_interval`].
    #[must_use]
    pub fn with_key_interval(mut self, n: u32) -> Self {
        self.key_interval = n;
        self
    }

    /// Sets [`Self::audio`].
    #[must_use]
    pub fn with_audio(mut self, names: Vec<String>) -> Self {
        self.audio = names;
        self
    }
}

impl<W: Write> Writer<W> {
    /// Adds frames to an animation of the revision before, whose blocks are named and not stored again; the animation of
    /// that revision stays as it is. Returns how many frames it has now.
    ///
    /// New frames are coded as if all had been added at once. The first time frames are added, those before are decoded
    /// and compared with the content's hash; from then on only those that new frames may be coded against.
    ///
    /// # Errors
    /// `InvalidArgument` if this writer does not append, the item is no animation or was added to this revision, there
    /// is neither a frame nor a sound to add, or a frame or name does not fit; `NotFound`; `Corrupt` if what is there is
    /// damaged; what `next` returns; `Io`.
    ///
    /// # Examples
    /// ```
    /// use holotype::{AnimationAppendOptions, AnimationOptions, Archive, Frame, ImageDescriptor, SampleType, Writer, WriterOptions};
    /// let frame = |i| Frame::new(ImageDescriptor::new(2, 1, 1, SampleType::U8), vec![i, 7], 40);
    /// let mut writer = Writer::new(Vec::new(), WriterOptions::default())?;
    /// let mut first = (0..5).map(frame);
    /// writer.add_animation("sky", &mut || Ok(first.next()), &AnimationOptions::default())?;
    /// let monday = writer.finish()?.0;
    ///
    /// let mut writer = Writer::append(Archive::from_bytes(monday.clone())?, Vec::new(), WriterOptions::default())?;
    /// let mut more = (5..8).map(frame);
    /// assert_eq!(writer.append_frames("sky", &mut || Ok(more.next()), &AnimationAppendOptions::default())?, 8);
    /// let tuesday = [monday, writer.finish()?.0].concat();
    /// assert_eq!(Archive::from_bytes(tuesday)?.animation("sky")?.read_frame(7)?, [7, 7]);
    /// # Ok::<(), holotype::Error>(())
    /// ```
    pub fn append_frames(
        &mut self,
        name: &str,
        next: &mut dyn FnMut() -> Result<Option<Frame>>,
        options: &AnimationAppendOptions,
    ) -> Result<u64> {
        let archive = self.base_with(name)?;
        let before = archive.animation(name)?;
        let AnimationAppendOptions { image, key_interval, audio } = options;
        let mut description = before.description().clone();
        for track in audio {
            if description.audio.contains(track) {
                return Err(Error::invalid(format!("`{name}` has the sound `{track}` already")));
            }
            description.audio.push(track.clone());
        }
        let mut item = before.item().record().clone();
        let Some(first) = next()? else {
            if audio.is_empty() {
                return Err(Error::invalid("there is neither a frame nor a sound to add"));
            }
            let described = wire::decode_descriptor(&item.descriptor);
            let described = described.ok_or_else(|| Error::invalid("the animation cannot be described"))?;
            let n_frames = description.n_frames;
            item.descriptor = wire::encode_descriptor(&wire::Described { description, ..described });
            self.add_item_at(item)?;
            return Ok(n_frames);
        };
        let coding = AnimationOptions::default()
            .with_image(*image)
            .with_key_interval(*key_interval)
            .with_poster(description.poster);
        coding.check()?;
        let mut encoder = Encoder::resume(&coding, before.ending(image.n_threads)?);
        before.drop_tables(&mut item);
        let mut first = Some(first);
        self.add_frames(&mut item, &mut encoder, &mut || {
            first.take().map_or_else(&mut *next, |f| Ok(Some(f)))
        })?;
        description.n_frames = encoder.records.len() as u64;
        let n_frames = description.n_frames;
        self.describe(&mut item, encoder, description, true)?;
        self.add_item_at(item)?;
        Ok(n_frames)
    }

    /// Adds the frames of files to an animation of the revision before, as [`Self::append_frames`] does: those of
    /// animations and videos, or every image of each file. Sound and metadata of these files as a whole are not taken.
    ///
    /// `timing` is the unit and the delay of every frame; without it the delays are those that a file alone tells, or that
    /// of the animation's last frame.
    ///
    /// # Errors
    /// As [`Self::append_frames`] and [`FrameFiles::next_frame`]; `InvalidArgument` if a delay is no whole number of the
    /// animation's ticks.
    pub fn append_frame_files(
        &mut self,
        name: &str,
        paths: &[PathBuf],
        timing: Option<(TimeBase, u64)>,
        allow_approximate: bool,
        options: &AnimationAppendOptions,
    ) -> Result<u64> {
        let archive = self.base_with(name)?;
        let before = archive.animation(name)?;
        let own = before.description().time_base;
        let alone = match paths {
            [path] => open_animated(path, &Limits::default(), allow_approximate)?,
            _ => None,
        };
        let chroma = alone.as_ref().and_then(|reader| reader.info().chroma.clone());
        if chroma.is_some() != before.description().chroma.is_some() && !paths.is_empty() {
            return Err(Error::invalid(
                "of the animation and the new frames one has subsampled colour, one not",
            ));
        }
        if let Some(mut reader) = alone {
            let base = reader.info().time_base;
            let timed = |frame: Option<Frame>| -> Result<Option<Frame>> {
                let Some(mut frame) = frame else { return Ok(None) };
                let (base, delay) = timing.unwrap_or((base, frame.delay));
                frame.delay = base.ticks_of(delay, own)?;
                Ok(Some(frame))
            };
            if let (Some(name), Some(descriptor), [path]) = (&before.description().chroma, chroma, paths) {
                let mut frames = ChromaFrames::open(path, descriptor, allow_approximate)?;
                let mut next = || timed(frames.next()?);
                self.append_frames(name, &mut next, &options.clone().with_audio(Vec::new()))?;
            }
            return self.append_frames(name, &mut || timed(reader.next_frame()?), options);
        }
        let delay = match timing {
            Some((base, delay)) => base.ticks_of(delay, own)?,
            None => before.delays()?.last().copied().unwrap_or(0),
        };
        let mut files = FrameFiles::new(paths.to_vec(), delay).with_approximate(allow_approximate);
        self.append_frames(name, &mut || files.next_frame(), options)
    }
}
