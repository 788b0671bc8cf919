//! What several test programs need.
#![allow(dead_code, reason = "each program uses its own part")]

use std::path::Path;
use std::process::{Command, Output};

/// Runs the program.
pub(crate) fn holo(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_holo")).args(args).output().unwrap()
}

/// Runs the program in `dir`.
pub(crate) fn holo_in(dir: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_holo")).current_dir(dir).args(args).output().unwrap()
}

/// What a run in `dir` prints, which must succeed.
pub(crate) fn good(dir: &Path, args: &[&str]) -> String {
    let out = holo_in(dir, args);
    assert_eq!(out.status.code(), Some(0), "{args:?}: {}", text(&out.stderr));
    text(&out.stdout)
}

pub(crate) fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

pub(crate) fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Bytes that do not compress, the same for the same seed.
pub(crate) fn noise(seed: u64, n: usize) -> Vec<u8> {
    let mut state = seed;
    let next = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..n).map(next).collect()
}
