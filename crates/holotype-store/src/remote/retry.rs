//! Attempts at one request, within a deadline.

use super::RemoteOptions;
use super::http::Failure;
use crate::RemoteError;
use std::thread;
use std::time::{Duration, Instant};

/// The longest wait before a retry that the server did not ask for.
const MAX_BACKOFF: Duration = Duration::from_secs(10);

/// Runs `job` until it succeeds, fails for good, or the time for `n_bytes` or the attempts are used up.
pub(super) fn retried<T>(
    options: &RemoteOptions,
    address: &str,
    n_bytes: u64,
    mut job: impl FnMut(Duration) -> Result<T, Failure>,
) -> Result<T, RemoteError> {
    let start = Instant::now();
    let deadline = options.deadline_for(n_bytes);
    let left = || deadline.saturating_sub(start.elapsed());
    let mut backoff = options.first_backoff;
    let mut n_attempts = 0;
    loop {
        n_attempts += 1;
        let (what, after) = match job(left()) {
            Ok(value) => return Ok(value),
            Err(Failure::Final(error)) => return Err(error),
            Err(Failure::Transient { what, after }) => (what, after),
        };
        let wait = jitter(backoff).max(after.unwrap_or_default());
        if n_attempts >= options.max_attempts || wait >= left() {
            return Err(RemoteError::GivenUp { address: address.to_owned(), n_attempts, last: what });
        }
        thread::sleep(wait);
        backoff = backoff.saturating_mul(2).min(MAX_BACKOFF);
    }
}

/// A random part, at least half, of `wait`: clients that failed together do not come back together.
fn jitter(wait: Duration) -> Duration {
    let mut random = [0; 4];
    if getrandom::fill(&mut random).is_err() {
        return wait;
    }
    wait.mul_f64(0.5 + 0.5 * f64::from(u32::from_le_bytes(random)) / f64::from(u32::MAX))
}
