//! `cargo xtask crash`: the test of killed appends, many times over.

use crate::run::{cargo, run};
use std::process::ExitCode;

const DEFAULT_CYCLES: &str = "5000";

pub(crate) fn main(args: &[String]) -> ExitCode {
    let cycles = args.first().map_or(DEFAULT_CYCLES, String::as_str);
    if cycles.parse::<u64>().is_err() {
        eprintln!("`{cycles}` is no number of cycles");
        return ExitCode::from(2);
    }
    let test = ["--test", "append", "killed_appends_lose_nothing", "--", "--nocapture"];
    let mut command = cargo(&["test", "--release", "--locked", "--package", "holotype-cli"]);
    match run(command.args(test).env("HOLO_CRASH_CYCLES", cycles)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}
