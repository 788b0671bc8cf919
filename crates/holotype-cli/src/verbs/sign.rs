use super::for_each;
use crate::args::Sign;
use crate::exit::{Exit, Failure};
use crate::password;
use crate::printer::Printer;
use crate::progress::Bar;
use holotype::{ErrorKind, SignOptions, read_secret_key, sign, signature_path};
use serde_json::json;

pub(crate) fn run(args: &Sign, printer: &Printer) -> Result<Exit, Failure> {
    let password = password::given(&args.unlock)?;
    let key = read_secret_key(&args.key).map_err(|e| Failure::from(e).about(args.key.display()))?;
    for_each(&args.paths, printer, |path| {
        let n_bytes = std::fs::metadata(path).map_or(0, |metadata| metadata.len());
        let bar = Bar::new(printer, n_bytes, &path.to_string_lossy());
        let options = SignOptions::default()
            .with_n_threads(args.threads)
            .with_foreign_replaced(args.force)
            .with_password(password.clone())
            .with_progress(bar.progress());
        sign(path, &key, &options).map_err(|error| {
            let is_foreign = error.kind() == ErrorKind::Signature;
            let failure = Failure::from(error).about(path.display());
            if is_foreign {
                failure.with_hint("pass `--force` to throw away signatures of another archive")
            } else {
                failure
            }
        })?;
        drop(bar);
        let side = signature_path(path);
        if printer.is_json() {
            printer.value(&json!({
                "archive": path.to_string_lossy(), "signature": side.to_string_lossy(),
                "key": key.public_key().to_hex(),
            }));
        } else {
            printer.line(format!("{}: good, signed in {}", path.display(), side.display()));
        }
        Ok(Exit::Good)
    })
}
