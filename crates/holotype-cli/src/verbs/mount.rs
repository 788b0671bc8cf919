use super::open::open;
use crate::args::Mount;
use crate::exit::{Exit, Failure};
use crate::printer::Printer;

pub(crate) fn run(args: &Mount, printer: &Printer) -> Result<Exit, Failure> {
    let archive = open(&args.input, &args.access)?;
    let directory = args.directory.display();
    let ready = |n_hidden| {
        if n_hidden > 0 {
            printer.remark(format!("{n_hidden} items are no files and are not shown"));
        }
        printer.remark(format!("mounted at {directory}; `umount {directory}` or Ctrl-C ends it"));
    };
    crate::mount::mount(archive, &args.input.to_string_lossy(), &args.directory, ready)?;
    Ok(Exit::Good)
}
