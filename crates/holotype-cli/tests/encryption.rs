//! Encrypted archives from end to end; passwords from files and, if asked for, the environment.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn holo(dir: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_holo"));
    command.current_dir(dir).env("PASS", "from the environment").args(args).output().unwrap()
}

fn code(dir: &Path, args: &[&str]) -> i32 {
    holo(dir, args).status.code().unwrap()
}

#[test]
fn there_and_back() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    fs::write(dir.join("secret-name.pgm"), [b"P5\n9 7\n255\n".as_slice(), &[3; 63]].concat()).unwrap();
    fs::write(dir.join("pass"), "correct horse\n").unwrap();
    fs::write(dir.join("wrong"), "battery staple").unwrap();
    fs::write(dir.join("empty"), "\n").unwrap();
    let pass = ["--password-file", "pass"];
    let with = |args: &[&str], more: &[&str]| code(dir, &[args, more].concat());
    let compress = ["compress", "secret-name.pgm", "a.holo"];
    assert_eq!(with(&compress, &["--encrypt"]), 2, "no terminal to ask on");
    assert_eq!(with(&compress, &pass), 2, "a password that would encrypt nothing");
    assert_eq!(with(&compress, &["--encrypt", "--password-file", "empty"]), 2);
    assert_eq!(with(&compress, &["--encrypt", "--password-file", "pass"]), 0);
    let bytes = fs::read(dir.join("a.holo")).unwrap();
    assert!(!bytes.windows(6).any(|w| w == b"secret"), "not even names are told");

    let reading: [&[&str]; 5] = [
        &["info", "a.holo"],
        &["list", "a.holo"],
        &["verify", "a.holo"],
        &["cat", "a.holo"],
        &["decompress", "a.holo", "b.pgm", "--force"],
    ];
    for args in reading {
        let out = holo(dir, args);
        assert_eq!(out.status.code(), Some(6), "{args:?}");
        assert!(String::from_utf8(out.stderr).unwrap().contains("--password-file"));
        assert_eq!(with(args, &["--password-file", "wrong"]), 6, "{args:?}");
        assert_eq!(with(args, &["--password-env", "PASS"]), 6, "{args:?}");
        assert_eq!(with(args, &pass), 0, "{args:?}");
    }
    assert_eq!(fs::read(dir.join("b.pgm")).unwrap(), fs::read(dir.join("secret-name.pgm")).unwrap());

    let rekey = ["rekey", "a.holo", "--password-file"];
    assert_eq!(with(&rekey, &["wrong", "--new-password-env", "PASS"]), 6);
    assert_eq!(with(&rekey, &["pass", "--new-password-env", "PASS"]), 0);
    assert_eq!(with(&["verify", "a.holo"], &pass), 6);
    assert_eq!(with(&["verify", "a.holo"], &["--password-env", "PASS"]), 0);

    let mut damaged = fs::read(dir.join("a.holo")).unwrap();
    let at = damaged.len() - 150;
    damaged[at] ^= 1;
    fs::write(dir.join("a.holo"), damaged).unwrap();
    assert_eq!(with(&["verify", "a.holo"], &["--password-env", "PASS"]), 3, "damage is no wrong password");
    assert_eq!(with(&["verify", "a.holo"], &pass), 3);
}
