//! `cargo xtask fuzz`: builds the targets of `fuzz/` with coverage counters, writes their seeds, runs them for a
//! bounded time, and says what they did.
//!
//! Coverage-guided fuzzing needs two compiler switches that stable hides; `RUSTC_BOOTSTRAP` uncovers them for this
//! build alone, so the pinned stable toolchain is enough.

use crate::run::{cargo, command, run};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

const TARGETS: [&str; 8] =
    ["archive", "sealed", "salvage", "tile", "round_trip", "import", "cbor", "generation"];
/// Minutes over all targets together.
const DEFAULT_MINUTES: f64 = 7.0;
/// Where the instrumented build runs; the sanitizer needs it named.
const HOST: &str = "x86_64-unknown-linux-gnu";
const RUSTFLAGS: &str = "--cfg fuzzing -Zsanitizer=address -Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares";
/// What no input may need: seconds, and mebibytes with the sanitizer's own share.
const MAX_SECONDS: u32 = 20;
const MAX_MIB: u32 = 1024;

pub(crate) fn main(args: &[String]) -> ExitCode {
    let (minutes, targets) = match parse(args) {
        Ok(parsed) => parsed,
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::from(2);
        }
    };
    let mut lines = Vec::new();
    let mut failed = false;
    if let Err(message) = build(&targets) {
        eprintln!("{message}");
        return ExitCode::FAILURE;
    }
    for target in &targets {
        let seconds = (minutes * 60.0 / targets.len() as f64).max(1.0) as u64;
        match fuzz(target, seconds) {
            Ok(line) => lines.push(line),
            Err(message) => {
                failed = true;
                lines.push(format!("{target:<11} FAILED  {message}"));
            }
        }
    }
    println!("\n── summary");
    lines.iter().for_each(|line| println!("{line}"));
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn parse(args: &[String]) -> Result<(f64, Vec<&str>), String> {
    let mut minutes = DEFAULT_MINUTES;
    let mut targets = Vec::new();
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        if arg == "--minutes" {
            let value = args.next().and_then(|n| n.parse().ok()).filter(|n: &f64| *n > 0.0);
            minutes = value.ok_or("`--minutes` needs a number above 0")?;
        } else if TARGETS.contains(&arg.as_str()) {
            targets.push(arg.as_str());
        } else {
            return Err(format!("no target named `{arg}`; targets: {}", TARGETS.join(", ")));
        }
    }
    Ok((minutes, if targets.is_empty() { TARGETS.to_vec() } else { targets }))
}

/// `target/fuzz`, or its like under `CARGO_TARGET_DIR`: build, seeds, corpus, findings.
fn folder() -> PathBuf {
    crate::bench::target().join("fuzz")
}

fn build(targets: &[&str]) -> Result<(), String> {
    let mut build =
        cargo(&["build", "--release", "--locked", "--manifest-path", "fuzz/Cargo.toml", "--target", HOST]);
    build.env("RUSTC_BOOTSTRAP", "1").env("RUSTFLAGS", RUSTFLAGS).env("CARGO_TARGET_DIR", folder());
    build.args(targets.iter().flat_map(|target| ["--bin", target]));
    run(&mut build)
}

fn fuzz(target: &str, seconds: u64) -> Result<String, String> {
    println!("\n── {target}, {seconds} s");
    let [seeds, corpus, findings] =
        ["seeds", "corpus", "findings"].map(|kind| folder().join(kind).join(target));
    for dir in [&seeds, &corpus, &findings] {
        fs::create_dir_all(dir).map_err(|e| format!("{}: {e}", dir.display()))?;
    }
    let mut program = binary(target);
    run(program.env("HOLOTYPE_FUZZ_SEEDS", &seeds))?;
    let mut program = binary(target);
    program.args([
        format!("-max_total_time={seconds}"),
        format!("-timeout={MAX_SECONDS}"),
        format!("-rss_limit_mb={MAX_MIB}"),
        "-max_len=65536".into(),
        "-print_final_stats=1".into(),
        format!("-artifact_prefix={}/", findings.display()),
    ]);
    let start = Instant::now();
    let output = program.arg(&corpus).arg(&seeds).stderr(Stdio::piped()).output();
    let output = output.map_err(|e| format!("{target}: {e}"))?;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    if !output.status.success() {
        let kept: Vec<&str> = text.lines().rev().take(60).collect();
        kept.iter().rev().for_each(|line| eprintln!("{line}"));
        return Err(format!("{}; the input is in {}", output.status, findings.display()));
    }
    Ok(format!(
        "{target:<11} passed  {:>9} runs in {:>4.0} s, {:>6} edges, corpus {}, at most {} MiB",
        stat(&text, "number_of_executed_units"),
        start.elapsed().as_secs_f64(),
        last_field(&text, "cov:"),
        n_files(&corpus),
        stat(&text, "peak_rss_mb"),
    ))
}

fn binary(target: &str) -> Command {
    let path = folder().join(HOST).join("release").join(target);
    let mut program = command(path, &[]);
    // A file of the corpus that leaks is no finding; memory is bounded by `MAX_MIB`.
    program.env("ASAN_OPTIONS", "detect_leaks=0:quarantine_size_mb=16");
    program
}

fn stat<'a>(text: &'a str, name: &str) -> &'a str {
    let line = text.lines().find_map(|line| line.strip_prefix("stat::")?.strip_prefix(name));
    line.map_or("?", |rest| rest.trim_start_matches(':').trim())
}

/// The word after the last `label`.
fn last_field<'a>(text: &'a str, label: &str) -> &'a str {
    text.rsplit_once(label).and_then(|(_, rest)| rest.split_whitespace().next()).unwrap_or("?")
}

fn n_files(dir: &Path) -> usize {
    fs::read_dir(dir).map_or(0, Iterator::count)
}
