use crate::args::Remote;
use crate::exit::Failure;
use crate::names::is_stream;
use holotype::{Archive, Error, RemoteOptions, S3Options, is_address};
use std::io::Read as _;
use std::path::Path;

/// Opens the archive at `path`, a file or an address, or all of stdin.
pub(crate) fn open(path: &Path, remote: &Remote) -> Result<Archive, Failure> {
    let archive = if let Some(address) = address(path) {
        return Ok(Archive::open_remote(address, &remote.options())?);
    } else if is_stream(path) {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes).map_err(|e| Error::io("-", e))?;
        Archive::from_bytes(bytes)
    } else {
        Archive::open(path)
    };
    archive.map_err(|e| Failure::from(e).about(path.display()))
}

/// The address that `path` is, if it is one.
pub(crate) fn address(path: &Path) -> Option<&str> {
    path.to_str().filter(|text| is_address(text))
}

impl Remote {
    pub(crate) fn options(&self) -> RemoteOptions {
        let mut s3 = S3Options::default().with_anonymous(self.anonymous);
        s3.region.clone_from(&self.s3_region);
        s3.endpoint_url.clone_from(&self.endpoint_url);
        RemoteOptions::default().with_restricted_allowed(self.allow_restricted).with_s3(s3)
    }
}
