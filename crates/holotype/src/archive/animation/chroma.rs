//! The subsampled channels of frames, which are an animation beside it.

use super::AnimationItem;
use crate::{Error, ImageDescriptor, Result};
use holotype_container::ItemKind;

/// How many pixels, across and down, one of the subsampled channels may stand for.
const ACROSS: [u32; 3] = [1, 2, 4];
const DOWN: [u32; 2] = [1, 2];

impl<'a> AnimationItem<'a> {
    /// The animation that holds the subsampled channels of these frames: Cb and Cr of video whose frames here are Y.
    ///
    /// # Errors
    /// `Corrupt` if it is not there or its frames do not fit these; `Io`.
    pub fn chroma(&self) -> Result<Option<AnimationItem<'a>>> {
        let Some(name) = &self.description().chroma else { return Ok(None) };
        let missing = || self.item.broken("it names subsampled channels that are not there");
        let item = match self.item.archive().item(name) {
            Ok(item) if item.kind() == ItemKind::Animation => item,
            Ok(_) | Err(Error::NotFound { .. }) => return Err(missing()),
            Err(error) => return Err(error),
        };
        let chroma = AnimationItem::open(item)?;
        let unfit = || self.item.broken("its subsampled channels do not fit its frames");
        let n_frames = self.description().n_frames;
        if chroma.description().n_frames != n_frames || chroma.description().chroma.is_some() {
            return Err(unfit());
        }
        for frame in 0..n_frames {
            let (own, other) = (self.record(frame)?, chroma.record(frame)?);
            if !is_subsampled(self.format(own)?.0, chroma.format(other)?.0) {
                return Err(unfit());
            }
        }
        Ok(Some(chroma))
    }
}

fn is_subsampled(own: &ImageDescriptor, chroma: &ImageDescriptor) -> bool {
    let is_part = |whole: u32, part: u32, steps: &[u32]| steps.iter().any(|n| whole.div_ceil(*n) == part);
    chroma.n_channels == 2
        && (own.sample, own.bits_per_sample) == (chroma.sample, chroma.bits_per_sample)
        && is_part(own.width, chroma.width, &ACROSS)
        && is_part(own.height, chroma.height, &DOWN)
}
