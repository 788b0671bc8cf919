use holotype::{Error, ErrorKind, RemoteError, is_address};
use std::fmt;
use std::process::ExitCode;

/// The program's exit codes, as documented in `docs/cli.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exit {
    /// Everything was done.
    Good = 0,
    /// Something could not be done.
    Error = 1,
    /// The command line makes no sense.
    Usage = 2,
    /// An archive is damaged or incomplete.
    Integrity = 3,
    /// A signature is missing or does not hold.
    Signature = 5,
    /// A password is missing or wrong.
    Key = 6,
    /// A limit refused it.
    Limit = 7,
    /// A server could not be read, or must not be.
    Remote = 8,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a verb stopped.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The exit code.
    pub(crate) exit: Exit,
    /// What happened, without a full stop.
    pub(crate) message: String,
    /// What the user can do about it.
    pub(crate) hint: Option<String>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), hint: None }
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Puts the name of the file it is about in front; of an address without its query, where secrets are.
    pub(crate) fn about(mut self, what: impl fmt::Display) -> Self {
        let mut what = what.to_string();
        if is_address(&what) {
            what.truncate(what.find(['?', '#']).unwrap_or(what.len()));
        }
        if !self.message.starts_with(&what) {
            self.message = format!("{what}: {}", self.message);
        }
        self
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let (exit, hint) = match (&error, error.kind()) {
            (Error::SourceFormat { .. }, _) => (Exit::Error, Some("the source file itself is damaged")),
            (_, ErrorKind::Corrupt) if error.is_no_archive() => (
                Exit::Integrity,
                Some(
                    "`holo compress` and `holo pack` make archives; of a damaged one `holo salvage` recovers the rest",
                ),
            ),
            (_, ErrorKind::Corrupt | ErrorKind::Truncated) => (
                Exit::Integrity,
                Some(
                    "`holo verify` names every damaged part, `--revision whole` reads what was before an interrupted \
                     append, `holo salvage` recovers the rest",
                ),
            ),
            (_, ErrorKind::Decryption) => {
                (Exit::Key, Some("`--password-file`, `--password-env`, or run it on a terminal"))
            }
            (_, ErrorKind::Signature) => (Exit::Signature, None),
            (Error::Io { source, .. }, ErrorKind::Remote) => (Exit::Remote, remote_hint(source)),
            (_, ErrorKind::LimitExceeded) => (Exit::Limit, None),
            (_, ErrorKind::Parent) => (Exit::Error, Some("`--parents` says where it is now")),
            (_, ErrorKind::WouldLose) => (
                Exit::Error,
                Some("choose a format that holds it, or pass `--lossy-metadata` if only metadata is named"),
            ),
            (Error::Io { source, .. }, _) if source.kind() == std::io::ErrorKind::AlreadyExists => {
                (Exit::Error, Some("pass `--force` to replace it"))
            }
            _ => (Exit::Error, None),
        };
        Self { exit, message: error.to_string(), hint: hint.map(str::to_owned) }
    }
}

fn remote_hint(error: &std::io::Error) -> Option<&'static str> {
    match RemoteError::of(error)? {
        RemoteError::Restricted { .. } => {
            Some("pass `--allow-restricted` if you mean a machine of your own network")
        }
        RemoteError::NoCredentials { .. } => Some("pass `--anonymous` for public objects"),
        _ => None,
    }
}
