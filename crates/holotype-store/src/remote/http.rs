//! One request to one address, to nowhere but the pinned ones.

use super::RemoteOptions;
use super::pins::{Pins, redacted};
use crate::RemoteError;
use std::io::Read as _;
use std::net::ToSocketAddrs as _;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use ureq::http::{Method, Request, Uri};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use url::Url;

/// Bytes of an error's body that are looked at.
const MAX_ERROR_BODY_BYTES: u64 = 4096;

/// Why one request did not give what was asked for.
#[derive(Debug)]
pub(super) enum Failure {
    /// Worth another attempt, not before `after` if the server said so.
    Transient {
        /// What happened.
        what: String,
        /// What `Retry-After` asked for.
        after: Option<Duration>,
    },
    /// Another attempt would meet the same.
    Final(RemoteError),
}

impl Failure {
    pub(super) fn transient(what: impl ToString) -> Self {
        Self::Transient { what: what.to_string(), after: None }
    }
}

impl From<RemoteError> for Failure {
    fn from(error: RemoteError) -> Self {
        match error {
            RemoteError::Unresolved { .. } => Self::transient(error),
            error => Self::Final(error),
        }
    }
}

/// A connection pool that knows pinned addresses only.
pub(super) struct Http {
    agent: ureq::Agent,
    pins: Pins,
}

impl Http {
    pub(super) fn new(options: &RemoteOptions, pins: Pins) -> Self {
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::PlatformVerifier)
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .build();
        let config = ureq::Agent::config_builder()
            // A proxy would resolve names where no one checks them.
            .proxy(None)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .user_agent(concat!("holotype/", env!("CARGO_PKG_VERSION")))
            .accept_encoding("identity")
            .timeout_connect(Some(options.connect_timeout))
            .timeout_per_read(Some(options.stall_timeout))
            .max_idle_connections(2 * options.max_parallel)
            .max_idle_connections_per_host(options.max_parallel)
            .tls_config(tls)
            .build();
        let resolver = Pinned(pins.clone());
        Self { agent: ureq::Agent::with_parts(config, DefaultConnector::default(), resolver), pins }
    }

    /// Asks for `url` with these headers; any status is an answer.
    pub(super) fn get(
        &self,
        url: &Url,
        headers: &[(&str, String)],
        timeout: Duration,
    ) -> Result<Response, Failure> {
        self.send(Method::GET, url, headers, &[], timeout)
    }

    /// Sends `body` to `url` with these headers; any status is an answer.
    pub(super) fn send(
        &self,
        method: Method,
        url: &Url,
        headers: &[(&str, String)],
        body: &[u8],
        timeout: Duration,
    ) -> Result<Response, Failure> {
        self.pins.admit(url)?;
        let has_body = matches!(method, Method::PUT | Method::POST);
        let mut request = Request::builder().method(method).uri(url.as_str());
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let malformed = |e: ureq::http::Error| {
            Failure::Final(RemoteError::Protocol { address: redacted(url), rule: e.to_string() })
        };
        let sent = if has_body {
            let request = self.agent.configure_request(request.body(body).map_err(malformed)?);
            self.agent.run(request.timeout_global(Some(timeout)).build())
        } else {
            let request = self.agent.configure_request(request.body(()).map_err(malformed)?);
            self.agent.run(request.timeout_global(Some(timeout)).build())
        };
        let inner = sent.map_err(|error| match error {
            ureq::Error::Protocol(e) => Failure::Final(RemoteError::Protocol {
                address: redacted(url),
                rule: format!("the server does not speak HTTP: {e}"),
            }),
            ureq::Error::LargeResponseHeader(..) | ureq::Error::BadUri(_) | ureq::Error::Http(_) => {
                Failure::Final(RemoteError::Protocol { address: redacted(url), rule: error.to_string() })
            }
            error => Failure::transient(error),
        })?;
        Ok(Response { inner, address: redacted(url) })
    }
}

/// Looks names up among the pins alone.
struct Pinned(Pins);

impl std::fmt::Debug for Pinned {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pinned(..)")
    }
}

impl Resolver for Pinned {
    fn resolve(
        &self,
        uri: &Uri,
        _: &ureq::config::Config,
        _: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let default_port = if uri.scheme_str() == Some("https") { 443 } else { 80 };
        let addresses =
            uri.host().and_then(|host| self.0.addresses(host, uri.port_u16().unwrap_or(default_port)));
        let mut found = self.empty();
        addresses.ok_or(ureq::Error::HostNotFound)?.into_iter().for_each(|address| found.push(address));
        Ok(found)
    }
}

/// The system's resolver in the caller's thread, for the addresses of the machine's owner that hand out credentials.
#[derive(Debug)]
pub(super) struct Direct;

impl Resolver for Direct {
    fn resolve(
        &self,
        uri: &Uri,
        _: &ureq::config::Config,
        _: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let default_port = if uri.scheme_str() == Some("https") { 443 } else { 80 };
        let host = uri.host().unwrap_or_default();
        let port = uri.port_u16().unwrap_or(default_port);
        let mut found = self.empty();
        for address in (host.trim_matches(['[', ']']), port).to_socket_addrs()?.take(4) {
            found.push(address);
        }
        if found.is_empty() { Err(ureq::Error::HostNotFound) } else { Ok(found) }
    }
}

/// An answer, its body still to be read.
pub(super) struct Response {
    inner: ureq::http::Response<ureq::Body>,
    address: String,
}

impl Response {
    pub(super) fn status(&self) -> u16 {
        self.inner.status().as_u16()
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.inner.headers().get(name)?.to_str().ok()
    }

    pub(super) fn protocol_error(&self, rule: impl Into<String>) -> Failure {
        Failure::Final(RemoteError::Protocol { address: self.address.clone(), rule: rule.into() })
    }

    /// The failure that a status other than 200 and 206 is.
    pub(super) fn into_failure(mut self) -> Failure {
        let status = self.status();
        let address = self.address.clone();
        match status {
            404 | 410 => Failure::Final(RemoteError::NotFound { address, status }),
            412 => Failure::Final(RemoteError::Changed { address, what: "its ETag" }),
            401 | 403 => Failure::Final(RemoteError::Denied { address, status, detail: self.detail() }),
            408 | 425 | 429 | 500 | 502..=504 => {
                Failure::Transient { what: format!("status {status}"), after: self.retry_after() }
            }
            _ => Failure::Final(RemoteError::Status { address, status, detail: self.detail() }),
        }
    }

    /// The code in an error of S3, or the region it names.
    fn detail(&mut self) -> Option<String> {
        if let Some(region) = self.header("x-amz-bucket-region") {
            return Some(format!("the bucket is in region {region}"));
        }
        let mut body = Vec::new();
        // What cannot be read tells nothing more.
        let _ = self.inner.body_mut().as_reader().take(MAX_ERROR_BODY_BYTES).read_to_end(&mut body);
        let text = String::from_utf8_lossy(&body);
        let (_, rest) = text.split_once("<Code>")?;
        let (code, _) = rest.split_once("</Code>")?;
        (code.len() <= 64 && code.bytes().all(|b| b.is_ascii_alphanumeric())).then(|| code.to_owned())
    }

    /// `Retry-After`, in seconds or as a date.
    fn retry_after(&self) -> Option<Duration> {
        let value = self.header("retry-after")?.trim();
        if let Ok(seconds) = value.parse() {
            return Some(Duration::from_secs(seconds));
        }
        let date = httpdate::parse_http_date(value).ok()?;
        Some(date.duration_since(SystemTime::now()).unwrap_or_default())
    }

    /// The body, of at most `limit` bytes, as text.
    pub(super) fn text(&mut self, limit: u64) -> Result<String, Failure> {
        let mut body = Vec::new();
        let mut reader = self.inner.body_mut().as_reader().take(limit + 1);
        reader.read_to_end(&mut body).map_err(Failure::transient)?;
        if body.len() as u64 > limit {
            return Err(self.protocol_error(format!("the answer has more than {limit} bytes")));
        }
        String::from_utf8(body).map_err(|_| self.protocol_error("the answer is no UTF-8"))
    }

    /// Fills `out[*n_filled..]` with a body that must end there; `n_filled` counts what came, whatever happens.
    pub(super) fn read_body(&mut self, out: &mut [u8], n_filled: &mut usize) -> Result<(), Failure> {
        if let Some(coding) = self.header("content-encoding").filter(|c| !c.eq_ignore_ascii_case("identity"))
        {
            return Err(
                self.protocol_error(format!("the body is coded as `{coding}`, which was not asked for"))
            );
        }
        let expected = (out.len() - *n_filled) as u64;
        if let Some(length) = self.inner.body().content_length().filter(|n| *n != expected) {
            return Err(self.protocol_error(format!("the body has {length} bytes in place of {expected}")));
        }
        let mut body = self.inner.body_mut().as_reader();
        while let Some(rest) = out.get_mut(*n_filled..).filter(|rest| !rest.is_empty()) {
            match body.read(rest) {
                Ok(0) => {
                    let n = out.len() - *n_filled;
                    return Err(Failure::transient(format!("the body ended {n} bytes early")));
                }
                Ok(n) => *n_filled += n,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(e) => return Err(Failure::transient(e)),
            }
        }
        // Reading the end gives the connection back, and notices a body that goes on.
        match body.read(&mut [0]) {
            Ok(0) => Ok(()),
            Ok(_) => Err(self.protocol_error("the body is longer than the range asked for")),
            Err(e) => Err(Failure::transient(e)),
        }
    }
}
