use super::RemoteOptions;
use super::http::{Failure, Http, Response};
use super::pins::Pins;
use super::retry::retried;
use super::s3::S3Object;
use crate::{RemoteError, Replace};
use rusty_s3::actions::{CompleteMultipartUploadResponse, CreateMultipartUpload};
use std::io::{self, Write};
use std::time::Duration;
use ureq::http::Method;

/// Bytes of the first parts; every thousandth doubles it, so that 10,000 parts hold the largest object of 5 TB.
const PART_BYTES: usize = 8 << 20;
/// Parts of equal size.
const N_EQUAL: usize = 1000;
/// Most parts of an object.
const MAX_PARTS: usize = 10_000;
/// Bytes of an answer that are looked at.
const MAX_ANSWER_BYTES: u64 = 64 << 10;
/// How long forgetting the parts of an object that is given up may take.
const ABORT_TIME: Duration = Duration::from_secs(5);

/// An object of S3 that is written front to back and appears whole, by [`Self::commit`], or not at all.
///
/// Bytes are sent in parts as they come; one part is held in memory. Dropping without a commit forgets them.
pub struct S3Upload {
    object: S3Object,
    options: RemoteOptions,
    http: Http,
    replace: Replace,
    part: Vec<u8>,
    /// The server's name of the upload, once a part was sent, and the entity tag of each part.
    begun: Option<(String, Vec<String>)>,
    n_sent: u64,
    /// A part could not be sent: nothing more is taken.
    has_failed: bool,
}

impl std::fmt::Debug for S3Upload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("S3Upload").field("address", &self.object.address()).finish_non_exhaustive()
    }
}

impl S3Upload {
    /// Starts an object that will appear at `address`, which is `s3://bucket/key`.
    ///
    /// # Errors
    /// [`RemoteError`] inside it: no such address, refused, no credentials; `AlreadyExists` as `replace` says.
    pub fn create(address: &str, options: &RemoteOptions, replace: Replace) -> io::Result<Self> {
        let object = address.strip_prefix("s3://").ok_or_else(|| RemoteError::Address {
            address: address.split(['?', '#']).next().unwrap_or_default().to_owned(),
            rule: "only `s3` addresses can be written",
        })?;
        let upload = Self {
            object: S3Object::parse(object, options)?,
            http: Http::new(options, Pins::new(options)),
            options: options.clone(),
            replace,
            part: Vec::new(),
            begun: None,
            n_sent: 0,
            has_failed: false,
        };
        if replace == Replace::Never && upload.size()?.is_some() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        Ok(upload)
    }

    /// The address.
    #[must_use]
    pub fn address(&self) -> &str {
        self.object.address()
    }

    /// Makes the object visible.
    ///
    /// # Errors
    /// `AlreadyExists` if an object appeared meanwhile and may not be replaced; [`RemoteError`] inside it. What was
    /// there before is then unchanged.
    pub fn commit(mut self) -> io::Result<()> {
        if self.has_failed {
            return Err(failed_before());
        }
        if self.begun.is_none() {
            let part = std::mem::take(&mut self.part);
            let answer = self.retried(part.len() as u64, |upload, timeout| {
                let url = upload.object.put_url()?;
                upload.http.send(Method::PUT, &url, &upload.conditions(), &part, timeout)?.ok()
            });
            return self.committed(answer.map(drop));
        }
        if !self.part.is_empty() {
            self.send_part()?;
        }
        let Some((id, etags)) = self.begun.clone() else { return Err(failed_before()) };
        let mut n_attempts = 0;
        let answer = self.retried(0, |upload, timeout| {
            n_attempts += 1;
            let (url, body) = upload.object.end(&id, &etags)?;
            let sent =
                upload.http.send(Method::POST, &url, &upload.conditions(), body.as_bytes(), timeout)?;
            match sent.ok() {
                // Success may be told by a status and taken back in the body.
                Ok(mut answer) => {
                    let text = answer.text(MAX_ANSWER_BYTES)?;
                    let is_done = CompleteMultipartUploadResponse::parse(&text).is_ok();
                    if is_done { Ok(()) } else { Err(Failure::transient("the parts were not joined")) }
                }
                // An answer that was lost on the way: the parts were joined by the attempt before.
                Err(Failure::Final(RemoteError::NotFound { .. }))
                    if n_attempts > 1 && upload.size()? == Some(upload.n_sent) =>
                {
                    Ok(())
                }
                Err(failure) => Err(failure),
            }
        });
        self.committed(answer)
    }

    /// What the end of an upload comes to: once it is there nothing is left to be forgotten.
    fn committed(mut self, answer: Result<(), RemoteError>) -> io::Result<()> {
        match answer {
            Ok(()) => {
                self.begun = None;
                Ok(())
            }
            Err(RemoteError::Changed { .. }) => Err(io::ErrorKind::AlreadyExists.into()),
            Err(error) => Err(error.into()),
        }
    }

    /// Bytes of the object that is there, if one is.
    fn size(&self) -> Result<Option<u64>, RemoteError> {
        let answer = self.retried(0, |upload, timeout| {
            let url = upload.object.head_url()?;
            upload.http.send(Method::HEAD, &url, &[], &[], timeout)?.ok()
        });
        match answer {
            Ok(answer) => Ok(Some(answer.header("content-length").and_then(|n| n.parse().ok()).unwrap_or(0))),
            Err(RemoteError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What the server is asked to check when the object becomes visible.
    fn conditions(&self) -> Vec<(&'static str, String)> {
        match self.replace {
            Replace::Never => vec![("If-None-Match", "*".to_owned())],
            Replace::Allow => Vec::new(),
        }
    }

    fn part_bytes(&self) -> usize {
        let n_parts = self.begun.as_ref().map_or(0, |(_, etags)| etags.len());
        PART_BYTES << (n_parts / N_EQUAL)
    }

    fn send_part(&mut self) -> io::Result<()> {
        let part = std::mem::take(&mut self.part);
        let sent = self.try_part(&part);
        self.has_failed |= sent.is_err();
        self.part = part;
        self.part.clear();
        Ok(sent?)
    }

    fn try_part(&mut self, part: &[u8]) -> Result<(), RemoteError> {
        let (id, n_parts) = match &self.begun {
            Some((id, etags)) => (id.clone(), etags.len()),
            None => {
                let id = self.begin()?;
                self.begun = Some((id.clone(), Vec::new()));
                (id, 0)
            }
        };
        let number = u16::try_from(n_parts + 1).ok().filter(|n| usize::from(*n) <= MAX_PARTS);
        let too_many = || RemoteError::Protocol {
            address: self.address().to_owned(),
            rule: format!("an object has at most {MAX_PARTS} parts"),
        };
        let number = number.ok_or_else(too_many)?;
        let etag = self.retried(part.len() as u64, |upload, timeout| {
            let url = upload.object.part_url(&id, number)?;
            let answer = upload.http.send(Method::PUT, &url, &[], part, timeout)?.ok()?;
            let etag = answer.header("etag").map(str::to_owned);
            etag.ok_or_else(|| answer.protocol_error("a part has no ETag"))
        })?;
        if let Some((_, etags)) = &mut self.begun {
            etags.push(etag);
        }
        self.n_sent += part.len() as u64;
        Ok(())
    }

    /// The server's name for an upload in parts.
    fn begin(&self) -> Result<String, RemoteError> {
        self.retried(0, |upload, timeout| {
            let url = upload.object.begin_url()?;
            let mut answer = upload.http.send(Method::POST, &url, &[], &[], timeout)?.ok()?;
            let text = answer.text(MAX_ANSWER_BYTES)?;
            let parsed = CreateMultipartUpload::parse_response(&text);
            let parsed = parsed.map_err(|_| answer.protocol_error("an upload in parts was not begun"))?;
            Ok(parsed.upload_id().to_owned())
        })
    }

    fn retried<T>(
        &self,
        n_bytes: u64,
        mut job: impl FnMut(&Self, Duration) -> Result<T, Failure>,
    ) -> Result<T, RemoteError> {
        retried(&self.options, self.address(), n_bytes, |timeout| job(self, timeout))
    }
}

impl Response {
    /// The answer, if its status says that it is one.
    fn ok(self) -> Result<Self, Failure> {
        if matches!(self.status(), 200..=204) { Ok(self) } else { Err(self.into_failure()) }
    }
}

impl Write for S3Upload {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.has_failed {
            return Err(failed_before());
        }
        let room = self.part_bytes() - self.part.len();
        let n = room.min(bytes.len());
        self.part.extend_from_slice(&bytes[..n]);
        if n == room {
            self.send_part()?;
        }
        Ok(n)
    }

    /// Does nothing: parts have a smallest size.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for S3Upload {
    fn drop(&mut self) {
        // A server that does not hear of it forgets the parts in its own time.
        if let Some((id, _)) = &self.begun
            && let Ok(url) = self.object.abort_url(id)
        {
            let _ = self.http.send(Method::DELETE, &url, &[], &[], ABORT_TIME);
        }
    }
}

fn failed_before() -> io::Error {
    io::Error::other("an earlier part could not be sent")
}
