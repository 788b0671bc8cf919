//! Trees of files packed, read by range and unpacked: what comes out is what went in, and never anywhere else.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::noise;
use holotype::{
    Archive, Chunking, Compression, ErrorKind, Exclude, ItemKind, Metadata, Packing, Profile, UnpackOptions,
    VerifyOptions, Writer, WriterOptions, salvage_bytes, unpack,
};
use holotype_container::{ArchiveBuilder, BlockRun, Codec, Extent, Extents, ItemRecord, pack as pack_bytes};
use proptest::prelude::*;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::Cursor;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

fn packed_with(inputs: &[PathBuf], packing: Packing) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), WriterOptions::default().with_packing(packing)).unwrap();
    writer.pack_tree(inputs, &Exclude::default()).unwrap();
    writer.finish().unwrap().0
}

fn packed(inputs: &[PathBuf]) -> Vec<u8> {
    packed_with(inputs, Packing::default())
}

fn assert_good(archive: &Archive) {
    let report = archive.verify(&VerifyOptions::default()).unwrap();
    assert!(report.is_good(), "{:?}", report.findings);
}

/// Every path below `root` with all that is known of it.
fn state(root: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let known = fs::symlink_metadata(&path).unwrap();
            let content = if known.is_dir() {
                folders.push(path.clone());
                "folder".to_owned()
            } else if known.is_symlink() {
                format!("link to {}", fs::read_link(&path).unwrap().display())
            } else {
                format!("{:?}", Sha256::digest(fs::read(&path).unwrap()))
            };
            let line = format!(
                "{content} {:o} {}.{} links {}",
                known.mode(),
                known.mtime(),
                known.mtime_nsec(),
                if known.is_dir() { 0 } else { known.nlink() }
            );
            found.insert(path.strip_prefix(root).unwrap().to_path_buf(), line);
        }
    }
    found
}

fn set_time(path: &Path, seconds: i64, nanoseconds: u32) {
    let time = filetime::FileTime::from_unix_time(seconds, nanoseconds);
    filetime::set_symlink_file_times(path, time, time).unwrap();
}

/// A tree with one of everything.
fn make_tree(root: &Path) {
    fs::create_dir_all(root.join("a/empty")).unwrap();
    fs::create_dir_all(root.join("b")).unwrap();
    fs::write(root.join("a/one.txt"), b"one").unwrap();
    fs::write(root.join("a/none"), b"").unwrap();
    fs::write(root.join("b/big.bin"), noise(1, 3_000_000)).unwrap();
    let moved = [&noise(2, 777)[..], &noise(1, 3_000_000)[500_000..2_500_000]].concat();
    fs::write(root.join("b/moved.bin"), moved).unwrap();
    fs::write(root.join("b/text"), "again and again ".repeat(40_000)).unwrap();
    fs::write(root.join(OsStr::from_bytes(b"b/raw \xff\xfe")), b"not text").unwrap();
    fs::hard_link(root.join("a/one.txt"), root.join("b/same.txt")).unwrap();
    std::os::unix::fs::symlink("../a/one.txt", root.join("b/link")).unwrap();
    std::os::unix::fs::symlink("/nowhere/at/all", root.join("b/dangling")).unwrap();
    fs::set_permissions(root.join("a/one.txt"), fs::Permissions::from_mode(0o400)).unwrap();
    fs::set_permissions(root.join("b/text"), fs::Permissions::from_mode(0o755)).unwrap();
    set_time(&root.join("b/link"), 1_000_000_000, 1);
    set_time(&root.join("a/one.txt"), -5, 999_999_999);
    set_time(&root.join("b/big.bin"), 1_234_567_890, 123_456_789);
    fs::set_permissions(root.join("a/empty"), fs::Permissions::from_mode(0o500)).unwrap();
    for folder in ["a/empty", "a", "b"] {
        set_time(&root.join(folder), 1_500_000_000, 7);
    }
}

#[test]
fn a_tree_comes_back_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let tree = dir.path().join("tree");
    make_tree(&tree);
    let bytes = packed(std::slice::from_ref(&tree));
    assert!(bytes.len() < 3_400_000, "equal parts are stored once: {}", bytes.len());
    let archive = Archive::from_bytes(bytes).unwrap();
    assert_good(&archive);
    let out = dir.path().join("out");
    let unpacked = unpack(&archive, &out, &UnpackOptions::default()).unwrap();
    assert_eq!(unpacked.n_items, 13);
    assert_eq!(state(&tree), state(&out.join("tree")));
    assert_eq!(
        fs::metadata(out.join("tree/a/one.txt")).unwrap().ino(),
        fs::metadata(out.join("tree/b/same.txt")).unwrap().ino()
    );
}

#[test]
fn extended_attributes_come_back_where_there_are_any() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("f");
    fs::write(&file, b"x").unwrap();
    if xattr::set(&file, "user.colour", b"\0green").is_err() {
        return;
    }
    let archive = Archive::from_bytes(packed(&[file])).unwrap();
    assert_eq!(archive.item("f").unwrap().attributes().xattrs.len(), 1);
    unpack(&archive, dir.path().join("out"), &UnpackOptions::default()).unwrap();
    assert_eq!(xattr::get(dir.path().join("out/f"), "user.colour").unwrap().unwrap(), b"\0green");
    unpack(&archive, dir.path().join("bare"), &UnpackOptions::default().with_xattrs(false)).unwrap();
    assert_eq!(xattr::get(dir.path().join("bare/f"), "user.colour").unwrap(), None);
}

#[test]
fn special_bits_come_back_only_when_asked() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("f");
    fs::write(&file, b"x").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o4711)).unwrap();
    let archive = Archive::from_bytes(packed(&[file])).unwrap();
    for (special, expected) in [(false, 0o711), (true, 0o4711)] {
        let out = dir.path().join(format!("out{special}"));
        unpack(&archive, &out, &UnpackOptions::default().with_special_modes(special)).unwrap();
        assert_eq!(fs::metadata(out.join("f")).unwrap().mode() & 0o7777, expected);
    }
}

/// More equal files than are written together, of several contents that start alike.
#[test]
fn equal_files_each_come_back_as_they_were() {
    let dir = tempfile::tempdir().unwrap();
    let tree = dir.path().join("tree");
    fs::create_dir(&tree).unwrap();
    let content = noise(9, 400_000);
    let lengths = [0, 1000, 300_000, 399_999, 400_000];
    for i in 0..100_u32 {
        let path = tree.join(format!("{i:03}"));
        fs::write(&path, &content[..lengths[i as usize % 5]]).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600 + i % 0o100)).unwrap();
        filetime::set_file_mtime(&path, filetime::FileTime::from_unix_time(i64::from(i), i)).unwrap();
    }
    let archive = packed(std::slice::from_ref(&tree));
    let small = Packing::default().with_block_bytes(8192).with_compression(Compression::Store);
    for bytes in [archive, packed_with(std::slice::from_ref(&tree), small)] {
        let whole = Archive::from_bytes(bytes.clone()).unwrap();
        assert_good(&whole);
        for n_threads in [1, 3] {
            let out = tempfile::tempdir().unwrap();
            let to = out.path().join("out");
            unpack(&whole, &to, &UnpackOptions::default().with_n_threads(n_threads)).unwrap();
            assert_eq!(state(&to.join("tree")), state(&tree));
        }
        // Damage is found in each file that it is in.
        let mut damaged = bytes;
        damaged[5000] ^= 1;
        let damaged = Archive::from_bytes(damaged).unwrap();
        let report = damaged.verify(&VerifyOptions::default().with_n_threads(1)).unwrap();
        let mut named: Vec<&str> = report.findings.iter().filter_map(|f| f.item.as_deref()).collect();
        named.sort_unstable();
        named.dedup();
        let of_length =
            |n: usize| named.iter().filter(|name| name[5..].parse::<usize>().unwrap() % 5 == n).count();
        assert!(!named.is_empty(), "the flipped byte is in no file");
        assert!((0..5).all(|n| of_length(n) == 0 || of_length(n) == 20), "{named:?}");
        let error = unpack(&damaged, dir.path().join("none"), &UnpackOptions::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert!(!dir.path().join("none").exists());
    }
}

#[test]
fn nothing_is_left_out_but_what_is_named() {
    let dir = tempfile::tempdir().unwrap();
    for name in [".gitignore", ".hidden", "a.log", "b.txt"] {
        fs::write(dir.path().join(name), "*").unwrap();
    }
    fs::create_dir(dir.path().join("build")).unwrap();
    fs::write(dir.path().join("build/x.txt"), "*").unwrap();
    let names = |patterns: &[&str]| -> Vec<String> {
        let mut writer = Writer::new(Vec::new(), WriterOptions::default()).unwrap();
        writer.pack_tree(&[dir.path().join(".")], &Exclude::new(patterns).unwrap()).unwrap();
        let archive = Archive::from_bytes(writer.finish().unwrap().0).unwrap();
        archive.items_from("", 100).unwrap().iter().map(|item| item.name().to_owned()).collect()
    };
    assert_eq!(names(&[]), [".gitignore", ".hidden", "a.log", "b.txt", "build", "build/x.txt"]);
    assert_eq!(names(&["*.log", "build/"]), [".gitignore", ".hidden", "b.txt"]);
    assert_eq!(names(&["build/*.txt"]), [".gitignore", ".hidden", "a.log", "b.txt", "build"]);
}

#[test]
fn what_an_archive_cannot_hold_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    std::os::unix::net::UnixListener::bind(dir.path().join("socket")).unwrap();
    let mut writer = Writer::new(Vec::new(), WriterOptions::default()).unwrap();
    let error = writer.pack_tree(&[dir.path().to_path_buf()], &Exclude::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("socket"));
    let mut writer = Writer::new(Vec::new(), WriterOptions::default()).unwrap();
    let exclude = Exclude::new(["socket"]).unwrap();
    assert_eq!(writer.pack_tree(&[dir.path().to_path_buf()], &exclude).unwrap().n_directories, 1);
}

#[test]
fn two_inputs_of_one_name_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    for folder in ["x", "y"] {
        fs::create_dir_all(dir.path().join(folder)).unwrap();
        fs::write(dir.path().join(folder).join("f"), b"").unwrap();
    }
    let mut writer = Writer::new(Vec::new(), WriterOptions::default()).unwrap();
    let inputs = [dir.path().join("x/f"), dir.path().join("y/f")];
    assert_eq!(
        writer.pack_tree(&inputs, &Exclude::default()).unwrap_err().kind(),
        ErrorKind::InvalidArgument
    );
}

#[test]
fn the_archive_is_the_same_for_any_number_of_threads() {
    let dir = tempfile::tempdir().unwrap();
    let tree = dir.path().join("tree");
    make_tree(&tree);
    for profile in Profile::ALL {
        let one = packed_with(std::slice::from_ref(&tree), profile.packing().with_n_threads(1));
        let many = packed_with(std::slice::from_ref(&tree), profile.packing().with_n_threads(5));
        assert_eq!(Sha256::digest(&one), Sha256::digest(&many), "{}", profile.name());
        assert_good(&Archive::from_bytes(one).unwrap());
    }
}

#[test]
fn any_range_reads_as_the_file() {
    let content = [noise(3, 100_000), vec![7; 200_000], noise(3, 100_000), noise(4, 50_000)].concat();
    for packing in [
        Packing::default(),
        Profile::Embedded.packing().with_compression(Compression::Lz4),
        Packing::default().with_block_bytes(4096).with_chunking(Chunking::new(64, 8, 999).unwrap()),
    ] {
        for cache in [0, 1 << 20] {
            let archive = Archive::from_bytes({
                let mut writer =
                    Writer::new(Vec::new(), WriterOptions::default().with_packing(packing)).unwrap();
                writer
                    .pack_stream("f", Box::new(Cursor::new(content.clone())), &Metadata::default())
                    .unwrap();
                writer.add_file("plain", &mut content.as_slice(), None).unwrap();
                writer.finish().unwrap().0
            })
            .unwrap()
            .with_cache_bytes(cache);
            assert_good(&archive);
            for name in ["f", "plain"] {
                let map = archive.file_map(name).unwrap();
                let mut at = 0;
                while at < content.len() + 10 {
                    for n in [0, 1, 63, 5000, 70_000] {
                        let mut out = vec![0xaa; n];
                        let found = archive.read_at(&map, at as u64, &mut out).unwrap();
                        let expected = &content[at.min(content.len())..(at + n).min(content.len())];
                        assert_eq!(&out[..found], expected);
                    }
                    at += 8191;
                }
            }
        }
    }
}

#[test]
fn a_small_read_touches_one_block() {
    let content = noise(9, 4 << 20);
    let mut writer = Writer::new(Vec::new(), WriterOptions::default()).unwrap();
    writer.pack_stream("f", Box::new(Cursor::new(content.clone())), &Metadata::default()).unwrap();
    let source = holotype_store::MemorySource::new(writer.finish().unwrap().0);
    let recorder = holotype_store::Recorder::new(Opaque(source));
    let archive =
        Archive::open_source(Box::new(recorder.clone()), "test", holotype::Limits::default()).unwrap();
    assert!(recorder.take().len() <= 2, "opening takes the end and the header");
    let map = archive.file_map("f").unwrap();
    let mut out = [0; 1000];
    assert_eq!(archive.read_at(&map, 1_000_000, &mut out).unwrap(), 1000);
    assert_eq!(out, content[1_000_000..1_001_000]);
    let reads = recorder.take();
    assert_eq!(reads.len(), 1);
    assert!(reads[0].n_bytes <= (256 << 10) + 32);
    archive.read_at(&map, 1_000_500, &mut out).unwrap();
    assert!(recorder.take().is_empty(), "the block is in the cache");
}

#[test]
fn a_block_of_which_the_start_was_read_is_read_whole_the_second_time() {
    let content: Vec<u8> = noise(4, 4 << 20).into_iter().map(|byte| byte & 0x81).collect();
    let packing = Packing::default().with_block_bytes(1 << 20).with_chunking(Chunking::around(20));
    let options = WriterOptions::default().with_packing(packing);
    let mut writer = Writer::new(Vec::new(), options).unwrap();
    writer.pack_stream("f", Box::new(Cursor::new(content.clone())), &Metadata::default()).unwrap();
    let source = holotype_store::MemorySource::new(writer.finish().unwrap().0);
    let recorder = holotype_store::Recorder::new(Opaque(source));
    let archive =
        Archive::open_source(Box::new(recorder.clone()), "test", holotype::Limits::default()).unwrap();
    let map = archive.file_map("f").unwrap();
    assert!(!recorder.take().is_empty());
    let mut out = [0; 1000];
    // The first block has at least 256 KiB. A read elsewhere decodes its start, one further in it all of it.
    for (at, n_reads) in [(70_000, 1), (70_500, 0), (3, 0), (200_000, 1), (240_000, 0), (100_000, 0)] {
        assert_eq!(archive.read_at(&map, at, &mut out).unwrap(), 1000);
        assert_eq!(out, content[at as usize..at as usize + 1000]);
        assert_eq!(recorder.take().len(), n_reads, "at {at}");
    }
}

/// A source that hands out no slices.
#[derive(Clone)]
struct Opaque(holotype_store::MemorySource<Vec<u8>>);

impl holotype_store::ReadAt for Opaque {
    fn len_bytes(&self) -> u64 {
        self.0.len_bytes()
    }

    fn read_exact_at(&self, offset_bytes: u64, out: &mut [u8]) -> std::io::Result<()> {
        self.0.read_exact_at(offset_bytes, out)
    }
}

#[test]
fn damage_is_named_and_the_rest_is_salvaged() {
    let dir = tempfile::tempdir().unwrap();
    let tree = dir.path().join("tree");
    make_tree(&tree);
    let packing = Packing::default().with_block_bytes(64 << 10);
    let mut bytes = packed_with(&[tree], packing);
    let n = bytes.len();
    bytes[n / 2] ^= 0x10;
    let archive = Archive::from_bytes(bytes.clone()).unwrap();
    let report = archive.verify(&VerifyOptions::default()).unwrap();
    let named: Vec<&str> = report.findings.iter().filter_map(|f| f.item.as_deref()).collect();
    assert!(!named.is_empty() && named.iter().all(|name| name.ends_with(".bin")), "{named:?}");
    let error = unpack(&archive, dir.path().join("out"), &UnpackOptions::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(!dir.path().join("out").exists());
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left behind");

    let (saved, report) = salvage_bytes(bytes, Vec::new(), &Default::default()).unwrap();
    let lost: Vec<&str> = report.lost.iter().map(|item| item.name.as_str()).collect();
    assert_eq!(lost.len(), named.len(), "{lost:?}");
    let saved = Archive::from_bytes(saved).unwrap();
    assert_good(&saved);
    assert_eq!(
        saved.item("tree/b/same.txt").unwrap().attributes().hard_link.as_deref(),
        Some("tree/a/one.txt")
    );
    assert_eq!(saved.n_items(), 14 - named.len() as u64, "and the report");
}

/// An archive of items that its maker made up.
fn forged(items: Vec<ItemRecord>) -> Archive {
    let (mut builder, header) = ArchiveBuilder::begin();
    let mut file = header.to_vec();
    let (codec, payload) = pack_bytes(b"evil");
    let (frame, _) = builder.add_block(codec, &payload, 4, 0);
    file.extend_from_slice(&frame);
    file.extend_from_slice(&payload);
    items.into_iter().for_each(|item| builder.add_item(item).unwrap());
    file.extend_from_slice(&builder.finish().0);
    Archive::from_bytes(file).unwrap()
}

fn evil_file(name: &str) -> ItemRecord {
    let mut item = ItemRecord::new(name.into(), ItemKind::File);
    item.content = vec![BlockRun { first: 0, n_blocks: 1 }];
    item.raw_bytes = 4;
    item.content_sha256 = Sha256::digest(b"evil").into();
    item
}

fn evil_link(name: &str, target: &str) -> ItemRecord {
    let mut item = ItemRecord::new(name.into(), ItemKind::Symlink);
    item.content_sha256 = Sha256::digest(b"").into();
    item.attributes.symlink_target = Some(target.into());
    item
}

fn with_raw_path(mut item: ItemRecord, path: &[u8]) -> ItemRecord {
    item.attributes.raw_path = Some(path.to_vec());
    item
}

fn hard_link(name: &str, to: &str) -> ItemRecord {
    let mut item = evil_file(name);
    item.attributes.hard_link = Some(to.into());
    item
}

#[test]
fn every_way_out_of_the_folder_is_closed() {
    let attacks: Vec<(&str, Vec<ItemRecord>)> = vec![
        ("parent", vec![evil_file("../evil")]),
        ("parent inside", vec![evil_file("a/../../evil")]),
        ("parent alone", vec![evil_file("..")]),
        ("this folder", vec![evil_file("a/./b")]),
        ("absolute", vec![evil_file("/tmp/evil")]),
        ("empty part", vec![evil_file("a//b")]),
        ("trailing slash", vec![evil_file("a/")]),
        ("zero byte", vec![evil_file("a\0b")]),
        ("raw parent", vec![with_raw_path(evil_file("innocent"), b"../\xff")]),
        ("raw absolute", vec![with_raw_path(evil_file("innocent"), b"/\xff")]),
        ("through a link", vec![evil_link("a", ".."), evil_file("a/evil")]),
        ("through an absolute link", vec![evil_link("a", "/tmp"), evil_file("a/evil")]),
        ("through a link below", vec![evil_link("d/a", "../.."), evil_file("d/a/x/evil")]),
        ("through a file", vec![evil_file("a"), evil_file("a/evil")]),
        (
            "twice",
            vec![with_raw_path(evil_file("one"), b"\xff"), with_raw_path(evil_link("two", ".."), b"\xff")],
        ),
        ("hard link to a link", vec![evil_link("a", "/etc/passwd"), hard_link("b", "a")]),
        ("hard link to nothing", vec![hard_link("b", "/etc/passwd")]),
        ("hard link to itself", vec![hard_link("b", "b")]),
        ("hard link of a hard link", vec![evil_file("a"), hard_link("b", "a"), hard_link("c", "b")]),
        ("an image", vec![ItemRecord::new("image".into(), ItemKind::Image)]),
    ];
    for (what, items) in attacks {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("x/out");
        fs::create_dir(dir.path().join("x")).unwrap();
        let result = unpack(&forged(items), &out, &UnpackOptions::default());
        assert!(result.is_err(), "{what}");
        assert!(!out.exists(), "{what}");
        let left: Vec<_> = fs::read_dir(dir.path().join("x")).unwrap().collect();
        assert!(left.is_empty() && fs::read_dir(dir.path()).unwrap().count() == 1, "{what}");
    }
}

#[test]
fn device_nodes_cannot_even_be_said() {
    for kind in [2_u64, 8, 9, 255] {
        let mut record = evil_file("dev");
        record.attributes.mode = Some(0o644);
        record.unknown.insert(1 << 16, holotype_container::cbor::Value::Unsigned(kind));
        let (mut builder, header) = ArchiveBuilder::begin();
        let mut file = header.to_vec();
        let (frame, _) = builder.add_block(Codec::Raw, b"evil", 4, 0);
        file.extend_from_slice(&frame);
        file.extend_from_slice(b"evil");
        builder.add_item(record).unwrap();
        file.extend_from_slice(&builder.finish().0);
        let opened = Archive::from_bytes(file).map(|_| ());
        assert_eq!(opened.unwrap_err().kind(), ErrorKind::Unsupported);
    }
    let mut record = evil_file("dev");
    record.attributes.mode = Some(0o020_644);
    let (mut builder, _) = ArchiveBuilder::begin();
    builder.add_block(Codec::Raw, b"evil", 4, 0);
    assert!(builder.add_item(record).is_err(), "type bits are no permission bits");
}

#[test]
fn links_are_made_as_they_were_and_never_followed() {
    let dir = tempfile::tempdir().unwrap();
    let outside = dir.path().join("outside");
    fs::write(&outside, b"kept").unwrap();
    let target = outside.to_str().unwrap();
    let archive = forged(vec![evil_link("a", target), evil_file("b")]);
    unpack(&archive, dir.path().join("out"), &UnpackOptions::default()).unwrap();
    assert_eq!(fs::read(&outside).unwrap(), b"kept");
    assert_eq!(fs::read_link(dir.path().join("out/a")).unwrap(), outside);
}

#[test]
fn a_folder_with_something_in_it_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("b"), b"mine").unwrap();
    let error = unpack(&forged(vec![evil_file("b")]), dir.path(), &UnpackOptions::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert_eq!(fs::read(dir.path().join("b")).unwrap(), b"mine");
}

#[test]
fn an_archive_that_claims_too_much_is_refused() {
    let mut bomb = ItemRecord::new("bomb".into(), ItemKind::File);
    let extent = Extent { block: 0, offset_bytes: 0, n_bytes: 4 };
    bomb.extents = Some(Extents::Inline(vec![extent; 1000]));
    bomb.raw_bytes = 4000;
    bomb.content_sha256 = Sha256::digest(b"evil".repeat(1000)).into();
    let archive = forged(vec![bomb]);
    assert_good(&archive);
    let dir = tempfile::tempdir().unwrap();
    let limited = UnpackOptions::default().with_max_bytes(3999);
    let error = unpack(&archive, dir.path().join("out"), &limited).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded);
    unpack(&archive, dir.path().join("out"), &limited.with_max_bytes(4000)).unwrap();
}

#[test]
fn extents_past_their_block_are_corrupt() {
    for extent in [
        Extent { block: 0, offset_bytes: 1, n_bytes: 4 },
        Extent { block: 0, offset_bytes: 4, n_bytes: 4 },
        Extent { block: 0, offset_bytes: u64::MAX - 4, n_bytes: 4 },
    ] {
        let mut item = evil_file("a");
        item.content.clear();
        item.extents = Some(Extents::Inline(vec![extent]));
        let archive = forged(vec![item]);
        let error = archive.read_file("a", &mut |_| Ok(())).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert!(!archive.verify(&VerifyOptions::default()).unwrap().is_good());
    }
}

#[test]
fn long_lists_of_extents_go_into_a_block() {
    let dir = tempfile::tempdir().unwrap();
    let parts: Vec<Vec<u8>> = (0..40).map(|i| noise(i, 1000)).collect();
    let content: Vec<u8> = (0..4000_usize).flat_map(|i| parts[i * i * 7 % 40].clone()).collect();
    fs::write(dir.path().join("f"), &content).unwrap();
    let packing = Packing::default().with_block_bytes(4096).with_chunking(Chunking::new(64, 8, 512).unwrap());
    let archive = Archive::from_bytes(packed_with(&[dir.path().join("f")], packing)).unwrap();
    assert_good(&archive);
    let map = archive.file_map("f").unwrap();
    let mut out = vec![0; content.len()];
    archive.read_at(&map, 0, &mut out).unwrap();
    assert_eq!(out, content);
    assert!(archive.item("f").unwrap().stored_bytes().unwrap() < archive.n_bytes() * 200);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn edited_files_come_back_as_they_are(
        edits in prop::collection::vec((0..300_000_usize, 0..3_u8, 1..5000_usize), 0..6),
        threads in 1..4_usize,
    ) {
        let old = noise(11, 300_000);
        let mut new = old.clone();
        for (at, kind, n) in edits {
            let at = at.min(new.len());
            match kind {
                0 => drop(new.splice(at..at, noise(n as u64, n))),
                1 => drop(new.drain(at..(at + n).min(new.len()))),
                _ => new.rotate_left(at),
            }
        }
        let packing = Profile::Embedded.packing().with_n_threads(threads);
        let mut writer = Writer::new(Vec::new(), WriterOptions::default().with_packing(packing)).unwrap();
        for (name, content) in [("old", &old), ("new", &new), ("empty", &Vec::new())] {
            writer.pack_stream(name, Box::new(Cursor::new(content.clone())), &Metadata::default()).unwrap();
        }
        let archive = Archive::from_bytes(writer.finish().unwrap().0).unwrap();
        prop_assert!(archive.verify(&VerifyOptions::default()).unwrap().is_good());
        for (name, content) in [("old", &old), ("new", &new)] {
            let map = archive.file_map(name).unwrap();
            let mut out = vec![0; content.len()];
            prop_assert_eq!(archive.read_at(&map, 0, &mut out).unwrap(), content.len());
            prop_assert!(&out == content);
        }
    }
}
