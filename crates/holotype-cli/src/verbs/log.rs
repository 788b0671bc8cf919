use super::for_each;
use super::open::{open, open_at};
use crate::args::{Access, Inputs};
use crate::exit::{Exit, Failure};
use crate::printer::Printer;
use holotype::{Archive, Revision, RevisionInfo};
use serde_json::json;
use std::path::Path;

pub(crate) fn run(args: &Inputs, printer: &Printer) -> Result<Exit, Failure> {
    for_each(&args.paths, printer, |path| {
        let (archive, problem) = newest(path, &args.access)?;
        let mut start_bytes = 0;
        for RevisionInfo { number, n_bytes, seal, .. } in archive.revisions() {
            let n_items = archive.at_revision(number)?.n_items();
            let added_bytes = n_bytes.saturating_sub(start_bytes);
            start_bytes = n_bytes;
            let seal: String = seal.iter().map(|byte| format!("{byte:02x}")).collect();
            if printer.is_json() {
                printer.value(&json!({
                    "archive": path.to_string_lossy(), "revision": number, "items": n_items,
                    "bytes": n_bytes, "added_bytes": added_bytes, "seal": seal,
                }));
            } else {
                printer.line(format!("{number:>6} {n_items:>10} items {added_bytes:>14} bytes  {seal}"));
            }
        }
        match problem {
            Some(failure) => Err(failure),
            None => Ok(Exit::Good),
        }
    })
}

/// The archive at its last revision, or at the last whole one and why that is not the last.
fn newest(path: &Path, access: &Access) -> Result<(Archive, Option<Failure>), Failure> {
    let failure = match open(path, access) {
        Ok(archive) => return Ok((archive, None)),
        Err(failure) => failure,
    };
    match open_at(path, access, Revision::LastWhole) {
        Ok(archive) => Ok((archive, Some(failure))),
        Err(_) => Err(failure),
    }
}
