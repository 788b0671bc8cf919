use super::for_each;
use super::open::open;
use crate::args::Verify;
use crate::exit::{Exit, Failure};
use crate::printer::Printer;
use crate::progress::Bar;
use holotype::{Finding, VerifyOptions};
use serde_json::{Value, json};
use std::path::Path;

pub(crate) fn run(args: &Verify, printer: &Printer) -> Result<Exit, Failure> {
    for_each(&args.paths, printer, |path| one(args, printer, path))
}

fn one(args: &Verify, printer: &Printer, path: &Path) -> Result<Exit, Failure> {
    let archive = open(path)?;
    let bar = Bar::new(printer, archive.n_bytes(), &path.to_string_lossy());
    let options = VerifyOptions::default().with_n_threads(args.threads).with_progress(bar.progress());
    let report = archive.verify(&options)?;
    drop(bar);
    if printer.is_json() {
        printer.value(&json!({
            "archive": path.to_string_lossy(), "good": report.is_good(), "seal": archive.seal_hex(),
            "items": report.n_items, "blocks": report.n_blocks, "bytes": report.n_bytes,
            "findings": report.findings.iter().map(finding).collect::<Vec<_>>(),
        }));
    } else if report.is_good() {
        printer.line(format!(
            "{}: good, {} items, {} blocks, {} bytes, seal {}",
            path.display(),
            report.n_items,
            report.n_blocks,
            report.n_bytes,
            archive.seal_hex()
        ));
    } else {
        printer.line(format!("{}: DAMAGED", path.display()));
        for finding in &report.findings {
            printer.line(format!("  {finding}"));
        }
    }
    Ok(if report.is_good() { Exit::Good } else { Exit::Integrity })
}

/// A finding as JSON.
pub(super) fn finding(finding: &Finding) -> Value {
    json!({
        "item": finding.item, "tile": finding.tile.map(|t| [t.x, t.y, t.width, t.height]),
        "offset_bytes": finding.offset_bytes, "n_bytes": finding.n_bytes, "message": finding.message,
    })
}
