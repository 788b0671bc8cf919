//! `cargo xtask fuzz`: builds the targets of `fuzz/` with coverage counters, writes their seeds, runs them for a
//! bounded time, and says what they did.
//!
//! Coverage-guided fuzzing needs two compiler switches that stable hides; `RUSTC_BOOTSTRAP` uncovers them for this
//! build alone, so the pinned stable toolchain is enough.

use crate::run::{cargo, command, run};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::{fmt, fs};

const TARGETS: [&str; 9] =
    ["archive", "sealed", "salvage", "tile", "slice", "round_trip", "import", "cbor", "generation"];
/// The target of tiles can be kept to one of these paths, as `tile:lanes`.
const TILE_PATHS: [&str; 14] = [
    "direct",
    "rice",
    "adaptive",
    "wavefront",
    "archival",
    "lanes",
    "runs",
    "copies",
    "palette",
    "mixing",
    "bulk",
    "folded",
    "digits",
    "holes",
];
/// Minutes over all targets together.
const DEFAULT_MINUTES: f64 = 7.0;
/// Where the instrumented build runs; the sanitizer needs it named.
const HOST: &str = "x86_64-unknown-linux-gnu";
const RUSTFLAGS: &str = "--cfg fuzzing -Zsanitizer=address -Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares";
/// For C that comes with the sanitizer too: GCC says that the end of a scope ends a constant array in it, but has moved that out of
/// the stack, and then finds Zstandard reading it in the next call.
const CFLAGS: &str = "-fno-sanitize-address-use-after-scope";
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
        match fuzz(*target, seconds) {
            Ok(line) => lines.push(line),
            Err(message) => {
                failed = true;
                lines.push(format!("{:<14} FAILED  {message}", target.to_string()));
            }
        }
    }
    println!("\n── summary");
    lines.iter().for_each(|line| println!("{line}"));
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// A target, and the path of tiles it keeps to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Target<'a> {
    name: &'a str,
    path: Option<&'a str>,
}

impl fmt::Display for Target<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)?;
        self.path.map_or(Ok(()), |path| write!(f, "-{path}"))
    }
}

/// The targets that a word names: one, a path of `tile`, or with `tile:each` every path.
fn targets_of(word: &str) -> Option<Vec<Target<'_>>> {
    let with = |path| Target { name: "tile", path: Some(path) };
    match word.split_once(':') {
        None => TARGETS.contains(&word).then(|| vec![Target { name: word, path: None }]),
        Some(("tile", "each")) => Some(TILE_PATHS.map(with).to_vec()),
        Some(("tile", path)) => TILE_PATHS.contains(&path).then(|| vec![with(path)]),
        Some(_) => None,
    }
}

fn parse(args: &[String]) -> Result<(f64, Vec<Target<'_>>), String> {
    let mut minutes = DEFAULT_MINUTES;
    let mut targets = Vec::new();
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        if arg == "--minutes" {
            let value = args.next().and_then(|n| n.parse().ok()).filter(|n: &f64| *n > 0.0);
            minutes = value.ok_or("`--minutes` needs a number above 0")?;
        } else if let Some(named) = targets_of(arg) {
            targets.extend(named);
        } else {
            let (all, paths) = (TARGETS.join(", "), TILE_PATHS.join(", "));
            return Err(format!(
                "no target named `{arg}`; targets: {all}; paths, as `tile:lanes` or `tile:each`: {paths}"
            ));
        }
    }
    if targets.is_empty() {
        targets.extend(TARGETS.into_iter().filter_map(targets_of).flatten());
    }
    Ok((minutes, targets))
}

/// `target/fuzz`, or its like under `CARGO_TARGET_DIR`: build, seeds, corpus, findings.
fn folder() -> PathBuf {
    crate::bench::target().join("fuzz")
}

fn build(targets: &[Target<'_>]) -> Result<(), String> {
    let mut build =
        cargo(&["build", "--release", "--locked", "--manifest-path", "fuzz/Cargo.toml", "--target", HOST]);
    build.env("RUSTC_BOOTSTRAP", "1").env("RUSTFLAGS", RUSTFLAGS).env("CARGO_TARGET_DIR", folder());
    build.env("CFLAGS", CFLAGS);
    build.args(targets.iter().flat_map(|target| ["--bin", target.name]));
    run(&mut build)
}

fn fuzz(target: Target<'_>, seconds: u64) -> Result<String, String> {
    println!("\n── {target}, {seconds} s");
    let [seeds, corpus, findings] =
        ["seeds", "corpus", "findings"].map(|kind| folder().join(kind).join(target.to_string()));
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
    let before = children_cpu_seconds();
    let output = program.arg(&corpus).arg(&seeds).stderr(Stdio::piped()).output();
    let output = output.map_err(|e| format!("{target}: {e}"))?;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    if !output.status.success() {
        let kept: Vec<&str> = text.lines().rev().take(60).collect();
        kept.iter().rev().for_each(|line| eprintln!("{line}"));
        return Err(format!("{}; the input is in {}", output.status, findings.display()));
    }
    Ok(format!(
        "{:<14} passed  {:>9} runs in {:>4.0} s of CPU, {:>6} edges, corpus {}, at most {} MiB",
        target.to_string(),
        stat(&text, "number_of_executed_units"),
        children_cpu_seconds() - before,
        last_field(&text, "cov:"),
        n_files(&corpus),
        stat(&text, "peak_rss_mb"),
    ))
}

fn binary(target: Target<'_>) -> Command {
    let path = folder().join(HOST).join("release").join(target.name);
    let mut program = command(path, &[]);
    program.envs(target.path.map(|path| ("HOLOTYPE_FUZZ_PATH", path)));
    // A file of the corpus that leaks is no finding; memory is bounded by `MAX_MIB`.
    program.env("ASAN_OPTIONS", "detect_leaks=0:quarantine_size_mb=16");
    program
}

/// What the processes that this one waited for have used, as Linux says in hundredths; 0 elsewhere.
fn children_cpu_seconds() -> f64 {
    let text = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // After the name, which ends with the last parenthesis: times of children are fields 16 and 17 of `proc(5)`.
    let fields = text.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace();
    fields.skip(13).take(2).filter_map(|n| n.parse::<f64>().ok()).sum::<f64>() / 100.0
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
