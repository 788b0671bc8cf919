use crate::exit::Failure;
use holotype::Error;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::cell::RefCell;
use std::io::{self, IsTerminal as _, Write as _};

/// The only road to the terminal: data to stdout, talk to stderr. Names come from strangers: what would steer a terminal or
/// begin another line is shown as an escape.
pub(crate) struct Printer {
    json: bool,
    quiet: bool,
    /// Why stdout did not take a result.
    lost: RefCell<Option<io::Error>>,
}

impl Printer {
    pub(crate) fn new(json: bool, quiet: bool) -> Self {
        Self { json, quiet, lost: RefCell::new(None) }
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
        self.put(&shown(text.as_ref()));
    }

    /// A JSON result, one line, to stdout.
    pub(crate) fn value(&self, value: &Value) {
        self.put(&in_json(&value.to_string()));
    }

    fn put(&self, line: &str) {
        match writeln!(io::stdout().lock(), "{line}") {
            // A reader that went away (`holo list x | head`) is no error.
            Err(e) if e.kind() != io::ErrorKind::BrokenPipe => drop(self.lost.replace(Some(e))),
            _ => {}
        }
    }

    /// The failure of results that did not reach stdout, if there are any.
    pub(crate) fn lost(&self) -> Option<Failure> {
        self.lost.take().map(|e| Error::io("-", e).into())
    }

    /// A remark, to stderr; silent with `--quiet` or `--json`.
    pub(crate) fn remark(&self, text: impl AsRef<str>) {
        if !self.quiet && !self.json {
            let _ = writeln!(io::stderr().lock(), "{}", shown(text.as_ref()));
        }
    }

    /// An error, to stderr; as JSON with `--json`.
    pub(crate) fn failure(&self, failure: &Failure) {
        let mut err = io::stderr().lock();
        let _ = if self.json {
            let value = json!({ "error": failure.message, "exit": failure.exit as u8, "hint": failure.hint });
            writeln!(err, "{}", in_json(&value.to_string()))
        } else if let Some(hint) = &failure.hint {
            writeln!(err, "error: {}\nhint: {}", shown(&failure.message), shown(hint))
        } else {
            writeln!(err, "error: {}", shown(&failure.message))
        };
    }
}

/// True for characters that steer a terminal, end a line or turn the direction of writing.
fn steers(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// `text` with such characters as escapes: `\n`, `\u{1b}`.
fn shown(text: &str) -> Cow<'_, str> {
    if !text.contains(steers) {
        return text.into();
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if steers(character) { safe.extend(character.escape_default()) } else { safe.push(character) }
    }
    safe.into()
}

/// The same for JSON, which has escapes of its own for some of them; the others stand in strings alone.
fn in_json(text: &str) -> Cow<'_, str> {
    if !text.contains(steers) {
        return text.into();
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if steers(character) {
            safe.push_str(&format!("\\u{:04x}", u32::from(character)));
        } else {
            safe.push(character);
        }
    }
    safe.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str = "a\u{1b}[2J\r\n\tb\u{7f}\u{9b}31m\u{202e}\u{2028}\u{2066}";

    #[test]
    fn names_cannot_steer_a_terminal() {
        let expected = r"a\u{1b}[2J\r\n\tb\u{7f}\u{9b}31m\u{202e}\u{2028}\u{2066}";
        assert_eq!(shown(HOSTILE), expected);
        for plain in ["plain \\ name", "\u{e9}\u{4e2d}\u{1f600} \u{fffd}ff"] {
            assert_eq!(shown(plain), plain);
        }
    }

    #[test]
    fn json_says_the_same_without_steering() {
        let value = json!({ "name": HOSTILE, "other": "\u{e9}" });
        let line = value.to_string();
        let safe = in_json(&line);
        assert!(!safe.contains(steers), "{safe}");
        assert_eq!(serde_json::from_str::<Value>(&safe).unwrap(), value);
    }
}
