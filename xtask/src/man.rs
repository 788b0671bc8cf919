//! `cargo xtask man`: manual pages and shell completions, as packages install them.

use crate::bench::target;
use crate::run::{cargo, command, run};
use std::path::Path;
use std::process::ExitCode;

/// Shells and what their completion files are called.
const COMPLETIONS: [(&str, &str); 5] = [
    ("bash", "holo.bash"),
    ("zsh", "_holo"),
    ("fish", "holo.fish"),
    ("powershell", "_holo.ps1"),
    ("elvish", "holo.elv"),
];

pub(crate) fn main() -> ExitCode {
    let out = target().join("man");
    match write(&out) {
        Ok(()) => {
            println!("manual pages and completions are in {}", out.display());
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn write(out: &Path) -> Result<(), String> {
    run(&mut cargo(&["build", "--locked", "--package", "holotype-cli"]))?;
    let program = target().join("debug").join(format!("holo{}", std::env::consts::EXE_SUFFIX));
    run(command(&program, &["--quiet", "man"]).arg(out))?;
    for (shell, name) in COMPLETIONS {
        let output = command(&program, &["completions", shell]).output();
        let output = output.map_err(|e| format!("{}: {e}", program.display()))?;
        if !output.status.success() {
            return Err(format!("`holo completions {shell}`: {}", output.status));
        }
        let path = out.join(name);
        std::fs::write(&path, output.stdout).map_err(|e| format!("{}: {e}", path.display()))?;
    }
    Ok(())
}
