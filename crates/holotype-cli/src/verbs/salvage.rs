use super::verify::finding;
use crate::args::Salvage;
use crate::destination::Destination;
use crate::exit::{Exit, Failure};
use crate::names::is_stream;
use crate::printer::Printer;
use crate::progress::Bar;
use holotype::{Error, SalvageOptions, SalvageReport, salvage, salvage_bytes};
use serde_json::{Value, json};
use std::io::Read as _;
use std::path::Path;

pub(crate) fn run(args: &Salvage, printer: &Printer) -> Result<Exit, Failure> {
    let n_bytes = std::fs::metadata(&args.input).map_or(0, |metadata| metadata.len());
    let bar = Bar::new(printer, n_bytes, &args.input.to_string_lossy());
    let options = SalvageOptions::default()
        .with_fill(args.fill)
        .with_stray_blocks(args.blocks)
        .with_n_threads(args.threads)
        .with_progress(bar.progress());
    let out = Destination::create(&args.output, args.force)?;
    let (out, report) = if is_stream(&args.input) {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes).map_err(|e| Error::io("-", e))?;
        salvage_bytes(bytes, out, &options)?
    } else {
        salvage(&args.input, out, &options)?
    };
    drop(bar);
    print(args, printer, &report);
    if report.recovered.is_empty() {
        let message = format!("{}: nothing in it is proven intact", args.input.display());
        let failure = Failure::new(Exit::Integrity, message);
        let has_blocks = report.n_stray_blocks > 0 && !args.blocks;
        return Err(if has_blocks {
            failure.with_hint("`--blocks` writes what no hash proves")
        } else {
            failure
        });
    }
    out.commit()?;
    Ok(if report.is_complete() { Exit::Good } else { Exit::Integrity })
}

fn print(args: &Salvage, printer: &Printer, report: &SalvageReport) {
    // With the archive on stdout the report goes where talk goes; the archive holds it anyway.
    if is_stream(&args.output) {
        printer.remark(report.to_string().trim_end());
    } else if printer.is_json() {
        printer.value(&describe(&args.input, report));
    } else {
        printer.line(report.to_string().trim_end());
    }
}

fn describe(input: &Path, report: &SalvageReport) -> Value {
    json!({
        "archive": input.to_string_lossy(), "complete": report.is_complete(), "bytes": report.n_bytes,
        "unreadable_bytes": report.n_unreadable_bytes, "skipped_bytes": report.n_skipped_bytes,
        "manifests": report.manifests.iter().map(|m| json!({
            "offset_bytes": m.offset_bytes, "seal": m.seal_hex(), "items": m.n_items, "lost_items": m.n_lost_items,
        })).collect::<Vec<_>>(),
        "recovered": report.recovered.iter().map(|item| json!({
            "name": item.name, "old_name": item.old_name, "kind": item.kind.name(), "proof": item.proof.name(),
            "filled": item.filled.iter().map(|t| [t.x, t.y, t.width, t.height]).collect::<Vec<_>>(),
            "findings": item.findings.iter().map(finding).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
        "lost": report.lost.iter().map(|item| json!({
            "name": item.name, "findings": item.findings.iter().map(finding).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
        "stray_blocks": report.n_stray_blocks, "stray_bytes": report.n_stray_bytes, "notes": report.notes,
    })
}
