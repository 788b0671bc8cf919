//! Project tasks. `cargo xtask test` runs every check of the project.

mod bench;
mod crash;
mod fuzz;
mod man;
mod memory;
mod noise;
mod python;
mod report;
mod run;
mod s3;
mod test;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask <task>

tasks:
  test [STEP…]   every check, or only the named steps (fmt, clippy, deny, rust, fuzz, wheel, ruff, mypy,
                 stubtest, pytest, reference)
  fuzz [--minutes N] [TARGET…]
                 every fuzz target, or only the named ones (archive, sealed, salvage, tile, slice,
                 round_trip, import, cbor, generation), N minutes together [default: 7]; `tile:lanes` keeps to one path of
                 tiles, `tile:each` is every path; needs x86-64 Linux and a C++ compiler
  bench [CORPUS] [STEP…]
                 measurements: compare (with other codecs, on the images of the folder CORPUS), many-items
  s3 [SERVER…]   archives in S3 on real servers, moto and s3s-fs; builds them into target/s3 the first time
  crash [CYCLES] kills processes that append, at any moment [default: 5000]
  memory [GB]    the most memory that packing and checking a tree of sparse files takes [default: 100]
  noise [numpy==VERSION | torch==VERSION …]
                 what these versions draw, made again by our recipes [default: six of NumPy, 1.24 to 2.4,
                 and the PyTorch of /usr/bin/python3 if it has one, as with Debian's python3-torch]; each is
                 installed and draws once, under target/noise
  torch          the Python tests with PyTorch, safetensors and jsonschema, some gigabytes installed once into
                 target/venv-torch
  man            manual pages and shell completions into target/man";

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    match args.next().as_deref() {
        Some("test") => test::main(&args.collect::<Vec<_>>()),
        Some("bench") => bench::main(&args.collect::<Vec<_>>()),
        Some("man") => man::main(),
        Some("noise") => noise::main(&args.collect::<Vec<_>>()),
        Some("torch") => test::with_torch(),
        Some("memory") => memory::main(&args.collect::<Vec<_>>()),
        Some("crash") => crash::main(&args.collect::<Vec<_>>()),
        Some("s3") => s3::main(&args.collect::<Vec<_>>()),
        Some("fuzz") => fuzz::main(&args.collect::<Vec<_>>()),
        Some("help" | "--help" | "-h") => {
            println!("{USAGE}");
            ExitCode::SUCCESS
        }
        other => {
            if let Some(task) = other {
                eprintln!("no task named `{task}`");
            }
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

/// The root of the repository.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}
