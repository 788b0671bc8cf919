//! `cargo xtask noise`: what other versions of NumPy and PyTorch draw, proven against our recipes.

use crate::python::{Venv, make_environment};
use crate::run::{command, output, run, succeeds};
use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

/// From the oldest that Holotype takes to the newest.
const VERSIONS: [&str; 6] =
    ["numpy==1.24.4", "numpy==1.26.4", "numpy==2.0.2", "numpy==2.2.6", "numpy==2.3.5", "numpy==2.4.6"];
/// The system's own Python, whose PyTorch draws too where a package of the system brings one (Debian: `python3-torch`).
const SYSTEM_PYTHON: &str = "/usr/bin/python3";
const SAY_VERSION: &str = "import torch; print(torch.__version__)";
/// Tensors of each kind, and their elements.
const AMOUNT: [&str; 4] = ["--seeds", "20", "--numbers", "20003"];

pub(crate) fn main(asked: &[String]) -> ExitCode {
    if let Some(unknown) = asked.iter().find(|one| !one.starts_with("numpy==") && !one.starts_with("torch=="))
    {
        eprintln!("`{unknown}` is neither numpy==VERSION nor torch==VERSION");
        return ExitCode::from(2);
    }
    let all: Vec<&str> =
        if asked.is_empty() { VERSIONS.to_vec() } else { asked.iter().map(String::as_str).collect() };
    match prove(&all, asked.is_empty()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::FAILURE
        }
    }
}

/// Each version in an environment of its own draws; the project's, which has the wheel, proves.
fn prove(requirements: &[&str], asks_all: bool) -> Result<(), String> {
    let dir = crate::bench::target().join("noise");
    std::fs::create_dir_all(&dir).map_err(|e| format!("{}: {e}", dir.display()))?;
    let venv = Venv::prepare()?;
    venv.install_wheel()?;
    let mut drawn: Vec<OsString> = Vec::new();
    for requirement in requirements {
        let file = dir.join(format!("{requirement}.npz"));
        if !file.is_file() {
            let Some(python) = python_with(&dir.join(requirement), requirement)? else {
                eprintln!("{requirement} cannot be installed for this Python: left out");
                continue;
            };
            draw(&python, &file)?;
        }
        drawn.push(file.into_os_string());
    }
    if asks_all && let Some(version) = output(&mut command(SYSTEM_PYTHON, &["-c", SAY_VERSION])) {
        let file = dir.join(format!("system-torch=={version}.npz"));
        if !file.is_file() {
            draw(Path::new(SYSTEM_PYTHON), &file)?;
        }
        drawn.push(file.into_os_string());
    }
    if drawn.is_empty() {
        return Err("nothing was drawn".into());
    }
    run(venv.python(&["bench/noise.py"]).args(drawn))
}

/// What the libraries of this interpreter draw, into a file.
fn draw(python: &Path, file: &Path) -> Result<(), String> {
    // Beside it first: what is there is whole.
    let partial = file.with_extension("partial.npz");
    run(command(python, &["bench/noise.py", "--draw"]).arg(&partial).args(AMOUNT))?;
    std::fs::rename(&partial, file).map_err(|e| format!("{}: {e}", file.display()))
}

/// The interpreter of an environment with this package; nothing if there is none for this Python.
fn python_with(dir: &Path, requirement: &str) -> Result<Option<std::path::PathBuf>, String> {
    let python = dir.join("bin/python");
    if !python.is_file() {
        make_environment(dir)?;
    }
    let install = ["-m", "pip", "install", "--quiet", "--only-binary", ":all:", requirement, "numpy"];
    Ok(succeeds(&mut command(&python, &install)).then_some(python))
}
