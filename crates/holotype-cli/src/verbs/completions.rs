use crate::args::Cli;
use crate::exit::{Exit, Failure};
use clap::CommandFactory as _;

pub(crate) fn run(shell: clap_complete::Shell) -> Result<Exit, Failure> {
    clap_complete::generate(shell, &mut Cli::command(), "holo", &mut std::io::stdout().lock());
    Ok(Exit::Good)
}
