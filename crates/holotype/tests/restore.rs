//! Image files of a tree that are stored as images and come back to the byte.
#![allow(clippy::unwrap_used)]

mod common;

use common::noise;
use holotype::formats::Format;
use holotype::{
    Archive, ErrorKind, Exclude, ExportOptions, FlattenOptions, ImageDescriptor, ImageOptions, ItemKind,
    Metadata, SampleType, SourceImage, UnpackOptions, VerifyOptions, Writer, WriterOptions, export, flatten,
    unpack,
};
use holotype_codec::deflate::{DeflateParameters, deflate};
use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

fn chunk(kind: &[u8], data: &[u8], out: &mut Vec<u8>) {
    out.extend((data.len() as u32).to_be_bytes());
    let data = [kind, data].concat();
    out.extend(&data);
    out.extend(crc32fast::hash(&data).to_be_bytes());
}

/// A PNG file of filtered rows that are noise, smooth enough to have matches.
fn png(
    width: u32,
    height: u32,
    depth: u8,
    colour: u8,
    interlace: u8,
    settings: [u8; 4],
    n_idat: usize,
) -> Vec<u8> {
    let n_channels = [1, 0, 3, 1, 2, 0, 4][usize::from(colour)];
    let n_row = (width as usize * n_channels * usize::from(depth)).div_ceil(8);
    let mut text = Vec::new();
    for (y, row) in noise(u64::from(depth) + 7, n_row * height as usize).chunks_exact(n_row).enumerate() {
        text.push((y % 5) as u8);
        text.extend(row.iter().map(|byte| byte & 7));
        if colour == 3 || depth < 8 {
            // Indexes stay in the palette, and bits after the last pixel are zero.
            *text.last_mut().unwrap() = 0;
            let filter = text.len() - n_row - 1;
            text[filter] = 0;
        }
    }
    let [level, window, memory, strategy] = settings;
    let parameters = DeflateParameters::new(level, window, memory, strategy).unwrap();
    let flags =
        if level < 2 || strategy >= 2 { 0 } else { [0, 0, 1, 1, 1, 1, 2, 3, 3, 3][usize::from(level)] };
    let cmf = (window - 8) << 4 | 8;
    let mut head = [cmf, flags << 6];
    head[1] += (31 - u16::from_be_bytes(head) % 31) as u8;
    let stream = deflate(&text, parameters, &mut |_| true).unwrap();
    let stream = [head.as_slice(), &stream, &simd_adler32::adler32(&text.as_slice()).to_be_bytes()].concat();
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    let size = [width.to_be_bytes(), height.to_be_bytes()].concat();
    chunk(b"IHDR", &[size.as_slice(), &[depth, colour, 0, 0, interlace]].concat(), &mut out);
    if colour == 3 {
        chunk(b"PLTE", &noise(3, 3 << depth), &mut out);
    }
    chunk(b"tEXt", b"Comment\0made for a test", &mut out);
    for data in stream.chunks(n_idat) {
        chunk(b"IDAT", data, &mut out);
    }
    chunk(b"tIME", &[7, 234, 11, 21, 12, 0, 0], &mut out);
    chunk(b"IEND", b"", &mut out);
    out
}

/// A file of another format, as this program writes it.
fn exported(format: Format, sample: SampleType, n_channels: u16) -> Vec<u8> {
    let descriptor = ImageDescriptor::new(13, 7, n_channels, sample);
    let samples = noise(11, 13 * 7 * usize::from(n_channels) * sample.n_bytes());
    let image = SourceImage { descriptor, metadata: Metadata::default() };
    let mut writer = Writer::new(Vec::new(), WriterOptions::default()).unwrap();
    writer.add_image("a", &image, &samples, &ImageOptions::default()).unwrap();
    let archive = Archive::from_bytes(writer.finish().unwrap().0).unwrap();
    let mut out = Cursor::new(Vec::new());
    export(&archive, &["a".into()], format, Box::new(&mut out), &ExportOptions::default()).unwrap();
    out.into_inner()
}

fn pack(folder: &Path) -> Archive {
    let options = WriterOptions::default().with_images(Some(ImageOptions::default().with_tile_edge(32)));
    let mut writer = Writer::new(Vec::new(), options).unwrap();
    writer.pack_tree(&[PathBuf::from(folder)], &Exclude::default()).unwrap();
    Archive::from_bytes(writer.finish().unwrap().0).unwrap()
}

/// Packs files, checks that they come back in every way, and returns which of them are images.
fn there_and_back(files: &[(&str, Vec<u8>)]) -> Vec<bool> {
    let folder = tempfile::tempdir().unwrap();
    let tree = folder.path().join("tree");
    fs::create_dir(&tree).unwrap();
    files.iter().for_each(|(name, bytes)| fs::write(tree.join(name), bytes).unwrap());
    let archive = pack(&tree);
    assert!(archive.verify(&VerifyOptions::default()).unwrap().is_good());
    let flat = flatten(&archive, Vec::new(), &FlattenOptions::default()).unwrap().0;
    let flat = Archive::from_bytes(flat).unwrap();
    unpack(&archive, folder.path().join("out"), &UnpackOptions::default()).unwrap();
    let is_image = |(name, bytes): &(&str, Vec<u8>)| {
        let name = format!("tree/{name}");
        assert!(fs::read(folder.path().join("out").join(&name)).unwrap() == *bytes, "{name}");
        let item = archive.item(&name).unwrap();
        assert_eq!(item.file().unwrap().0, bytes.len() as u64);
        for archive in [&archive, &flat] {
            let map = archive.content_map(&name).unwrap();
            assert_eq!(map.n_bytes(), bytes.len() as u64);
            let mut part = vec![0; bytes.len()];
            let half = bytes.len() / 2;
            assert_eq!(archive.read_at(&map, half as u64, &mut part).unwrap(), bytes.len() - half);
            assert!(part.starts_with(&bytes[half..]), "{name}");
        }
        item.kind() == ItemKind::Image
    };
    files.iter().map(is_image).collect()
}

#[test]
fn png_files_of_every_type_and_setting() {
    let mut files = Vec::new();
    for (colour, depths) in
        [(0, [1, 2, 4, 8, 16].as_slice()), (2, &[8, 16]), (3, &[1, 2, 4, 8]), (4, &[8, 16]), (6, &[8, 16])]
    {
        for depth in depths {
            files
                .push((format!("{colour}-{depth}.png"), png(67, 45, *depth, colour, 0, [6, 15, 8, 1], 1000)));
        }
    }
    for level in 1..=9 {
        for (memory, strategy) in [(8, 0), (9, 1)] {
            let bytes = png(80, 90, 8, 2, 0, [level, 15, memory, strategy], 8192);
            files.push((format!("l{level}-{memory}-{strategy}.png"), bytes));
        }
    }
    for (name, settings) in
        [("runs.png", [6, 15, 8, 3]), ("huffman.png", [6, 15, 8, 2]), ("window.png", [9, 10, 8, 1])]
    {
        files.push((name.to_owned(), png(70, 60, 8, 2, 0, settings, 1 << 20)));
    }
    let files: Vec<_> = files.iter().map(|(name, bytes)| (name.as_str(), bytes.clone())).collect();
    let are_images = there_and_back(&files);
    for ((name, _), is_image) in files.iter().zip(are_images) {
        assert!(is_image, "{name}");
    }
}

#[test]
fn files_that_hold_their_rows() {
    let files = [
        ("gray.pgm", exported(Format::Pnm, SampleType::U8, 1)),
        ("deep.ppm", exported(Format::Pnm, SampleType::U16, 3)),
        ("float.pfm", exported(Format::Pfm, SampleType::F32, 1)),
        ("array.npy", exported(Format::Npy, SampleType::I32, 1)),
        ("colour.bmp", exported(Format::Bmp, SampleType::U8, 3)),
    ];
    assert_eq!(there_and_back(&files), [true; 5]);
}

#[test]
fn what_does_not_come_back_is_kept_as_a_file() {
    let good = png(64, 64, 8, 2, 0, [6, 15, 8, 1], 4096);
    let mut other_coder = good.clone();
    // Another byte of a checksum of a chunk that is not critical.
    let at = good.windows(4).position(|w| w == b"tIME").unwrap() + 11;
    other_coder[at] ^= 1;
    let files = [
        ("good.png", good.clone()),
        ("same.png", good.clone()),
        ("longer.png", [good.as_slice(), b"more"].concat()),
        ("cut.png", good[..good.len() / 2].to_vec()),
        ("checksum.png", other_coder),
        ("nothing.png", Vec::new()),
        ("text.txt", b"no image at all".to_vec()),
    ];
    let are_images = there_and_back(&files);
    assert_eq!(&are_images[..2], [true, true]);
    assert_eq!(&are_images[3..4], [false]);
    assert_eq!(&are_images[5..], [false, false]);
}

#[test]
fn equal_files_share_their_blocks_and_attributes_stay() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = png(200, 200, 8, 2, 0, [6, 15, 8, 1], 8192);
    for name in ["a.png", "b.png"] {
        fs::write(folder.path().join(name), &bytes).unwrap();
    }
    fs::hard_link(folder.path().join("a.png"), folder.path().join("linked.png")).unwrap();
    let n_before = pack(&folder.path().join(".")).n_bytes();
    fs::write(folder.path().join("c.png"), &bytes).unwrap();
    let archive = pack(&folder.path().join("."));
    let kinds = ["a.png", "b.png", "c.png", "linked.png"].map(|name| archive.kind(name).unwrap());
    assert_eq!(kinds, [ItemKind::File, ItemKind::Image, ItemKind::Image, ItemKind::File]);
    let [b, c] = ["b.png", "c.png"].map(|name| archive.item(name).unwrap());
    assert!(b.attributes().mtime.is_some() && b.attributes().mode == c.attributes().mode);
    assert!(archive.n_bytes() < n_before + 1000);
    let image = archive.image("b.png").unwrap();
    assert_eq!(image.descriptor().width, 200);
    assert_eq!(image.restore().unwrap().unwrap(), bytes);
}

#[test]
fn every_flipped_bit_is_an_error_or_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = png(9, 9, 8, 0, 0, [6, 15, 8, 1], 50);
    fs::write(folder.path().join("a.png"), &bytes).unwrap();
    let options = WriterOptions::default().with_images(Some(ImageOptions::default()));
    let mut writer = Writer::new(Vec::new(), options).unwrap();
    writer.pack_tree(&[folder.path().join("a.png")], &Exclude::default()).unwrap();
    let good = writer.finish().unwrap().0;
    for bit in 0..good.len() * 8 {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        let read = Archive::from_bytes(bad).and_then(|archive| {
            assert!(!archive.verify(&VerifyOptions::default().with_n_threads(1))?.is_good(), "bit {bit}");
            archive.image("a.png")?.restore()
        });
        match read {
            Ok(file) => assert_eq!(file.unwrap(), bytes, "bit {bit}"),
            Err(error) => assert!(
                matches!(
                    error.kind(),
                    ErrorKind::Corrupt
                        | ErrorKind::Unsupported
                        | ErrorKind::Truncated
                        | ErrorKind::LimitExceeded
                ),
                "bit {bit}: {error}"
            ),
        }
    }
}
