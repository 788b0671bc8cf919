use crate::args::Cli;
use crate::exit::{Exit, Failure};
use crate::printer::Printer;
use clap::CommandFactory as _;
use holotype::Error;
use std::path::Path;

pub(crate) fn run(directory: &Path, printer: &Printer) -> Result<Exit, Failure> {
    std::fs::create_dir_all(directory).map_err(|e| Error::io(directory, e))?;
    clap_mangen::generate_to(Cli::command(), directory).map_err(|e| Error::io(directory, e))?;
    printer.remark(format!("manual pages written to {}", directory.display()));
    Ok(Exit::Good)
}
