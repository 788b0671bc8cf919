//! `cargo xtask test`: every check of the project, cheap ones first, all of them even after a failure.

use crate::python::Venv;
use crate::report::{Outcome, Report};
use crate::run::{cargo, command, run, succeeds};
use std::process::{Command, ExitCode};

const STEPS: [&str; 11] =
    ["fmt", "clippy", "deny", "rust", "fuzz", "wheel", "ruff", "mypy", "stubtest", "pytest", "reference"];
/// The first steps, which need no Python.
const N_RUST_STEPS: usize = 5;
/// Steps that need the installed wheel.
const NEED_WHEEL: [&str; 3] = ["mypy", "stubtest", "pytest"];

pub(crate) fn main(only: &[String]) -> ExitCode {
    if let Some(unknown) = only.iter().find(|s| !STEPS.contains(&s.as_str())) {
        eprintln!("no step named `{unknown}`; steps: {}", STEPS.join(", "));
        return ExitCode::from(2);
    }
    let wanted = |step: &str| only.is_empty() || only.iter().any(|s| s == step);
    let mut report = Report::default();
    for step in STEPS.into_iter().take(N_RUST_STEPS).filter(|s| wanted(s)) {
        report.step(step, || rust_step(step));
    }
    python_steps(&mut report, &wanted);
    if report.finish() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The Python tests with the packages that most runs leave out, and so skip their tests.
pub(crate) fn with_torch() -> ExitCode {
    let mut report = Report::default();
    report.step("torch", || {
        let venv = Venv::prepare_with_torch()?;
        venv.install_wheel()?;
        passed(&mut venv.python(&["-m", "pytest", "--quiet", "-rs"]))
    });
    if report.finish() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn passed(command: &mut Command) -> Result<Outcome, String> {
    run(command).map(|()| Outcome::Passed)
}

fn rust_step(step: &str) -> Result<Outcome, String> {
    match step {
        "fmt" => {
            run(&mut cargo(&["fmt", "--all", "--check"]))?;
            passed(&mut cargo(&["fmt", "--manifest-path", "fuzz/Cargo.toml", "--check"]))
        }
        "clippy" => passed(&mut cargo(&[
            "clippy",
            "--workspace",
            "--all-targets",
            "--locked",
            "--quiet",
            "--",
            "-D",
            "warnings",
        ])),
        "deny" => deny(),
        // Without the Python glue, which pytest covers: built here it would need an interpreter to link with.
        "rust" => passed(&mut cargo(&[
            "test",
            "--workspace",
            "--exclude",
            "holotype-python",
            "--locked",
            "--quiet",
        ])),
        "fuzz" => fuzz_targets(),
        other => Err(format!("`{other}` is not a step")),
    }
}

/// The fuzz targets still build; `cargo xtask fuzz` runs them.
fn fuzz_targets() -> Result<Outcome, String> {
    if !succeeds(&mut command("c++", &["--version"])) {
        return Ok(Outcome::Skipped("there is no C++ compiler".into()));
    }
    let mut clippy =
        cargo(&["clippy", "--manifest-path", "fuzz/Cargo.toml", "--bins", "--locked", "--quiet"]);
    passed(clippy.arg("--target-dir").arg(crate::bench::target()).args(["--", "-D", "warnings"]))
}

/// Licences, bans and sources. Advisories need a download of their database, so they are their own, optional,
/// command: `cargo deny check advisories`.
fn deny() -> Result<Outcome, String> {
    if !succeeds(&mut cargo(&["deny", "--version"])) {
        return Ok(Outcome::Skipped("cargo-deny is not installed; `.ci/run` installs it".into()));
    }
    passed(&mut cargo(&[
        "deny",
        "--locked",
        "check",
        "--hide-inclusion-graph",
        "licenses",
        "bans",
        "sources",
    ]))
}

fn python_steps(report: &mut Report, wanted: &dyn Fn(&str) -> bool) {
    let steps: Vec<_> = STEPS.into_iter().skip(N_RUST_STEPS).filter(|s| wanted(s)).collect();
    if steps.is_empty() {
        return;
    }
    let mut venv = None;
    let made = report.step("venv", || {
        venv = Some(Venv::prepare()?);
        Ok(Outcome::Passed)
    });
    let Some(venv) = venv.filter(|_| made) else { return };
    let mut has_wheel = true;
    for step in steps {
        if step == "wheel" {
            has_wheel = report.step(step, || venv.install_wheel().map(|()| Outcome::Passed));
        } else if !has_wheel && NEED_WHEEL.contains(&step) {
            report.step(step, || Err("there is no wheel to test".into()));
        } else {
            report.step(step, || python_step(&venv, step));
        }
    }
}

fn python_step(venv: &Venv, step: &str) -> Result<Outcome, String> {
    match step {
        "ruff" => {
            run(&mut venv.python(&["-m", "ruff", "check", "--quiet", "."]))?;
            passed(&mut venv.python(&["-m", "ruff", "format", "--check", "--quiet", "."]))
        }
        "mypy" => passed(&mut venv.python(&["-m", "mypy"])),
        "stubtest" => passed(&mut venv.python(&[
            "-m",
            "mypy.stubtest",
            "--concise",
            "--mypy-config-file",
            "pyproject.toml",
            "holotype._holotype",
        ])),
        "pytest" => passed(&mut venv.python(&["-m", "pytest", "--quiet"])),
        "reference" => reference(venv),
        other => Err(format!("`{other}` is not a step")),
    }
}

/// The reference reader reads every good vector and refuses every bad one.
fn reference(venv: &Venv) -> Result<Outcome, String> {
    if !crate::root().join("reference/check_vectors.py").is_file() {
        return Ok(Outcome::Skipped("there is no reference/check_vectors.py".into()));
    }
    passed(&mut venv.python(&["reference/check_vectors.py", "docs/vectors"]))
}
