//! Thin archives from end to end.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn holo(dir: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_holo")).current_dir(dir).args(args).output().unwrap()
}

fn good(dir: &Path, args: &[&str]) -> String {
    let out = holo(dir, args);
    assert_eq!(out.status.code(), Some(0), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap()
}

fn noise(n: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let next = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..n).map(next).collect()
}

#[test]
fn pack_with_a_parent_move_it_and_flatten() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    fs::create_dir(dir.join("tree")).unwrap();
    let content = noise(3_000_000);
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
    let out = holo(dir, &["cat", "tuesday.holo", "tree/data"]);
    assert_eq!(out.status.code(), Some(1));
    let message = String::from_utf8(out.stderr).unwrap();
    assert!(message.contains("monday.holo") && message.contains("--parents"), "{message}");
    assert_eq!(holo(dir, &["verify", "tuesday.holo"]).status.code(), Some(3));
    good(dir, &["verify", "tuesday.holo", "--parents", "away"]);
    good(dir, &["flatten", "tuesday.holo", "flat.holo", "--parents", "away/monday.holo"]);
    good(dir, &["verify", "flat.holo"]);
    good(dir, &["diff", "flat.holo", "tuesday.holo"]);
    assert_eq!(holo(dir, &["flatten", "tuesday.holo", "none.holo"]).status.code(), Some(1));
    assert!(!dir.join("none.holo").exists());
}
