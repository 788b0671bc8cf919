//! One file per verb.

mod animate;
mod cat;
mod completions;
mod compress;
mod decompress;
mod diff;
mod flatten;
mod frames;
mod generation;
mod info;
mod keygen;
mod list;
mod log;
mod man;
#[cfg(all(feature = "mount", target_os = "linux"))]
mod mount;
mod open;
mod pack;
mod preview;
mod rekey;
mod salvage;
#[cfg(feature = "serve")]
mod serve;
mod sign;
mod unpack;
mod verify;

use crate::args::Verb;
use crate::exit::{Exit, Failure};
use crate::printer::Printer;

/// Runs one verb.
pub(crate) fn run(verb: &Verb, printer: &Printer) -> Result<Exit, Failure> {
    match verb {
        Verb::Compress(args) => compress::run(args, printer),
        Verb::Decompress(args) => decompress::run(args, printer),
        Verb::Info(args) => info::run(args, printer),
        Verb::Preview(args) => preview::run(args, printer),
        Verb::Verify(args) => verify::run(args, printer),
        Verb::Salvage(args) => salvage::run(args, printer),
        Verb::Pack(args) => pack::run(args, printer),
        Verb::Unpack(args) => unpack::run(args, printer),
        Verb::Animate(args) => animate::run(args, printer),
        Verb::Frames(args) => frames::run(args, printer),
        Verb::Flatten(args) => flatten::run(args, printer),
        Verb::Log(args) => log::run(args, printer),
        Verb::Diff(args) => diff::run(args, printer),
        Verb::List(args) => list::run(args, printer),
        Verb::Cat(args) => cat::run(args),
        Verb::Generation(verb) => generation::run(verb, printer),
        Verb::Redact(args) => generation::write_redacted(args, printer),
        #[cfg(all(feature = "mount", target_os = "linux"))]
        Verb::Mount(args) => mount::run(args, printer),
        #[cfg(feature = "serve")]
        Verb::Serve(args) => serve::run(args, printer),
        Verb::Keygen { name } => keygen::run(name, printer),
        Verb::Sign(args) => sign::run(args, printer),
        Verb::Rekey(args) => rekey::run(args, printer),
        Verb::Completions { shell } => completions::run(*shell),
        Verb::Man { directory } => man::run(directory, printer),
    }
}

/// Runs `work` on every pair and goes on after a failure; the worst exit code counts.
fn for_each<T>(
    jobs: &[T],
    printer: &Printer,
    mut work: impl FnMut(&T) -> Result<Exit, Failure>,
) -> Result<Exit, Failure> {
    if let [job] = jobs {
        return work(job);
    }
    let mut worst = Exit::Good;
    for job in jobs {
        let exit = work(job).unwrap_or_else(|failure| {
            printer.failure(&failure);
            failure.exit
        });
        worst = worst.max(exit);
    }
    Ok(worst)
}
