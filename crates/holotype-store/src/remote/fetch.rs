//! Ranges of one object: redirects, retries, and the checks that it is still the same object.

use super::RemoteOptions;
use super::content_range::ContentRange;
use super::http::{Failure, Http, Response};
use super::origin::Origin;
use super::pins::{Pins, redacted};
use super::retry::retried;
use crate::RemoteError;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use url::Url;

/// Bytes asked for where a server does not know ranges from the end.
const PREFIX_BYTES: u64 = 32;

/// What the object was when it was opened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) n_bytes: u64,
    /// A strong ETag, which the server is asked to match.
    etag: Option<String>,
    last_modified: Option<String>,
}

/// The end of the object, fetched when it was opened.
pub(super) struct Opened {
    pub(super) identity: Identity,
    pub(super) tail: Vec<u8>,
}

/// Fetches ranges of one object for one process.
pub(super) struct Fetcher {
    origin: Arc<Origin>,
    options: RemoteOptions,
    http: Http,
    /// Where redirects led, so that only the first request takes the detour.
    target: Mutex<Option<Url>>,
}

impl Fetcher {
    pub(super) fn new(origin: Arc<Origin>, options: RemoteOptions) -> Self {
        let pins = Pins::new(&options);
        let http = Http::new(&options, pins);
        Self { origin, options, http, target: Mutex::new(None) }
    }

    /// Asks for the end of the object: one request where the server knows ranges from the end.
    pub(super) fn open(&self) -> Result<Opened, RemoteError> {
        let n_tail = self.options.tail_bytes.max(1);
        if let Some(opened) = self.retried(n_tail, |timeout| self.open_tail(n_tail, timeout))? {
            return Ok(opened);
        }
        let identity = self.retried(PREFIX_BYTES, |timeout| self.open_prefix(timeout))?;
        let mut tail = vec![0; identity.n_bytes.min(n_tail) as usize];
        self.read(&identity, identity.n_bytes - tail.len() as u64, &mut tail)?;
        Ok(Opened { identity, tail })
    }

    /// The tail by a range from the end; `None` if the server does not know those.
    fn open_tail(&self, n_tail: u64, timeout: Duration) -> Result<Option<Opened>, Failure> {
        let mut response = self.ask(&[("Range", format!("bytes=-{n_tail}"))], timeout)?;
        let (range, n_bytes) = match response.status() {
            206 => {
                let ContentRange { range, n_bytes } = ContentRange::of(&response)?;
                let expected = n_bytes.saturating_sub(n_tail)..n_bytes;
                if range != expected {
                    return Err(response.protocol_error(format!(
                        "bytes {}..{} were answered in place of {}..{}",
                        range.start, range.end, expected.start, expected.end
                    )));
                }
                (range, n_bytes)
            }
            // A small object may come whole.
            200 => match response.header("content-length").and_then(|n| n.parse().ok()) {
                Some(n) if n <= n_tail => (0..n, n),
                _ => return Ok(None),
            },
            416 if ContentRange::length_of_unsatisfied(&response) == Some(0) => (0..0, 0),
            // Some fail at a range that is longer than the object (s3s-fs); what passes is tried again from the start.
            400 | 405 | 416 | 500 | 501 => return Ok(None),
            _ => return Err(response.into_failure()),
        };
        let identity = Identity::of(&response, n_bytes);
        let mut tail = vec![0; (range.end - range.start) as usize];
        if response.status() != 416 {
            response.read_body(&mut tail, &mut 0)?;
        }
        Ok(Some(Opened { identity, tail }))
    }

    /// Length and identity by a range from the start.
    fn open_prefix(&self, timeout: Duration) -> Result<Identity, Failure> {
        let mut response = self.ask(&[("Range", format!("bytes=0-{}", PREFIX_BYTES - 1))], timeout)?;
        match response.status() {
            206 => {}
            200 => return Err(response.protocol_error("the server does not answer range requests")),
            _ => return Err(response.into_failure()),
        }
        let ContentRange { range, n_bytes } = ContentRange::of(&response)?;
        if range != (0..n_bytes.min(PREFIX_BYTES)) {
            return Err(response.protocol_error("another range was answered than was asked for"));
        }
        let identity = Identity::of(&response, n_bytes);
        response.read_body(&mut vec![0; range.end as usize], &mut 0)?;
        Ok(identity)
    }

    /// Fills `out` from `offset_bytes`. What came before a connection broke is not asked for again.
    pub(super) fn read(
        &self,
        identity: &Identity,
        offset_bytes: u64,
        out: &mut [u8],
    ) -> Result<(), RemoteError> {
        if out.is_empty() {
            return Ok(());
        }
        let end = offset_bytes + out.len() as u64;
        let mut n_filled = 0;
        self.retried(out.len() as u64, |timeout| {
            let asked = offset_bytes + n_filled as u64..end;
            if asked.is_empty() {
                return Ok(());
            }
            let mut headers = vec![("Range", format!("bytes={}-{}", asked.start, asked.end - 1))];
            headers.extend(identity.conditions());
            let mut response = self.ask(&headers, timeout)?;
            match response.status() {
                206 => {}
                200 => {
                    return Err(response.protocol_error("a range request was answered with the whole object"));
                }
                416 => return Err(self.changed("its length")),
                _ => return Err(response.into_failure()),
            }
            self.check_same(identity, &response, asked)?;
            response.read_body(out, &mut n_filled)
        })
    }

    fn check_same(&self, identity: &Identity, response: &Response, asked: Range<u64>) -> Result<(), Failure> {
        let ContentRange { range, n_bytes } = ContentRange::of(response)?;
        if n_bytes != identity.n_bytes {
            return Err(self.changed("its length"));
        }
        if range != asked {
            return Err(response.protocol_error(format!(
                "bytes {}..{} were answered in place of {}..{}",
                range.start, range.end, asked.start, asked.end
            )));
        }
        let now = Identity::of(response, n_bytes);
        if identity.etag.is_some() && now.etag != identity.etag {
            return Err(self.changed("its ETag"));
        }
        if identity.etag.is_none() && now.last_modified != identity.last_modified {
            return Err(self.changed("its date"));
        }
        Ok(())
    }

    fn changed(&self, what: &'static str) -> Failure {
        Failure::Final(RemoteError::Changed { address: self.origin.address().to_owned(), what })
    }

    /// One question, its redirects followed and each address on the way checked.
    fn ask(&self, headers: &[(&str, String)], timeout: Duration) -> Result<Response, Failure> {
        let start = Instant::now();
        let left = || timeout.saturating_sub(start.elapsed()).max(Duration::from_millis(1));
        let known = self.target.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(target) = known {
            let response = self.http.get(&target, headers, left())?;
            // A target may have been good for a while only.
            if !matches!(response.status(), 301..=303 | 307 | 308 | 401 | 403 | 404 | 410) {
                return Ok(response);
            }
            *self.target.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
        let mut url = self.origin.url()?;
        for n_redirects in 0..=self.options.max_redirects {
            let response = self.http.get(&url, headers, left())?;
            match response.status() {
                301..=303 | 307 | 308 if self.origin.follows_redirects() => {
                    url = next_hop(&url, &response)?;
                }
                401 | 403 if self.origin.renew_credentials() => url = self.origin.url()?,
                _ => {
                    if n_redirects > 0 && self.origin.follows_redirects() {
                        *self.target.lock().unwrap_or_else(PoisonError::into_inner) = Some(url);
                    }
                    return Ok(response);
                }
            }
        }
        Err(Failure::Final(RemoteError::Protocol {
            address: self.origin.address().to_owned(),
            rule: format!("more than {} redirects", self.options.max_redirects),
        }))
    }

    fn retried<T>(
        &self,
        n_bytes: u64,
        job: impl FnMut(Duration) -> Result<T, Failure>,
    ) -> Result<T, RemoteError> {
        retried(&self.options, self.origin.address(), n_bytes, job)
    }
}

impl Identity {
    fn of(response: &Response, n_bytes: u64) -> Self {
        let etag = response.header("etag").filter(|etag| etag.starts_with('"')).map(str::to_owned);
        Self { n_bytes, etag, last_modified: response.header("last-modified").map(str::to_owned) }
    }

    /// What the server is asked to check.
    fn conditions(&self) -> Option<(&'static str, String)> {
        match (&self.etag, &self.last_modified) {
            (Some(etag), _) => Some(("If-Match", etag.clone())),
            (None, Some(date)) => Some(("If-Unmodified-Since", date.clone())),
            (None, None) => None,
        }
    }
}

/// Where a redirect leads; the address itself is judged when it is asked.
fn next_hop(url: &Url, response: &Response) -> Result<Url, Failure> {
    let refused = |rule: &'static str| Failure::Final(RemoteError::Address { address: redacted(url), rule });
    let location = response.header("location").ok_or_else(|| refused("a redirect that says not where"))?;
    let next = url.join(location).map_err(|_| refused("a redirect to what is no address"))?;
    match (url.scheme(), next.scheme()) {
        (_, "https") | ("http", "http") => {}
        ("https", "http") => return Err(refused("a redirect from https to http")),
        _ => return Err(refused("a redirect to another protocol")),
    }
    if !next.username().is_empty() || next.password().is_some() {
        return Err(refused("a redirect with a user or a password"));
    }
    Ok(next)
}
