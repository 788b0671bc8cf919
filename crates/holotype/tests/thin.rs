//! Thin archives: what a parent has is named, wherever it moved, and reads as if it had been stored; a parent that is
//! missing, replaced or damaged is an error that says so.
#![allow(clippy::unwrap_used)]

mod common;

use common::noise;
use holotype::{
    Archive, Chunking, Encryption, Error, ErrorKind, Exclude, FlattenOptions, KdfCost, Metadata, OpenOptions,
    Packing, Parent, Password, UnpackOptions, VerifyOptions, Writer, WriterOptions, flatten, rekey, unpack,
};
use holotype_container::{
    ArchiveBuilder, BlockRun, ChunkRecord, ChunkTable, Codec, Extent, ForeignBlock, ItemKind, ItemRecord,
    ParentRecord, frame_hash,
};
use proptest::prelude::*;
use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

fn small() -> Packing {
    Packing::default()
        .with_block_bytes(8192)
        .with_chunking(Chunking::new(256, 9, 2048).unwrap())
        .with_n_threads(1)
}

fn pack(path: &Path, files: &[(&str, &[u8])], options: WriterOptions) -> u64 {
    let mut writer = Writer::new(fs::File::create(path).unwrap(), options).unwrap();
    for (name, content) in files {
        writer.pack_stream(name, Box::new(Cursor::new(content.to_vec())), &Metadata::default()).unwrap();
    }
    writer.finish().unwrap();
    fs::metadata(path).unwrap().len()
}

fn thin(path: &Path, parents: &[&Path], files: &[(&str, &[u8])]) -> u64 {
    let open = |parent: &&Path| Parent::open(parent, path, &OpenOptions::default()).unwrap();
    let options =
        WriterOptions::default().with_packing(small()).with_parents(parents.iter().map(open).collect());
    pack(path, files, options)
}

fn read(archive: &Archive, name: &str) -> Result<Vec<u8>, Error> {
    let mut out = Vec::new();
    archive.read_file(name, &mut |part| {
        out.extend_from_slice(part);
        Ok(())
    })?;
    Ok(out)
}

fn check(path: &Path, files: &[(&str, &[u8])]) {
    let archive = Archive::open(path).unwrap();
    for (name, content) in files {
        assert!(read(&archive, name).unwrap() == *content, "{name}");
        let map = archive.file_map(name).unwrap();
        let start = content.len() / 3;
        let mut part = vec![0; content.len() / 2];
        let n = archive.read_at(&map, start as u64, &mut part).unwrap();
        assert!(part[..n] == content[start..start + n], "{name}");
    }
    let report = archive.verify(&VerifyOptions::default().with_n_threads(1)).unwrap();
    assert!(report.is_good(), "{:?}", report.findings);
}

/// An edit of a file, as a part of its length.
#[derive(Debug, Clone)]
enum Edit {
    Insert(u16, Vec<u8>),
    Delete(u16, u16),
    Overwrite(u16, Vec<u8>),
    Rotate(u16),
    Repeat(u16, u16),
}

fn edit() -> impl Strategy<Value = Edit> {
    let bytes = || proptest::collection::vec(any::<u8>(), 0..3000);
    prop_oneof![
        (any::<u16>(), bytes()).prop_map(|(at, bytes)| Edit::Insert(at, bytes)),
        (any::<u16>(), any::<u16>()).prop_map(|(at, n)| Edit::Delete(at, n)),
        (any::<u16>(), bytes()).prop_map(|(at, bytes)| Edit::Overwrite(at, bytes)),
        any::<u16>().prop_map(Edit::Rotate),
        (any::<u16>(), any::<u16>()).prop_map(|(at, n)| Edit::Repeat(at, n)),
    ]
}

fn apply(content: &mut Vec<u8>, edit: &Edit) {
    let len = content.len();
    let place = |at: u16| len * at as usize / 65536;
    match edit {
        Edit::Insert(at, bytes) => drop(content.splice(place(*at)..place(*at), bytes.iter().copied())),
        Edit::Delete(at, n) => drop(content.drain(place(*at)..(place(*at) + place(*n) / 4).min(len))),
        Edit::Overwrite(at, bytes) => {
            let end = (place(*at) + bytes.len()).min(len);
            drop(content.splice(place(*at)..end, bytes.iter().copied()));
        }
        Edit::Rotate(at) => content.rotate_left(place(*at)),
        Edit::Repeat(at, n) => {
            let again = content[place(*at)..(place(*at) + place(*n) / 8).min(len)].to_vec();
            content.extend(again);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn thin_and_full_read_alike(
        seed in any::<u64>(),
        n in 0..120_000_usize,
        generations in proptest::collection::vec(proptest::collection::vec(edit(), 0..4), 1..4),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let mut content = noise(seed, n);
        let mut last = dir.path().join("0.holo");
        pack(&last, &[("a", &content)], WriterOptions::default().with_packing(small()));
        for (i, edits) in generations.iter().enumerate() {
            edits.iter().for_each(|edit| apply(&mut content, edit));
            let path = dir.path().join(format!("{}.holo", i + 1));
            thin(&path, &[&last], &[("a", &content)]);
            check(&path, &[("a", &content)]);
            let (flat, _) =
                flatten(&Archive::open(&path).unwrap(), Vec::new(), &FlattenOptions::default()).unwrap();
            let flat = Archive::from_bytes(flat).unwrap();
            prop_assert!(flat.parents().is_empty());
            prop_assert!(flat.verify(&VerifyOptions::default().with_n_threads(1)).unwrap().is_good());
            prop_assert!(read(&flat, "a").unwrap() == content);
            last = path;
        }
    }
}

#[test]
fn what_moved_is_found_in_any_parent_and_chains_are_followed() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let (a, b, c) = (noise(1, 200_000), noise(2, 200_000), noise(3, 5_000));
    pack(&at("a.holo"), &[("a", &a)], WriterOptions::default().with_packing(small()));
    fs::create_dir(at("deep")).unwrap();
    pack(&at("deep/b.holo"), &[("b", &b)], WriterOptions::default().with_packing(small()));
    let moved = [&b[150_000..], &c, &a[..100_000], &b[..50_000]].concat();
    let files: [(&str, &[u8]); 2] = [("moved", &moved), ("again", &moved[1000..])];
    let n_bytes = thin(&at("child.holo"), &[&at("a.holo"), &at("deep/b.holo")], &files);
    assert!(n_bytes < 32_000, "{n_bytes} bytes");
    check(&at("child.holo"), &files);
    let child = Archive::open(at("child.holo")).unwrap();
    let hints: Vec<_> = child.parents().into_iter().flat_map(|parent| parent.hints).collect();
    assert_eq!(hints, ["a.holo", "deep/b.holo"]);
    assert!(child.summary().unwrap().unique_bytes < 20_000);

    // Of the grandchild all that it shares lies two generations up.
    let n_bytes = thin(&at("deep/grandchild.holo"), &[&at("child.holo")], &files);
    assert!(n_bytes < 32_000, "{n_bytes} bytes");
    check(&at("deep/grandchild.holo"), &files);
    let flat = fs::File::create(at("flat.holo")).unwrap();
    let grandchild = Archive::open(at("deep/grandchild.holo")).unwrap();
    flatten(&grandchild, flat, &FlattenOptions::default()).unwrap();
    for name in ["a.holo", "deep/b.holo", "child.holo"] {
        fs::remove_file(at(name)).unwrap();
    }
    check(&at("flat.holo"), &files);
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let content = noise(1, 300_000);
    pack(&at("a.holo"), &[("a", &content)], WriterOptions::default().with_packing(small()));
    let write = |n_threads: usize| {
        let parent = Parent::open(at("a.holo"), at("child.holo"), &OpenOptions::default()).unwrap();
        let packing = small().with_n_threads(n_threads);
        let options = WriterOptions::default().with_packing(packing).with_parents(vec![parent]);
        let files: [(&str, &[u8]); 3] =
            [("x", &content[7..]), ("y", &noise(2, 50_000)), ("z", &content[..100_000])];
        pack(&at("child.holo"), &files, options);
        fs::read(at("child.holo")).unwrap()
    };
    assert_eq!(write(1), write(3));
}

#[test]
fn a_missing_or_replaced_parent_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let content = noise(1, 100_000);
    pack(&at("base.holo"), &[("a", &content)], WriterOptions::default().with_packing(small()));
    let child = at("child.holo");
    thin(&child, &[&at("base.holo")], &[("a", &content)]);
    let seal = holotype_container::hex(&Archive::open(at("base.holo")).unwrap().seal());
    let failure = |options: &OpenOptions| {
        let archive = Archive::open_with(&child, options).unwrap();
        assert_eq!(archive.n_items(), 1, "what it holds itself is read without");
        let error = read(&archive, "a").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Parent);
        assert!(!archive.verify(&VerifyOptions::default()).unwrap().is_good());
        assert_eq!(
            flatten(&archive, Vec::new(), &FlattenOptions::default()).unwrap_err().kind(),
            ErrorKind::Parent
        );
        unpack(&archive, at("out"), &UnpackOptions::default()).unwrap_err();
        assert!(!at("out").exists());
        error.to_string()
    };
    fs::create_dir(at("elsewhere")).unwrap();
    fs::rename(at("base.holo"), at("elsewhere/base.holo")).unwrap();
    let message = failure(&OpenOptions::default());
    assert!(
        message.contains(&seal) && message.contains("not found") && message.contains("base.holo"),
        "{message}"
    );

    // The caller may say where it is: the file, or its folder.
    for given in [at("elsewhere/base.holo"), at("elsewhere")] {
        let options = OpenOptions::default().with_parents(vec![given]);
        assert!(read(&Archive::open_with(&child, &options).unwrap(), "a").unwrap() == content);
    }
    pack(&at("base.holo"), &[("a", &content[1..])], WriterOptions::default().with_packing(small()));
    let message = failure(&OpenOptions::default());
    assert!(message.contains(&seal) && message.contains("replaced"), "{message}");
    fs::write(at("base.holo"), b"no archive at all").unwrap();
    assert!(failure(&OpenOptions::default()).contains("cannot be read"));

    // A child that was moved with its parent finds it.
    fs::remove_file(at("base.holo")).unwrap();
    fs::rename(at("elsewhere/base.holo"), at("base.holo")).unwrap();
    fs::create_dir(at("other")).unwrap();
    for name in ["base.holo", "child.holo"] {
        fs::rename(at(name), at("other").join(name)).unwrap();
    }
    check(&at("other/child.holo"), &[("a", &content)]);

    let mut damaged = fs::read(at("other/base.holo")).unwrap();
    damaged[5000] ^= 1;
    fs::write(at("other/base.holo"), damaged).unwrap();
    let archive = Archive::open(at("other/child.holo")).unwrap();
    assert_eq!(read(&archive, "a").unwrap_err().kind(), ErrorKind::Corrupt);
}

#[test]
fn a_tree_comes_back_from_two_archives() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    fs::create_dir_all(at("tree/sub")).unwrap();
    for i in 0..40_u64 {
        fs::write(at(&format!("tree/sub/{i}")), noise(i, 3000 + 100 * i as usize)).unwrap();
    }
    let pack_tree = |path: &Path, parents: Vec<Parent>| {
        let options = WriterOptions::default().with_packing(small()).with_parents(parents);
        let mut writer = Writer::new(fs::File::create(path).unwrap(), options).unwrap();
        writer.pack_tree(&[at("tree")], &Exclude::default()).unwrap();
        writer.finish().unwrap();
        fs::metadata(path).unwrap().len()
    };
    let full = pack_tree(&at("monday.holo"), Vec::new());
    fs::write(at("tree/sub/7"), noise(100, 4000)).unwrap();
    fs::remove_file(at("tree/sub/8")).unwrap();
    fs::rename(at("tree/sub/9"), at("tree/moved")).unwrap();
    let parent = Parent::open(at("monday.holo"), at("tuesday.holo"), &OpenOptions::default()).unwrap();
    let thin = pack_tree(&at("tuesday.holo"), vec![parent]);
    assert!(thin < full / 8, "{thin} of {full} bytes");
    let tuesday = Archive::open(at("tuesday.holo")).unwrap();
    unpack(&tuesday, at("out"), &UnpackOptions::default()).unwrap();
    assert_eq!(fs::read(at("out/tree/moved")).unwrap(), noise(9, 3900));
    assert_eq!(fs::read(at("out/tree/sub/7")).unwrap(), noise(100, 4000));
    assert!(!at("out/tree/sub/8").exists());
}

fn cheap(password: &str) -> Encryption {
    let cost = KdfCost { memory_kib: 8, n_passes: 1, n_lanes: 1 };
    Encryption::with_password(Password::new(password)).with_cost(cost)
}

#[test]
fn encrypted_generations() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let content = noise(1, 100_000);
    let files: [(&str, &[u8]); 1] = [("a", &content)];
    let locked = |password: &str| OpenOptions::default().with_password(Some(Password::new(password)));
    let options = || WriterOptions::default().with_packing(small());
    pack(&at("plain.holo"), &files, options());
    pack(&at("secret.holo"), &files, options().with_encryption(Some(cheap("parent"))));

    // A child that anyone can read must not name what is in an encrypted archive.
    let parent = || Parent::open(at("secret.holo"), at("child.holo"), &locked("parent")).unwrap();
    let refused = Writer::new(Vec::new(), options().with_parents(vec![parent()])).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidArgument);

    // An encrypted child holds the key of its parent: its own password is enough.
    let thin = options().with_encryption(Some(cheap("child"))).with_parents(vec![parent()]);
    assert!(pack(&at("child.holo"), &files, thin) < 12_000);
    let child = Archive::open_with(at("child.holo"), &locked("child")).unwrap();
    assert!(read(&child, "a").unwrap() == content);
    assert!(child.verify(&VerifyOptions::default()).unwrap().is_good());
    let bytes = fs::read(at("child.holo")).unwrap();
    for needle in [b"secret.holo".as_slice(), &child.parents()[0].seal] {
        assert!(
            !bytes.windows(needle.len()).any(|window| window == needle),
            "who the parent is stays secret"
        );
    }

    // Another password of the parent changes its seal, but not what it is.
    rekey(at("secret.holo"), &Password::new("parent"), &cheap("new")).unwrap();
    let child = Archive::open_with(at("child.holo"), &locked("child")).unwrap();
    assert!(read(&child, "a").unwrap() == content);
    pack(&at("secret.holo"), &files, options().with_encryption(Some(cheap("parent"))));
    let child = Archive::open_with(at("child.holo"), &locked("child")).unwrap();
    assert_eq!(read(&child, "a").unwrap_err().kind(), ErrorKind::Parent);

    let parent = Parent::open(at("plain.holo"), at("mixed.holo"), &OpenOptions::default()).unwrap();
    let thin = options().with_encryption(Some(cheap("child"))).with_parents(vec![parent]);
    assert!(pack(&at("mixed.holo"), &files, thin) < 12_000);
    let mixed = Archive::open_with(at("mixed.holo"), &locked("child")).unwrap();
    assert!(read(&mixed, "a").unwrap() == content);
    let (flat, _) = flatten(&mixed, Vec::new(), &FlattenOptions::default()).unwrap();
    assert!(read(&Archive::from_bytes(flat).unwrap(), "a").unwrap() == content);
    let options = FlattenOptions::default().with_encryption(Some(cheap("other")));
    let (flat, _) = flatten(&mixed, Vec::new(), &options).unwrap();
    assert_eq!(Archive::from_bytes(flat.clone()).unwrap_err().kind(), ErrorKind::Decryption);
    let source = Box::new(holotype_store::MemorySource::new(flat));
    let flat = Archive::open_source_with(source, "<memory>", &locked("other")).unwrap();
    assert!(read(&flat, "a").unwrap() == content);
}

#[test]
fn a_parent_that_lies_about_its_chunks_is_not_believed() {
    let dir = tempfile::tempdir().unwrap();
    let (parent, child) = (dir.path().join("parent.holo"), dir.path().join("child.holo"));
    let (theirs, ours) = (noise(1, 2000), noise(2, 2000));
    let chunking = Chunking::new(2048, 12, 4096).unwrap();
    let (mut builder, header) = ArchiveBuilder::begin();
    let (frame, _) = builder.add_block(Codec::Raw, &theirs, 2000, 0);
    let mut table = ChunkTable::new(chunking);
    // The id of our content, the place of theirs; and one past the end of the block.
    let mut records = [
        ChunkRecord { id: frame_hash(&ours), extent: Extent { block: 0, offset_bytes: 0, n_bytes: 2000 } },
        ChunkRecord {
            id: frame_hash(&ours[..1500]),
            extent: Extent { block: 0, offset_bytes: 1000, n_bytes: 1500 },
        },
    ];
    records.sort_by_key(|record| record.id);
    records.iter().for_each(|record| table.push(record));
    let mut item = ItemRecord::new("a".into(), ItemKind::File);
    item.extents =
        Some(holotype_container::Extents::Inline(vec![Extent { block: 0, offset_bytes: 0, n_bytes: 2000 }]));
    item.raw_bytes = 2000;
    builder.add_item(item).unwrap();
    let tail = builder.finish_with(Some(table), &holotype_container::PageDraft::frames).0;
    fs::write(&parent, [header.as_slice(), &frame, &theirs, &tail].concat()).unwrap();
    let files: [(&str, &[u8]); 2] = [("b", &ours), ("c", &ours[..1500])];
    thin(&child, &[&parent], &files);
    check(&child, &files);
}

/// An archive whose only block is said to lie in a parent.
fn forged(parent: ParentRecord, foreign: ForeignBlock, hash: [u8; 32]) -> Vec<u8> {
    let (mut builder, header) = ArchiveBuilder::begin();
    builder.add_parent(parent).unwrap();
    let block = holotype_container::BlockRecord::in_parent(foreign, Codec::Raw, 5, hash);
    builder.add_foreign_block(foreign, &block).unwrap();
    let mut item = ItemRecord::new("a".into(), ItemKind::File);
    item.content.push(BlockRun { first: 0, n_blocks: 1 });
    item.raw_bytes = 5;
    builder.add_item(item).unwrap();
    [header.as_slice(), &builder.finish().0].concat()
}

#[test]
fn forged_children_get_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let (base, path) = (dir.path().join("base.holo"), dir.path().join("child.holo"));
    pack(&base, &[("a", b"hello")], WriterOptions::default());
    let archive = Archive::open(&base).unwrap();
    let record = |hint: &str| ParentRecord {
        seal: archive.seal(),
        n_bytes: archive.n_bytes(),
        hints: vec![hint.into()],
        key: None,
    };
    let fails = |bytes: Vec<u8>| {
        fs::write(&path, bytes).unwrap();
        let error = read(&Archive::open(&path).unwrap(), "a").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Parent, "{error}");
    };
    let foreign = |id: u64| ForeignBlock { parent: 0, id };
    fails(forged(record("base.holo"), foreign(9), [7; 32]));
    fails(forged(record("base.holo"), foreign(u64::MAX), [7; 32]));
    fails(forged(record("base.holo"), foreign(0), [7; 32]));
    // Files alone, and only from the folder of the child on.
    fs::rename(&base, dir.path().join("base")).unwrap();
    let absolute: PathBuf = dir.path().join("base");
    fails(forged(record(absolute.to_str().unwrap()), foreign(0), [7; 32]));
    fails(forged(record("http://127.0.0.1:9/x"), foreign(0), [7; 32]));
}
