//! Pixel formats of `ffmpeg` and what they hold.

use crate::{Alpha, ColourModel, ImageDescriptor, SampleType};

/// How frames cross the pipe: packed, or planes of one size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pipe {
    /// The pixel format asked for.
    pub(super) name: &'static str,
    pub(super) n_channels: u16,
    pub(super) bits: u8,
    pub(super) is_planar: bool,
    /// The values are not those of the file.
    pub(super) is_converted: bool,
}

const fn packed(name: &'static str, n_channels: u16, bits: u8) -> Pipe {
    Pipe { name, n_channels, bits, is_planar: false, is_converted: false }
}

const fn planar(name: &'static str, bits: u8) -> Pipe {
    Pipe { name, n_channels: 3, bits, is_planar: true, is_converted: false }
}

/// How frames of a pixel format are had.
pub(super) fn pipe(format: &str) -> Pipe {
    match format {
        "gray" => packed("gray", 1, 8),
        "gray10le" => packed("gray10le", 1, 10),
        "gray12le" => packed("gray12le", 1, 12),
        "gray16le" | "gray16be" => packed("gray16le", 1, 16),
        "ya8" => packed("ya8", 2, 8),
        "rgb24" | "bgr24" | "bgr0" | "rgb0" | "0rgb" | "0bgr" | "gbrp" => packed("rgb24", 3, 8),
        "rgba" | "bgra" | "argb" | "abgr" | "gbrap" | "pal8" => packed("rgba", 4, 8),
        "rgb48le" | "rgb48be" | "gbrp16le" => packed("rgb48le", 3, 16),
        "rgba64le" | "rgba64be" | "gbrap16le" => packed("rgba64le", 4, 16),
        "yuv444p" => planar("yuv444p", 8),
        "yuvj444p" => planar("yuvj444p", 8),
        "yuv444p10le" => planar("yuv444p10le", 10),
        "yuv444p12le" => planar("yuv444p12le", 12),
        "yuv444p16le" => planar("yuv444p16le", 16),
        other => {
            let is_deep = ["9le", "10le", "12le", "14le", "16le"].iter().any(|end| other.ends_with(end));
            let plain = if is_deep { packed("rgb48le", 3, 16) } else { packed("rgb24", 3, 8) };
            Pipe { is_converted: true, ..plain }
        }
    }
}

impl Pipe {
    pub(super) fn descriptor(&self, width: u32, height: u32) -> ImageDescriptor {
        let sample = if self.bits == 8 { SampleType::U8 } else { SampleType::U16 };
        let colour = match (self.is_planar, self.n_channels) {
            (true, _) => ColourModel::YCbCr,
            (_, 1 | 2) => ColourModel::Gray,
            _ => ColourModel::Rgb,
        };
        let alpha = if self.n_channels.is_multiple_of(2) { Alpha::Straight } else { Alpha::None };
        ImageDescriptor::new(width, height, self.n_channels, sample)
            .with_bits_per_sample(self.bits)
            .with_colour(colour, alpha)
    }

    /// Samples of the pipe, interleaved.
    pub(super) fn interleave(&self, samples: Vec<u8>) -> Vec<u8> {
        if !self.is_planar {
            return samples;
        }
        let (n, size) = (usize::from(self.n_channels), if self.bits == 8 { 1 } else { 2 });
        let mut out = vec![0; samples.len()];
        for (c, plane) in samples.chunks_exact((samples.len() / n).max(1)).enumerate() {
            for (pixel, sample) in out.chunks_exact_mut(n * size).zip(plane.chunks_exact(size)) {
                pixel[c * size..(c + 1) * size].copy_from_slice(sample);
            }
        }
        out
    }
}

/// The pixel format that frames are given in, and the one FFV1 keeps them in.
pub(super) fn for_ffv1(image: &ImageDescriptor) -> Option<(&'static str, &'static str)> {
    let candidates = [
        (packed("gray", 1, 8), "gray"),
        (packed("gray16le", 1, 16), "gray16le"),
        (packed("ya8", 2, 8), "ya8"),
        (packed("rgb24", 3, 8), "bgr0"),
        (packed("rgba", 4, 8), "bgra"),
        (packed("rgb48le", 3, 16), "rgb48le"),
        (packed("rgba64le", 4, 16), "rgba64le"),
    ];
    let found = candidates.into_iter().find(|(pipe, _)| pipe.descriptor(image.width, image.height) == *image);
    found.map(|(pipe, stored)| (pipe.name, stored))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_subsampled_is_converted() {
        assert!(
            pipe("yuv420p").is_converted && pipe("nv12").is_converted && pipe("yuv422p10le").is_converted
        );
        assert_eq!(pipe("yuv420p10le").bits, 16);
        assert!(!pipe("bgr0").is_converted && !pipe("yuv444p").is_converted);
    }

    #[test]
    fn planes_become_pixels() {
        let pipe = pipe("yuv444p12le");
        assert_eq!(
            pipe.interleave(vec![1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0]),
            [1, 0, 3, 0, 5, 0, 2, 0, 4, 0, 6, 0]
        );
        assert_eq!(pipe.descriptor(2, 1).bits_per_sample, 12);
    }
}
