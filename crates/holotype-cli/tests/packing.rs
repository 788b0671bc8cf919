//! `holo pack`, `unpack`, `list --long`, `cat --range` and `diff` as a user runs them.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::{good, holo_in, text};
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

fn code(dir: &Path, args: &[&str]) -> i32 {
    holo_in(dir, args).status.code().unwrap()
}

fn tree() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("tree/sub")).unwrap();
    fs::write(dir.path().join("tree/sub/a.txt"), "0123456789").unwrap();
    fs::write(dir.path().join("tree/b.log"), "noise").unwrap();
    std::os::unix::fs::symlink("sub/a.txt", dir.path().join("tree/link")).unwrap();
    dir
}

#[test]
fn there_and_back() {
    let dir = tree();
    let dir = dir.path();
    assert_eq!(good(dir, &["pack", "tree", "-o", "t.holo"]), "", "talk belongs on stderr");
    assert_eq!(code(dir, &["pack", "tree", "-o", "t.holo"]), 1, "nothing is replaced unasked");
    good(dir, &["unpack", "t.holo", "-o", "out"]);
    assert_eq!(fs::read(dir.join("out/tree/sub/a.txt")).unwrap(), b"0123456789");
    assert_eq!(fs::read_link(dir.join("out/tree/link")).unwrap(), Path::new("sub/a.txt"));
    assert_eq!(code(dir, &["unpack", "t.holo", "-o", "out"]), 1, "nor is a folder written into");
    good(dir, &["verify", "t.holo"]);
    let listed = good(dir, &["list", "--long", "t.holo"]);
    let lines: Vec<&str> = listed.lines().collect();
    assert!(lines[0].starts_with("drwx") && lines[0].ends_with(" tree"), "{listed}");
    assert!(listed.contains("tree/link -> sub/a.txt"));
    let json = good(dir, &["list", "--long", "--json", "t.holo"]);
    let first: serde_json::Value = serde_json::from_str(json.lines().nth(1).unwrap()).unwrap();
    assert_eq!((first["name"].as_str(), first["kind"].as_str()), (Some("tree/b.log"), Some("file")));
    assert!(first["mtime"][0].as_i64().unwrap() > 1_600_000_000);
}

#[test]
fn ranges_of_files() {
    let dir = tree();
    let dir = dir.path();
    good(dir, &["pack", "tree/sub/a.txt", "-o", "t.holo"]);
    for (range, expected) in
        [("2:5", "234"), (":", "0123456789"), ("8:", "89"), (":1", "0"), ("5:99", "56789"), ("20:", "")]
    {
        assert_eq!(good(dir, &["cat", "t.holo", "a.txt", "--range", range]), expected, "{range}");
    }
    assert_eq!(code(dir, &["cat", "t.holo", "a.txt", "--range", "5:2"]), 2);
}

/// The names in an archive.
fn names(dir: &Path, archive: &str) -> Vec<String> {
    let name = |line: &str| {
        let item: serde_json::Value = serde_json::from_str(line).unwrap();
        item["name"].as_str().unwrap().to_owned()
    };
    good(dir, &["list", "--json", archive]).lines().map(name).collect()
}

#[test]
fn an_archive_in_the_folder_that_is_packed_is_not_part_of_it() {
    let dir = tree();
    let dir = dir.path();
    fs::write(dir.join("noise"), common::noise(1, 3 << 20)).unwrap();
    good(dir, &["pack", ".", "-o", "own.holo"]);
    let before = names(dir, "own.holo");
    assert!(
        before.iter().any(|name| name == "noise") && !before.iter().any(|name| name.contains("own")),
        "{before:?}"
    );
    // Nor is what it replaces, and that is said.
    let out = holo_in(dir, &["pack", ".", "-o", "own.holo", "--force"]);
    let talk = text(&out.stderr);
    assert!(out.status.success() && talk.contains("own.holo: left out, it is the archive itself"), "{talk}");
    assert_eq!(names(dir, "own.holo"), before);
    good(dir, &["pack", ".", "-o", "tree/sub/deep.holo", "--exclude", "own.holo"]);
    assert_eq!(names(dir, "tree/sub/deep.holo"), before);
    fs::remove_file(dir.join("tree/sub/deep.holo")).unwrap();
    good(dir, &["pack", ".", "-o", "own.holo", "--append"]);
    assert_eq!(names(dir, "own.holo"), before);
    good(dir, &["verify", "own.holo"]);
    // Others of its name are.
    fs::write(dir.join("tree/own.holo"), "another").unwrap();
    good(dir, &["pack", ".", "-o", "own.holo", "--force"]);
    assert!(names(dir, "own.holo").iter().any(|name| name == "tree/own.holo"));
    // And what was named itself.
    good(dir, &["pack", "own.holo", "-o", "own.holo", "--force"]);
    assert_eq!(names(dir, "own.holo"), ["own.holo"]);
    good(dir, &["verify", "own.holo"]);
}

#[test]
fn what_is_excluded_is_what_was_meant() {
    let dir = tree();
    let dir = dir.path();
    for pattern in ["", "/tree/sub", "./tree/sub", "../tree"] {
        assert_eq!(code(dir, &["pack", "tree", "-o", "t.holo", "--exclude", pattern]), 1, "{pattern}");
    }
    assert!(!dir.join("t.holo").exists());
    let exclude = ["pack", "tree", "-o", "t.holo", "--exclude", "sub/a.txt", "--exclude", "*.none"];
    let talk = text(&holo_in(dir, &exclude).stderr);
    assert!(talk.contains("`--exclude sub/a.txt` matched nothing") && !talk.contains("*.none"), "{talk}");
    let exclude = ["pack", "tree", "-o", "u.holo", "--exclude", "tree/sub/a.txt"];
    assert!(!text(&holo_in(dir, &exclude).stderr).contains("matched nothing"));
    assert_eq!(names(dir, "u.holo"), ["tree", "tree/b.log", "tree/link", "tree/sub"]);
}

#[test]
fn what_waits_for_ever_is_refused_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    assert!(Command::new("mkfifo").arg(dir.join("pipe")).status().unwrap().success());
    for args in [&["list", "pipe"][..], &["pack", "pipe", "-o", "p.holo"], &["verify", "pipe"]] {
        assert_eq!(code(dir, args), 1, "{args:?}");
    }
    // A parent's place may be taken by one.
    fs::write(dir.join("file"), common::noise(2, 300_000)).unwrap();
    good(dir, &["pack", "file", "-o", "base.holo"]);
    good(dir, &["pack", "file", "-o", "child.holo", "--parent", "base.holo"]);
    fs::rename(dir.join("pipe"), dir.join("base.holo")).unwrap();
    let out = holo_in(dir, &["cat", "child.holo", "file"]);
    assert!(text(&out.stderr).contains("not a regular file"));
    assert_eq!(out.status.code(), Some(1));
}

#[test]
fn names_cannot_forge_lines() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let name = "a\u{1b}[2K\r\nb.holo: good";
    fs::write(dir.join(name), "hostile").unwrap();
    good(dir, &["pack", name, "-o", "a.holo"]);
    fs::write(dir.join("plain"), "").unwrap();
    good(dir, &["pack", "plain", "-o", "b.holo"]);
    for args in [
        &["list", "a.holo"][..],
        &["list", "--long", "a.holo"],
        &["info", "a.holo"],
        &["diff", "a.holo", "b.holo"],
    ] {
        let shown = text(&holo_in(dir, args).stdout);
        assert!(shown.contains(r"a\u{1b}[2K\r\nb.holo: good"), "{args:?}: {shown:?}");
        assert!(shown.lines().all(|line| !line.starts_with("b.holo: good")), "{args:?}");
    }
    assert_eq!(names(dir, "a.holo"), [name]);
    assert_eq!(good(dir, &["cat", "a.holo", name]), "hostile");
}

#[test]
#[cfg(target_os = "linux")]
fn results_that_do_not_arrive_are_an_error() {
    let dir = tree();
    let dir = dir.path();
    good(dir, &["pack", "tree", "-o", "t.holo"]);
    for args in [&["list", "t.holo"][..], &["info", "--json", "t.holo"], &["cat", "t.holo", "tree/sub/a.txt"]]
    {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut program = Command::new(env!("CARGO_BIN_EXE_holo"));
        let out = program.current_dir(dir).args(args).stdout(full).output().unwrap();
        assert_eq!(out.status.code(), Some(1), "{args:?}");
        assert!(text(&out.stderr).contains("No space left"), "{args:?}");
    }
}

#[test]
fn differences_by_content() {
    let dir = tree();
    let dir = dir.path();
    good(dir, &["pack", "tree", "-o", "a.holo"]);
    assert_eq!(good(dir, &["diff", "a.holo", "a.holo"]), "");
    fs::write(dir.join("tree/sub/a.txt"), "012345678X").unwrap();
    fs::write(dir.join("tree/new"), "").unwrap();
    fs::remove_file(dir.join("tree/b.log")).unwrap();
    good(dir, &["pack", "tree", "-o", "b.holo"]);
    let out = holo_in(dir, &["diff", "a.holo", "b.holo"]);
    assert_eq!(out.status.code(), Some(1));
    let text = text(&out.stdout);
    for line in ["- tree/b.log", "+ tree/new", "~ tree/sub/a.txt (content)"] {
        assert!(text.lines().any(|found| found == line), "{text}");
    }
}

#[test]
fn differences_of_revisions() {
    let dir = tree();
    let dir = dir.path();
    good(dir, &["pack", "tree", "-o", "a.holo"]);
    fs::write(dir.join("tree/b.log"), "other noise").unwrap();
    good(dir, &["pack", "tree", "-o", "a.holo", "--append"]);
    let changed = "~ tree/b.log (content)\n";
    for (revisions, expected) in [
        (vec!["--old-revision", "1"], changed),
        (vec!["--new-revision", "1"], changed),
        (vec!["--revision", "1"], ""),
        (vec!["--revision", "1", "--new-revision", "2"], changed),
        (vec!["--old-revision", "2", "--new-revision", "2"], ""),
    ] {
        let out = holo_in(dir, &[&["diff", "a.holo", "a.holo"], &revisions[..]].concat());
        assert_eq!(text(&out.stdout), expected, "{revisions:?}");
        assert_eq!(out.status.code(), Some(i32::from(!expected.is_empty())), "{revisions:?}");
    }
}

#[test]
fn zeros_come_back_as_holes() {
    use std::os::unix::fs::MetadataExt as _;
    const N_BYTES: u64 = 50_000_001;
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let file = fs::File::create(dir.join("disk")).unwrap();
    file.set_len(N_BYTES).unwrap();
    let has_holes = file.metadata().unwrap().blocks() * 512 < N_BYTES / 10;
    std::os::unix::fs::FileExt::write_all_at(&file, b"data", 12_345_678).unwrap();
    good(dir, &["pack", "disk", "-o", "a.holo"]);
    let content = fs::read(dir.join("disk")).unwrap();
    let unpacked = |args: &[&str]| {
        let out = args.last().unwrap();
        good(dir, &[&["unpack", "a.holo"], args].concat());
        assert!(fs::read(dir.join(out).join("disk")).unwrap() == content);
        fs::metadata(dir.join(out).join("disk")).unwrap().blocks() * 512
    };
    unpacked(&["-o", "full"]);
    let n_bytes = unpacked(&["--sparse", "-o", "sparse"]);
    assert!(!has_holes || n_bytes < N_BYTES / 10, "{n_bytes}");
}

#[test]
fn streams_and_choices() {
    let dir = tree();
    let dir = dir.path();
    let mut child = Command::new(env!("CARGO_BIN_EXE_holo"))
        .current_dir(dir)
        .args(["pack", "-", "-o", "-", "--stdin-name", "from/pipe", "--profile", "archival"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"piped").unwrap();
    let out = child.wait_with_output().unwrap();
    assert!(out.status.success());
    fs::write(dir.join("p.holo"), out.stdout).unwrap();
    assert_eq!(good(dir, &["cat", "p.holo", "from/pipe"]), "piped");
    good(dir, &["pack", "tree/.", "-o", "x.holo", "--exclude", "*.log", "--compression", "lz4"]);
    let json = good(dir, &["list", "--json", "x.holo"]);
    assert!(json.lines().count() == 3 && !json.contains("b.log"), "{json}");
    assert_eq!(code(dir, &["pack", "tree", "-o", "y.holo", "--profile", "generik"]), 2);
    assert_eq!(code(dir, &["pack", "tree", "-o", "y.holo", "--block-size", "1"]), 1);
    assert_eq!(code(dir, &["pack", "missing", "-o", "y.holo"]), 1);
    assert_eq!(code(dir, &["pack", "-", "-o", "y.holo", "--stdin-name", "../y"]), 2);
    assert_eq!(code(dir, &["unpack", "x.holo", "-o", "z", "--max-bytes", "9"]), 7);
    assert!(!dir.join("y.holo").exists() && !dir.join("z").exists());
}

/// A safetensors file of one tensor.
fn checkpoint(values: impl Iterator<Item = f32>) -> Vec<u8> {
    let data: Vec<u8> = values.flat_map(f32::to_le_bytes).collect();
    let (n, end) = (data.len() / 4, data.len());
    let json = format!("{{\"w\":{{\"dtype\":\"F32\",\"shape\":[{n}],\"data_offsets\":[0,{end}]}}}}");
    [&(json.len() as u64).to_le_bytes()[..], json.as_bytes(), &data].concat()
}

#[test]
fn a_checkpoint_and_its_child() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let values = || (0..100_000).map(|i| (i as f32 * 0.37).sin());
    fs::write(dir.join("base.safetensors"), checkpoint(values())).unwrap();
    fs::write(dir.join("tuned.safetensors"), checkpoint(values().map(|value| value * 1.000_01))).unwrap();
    good(dir, &["pack", "base.safetensors", "-o", "base.holo"]);
    good(dir, &["pack", "tuned.safetensors", "-o", "tuned.holo", "--parent", "base.holo"]);
    good(dir, &["pack", "tuned.safetensors", "-o", "whole.holo", "--checkpoints", "files"]);
    let bytes = |name: &str| fs::metadata(dir.join(name)).unwrap().len();
    assert!(bytes("tuned.holo") * 3 < bytes("whole.holo"));
    let kinds = |name: &str| good(dir, &["list", "--json", name]).matches("\"tensor\"").count();
    assert_eq!((kinds("tuned.holo"), kinds("whole.holo")), (1, 0));
    good(dir, &["verify", "tuned.holo"]);
    // Elements are read by range as files are.
    let listed = names(dir, "base.holo");
    let tensor = listed.iter().find(|name| *name != "base.safetensors").unwrap();
    let elements = holo_in(dir, &["cat", "base.holo", tensor, "--range", "4:12"]).stdout;
    let expected: Vec<u8> = values().skip(1).take(2).flat_map(f32::to_le_bytes).collect();
    assert_eq!(elements, expected);
    for archive in ["tuned.holo", "whole.holo"] {
        let out = format!("out-{archive}");
        good(dir, &["unpack", archive, "-o", &out]);
        let (source, back) = (dir.join("tuned.safetensors"), dir.join(out).join("tuned.safetensors"));
        assert!(fs::read(source).unwrap() == fs::read(back).unwrap());
        let range = holo_in(dir, &["cat", archive, "tuned.safetensors", "--range", "100:200"]);
        assert_eq!(range.stdout, &fs::read(dir.join("tuned.safetensors")).unwrap()[100..200]);
    }
    assert_eq!(code(dir, &["pack", "base.safetensors", "-o", "no.holo", "--checkpoints", "some"]), 2);
}
