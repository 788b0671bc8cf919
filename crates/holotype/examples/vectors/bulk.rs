//! Copies whose literals are decoded in bulk: `docs/codecs/indexed.md` §8.

use holotype::{ImageDescriptor, ImageOptions, Mode, PreviewChoice, SampleType};

/// Name, descriptor, samples and options of each archive with one image `a`.
pub(crate) fn images() -> Vec<(String, ImageDescriptor, Vec<u8>, ImageOptions)> {
    let options = ImageOptions::new(Mode::Standard).with_preview(PreviewChoice::Off);
    // Of fewer than 4096 literals there is one stream.
    let kinds = [
        ("bulk-rgb", 300, 240, 3),
        ("bulk-one-stream", 160, 112, 3),
        ("bulk-rgba", 270, 250, 4),
        ("bulk-two-channels", 310, 220, 2),
    ];
    let describe = |(name, width, height, n_channels): (&str, u32, u32, u16)| {
        let image = ImageDescriptor::new(width, height, n_channels, SampleType::U8);
        let content = speckled(&image);
        (name.to_owned(), image, content, options)
    };
    kinds.into_iter().map(describe).collect()
}

/// Flat areas and repeated marks, speckled with pixels that nothing foretells.
fn speckled(image: &ImageDescriptor) -> Vec<u8> {
    let (width, n_channels) = (image.width as usize, usize::from(image.n_channels));
    let mut state = u64::from(image.width);
    let mut random = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize
    };
    let mut out = Vec::new();
    for i in 0..image.n_pixels() as usize {
        let (x, y) = (i % width, i / width);
        let flat = if x % 90 < 60 { 240 } else { 31 + y / 70 * 8 };
        let mark = 0x5af3 >> (x % 7 + y % 12) & 1;
        let ground = if y % 40 < 12 && mark == 1 { 90 + x / 64 } else { flat };
        let is_speck = random() % 7 == 0 && y % 100 < 80;
        let speck = random();
        for c in 0..n_channels {
            // The fourth channel is always the same.
            let speck = if is_speck { speck >> (7 * c) & 31 } else { 0 };
            let sample = if c == 3 { 255 } else { ground + 3 * c - speck.min(ground) };
            out.push(sample.min(255) as u8);
        }
    }
    out
}
