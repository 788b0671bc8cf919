//! Lanes coded by tables: `docs/codecs/lanes.md` §5.

use holotype::{ImageDescriptor, ImageOptions, Mode, PreviewChoice, SampleType};

/// Name, descriptor, samples and options of each archive with one image `a`.
pub(crate) fn images() -> Vec<(String, ImageDescriptor, Vec<u8>, ImageOptions)> {
    let options = ImageOptions::new(Mode::Fast).with_preview(PreviewChoice::Off);
    let kinds = [
        ("lanes-tables-gray16", 230, 250, 1, SampleType::U16),
        ("lanes-tables-far16", 257, 220, 1, SampleType::U16),
        ("lanes-tables-rgb16", 150, 131, 3, SampleType::U16),
        ("lanes-tables-f16", 190, 290, 1, SampleType::F16),
    ];
    let describe = |(name, width, height, n_channels, sample): (&str, u32, u32, u16, SampleType)| {
        let image = ImageDescriptor::new(width, height, n_channels, sample);
        let content = slopes(&image, name.contains("far"));
        (name.to_owned(), image, content, options)
    };
    kinds.into_iter().map(describe).collect()
}

/// Long slopes with a little noise; if `has_far`, now and then a number far off.
fn slopes(image: &ImageDescriptor, has_far: bool) -> Vec<u8> {
    let n_channels = usize::from(image.n_channels);
    let mut state = u64::from(image.width);
    let mut out = Vec::new();
    for i in 0..image.n_pixels() as usize * n_channels {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (x, y) = (i / n_channels % image.width as usize, i / n_channels / image.width as usize);
        let noise = (state >> 40) as usize;
        let far = if has_far && noise.is_multiple_of(61) { noise >> 8 & 0x3FFF } else { 0 };
        let slope = x * (1 + i % n_channels) / 7 + y * y / 90;
        let value = 9000 + slope + usize::from(noise.is_multiple_of(31)) + far;
        out.extend_from_slice(&(value as u16).to_le_bytes());
    }
    out
}
