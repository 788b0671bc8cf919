//! Rust errors → the exception tree of `holotype._errors`.

use holotype::{Error, ErrorKind, RemoteError};
use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyType;
use std::io;

/// The exception for an error.
pub(crate) fn raise(error: Error) -> PyErr {
    let error = match error {
        Error::Io { path, source } if RemoteError::of(&source).is_none() => {
            return raise_io(path.to_string_lossy().into_owned(), source);
        }
        error => error,
    };
    let class = class_of(&error);
    let item = item_of(&error).map(str::to_owned);
    let message = error.to_string();
    Python::attach(|py| match exception(py, class) {
        Ok(class) => PyErr::from_type(class, (message, item)),
        Err(import_error) => import_error,
    })
}

/// An `ArgumentError`.
pub(crate) fn argument_error(message: String) -> PyErr {
    raise(Error::InvalidArgument { what: message })
}

fn exception<'py>(py: Python<'py>, class: &str) -> PyResult<Bound<'py, PyType>> {
    Ok(py.import("holotype._errors")?.getattr(class)?.cast_into::<PyType>()?)
}

fn class_of(error: &Error) -> &'static str {
    match (error, error.kind()) {
        (
            Error::Container(holotype_container::Error::NotAnArchive { .. }) | Error::SourceFormat { .. },
            _,
        ) => "FormatError",
        (_, ErrorKind::Corrupt) => "IntegrityError",
        (_, ErrorKind::Truncated) => "TruncatedError",
        (_, ErrorKind::Unsupported) => "UnsupportedError",
        (_, ErrorKind::InvalidArgument) => "ArgumentError",
        (_, ErrorKind::LimitExceeded) => "LimitError",
        (_, ErrorKind::NotFound) => "NotFoundError",
        (_, ErrorKind::Parent) => "ParentError",
        (_, ErrorKind::Signature) => "SignatureError",
        (_, ErrorKind::Decryption) => "DecryptionError",
        (_, ErrorKind::Remote) => "RemoteError",
        (_, ErrorKind::WouldLose) => "LossError",
        _ => "HolotypeError",
    }
}

fn item_of(error: &Error) -> Option<&str> {
    match error {
        Error::Block { item, .. }
        | Error::Item { item, .. }
        | Error::Record { item, .. }
        | Error::Tile { item, .. }
        | Error::Slice { item, .. }
        | Error::ContentHash { item, .. }
        | Error::NotFound { name: item } => Some(item),
        Error::Frame { source, .. } => item_of(source),
        _ => None,
    }
}

/// The `OSError` for what the system said, with its number and the path, or the exception a file object raised.
fn raise_io(path: String, source: io::Error) -> PyErr {
    if source.get_ref().is_some_and(|inner| inner.is::<PyErr>()) {
        return source.into();
    }
    let code = source.raw_os_error().or(match source.kind() {
        io::ErrorKind::AlreadyExists => Some(libc::EEXIST),
        io::ErrorKind::NotFound => Some(libc::ENOENT),
        _ => None,
    });
    match code {
        // `OSError(number, …)` makes itself `FileNotFoundError`, `PermissionError`, ….
        Some(code) => {
            let text = source.to_string();
            // Its number is said by the exception.
            let text = text.split(" (os error ").next().unwrap_or(&text).to_owned();
            PyOSError::new_err((code, text, path))
        }
        None if source.kind() == io::ErrorKind::InvalidData => PyValueError::new_err(source.to_string()),
        None => PyOSError::new_err(format!("{path}: {source}")),
    }
}
