//! Thin archives from end to end.
#![allow(clippy::unwrap_used)]

mod common;

use common::{good, holo_in, noise};
use std::fs;

#[test]
fn pack_with_a_parent_move_it_and_flatten() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    fs::create_dir(dir.join("tree")).unwrap();
    let content = noise(1, 3_000_000);
    fs::write(dir.join("tree/data"), &content).unwrap();
    good(dir, &["pack", "tree", "-o", "monday.holo"]);
    let moved = [&content[400_000..], b"inserted", &content[..400_000]].concat();
    fs::write(dir.join("tree/data"), &moved).unwrap();
    good(dir, &["pack", "tree", "-o", "tuesday.holo", "--parent", "monday.holo"]);
    assert!(fs::metadata(dir.join("tuesday.holo")).unwrap().len() < 1_000_000);
    good(dir, &["verify", "tuesday.holo"]);
    good(dir, &["unpack", "tuesday.holo", "-o", "out"]);
    assert!(fs::read(dir.join("out/tree/data")).unwrap() == moved);
    assert!(good(dir, &["info", "tuesday.holo", "--json"]).contains("\"hints\":[\"monday.holo\"]"));

    fs::create_dir(dir.join("away")).unwrap();
    fs::rename(dir.join("monday.holo"), dir.join("away/monday.holo")).unwrap();
    good(dir, &["list", "tuesday.holo"]);
    let out = holo_in(dir, &["cat", "tuesday.holo", "tree/data"]);
    assert_eq!(out.status.code(), Some(1));
    let message = String::from_utf8(out.stderr).unwrap();
    assert!(message.contains("monday.holo") && message.contains("--parents"), "{message}");
    assert_eq!(holo_in(dir, &["verify", "tuesday.holo"]).status.code(), Some(3));
    good(dir, &["verify", "tuesday.holo", "--parents", "away"]);
    good(dir, &["flatten", "tuesday.holo", "flat.holo", "--parents", "away/monday.holo"]);
    good(dir, &["verify", "flat.holo"]);
    good(dir, &["diff", "flat.holo", "tuesday.holo"]);
    assert_eq!(holo_in(dir, &["flatten", "tuesday.holo", "none.holo"]).status.code(), Some(1));
    assert!(!dir.join("none.holo").exists());
}
