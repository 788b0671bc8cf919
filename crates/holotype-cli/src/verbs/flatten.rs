use super::open::open;
use crate::args::Flatten;
use crate::exit::{Exit, Failure};
use crate::names::is_stream;
use crate::password;
use crate::printer::Printer;
use crate::progress::Bar;
use holotype::{Encryption, FileOutput, FlattenOptions, Replace, flatten};
use serde_json::json;
use std::io::{BufWriter, Seek as _};

pub(crate) fn run(args: &Flatten, printer: &Printer) -> Result<Exit, Failure> {
    let archive = open(&args.input, &args.access)?;
    let encryption = if args.encrypt {
        let new = password::new(args.new_password_file.as_deref(), args.new_password_env.as_deref())?;
        Some(Encryption::with_password(new))
    } else {
        None
    };
    let bar = Bar::new(printer, 0, &args.output.to_string_lossy());
    let options = FlattenOptions::default().with_encryption(encryption).with_progress(bar.progress());
    if is_stream(&args.output) {
        flatten(&archive, BufWriter::with_capacity(1 << 18, std::io::stdout().lock()), &options)?;
        return Ok(Exit::Good);
    }
    let replace = if args.force { Replace::Allow } else { Replace::Never };
    let (mut file, _seal) = flatten(&archive, FileOutput::create(&args.output, replace)?, &options)?;
    let n_bytes = file.stream_position().map_err(|e| holotype::Error::io(&args.output, e))?;
    file.commit()?;
    drop(bar);
    if printer.is_json() {
        printer.value(&json!({
            "archive": args.output.to_string_lossy(), "parents": archive.parents().len(), "stored_bytes": n_bytes,
        }));
    } else {
        let n = archive.parents().len();
        printer.remark(format!("{}: {n_bytes} bytes, needs none of {n} parents", args.output.display()));
    }
    Ok(Exit::Good)
}
