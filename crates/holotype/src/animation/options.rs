use super::TimeBase;
use crate::{Error, ImageOptions, Metadata, Result};

/// Most frames from a key frame to the next that a writer may be asked for.
pub(crate) const MAX_KEY_INTERVAL: u32 = 256;

/// How an animation is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AnimationOptions {
    /// How tiles are coded, and whether there is a preview.
    pub image: ImageOptions,
    /// How often it is shown; 0 (default) for ever.
    pub loop_count: u64,
    /// Unit of delays; default milliseconds.
    pub time_base: TimeBase,
    /// A frame coded alone at least every so many frames, 1 to 256; default 24. It bounds what reading any frame
    /// takes, and what damage takes with it; 1 codes every frame alone.
    pub key_interval: u32,
    /// Number of the frame the preview is made of; default 0.
    pub poster: u64,
    /// Names of the audio items that go with it, added before or after.
    pub audio: Vec<String>,
    /// Name of the animation that holds the subsampled channels of the frames, added before or after.
    pub chroma: Option<String>,
    /// Metadata of the animation as a whole.
    pub metadata: Metadata,
}

impl Default for AnimationOptions {
    fn default() -> Self {
        Self {
            image: ImageOptions::default(),
            loop_count: 0,
            time_base: TimeBase::default(),
            key_interval: 24,
            poster: 0,
            audio: Vec::new(),
            chroma: None,
            metadata: Metadata::default(),
        }
    }
}

impl AnimationOptions {
    /// Sets [`Self::image`].
    #[must_use]
    pub fn with_image(mut self, image: ImageOptions) -> Self {
        self.image = image;
        self
    }

    /// Sets [`Self::loop_count`].
    #[must_use]
    pub fn with_loop_count(mut self, n: u64) -> Self {
        self.loop_count = n;
        self
    }

    /// Sets [`Self::time_base`].
    #[must_use]
    pub fn with_time_base(mut self, time_base: TimeBase) -> Self {
        self.time_base = time_base;
        self
    }

    /// Sets [`Self::key_interval`].
    #[must_use]
    pub fn with_key_interval(mut self, n: u32) -> Self {
        self.key_interval = n;
        self
    }

    /// Sets [`Self::poster`].
    #[must_use]
    pub fn with_poster(mut self, frame: u64) -> Self {
        self.poster = frame;
        self
    }

    /// Sets [`Self::audio`].
    #[must_use]
    pub fn with_audio(mut self, names: Vec<String>) -> Self {
        self.audio = names;
        self
    }

    /// Sets [`Self::chroma`].
    #[must_use]
    pub fn with_chroma(mut self, name: Option<String>) -> Self {
        self.chroma = name;
        self
    }

    /// Sets [`Self::metadata`].
    #[must_use]
    pub fn with_metadata(mut self, metadata: Metadata) -> Self {
        self.metadata = metadata;
        self
    }

    pub(crate) fn check(&self) -> Result<()> {
        if !(1..=MAX_KEY_INTERVAL).contains(&self.key_interval) {
            return Err(Error::invalid(format!("key interval {} is not in 1..=256", self.key_interval)));
        }
        Ok(())
    }
}
