//! Vectors of packed files: extents, chunk tables, attributes, LZ4.

use holotype::{Chunking, Compression, Metadata, Packing, Writer, WriterOptions};
use holotype_container::cbor::Value;
use holotype_container::{
    ArchiveBuilder, BlockRun, ChunkRecord, ChunkTable, Codec, Extent, Extents, FileAttributes, FileTime,
    ItemKind, ItemRecord, PageDraft, frame_hash, hex,
};
use sha2::{Digest as _, Sha256};
use std::io::Cursor;

/// Reproducible bytes: the generator of `docs/format.md` §5.7.
pub(crate) fn noise(seed: u64, n: usize) -> Vec<u8> {
    let mut state = seed;
    (0..n)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        })
        .collect()
}

/// `chunks.tsv`: seed, length, min, log2 of the average, max, lengths of the first chunks.
pub(crate) fn chunks() -> String {
    let mut lines = String::new();
    for (seed, n_bytes, min, average_log2, max) in [
        (1, 1 << 20, 1 << 14, 16, 1 << 18),
        (2, 300_000, 1 << 10, 12, 1 << 14),
        (3, 20_000, 64, 8, 1 << 10),
        (4, 20_000, 256, 8, 256),
        (5, 20_000, 64, 10, 5000),
        (6, 70_000, 100, 13, 9001),
        (7, 63, 64, 8, 1 << 10),
        (8, 0, 64, 8, 1 << 10),
    ] {
        let chunking = Chunking::new(min, average_log2, max).unwrap();
        let content = noise(seed, n_bytes);
        let (mut rest, mut lengths) = (content.as_slice(), Vec::new());
        while !rest.is_empty() && lengths.len() < 12 {
            let n = chunking.first_chunk(rest);
            lengths.push(n.to_string());
            rest = &rest[n..];
        }
        lines += &format!("{seed}\t{n_bytes}\t{min}\t{average_log2}\t{max}\t{}\n", lengths.join(","));
    }
    lines
}

fn line(archive: &str, item: &str, kind: &str, content: &[u8]) -> String {
    format!("{archive}\t{item}\t{kind}\t{}\t{}\n", content.len(), hex(&Sha256::digest(content)))
}

fn packed(name: &str, packing: Packing, files: &[(&str, Vec<u8>)]) -> (String, Vec<u8>, String) {
    let mut writer = Writer::new(Vec::new(), WriterOptions::default().with_packing(packing)).unwrap();
    let mut lines = String::new();
    for (item, content) in files {
        writer.pack_stream(item, Box::new(Cursor::new(content.clone())), &Metadata::default()).unwrap();
        lines += &line(name, item, "file", content);
    }
    (name.to_owned(), writer.finish().unwrap().0, lines)
}

pub(crate) fn good() -> Vec<(String, Vec<u8>, String)> {
    let text = |n: usize| "one line of many\n".repeat(n).into_bytes();
    let twins = [
        ("a/first", [noise(1, 9000), text(300)].concat()),
        ("a/second", [noise(2, 100), noise(1, 9000)[2000..].to_vec(), text(301)].concat()),
        ("b/third", text(2)),
        ("b/empty", Vec::new()),
    ];
    let small = Packing::default().with_block_bytes(4096).with_chunking(Chunking::new(64, 9, 1024).unwrap());
    let parts: Vec<Vec<u8>> = (0..20).map(|i| noise(i + 40, 256)).collect();
    let mixed: Vec<u8> = (0..1500_usize).flat_map(|i| parts[i * i % 20].clone()).collect();
    vec![
        packed("packed-zstd", small, &twins),
        packed("packed-lz4", small.with_compression(Compression::Lz4), &twins),
        packed("packed-store", small.with_compression(Compression::Store), &twins),
        packed("packed-generic", Packing::default(), &twins),
        packed(
            "packed-chunk-pages",
            small.with_chunking(Chunking::new(64, 8, 512).unwrap()),
            &[("a", noise(5, 60_000))],
        ),
        packed(
            "packed-extents-block",
            small.with_chunking(Chunking::new(64, 8, 256).unwrap()),
            &[("a", mixed)],
        ),
        attributes(),
    ]
}

fn known(mode: u32, seconds: i64, nanoseconds: u32) -> FileAttributes {
    let mut attributes = FileAttributes::default();
    attributes.mode = Some(mode);
    attributes.mtime = Some(FileTime { seconds, nanoseconds });
    attributes
}

fn file() -> ItemRecord {
    let mut item = ItemRecord::new("d/file".into(), ItemKind::File);
    item.content = vec![BlockRun { first: 0, n_blocks: 1 }];
    item.raw_bytes = 5;
    item.content_sha256 = Sha256::digest(b"hello").into();
    item
}

fn entry(name: &str, kind: ItemKind) -> ItemRecord {
    let mut item = ItemRecord::new(name.into(), kind);
    item.content_sha256 = Sha256::digest(b"").into();
    item
}

fn archive(items: Vec<ItemRecord>, chunks: Option<ChunkTable>) -> Vec<u8> {
    let (mut builder, header) = ArchiveBuilder::begin();
    let (frame, _) = builder.add_block(Codec::Raw, b"hello", 5, 0);
    let mut bytes = [header.as_slice(), &frame, b"hello"].concat();
    items.into_iter().for_each(|item| builder.add_item(item).unwrap());
    bytes.extend_from_slice(&builder.finish_with(chunks, &PageDraft::frames).0);
    bytes
}

fn attributes() -> (String, Vec<u8>, String) {
    let name = "attributes";
    let mut folder = entry("d", ItemKind::Directory);
    folder.attributes = known(0o755, 1_700_000_000, 123_456_789);
    let mut plain = file();
    plain.attributes = known(0o4640, -1, 0);
    plain.attributes.xattrs =
        vec![(b"user.a".to_vec(), b"\0\xff".to_vec()), (b"user.b".to_vec(), Vec::new())];
    let mut link = file();
    link.name = "d/hard".into();
    link.attributes.hard_link = Some("d/file".into());
    let mut raw = file();
    raw.name = "d/\u{fffd}ff".into();
    raw.attributes.raw_path = Some(b"d/\xff".to_vec());
    let mut symlink = entry("d/soft", ItemKind::Symlink);
    symlink.attributes = known(0o777, 0, 1);
    symlink.attributes.symlink_target = Some(b"../\xff".to_vec());
    let lines = [("d", "directory", ""), ("d/file", "file", "hello"), ("d/hard", "file", "hello")]
        .into_iter()
        .chain([("d/\u{fffd}ff", "file", "hello"), ("d/soft", "symlink", "")])
        .map(|(item, kind, content)| line(name, item, kind, content.as_bytes()));
    (name.to_owned(), archive(vec![folder, plain, link, raw, symlink], None), lines.clone().collect())
}

/// Files that are sealed as they should be and wrong inside.
pub(crate) fn bad() -> Vec<(&'static str, Vec<u8>)> {
    let extent = |offset_bytes, n_bytes| Extent { block: 0, offset_bytes, n_bytes };
    let with_extents = |extents: Vec<Extent>| {
        let mut item = file();
        item.content.clear();
        item.extents = Some(Extents::Inline(extents));
        item
    };
    let with_attributes = |change: &dyn Fn(&mut FileAttributes)| {
        let mut item = file();
        change(&mut item.attributes);
        item
    };
    let table = |id: [u8; 32], extent: Extent| {
        let mut table = ChunkTable::new(Chunking::default());
        table.push(&ChunkRecord { id, extent });
        Some(table)
    };
    let whole = || with_extents(vec![extent(0, 5)]);
    let mut full_folder = file();
    full_folder.kind = ItemKind::Directory;
    let mut of_image = whole();
    of_image.kind = ItemKind::Image;
    // A key that the container knows is overwritten by what the record kept as unknown.
    let unknown_attribute = {
        let mut item = file();
        let map = [(7, Value::Unsigned(1))].into_iter().collect();
        item.unknown.insert(12, Value::Map(map));
        item
    };
    let bad_lz4 = {
        let (mut builder, header) = ArchiveBuilder::begin();
        let payload = [0x10, b'a', 9, 0, 0];
        let (frame, _) = builder.add_block(Codec::Lz4, &payload, 40, 0);
        let mut bytes = [header.as_slice(), &frame, &payload].concat();
        let mut item = file();
        item.raw_bytes = 40;
        builder.add_item(item).unwrap();
        bytes.extend_from_slice(&builder.finish().0);
        bytes
    };
    vec![
        ("corrupt-extent-past-block", archive(vec![with_extents(vec![extent(1, 5)])], None)),
        ("corrupt-extent-sum", archive(vec![with_extents(vec![extent(0, 4)])], None)),
        ("corrupt-extents-of-image", archive(vec![of_image], None)),
        ("corrupt-folder-with-content", archive(vec![full_folder], None)),
        ("corrupt-link-without-target", archive(vec![entry("l", ItemKind::Symlink)], None)),
        ("corrupt-hard-link", archive(vec![with_attributes(&|a| a.hard_link = Some("other".into()))], None)),
        ("corrupt-chunk-id", archive(vec![whole()], table([7; 32], extent(0, 5)))),
        ("corrupt-chunk-past-block", archive(vec![whole()], table(frame_hash(b"hello"), extent(1, 5)))),
        ("corrupt-chunk-of-no-block", {
            let extent = Extent { block: 1, offset_bytes: 0, n_bytes: 5 };
            archive(vec![whole()], table(frame_hash(b"hello"), extent))
        }),
        ("corrupt-lz4", bad_lz4),
        ("unsupported-attribute", archive(vec![unknown_attribute], None)),
    ]
}
