//! Tiles with holes: `docs/codecs.md` §6.

use holotype::{ImageDescriptor, ImageOptions, Mode, PreviewChoice, SampleType};

/// Name, descriptor, samples and options of each archive with one image `a`.
pub(crate) fn images() -> Vec<(String, ImageDescriptor, Vec<u8>, ImageOptions)> {
    let mut all = Vec::new();
    for (mode_name, mode) in [("standard", Mode::Standard), ("archival", Mode::Archival)] {
        for (kind, sample, hole) in [
            ("u8", SampleType::U8, 255),
            ("i8", SampleType::I8, 0x80),
            ("u16", SampleType::U16, 0),
            ("i16", SampleType::I16, 0x8000),
            ("f16", SampleType::F16, 0xFC00),
        ] {
            let image = ImageDescriptor::new(61, 47, 1, sample);
            let options = ImageOptions::new(mode).with_preview(PreviewChoice::Off);
            all.push((format!("holes-{kind}-{mode_name}"), image, depths(sample, hole), options));
        }
    }
    all
}

/// A slope with noise and round holes, one of them in the corner.
fn depths(sample: SampleType, hole: u16) -> Vec<u8> {
    let mut state = u64::from(hole);
    let mut out = Vec::new();
    for (y, x) in (0..47_u16).flat_map(|y| (0..61_u16).map(move |x| (y, x))) {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let is_hole = (x % 19).abs_diff(9) + (y % 17).abs_diff(8) < 5 || y == 0 && x < 4;
        let value = if is_hole { hole } else { 80 + x / 3 + y / 2 + (state >> 61) as u16 / 3 };
        out.extend_from_slice(&value.to_le_bytes()[..sample.n_bytes()]);
    }
    out
}
