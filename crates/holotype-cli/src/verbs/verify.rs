use super::for_each;
use super::open::{address, open};
use crate::args::Verify;
use crate::exit::{Exit, Failure};
use crate::names::is_stream;
use crate::printer::Printer;
use crate::progress::Bar;
use holotype::{Finding, PublicKey, VerifyOptions, read_public_key};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Decoded blocks kept: content that is shared lies near.
const CACHE_BYTES: u64 = 64 << 20;

pub(crate) fn run(args: &Verify, printer: &Printer) -> Result<Exit, Failure> {
    let read = |path: &PathBuf| read_public_key(path).map_err(|e| Failure::from(e).about(path.display()));
    let required = args.public_key.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    if args.signature.is_some() && args.paths.len() > 1 {
        return Err(Failure::usage("one file of signatures cannot be of several archives"));
    }
    for_each(&args.paths, printer, |path| one(args, &required, printer, path))
}

fn one(args: &Verify, required: &[PublicKey], printer: &Printer, path: &Path) -> Result<Exit, Failure> {
    if !required.is_empty() && is_stream(path) && args.signature.is_none() {
        return Err(Failure::usage("the signatures of stdin are named with `--signature`"));
    }
    let archive = open(path, &args.access)?.with_cache_bytes(CACHE_BYTES);
    // Before anything else is read: bytes that nobody vouches for are not worth decoding.
    let signers = if required.is_empty() {
        Vec::new()
    } else {
        let checked = match (address(path), &args.signature) {
            (Some(address), None) => {
                archive.check_remote_signatures(address, &args.access.remote_options(), required)
            }
            (_, file) => archive.check_signature_file(file.as_deref(), required),
        };
        checked.map_err(|e| Failure::from(e).about(path.display()))?
    };
    let signers: Vec<String> = signers.iter().map(PublicKey::to_hex).collect();
    let bar = Bar::new(printer, archive.n_bytes(), &path.to_string_lossy());
    let options = VerifyOptions::default().with_n_threads(args.threads).with_progress(bar.progress());
    let report = archive.verify(&options)?;
    drop(bar);
    if printer.is_json() {
        printer.value(&json!({
            "archive": path.to_string_lossy(), "good": report.is_good(), "seal": archive.seal_hex(),
            "items": report.n_items, "blocks": report.n_blocks, "bytes": report.n_bytes,
            "findings": report.findings.iter().map(finding).collect::<Vec<_>>(), "signers": signers,
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
        for signer in signers {
            printer.line(format!("  signed by {signer}"));
        }
    } else {
        let state = if report.is_incomplete() { "INCOMPLETE, a parent is missing" } else { "DAMAGED" };
        printer.line(format!("{}: {state}", path.display()));
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
        "in_parent": finding.in_parent,
    })
}
