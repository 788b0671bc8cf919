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
    let verify = |state: &str| {
        let out = holo_in(dir, &["verify", "tuesday.holo"]);
        let text = String::from_utf8(out.stdout).unwrap();
        assert_eq!(out.status.code(), Some(3));
        assert!(text.starts_with(&format!("tuesday.holo: {state}")) && text.contains("tree/data"), "{text}");
    };
    verify("INCOMPLETE, a parent is missing");
    let bytes = fs::read(dir.join("tuesday.holo")).unwrap();
    let mut damaged = bytes.clone();
    damaged[100] ^= 1;
    fs::write(dir.join("tuesday.holo"), damaged).unwrap();
    verify("DAMAGED");
    fs::write(dir.join("tuesday.holo"), bytes).unwrap();
    good(dir, &["verify", "tuesday.holo", "--parents", "away"]);
    good(dir, &["flatten", "tuesday.holo", "flat.holo", "--parents", "away/monday.holo"]);
    good(dir, &["verify", "flat.holo"]);
    good(dir, &["diff", "flat.holo", "tuesday.holo"]);
    assert_eq!(holo_in(dir, &["flatten", "tuesday.holo", "none.holo"]).status.code(), Some(1));
    assert!(!dir.join("none.holo").exists());
}

#[test]
fn no_archive_replaces_what_it_needs() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    fs::create_dir(dir.join("in")).unwrap();
    let content = noise(2, 1_000_000);
    for (n, archive) in ["a.holo", "in/b.holo", "c.holo"].iter().enumerate() {
        fs::write(dir.join("data"), [&content[..], &[n as u8]].concat()).unwrap();
        let parent = ["", "a.holo", "in/b.holo"][n];
        let args = ["pack", "data", "-o", archive, "--parent", parent];
        good(dir, &args[..if parent.is_empty() { 4 } else { 6 }]);
    }
    let before = fs::read(dir.join("a.holo")).unwrap();
    // Itself, its parent's parent, and another way to the same file.
    for (out, parent) in
        [("a.holo", "a.holo"), ("a.holo", "c.holo"), ("in/../a.holo", "a.holo"), ("in/b.holo", "c.holo")]
    {
        let out = holo_in(dir, &["pack", "data", "-o", out, "--force", "--parent", parent]);
        assert_eq!(out.status.code(), Some(1), "{parent}");
        assert!(String::from_utf8_lossy(&out.stderr).contains("no archive is its own parent"));
    }
    assert!(fs::read(dir.join("a.holo")).unwrap() == before);
    good(dir, &["verify", "c.holo"]);
    // A copy elsewhere is another file.
    fs::copy(dir.join("a.holo"), dir.join("in/a.holo")).unwrap();
    good(dir, &["pack", "data", "-o", "a.holo", "--force", "--parent", "in/a.holo"]);
    good(dir, &["verify", "a.holo"]);
}
