//! Archives behind HTTP and S3 (feature `remote`).

use crate::archive::Home;
use crate::{Archive, Error, OpenOptions, Result};
use holotype_container::PublicKey;
use holotype_store::{ReadAt as _, RemoteError, RemoteOptions, RemoteSource};

/// True for the addresses that [`Archive::open_remote`] takes: `http://`, `https://` and `s3://`.
///
/// ```
/// assert!(holotype::is_address("s3://finds/1887.holo"));
/// assert!(!holotype::is_address("finds/1887.holo"));
/// ```
#[must_use]
pub fn is_address(text: &str) -> bool {
    RemoteSource::is_address(text)
}

impl Archive {
    /// Opens an archive behind HTTP or S3: one request for its end, and one for its first bytes unless it came whole.
    ///
    /// Later reads fetch what they touch, neighbours together, and ask for the same object by its ETag. Every block
    /// is checked as in a file, so that a server cannot cause anything but an error.
    ///
    /// # Errors
    /// `Remote` if it cannot be read, if it was replaced, or if its address is one that links must not lead to;
    /// else as [`Archive::open`].
    ///
    /// # Examples
    /// ```no_run
    /// use holotype::{Archive, RemoteOptions, S3Options};
    /// let s3 = S3Options::default().with_region("eu-north-1").with_anonymous(true);
    /// let options = RemoteOptions::default().with_s3(s3);
    /// let archive = Archive::open_remote("s3://finds/1887.holo", &options)?;
    /// # Ok::<(), holotype::Error>(())
    /// ```
    pub fn open_remote(address: &str, options: &RemoteOptions) -> Result<Self> {
        Self::open_remote_with(address, options, &OpenOptions::default())
    }

    /// [`Self::open_remote`] with a password or other limits.
    ///
    /// # Errors
    /// As [`Self::open_remote`]; `Decryption`.
    pub fn open_remote_with(address: &str, options: &RemoteOptions, open: &OpenOptions) -> Result<Self> {
        let source = RemoteSource::open(address, options).map_err(|e| Error::io(shown(address), e))?;
        let shown = source.address().to_owned();
        let home = Home::Address(address.to_owned(), Box::new(options.clone()));
        Self::open_at(Box::new(source), shown.as_ref(), open, home)
    }

    /// [`Archive::check_signatures`] with the signature file beside the archive at `address`: `.sig` appended to
    /// its path.
    ///
    /// # Errors
    /// As [`Archive::check_signatures`]; `Signature` too if there is none; `Remote`.
    pub fn check_remote_signatures(
        &self,
        address: &str,
        options: &RemoteOptions,
        required: &[PublicKey],
    ) -> Result<Vec<PublicKey>> {
        let (path, query) = address.split_at(address.find(['?', '#']).unwrap_or(address.len()));
        let (path, query) = if address.starts_with("s3:") { (address, "") } else { (path, query) };
        let side = format!("{path}.sig{query}");
        let source = match RemoteSource::open(&side, options) {
            Err(e) if matches!(RemoteError::of(&e), Some(RemoteError::NotFound { .. })) => {
                return Err(Error::NoSignatureFile { path: format!("{path}.sig").into() });
            }
            source => source.map_err(|e| Error::io(shown(&side), e))?,
        };
        let limit = crate::signing::MAX_SIDE_FILE_BYTES;
        if source.len_bytes() > limit {
            return Err(Error::LimitExceeded {
                what: "the size of a key or signature file",
                found: source.len_bytes(),
                limit,
            });
        }
        let mut bytes = vec![0; source.len_bytes() as usize];
        source.read_exact_at(0, &mut bytes).map_err(|e| Error::io(source.address(), e))?;
        self.check_signatures(&bytes, required)
    }
}

/// An address without the query, where secrets are.
fn shown(address: &str) -> &str {
    address.split(['?', '#']).next().unwrap_or_default()
}
