//! Wide samples by digits: `docs/codecs.md` §5.

use holotype::{ImageDescriptor, ImageOptions, Mode, PreviewChoice, SampleType};

/// Name, descriptor, samples and options of each archive with one image `a`.
pub(crate) fn images() -> Vec<(String, ImageDescriptor, Vec<u8>, ImageOptions)> {
    let mut all = Vec::new();
    for (mode_name, mode) in
        [("fast", Mode::Fast), ("standard", Mode::Standard), ("archival", Mode::Archival)]
    {
        for (kind, has_void) in [("full", false), ("void", true)] {
            let image = ImageDescriptor::new(37, 29, 1, SampleType::F32);
            let options = ImageOptions::new(mode).with_preview(PreviewChoice::Off);
            all.push((format!("digits-{kind}-{mode_name}"), image, floats(37, 29, has_void), options));
        }
    }
    for (name, image) in [
        ("digits-f64", ImageDescriptor::new(19, 17, 1, SampleType::F64)),
        ("digits-u32-two", ImageDescriptor::new(23, 21, 2, SampleType::U32)),
    ] {
        let n = image.n_pixels() * u64::from(image.n_channels) * image.sample.n_bytes() as u64 / 4;
        let content = floats(19, n as u32 / 19, false);
        let content = content.iter().copied().chain(std::iter::repeat(7)).take(4 * n as usize).collect();
        let options = ImageOptions::new(Mode::Standard).with_preview(PreviewChoice::Off);
        all.push((name.to_owned(), image, content, options));
    }
    all
}

/// A smooth field of floats with noise in their low digits; NaN outside a disc if there is a void.
fn floats(width: u32, height: u32, has_void: bool) -> Vec<u8> {
    let mut state = u64::from(width);
    let mut out = Vec::new();
    for y in 0..height {
        for x in 0..width {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let (dx, dy) = (x.abs_diff(width / 2), y.abs_diff(height / 2));
            let is_void = has_void && dx * dx + dy * dy > width * height / 8;
            // 2^7 to 2^8, rising by columns and rows; sixteen low bits of noise.
            let value = 0x4300_0000 | (x * 3 + y * 2) << 16 | (state >> 48) as u32;
            out.extend_from_slice(&if is_void { f32::NAN.to_bits() } else { value }.to_le_bytes());
        }
    }
    out
}
