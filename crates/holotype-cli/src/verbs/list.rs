use super::for_each;
use super::open::open;
use crate::args::Inputs;
use crate::exit::{Exit, Failure};
use crate::printer::Printer;
use serde_json::json;

pub(crate) fn run(args: &Inputs, printer: &Printer) -> Result<Exit, Failure> {
    for_each(&args.paths, printer, |path| {
        let archive = open(path, &args.access)?;
        for item in archive.items()? {
            if printer.is_json() {
                printer.value(&json!({
                    "archive": path.to_string_lossy(), "name": item.name(), "kind": item.kind().name(),
                    "raw_bytes": item.raw_bytes(), "stored_bytes": item.stored_bytes()?,
                    "sha256": item.content_sha256_hex(),
                }));
            } else {
                printer.line(format!(
                    "{:9} {:>12} {:>12} {}",
                    item.kind().name(),
                    item.raw_bytes(),
                    item.stored_bytes()?,
                    item.name()
                ));
            }
        }
        Ok(Exit::Good)
    })
}
