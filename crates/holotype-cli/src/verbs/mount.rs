use super::open::open;
use crate::args::Mount;
use crate::exit::{Exit, Failure};
use crate::printer::Printer;
use holotype::Error;

pub(crate) fn run(args: &Mount, printer: &Printer) -> Result<Exit, Failure> {
    let failed = |e| Failure::from(Error::io(&args.directory, e));
    if args.directory.read_dir().map_err(failed)?.next().is_some() {
        return Err(Failure::new(Exit::Error, format!("{} is not empty", args.directory.display()))
            .with_hint("what is in it could not be reached while it is mounted: name an empty folder"));
    }
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
