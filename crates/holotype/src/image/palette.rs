//! Palette images as the colours they mean.

use super::{Alpha, ColourModel, ImageDescriptor, Palette};
use crate::{Error, Result};
use holotype_codec::SampleType;

impl Palette {
    /// What `image`, whose palette this is, is in colours: RGB of the palette's bits, with alpha if asked for.
    pub(crate) fn coloured(&self, image: &ImageDescriptor, has_alpha: bool) -> ImageDescriptor {
        ImageDescriptor {
            n_channels: 3 + u16::from(has_alpha),
            sample: if self.bits == 16 { SampleType::U16 } else { SampleType::U8 },
            bits_per_sample: self.bits,
            colour: ColourModel::Rgb,
            alpha: if has_alpha { Alpha::Straight } else { Alpha::None },
            palette: None,
            channel_names: Vec::new(),
            ..image.clone()
        }
    }

    /// The samples of [`Self::coloured`] from indices of one or two bytes.
    ///
    /// # Errors
    /// `WouldLose` if an index has no colour, or is of another type.
    pub(crate) fn colours(&self, indices: &[u8], sample: SampleType, has_alpha: bool) -> Result<Vec<u8>> {
        let n_bytes = usize::from(self.bits / 8);
        let full = if n_bytes == 2 { u16::MAX } else { u16::from(u8::MAX) };
        let pixel = |index: usize| -> Option<Vec<u8>> {
            let alpha = self.alpha.get(index).map_or(full, |alpha| u16::from(*alpha) * (full / 255));
            let channels = self.rgb.get(index)?.iter().copied().chain(has_alpha.then_some(alpha));
            Some(channels.flat_map(|value| value.to_le_bytes().into_iter().take(n_bytes)).collect())
        };
        let table: Vec<Vec<u8>> = (0..self.rgb.len()).map_while(pixel).collect();
        let refused = |loss: String| Error::WouldLose { format: "an image in colours", losses: vec![loss] };
        let mut out =
            Vec::with_capacity(indices.len() / sample.n_bytes() * (3 + usize::from(has_alpha)) * n_bytes);
        let mut push = |index: usize| -> Result<()> {
            let n = table.len();
            let colour = table.get(index).ok_or_else(|| refused(format!("index {index} of {n} colours")))?;
            out.extend_from_slice(colour);
            Ok(())
        };
        match sample {
            SampleType::U8 | SampleType::Bool => indices.iter().try_for_each(|i| push(usize::from(*i)))?,
            SampleType::U16 => {
                let (pairs, _) = indices.as_chunks::<2>();
                pairs.iter().try_for_each(|pair| push(usize::from(u16::from_le_bytes(*pair))))?;
            }
            other => return Err(refused(format!("indices of type {}", other.name()))),
        }
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_become_colours() {
        let palette = Palette { bits: 8, rgb: vec![[1, 2, 3], [4, 5, 6]], alpha: vec![7] };
        let image = ImageDescriptor::new(2, 1, 1, SampleType::U8).with_palette(palette.clone());
        let coloured = palette.coloured(&image, true);
        assert_eq!(coloured, ImageDescriptor::new(2, 1, 4, SampleType::U8));
        assert_eq!(palette.colours(&[1, 0], SampleType::U8, true).unwrap(), [4, 5, 6, 255, 1, 2, 3, 7]);
        assert_eq!(palette.colours(&[1, 0], SampleType::U8, false).unwrap(), [4, 5, 6, 1, 2, 3]);
        assert!(matches!(palette.colours(&[2], SampleType::U8, false), Err(Error::WouldLose { .. })));
        let deep = Palette { bits: 16, rgb: vec![[0x0102, 3, 4]], alpha: Vec::new() };
        let found = deep.colours(&[0, 0], SampleType::U16, true).unwrap();
        assert_eq!(found, [2, 1, 3, 0, 4, 0, 255, 255]);
    }
}
