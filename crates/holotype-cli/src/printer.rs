use crate::exit::Failure;
use serde_json::{Value, json};
use std::io::{self, IsTerminal as _, Write as _};

/// The only road to the terminal: data to stdout, talk to stderr.
pub(crate) struct Printer {
    json: bool,
    quiet: bool,
}

impl Printer {
    pub(crate) fn new(json: bool, quiet: bool) -> Self {
        Self { json, quiet }
    }

    /// True if results are wanted as JSON.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// True if a progress bar would be seen and is wanted.
    pub(crate) fn wants_progress(&self) -> bool {
        !self.quiet && !self.json && io::stderr().is_terminal()
    }

    /// A result line, to stdout.
    pub(crate) fn line(&self, text: impl AsRef<str>) {
        // A reader that went away (`holo list x | head`) is no error.
        let _ = writeln!(io::stdout().lock(), "{}", text.as_ref());
    }

    /// A JSON result, one line, to stdout.
    pub(crate) fn value(&self, value: &Value) {
        self.line(value.to_string());
    }

    /// A remark, to stderr; silent with `--quiet` or `--json`.
    pub(crate) fn remark(&self, text: impl AsRef<str>) {
        if !self.quiet && !self.json {
            let _ = writeln!(io::stderr().lock(), "{}", text.as_ref());
        }
    }

    /// An error, to stderr; as JSON with `--json`.
    pub(crate) fn failure(&self, failure: &Failure) {
        let mut err = io::stderr().lock();
        let _ = if self.json {
            let value = json!({ "error": failure.message, "exit": failure.exit as u8, "hint": failure.hint });
            writeln!(err, "{value}")
        } else if let Some(hint) = &failure.hint {
            writeln!(err, "error: {}\nhint: {hint}", failure.message)
        } else {
            writeln!(err, "error: {}", failure.message)
        };
    }
}
