//! Appending as a user does it: new revisions, old ones, and a process that is killed at any moment.
#![allow(clippy::unwrap_used)]

mod common;

use common::{code, holo, noise, path, text};
use holotype::{Archive, OpenOptions, Revision, VerifyOptions};
use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

#[test]
fn revisions_are_written_listed_and_read() {
    let dir = tempfile::tempdir().unwrap();
    let (tree, archive) = (dir.path().join("t"), dir.path().join("t.holo"));
    fs::create_dir(&tree).unwrap();
    fs::write(tree.join("kept"), noise(1, 50_000)).unwrap();
    fs::write(tree.join("changed"), "monday").unwrap();
    assert_eq!(code(&holo(&["pack", path(&tree), "-o", path(&archive)])), 0);
    let first = fs::read(&archive).unwrap();
    fs::write(tree.join("changed"), "tuesday").unwrap();
    let out = holo(&["pack", path(&tree), "-o", path(&archive), "--append"]);
    assert_eq!(code(&out), 0, "{}", text(&out.stderr));
    fs::remove_file(tree.join("changed")).unwrap();
    let out = holo(&["pack", path(&tree), "-o", path(&archive), "--append", "--only", "--json"]);
    assert_eq!(code(&out), 0, "{}", text(&out.stderr));
    let bytes = fs::read(&archive).unwrap();
    assert!(bytes.starts_with(&first) && bytes.len() < first.len() + 4000);

    let out = holo(&["log", path(&archive), "--json"]);
    let lines: Vec<serde_json::Value> =
        text(&out.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let numbers: Vec<_> = lines.iter().map(|line| (&line["revision"], &line["items"])).collect();
    assert_eq!(numbers, [(&1.into(), &3.into()), (&2.into(), &3.into()), (&3.into(), &2.into())]);
    assert_eq!(lines[2]["bytes"], bytes.len());
    let cat = |revision: &str| holo(&["cat", path(&archive), "t/changed", "--revision", revision]);
    assert_eq!((text(&cat("1").stdout), text(&cat("2").stdout)), ("monday".into(), "tuesday".into()));
    assert_eq!(code(&cat("3")), 1);
    assert_eq!(code(&cat("4")), 1);
    assert_eq!(code(&cat("first")), 2);
    assert_eq!(code(&holo(&["verify", path(&archive)])), 0);

    // An append that was not finished: an error, until it is asked for what is whole.
    fs::write(&archive, [&bytes, &bytes[first.len()..first.len() + 100]].concat()).unwrap();
    assert_eq!(code(&holo(&["list", path(&archive)])), 3);
    let out = holo(&["log", path(&archive)]);
    assert_eq!((code(&out), text(&out.stdout).lines().count()), (3, 3));
    assert_eq!(code(&holo(&["list", path(&archive), "--revision", "whole"])), 0);
    assert_eq!(text(&cat("2").stdout), "tuesday");
    assert_eq!(code(&holo(&["pack", path(&tree), "-o", path(&archive), "--append"])), 0);
    assert_eq!(code(&holo(&["verify", path(&archive)])), 0);

    for wrong in [
        vec!["pack", path(&tree), "-o", "-", "--append"],
        vec!["pack", path(&tree), "-o", path(&archive), "--append", "--force"],
        vec!["pack", path(&tree), "-o", path(&archive), "--only"],
        vec!["pack", path(&tree), "-o", path(&archive), "--append", "--revision", "1"],
    ] {
        assert_eq!(code(&holo(&wrong)), 2, "{wrong:?}");
    }
    assert_eq!(code(&holo(&["pack", path(&tree), "-o", path(&dir.path().join("none.holo")), "--append"])), 1);
}

#[cfg(unix)]
#[test]
fn a_killed_pack_leaves_the_old_archive() {
    let dir = tempfile::tempdir().unwrap();
    let (archive, file) = (dir.path().join("a.holo"), dir.path().join("content"));
    fs::write(&file, "what was there").unwrap();
    assert_eq!(code(&holo(&["pack", path(&file), "-o", path(&archive)])), 0);
    let old = fs::read(&archive).unwrap();
    fs::write(&file, noise(1, 40_000_000)).unwrap();
    let start = || {
        let args = ["pack", path(&file), "-o", path(&archive), "--force", "--threads", "1", "--quiet"];
        Command::new(env!("CARGO_BIN_EXE_holo")).args(args).stderr(Stdio::null()).spawn().unwrap()
    };
    let mut n_killed = 0;
    for cycle in 0..12_u64 {
        let mut child = start();
        std::thread::sleep(Duration::from_millis(4 + cycle * 8));
        child.kill().unwrap();
        n_killed += u32::from(!child.wait().unwrap().success());
        if n_killed <= cycle as u32 {
            break;
        }
        assert!(fs::read(&archive).unwrap() == old, "cycle {cycle}");
    }
    assert!(n_killed > 0, "no kill hit a pack");
    assert!(start().wait().unwrap().success());
    assert!(Archive::open(&archive).unwrap().n_bytes() > 40_000_000);
}

/// Times a process is killed; `cargo xtask crash` asks for more.
fn n_cycles() -> u64 {
    std::env::var("HOLO_CRASH_CYCLES").map_or(200, |text| text.parse().unwrap())
}

#[cfg(unix)]
#[test]
fn killed_appends_lose_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (archive, file) = (dir.path().join("a.holo"), dir.path().join("content"));
    fs::write(&file, noise(0, 300_000)).unwrap();
    assert_eq!(code(&holo(&["pack", path(&file), "-o", path(&archive)])), 0);
    let first = fs::read(&archive).unwrap();
    // How long it takes undisturbed, so that kills fall everywhere.
    let start = Instant::now();
    let append = |seed: u64| {
        fs::write(dir.path().join(format!("f{seed}")), noise(seed, 300_000)).unwrap();
        Command::new(env!("CARGO_BIN_EXE_holo"))
            .args(["pack", path(&dir.path().join(format!("f{seed}"))), "-o", path(&archive), "--append"])
            .args(["--compression", "store", "--threads", "1", "--quiet"])
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    };
    assert!(append(1).wait().unwrap().success());
    let whole_time = start.elapsed().max(Duration::from_millis(4));
    let options = OpenOptions::default().with_revision(Revision::LastWhole);
    let (mut n_revisions, mut n_torn, mut state) = (2, 0, 1_u64);
    for cycle in 2..2 + n_cycles() {
        let mut child = append(cycle);
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        std::thread::sleep(whole_time.mul_f64((state >> 40) as f64 / (1_u64 << 24) as f64 * 1.2));
        child.kill().unwrap();
        child.wait().unwrap();
        fs::remove_file(dir.path().join(format!("f{cycle}"))).unwrap();

        let found = Archive::open_with(&archive, &options).unwrap();
        let is_new = found.revision() == n_revisions + 1;
        assert!(is_new || found.revision() == n_revisions, "cycle {cycle}: revision {}", found.revision());
        n_revisions = found.revision();
        n_torn += u64::from(Archive::open(&archive).is_err());
        let mut content = Vec::new();
        let name = if is_new { format!("f{cycle}") } else { "content".to_owned() };
        found
            .read_file(&name, &mut |part| {
                content.extend_from_slice(part);
                Ok(())
            })
            .unwrap();
        assert!(content == noise(if is_new { cycle } else { 0 }, 300_000), "cycle {cycle}");
    }
    assert!(append(1).wait().unwrap().success(), "the next one goes on");
    let found = Archive::open(&archive).unwrap();
    assert_eq!(found.revision(), n_revisions + 1);
    let report = found.verify(&VerifyOptions::default()).unwrap();
    assert!(report.is_good(), "{:?}", report.findings);
    assert!(fs::read(&archive).unwrap().starts_with(&first));
    assert!(n_torn > 0 || n_cycles() < 50, "no kill hit an append");
    println!("{} cycles, {n_revisions} revisions, {n_torn} torn", n_cycles());
}
