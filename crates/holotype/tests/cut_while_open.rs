//! A file that is cut while an archive in it is open: an error that names the item, the place, and what is missing.
#![allow(clippy::unwrap_used)]

mod common;

use common::noise;
use holotype::{
    Archive, Error, ErrorKind, Metadata, UnpackOptions, VerifyOptions, Writer, WriterOptions, unpack,
};
use std::fs;
use std::io::Cursor;

#[test]
fn what_is_missing_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.holo");
    let mut writer = Writer::new(fs::File::create(&path).unwrap(), WriterOptions::default()).unwrap();
    for (seed, name) in ["first", "second"].into_iter().enumerate() {
        let content = Box::new(Cursor::new(noise(seed as u64, 100_000)));
        writer.pack_stream(name, content, &Metadata::default()).unwrap();
    }
    writer.finish().unwrap();
    let archive = Archive::open(&path).unwrap();
    let map = archive.file_map("second").unwrap();
    let n_kept = 30_000_u64;
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(n_kept).unwrap();

    let error = archive.read_at(&map, 0, &mut [0; 100]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Truncated);
    let Error::Block { item, source } = &error else { unreachable!("{error:?}") };
    let holotype_container::Error::Truncated { offset_bytes, expected, found, .. } = source else {
        unreachable!("{source:?}")
    };
    assert_eq!(item, "second");
    assert!(*offset_bytes + *expected > n_kept && *found == n_kept.saturating_sub(*offset_bytes));
    let said = error.to_string();
    for part in [
        "`second`",
        &format!("{expected} bytes expected at offset {offset_bytes}"),
        &format!("{found} found"),
    ] {
        assert!(said.contains(part), "{said} lacks {part}");
    }

    let report = archive.verify(&VerifyOptions::default()).unwrap();
    assert!(report.findings.iter().any(|finding| finding.item.as_deref() == Some("first")), "{report:?}");
    assert!(report.findings.iter().all(|finding| finding.message.contains("bytes expected at offset")));
    let error = unpack(&archive, dir.path().join("out"), &UnpackOptions::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Truncated);
    assert!(!dir.path().join("out").exists());
}
