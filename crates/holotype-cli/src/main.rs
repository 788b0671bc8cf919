//! The `holo` program: one file per verb. Data goes to stdout, talk to stderr.

mod args;
mod date;
mod destination;
mod exit;
#[cfg(all(feature = "mount", target_os = "linux"))]
mod mount;
mod names;
mod password;
mod printer;
mod progress;
#[cfg(feature = "serve")]
mod serve;
mod verbs;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = args::Cli::parse();
    let printer = printer::Printer::new(cli.json, cli.quiet);
    let done = verbs::run(&cli.verb, &printer);
    match printer.lost().map_or(done, Err) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            printer.failure(&failure);
            failure.exit.into()
        }
    }
}
