use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};

/// A command in the repository root, its output going to ours.
pub(crate) fn command(program: impl AsRef<OsStr>, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(args).current_dir(crate::root());
    command
}

/// A `cargo` command, with the toolchain that runs us.
pub(crate) fn cargo(args: &[&str]) -> Command {
    command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()), args)
}

/// Runs `command` to its end.
///
/// # Errors
/// A line saying what failed.
pub(crate) fn run(command: &mut Command) -> Result<(), String> {
    let status = command.status().map_err(|e| format!("{}: {e}", program(command)))?;
    if status.success() { Ok(()) } else { Err(format!("{}: {status}", program(command))) }
}

/// Runs `command` with its output hidden; true if it succeeded.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|s| s.success())
}

/// What `command` prints, without white space around it; nothing if it fails.
pub(crate) fn output(command: &mut Command) -> Option<String> {
    let output = command.stderr(Stdio::null()).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}

fn program(command: &Command) -> String {
    let name = Path::new(command.get_program()).file_name().unwrap_or_default();
    let args: Vec<_> = command.get_args().take(3).map(|a| a.to_string_lossy()).collect();
    format!("`{} {}`", name.to_string_lossy(), args.join(" "))
}
