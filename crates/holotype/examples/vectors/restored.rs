//! Vectors of images that stand for files: rows as they are, PNG files; recipes that are refused.

use super::packing::noise;
use holotype::{Archive, Exclude, ImageOptions, SampleType, Writer, WriterOptions};
use holotype_codec::deflate::{DeflateParameters, deflate};
use holotype_codec::image::{TileOptions, encode_tile};
use holotype_codec::{TileRef, TileShape};
use holotype_container::cbor::Value;
use holotype_container::{ArchiveBuilder, BlockRun, Codec, ItemKind, ItemRecord, RestoredFile};
use sha2::{Digest as _, Sha256};
use std::fs;

fn chunk(kind: &[u8], data: &[u8], out: &mut Vec<u8>) {
    let data = [kind, data].concat();
    out.extend((data.len() as u32 - 4).to_be_bytes());
    out.extend(&data);
    out.extend(crc32fast::hash(&data).to_be_bytes());
}

/// A PNG file of 40 × 30 pixels, its rows by all filters.
fn png(depth: u8, colour: u8, settings: [u8; 4]) -> Vec<u8> {
    let n_row = (40 * [1, 0, 3][usize::from(colour)] * usize::from(depth)).div_ceil(8);
    let mut text = Vec::new();
    for (y, row) in noise(5, 30 * n_row).chunks_exact(n_row).enumerate() {
        text.push((y % 5) as u8);
        text.extend(row.iter().map(|byte| byte & 3));
    }
    let [level, window, memory, strategy] = settings;
    let parameters = DeflateParameters::new(level, window, memory, strategy).unwrap();
    let stream = deflate(&text, parameters, &mut |_| true).unwrap();
    let head: &[u8] = if level == 6 { b"\x78\x9c" } else { b"\x78\xda" };
    let check = simd_adler32::adler32(&text.as_slice()).to_be_bytes();
    let stream = [head, &stream, &check].concat();
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    chunk(b"IHDR", &[0, 0, 0, 40, 0, 0, 0, 30, depth, colour, 0, 0, 0], &mut out);
    stream.chunks(200).for_each(|data| chunk(b"IDAT", data, &mut out));
    chunk(b"IEND", b"", &mut out);
    out
}

pub(crate) fn good() -> Vec<(String, Vec<u8>, String)> {
    let folder = std::env::temp_dir().join(format!("holotype-vectors-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let ppm = [b"P6\n# deep\n5 3\n65535\n".as_slice(), &noise(6, 90)].concat();
    let files = [
        ("gray-1.png", png(1, 0, [6, 15, 8, 0])),
        ("gray-16.png", png(16, 0, [9, 15, 9, 1])),
        ("colour.png", png(8, 2, [6, 15, 8, 1])),
        ("deep.ppm", ppm),
    ];
    let name = "restored";
    let options = WriterOptions::default().with_images(Some(ImageOptions::default().with_tile_edge(16)));
    let mut writer = Writer::new(Vec::new(), options).unwrap();
    for (file, bytes) in &files {
        let path = folder.join(file);
        fs::write(&path, bytes).unwrap();
        let packed = writer.pack_tree(&[path], &Exclude::default()).unwrap();
        assert_eq!(packed.n_images, 1, "{file}");
    }
    fs::remove_dir_all(folder).unwrap();
    let bytes = writer.finish().unwrap().0;
    let archive = Archive::from_bytes(bytes.clone()).unwrap();
    let mut lines = String::new();
    for (file, _) in &files {
        let item = archive.item(file).unwrap();
        lines += &format!("{name}\t{file}\timage\t{}\t{}\n", item.raw_bytes(), item.content_sha256_hex());
    }
    vec![(name.to_owned(), bytes, lines)]
}

/// A 1 × 1 image that stands for a file of `n_bytes` bytes by this recipe.
fn forged(recipe: Value, n_bytes: u64, file: &[u8]) -> Vec<u8> {
    let (mut builder, header) = ArchiveBuilder::begin();
    let mut out = header.to_vec();
    let shape = TileShape { width: 1, height: 1, n_channels: 1, sample: SampleType::U8, is_rgb: false };
    let tile = encode_tile(&TileRef::new(shape, &[&[9][..]]).unwrap(), &TileOptions::default());
    let mut bytes = Vec::new();
    recipe.encode_into(&mut bytes);
    for (codec, payload, raw) in [(Codec::ImageTile, &tile, 1), (Codec::Raw, &bytes, bytes.len() as u64)] {
        let (frame, _) = builder.add_block(codec, payload, raw, 0);
        out.extend_from_slice(&frame);
        out.extend_from_slice(payload);
    }
    let mut item = ItemRecord::new("a".into(), ItemKind::Image);
    item.content.push(BlockRun { first: 0, n_blocks: 1 });
    item.raw_bytes = 1;
    item.content_sha256 = Sha256::digest([9]).into();
    for (key, value) in [(0, 1), (1, 1), (2, 1), (3, 1), (5, 0), (10, 16)] {
        item.descriptor.insert(key, Value::Unsigned(value));
    }
    item.restored = Some(Box::new(RestoredFile::new(1, n_bytes, Sha256::digest(file).into())));
    builder.add_item(item).unwrap();
    out.extend(builder.finish().0);
    out
}

pub(crate) fn bad() -> Vec<(&'static str, Vec<u8>)> {
    let text = |bytes: &[u8]| Value::Bytes(bytes.to_vec());
    let numbers = |numbers: &[u64]| Value::Array(numbers.iter().copied().map(Value::Unsigned).collect());
    let parts = |parts: Vec<Value>| Value::Array(parts);
    vec![
        ("corrupt-restored-hash", forged(parts(vec![text(b"x"), numbers(&[0, 0, 1])]), 2, b"x\x08")),
        ("corrupt-restored-length", forged(parts(vec![text(b"x"), numbers(&[0, 0, 1])]), 3, b"x\x09")),
        ("corrupt-restored-part", forged(parts(vec![numbers(&[2, 0, 1])]), 1, b"\x09")),
        ("corrupt-restored-layout", forged(parts(vec![numbers(&[0, 16, 1])]), 1, b"\x09")),
        ("corrupt-restored-channels", forged(parts(vec![numbers(&[0, 2, 1])]), 1, b"\x09")),
        ("corrupt-restored-alignment", forged(parts(vec![numbers(&[0, 0, 0])]), 1, b"\x09")),
        ("corrupt-restored-recipe", forged(text(b"\x09"), 1, b"\x09")),
    ]
}
