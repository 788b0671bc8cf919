use super::open::open;
use crate::args::Unpack;
use crate::exit::{Exit, Failure};
use crate::printer::Printer;
use crate::progress::Bar;
use holotype::{UnpackOptions, unpack};
use serde_json::json;

/// Decoded blocks kept: files are written in the order of their blocks, only repetitions lie farther back.
const CACHE_BYTES: u64 = 64 << 20;

pub(crate) fn run(args: &Unpack, printer: &Printer) -> Result<Exit, Failure> {
    let archive = open(&args.input, &args.access)?.with_cache_bytes(CACHE_BYTES);
    let bar = Bar::new(printer, 0, &args.output.to_string_lossy());
    let mut options = UnpackOptions::default()
        .with_n_threads(args.threads)
        .with_special_modes(args.special_modes)
        .with_xattrs(!args.no_xattrs)
        .with_sparse(args.sparse)
        .with_progress(bar.progress());
    if let Some(n_bytes) = args.max_bytes {
        options = options.with_max_bytes(n_bytes);
    }
    let unpacked = unpack(&archive, &args.output, &options)?;
    drop(bar);
    if printer.is_json() {
        printer.value(&json!({
            "archive": args.input.to_string_lossy(), "output": args.output.to_string_lossy(),
            "items": unpacked.n_items, "bytes": unpacked.n_bytes,
        }));
    } else {
        printer.remark(format!(
            "{}: {} files, folders and links, {} bytes",
            args.output.display(),
            unpacked.n_items,
            unpacked.n_bytes
        ));
    }
    Ok(Exit::Good)
}
