//! Validly sealed archives that claim sizes they do not have: refused by name, at once, in little memory.
#![allow(clippy::unwrap_used, clippy::panic)]
#![cfg(target_os = "linux")]

use holotype::{
    ImageDescriptor, ImageOptions, Metadata, Mode, SampleType, SourceImage, Writer, WriterOptions,
};
use holotype_container::cbor::Value;
use holotype_container::{ArchiveBuilder, BlockRun, Codec, FrameHeader, ItemKind, ItemRecord, Limits};
use std::fs;
use std::path::Path;
use std::process::Command;

const MAX_RSS_BYTES: u64 = 64 << 20;
/// Little, so that what is asked for is refused, and plenty, so that it is granted but must not be touched.
const ADDRESS_SPACES: [u64; 2] = [1 << 30, 64 << 30];
/// The limit is a second; a loaded machine gets more, but nothing like what the claimed size would take.
const MAX_SECONDS: f64 = 3.0;

/// An archive of one image of `edge` × `edge` pixels in one tile, whose block claims `raw_bytes`.
fn forged(edge: u64, n_channels: u64, raw_bytes: u64, codec: Codec, payload: &[u8]) -> Vec<u8> {
    let (mut builder, start) = ArchiveBuilder::begin();
    let (frame, block) = builder.add_block(codec, payload, raw_bytes, 0);
    let mut item = ItemRecord::new("a.png".into(), ItemKind::Image);
    item.content.push(BlockRun { first: block, n_blocks: 1 });
    item.raw_bytes = edge.checked_mul(edge).and_then(|n| n.checked_mul(n_channels)).unwrap_or(u64::MAX);
    let colour = if n_channels == 1 { 0 } else { 7 };
    for (key, value) in [(0, edge), (1, edge), (2, n_channels), (3, 1), (5, colour), (10, edge)] {
        item.descriptor.insert(key, Value::Unsigned(value));
    }
    builder.add_item(item).unwrap();
    [&start[..], &frame, payload, &builder.finish().0].concat()
}

/// A file item whose one packed block claims `raw_bytes`, by the archive and by its own frame.
fn forged_file(raw_bytes: u64) -> Vec<u8> {
    // A Zstandard frame header: magic, single segment with 8 bytes of content size, that size.
    let mut payload = vec![0x28, 0xb5, 0x2f, 0xfd, 0xe0];
    payload.extend_from_slice(&raw_bytes.to_le_bytes());
    payload.extend_from_slice(&[1, 0, 0]);
    let (mut builder, start) = ArchiveBuilder::begin();
    let (frame, block) = builder.add_block(Codec::Zstd, &payload, raw_bytes, 0);
    let mut item = ItemRecord::new("a.bin".into(), ItemKind::File);
    item.content.push(BlockRun { first: block, n_blocks: 1 });
    item.raw_bytes = raw_bytes;
    builder.add_item(item).unwrap();
    [&start[..], &frame, &payload, &builder.finish().0].concat()
}

fn check(name: &str, archive: &[u8], codes: &[i32]) {
    let dir = tempfile::tempdir().unwrap();
    let out = if name == "file" { "out.bin" } else { "out.png" };
    let (path, out) = (dir.path().join("forged.holo"), dir.path().join(out));
    fs::write(&path, archive).unwrap();
    let [path, out] = [&path, &out].map(|p| p.to_str().unwrap());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/measure.py");
    let verbs = [
        vec!["info", path],
        vec!["list", path],
        vec!["verify", path],
        vec!["decompress", path, out],
        vec!["cat", path],
        vec!["salvage", path, "-"],
    ];
    for (verb, space) in verbs.iter().flat_map(|verb| ADDRESS_SPACES.map(|space| (verb, space))) {
        let output = Command::new("python3")
            .arg(&script)
            .args([&space.to_string(), env!("CARGO_BIN_EXE_holo")])
            .args(verb)
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        let fields: Vec<f64> = text.split_whitespace().map(|field| field.parse().unwrap()).collect();
        let [code, seconds, rss] = fields.as_slice() else { panic!("{name}: {text}{errors}") };
        let what = format!("{name}: {verb:?} in {space}: exit {code}, {seconds:.2} s, {rss} bytes; {errors}");
        let describes_only = ["info", "list"].contains(&verb[0]);
        assert!(codes.contains(&(*code as i32)) || (describes_only && *code == 0.0), "{what}");
        assert!(*seconds < MAX_SECONDS, "{what}");
        assert!(*rss < MAX_RSS_BYTES as f64, "{what}");
    }
}

#[test]
fn more_pixels_than_the_limit() {
    check("2^31 squared", &forged(1 << 31, 1, 1, Codec::ImageTile, &[0, 5]), &[7, 3]);
    check("2^31 squared, many channels", &forged(1 << 31, 60_000, 1, Codec::ImageTile, &[0, 5]), &[7, 3]);
}

#[test]
fn a_size_within_the_limit_that_the_block_denies() {
    check("60000 squared", &forged(60_000, 1, 1, Codec::ImageTile, &[0, 5]), &[3]);
}

#[test]
fn a_size_within_the_limit_that_the_block_confirms() {
    for payload in [&[0, 5][..], &[2, 0, 0, 0], &[2, 1, 0, 0, 0, 0, 0], &[200]] {
        let claimed = 60_000 * 60_000;
        check("60000 squared, claimed", &forged(60_000, 1, claimed, Codec::ImageTile, payload), &[3, 7, 1]);
    }
}

#[test]
fn a_real_tile_of_a_smaller_size() {
    for mode in [Mode::Fast, Mode::Standard, Mode::Archival] {
        let samples: Vec<u8> = (0..64 * 64_u32)
            .map(|i| (i % 64 * 2) as u8 + (i.wrapping_mul(2_654_435_761) >> 30) as u8)
            .collect();
        let descriptor = ImageDescriptor::new(64, 64, 1, SampleType::U8);
        let image = SourceImage { descriptor, metadata: Metadata::default() };
        let mut writer = Writer::new(Vec::new(), WriterOptions::default()).unwrap();
        writer.add_image("a", &image, &samples, &ImageOptions::new(mode)).unwrap();
        let archive = writer.finish().unwrap().0;
        let frame = FrameHeader::parse(&archive[32..], 32, &Limits::default()).unwrap();
        let payload = &archive[64..64 + frame.stored_bytes as usize];
        assert_ne!(payload[0], 0, "the samples are coded");
        let claimed = 60_000 * 60_000;
        check("a small tile", &forged(60_000, 1, claimed, Codec::ImageTile, payload), &[3, 7]);
    }
}

#[test]
fn a_file_of_another_size() {
    for raw_bytes in [(4 << 30) - 1, 1 << 40, u64::MAX] {
        check("file", &forged_file(raw_bytes), &[3, 7]);
    }
}
