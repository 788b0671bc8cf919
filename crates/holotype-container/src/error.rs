use thiserror::Error;

/// Who can act on an [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The bytes contradict a hash or a rule of the format.
    Corrupt,
    /// The bytes end too early.
    Truncated,
    /// A feature this build does not know.
    Unsupported,
    /// A limit of [`crate::Limits`].
    LimitExceeded,
    /// The caller's arguments do not fit.
    InvalidArgument,
    /// A signature is missing or does not hold.
    Signature,
    /// A password is missing or wrong.
    Decryption,
}

/// What is wrong with an archive's bytes, or with a call.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes end too early.
    #[error("{what} is truncated: {expected} bytes expected at offset {offset_bytes}, {found} found")]
    Truncated {
        /// The structure.
        what: &'static str,
        /// Where it starts, in its buffer or file.
        offset_bytes: u64,
        /// Bytes expected.
        expected: u64,
        /// Bytes found.
        found: u64,
    },
    /// The bytes are not an archive of this format.
    #[error("not a Holotype archive: {what}")]
    NotAnArchive {
        /// What is missing.
        what: &'static str,
    },
    /// The bytes contradict a rule.
    #[error("{what} at offset {offset_bytes} is corrupt: {rule}")]
    Corrupt {
        /// The structure.
        what: &'static str,
        /// Where it starts.
        offset_bytes: u64,
        /// The rule that was broken.
        rule: &'static str,
    },
    /// A hash does not match.
    #[error("{what} at offset {offset_bytes} was changed: hash is {found}, recorded as {expected}")]
    Hash {
        /// The structure.
        what: &'static str,
        /// Where it starts.
        offset_bytes: u64,
        /// Recorded hash, hex.
        expected: String,
        /// Computed hash, hex.
        found: String,
    },
    /// A feature or version this build does not know.
    #[error("the archive needs {what} {id}, which this version does not know")]
    Unsupported {
        /// The kind of feature.
        what: &'static str,
        /// Its number.
        id: u64,
    },
    /// A limit was exceeded.
    #[error("{what} is {found}, the limit is {limit}")]
    LimitExceeded {
        /// What is limited.
        what: &'static str,
        /// The value found.
        found: u64,
        /// The limit.
        limit: u64,
    },
    /// The caller's arguments do not fit.
    #[error("invalid argument: {what}")]
    InvalidArgument {
        /// The rule that was broken.
        what: &'static str,
    },
    /// The bytes may be intact, but who vouches for them is not proven.
    #[error("signature: {rule}")]
    Signature {
        /// The rule that was broken.
        rule: &'static str,
    },
    /// A key that must have signed did not.
    #[error("signature: the key {key} did not sign this archive")]
    NotSigned {
        /// The public key, hex.
        key: String,
    },
    /// The archive is encrypted and no password was given.
    #[error("the archive is encrypted: it needs a password")]
    Locked,
    /// The password opens no key slot.
    #[error("the password does not open the archive")]
    WrongKey,
    /// A key file is malformed. Its content is not repeated here.
    #[error("not a {expected} key file: {rule}")]
    KeyFile {
        /// `public` or `secret`.
        expected: &'static str,
        /// The rule that was broken.
        rule: &'static str,
    },
}

impl Error {
    /// Who can act on it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Truncated { .. } => ErrorKind::Truncated,
            Self::NotAnArchive { .. } | Self::Corrupt { .. } | Self::Hash { .. } => ErrorKind::Corrupt,
            Self::Unsupported { .. } => ErrorKind::Unsupported,
            Self::LimitExceeded { .. } => ErrorKind::LimitExceeded,
            Self::InvalidArgument { .. } | Self::KeyFile { .. } => ErrorKind::InvalidArgument,
            Self::Locked | Self::WrongKey => ErrorKind::Decryption,
            Self::Signature { .. } | Self::NotSigned { .. } => ErrorKind::Signature,
        }
    }

    pub(crate) fn hash(what: &'static str, offset_bytes: u64, expected: &[u8; 32], found: &[u8; 32]) -> Self {
        Self::Hash { what, offset_bytes, expected: hex(expected), found: hex(found) }
    }
}

/// Lower-case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// Refuses `found` above `limit`.
pub(crate) fn check_limit(what: &'static str, found: u64, limit: u64) -> Result<(), Error> {
    if found > limit { Err(Error::LimitExceeded { what, found, limit }) } else { Ok(()) }
}
