//! Source formats through the public API: small files spelled out byte by byte, exact values, exact metadata.
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use holotype::formats::{Format, open_reader};
use holotype::{
    ColourModel, ErrorKind, ImageDescriptor, Limits, Metadata, MetadataKind, Palette, SampleType,
};
use std::io::Cursor;
use support::{image, read, write};

#[test]
fn png_holds_every_depth_and_palette() {
    let palette = Palette { bits: 8, rgb: (0..16).map(|i| [i * 3, i, 255 - i]).collect(), alpha: vec![1, 2] };
    let descriptor = |channels, sample| ImageDescriptor::new(13, 7, channels, sample);
    let mut all = vec![descriptor(1, SampleType::Bool)];
    all.extend([2, 4].map(|bits| descriptor(1, SampleType::U8).with_bits_per_sample(bits)));
    all.extend((1..=4).flat_map(|c| [descriptor(c, SampleType::U8), descriptor(c, SampleType::U16)]));
    all.push(descriptor(1, SampleType::U8).with_bits_per_sample(4).with_palette(palette));
    for descriptor in all {
        let original = image(descriptor, "png");
        let bytes = write(Format::Png, std::slice::from_ref(&original), false).unwrap();
        assert_eq!(read(&bytes).unwrap(), [original]);
    }
}

#[test]
fn tiff_holds_every_type_and_several_pages() {
    let mut pages = Vec::new();
    for sample in SampleType::ALL {
        for channels in [1, 3, 4, 6] {
            if sample == SampleType::Bool && channels > 1 {
                continue;
            }
            let mut descriptor = ImageDescriptor::new(11, 9, channels, sample);
            if channels == 6 {
                descriptor.colour = ColourModel::Channels;
            }
            pages.push(image(descriptor, "tiff"));
        }
    }
    let bytes = write(Format::Tiff, &pages, false).unwrap();
    assert_eq!(read(&bytes).unwrap(), pages);
}

#[test]
fn tiff_tags_come_back_verbatim() {
    let (mut page, samples) = image(ImageDescriptor::new(4, 4, 1, SampleType::U8), "tiff");
    let mut metadata = Metadata::default();
    metadata.push(MetadataKind::TiffTag, "270", b"\x02\0a description\0".to_vec());
    metadata.push(MetadataKind::TiffTag, "274", vec![3, 0, 6, 0]);
    metadata.push(
        MetadataKind::TiffTag,
        "282",
        [&[5, 0][..], &300_u32.to_le_bytes(), &1_u32.to_le_bytes()].concat(),
    );
    metadata.push(MetadataKind::TiffTag, "34665/36867", b"\x02\x002026:11:21 03:04:05\0".to_vec());
    metadata.push(MetadataKind::Icc, "", vec![7; 500]);
    metadata.push(MetadataKind::SourceFormat, "", "tiff");
    page.metadata = metadata.clone();
    let bytes = write(Format::Tiff, &[(page, samples)], false).unwrap();
    let mut found = read(&bytes).unwrap().remove(0).0.metadata.entries;
    let mut expected = metadata.entries;
    found.sort_by(|a, b| (a.kind, &a.key).cmp(&(b.kind, &b.key)));
    expected.sort_by(|a, b| (a.kind, &a.key).cmp(&(b.kind, &b.key)));
    assert_eq!(found, expected);
}

#[test]
fn pnm_samples_that_look_like_whitespace_are_samples() {
    assert_eq!(read(b"P5 3 2 255\n \t\nabc").unwrap()[0].1, b" \t\nabc");
    assert_eq!(read(b"P2\n# a comment\n3 2\n255\n1 2 3\n4 5 255\n").unwrap()[0].1, [1, 2, 3, 4, 5, 255]);
}

#[test]
fn npy_byte_order_is_normalised() {
    let header = b"{'descr': '>u2', 'fortran_order': False, 'shape': (1, 2), }\n";
    let file = [b"\x93NUMPY\x01\0", &(header.len() as u16).to_le_bytes()[..], header, &[1, 2, 3, 4]].concat();
    let (image, samples) = read(&file).unwrap().remove(0);
    assert_eq!((image.descriptor.sample, samples), (SampleType::U16, vec![2, 1, 4, 3]));
}

#[test]
fn what_a_format_cannot_hold_is_named() {
    let float = image(ImageDescriptor::new(3, 3, 1, SampleType::F32), "tiff");
    let error = write(Format::Png, &[float], true).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WouldLose, "samples are never lost, allowed or not");
    let mut tagged = image(ImageDescriptor::new(3, 3, 3, SampleType::U8), "png");
    tagged.0.metadata.push(MetadataKind::Icc, "", vec![1, 2, 3]);
    let error = write(Format::Pnm, std::slice::from_ref(&tagged), false).unwrap_err();
    assert!(error.to_string().contains("icc"), "{error}");
    assert!(write(Format::Pnm, &[tagged], true).is_ok());
}

#[test]
fn damaged_and_hostile_sources_are_errors() {
    let png =
        write(Format::Png, &[image(ImageDescriptor::new(20, 20, 3, SampleType::U16), "png")], false).unwrap();
    let tiff = write(Format::Tiff, &[image(ImageDescriptor::new(20, 20, 3, SampleType::F32), "tiff")], false)
        .unwrap();
    for n in 16..png.len() {
        assert!(read(&png[..n]).is_err(), "PNG cut at {n}");
    }
    for bit in 128..png.len() * 8 {
        let mut bad = png.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        // Every chunk has a CRC; only bytes whose change is another valid file may pass, and none is.
        assert!(read(&bad).is_err(), "PNG bit {bit}");
    }
    for at in 0..tiff.len() {
        for mask in [1, 0x80, 0xff] {
            let mut bad = tiff.clone();
            bad[at] ^= mask;
            if Format::detect(&bad).is_some() {
                let _ = read(&bad);
            }
        }
    }
    let forged = b"P5 4294967295 4294967295 255\n";
    assert!(matches!(read_header(forged), ErrorKind::LimitExceeded));
}

/// The kind of error when the first image is started.
fn read_header(bytes: &[u8]) -> ErrorKind {
    let format = Format::detect(bytes).unwrap();
    let mut reader = open_reader(format, Box::new(Cursor::new(bytes.to_vec())), &Limits::default()).unwrap();
    reader.next_image().unwrap_err().kind()
}
