use crate::args::{Access, Unlock};
use crate::exit::Failure;
use crate::names::is_stream;
use crate::password;
use holotype::{
    AppendOutput, Archive, Error, ErrorKind, OpenOptions, RemoteOptions, Revision, S3Options, is_address,
};
use holotype_store::MemorySource;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Opens the archive at `path`, a file or an address, or all of stdin. Asks for a password if one is needed.
pub(crate) fn open(path: &Path, access: &Access) -> Result<Archive, Failure> {
    open_at(path, access, access.revision.unwrap_or_default())
}

/// [`open`] at another revision than the one that was asked for.
pub(crate) fn open_at(path: &Path, access: &Access, revision: Revision) -> Result<Archive, Failure> {
    let mut password = password::given(&access.unlock)?;
    let stdin = if is_stream(path) {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes).map_err(|e| Error::io("-", e))?;
        Some(Arc::new(bytes))
    } else {
        None
    };
    let about = |error: Error| match address(path) {
        // Errors name an address themselves, without its query, where secrets are.
        Some(_) => Failure::from(error),
        None => Failure::from(error).about(path.display()),
    };
    loop {
        let options = OpenOptions::default()
            .with_password(password.clone())
            .with_parents(access.parents.clone())
            .with_revision(revision);
        let archive = match (address(path), &stdin) {
            (Some(address), _) => Archive::open_remote_with(address, &access.remote_options(), &options),
            (None, Some(bytes)) => {
                let source = MemorySource::new(Shared(Arc::clone(bytes)));
                Archive::open_source_with(Box::new(source), "-", &options)
            }
            (None, None) => Archive::open_with(path, &options),
        };
        match archive {
            Err(error) if error.kind() == ErrorKind::Decryption && password.is_none() => {
                let asked = if stdin.is_none() { password::asked(&path.to_string_lossy())? } else { None };
                // Without a terminal there is no one to ask.
                password = Some(asked.ok_or_else(|| about(error))?);
            }
            archive => return archive.map_err(about),
        }
    }
}

/// Opens the file at `path` to append to it. Asks for a password if one is needed.
pub(crate) fn open_to_append(
    path: &Path,
    unlock: &Unlock,
    parents: &[PathBuf],
) -> Result<(AppendOutput, Archive), Failure> {
    let options =
        OpenOptions::default().with_password(password::given(unlock)?).with_parents(parents.to_vec());
    let about = |error: Error| Failure::from(error).about(path.display());
    match AppendOutput::open(path, &options) {
        Err(error) if error.kind() == ErrorKind::Decryption && options.password.is_none() => {
            let asked = password::asked(&path.to_string_lossy())?;
            let options = options.with_password(Some(asked.ok_or_else(|| about(error))?));
            AppendOutput::open(path, &options)
        }
        opened => opened,
    }
    .map_err(about)
}

/// Bytes that several attempts read.
struct Shared(Arc<Vec<u8>>);

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// The address that `path` is, if it is one.
pub(crate) fn address(path: &Path) -> Option<&str> {
    path.to_str().filter(|text| is_address(text))
}

impl Access {
    pub(crate) fn remote_options(&self) -> RemoteOptions {
        let mut s3 = S3Options::default().with_anonymous(self.anonymous);
        s3.region.clone_from(&self.s3_region);
        s3.endpoint_url.clone_from(&self.endpoint_url);
        RemoteOptions::default().with_restricted_allowed(self.allow_restricted).with_s3(s3)
    }
}
