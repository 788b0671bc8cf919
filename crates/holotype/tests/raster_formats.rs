//! BMP, GIF, WebP and QOI through the public API: exact values, exact metadata, hostile bytes.
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use holotype::formats::{Format, Opaque, opaque};
use holotype::{ErrorKind, ImageDescriptor, MetadataKind, Palette, SampleType};
use std::io::Cursor;
use support::{damage, image, read, round_trip, write};

fn u8_image(width: u32, n_channels: u16) -> ImageDescriptor {
    ImageDescriptor::new(width, 5, n_channels, SampleType::U8)
}

fn palette(n: u16, alpha: Vec<u8>) -> Palette {
    Palette { bits: 8, rgb: (0..n).map(|i| [i, 255 - i, i * 7 % 256]).collect(), alpha }
}

/// A BMP with a header of 40 bytes.
fn bmp(width: i32, height: i32, bits: u16, compression: u32, before_pixels: &[u8], pixels: &[u8]) -> Vec<u8> {
    let mut out = b"BM".to_vec();
    for n in [0, 0, 54 + before_pixels.len() as u32, 40, width as u32, height as u32] {
        out.extend_from_slice(&n.to_le_bytes());
    }
    out.extend_from_slice(&[1, 0]);
    out.extend_from_slice(&bits.to_le_bytes());
    let n_colours = if bits <= 8 { before_pixels.len() as u32 / 4 } else { 0 };
    for n in [compression, 0, 2835, 3937, n_colours, 0] {
        out.extend_from_slice(&n.to_le_bytes());
    }
    [out.as_slice(), before_pixels, pixels].concat()
}

#[test]
fn bmp_holds_grays_palettes_and_colours() {
    let mut all = vec![ImageDescriptor::new(13, 5, 1, SampleType::Bool)];
    all.extend([4, 8].map(|bits| u8_image(13, 1).with_bits_per_sample(bits)));
    for (bits, n) in [(1, 2), (4, 11), (8, 200)] {
        all.push(u8_image(13, 1).with_bits_per_sample(bits).with_palette(palette(n, Vec::new())));
    }
    all.extend((11..15).flat_map(|width| [3, 4].map(|n| u8_image(width, n))));
    for descriptor in all {
        round_trip(Format::Bmp, &image(descriptor, "bmp"));
    }
    for (bits, n) in [(2, 4), (4, 17)] {
        let bad = u8_image(13, 1).with_bits_per_sample(bits).with_palette(palette(n, Vec::new()));
        assert_eq!(write(Format::Bmp, &[image(bad, "bmp")], true).unwrap_err().kind(), ErrorKind::WouldLose);
    }
}

#[test]
fn bmp_keeps_resolution_and_profile() {
    let (mut source, samples) = image(u8_image(3, 3), "bmp");
    source.metadata.entries.clear();
    source.metadata.push(MetadataKind::User, "bmp:pixels-per-metre", "2835 -1");
    let mut space = vec![0; 56];
    space[..4].copy_from_slice(b"DEBM");
    space[40] = 9;
    source.metadata.push(MetadataKind::User, "bmp:colour-space", space);
    source.metadata.push(MetadataKind::Icc, "", (0..=255).collect::<Vec<u8>>());
    source.metadata.push(MetadataKind::SourceFormat, "", "bmp");
    let bytes = round_trip(Format::Bmp, &(source, samples));
    assert_eq!(u32::from_le_bytes(bytes[2..6].try_into().unwrap()) as usize, bytes.len());
}

#[test]
fn resolution_goes_between_bmp_and_png() {
    let (mut source, samples) = image(u8_image(3, 3), "bmp");
    source.metadata.push(MetadataKind::User, "bmp:pixels-per-metre", "2835 3937");
    let png = write(Format::Png, &[(source, samples.clone())], false).unwrap();
    let images = read(&png).unwrap();
    let chunk = [2835_u32.to_be_bytes(), 3937_u32.to_be_bytes()].concat();
    assert_eq!(
        images[0].0.metadata.get_key(MetadataKind::PngChunk, "pHYs"),
        Some(&[&chunk[..], &[1]].concat()[..])
    );
    let bmp = read(&write(Format::Bmp, &images, false).unwrap()).unwrap();
    assert_eq!(
        bmp[0].0.metadata.get_key(MetadataKind::User, "bmp:pixels-per-metre"),
        Some(&b"2835 3937"[..])
    );
    assert_eq!(bmp[0].1, samples);
}

#[test]
fn bmp_words_of_unequal_depths_come_back() {
    let masks: Vec<u8> = [0xf800_u32, 0x07e0, 0x001f].iter().flat_map(|m| m.to_le_bytes()).collect();
    let words = [0xf800_u16, 0x07e0, 0x001f, 0x1234, 0xfffe, 0];
    let pixels: Vec<u8> = words.iter().flat_map(|w| w.to_le_bytes()).collect();
    let file = bmp(2, -3, 16, 3, &masks, &pixels);
    let (source, samples) = read(&file).unwrap().remove(0);
    assert_eq!((source.descriptor.bits_per_sample, source.descriptor.n_channels), (6, 3));
    assert_eq!(samples[..9], [63, 0, 0, 0, 63, 0, 0, 0, 63]);
    assert_eq!(source.metadata.get_key(MetadataKind::User, "bmp:pixels-per-metre"), Some(&b"2835 3937"[..]));
    let back = round_trip(Format::Bmp, &(source, samples));
    assert_eq!(back[66..], [&pixels[8..], &pixels[4..8], &pixels[..4]].concat(), "the last row first");

    let file = bmp(2, 1, 16, 0, &[], &[0xff, 0x7f, 0x21, 0x04]);
    let (source, samples) = read(&file).unwrap().remove(0);
    assert_eq!((source.descriptor.bits_per_sample, samples.as_slice()), (5, &[31, 31, 31, 1, 1, 1][..]));
    round_trip(Format::Bmp, &(source, samples));

    let masks: Vec<u8> = [0x3ff0_0000_u32, 0xffc00, 0x3ff].iter().flat_map(|m| m.to_le_bytes()).collect();
    let file = bmp(1, 1, 32, 3, &masks, &((1023 << 20) | (512 << 10) | 3_u32).to_le_bytes());
    let (source, samples) = read(&file).unwrap().remove(0);
    assert_eq!((source.descriptor.sample, source.descriptor.bits_per_sample), (SampleType::U16, 10));
    assert_eq!(samples, [255, 3, 0, 2, 3, 0]);
    round_trip(Format::Bmp, &(source, samples));
}

#[test]
fn bmp_unused_bytes_are_alpha_only_if_used() {
    let file = bmp(1, 2, 32, 0, &[], &[1, 2, 3, 0, 4, 5, 6, 0]);
    assert_eq!(read(&file).unwrap()[0].1, [6, 5, 4, 3, 2, 1]);
    let file = bmp(1, 2, 32, 0, &[], &[1, 2, 3, 0, 4, 5, 6, 9]);
    assert_eq!(read(&file).unwrap()[0].1, [6, 5, 4, 9, 3, 2, 1, 0]);
}

#[test]
fn bmp_run_lengths_and_short_palettes() {
    let colours = [1, 2, 3, 0, 4, 5, 6, 0, 7, 8, 9, 0];
    let file = bmp(4, 2, 8, 1, &colours, &[3, 1, 1, 2, 0, 0, 0, 4, 2, 2, 1, 0, 0, 1]);
    let (source, samples) = read(&file).unwrap().remove(0);
    assert_eq!(samples, [2, 2, 1, 0, 1, 1, 1, 2]);
    assert_eq!(source.descriptor.palette.as_ref().unwrap().rgb, [[3, 2, 1], [6, 5, 4], [9, 8, 7]]);
    round_trip(Format::Bmp, &(source, samples));
}

#[test]
fn gif_holds_palettes_and_one_clear_index() {
    for (bits, n) in [(1, 2), (2, 4), (4, 16), (8, 256)] {
        for alpha in [Vec::new(), vec![255, 0]] {
            let descriptor = u8_image(13, 1).with_bits_per_sample(bits).with_palette(palette(n, alpha));
            round_trip(Format::Gif, &image(descriptor, "gif"));
        }
    }
    // More indices than the palette has entries.
    round_trip(Format::Gif, &image(u8_image(13, 1).with_palette(palette(4, Vec::new())), "gif"));
    for alpha in [vec![255, 7], vec![0, 0]] {
        let bad = u8_image(3, 1).with_palette(palette(4, alpha));
        assert_eq!(write(Format::Gif, &[image(bad, "gif")], true).unwrap_err().kind(), ErrorKind::WouldLose);
    }
    let rgb = write(Format::Gif, &[image(u8_image(3, 3), "gif")], true);
    assert_eq!(rgb.unwrap_err().kind(), ErrorKind::WouldLose);
}

#[test]
fn gif_keeps_what_surrounds_the_frame() {
    let descriptor = u8_image(9, 1).with_bits_per_sample(2).with_palette(palette(4, vec![255, 255, 0]));
    let (mut source, samples) = image(descriptor, "gif");
    source.metadata.entries.clear();
    let mut push = |kind, key: &str, data: &[u8]| source.metadata.push(kind, key, data);
    push(MetadataKind::Comment, "", &[b'c'; 700]);
    push(MetadataKind::Xmp, "", b"<x:xmpmeta>not sub-blocks</x:xmpmeta>");
    push(MetadataKind::User, "gif:application/NETSCAPE2.0", &[3, 1, 0, 0]);
    push(MetadataKind::Icc, "", &[5; 300]);
    push(MetadataKind::User, "gif:after-trailer", b"tail");
    push(MetadataKind::User, "gif:control", &[8, 10, 1]);
    push(MetadataKind::User, "gif:screen", b"20 30 4 5 1 49");
    push(MetadataKind::User, "gif:global-palette", &[9; 24]);
    push(MetadataKind::SourceFormat, "", b"gif");
    round_trip(Format::Gif, &(source, samples));
}

#[test]
fn gif_interlaced_rows_are_put_in_order() {
    let (source, samples) = image(u8_image(3, 1).with_palette(palette(256, Vec::new())), "gif");
    let straight = write(Format::Gif, &[(source, samples.clone())], false).unwrap();
    let at = straight.iter().rposition(|&b| b == 0x2c).unwrap();
    let at = (0..=at).rev().find(|&i| straight[i..].starts_with(&[0x2c, 0, 0, 0, 0, 3, 0, 5, 0, 0])).unwrap();
    let mut interlaced = straight;
    interlaced[at + 9] |= 0x40;
    let row = |y: usize| &samples[y * 3..y * 3 + 3];
    // Five rows are stored in the order 0, 4, 2, 1, 3.
    assert_eq!(read(&interlaced).unwrap()[0].1, [row(0), row(3), row(2), row(4), row(1)].concat());
}

#[test]
fn several_frames_are_no_image() {
    let one = round_trip(Format::Gif, &image(u8_image(4, 1).with_palette(palette(256, Vec::new())), "gif"));
    let mut input = Cursor::new(one.clone());
    assert_eq!(opaque(Format::Gif, &mut input).unwrap(), None);
    assert_eq!(input.position(), 0);
    let frame = one[13 + 768..one.len() - 1].to_vec();
    let two = [&one[..one.len() - 1], &frame, &[0x3b]].concat();
    assert_eq!(opaque(Format::Gif, &mut Cursor::new(two.clone())).unwrap(), Some(Opaque::Animated));
    assert_eq!(read(&two).unwrap_err().kind(), ErrorKind::Unsupported);
}

#[test]
fn webp_holds_colour_under_full_transparency() {
    for n in [3, 4] {
        for (width, height) in [(1, 1), (17, 5), (16384, 1), (1, 16384)] {
            let mut source = image(ImageDescriptor::new(width, height, n, SampleType::U8), "webp");
            if n == 4 {
                source.1.iter_mut().skip(3).step_by(8).for_each(|a| *a = 0);
            }
            round_trip(Format::WebP, &source);
        }
    }
    let wide = image(ImageDescriptor::new(16385, 1, 3, SampleType::U8), "webp");
    assert_eq!(write(Format::WebP, &[wide], true).unwrap_err().kind(), ErrorKind::WouldLose);
}

#[test]
fn webp_keeps_its_chunks() {
    let (mut source, samples) = image(u8_image(6, 4), "webp");
    source.metadata.entries.clear();
    let mut push = |kind, key: &str, data: &[u8]| source.metadata.push(kind, key, data);
    push(MetadataKind::Icc, "", &[1; 301]);
    push(MetadataKind::Exif, "", b"II*\0\x08\0\0\0\0\0");
    push(MetadataKind::Xmp, "", b"<x/>.");
    push(MetadataKind::User, "webp:chunk/abcd", b"odd");
    push(MetadataKind::User, "webp:after-end", b"more");
    push(MetadataKind::SourceFormat, "", b"webp");
    let bytes = round_trip(Format::WebP, &(source, samples));
    assert_eq!(&bytes[12..16], b"VP8X");
    assert_eq!(bytes[20], 0b11_1100);
    assert_eq!(opaque(Format::WebP, &mut Cursor::new(bytes.clone())).unwrap(), None);
    // As libwebp does, alpha goes by the image data: readers that go by the container would lose it.
    let mut unflagged = bytes;
    unflagged[20] &= !0b1_0000;
    assert_eq!(read(&unflagged).unwrap()[0].0.descriptor.n_channels, 4);
    unflagged[20] |= 0b10;
    assert_eq!(opaque(Format::WebP, &mut Cursor::new(unflagged)).unwrap(), Some(Opaque::Animated));
}

#[test]
fn qoi_codes_every_kind_of_step() {
    for n in [3, 4] {
        let mut source = image(ImageDescriptor::new(97, 31, n, SampleType::U8), "qoi");
        round_trip(Format::Qoi, &source);
        // Runs over rows, small and middle steps, colours seen before.
        for (i, sample) in source.1.iter_mut().enumerate() {
            let pixel = i / usize::from(n);
            *sample = match (pixel / 150 % 4, i % usize::from(n)) {
                (0, 3) => 255,
                (0, _) => 10,
                (1, c) => (pixel + c) as u8,
                (2, c) => (pixel * 9 + c * 3) as u8,
                (_, c) => (pixel % 3 * 80 + c) as u8,
            };
        }
        round_trip(Format::Qoi, &source);
    }
    let (mut source, samples) = image(u8_image(6, 4), "qoi");
    source.metadata.entries.clear();
    source.metadata.push(MetadataKind::User, "qoi:colour-space", "1");
    source.metadata.push(MetadataKind::SourceFormat, "", "qoi");
    let mut bytes = round_trip(Format::Qoi, &(source, samples));
    assert_eq!(bytes[13], 1);
    bytes.push(0);
    assert_eq!(read(&bytes).unwrap_err().kind(), ErrorKind::Unsupported, "nothing after the end is dropped");
}

#[test]
fn qoi_is_what_the_specification_says() {
    // White twice (a run), a difference, a luma step, an index, RGB.
    let codes = [0xfe, 255, 255, 255, 0xc1, 0x55, 0xa1, 0x96, 0x0a, 0xfe, 1, 2, 3];
    let file = [&b"qoif\0\0\0\x07\0\0\0\x01\x03\0"[..], &codes, &[0, 0, 0, 0, 0, 0, 0, 1]].concat();
    let white = [255, 255, 255];
    // 0x55 is −1, −1, −1; 0xa1 0x96 is +1 green, +2 red, −1 blue; index 10 is not set yet.
    let pixels = [white, white, white, [254, 254, 254], [0, 255, 253], [0, 0, 0], [1, 2, 3]];
    let error = read(&file).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "index 10 holds a clear pixel: {error}");
    let mut opaque = file;
    opaque[22] = ((255 * 3 + 255 * 5 + 255 * 7 + 255 * 11) % 64) as u8;
    let mut expected = pixels;
    expected[5] = white;
    assert_eq!(read(&opaque).unwrap()[0].1, expected.concat());
}

#[test]
fn damaged_files_are_errors() {
    let bmp = round_trip(Format::Bmp, &image(u8_image(4, 4), "bmp"));
    damage(&bmp, 16);
    let indexed = u8_image(5, 1).with_bits_per_sample(4).with_palette(palette(7, Vec::new()));
    damage(&round_trip(Format::Bmp, &image(indexed, "bmp")), 16);
    let gif = image(u8_image(6, 1).with_bits_per_sample(2).with_palette(palette(4, vec![0])), "gif");
    damage(&round_trip(Format::Gif, &gif), 16);
    for n in [3, 4] {
        damage(&round_trip(Format::WebP, &image(u8_image(6, n), "webp")), 16);
        damage(&round_trip(Format::Qoi, &image(u8_image(6, n), "qoi")), 16);
    }
}

#[test]
fn forged_sizes_cost_nothing() {
    let huge = bmp(i32::MAX, i32::MAX, 24, 0, &[], &[0; 100]);
    assert!(matches!(read(&huge).unwrap_err().kind(), ErrorKind::Corrupt | ErrorKind::LimitExceeded));
    let runs = bmp(60_000, 60_000, 8, 1, &[0; 8], &[0, 1]);
    assert_eq!(read(&runs).unwrap_err().kind(), ErrorKind::LimitExceeded);
    let gif = [&b"GIF89a\xff\xff\xff\xff\x80\0\0abcdef,\0\0\0\0\xff\xff\xff\xff\0\x02"[..], &[1, 1, 0, 0x3b]]
        .concat();
    assert_eq!(read(&gif).unwrap_err().kind(), ErrorKind::LimitExceeded);
    let qoi = b"qoif\xff\xff\xff\xff\xff\xff\xff\xff\x04\0";
    assert_eq!(read(qoi).unwrap_err().kind(), ErrorKind::LimitExceeded);
}
