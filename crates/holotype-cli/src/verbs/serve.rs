use super::open::open;
use crate::args::Serve;
use crate::exit::{Exit, Failure};
use crate::printer::Printer;
use serde_json::json;
use std::net::SocketAddr;
use std::time::Duration;

pub(crate) fn run(args: &Serve, printer: &Printer) -> Result<Exit, Failure> {
    let archive = open(&args.input, &args.access)?;
    let address = SocketAddr::new(args.bind, args.port);
    if !args.bind.is_loopback() {
        printer.remark("anyone who reaches this address can read the archive");
    }
    let ready = |address: SocketAddr| {
        let address = format!("http://{address}/");
        if printer.is_json() {
            printer.value(&json!({ "address": address }));
        } else {
            printer.line(address);
        }
    };
    crate::serve::serve(archive, address, Duration::from_secs(args.patience), ready)
        .map_err(|e| Failure::new(Exit::Error, format!("{address}: {e}")))?;
    Ok(Exit::Good)
}
