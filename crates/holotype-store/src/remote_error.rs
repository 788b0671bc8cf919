use std::io;
use thiserror::Error;

/// Why a remote source could not be read. Travels inside an [`io::Error`]; [`RemoteError::of`] finds it there.
///
/// No message holds a query string: that is where pre-signed addresses keep their secrets.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RemoteError {
    /// The address is none that can be read.
    #[error("{address}: {rule}")]
    Address {
        /// The address, without its query.
        address: String,
        /// The rule that was broken.
        rule: &'static str,
    },
    /// The address, or one it redirects to, lies where a stranger's link must not lead.
    #[error("{}, {range}: refused unless restricted addresses are allowed", resolved(host, ip))]
    Restricted {
        /// The host asked for.
        host: String,
        /// What it resolved to.
        ip: String,
        /// The range that is in.
        range: &'static str,
    },
    /// The name has no address.
    #[error("{host} does not resolve: {reason}")]
    Unresolved {
        /// The host.
        host: String,
        /// What the system said.
        reason: String,
    },
    /// There is nothing at the address.
    #[error("{address}: there is nothing there (status {status})")]
    NotFound {
        /// The address, without its query.
        address: String,
        /// 404 or 410.
        status: u16,
    },
    /// The server refuses access.
    #[error("{address}: access denied (status {status}){}", detail.as_ref().map_or(String::new(), |d| format!(": {d}")))]
    Denied {
        /// The address, without its query.
        address: String,
        /// 401 or 403.
        status: u16,
        /// The server's code, such as `SignatureDoesNotMatch`.
        detail: Option<String>,
    },
    /// The server answered with a status that is no answer to the question.
    #[error("{address}: status {status}{}", detail.as_ref().map_or(String::new(), |d| format!(": {d}")))]
    Status {
        /// The address, without its query.
        address: String,
        /// The status.
        status: u16,
        /// What else is known.
        detail: Option<String>,
    },
    /// The server's answer contradicts the question or itself.
    #[error("{address}: {rule}")]
    Protocol {
        /// The address, without its query.
        address: String,
        /// The rule that was broken.
        rule: String,
    },
    /// The object is not the one that was opened.
    #[error("{address}: the object was replaced since it was opened ({what})")]
    Changed {
        /// The address, without its query.
        address: String,
        /// What tells.
        what: &'static str,
    },
    /// It could not be read in the time there is, or in the attempts there are.
    #[error("{address}: given up after {n_attempts} attempt(s): {last}")]
    GivenUp {
        /// The address, without its query.
        address: String,
        /// Requests that were made.
        n_attempts: u32,
        /// What the last of them met.
        last: String,
    },
    /// Requests to S3 must be signed and nothing to sign with was found.
    #[error("no credentials for s3://{bucket}: looked in {looked_in}; pass `anonymous` for public objects")]
    NoCredentials {
        /// The bucket.
        bucket: String,
        /// The places.
        looked_in: &'static str,
    },
}

impl RemoteError {
    /// The remote error inside an I/O error, if that is what it is.
    #[must_use]
    pub fn of(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }
}

impl From<RemoteError> for io::Error {
    fn from(error: RemoteError) -> Self {
        let kind = match &error {
            RemoteError::NotFound { .. } => io::ErrorKind::NotFound,
            RemoteError::Denied { .. }
            | RemoteError::Restricted { .. }
            | RemoteError::NoCredentials { .. } => io::ErrorKind::PermissionDenied,
            RemoteError::Address { .. } => io::ErrorKind::InvalidInput,
            RemoteError::GivenUp { .. } => io::ErrorKind::TimedOut,
            _ => io::ErrorKind::Other,
        };
        Self::new(kind, error)
    }
}

/// A host and what it resolved to; of an address only that.
fn resolved(host: &str, ip: &str) -> String {
    if host.trim_matches(['[', ']']) == ip {
        format!("{host} is restricted")
    } else {
        format!("{host} is {ip}")
    }
}
