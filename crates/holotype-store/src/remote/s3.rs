//! Objects of S3 and of stores that speak its protocol.

use super::RemoteOptions;
use super::credentials::{self, Found};
use crate::RemoteError;
use rusty_s3::actions::{
    AbortMultipartUpload, CompleteMultipartUpload, CreateMultipartUpload, GetObject, HeadObject, PutObject,
    UploadPart,
};
use rusty_s3::{Bucket, Credentials, S3Action as _, UrlStyle};
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use url::Url;

/// How long a signed address is good for.
const SIGNATURE_LIFETIME: Duration = Duration::from_secs(900);

/// What S3 addresses need beyond bucket and key; what is not said comes from the usual places.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct S3Options {
    /// Region; by default `AWS_REGION`, `AWS_DEFAULT_REGION`, the profile, `us-east-1`.
    pub region: Option<String>,
    /// Another server; by default `AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL`, Amazon's. Checked as any address.
    pub endpoint_url: Option<String>,
    /// Ask without signing.
    pub anonymous: bool,
    /// Access key, secret key, session token; by default the environment, the profile, the container, the machine.
    pub credentials: Option<(String, String, Option<String>)>,
}

impl S3Options {
    /// Sets [`Self::region`].
    #[must_use]
    pub fn with_region(mut self, region: impl Into<String>) -> Self {
        self.region = Some(region.into());
        self
    }

    /// Sets [`Self::endpoint_url`].
    #[must_use]
    pub fn with_endpoint_url(mut self, url: impl Into<String>) -> Self {
        self.endpoint_url = Some(url.into());
        self
    }

    /// Sets [`Self::anonymous`].
    #[must_use]
    pub fn with_anonymous(mut self, anonymous: bool) -> Self {
        self.anonymous = anonymous;
        self
    }

    /// Sets [`Self::credentials`].
    #[must_use]
    pub fn with_credentials(mut self, key: &str, secret: &str, token: Option<&str>) -> Self {
        self.credentials = Some((key.to_owned(), secret.to_owned(), token.map(str::to_owned)));
        self
    }
}

impl fmt::Debug for S3Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Options")
            .field("region", &self.region)
            .field("endpoint_url", &self.endpoint_url)
            .field("anonymous", &self.anonymous)
            .field("credentials", &self.credentials.as_ref().map(|_| ".."))
            .finish()
    }
}

/// One object of one bucket.
pub(super) struct S3Object {
    address: String,
    bucket: Bucket,
    key: String,
    options: S3Options,
    found: Mutex<Option<Found>>,
}

impl S3Object {
    /// Reads `bucket/key`; the key is taken as it is.
    pub(super) fn parse(object: &str, options: &RemoteOptions) -> Result<Self, RemoteError> {
        let address = format!("s3://{object}");
        let refused = |rule| RemoteError::Address { address: address.clone(), rule };
        let (name, key) = object.split_once('/').ok_or_else(|| refused("the address names no object"))?;
        let is_letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.';
        if !(3..=63).contains(&name.len()) || !name.bytes().all(is_letter) || name.contains("..") {
            return Err(refused("a bucket has 3 to 63 of `a`-`z`, `0`-`9`, `-` and `.`"));
        }
        if key.is_empty() || key.len() > 1024 {
            return Err(refused("a key has 1 to 1024 bytes"));
        }
        let options = options.s3.clone();
        let region = options.region.clone().unwrap_or_else(credentials::region);
        if region.is_empty() || !region.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
            return Err(refused("a region has letters, digits and `-`"));
        }
        let custom = options.endpoint_url.clone().or_else(credentials::endpoint_url);
        // A name with dots is not covered by Amazon's certificate.
        let style =
            if custom.is_some() || name.contains('.') { UrlStyle::Path } else { UrlStyle::VirtualHost };
        let endpoint = custom.unwrap_or_else(|| format!("https://s3.{region}.amazonaws.com"));
        let endpoint = Url::parse(&endpoint).map_err(|_| refused("the endpoint is no address"))?;
        if !matches!(endpoint.scheme(), "http" | "https") || endpoint.host().is_none() {
            return Err(refused("the endpoint is no `http` or `https` address"));
        }
        let bucket = Bucket::new(endpoint, style, name.to_owned(), region)
            .map_err(|_| refused("the endpoint does not take the bucket's name"))?;
        Ok(Self { address, bucket, key: key.to_owned(), options, found: Mutex::new(None) })
    }

    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// The address that reads the object.
    pub(super) fn signed_url(&self) -> Result<Url, RemoteError> {
        self.signed(|bucket, with, key| GetObject::new(bucket, with, key).sign(SIGNATURE_LIFETIME))
    }

    /// The address that asks whether it is there.
    pub(super) fn head_url(&self) -> Result<Url, RemoteError> {
        self.signed(|bucket, with, key| HeadObject::new(bucket, with, key).sign(SIGNATURE_LIFETIME))
    }

    /// The address that writes it whole.
    pub(super) fn put_url(&self) -> Result<Url, RemoteError> {
        self.signed(|bucket, with, key| PutObject::new(bucket, with, key).sign(SIGNATURE_LIFETIME))
    }

    /// The address that begins to write it in parts.
    pub(super) fn begin_url(&self) -> Result<Url, RemoteError> {
        self.signed(|bucket, with, key| {
            CreateMultipartUpload::new(bucket, with, key).sign(SIGNATURE_LIFETIME)
        })
    }

    /// The address of part `number`, counted from 1.
    pub(super) fn part_url(&self, upload: &str, number: u16) -> Result<Url, RemoteError> {
        self.signed(|bucket, with, key| {
            UploadPart::new(bucket, with, key, number, upload).sign(SIGNATURE_LIFETIME)
        })
    }

    /// The address that joins parts, and what is sent there.
    pub(super) fn end(&self, upload: &str, etags: &[String]) -> Result<(Url, String), RemoteError> {
        let tags = || etags.iter().map(String::as_str);
        let url = self.signed(|bucket, with, key| {
            CompleteMultipartUpload::new(bucket, with, key, upload, tags()).sign(SIGNATURE_LIFETIME)
        })?;
        let body = CompleteMultipartUpload::new(&self.bucket, None, &self.key, upload, tags()).body();
        Ok((url, body))
    }

    /// The address that forgets parts.
    pub(super) fn abort_url(&self, upload: &str) -> Result<Url, RemoteError> {
        self.signed(|bucket, with, key| {
            AbortMultipartUpload::new(bucket, with, key, upload).sign(SIGNATURE_LIFETIME)
        })
    }

    fn signed(&self, sign: impl Fn(&Bucket, Option<&Credentials>, &str) -> Url) -> Result<Url, RemoteError> {
        let signed = |with| sign(&self.bucket, with, &self.key);
        if self.options.anonymous {
            return Ok(signed(None));
        }
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if found.is_none() {
            *found = Some(credentials::find(&self.options, self.bucket.name())?);
        }
        Ok(signed(found.as_ref().map(|found| &found.credentials)))
    }

    /// Forgets credentials that run out, so that the next address is signed with new ones.
    pub(super) fn renew_credentials(&self) -> bool {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let runs_out = found.as_ref().is_some_and(|found| found.runs_out && !found.is_fresh());
        if runs_out {
            *found = None;
        }
        runs_out
    }
}
