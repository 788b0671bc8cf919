//! A thumbnail made while an image's rows pass by.

use super::{Alpha, ColourModel, ImageDescriptor, Metadata, PreviewChoice};
use crate::SampleType;
use crate::formats::SourceImage;

/// Longest side of a preview, in pixels.
pub const PREVIEW_EDGE: u32 = 128;
/// At most this many source pixels are averaged along each side of a preview pixel.
const MAX_SAMPLES_ALONG: u32 = 8;

/// A small 8-bit picture of an image: gray, gray + alpha, RGB or RGBA.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// Pixels per row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// 1 gray, 2 gray + alpha, 3 RGB, 4 RGBA.
    pub n_channels: u16,
    /// Row-major interleaved samples.
    pub pixels: Vec<u8>,
}

impl Preview {
    /// What the pixels are.
    #[must_use]
    pub fn descriptor(&self) -> ImageDescriptor {
        ImageDescriptor::new(self.width, self.height, self.n_channels, SampleType::U8)
    }

    /// The preview as an image to export.
    #[must_use]
    pub fn source_image(&self) -> SourceImage {
        SourceImage { descriptor: self.descriptor(), metadata: Metadata::default() }
    }
}

/// Pixels from which [`PreviewChoice::Auto`] stores a preview.
const MIN_AUTO_PREVIEW_PIXELS: u64 = 512 * 512;

/// True if an image gets a preview.
pub(crate) fn wants_preview(image: &ImageDescriptor, choice: PreviewChoice) -> bool {
    let is_larger = image.width > PREVIEW_EDGE || image.height > PREVIEW_EDGE;
    match choice {
        PreviewChoice::Auto => image.n_pixels() >= MIN_AUTO_PREVIEW_PIXELS && is_larger,
        PreviewChoice::On => is_larger,
        PreviewChoice::Off => false,
    }
}

/// Averages boxes of source pixels into preview pixels.
///
/// Integers of colour images are scaled from their significant bits to 8; grays and channels of more than
/// 8 bit, and floats, are stretched from the preview's smallest to its largest value. Palettes are expanded.
/// NaN and infinities do not count.
pub(crate) struct PreviewBuilder<'a> {
    image: &'a ImageDescriptor,
    width: u32,
    height: u32,
    n_channels: usize,
    next_row: u32,
    sums: Vec<f64>,
    counts: Vec<u32>,
    means: Vec<f64>,
}

impl<'a> PreviewBuilder<'a> {
    pub(crate) fn new(image: &'a ImageDescriptor) -> Self {
        let longest = image.width.max(image.height);
        let scale = |side: u32| {
            if longest <= PREVIEW_EDGE {
                return side;
            }
            let scaled =
                (u64::from(side) * u64::from(PREVIEW_EDGE) + u64::from(longest) / 2) / u64::from(longest);
            (scaled as u32).max(1)
        };
        let has_alpha = image.alpha != Alpha::None
            || image.palette.as_ref().is_some_and(|palette| !palette.alpha.is_empty());
        let n_colour = match image.colour {
            ColourModel::Rgb | ColourModel::Cmyk | ColourModel::Palette => 3,
            _ => 1,
        };
        let (width, height) = (scale(image.width), scale(image.height));
        let n_channels = n_colour + usize::from(has_alpha);
        let n = width as usize * n_channels;
        Self {
            image,
            width,
            height,
            n_channels,
            next_row: 0,
            sums: vec![0.0; n],
            counts: vec![0; n],
            means: Vec::with_capacity(n * height as usize),
        }
    }

    /// Takes the next whole rows of the image.
    pub(crate) fn push_rows(&mut self, rows: &[u8]) {
        let Some(row_bytes) = self.image.row_bytes() else { return };
        for row in rows.chunks_exact(row_bytes) {
            self.push_row(row);
        }
    }

    fn push_row(&mut self, row: &[u8]) {
        let y = self.next_row;
        self.next_row += 1;
        let preview_y = scaled_position(y, self.image.height, self.height);
        let box_start = box_start(preview_y, self.image.height, self.height);
        let box_end = box_start_or_end(preview_y + 1, self.image.height, self.height);
        let step = (box_end - box_start).div_ceil(MAX_SAMPLES_ALONG).max(1);
        if (y - box_start).is_multiple_of(step) {
            self.sample_row(row);
        }
        if y + 1 == box_end {
            for (sum, count) in self.sums.iter_mut().zip(&mut self.counts) {
                self.means.push(if *count == 0 { 0.0 } else { *sum / f64::from(*count) });
                *sum = 0.0;
                *count = 0;
            }
        }
    }

    fn sample_row(&mut self, row: &[u8]) {
        let pixel_bytes = self.image.pixel_bytes();
        let mut values = [0.0; 4];
        for preview_x in 0..self.width {
            let start = box_start(preview_x, self.image.width, self.width);
            let end = box_start_or_end(preview_x + 1, self.image.width, self.width);
            let step = (end - start).div_ceil(MAX_SAMPLES_ALONG).max(1) as usize;
            for x in (start as usize..end as usize).step_by(step) {
                let Some(pixel) = row.get(x * pixel_bytes..(x + 1) * pixel_bytes) else { continue };
                self.convert(pixel, &mut values);
                let at = preview_x as usize * self.n_channels;
                for (c, value) in values.iter().take(self.n_channels).enumerate() {
                    if value.is_finite() {
                        self.sums[at + c] += value;
                        self.counts[at + c] += 1;
                    }
                }
            }
        }
    }

    /// One pixel as up to four values on the scale of the source.
    fn convert(&self, pixel: &[u8], out: &mut [f64; 4]) {
        let image = self.image;
        let n = image.sample.n_bytes();
        let sample =
            |c: usize| pixel.get(c * n..(c + 1) * n).map_or(0.0, |bytes| to_f64(image.sample, bytes));
        if let Some(palette) = &image.palette {
            let index = sample(0) as usize;
            let rgb = palette.rgb.get(index).copied().unwrap_or_default();
            let scale = if palette.bits == 16 { 257.0 } else { 1.0 };
            *out = [
                f64::from(rgb[0]) / scale,
                f64::from(rgb[1]) / scale,
                f64::from(rgb[2]) / scale,
                f64::from(palette.alpha.get(index).copied().unwrap_or(255)),
            ];
            return;
        }
        let full = full_scale(image);
        match image.colour {
            ColourModel::Cmyk => {
                let light = full - sample(3);
                *out =
                    [0, 1, 2, 4].map(|c| if c < 3 { (full - sample(c)) * light / full } else { sample(c) });
            }
            ColourModel::Rgb => {
                let swap = if image.order == super::ChannelOrder::Bgr { [2, 1, 0, 3] } else { [0, 1, 2, 3] };
                *out = swap.map(sample);
            }
            ColourModel::GrayInverted => *out = [full - sample(0), sample(1), 0.0, 0.0],
            model => {
                let alpha = model.n_colour_channels().map_or(1, usize::from);
                *out = [sample(0), sample(alpha), 0.0, 0.0];
            }
        }
    }

    /// The preview, once every row was pushed.
    pub(crate) fn finish(self) -> Preview {
        let Self { image, width, height, n_channels, mut means, .. } = self;
        means.resize(width as usize * height as usize * n_channels, 0.0);
        let n_alpha = usize::from(n_channels.is_multiple_of(2));
        let full = if image.palette.is_some() { 255.0 } else { full_scale(image) };
        let is_colour = n_channels >= 3;
        let stretch = image.palette.is_none()
            && (image.sample.is_float() || (!is_colour && full > 255.0) || image.sample.n_bytes() > 2);
        let (mut low, mut high) = (0.0, full);
        if stretch {
            let colours = means.chunks_exact(n_channels).flat_map(|pixel| &pixel[..n_channels - n_alpha]);
            (low, high) = colours.fold((f64::MAX, f64::MIN), |(a, b), &v| (v.min(a), v.max(b)));
        }
        let span = if high > low { high - low } else { 1.0 };
        let pixels = means
            .iter()
            .enumerate()
            .map(|(i, &value)| {
                let is_alpha = n_alpha == 1 && i % n_channels == n_channels - 1;
                let unit = if is_alpha { value / full } else { (value - low) / span };
                (unit.clamp(0.0, 1.0) * 255.0 + 0.5) as u8
            })
            .collect();
        Preview { width, height, n_channels: n_channels as u16, pixels }
    }
}

/// The value of the brightest sample.
fn full_scale(image: &ImageDescriptor) -> f64 {
    if image.sample.is_float() {
        return 1.0;
    }
    let bits = i32::from(image.bits_per_sample) - i32::from(image.sample.is_signed_integer());
    2.0_f64.powi(bits.clamp(1, 63)) - 1.0
}

fn scaled_position(y: u32, source: u32, preview: u32) -> u32 {
    // The inverse of `box_start`: the last box that starts at or before `y`.
    let guess = (u64::from(y) * u64::from(preview) / u64::from(source)) as u32;
    if guess + 1 < preview && box_start(guess + 1, source, preview) <= y { guess + 1 } else { guess }
}

fn box_start(position: u32, source: u32, preview: u32) -> u32 {
    (u64::from(position) * u64::from(source)).div_ceil(u64::from(preview)) as u32
}

fn box_start_or_end(position: u32, source: u32, preview: u32) -> u32 {
    box_start(position, source, preview).min(source)
}

fn to_f64(sample: SampleType, bytes: &[u8]) -> f64 {
    fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
        bytes.try_into().unwrap_or([0; N])
    }
    match sample {
        SampleType::Bool | SampleType::U8 => f64::from(bytes.first().copied().unwrap_or(0)),
        SampleType::I8 => f64::from(i8::from_le_bytes(array(bytes))),
        SampleType::U16 => f64::from(u16::from_le_bytes(array(bytes))),
        SampleType::I16 => f64::from(i16::from_le_bytes(array(bytes))),
        SampleType::U32 => f64::from(u32::from_le_bytes(array(bytes))),
        SampleType::I32 => f64::from(i32::from_le_bytes(array(bytes))),
        SampleType::U64 => u64::from_le_bytes(array(bytes)) as f64,
        SampleType::I64 => i64::from_le_bytes(array(bytes)) as f64,
        SampleType::F16 => half_to_f64(u16::from_le_bytes(array(bytes))),
        SampleType::F32 => f64::from(f32::from_le_bytes(array(bytes))),
        SampleType::F64 => f64::from_le_bytes(array(bytes)),
        _ => 0.0,
    }
}

/// IEEE 754 binary16 to binary64.
fn half_to_f64(bits: u16) -> f64 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let exponent = i32::from(bits >> 10 & 31);
    let fraction = f64::from(bits & 1023);
    sign * match exponent {
        0 => fraction * 2.0_f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1024.0 + fraction) * 2.0_f64.powi(exponent - 25),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn preview(image: &ImageDescriptor, samples: &[u8]) -> Preview {
        let mut builder = PreviewBuilder::new(image);
        builder.push_rows(samples);
        builder.finish()
    }

    #[test]
    fn small_images_are_their_own_preview() {
        let image = ImageDescriptor::new(5, 3, 3, SampleType::U8);
        let samples: Vec<u8> = (0..45).collect();
        let preview = preview(&image, &samples);
        assert_eq!((preview.width, preview.height, preview.n_channels), (5, 3, 3));
        assert_eq!(preview.pixels, samples);
    }

    #[test]
    fn the_longest_side_is_128_and_means_are_kept() {
        let image = ImageDescriptor::new(1000, 500, 1, SampleType::U8);
        let preview = preview(&image, &vec![77; 500_000]);
        assert_eq!((preview.width, preview.height), (128, 64));
        assert!(preview.pixels.iter().all(|&v| v == 77));
    }

    #[test]
    fn every_size_gets_every_row() {
        for (w, h) in [(1, 1), (129, 1), (1, 129), (255, 257), (128, 1000), (4000, 3)] {
            let image = ImageDescriptor::new(w, h, 1, SampleType::U8);
            let preview = preview(&image, &vec![200; (w * h) as usize]);
            assert!(preview.width.max(preview.height) <= 128);
            assert!(preview.pixels.iter().all(|&v| v == 200), "{w} × {h}");
        }
    }

    #[test]
    fn wide_grays_and_floats_are_stretched() {
        let gray = ImageDescriptor::new(2, 1, 1, SampleType::U16);
        assert_eq!(preview(&gray, &[100, 0, 200, 0]).pixels, [0, 255]);
        let float = ImageDescriptor::new(3, 1, 1, SampleType::F32);
        let samples: Vec<u8> = [-2.0_f32, f32::NAN, 6.0].iter().flat_map(|v| v.to_le_bytes()).collect();
        assert_eq!(preview(&float, &samples).pixels, [0, 64, 255]);
        let rgb = ImageDescriptor::new(1, 1, 3, SampleType::U16);
        assert_eq!(preview(&rgb, &[0, 0, 255, 255, 0, 128]).pixels, [0, 255, 128]);
    }

    #[test]
    fn palettes_are_expanded_and_bgr_is_turned() {
        let palette = super::super::Palette { bits: 8, rgb: vec![[1, 2, 3], [4, 5, 6]], alpha: vec![7] };
        let image = ImageDescriptor::new(2, 1, 1, SampleType::U8).with_palette(palette);
        assert_eq!(preview(&image, &[0, 1]).pixels, [1, 2, 3, 7, 4, 5, 6, 255]);
        let bgr = ImageDescriptor::new(1, 1, 3, SampleType::U8).with_order(super::super::ChannelOrder::Bgr);
        assert_eq!(preview(&bgr, &[1, 2, 3]).pixels, [3, 2, 1]);
    }

    #[test]
    fn half_floats() {
        for (bits, value) in [(0x3c00, 1.0), (0xc000, -2.0), (1, 2.0_f64.powi(-24)), (0x7bff, 65504.0)] {
            assert_eq!(half_to_f64(bits), value);
        }
        assert!(half_to_f64(0x7e00).is_nan());
    }
}
