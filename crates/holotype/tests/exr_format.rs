//! OpenEXR through the public API: bit patterns, names, windows, attributes, hostile bytes.
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use holotype::formats::Format;
use holotype::{
    Alpha, ColourModel, ErrorKind, ImageDescriptor, Metadata, MetadataKind, SampleType, SourceImage,
};
use support::{damage, image, read, round_trip, write};

fn rgb(n: u16, sample: SampleType) -> ImageDescriptor {
    let alpha = if n == 4 { Alpha::Premultiplied } else { Alpha::None };
    ImageDescriptor::new(37, 35, n, sample).with_colour(ColourModel::Rgb, alpha)
}

fn names(list: &[&str]) -> Vec<String> {
    list.iter().map(|n| (*n).to_owned()).collect()
}

#[test]
fn every_type_and_meaning_comes_back() {
    for sample in [SampleType::F16, SampleType::F32, SampleType::U32] {
        // All bit patterns, so also NaNs with payloads, infinities and negative zeros.
        round_trip(Format::Exr, &image(rgb(3, sample), "exr"));
        round_trip(Format::Exr, &image(rgb(4, sample), "exr"));
        round_trip(Format::Exr, &image(ImageDescriptor::new(5, 16, 1, sample), "exr"));
        let gray =
            ImageDescriptor::new(5, 17, 2, sample).with_colour(ColourModel::Gray, Alpha::Premultiplied);
        round_trip(Format::Exr, &image(gray, "exr"));
        let bands = ImageDescriptor::new(3, 2, 3, sample)
            .with_colour(ColourModel::Channels, Alpha::None)
            .with_channel_names(names(&["Z", "a very long name of more than 31 bytes", "b.R"]));
        round_trip(Format::Exr, &image(bands, "exr"));
        let more = rgb(5, sample).with_channel_names(names(&["R", "G", "B", "Z", "id"]));
        round_trip(Format::Exr, &image(more, "exr"));
    }
}

#[test]
fn special_floats_keep_their_bits() {
    let patterns = [0x7fc0_0001_u32, 0xffff_ffff, 0x7f80_0001, 0x8000_0000, 0x7f80_0000, 1];
    let samples: Vec<u8> = patterns.iter().flat_map(|p| p.to_le_bytes()).collect();
    let (mut source, _) = image(ImageDescriptor::new(6, 1, 1, SampleType::F32), "exr");
    round_trip(Format::Exr, &(source.clone(), samples));
    source.descriptor = ImageDescriptor::new(256, 256, 1, SampleType::F16);
    let samples: Vec<u8> = (0..=u16::MAX).flat_map(u16::to_le_bytes).collect();
    round_trip(Format::Exr, &(source, samples));
}

#[test]
fn attributes_and_windows_are_verbatim() {
    let (mut source, samples) = image(rgb(3, SampleType::F16), "exr");
    source.metadata.entries.clear();
    let mut push = |name: &str, data: &[u8]| source.metadata.push(MetadataKind::ExrAttribute, name, data);
    let window = |numbers: [i32; 4]| -> Vec<u8> {
        [&b"box2i\0"[..], &numbers.map(i32::to_le_bytes).concat()].concat()
    };
    push("dataWindow", &window([-5, 7, 31, 41]));
    push("displayWindow", &window([0, 0, 99, 99]));
    push("pixelAspectRatio", &[&b"float\0"[..], &2.0_f32.to_le_bytes()].concat());
    push("owner", b"string\0someone");
    push("a name of more than thirty-one bytes", b"my own type\0\x01\x02\xff");
    source.metadata.push(MetadataKind::SourceFormat, "", "exr");
    round_trip(Format::Exr, &(source, samples));
}

#[test]
fn blocks_of_noise_are_stored_as_they_are() {
    let (source, mut samples) = image(ImageDescriptor::new(64, 40, 1, SampleType::U32), "exr");
    let mut state = 1_u64;
    for byte in &mut samples {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        *byte = (state >> 56) as u8;
    }
    round_trip(Format::Exr, &(source, samples));
}

#[test]
fn what_does_not_fit_is_refused() {
    let straight = ImageDescriptor::new(3, 3, 4, SampleType::F32);
    let unnamed = ImageDescriptor::new(3, 3, 6, SampleType::F32);
    let bytes = ImageDescriptor::new(3, 3, 3, SampleType::U8);
    let unsorted = ImageDescriptor::new(3, 3, 2, SampleType::F32)
        .with_colour(ColourModel::Channels, Alpha::None)
        .with_channel_names(names(&["b", "a"]));
    for descriptor in [straight, unnamed, bytes, unsorted] {
        let error = write(Format::Exr, &[image(descriptor, "exr")], true).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WouldLose);
    }
}

/// A file of two pixels, uncompressed, spelled out.
fn spelled_out(kinds: [i32; 2], sampling: i32, flags: u32) -> Vec<u8> {
    let mut out = vec![0x76, 0x2f, 0x31, 0x01];
    out.extend_from_slice(&(2 | flags).to_le_bytes());
    let mut list = Vec::new();
    for (name, kind) in [b"A\0", b"Z\0"].into_iter().zip(kinds) {
        list.extend_from_slice(name);
        for n in [kind, 0, sampling, sampling] {
            list.extend_from_slice(&n.to_le_bytes());
        }
    }
    list.push(0);
    let window = [0, 0, 0, 1_i32].map(i32::to_le_bytes).concat();
    for (name, kind, value) in [
        ("channels", "chlist", list.as_slice()),
        ("compression", "compression", &[0]),
        ("dataWindow", "box2i", &window),
        ("displayWindow", "box2i", &window),
        ("lineOrder", "lineOrder", &[0]),
        ("pixelAspectRatio", "float", &1.0_f32.to_le_bytes()),
        ("screenWindowCenter", "v2f", &[0; 8]),
        ("screenWindowWidth", "float", &1.0_f32.to_le_bytes()),
    ] {
        out.extend_from_slice(&[name.as_bytes(), &[0], kind.as_bytes(), &[0]].concat());
        out.extend_from_slice(&(value.len() as u32).to_le_bytes());
        out.extend_from_slice(value);
    }
    out.push(0);
    let at = out.len() as u64 + 16;
    out.extend_from_slice(&[at.to_le_bytes(), (at + 16).to_le_bytes()].concat());
    for y in 0..2_u32 {
        for n in [y, 8, 0x11 + y, 0x21 + y] {
            out.extend_from_slice(&n.to_le_bytes());
        }
    }
    out
}

#[test]
fn files_are_read_as_the_layout_says() {
    let (source, samples) = read(&spelled_out([0, 0], 1, 0)).unwrap().remove(0);
    let descriptor = ImageDescriptor::new(1, 2, 2, SampleType::U32)
        .with_colour(ColourModel::Channels, Alpha::None)
        .with_channel_names(names(&["A", "Z"]));
    let mut metadata = Metadata::default();
    metadata.push(MetadataKind::SourceFormat, "", "exr");
    assert_eq!(source, SourceImage { descriptor, metadata });
    assert_eq!(samples, [0x11_u32, 0x21, 0x12, 0x22].map(u32::to_le_bytes).concat());
    for (kinds, sampling, flags) in
        [([0, 2], 1, 0), ([0, 0], 2, 0), ([0, 0], 1, 0x800), ([0, 0], 1, 0x1000), ([0, 0], 1, 0x8000)]
    {
        let error = read(&spelled_out(kinds, sampling, flags)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{kinds:?} {sampling} {flags:x}: {error}");
    }
}

#[test]
fn damaged_files_are_errors() {
    damage(&spelled_out([0, 0], 1, 0), 16);
    damage(&round_trip(Format::Exr, &image(ImageDescriptor::new(4, 20, 3, SampleType::F16), "exr")), 16);
}
