//! `cargo xtask memory`: the most memory that packing and checking a large tree take.

use crate::run::{cargo, run};
use std::process::ExitCode;

const DEFAULT_GIGABYTES: &str = "100";

pub(crate) fn main(args: &[String]) -> ExitCode {
    let gigabytes = args.first().map_or(DEFAULT_GIGABYTES, String::as_str);
    if gigabytes.parse::<u64>().is_err() {
        eprintln!("`{gigabytes}` is no number of gigabytes");
        return ExitCode::from(2);
    }
    let test = ["--test", "memory", "memory_for_a_large_tree", "--", "--ignored", "--nocapture"];
    let mut command = cargo(&["test", "--locked", "--package", "holotype-cli"]);
    match run(command.args(test).env("HOLO_MEMORY_GB", gigabytes)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}
