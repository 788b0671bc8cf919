//! Archives that are appended to: every revision reads as it was written, nothing before it changes, what is there is
//! named and not stored again, and an append that was interrupted is an error that loses nothing.
#![allow(clippy::unwrap_used)]

mod common;

use common::noise;
use holotype::{
    AppendOutput, Archive, Chunking, ElementType, Encryption, Error, ErrorKind, FlattenOptions, KdfCost,
    Metadata, OpenOptions, Packing, Parent, Password, Revision, SalvageOptions, SecretKey, SignOptions,
    TensorDescriptor, TensorOptions, TensorParent, VerifyOptions, Writer, WriterOptions, flatten, rekey,
    salvage_bytes, sign_archive,
};
use holotype_store::{AppendFile, MemorySource};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::fs;
use std::io::{Cursor, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

fn options() -> WriterOptions {
    let packing = Packing::default()
        .with_block_bytes(8192)
        .with_chunking(Chunking::new(256, 9, 2048).unwrap())
        .with_n_threads(1);
    WriterOptions::default().with_packing(packing)
}

type Files<'a> = &'a [(&'a str, &'a [u8])];

fn pack(writer: &mut Writer<Vec<u8>>, files: Files<'_>) {
    for (name, content) in files {
        writer.pack_stream(name, Box::new(Cursor::new(content.to_vec())), &Metadata::default()).unwrap();
    }
}

fn first(files: Files<'_>, options: WriterOptions) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), options).unwrap();
    pack(&mut writer, files);
    writer.finish().unwrap().0
}

fn open_as(bytes: &[u8], options: &OpenOptions) -> Result<Archive, Error> {
    Archive::open_source_with(Box::new(MemorySource::new(bytes.to_vec())), "<memory>", options)
}

/// The archive with one more revision, of what `add` does.
fn appended(bytes: &[u8], open: &OpenOptions, add: impl FnOnce(&mut Writer<Vec<u8>>)) -> Vec<u8> {
    let base = open_as(bytes, open).unwrap();
    let mut writer = Writer::append(base, Vec::new(), options()).unwrap();
    add(&mut writer);
    let new = writer.finish().unwrap().0;
    [bytes, &new].concat()
}

fn append(bytes: &[u8], files: Files<'_>) -> Vec<u8> {
    appended(bytes, &OpenOptions::default(), |writer| pack(writer, files))
}

fn read(archive: &Archive, name: &str) -> Result<Vec<u8>, Error> {
    let mut out = Vec::new();
    archive.read_file(name, &mut |part| {
        out.extend_from_slice(part);
        Ok(())
    })?;
    Ok(out)
}

fn check(archive: &Archive, files: Files<'_>) {
    let names: Vec<String> = archive.items().unwrap().iter().map(|item| item.name().to_owned()).collect();
    let mut sorted: Vec<&str> = names.iter().map(String::as_str).collect();
    sorted.sort_unstable();
    let mut expected: Vec<&str> = files.iter().map(|(name, _)| *name).collect();
    expected.sort_unstable();
    assert_eq!(sorted, expected);
    for (name, content) in files {
        assert!(read(archive, name).unwrap() == *content, "{name}");
    }
    let report = archive.verify(&VerifyOptions::default().with_n_threads(1)).unwrap();
    assert!(report.is_good(), "{:?}", report.findings);
}

fn cheap(password: &str) -> Encryption {
    let cost = KdfCost { memory_kib: 8, n_passes: 1, n_lanes: 1 };
    Encryption::with_password(Password::new(password)).with_cost(cost)
}

#[test]
fn every_revision_reads_as_it_was_written() {
    let (a, b, c) = (noise(1, 60_000), noise(2, 30_000), noise(3, 5000));
    let one = first(&[("a", &a), ("b", &b)], options());
    let longer = [a.as_slice(), &c].concat();
    let two = append(&one, &[("a", &longer), ("c", &c)]);
    let three = appended(&two, &OpenOptions::default(), |writer| {
        writer.remove_item("b").unwrap();
        assert_eq!(writer.remove_item("d").unwrap_err().kind(), ErrorKind::NotFound);
    });
    assert!(three.starts_with(&two) && two.starts_with(&one), "nothing before a revision changes");
    assert!(two.len() - one.len() < 13_000, "{} bytes for 5000 new ones", two.len() - one.len());

    let archive = Archive::from_bytes(three.clone()).unwrap();
    check(&archive, &[("a", &longer), ("c", &c)]);
    let ends: Vec<u64> = archive.revisions().iter().map(|revision| revision.n_bytes).collect();
    assert_eq!(ends, [one.len() as u64, two.len() as u64, three.len() as u64]);
    let earlier = archive.at_revision(1).unwrap();
    check(&earlier, &[("a", &a), ("b", &b)]);
    assert_eq!((earlier.revision(), earlier.n_bytes()), (1, one.len() as u64));
    assert_eq!(earlier.seal(), Archive::from_bytes(one).unwrap().seal());
    check(&archive.at_revision(2).unwrap(), &[("a", &longer), ("b", &b), ("c", &c)]);
    for number in [0, 4, u64::MAX] {
        assert_eq!(archive.at_revision(number).unwrap_err().kind(), ErrorKind::NotFound);
    }
    let by_number = OpenOptions::default().with_revision(Revision::Number(2));
    assert_eq!(open_as(&three, &by_number).unwrap().revision(), 2);

    // One revision of the same items, which needs no history.
    let (flat, _) = flatten(&archive, Vec::new(), &FlattenOptions::default()).unwrap();
    let flat = Archive::from_bytes(flat).unwrap();
    assert_eq!(flat.revision(), 1);
    check(&flat, &[("a", &longer), ("c", &c)]);
}

#[test]
fn a_snapshot_holds_what_is_packed_and_stores_what_changed() {
    let files: Vec<(String, Vec<u8>)> = (0..40).map(|i| (format!("f/{i:02}"), noise(i, 9000))).collect();
    let list = |from: usize, to: usize| -> Vec<(&str, &[u8])> {
        files[from..to].iter().map(|(name, content)| (name.as_str(), content.as_slice())).collect()
    };
    let one = first(&list(0, 30), options());
    let two = appended(&one, &OpenOptions::default(), |writer| {
        writer.remove_all_items().unwrap();
        pack(writer, &list(10, 31));
        assert_eq!(writer.remove_all_items().unwrap_err().kind(), ErrorKind::InvalidArgument);
        // Added a moment ago, in place of one of that name, and maybe not written yet.
        assert_eq!(writer.remove_item("f/10").unwrap_err().kind(), ErrorKind::InvalidArgument);
    });
    let archive = Archive::from_bytes(two.clone()).unwrap();
    check(&archive, &list(10, 31));
    check(&archive.at_revision(1).unwrap(), &list(0, 30));
    // What is new, and the table of all chunks, which are small here.
    assert!(two.len() - one.len() < 35_000, "{} bytes for 9000 new ones", two.len() - one.len());
    // Without deduplication everything is stored again.
    let base = Archive::from_bytes(one.clone()).unwrap();
    let packing = options().packing.with_deduplicate(false);
    let mut writer = Writer::append(base, Vec::new(), options().with_packing(packing)).unwrap();
    pack(&mut writer, &list(0, 30));
    let again = writer.finish().unwrap().0;
    assert!(again.len() > 250_000, "{}", again.len());
    check(&Archive::from_bytes([one, again].concat()).unwrap(), &list(0, 30));
}

#[test]
fn a_commit_writes_the_pages_that_changed() {
    let mut writer = Writer::new(Vec::new(), options()).unwrap();
    for i in 0..20_000 {
        writer.add_file(&format!("item-{i:05}"), &mut i.to_string().as_bytes(), None).unwrap();
    }
    let mut bytes = writer.finish().unwrap().0;
    let full = bytes.len();
    for (n, name) in ["item-10000", "item-09999+", "zzz", "aaa", "item-00000"].into_iter().enumerate() {
        let before = bytes.len();
        bytes = appended(&bytes, &OpenOptions::default(), |writer| {
            writer.add_file(name, &mut name.as_bytes(), None).unwrap();
        });
        assert!(bytes.len() - before < full / 10, "{} bytes of {full} for {name}", bytes.len() - before);
        let archive = Archive::from_bytes(bytes.clone()).unwrap();
        assert_eq!(archive.n_items(), 20_000 + [0, 1, 2, 3, 3][n]);
        assert_eq!(read(&archive, name).unwrap(), name.as_bytes());
        assert_eq!(read(&archive, "item-19999").unwrap(), b"19999");
    }
    bytes = appended(&bytes, &OpenOptions::default(), |writer| writer.remove_item("item-15000").unwrap());
    let archive = Archive::from_bytes(bytes).unwrap();
    assert_eq!(archive.item("item-15000").unwrap_err().kind(), ErrorKind::NotFound);
    let names: Vec<_> = archive.items().unwrap().iter().map(|item| item.name().to_owned()).collect();
    assert_eq!(names.len(), 20_002);
    assert_eq!(names.last().unwrap(), "item-00000", "items are in the order of adding");
    let report = archive.verify(&VerifyOptions::default()).unwrap();
    assert!(report.is_good(), "{:?}", report.findings);
}

#[test]
fn encrypted_archives_are_appended_to_under_their_passwords() {
    let (a, b) = (noise(1, 40_000), noise(2, 3000));
    let one = first(&[("a", &a)], options().with_encryption(Some(cheap("open"))));
    let password = OpenOptions::default().with_password(Some(Password::new("open")));
    let longer = [a.as_slice(), &b].concat();
    let add = |writer: &mut Writer<Vec<u8>>| pack(writer, &[("a", &longer), ("secret name", &b)]);
    let two = appended(&one, &password, add);
    assert!(two.len() - one.len() < 12_000, "{} bytes for 3000 new ones", two.len() - one.len());
    assert!(!two.windows(6).any(|part| part == b"secret"));
    let archive = open_as(&two, &password).unwrap();
    check(&archive, &[("a", &longer), ("secret name", &b)]);
    check(&archive.at_revision(1).unwrap(), &[("a", &a)]);
    let three = appended(&two, &password, |writer| writer.remove_item("a").unwrap());
    check(&open_as(&three, &password).unwrap(), &[("secret name", &b)]);
    assert_eq!(open_as(&three, &OpenOptions::default()).unwrap_err().kind(), ErrorKind::Decryption);
    // The same append twice has nothing in common: each has a salt of its own.
    let again = appended(&one, &password, add);
    let (left, right) = (&two[one.len()..], &again[one.len()..]);
    let runs = left.windows(24).filter(|part| right.windows(24).any(|other| other == *part)).count();
    assert!(runs < 400, "{runs} runs in common");

    let base = open_as(&one, &password).unwrap();
    let error = Writer::append(base, Vec::new(), options().with_encryption(Some(cheap("x")))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.holo");
    fs::write(&path, &two).unwrap();
    let error = rekey(&path, &Password::new("open"), &cheap("other")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
    assert!(error.to_string().contains("flatten"), "{error}");
    assert!(fs::read(&path).unwrap() == two);
    // What it names instead: the last revision under a new key, which the old password does not open.
    let last = open_as(&two, &password).unwrap();
    let other = FlattenOptions::default().with_encryption(Some(cheap("other")));
    let alone = flatten(&last, Vec::new(), &other).unwrap().0;
    assert_eq!(open_as(&alone, &password).unwrap_err().kind(), ErrorKind::Decryption);
    let other = OpenOptions::default().with_password(Some(Password::new("other")));
    let names = |archive: &Archive| -> Vec<String> {
        archive.items().unwrap().iter().map(|item| item.name().to_owned()).collect()
    };
    let alone = open_as(&alone, &other).unwrap();
    assert_eq!((names(&alone), alone.revision()), (names(&last), 1));
    for name in names(&last) {
        assert!(read(&alone, &name).unwrap() == read(&last, &name).unwrap(), "{name}");
    }
}

#[test]
fn an_append_that_was_cut_anywhere_loses_nothing() {
    let (a, b) = (noise(1, 9000), noise(2, 3000));
    for encryption in [None, Some(cheap("open"))] {
        let one = first(&[("a", &a)], options().with_encryption(encryption));
        let password = OpenOptions::default().with_password(Some(Password::new("open")));
        let two = appended(&one, &password, |writer| pack(writer, &[("b", &b)]));
        let whole = password.clone().with_revision(Revision::LastWhole);
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.holo");
        for n in (one.len()..two.len()).rev().step_by(7).chain(one.len()..one.len() + 40) {
            let torn = &two[..n];
            let is_whole = n == one.len();
            assert_eq!(open_as(torn, &password).is_ok(), is_whole, "{n} bytes");
            let found = open_as(torn, &whole).unwrap();
            assert_eq!((found.revision(), found.n_bytes()), (1, one.len() as u64));
            assert!(read(&found, "a").unwrap() == a);
            let by_number = password.clone().with_revision(Revision::Number(1));
            assert_eq!(open_as(torn, &by_number).unwrap().seal(), found.seal());
        }
        // Whoever appends next cuts it off, also if the disk left zeros at its end.
        for (n, n_zeros) in
            [(one.len() + 5, 0), (one.len() + 100, 500), (two.len() - 1, 0), (two.len() - 112, 112)]
        {
            fs::write(&path, [&two[..n], &vec![0; n_zeros]].concat()).unwrap();
            let (out, base) = AppendOutput::open(&path, &password).unwrap();
            let mut writer = Writer::append(base, out, options()).unwrap();
            writer.pack_stream("c", Box::new(Cursor::new(b.clone())), &Metadata::default()).unwrap();
            writer.finish().unwrap().0.commit().unwrap();
            let found = Archive::open_with(&path, &password).unwrap();
            check(&found, &[("a", &a), ("c", &b)]);
            assert!(fs::read(&path).unwrap().starts_with(&one));
        }
    }
}

#[test]
fn a_damaged_revision_is_not_taken_for_an_unfinished_one() {
    let (a, b) = (noise(1, 9000), noise(2, 3000));
    let one = first(&[("a", &a)], options());
    let two = append(&one, &[("b", &b)]);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.holo");
    for at in [two.len() - 1, two.len() - 50, two.len() - 75, two.len() - 100, two.len() - 130, one.len() + 3]
    {
        let mut bad = two.clone();
        bad[at] ^= 1;
        fs::write(&path, &bad).unwrap();
        let opened = Archive::open(&path);
        if at == one.len() + 3 {
            assert!(!opened.unwrap().verify(&VerifyOptions::default()).unwrap().is_good());
            continue;
        }
        assert!(matches!(opened.unwrap_err().kind(), ErrorKind::Corrupt), "byte {at}");
        let error = AppendOutput::open(&path, &OpenOptions::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "byte {at}: {error}");
        assert!(fs::read(&path).unwrap() == bad, "nothing is cut off");
    }
}

#[test]
fn no_flipped_bit_goes_unnoticed() {
    let one = first(&[("a", &noise(1, 700)), ("b", b"text")], options());
    let two = append(&one, &[("a", &noise(1, 900))]);
    for at in 0..two.len() {
        let mut bad = two.clone();
        bad[at] ^= 1 << (at % 8);
        let found = Archive::from_bytes(bad).and_then(|archive| archive.verify(&VerifyOptions::default()));
        assert!(!found.is_ok_and(|report| report.is_good()), "byte {at}");
    }
}

#[test]
fn given_up_appends_leave_the_archive_and_two_do_not_mix() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.holo");
    let one = first(&[("a", &noise(1, 9000))], options());
    fs::write(&path, &one).unwrap();
    let (out, base) = AppendOutput::open(&path, &OpenOptions::default()).unwrap();
    let busy = AppendOutput::open(&path, &OpenOptions::default()).unwrap_err();
    assert!(matches!(&busy, Error::Io { source, .. } if source.kind() == std::io::ErrorKind::WouldBlock));
    let reader = Archive::open(&path).unwrap();
    let mut writer = Writer::append(base, out, options()).unwrap();
    writer.add_file("b", &mut &noise(2, 500_000)[..], None).unwrap();
    assert!(read(&reader, "a").unwrap() == noise(1, 9000), "who reads goes on");
    drop(writer);
    assert!(fs::read(&path).unwrap() == one);
    let (mut out, _) = AppendOutput::open(&path, &OpenOptions::default()).unwrap();
    out.write_all(b"no revision").unwrap();
    drop(out);
    assert!(fs::read(&path).unwrap() == one);
}

#[test]
fn readers_that_open_during_an_append_get_the_revision_before() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.holo");
    let a = noise(1, 9000);
    let one = first(&[("a", &a)], options());
    fs::write(&path, &one).unwrap();
    let (out, base) = AppendOutput::open(&path, &OpenOptions::default()).unwrap();
    let mut writer = Writer::append(base, out, options()).unwrap();
    check(&Archive::open(&path).unwrap(), &[("a", &a)]);
    // More than what waits in buffers, so that the file has grown.
    writer.add_file("b", &mut &noise(2, 3_000_000)[..], None).unwrap();
    assert!(fs::metadata(&path).unwrap().len() > one.len() as u64 + 1_000_000);
    let during = Archive::open(&path).unwrap();
    assert_eq!((during.revision(), during.n_bytes()), (1, one.len() as u64));
    check(&during, &[("a", &a)]);
    writer.finish().unwrap().0.commit().unwrap();
    assert_eq!(Archive::open(&path).unwrap().revision(), 2);
    assert!(read(&during, "a").unwrap() == a, "who reads goes on");

    // Nobody appends: the same bytes are of an append that was interrupted, and refused.
    let two = fs::read(&path).unwrap();
    fs::write(&path, &two[..two.len() - 1000]).unwrap();
    assert_eq!(Archive::open(&path).unwrap_err().kind(), ErrorKind::Corrupt);
    // Somebody does, but what is there may be a revision that was damaged.
    let mut bad = two.clone();
    bad[two.len() - 50] ^= 1;
    fs::write(&path, &bad).unwrap();
    let appending = AppendFile::open(&path).unwrap();
    assert_eq!(Archive::open(&path).unwrap_err().kind(), ErrorKind::Corrupt);
    drop(appending);
}

#[test]
fn readers_never_meet_half_a_revision() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.holo");
    let a = noise(1, 9000);
    fs::write(&path, first(&[("a", &a)], options())).unwrap();
    let ended = AtomicBool::new(false);
    let n_read = thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let (mut n, mut last) = (0, 0);
            while !ended.load(Ordering::Relaxed) {
                let archive = Archive::open(&path).unwrap();
                assert!(archive.revision() >= last, "revisions do not go back");
                last = archive.revision();
                assert!(read(&archive, "a").unwrap() == a);
                n += 1;
            }
            n
        });
        for number in 0..40 {
            let (out, base) = AppendOutput::open(&path, &OpenOptions::default()).unwrap();
            let mut writer = Writer::append(base, out, options()).unwrap();
            writer.add_file(&format!("b{number}"), &mut &noise(number, 600_000)[..], None).unwrap();
            if number % 4 == 0 {
                drop(writer);
            } else {
                writer.finish().unwrap().0.commit().unwrap();
            }
        }
        ended.store(true, Ordering::Relaxed);
        reader.join().unwrap()
    });
    assert!(n_read > 0);
    assert_eq!(Archive::open(&path).unwrap().revision(), 31);
}

#[test]
fn children_read_the_revision_they_were_made_from() {
    let dir = tempfile::tempdir().unwrap();
    let (base_path, child_path) = (dir.path().join("base.holo"), dir.path().join("child.holo"));
    let content = noise(1, 80_000);
    fs::write(&base_path, first(&[("a", &content)], options())).unwrap();
    let parent = |path| Parent::open(path, &child_path, &OpenOptions::default()).unwrap();
    let child = first(&[("b", &content[10_000..])], options().with_parents(vec![parent(&base_path)]));
    assert!(child.len() < 10_000, "{}", child.len());
    fs::write(&child_path, &child).unwrap();
    let two = append(&fs::read(&base_path).unwrap(), &[("a", b"replaced")]);
    fs::write(&base_path, &two).unwrap();
    check(&Archive::open(&child_path).unwrap(), &[("b", &content[10_000..])]);
    // The parent's last append was interrupted: what the child needs is there.
    fs::write(&base_path, &two[..two.len() - 9]).unwrap();
    check(&Archive::open(&child_path).unwrap(), &[("b", &content[10_000..])]);
    fs::write(&base_path, &two).unwrap();

    // The child is appended to, against its parent and another one.
    let other_path = dir.path().join("other.holo");
    let other = noise(7, 50_000);
    fs::write(&other_path, first(&[("o", &other)], options())).unwrap();
    let (out, base) = AppendOutput::open(&child_path, &OpenOptions::default()).unwrap();
    let parents = vec![parent(&other_path), parent(&base_path)];
    let mut writer = Writer::append(base, out, options().with_parents(parents)).unwrap();
    let more = [&other[..], &content].concat();
    writer.pack_stream("c", Box::new(Cursor::new(more.clone())), &Metadata::default()).unwrap();
    writer.finish().unwrap().0.commit().unwrap();
    let archive = Archive::open(&child_path).unwrap();
    check(&archive, &[("b", &content[10_000..]), ("c", &more)]);
    assert!(archive.n_bytes() < 25_000, "{}", archive.n_bytes());
    assert_eq!(archive.at_revision(1).unwrap().parents().len(), 1);
    // An archive is no parent of itself.
    let base = Archive::open(&child_path).unwrap();
    let options = options().with_parents(vec![Parent::new(Archive::open(&child_path).unwrap(), vec![])]);
    assert_eq!(Writer::append(base, Vec::new(), options).unwrap_err().kind(), ErrorKind::InvalidArgument);
}

#[test]
fn what_others_need_is_not_taken_away() {
    let descriptor = TensorDescriptor::new(ElementType::F32, &[4096]);
    let base: Vec<u8> = (0..4096).flat_map(|i| (i as f32 * 0.7).sin().to_le_bytes()).collect();
    let tuned: Vec<u8> = (0..4096).flat_map(|i| ((i as f32 * 0.7).sin() * 1.00001).to_le_bytes()).collect();
    let mut writer = Writer::new(Vec::new(), options()).unwrap();
    writer.add_tensor("base", &descriptor, &base, &TensorOptions::default()).unwrap();
    let one = writer.finish().unwrap().0;
    // A parent, and the same tensor again, in the revision before.
    let two = appended(&one, &OpenOptions::default(), |writer| {
        let parent = TensorParent::added("base", &base);
        writer.add_tensor_by("tuned", &descriptor, &tuned, &parent, &TensorOptions::default()).unwrap();
        writer.add_tensor("again", &descriptor, &base, &TensorOptions::default()).unwrap();
    });
    let archive = Archive::from_bytes(two.clone()).unwrap();
    assert_eq!(archive.tensor("tuned").unwrap().read().unwrap(), tuned);
    assert_eq!(archive.tensor("again").unwrap().read().unwrap(), base);
    assert!(two.len() - one.len() < 10_000, "{}", two.len() - one.len());
    for is_removed in [true, false] {
        let base_of = Archive::from_bytes(two.clone()).unwrap();
        let mut writer = Writer::append(base_of, Vec::new(), options()).unwrap();
        if is_removed {
            writer.remove_item("base").unwrap();
        } else {
            writer.add_tensor("base", &descriptor, &tuned, &TensorOptions::default()).unwrap();
        }
        let error = writer.finish().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
    }
    let both = appended(&two, &OpenOptions::default(), |writer| {
        writer.remove_item("base").unwrap();
        writer.remove_item("tuned").unwrap();
    });
    let archive = Archive::from_bytes(both).unwrap();
    assert!(archive.verify(&VerifyOptions::default()).unwrap().is_good());
    assert_eq!(archive.tensor("again").unwrap().read().unwrap(), base);
}

#[cfg(unix)]
#[test]
fn hard_links_keep_what_they_name() {
    let dir = tempfile::tempdir().unwrap();
    let tree = dir.path().join("t");
    fs::create_dir(&tree).unwrap();
    fs::write(tree.join("a"), noise(1, 3000)).unwrap();
    fs::hard_link(tree.join("a"), tree.join("b")).unwrap();
    let path = dir.path().join("t.holo");
    let mut writer = Writer::new(fs::File::create(&path).unwrap(), options()).unwrap();
    writer
        .pack_tree(std::slice::from_ref(&tree), &holotype::Exclude::new(Vec::<String>::new()).unwrap())
        .unwrap();
    writer.finish().unwrap();
    let append = |add: &dyn Fn(&mut Writer<AppendOutput>)| {
        let (out, base) = AppendOutput::open(&path, &OpenOptions::default()).unwrap();
        let mut writer = Writer::append(base, out, options()).unwrap();
        add(&mut writer);
        writer.finish().and_then(|(out, _)| out.commit())
    };
    let stream = |content: Vec<u8>| Box::new(Cursor::new(content));
    let add = |content: Vec<u8>| {
        append(&|writer| {
            writer.pack_stream("t/a", stream(content.clone()), &Metadata::default()).unwrap();
        })
    };
    assert_eq!(add(noise(2, 3000)).unwrap_err().kind(), ErrorKind::InvalidArgument);
    add(noise(1, 3000)).unwrap();
    // The tree once more: both names are replaced together.
    fs::write(tree.join("a"), noise(3, 3000)).unwrap();
    append(&|writer| {
        let none = holotype::Exclude::new(Vec::<String>::new()).unwrap();
        writer.pack_tree(std::slice::from_ref(&tree), &none).unwrap();
    })
    .unwrap();
    let archive = Archive::open(&path).unwrap();
    assert_eq!(archive.revision(), 3);
    assert!(read(&archive, "t/b").unwrap() == noise(3, 3000));
    assert!(archive.verify(&VerifyOptions::default()).unwrap().is_good());
}

#[test]
fn signatures_are_of_one_revision() {
    let one = first(&[("a", b"one")], options());
    let two = append(&one, &[("a", b"two")]);
    let key = SecretKey::from_seed(&[7; 32]);
    let archive = Archive::from_bytes(one).unwrap();
    let signatures = sign_archive(&archive, None, &key, &SignOptions::default()).unwrap();
    let archive = Archive::from_bytes(two).unwrap();
    let error = archive.check_signatures(&signatures, &[key.public_key()]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Signature, "{error}");
    let earlier = archive.at_revision(1).unwrap();
    assert_eq!(earlier.check_signatures(&signatures, &[key.public_key()]).unwrap(), [key.public_key()]);
    let signatures = sign_archive(&archive, None, &key, &SignOptions::default()).unwrap();
    archive.check_signatures(&signatures, &[key.public_key()]).unwrap();
}

#[test]
fn salvage_finds_what_every_revision_had() {
    let (a, b, c) = (noise(1, 9000), noise(2, 3000), noise(3, 4000));
    let one = first(&[("a", &a), ("same", &c)], options());
    let two = append(&one, &[("a", &b)]);
    for cut in [0, 3, 200] {
        let (saved, report) =
            salvage_bytes(two[..two.len() - cut].to_vec(), Vec::new(), &SalvageOptions::default()).unwrap();
        let saved = Archive::from_bytes(saved).unwrap();
        assert!(read(&saved, "same").unwrap() == c);
        let names: Vec<&str> = report.recovered.iter().map(|item| item.name.as_str()).collect();
        if cut == 200 {
            assert!(read(&saved, "a").unwrap() == a, "the second revision has lost its root");
            assert_eq!(names, ["a", "same"]);
        } else {
            assert!(read(&saved, "a").unwrap() == b, "cut by {cut}");
            assert!(read(&saved, "a~2").unwrap() == a);
            assert_eq!(names, ["same", "a", "a~2"], "what did not change is there once");
        }
    }
}

#[test]
fn an_archive_that_is_not_appended_to_is_as_it_was() {
    let bytes = first(&[("a", b"text")], options());
    let archive = Archive::from_bytes(bytes).unwrap();
    assert_eq!(archive.revisions().len(), 1);
    let mut writer = Writer::new(Vec::new(), options()).unwrap();
    assert_eq!(writer.remove_item("a").unwrap_err().kind(), ErrorKind::InvalidArgument);
    assert_eq!(writer.remove_all_items().unwrap_err().kind(), ErrorKind::InvalidArgument);
}

/// What one revision does with the file of a number.
#[derive(Debug, Clone)]
enum Step {
    Put(u8, u64, u16),
    Remove(u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0_u8..12, 0_u64..6, 0_u16..5000).prop_map(|(name, seed, n)| Step::Put(name, seed, n)),
        1 => (0_u8..12).prop_map(Step::Remove),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn any_history_reads_back(history in prop::collection::vec(prop::collection::vec(step(), 0..6), 1..6)) {
        let mut bytes = first(&[], options());
        let mut states: Vec<BTreeMap<String, Vec<u8>>> = vec![BTreeMap::new()];
        for steps in history {
            let mut state = states.last().unwrap().clone();
            let before = state.clone();
            bytes = appended(&bytes, &OpenOptions::default(), |writer| {
                let mut put = Vec::new();
                for step in steps {
                    match step {
                        Step::Put(name, seed, n) if !put.contains(&name) => {
                            let (file, content) = (name.to_string(), noise(seed, n.into()));
                            pack(writer, &[(&file, &content)]);
                            state.insert(file, content);
                            put.push(name);
                        }
                        Step::Remove(name) if !put.contains(&name) && before.contains_key(&name.to_string()) => {
                            writer.remove_item(&name.to_string()).unwrap();
                            state.remove(&name.to_string());
                        }
                        _ => {}
                    }
                }
            });
            states.push(state);
        }
        let archive = Archive::from_bytes(bytes).unwrap();
        prop_assert_eq!(archive.revisions().len(), states.len());
        for (number, state) in (1..).zip(&states) {
            let files: Vec<(&str, &[u8])> =
                state.iter().map(|(name, content)| (name.as_str(), content.as_slice())).collect();
            check(&archive.at_revision(number).unwrap(), &files);
        }
    }
}
