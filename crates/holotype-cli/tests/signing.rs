//! `holo keygen`, `holo sign`, `holo verify --public-key`.
#![allow(clippy::unwrap_used)]

mod common;

use common::holo_in;
use std::fs;
use std::path::Path;

fn code(dir: &Path, args: &[&str]) -> i32 {
    holo_in(dir, args).status.code().unwrap()
}

fn setup() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, gray) in [("a", 7), ("b", 9)] {
        let pgm = [b"P5 2 2 255\n".as_slice(), &[gray; 4]].concat();
        fs::write(dir.path().join(format!("{name}.pgm")), pgm).unwrap();
        let (input, output) = (format!("{name}.pgm"), format!("{name}.holo"));
        assert_eq!(code(dir.path(), &["compress", &input, &output]), 0);
        assert_eq!(code(dir.path(), &["keygen", name]), 0);
    }
    dir
}

#[test]
fn required_signatures_are_checked() {
    let dir = setup();
    let dir = dir.path();
    let verify = ["verify", "a.holo", "--public-key", "a.pub"];
    let out = holo_in(dir, &verify);
    assert_eq!(out.status.code(), Some(5), "missing is a failure");
    assert!(String::from_utf8(out.stderr).unwrap().contains("a.holo.sig"));
    assert_eq!(code(dir, &["sign", "a.holo", "b.holo", "--key", "a.key"]), 0);
    let out = holo_in(dir, &verify);
    assert_eq!(out.status.code(), Some(0));
    let public = fs::read_to_string(dir.join("a.pub")).unwrap();
    let hex = public.trim_end().rsplit(' ').next().unwrap();
    assert!(String::from_utf8(out.stdout).unwrap().contains(hex));

    assert_eq!(code(dir, &["verify", "a.holo", "--public-key", "b.pub"]), 5, "another key");
    assert_eq!(code(dir, &["verify", "a.holo", "--public-key", "a.pub", "--public-key", "b.pub"]), 5);
    assert_eq!(code(dir, &["sign", "a.holo", "--key", "b.key"]), 0);
    assert_eq!(code(dir, &["verify", "a.holo", "--public-key", "a.pub", "--public-key", "b.pub"]), 0);

    let swapped = ["verify", "a.holo", "--public-key", "a.pub", "--signature", "b.holo.sig"];
    assert_eq!(code(dir, &swapped), 5, "the signature of another archive");
    fs::copy(dir.join("b.holo"), dir.join("a.holo")).unwrap();
    assert_eq!(code(dir, &verify), 5, "the archive was replaced");
    assert_eq!(code(dir, &["sign", "a.holo", "--key", "a.key"]), 5, "signatures are not thrown away unasked");
    assert_eq!(code(dir, &["sign", "a.holo", "--key", "a.key", "--force"]), 0);
    assert_eq!(code(dir, &verify), 0);
}

#[test]
fn damage_and_misuse_have_their_codes() {
    let dir = setup();
    let dir = dir.path();
    assert_eq!(code(dir, &["sign", "a.holo", "--key", "a.key"]), 0);
    let mut bytes = fs::read(dir.join("a.holo")).unwrap();
    bytes[40] ^= 1;
    fs::write(dir.join("a.holo"), &bytes).unwrap();
    assert_eq!(code(dir, &["verify", "a.holo", "--public-key", "a.pub"]), 3, "signed, then damaged");
    assert_eq!(code(dir, &["sign", "a.holo", "--key", "a.key"]), 3);
    assert_eq!(code(dir, &["verify", "b.holo", "--public-key", "b.key"]), 1, "not a public key");
    let out = holo_in(dir, &["sign", "b.holo", "--key", "b.pub"]);
    assert_eq!(out.status.code(), Some(1));
    let secret = fs::read_to_string(dir.join("b.key")).unwrap();
    let out = holo_in(dir, &["verify", "b.holo", "--public-key", "b.key"]);
    assert!(!String::from_utf8(out.stderr).unwrap().contains(secret.split(' ').nth(2).unwrap()));
    assert_eq!(code(dir, &["keygen", "a"]), 1, "keys are never replaced");
    assert_eq!(fs::read_to_string(dir.join("b.key")).unwrap(), secret);
    assert_eq!(code(dir, &["verify", "a.holo", "--signature", "a.holo.sig"]), 2, "a signature without a key");
}
