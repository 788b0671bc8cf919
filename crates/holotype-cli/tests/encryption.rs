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
fn packed_trees() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    fs::create_dir(dir.join("tree")).unwrap();
    fs::write(dir.join("tree/secret-name"), "whispered\n".repeat(5000)).unwrap();
    fs::write(dir.join("tree/other"), "x").unwrap();
    fs::write(dir.join("pass"), "correct horse\n").unwrap();
    fs::write(dir.join("wrong"), "battery staple").unwrap();
    let pack = ["pack", "tree", "-o", "a.holo"];
    assert_eq!(code(dir, &[&pack[..], &["--password-file", "pass"]].concat()), 2, "nothing to encrypt");
    assert_eq!(code(dir, &[&pack[..], &["--encrypt", "--password-file", "pass"]].concat()), 0);
    assert_eq!(code(dir, &["pack", "tree", "-o", "b.holo"]), 0);
    let bytes = fs::read(dir.join("a.holo")).unwrap();
    assert!(!bytes.windows(6).any(|w| w == b"secret" || w == b"whispe"));
    let reading: [&[&str]; 6] = [
        &["list", "--long", "a.holo"],
        &["cat", "a.holo", "tree/secret-name", "--range", "10:19"],
        &["verify", "a.holo"],
        &["diff", "a.holo", "b.holo"],
        &["unpack", "a.holo", "-o", "out"],
        &["sign", "a.holo", "--key", "me.key"],
    ];
    assert_eq!(code(dir, &["keygen", "me"]), 0);
    for args in reading {
        assert_eq!(code(dir, args), 6, "{args:?}");
        assert_eq!(code(dir, &[args, &["--password-file", "wrong"]].concat()), 6, "{args:?}");
        assert!(args[0] != "unpack" || !dir.join("out").exists());
        let out = holo(dir, &[args, &["--password-file", "pass"]].concat());
        assert_eq!(out.status.code(), Some(0), "{args:?} {out:?}");
        if args[0] == "cat" {
            assert_eq!(out.stdout, b"whispered");
        }
    }
    assert_eq!(fs::read(dir.join("out/tree/secret-name")).unwrap().len(), 50_000);
    let salvage = holo(dir, &["salvage", "a.holo", "c.holo"]);
    assert_eq!(salvage.status.code(), Some(1));
    assert!(String::from_utf8(salvage.stderr).unwrap().contains("encrypted"));
    assert!(!dir.join("c.holo").exists());
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
