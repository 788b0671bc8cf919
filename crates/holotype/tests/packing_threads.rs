//! Packing on several threads: the same bytes as on one, whatever is read ahead and however little a call adds.
#![allow(clippy::unwrap_used)]

mod common;

use common::noise;
use holotype::{
    Archive, Compression, Encryption, ErrorKind, Exclude, KdfCost, Metadata, OpenOptions, Packing, Parent,
    Password, VerifyOptions, Writer, WriterOptions,
};
use std::fs;
use std::io::{self, Cursor, Read};
use std::path::Path;

/// Large blocks, of which no more than 32 may wait, so that a test needs little content to fill them.
fn packing(n_threads: usize) -> Packing {
    Packing::default().with_block_bytes(1 << 20).with_compression(Compression::Lz4).with_n_threads(n_threads)
}

fn good(bytes: Vec<u8>) -> Vec<u8> {
    let archive = Archive::from_bytes(bytes.clone()).unwrap();
    let report = archive.verify(&VerifyOptions::default()).unwrap();
    assert!(report.is_good(), "{:?}", report.findings);
    bytes
}

fn read(archive: &Archive, name: &str) -> Vec<u8> {
    let mut content = Vec::new();
    let mut take = |part: &[u8]| {
        content.extend_from_slice(part);
        Ok(())
    };
    archive.read_file(name, &mut take).unwrap();
    content
}

/// Large and small files, half of whose content the parent has in another order, more than may wait for blocks.
fn make_tree(root: &Path) {
    fs::create_dir(root).unwrap();
    let half = noise(1, 20 << 20);
    fs::write(root.join("old.bin"), [&half[5 << 20..], &half[..5 << 20]].concat()).unwrap();
    fs::write(root.join("new.bin"), noise(2, 30 << 20)).unwrap();
    for at in 0..300_usize {
        let content =
            if at % 3 == 0 { &half[at << 10..(at << 10) + 40_000] } else { &noise(at as u64, 20_000) };
        fs::write(root.join(format!("{at}.dat")), content).unwrap();
    }
}

#[test]
fn a_thin_tree_is_the_same_on_any_number_of_threads() {
    let dir = tempfile::tempdir().unwrap();
    let (tree, parent) = (dir.path().join("tree"), dir.path().join("parent.holo"));
    make_tree(&tree);
    let out = fs::File::create(&parent).unwrap();
    let mut writer = Writer::new(out, WriterOptions::default().with_packing(packing(1))).unwrap();
    let half = Box::new(Cursor::new(noise(1, 20 << 20)));
    writer.pack_stream("half", half, &Metadata::default()).unwrap();
    writer.finish().unwrap();
    let pack = |n_threads| {
        let parent = Parent::new(Archive::open(&parent).unwrap(), vec!["parent.holo".into()]);
        let options = WriterOptions::default().with_packing(packing(n_threads)).with_parents(vec![parent]);
        let mut writer = Writer::new(Vec::new(), options).unwrap();
        let packed = writer.pack_tree(std::slice::from_ref(&tree), &Exclude::default()).unwrap();
        assert_eq!(packed.n_files, 302);
        writer.finish().unwrap().0
    };
    let one = pack(1);
    assert!(one.len() < 38 << 20, "{}", one.len());
    assert!([2, 3, 8].into_iter().all(|n_threads| pack(n_threads) == one));
    let child = dir.path().join("child.holo");
    fs::write(&child, &one).unwrap();
    let report = Archive::open(&child).unwrap().verify(&VerifyOptions::default()).unwrap();
    assert!(report.is_good(), "{:?}", report.findings);
}

#[test]
fn calls_that_add_little_give_the_same_on_any_number_of_threads() {
    let pack = |n_threads| {
        let mut writer =
            Writer::new(Vec::new(), WriterOptions::default().with_packing(packing(n_threads))).unwrap();
        for at in 0..120_u64 {
            // Streams, tables between them, and one that is larger than all that is read ahead.
            let n_bytes = if at == 60 { 34 << 20 } else { 150_000 + at as usize };
            let stream = Box::new(Cursor::new(noise(at % 90, n_bytes)));
            writer.pack_stream(&format!("{at}"), stream, &Metadata::default()).unwrap();
            if at % 40 == 7 {
                writer.add_file(&format!("kept {at}"), &mut &noise(at, 5_000)[..], None).unwrap();
            }
        }
        good(writer.finish().unwrap().0)
    };
    let one = pack(1);
    assert!([2, 5].into_iter().all(|n_threads| pack(n_threads) == one));
}

#[test]
fn more_items_than_may_wait_are_written_in_their_order() {
    let dir = tempfile::tempdir().unwrap();
    let tree = dir.path().join("many");
    for folder in 0..20 {
        fs::create_dir_all(tree.join(format!("{folder:02}"))).unwrap();
        for file in 0..1000 {
            fs::write(tree.join(format!("{folder:02}/{file:03}")), format!("{folder} {file}")).unwrap();
        }
    }
    let pack = |n_threads| {
        let options = WriterOptions::default()
            .with_packing(packing(n_threads).with_block_bytes(4096).with_deduplicate(false));
        let mut writer = Writer::new(Vec::new(), options).unwrap();
        writer.pack_tree(std::slice::from_ref(&tree), &Exclude::default()).unwrap();
        good(writer.finish().unwrap().0)
    };
    let one = pack(1);
    assert!(pack(3) == one);
    let archive = Archive::from_bytes(one).unwrap();
    let content = read(&archive, "many/19/999");
    assert_eq!((archive.n_items(), content.as_slice()), (20_021, &b"19 999"[..]));
}

#[test]
fn encrypted_packing_on_several_threads_reads_back() {
    let cost = KdfCost { memory_kib: 8, n_passes: 1, n_lanes: 1 };
    let encryption = Encryption::with_password(Password::new("blue")).with_cost(cost);
    let options = WriterOptions::default().with_packing(packing(3)).with_encryption(Some(encryption));
    let mut writer = Writer::new(Vec::new(), options).unwrap();
    let content = noise(4, 12 << 20);
    writer.pack_stream("a", Box::new(Cursor::new(content.clone())), &Metadata::default()).unwrap();
    let path = tempfile::NamedTempFile::new().unwrap();
    fs::write(path.path(), writer.finish().unwrap().0).unwrap();
    let options = OpenOptions::default().with_password(Some(Password::new("blue")));
    let archive = Archive::open_with(path.path(), &options).unwrap();
    let found = read(&archive, "a");
    assert!(found == content);
}

struct Broken(Cursor<Vec<u8>>);

impl Read for Broken {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self.0.read(out)? {
            0 => Err(io::Error::other("the line is dead")),
            n => Ok(n),
        }
    }
}

#[test]
fn a_stream_that_fails_is_an_error_and_nobody_waits_for_it() {
    for n_threads in [1, 2, 8] {
        for n_bytes in [0, 100, 9 << 20, 40 << 20] {
            let options = WriterOptions::default().with_packing(packing(n_threads));
            let mut writer = Writer::new(Vec::new(), options).unwrap();
            let stream = Box::new(Broken(Cursor::new(noise(5, n_bytes))));
            let error = writer.pack_stream("a", stream, &Metadata::default()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Io);
            assert!(error.to_string().contains("the line is dead"), "{error}");
        }
    }
}
