//! Files kept as they are: why, with which preview, and what `decode_lossy` makes of them.
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use holotype::formats::{Format, Opaque};
use holotype::{
    Archive, ColourModel, ErrorKind, ImageDescriptor, ImageOptions, ImportOptions, Imported, ItemKind,
    MetadataKind, Palette, PreviewChoice, SampleType, VerifyOptions, Writer, WriterOptions, import,
};
use std::io::Cursor;
use support::{damage, image, read, write};

/// A segment of a JPEG file.
fn segment(marker: u8, data: &[u8]) -> Vec<u8> {
    [&[0xff, marker][..], &(data.len() as u16 + 2).to_be_bytes(), data].concat()
}

/// A JPEG whose blocks of 8 × 8 pixels have one colour each: with all quantisers 8, a DC of `d` is a sample of
/// 128 + `d`.
fn jpeg(ids: &[u8], blocks_across: u16, before: &[Vec<u8>], block: &dyn Fn(usize) -> Vec<u8>) -> Vec<u8> {
    let n = ids.len() as u8;
    let side = blocks_across * 8;
    let mut frame = [&[8][..], &side.to_be_bytes(), &side.to_be_bytes(), &[n]].concat();
    let mut scan = vec![n];
    for &id in ids {
        frame.extend_from_slice(&[id, 0x11, 0]);
        scan.extend_from_slice(&[id, 0]);
    }
    scan.extend_from_slice(&[0, 63, 0]);
    // Twelve codes of four bits for the sizes of differences; one of one bit for the end of a block.
    let mut dc = vec![0, 0, 0, 0, 12];
    dc.resize(17, 0);
    dc.extend(0..12);
    let mut ac = vec![0x10, 1];
    ac.resize(17, 0);
    ac.push(0);
    let (mut bits, mut n_bits) = (Vec::new(), 0_u32);
    let mut put = |value: u32, n: u32| {
        for i in (0..n).rev() {
            if n_bits.is_multiple_of(8) {
                bits.push(0);
            }
            *bits.last_mut().unwrap() |= ((value >> i & 1) as u8) << (7 - n_bits % 8);
            n_bits += 1;
        }
    };
    let mut before_value = vec![128_i32; ids.len()];
    for i in 0..usize::from(blocks_across).pow(2) {
        for (old, new) in before_value.iter_mut().zip(block(i)) {
            let step = i32::from(new) - *old;
            *old = i32::from(new);
            let size = 32 - step.unsigned_abs().leading_zeros();
            put(size, 4);
            put(if step < 0 { (step - 1) as u32 & ((1 << size) - 1) } else { step as u32 }, size);
            put(0, 1);
        }
    }
    while n_bits % 8 != 0 {
        *bits.last_mut().unwrap() |= 1 << (7 - n_bits % 8);
        n_bits += 1;
    }
    let stuffed: Vec<u8> = bits.iter().flat_map(|&b| if b == 0xff { vec![b, 0] } else { vec![b] }).collect();
    let quantisers = [&[0][..], &[8; 64]].concat();
    let tables = [segment(0xdb, &quantisers), segment(0xc0, &frame), segment(0xc4, &dc), segment(0xc4, &ac)];
    [vec![0xff, 0xd8], before.concat(), tables.concat(), segment(0xda, &scan), stuffed, vec![0xff, 0xd9]]
        .concat()
}

fn archive(source: &[u8], options: &ImportOptions) -> Result<(Archive, Imported), holotype::Error> {
    let mut writer = Writer::new(Vec::new(), WriterOptions::default())?;
    let imported = import(&mut writer, "a", Box::new(Cursor::new(source.to_vec())), options)?;
    let archive = Archive::from_bytes(writer.finish()?.0)?;
    assert!(archive.verify(&VerifyOptions::default())?.is_good());
    Ok((archive, imported))
}

fn file(archive: &Archive) -> Vec<u8> {
    let mut bytes = Vec::new();
    archive
        .read_file("a", &mut |part| {
            bytes.extend_from_slice(part);
            Ok(())
        })
        .unwrap();
    bytes
}

fn adobe(transform: u8) -> Vec<u8> {
    segment(0xee, &[&b"Adobe\0d\0\0\0\0"[..], &[transform]].concat())
}

#[test]
fn jpeg_is_kept_with_a_preview() {
    let source = jpeg(&[1], 64, &[], &|i| vec![(i % 64 * 4) as u8]);
    let (kept, imported) = archive(&source, &ImportOptions::default()).unwrap();
    assert_eq!(imported.kept_as_file, Some(Opaque::Lossy));
    assert_eq!(file(&kept), source);
    let item = kept.item("a").unwrap();
    assert_eq!(item.kind(), ItemKind::File);
    let preview = item.preview().unwrap().unwrap();
    assert_eq!((preview.width, preview.height, preview.n_channels), (128, 128, 1));
    let row: Vec<u8> = (0..128).map(|x| (x / 2 * 4) as u8).collect();
    assert!(preview.pixels.chunks(128).all(|r| r == row));

    let off = ImageOptions::default().with_preview(PreviewChoice::Off);
    assert!(!archive(&source, &ImportOptions::new(off)).unwrap().0.item("a").unwrap().has_preview());
    let small = jpeg(&[1], 2, &[], &|_| vec![9]);
    assert!(!archive(&small, &ImportOptions::default()).unwrap().0.item("a").unwrap().has_preview());
}

#[test]
fn jpeg_that_cannot_be_decoded_is_kept_all_the_same() {
    let good = jpeg(&[1], 64, &[], &|_| vec![77]);
    for bytes in [&good[..40], &good[..3], &[0xff, 0xd8, 0xff, 0xd9]] {
        let (kept, _) = archive(bytes, &ImportOptions::default()).unwrap();
        assert_eq!(file(&kept), bytes);
        assert!(!kept.item("a").unwrap().has_preview());
    }
}

#[test]
fn jpeg_pixels_on_request() {
    let options = ImportOptions::default().with_decode_lossy(true);
    let gray = jpeg(&[1], 1, &[segment(0xfe, b"note")], &|_| vec![201]);
    let (pixels, imported) = archive(&gray, &options).unwrap();
    assert_eq!(imported.kept_as_file, None);
    let item = pixels.image("a").unwrap();
    assert_eq!(item.descriptor(), &ImageDescriptor::new(8, 8, 1, SampleType::U8));
    assert_eq!(item.metadata().get(MetadataKind::Comment), Some(&b"note"[..]));
    assert_eq!(item.read().unwrap(), [201; 64]);
    // Red in YCbCr; the same three numbers as they are with Adobe's transform 0 and with components R, G, B.
    let red = |_: usize| vec![76, 85, 255];
    for (ids, before, expected) in [
        (&b"\x01\x02\x03"[..], vec![], [254, 0, 0]),
        (b"\x01\x02\x03", vec![adobe(0)], [76, 85, 255]),
        (b"RGB", vec![], [76, 85, 255]),
        (b"\x01\x02\x03", vec![adobe(1)], [254, 0, 0]),
    ] {
        let (source, samples) = read(&jpeg(ids, 1, &before, &red)).unwrap().remove(0);
        assert_eq!(source.descriptor.colour, ColourModel::Rgb);
        assert_eq!(samples[..3], expected, "{ids:?} {before:?}");
        assert!(samples.chunks(3).all(|p| p == expected));
    }
}

#[test]
fn jpeg_inks_count_from_no_ink() {
    let inks = |_: usize| vec![10, 20, 30, 40];
    for (before, block, expected) in [
        (vec![], &inks as &dyn Fn(usize) -> Vec<u8>, [10, 20, 30, 40]),
        (vec![adobe(0)], &inks, [245, 235, 225, 215]),
        // No chroma: inverted C, M, Y are 255 minus the luma, which then is the ink.
        (vec![adobe(2)], &|_| vec![200, 128, 128, 40], [200, 200, 200, 215]),
    ] {
        let (source, samples) = read(&jpeg(&[1, 2, 3, 4], 1, &before, block)).unwrap().remove(0);
        assert_eq!(source.descriptor.colour, ColourModel::Cmyk);
        assert_eq!(samples[..4], expected);
    }
}

#[test]
fn damaged_jpeg_is_no_panic() {
    let good = jpeg(&[1, 2, 3], 2, &[segment(0xe1, b"Exif\0\0II*\0")], &|i| vec![(i * 60) as u8, 100, 7]);
    assert_eq!(read(&good).unwrap()[0].0.metadata.get(MetadataKind::Exif), Some(&b"II*\0"[..]));
    damage(&good, 16);
    let mut forged = good;
    let at = forged.windows(2).position(|w| w == [0xff, 0xc0]).unwrap();
    forged[at + 5..at + 9].fill(0xff);
    assert_eq!(read(&forged).unwrap_err().kind(), ErrorKind::LimitExceeded);
}

#[test]
fn animations_show_their_first_frame() {
    let palette = Palette { bits: 8, rgb: (0..256).map(|i| [i, 0, 255 - i]).collect(), alpha: Vec::new() };
    let descriptor = ImageDescriptor::new(200, 100, 1, SampleType::U8).with_palette(palette);
    let one = write(Format::Gif, &[image(descriptor, "gif")], false).unwrap();
    let two = [&one[..one.len() - 1], &one[13 + 768..]].concat();
    let options = ImportOptions::new(ImageOptions::default().with_preview(PreviewChoice::On));
    let (kept, imported) = archive(&two, &options).unwrap();
    assert_eq!(imported.kept_as_file, Some(Opaque::Animated));
    assert_eq!(file(&kept), two);
    let preview = kept.item("a").unwrap().preview().unwrap().unwrap();
    assert_eq!((preview.width, preview.height, preview.n_channels), (128, 64, 3));
    let error = archive(&two, &options.with_decode_lossy(true)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "frames are not dropped: {error}");
}
