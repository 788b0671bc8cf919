//! The golden vectors of `docs/vectors`: good files read as recorded, bad ones are refused with their kind.
#![allow(clippy::unwrap_used, clippy::panic)]

use holotype::{Archive, ErrorKind, ItemKind, OpenOptions, Password, VerifyOptions};
use holotype_container::hex;
use sha2::{Digest as _, Sha256};
use std::fs;
use std::path::{Path, PathBuf};

/// What is no one's business but `verify`'s: every block is intact, what is read is what was written.
const FOUND_BY_VERIFY: [&str; 9] = [
    "corrupt-appended-other-before",
    "corrupt-content-hash",
    "corrupt-hard-link",
    "corrupt-chunk-id",
    "corrupt-chunk-past-block",
    "corrupt-animation-audio",
    "corrupt-animation-chroma",
    "corrupt-animation-hash",
    "corrupt-animation-hash-state",
];

fn vectors() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/vectors")
}

fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(vectors().join(folder)).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.extension().is_some_and(|e| e == extension)).collect()
}

/// Encrypted vectors have the password `vector`.
fn open(path: &Path) -> Result<Archive, holotype::Error> {
    Archive::open_with(path, &OpenOptions::default().with_password(Some(Password::new("vector"))))
}

fn content(archive: &Archive, name: &str) -> Result<Vec<u8>, holotype::Error> {
    archive.item(name)?.preview()?;
    match archive.kind(name)? {
        ItemKind::Image => {
            let image = archive.image(name)?;
            let file = image.restore()?;
            assert_eq!(file.map(|file| file.len() as u64), archive.item(name)?.file().map(|(n, _)| n));
            image.read()
        }
        ItemKind::Directory | ItemKind::Symlink => Ok(Vec::new()),
        ItemKind::Tensor => archive.tensor(name)?.read(),
        ItemKind::Audio => archive.audio(name)?.read(),
        ItemKind::Animation => {
            let animation = archive.animation(name)?;
            let frames = 0..animation.description().n_frames;
            Ok(frames.map(|frame| animation.read_frame(frame)).collect::<Result<Vec<_>, _>>()?.concat())
        }
        ItemKind::Generation => Ok(archive.generation(name)?.record().to_json().into_bytes()),
        _ => {
            let mut bytes = Vec::new();
            archive.read_file(name, &mut |part| {
                bytes.extend_from_slice(part);
                Ok(())
            })?;
            Ok(bytes)
        }
    }
}

#[test]
fn good_files_read_as_recorded() {
    let expected = fs::read_to_string(vectors().join("expected.tsv")).unwrap();
    let mut n_items = 0;
    for path in files("good", "holo") {
        let archive = open(&path).unwrap();
        let report = archive.verify(&VerifyOptions::default()).unwrap();
        assert!(report.is_good(), "{}: {:?}", path.display(), report.findings);
        let stem = path.file_stem().unwrap().to_str().unwrap();
        n_items += check_lines(&archive, stem, &expected);
        for number in 1..archive.revision() {
            let earlier = archive.at_revision(number).unwrap();
            n_items += check_lines(&earlier, &format!("{stem}@{number}"), &expected);
        }
    }
    assert_eq!(n_items, expected.lines().count(), "every recorded item was read");
}

/// Reads every item as the lines that start with `name` say; returns their number.
fn check_lines(archive: &Archive, name: &str, expected: &str) -> usize {
    let lines: Vec<Vec<&str>> =
        expected.lines().map(|l| l.split('\t').collect()).filter(|l: &Vec<&str>| l[0] == name).collect();
    let items = archive.items().unwrap();
    assert_eq!(items.len(), lines.len(), "{name}");
    for (item, line) in items.iter().zip(lines) {
        let bytes = content(archive, item.name()).unwrap();
        let found =
            [name, item.name(), item.kind().name(), &bytes.len().to_string(), &hex(&Sha256::digest(&bytes))];
        assert_eq!(found.as_slice(), line);
    }
    items.len()
}

#[test]
fn content_is_cut_as_recorded() {
    for line in fs::read_to_string(vectors().join("chunks.tsv")).unwrap().lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let [seed, n_bytes, min, average_log2, max, lengths] = fields.as_slice() else { panic!("{line}") };
        let number = |text: &str| text.parse::<u64>().unwrap();
        let mut state = number(seed);
        let content: Vec<u8> = (0..number(n_bytes))
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 56) as u8
            })
            .collect();
        let [min, average_log2, max] = [min, average_log2, max].map(|text| number(text) as u32);
        let chunking = holotype::Chunking::new(min, average_log2, max).unwrap();
        let mut rest = content.as_slice();
        for length in lengths.split(',').filter(|length| !length.is_empty()) {
            assert_eq!(chunking.first_chunk(rest) as u64, number(length), "{line}");
            rest = &rest[number(length) as usize..];
        }
    }
}

#[test]
fn bad_files_are_refused_with_their_kind() {
    let mut n_files = 0;
    for path in files("bad", "holo") {
        let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let read_all = |archive: Archive| -> Result<(), holotype::Error> {
            for item in archive.items()? {
                content(&archive, item.name())?;
            }
            let report = archive.verify(&VerifyOptions::default())?;
            assert!(!report.is_good(), "{stem} was accepted");
            Err(holotype::Error::NotFound { name: "found by verify alone".into() })
        };
        let kind = open(&path).and_then(read_all).unwrap_err().kind();
        let expected = match stem.split('-').next().unwrap() {
            _ if FOUND_BY_VERIFY.contains(&stem.as_str()) => ErrorKind::NotFound,
            "corrupt" => ErrorKind::Corrupt,
            "decryption" => ErrorKind::Decryption,
            "parent" => ErrorKind::Parent,
            "truncated" => ErrorKind::Truncated,
            "unsupported" => ErrorKind::Unsupported,
            other => panic!("{other} is no kind"),
        };
        let is_tile = matches!(
            stem.as_str(),
            "truncated-tile" | "truncated-slice" | "truncated-delta" | "truncated-leading"
        );
        assert!(kind == expected || (is_tile && kind == ErrorKind::Corrupt), "{stem}: {kind:?}");
        n_files += 1;
    }
    assert!(n_files >= 24);
}

#[test]
fn signature_files_are_accepted_or_refused_as_recorded() {
    let expected = fs::read_to_string(vectors().join("signers.tsv")).unwrap();
    let check = |path: &PathBuf| {
        let name = path.file_stem().unwrap().to_str().unwrap().rsplit('~').next().unwrap().to_owned();
        let archive = Archive::open(vectors().join("good").join(name)).unwrap();
        archive.check_signatures(&fs::read(path).unwrap(), &[])
    };
    let mut lines = String::new();
    for path in files("good", "sig") {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        check(&path).unwrap().iter().for_each(|key| lines += &format!("{name}\t{key}\n"));
    }
    assert_eq!(lines, expected);
    let bad = files("bad", "sig");
    assert!(bad.len() >= 4);
    for path in bad {
        let kind = check(&path).unwrap_err().kind();
        let is_unsupported = path.file_name().unwrap().to_str().unwrap().starts_with("unsupported");
        assert_eq!(kind, if is_unsupported { ErrorKind::Unsupported } else { ErrorKind::Signature });
    }
}
