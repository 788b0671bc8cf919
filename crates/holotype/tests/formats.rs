//! Source formats through the public API: small files spelled out byte by byte, exact values, exact metadata.
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use holotype::formats::{Format, open_reader, open_writer};
use holotype::{
    ColourModel, ErrorKind, ExportOptions, ImageDescriptor, Limits, Metadata, MetadataKind, Palette,
    SampleType,
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
fn tiff_strips_are_the_same_on_any_number_of_threads() {
    // Half of it noise, half of it plain: strips at both levels.
    let mut image = image(ImageDescriptor::new(200, 300, 3, SampleType::F64), "tiff");
    let half = image.1.len() / 2;
    let mut state = 1_u64;
    image.1[..half].fill_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    });
    image.1[half..].fill(7);
    let bytes = |n_threads: usize, n_rows: usize| {
        let mut out = std::io::Cursor::new(Vec::new());
        let options = ExportOptions::default().with_n_threads(n_threads);
        let mut writer = open_writer(Format::Tiff, Box::new(&mut out), &options).unwrap();
        writer.start_image(&image.0).unwrap();
        for band in image.1.chunks(200 * 24 * n_rows) {
            writer.write_rows(band).unwrap();
        }
        writer.finish().unwrap();
        out.into_inner()
    };
    let alone = bytes(1, 300);
    assert!(alone.len() > half && alone.len() < half + half / 4, "{} of {half}", alone.len());
    assert_eq!(read(&alone).unwrap(), [image.clone()]);
    for (n_threads, n_rows) in [(1, 7), (2, 300), (5, 133)] {
        assert_eq!(bytes(n_threads, n_rows), alone, "{n_threads} threads, {n_rows} rows at once");
    }
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

#[test]
fn npy_fortran_order_comes_back() {
    for (shape, channels) in [("(2, 3)", 1_usize), ("(2, 3, 2)", 2), ("(2, 3, 1)", 1)] {
        let header = format!("{{'descr': '<u2', 'fortran_order': True, 'shape': {shape}, }}");
        let header = format!("{header:117}\n");
        let data: Vec<u8> = (0..6 * channels as u16).flat_map(u16::to_le_bytes).collect();
        let file = [b"\x93NUMPY\x01\0\x76\0", header.as_bytes(), &data].concat();
        let (source, samples) = read(&file).unwrap().remove(0);
        for (y, x, c) in [(0, 0, 0), (1, 2, channels - 1), (1, 0, 0), (0, 1, channels - 1)] {
            let at = ((y * 3 + x) * channels + c) * 2;
            assert_eq!(usize::from(samples[at]), (c * 3 + x) * 2 + y, "{shape} {y} {x} {c}");
        }
        assert_eq!(write(Format::Npy, &[(source, samples)], false).unwrap(), file);
    }
    let forged =
        b"\x93NUMPY\x01\0\x46\0{'descr': '<u8', 'fortran_order': True, 'shape': (65536, 65536), }    \n";
    let forged = [&forged[..], &[0; 16]].concat();
    assert_eq!(read(&forged).unwrap_err().kind(), ErrorKind::LimitExceeded);
}

#[test]
fn pnm_maximum_comes_back() {
    for file in [
        &b"P5\n2 2\n100\n\x00\x64\x31\x07"[..],
        b"P6\n1 1\n1000\n\x03\xe8\x00\x07\x00\x00",
        b"P7\nWIDTH 1\nHEIGHT 1\nDEPTH 2\nMAXVAL 200\nTUPLTYPE GRAYSCALE_ALPHA\nENDHDR\n\xc8\x01",
    ] {
        let images = read(file).unwrap();
        assert_eq!(write(Format::Pnm, &images, false).unwrap(), file);
    }
    let images = read(b"P2 2 1 100 7 100").unwrap();
    assert_eq!((images[0].0.descriptor.bits_per_sample, images[0].1.as_slice()), (7, &[7, 100][..]));
    assert!(read(b"P5 1 1 100\n\x65").is_err(), "a sample above the maximum");
}

/// A TIFF of one strip, uncompressed: fields as (tag, type, values), little- or big-endian.
fn tiff(is_big_endian: bool, fields: &[(u16, u16, Vec<u16>)], strip: &[u8]) -> Vec<u8> {
    let number = |n: u64, n_bytes: usize| -> Vec<u8> {
        if is_big_endian {
            n.to_be_bytes()[8 - n_bytes..].to_vec()
        } else {
            n.to_le_bytes()[..n_bytes].to_vec()
        }
    };
    let mut all = fields.to_vec();
    let values_at = 8 + 2 + 12 * (all.len() + 2) + 4;
    let mut values: Vec<u8> = Vec::new();
    let strip_at =
        values_at + all.iter().map(|f| if f.2.len() > 2 { f.2.len() * 2 } else { 0 }).sum::<usize>();
    all.push((273, 3, vec![strip_at as u16]));
    all.push((279, 3, vec![strip.len() as u16]));
    all.sort();
    let mut out = [if is_big_endian { b"MM" } else { b"II" }.to_vec(), number(42, 2), number(8, 4)].concat();
    out.extend(number(all.len() as u64, 2));
    for (tag, kind, list) in &all {
        let bytes: Vec<u8> = list.iter().flat_map(|v| number(u64::from(*v), 2)).collect();
        out.extend(
            [number(u64::from(*tag), 2), number(u64::from(*kind), 2), number(list.len() as u64, 4)].concat(),
        );
        if bytes.len() <= 4 {
            out.extend_from_slice(&bytes);
            out.resize(out.len() + 4 - bytes.len(), 0);
        } else {
            out.extend(number((values_at + values.len()) as u64, 4));
            values.extend(bytes);
        }
    }
    out.extend_from_slice(&[0; 4]);
    [out, values, strip.to_vec()].concat()
}

#[test]
fn tiff_samples_are_those_stored_whatever_they_mean() {
    let strip = [10, 20, 30, 40, 50, 60];
    for is_big_endian in [false, true] {
        let fields = |photometric: u16, n: u16| {
            let short = |tag, values: &[u16]| (tag, 3, values.to_vec());
            vec![
                short(256, &[6 / n]),
                short(257, &[1]),
                short(258, &vec![8; usize::from(n)]),
                short(259, &[1]),
                short(262, &[photometric]),
                short(277, &[n]),
                short(278, &[1]),
            ]
        };
        for (photometric, n, colour) in [
            (0, 1, ColourModel::GrayInverted),
            (1, 1, ColourModel::Gray),
            (4, 1, ColourModel::Channels),
            (6, 3, ColourModel::YCbCr),
            (8, 3, ColourModel::Lab),
            (9, 3, ColourModel::Channels),
            (32803, 1, ColourModel::Channels),
            (34892, 3, ColourModel::Channels),
        ] {
            let mut fields = fields(photometric, n);
            if photometric == 6 {
                fields.push((530, 3, vec![1, 1]));
            }
            let images = read(&tiff(is_big_endian, &fields, &strip)).unwrap();
            assert_eq!(images[0].0.descriptor.colour, colour, "photometric {photometric}");
            assert_eq!(images[0].1, strip, "photometric {photometric}");
            let back = write(Format::Tiff, &images, false).unwrap();
            assert_eq!(read(&back).unwrap(), images, "photometric {photometric}");
            let entry = [&[6, 1, 3, 0, 1, 0, 0, 0][..], &photometric.to_le_bytes()].concat();
            assert!(back.windows(10).any(|w| w == entry), "photometric {photometric} is written");
        }
        // Without the tag, chroma is subsampled.
        assert_eq!(
            read(&tiff(is_big_endian, &fields(6, 3), &strip)).unwrap_err().kind(),
            ErrorKind::Unsupported
        );
        let mut palette = fields(3, 1);
        let map: Vec<u16> = (0..768).collect();
        palette.push((320, 3, map));
        let images = read(&tiff(is_big_endian, &palette, &strip)).unwrap();
        assert_eq!(images[0].1, strip);
        assert_eq!(images[0].0.descriptor.palette.as_ref().unwrap().rgb[2], [2, 258, 514]);
        assert_eq!(read(&write(Format::Tiff, &images, false).unwrap()).unwrap(), images);
        let mut extra = fields(2, 6);
        extra.push((338, 3, vec![0, 2, 0]));
        assert_eq!(read(&tiff(is_big_endian, &extra, &strip)).unwrap()[0].1, strip, "no sample is left out");
    }
}
