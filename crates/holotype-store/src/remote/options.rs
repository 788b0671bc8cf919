use super::pins::{Resolve, system};
use super::s3::S3Options;
use std::fmt;
use std::time::Duration;

/// How a remote source is read.
#[derive(Clone)]
#[non_exhaustive]
pub struct RemoteOptions {
    /// Reach private, loopback, link-local and other special addresses; default false. Names are then still
    /// resolved once only.
    pub allow_restricted: bool,
    /// Hosts, each `name:port`, that are reached wherever they lie; redirects from them are judged as any address.
    pub trusted_hosts: Vec<String>,
    /// Time one read may take, retries included; default 60 s, and a second more for each 256 KiB.
    pub deadline: Duration,
    /// Time to reach a server; default 10 s.
    pub connect_timeout: Duration,
    /// Time without a byte after which a request is given up; default 15 s.
    pub stall_timeout: Duration,
    /// Requests made for one read at most, redirects not counted; default 5.
    pub max_attempts: u32,
    /// Redirects followed at most; default 5.
    pub max_redirects: u32,
    /// The wait before the first retry, doubled for each further one, of which a random part is waited; default 200 ms.
    pub first_backoff: Duration,
    /// Bytes of the end of the object fetched when it is opened, and kept; default 256 KiB.
    pub tail_bytes: u64,
    /// Ranges this close are fetched together; default 128 KiB.
    pub max_gap_bytes: u64,
    /// Requests at a time for one read of several ranges; default 8.
    pub max_parallel: usize,
    /// What S3 addresses need.
    pub s3: S3Options,
    pub(super) resolve: Resolve,
}

impl Default for RemoteOptions {
    fn default() -> Self {
        Self {
            allow_restricted: false,
            trusted_hosts: Vec::new(),
            deadline: Duration::from_secs(60),
            connect_timeout: Duration::from_secs(10),
            stall_timeout: Duration::from_secs(15),
            max_attempts: 5,
            max_redirects: 5,
            first_backoff: Duration::from_millis(200),
            tail_bytes: 256 << 10,
            max_gap_bytes: 128 << 10,
            max_parallel: 8,
            s3: S3Options::default(),
            resolve: system(),
        }
    }
}

impl RemoteOptions {
    /// Sets [`Self::allow_restricted`].
    #[must_use]
    pub fn with_restricted_allowed(mut self, allow: bool) -> Self {
        self.allow_restricted = allow;
        self
    }

    /// Adds to [`Self::trusted_hosts`].
    #[must_use]
    pub fn with_trusted_host(mut self, host: impl Into<String>) -> Self {
        self.trusted_hosts.push(host.into());
        self
    }

    /// Sets [`Self::deadline`].
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Sets [`Self::stall_timeout`].
    #[must_use]
    pub fn with_stall_timeout(mut self, timeout: Duration) -> Self {
        self.stall_timeout = timeout;
        self
    }

    /// Sets [`Self::max_attempts`].
    #[must_use]
    pub fn with_max_attempts(mut self, n: u32) -> Self {
        self.max_attempts = n;
        self
    }

    /// Sets [`Self::first_backoff`].
    #[must_use]
    pub fn with_first_backoff(mut self, wait: Duration) -> Self {
        self.first_backoff = wait;
        self
    }

    /// Sets [`Self::tail_bytes`].
    #[must_use]
    pub fn with_tail_bytes(mut self, n: u64) -> Self {
        self.tail_bytes = n;
        self
    }

    /// Sets [`Self::s3`].
    #[must_use]
    pub fn with_s3(mut self, s3: S3Options) -> Self {
        self.s3 = s3;
        self
    }

    /// Resolves names with `resolve` in place of the system.
    #[must_use]
    pub fn with_resolver(mut self, resolve: Resolve) -> Self {
        self.resolve = resolve;
        self
    }

    /// The deadline for reading `n_bytes`.
    pub(super) fn deadline_for(&self, n_bytes: u64) -> Duration {
        const SLOWEST_BYTES_PER_SECOND: u64 = 256 << 10;
        self.deadline.saturating_add(Duration::from_secs(n_bytes / SLOWEST_BYTES_PER_SECOND))
    }
}

impl fmt::Debug for RemoteOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteOptions")
            .field("allow_restricted", &self.allow_restricted)
            .field("deadline", &self.deadline)
            .field("max_attempts", &self.max_attempts)
            .field("s3", &self.s3)
            .finish_non_exhaustive()
    }
}
