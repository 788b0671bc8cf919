use holotype_store::{CutShort, RemoteError};
use std::path::{Path, PathBuf};
use thiserror::Error;

/// What every fallible call of this crate returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Who can act on an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The bytes contradict a hash or a rule: restore them from elsewhere, or salvage.
    Corrupt,
    /// The bytes end too early.
    Truncated,
    /// This build cannot do that; nothing is wrong with the data.
    Unsupported,
    /// The caller asked for something that does not fit.
    InvalidArgument,
    /// A limit refused it, or there is no memory for it; raise the limit if the data is trusted.
    LimitExceeded,
    /// The operating system refused.
    Io,
    /// The named item or revision is not in the archive.
    NotFound,
    /// An archive that this one names blocks of is missing or was replaced.
    Parent,
    /// Exporting would lose something.
    WouldLose,
    /// A signature is missing or does not hold.
    Signature,
    /// A password is missing or wrong.
    Decryption,
    /// A remote source could not be read, or must not be; [`holotype_store::RemoteError`] says why.
    Remote,
}

/// Everything that can go wrong, typed by who can act ([`Error::kind`]).
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// A structural or integrity error of the container.
    #[error(transparent)]
    Container(#[from] holotype_container::Error),
    /// A block of an item is damaged.
    #[error("item `{item}`: {source}")]
    Block {
        /// The item's name.
        item: String,
        /// What the container said.
        source: holotype_container::Error,
    },
    /// An item's descriptor or metadata breaks a rule of the format although its hash holds.
    #[error("item `{item}`: {rule}")]
    Item {
        /// The item's name.
        item: String,
        /// The rule that was broken.
        rule: &'static str,
    },
    /// A generation record is malformed or breaks its schema although its hash holds.
    #[error("item `{item}`: {message}")]
    Record {
        /// The item's name.
        item: String,
        /// The field and the rule it breaks.
        message: String,
    },
    /// A coded tile is wrong although its block's hash holds, or the caller's shape is.
    #[error("item `{item}`, tile {tile}: {source}")]
    Tile {
        /// The item's name.
        item: String,
        /// Row-major tile number.
        tile: u64,
        /// What the codec said.
        source: holotype_codec::CodecError,
    },
    /// A frame of an animation, or one it is coded against, cannot be read.
    #[error("frame {frame}: {source}")]
    Frame {
        /// Number of the frame that was asked for.
        frame: u64,
        /// What is wrong.
        source: Box<Error>,
    },
    /// A coded slice is wrong although its block's hash holds.
    #[error("item `{item}`, slice {slice}: {source}")]
    Slice {
        /// The item's name.
        item: String,
        /// Row-major slice number.
        slice: u64,
        /// What the codec said.
        source: holotype_codec::CodecError,
    },
    /// The decoded content does not match the item's SHA-256.
    #[error("item `{item}`: content hash is {found}, sealed as {expected}")]
    ContentHash {
        /// The item's name.
        item: String,
        /// Sealed SHA-256, hex.
        expected: String,
        /// Computed SHA-256, hex.
        found: String,
    },
    /// A source file of another format is damaged or breaks its format's rules.
    #[error("{format}: {message}")]
    SourceFormat {
        /// The format, as in `PNG`.
        format: &'static str,
        /// What its reader said.
        message: String,
    },
    /// A feature this build does not have.
    #[error("{what}")]
    Unsupported {
        /// What is missing, and what to do instead.
        what: String,
    },
    /// The caller's arguments do not fit.
    #[error("{what}")]
    InvalidArgument {
        /// The rule that was broken.
        what: String,
    },
    /// A limit was exceeded.
    #[error("{what} is {found}, the limit is {limit}")]
    LimitExceeded {
        /// What is limited.
        what: &'static str,
        /// The value asked for.
        found: u64,
        /// The limit.
        limit: u64,
    },
    /// The system has no memory for what an archive holds, or claims to hold.
    #[error("there is no memory for {what} of {n_bytes} bytes")]
    OutOfMemory {
        /// What it is for.
        what: &'static str,
        /// Its size.
        n_bytes: u64,
    },
    /// An export format cannot hold everything.
    #[error("{format} cannot hold: {}", losses.join(", "))]
    WouldLose {
        /// The export format.
        format: &'static str,
        /// What would be lost.
        losses: Vec<String>,
    },
    /// An archive that this one names blocks of is not there, or is another one now.
    #[error("parent {seal} {problem}{}", hinted(hints))]
    Parent {
        /// The parent's seal, hex.
        seal: String,
        /// Where it was said to be.
        hints: Vec<String>,
        /// What is wrong with it.
        problem: String,
    },
    /// No such item.
    #[error("no item named `{name}`")]
    NotFound {
        /// The name asked for.
        name: String,
    },
    /// No such revision.
    #[error("there is no revision {number}: the archive has {n_revisions}")]
    NoRevision {
        /// The number asked for.
        number: u64,
        /// How many there are, numbered from 1.
        n_revisions: usize,
    },
    /// Bytes that had to be good for this are damaged.
    #[error("the archive is damaged, {n_findings} finding(s): {finding}")]
    Damaged {
        /// The first finding of `verify`.
        finding: String,
        /// Their number.
        n_findings: usize,
    },
    /// A signature is required and there is none.
    #[error("signature: there is none at {}", path.display())]
    NoSignatureFile {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The operating system refused.
    #[error("{}", describe_io(path, source))]
    Io {
        /// The file, or `-` for a stream.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

impl Error {
    /// True if the bytes do not begin as an archive does.
    #[must_use]
    pub fn is_no_archive(&self) -> bool {
        matches!(self, Self::Container(holotype_container::Error::NotAnArchive { .. }))
    }

    /// Who can act on it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        use holotype_container::ErrorKind as Container;
        match self {
            Self::Container(e) | Self::Block { source: e, .. } => match e.kind() {
                Container::Truncated => ErrorKind::Truncated,
                Container::Unsupported => ErrorKind::Unsupported,
                Container::LimitExceeded => ErrorKind::LimitExceeded,
                Container::InvalidArgument => ErrorKind::InvalidArgument,
                Container::Signature => ErrorKind::Signature,
                Container::Decryption => ErrorKind::Decryption,
                _ => ErrorKind::Corrupt,
            },
            Self::NoSignatureFile { .. } => ErrorKind::Signature,
            Self::Frame { source, .. } => source.kind(),
            Self::Item { .. } | Self::Record { .. } | Self::Damaged { .. } => ErrorKind::Corrupt,
            Self::Tile { source, .. } | Self::Slice { source, .. } => match source {
                holotype_codec::CodecError::Unsupported { .. } => ErrorKind::Unsupported,
                _ => ErrorKind::Corrupt,
            },
            Self::ContentHash { .. } | Self::SourceFormat { .. } => ErrorKind::Corrupt,
            Self::Unsupported { .. } => ErrorKind::Unsupported,
            Self::InvalidArgument { .. } => ErrorKind::InvalidArgument,
            Self::LimitExceeded { .. } | Self::OutOfMemory { .. } => ErrorKind::LimitExceeded,
            Self::WouldLose { .. } => ErrorKind::WouldLose,
            Self::NotFound { .. } | Self::NoRevision { .. } => ErrorKind::NotFound,
            Self::Parent { .. } => ErrorKind::Parent,
            Self::Io { source, .. } if RemoteError::of(source).is_some() => ErrorKind::Remote,
            Self::Io { .. } => ErrorKind::Io,
        }
    }

    /// An I/O error with the path it happened on.
    pub fn io(path: impl AsRef<Path>, source: std::io::Error) -> Self {
        Self::Io { path: path.as_ref().to_path_buf(), source }
    }

    /// What a read of a source at `path` failed with: an archive that was cut since it was opened is no fault of the
    /// system's.
    pub(crate) fn of_read(path: impl AsRef<Path>, source: std::io::Error) -> Self {
        match CutShort::of(&source) {
            Some(CutShort { offset_bytes, expected, found }) => holotype_container::Error::Truncated {
                what: "archive",
                offset_bytes: *offset_bytes,
                expected: *expected,
                found: *found,
            }
            .into(),
            None => Self::io(path, source),
        }
    }

    /// An I/O error once more, for another that it happened to.
    pub(crate) fn io_again(path: &Path, source: &std::io::Error) -> Self {
        let again = match RemoteError::of(source) {
            Some(remote) => remote.clone().into(),
            None => std::io::Error::new(source.kind(), source.to_string()),
        };
        Self::io(path, again)
    }

    /// A source-format error.
    pub(crate) fn source_format(format: &'static str, message: impl std::fmt::Display) -> Self {
        Self::SourceFormat { format, message: message.to_string() }
    }

    /// An unsupported feature.
    pub(crate) fn unsupported(what: impl Into<String>) -> Self {
        Self::Unsupported { what: what.into() }
    }

    /// An argument that does not fit.
    pub(crate) fn invalid(what: impl Into<String>) -> Self {
        Self::InvalidArgument { what: what.into() }
    }
}

/// Where a parent was said to be.
fn hinted(hints: &[String]) -> String {
    if hints.is_empty() { String::new() } else { format!("; it was at {}", hints.join(", ")) }
}

/// The path and what the system said; a remote error names its address itself.
fn describe_io(path: &Path, source: &std::io::Error) -> String {
    match RemoteError::of(source) {
        Some(remote) => remote.to_string(),
        None => format!("{}: {source}", path.display()),
    }
}
