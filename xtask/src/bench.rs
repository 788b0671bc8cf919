//! `cargo xtask bench [CORPUS]`: the measurements of `bench/`, one after the other, on this machine.

use crate::python::Venv;
use crate::report::{Outcome, Report};
use crate::run::{cargo, run};
use std::env;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const STEPS: [&str; 2] = ["compare", "many-items"];
/// What `bench/compare.py` measures against.
const PEERS: [&str; 5] = ["imagecodecs", "tifffile", "pillow", "scikit-image", "matplotlib"];

pub(crate) fn main(args: &[String]) -> ExitCode {
    let (steps, folders): (Vec<_>, Vec<_>) = args.iter().partition(|arg| STEPS.contains(&arg.as_str()));
    let corpus = match folders.as_slice() {
        [] => None,
        [folder] if Path::new(folder).is_dir() => Some(PathBuf::from(folder)),
        [other, ..] => {
            eprintln!("`{other}` is neither a folder nor one of the steps {}", STEPS.join(", "));
            return ExitCode::from(2);
        }
    };
    let wanted = |step: &str| steps.is_empty() || steps.iter().any(|s| *s == step);
    let mut report = Report::default();
    if wanted("many-items") {
        report.step("many-items", || many_items().map(|()| Outcome::Passed));
    }
    if wanted("compare") {
        report.step("compare", || compare(corpus.as_deref()).map(|()| Outcome::Passed));
    }
    if report.finish() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// `target`, or what stands for it.
pub(crate) fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| crate::root().join("target"), PathBuf::from)
}

fn many_items() -> Result<(), String> {
    run(&mut cargo(&["build", "--release", "--locked", "--package", "holotype", "--example", "many_items"]))?;
    let venv = Venv::prepare()?;
    let program = target().join("release/examples/many_items");
    run(venv.python(&["bench/many_items.py", "--slow", "--program"]).arg(program))
}

/// Tables and plots of ratio and speed against other codecs, in `target/bench`.
fn compare(corpus: Option<&Path>) -> Result<(), String> {
    let venv = Venv::prepare()?;
    run(venv.python(&["-m", "pip", "install", "--quiet"]).args(PEERS))?;
    venv.install_wheel()?;
    let out = target().join("bench");
    std::fs::create_dir_all(&out).map_err(|e| format!("{}: {e}", out.display()))?;
    let mut program = venv.python(&["bench/compare.py", "--markdown"]);
    program.arg(out.join("compare.md")).arg("--plots").arg(&out);
    if let Some(corpus) = corpus {
        program.arg("--corpus").arg(corpus);
    }
    run(&mut program)?;
    println!("table and plots are in {}", out.display());
    Ok(())
}
