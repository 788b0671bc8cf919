use crate::exit::{Exit, Failure};
use crate::printer::Printer;
use serde_json::json;
use std::path::Path;

pub(crate) fn run(name: &Path, printer: &Printer) -> Result<Exit, Failure> {
    // Keys are never replaced, so there is no `--force` to hint at.
    let public = holotype::keygen(name).map_err(|e| Failure { hint: None, ..Failure::from(e) })?;
    let name = name.display();
    if printer.is_json() {
        printer.value(&json!({
            "secret_key": format!("{name}.key"), "public_key": format!("{name}.pub"), "key": public.to_hex(),
        }));
    } else {
        printer.line(format!("{name}.key: secret, keep it; {name}.pub: give it to those who verify"));
    }
    Ok(Exit::Good)
}
