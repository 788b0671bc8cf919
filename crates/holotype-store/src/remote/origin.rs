use super::RemoteOptions;
use super::pins::redacted;
use super::s3::S3Object;
use crate::RemoteError;
use url::Url;

/// Where an object is asked for.
pub(super) enum Origin {
    Http { url: Url, address: String },
    S3(Box<S3Object>),
}

impl Origin {
    /// Reads `http:`, `https:` and `s3:` addresses.
    pub(super) fn parse(address: &str, options: &RemoteOptions) -> Result<Self, RemoteError> {
        let refused = |rule| RemoteError::Address { address: without_query(address), rule };
        if let Some(object) = address.strip_prefix("s3://") {
            return Ok(Self::S3(Box::new(S3Object::parse(object, options)?)));
        }
        let url = Url::parse(address).map_err(|_| refused("it is no address"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(refused("only `http`, `https` and `s3` addresses can be read"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refused("an address with a user or a password is refused: it ends in logs"));
        }
        Ok(Self::Http { address: redacted(&url), url })
    }

    /// The address as it may be shown.
    pub(super) fn address(&self) -> &str {
        match self {
            Self::Http { address, .. } => address,
            Self::S3(object) => object.address(),
        }
    }

    /// The address to ask now; S3's is signed for the moment.
    pub(super) fn url(&self) -> Result<Url, RemoteError> {
        match self {
            Self::Http { url, .. } => Ok(url.clone()),
            Self::S3(object) => object.signed_url(),
        }
    }

    /// S3 redirects to other regions, for which the signature would be wrong.
    pub(super) fn follows_redirects(&self) -> bool {
        matches!(self, Self::Http { .. })
    }

    /// True if credentials that may have run out were fetched anew.
    pub(super) fn renew_credentials(&self) -> bool {
        match self {
            Self::Http { .. } => false,
            Self::S3(object) => object.renew_credentials(),
        }
    }
}

/// What of an address that does not parse may be shown.
fn without_query(address: &str) -> String {
    let shown = address.split(['?', '#']).next().unwrap_or_default();
    match (shown.split_once("://"), shown.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, rest))) => format!("{scheme}://{rest}"),
        _ => shown.to_owned(),
    }
}
