//! Where passwords come from: a file, a variable of the environment if asked for, the terminal. Never arguments.

use crate::args::Unlock;
use crate::exit::Failure;
use holotype::{Encryption, Error, Password};
use std::fs::File;
use std::io::{IsTerminal as _, Read as _};
use std::path::Path;

/// The longest password.
const MAX_BYTES: u64 = 1 << 16;

/// The password that was named, if one was.
pub(crate) fn given(unlock: &Unlock) -> Result<Option<Password>, Failure> {
    named(unlock.password_file.as_deref(), unlock.password_env.as_deref())
}

/// The password in a file or in a variable.
pub(crate) fn named(file: Option<&Path>, variable: Option<&str>) -> Result<Option<Password>, Failure> {
    let mut bytes = Vec::new();
    match (file, variable) {
        (Some(path), _) => {
            let file = File::open(path).map_err(|e| Error::io(path, e))?;
            file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|e| Error::io(path, e))?;
            if bytes.ends_with(b"\n") {
                bytes.pop();
                if bytes.ends_with(b"\r") {
                    bytes.pop();
                }
            }
        }
        (None, Some(name)) => match std::env::var(name) {
            Ok(text) => bytes = text.into_bytes(),
            Err(_) => return Err(Failure::usage(format!("the variable `{name}` is not set to text"))),
        },
        (None, None) => return Ok(None),
    }
    if bytes.is_empty() || bytes.len() as u64 > MAX_BYTES {
        return Err(Failure::usage("a password has 1 to 65536 bytes"));
    }
    Ok(Some(Password::new(bytes)))
}

/// The password typed on the terminal, not shown; `None` if there is none.
pub(crate) fn asked(of: &str) -> Result<Option<Password>, Failure> {
    if !std::io::stderr().is_terminal() {
        return Ok(None);
    }
    let typed = rpassword::prompt_password(format!("Password of {of}: "))
        .map_err(|e| Error::io("the terminal", e))?;
    Ok(Some(Password::new(typed)))
}

/// Who can open an archive that is written: whoever has the password named or typed, or everyone.
pub(crate) fn encryption(encrypt: bool, unlock: &Unlock) -> Result<Option<Encryption>, Failure> {
    match (encrypt, given(unlock)?) {
        (true, Some(password)) => Ok(Some(Encryption::with_password(password))),
        (true, None) => Ok(Some(Encryption::with_password(new(None, None)?))),
        (false, Some(_)) => Err(Failure::usage("a password without `--encrypt` would encrypt nothing")),
        (false, None) => Ok(None),
    }
}

/// A new password: as named, or typed twice.
pub(crate) fn new(file: Option<&Path>, variable: Option<&str>) -> Result<Password, Failure> {
    if let Some(password) = named(file, variable)? {
        return Ok(password);
    }
    if !std::io::stderr().is_terminal() {
        return Err(Failure::usage("a password is needed")
            .with_hint("`--password-file`, `--password-env`, or run it on a terminal"));
    }
    let ask = |text| rpassword::prompt_password(text).map_err(|e| Error::io("the terminal", e));
    let (first, second) = (ask("New password: ")?, ask("Again: ")?);
    if first.is_empty() || first != second {
        return Err(Failure::usage("the two passwords are empty or not the same"));
    }
    Ok(Password::new(first))
}
