use super::{Frame, open_animated};
use crate::formats::AnimationReader;
use crate::{Error, ImageDescriptor, Limits, Result};
use std::path::Path;

/// The subsampled channels of a video as frames: the file is read once more for them.
pub(super) struct ChromaFrames {
    reader: Box<dyn AnimationReader>,
    descriptor: ImageDescriptor,
}

impl ChromaFrames {
    pub(super) fn open(path: &Path, descriptor: ImageDescriptor, allow_approximate: bool) -> Result<Self> {
        let reader = open_animated(path, &Limits::default(), allow_approximate)?;
        Ok(Self { reader: reader.ok_or_else(changed)?, descriptor })
    }

    /// The next, shown as long as its frame.
    pub(super) fn next(&mut self) -> Result<Option<Frame>> {
        let Some(frame) = self.reader.next_frame()? else { return Ok(None) };
        let samples = self.reader.take_chroma().ok_or_else(changed)?;
        Ok(Some(Frame::new(self.descriptor.clone(), samples, frame.delay)))
    }
}

fn changed() -> Error {
    Error::invalid("the video changed while it was read")
}
