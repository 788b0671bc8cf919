use super::{Revision, read};
use crate::{Error, Limits, Password, Result};
use holotype_container::{DataKey, Header, Manifest, Trailer, Unlock};
use holotype_store::ReadAt;
use std::borrow::Cow;
use std::path::{Path, PathBuf};

/// Bytes read from the end of a file at first: the whole manifest of ordinary archives.
const TAIL_BYTES: u64 = 64 << 10;

/// How an archive is opened.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct OpenOptions {
    /// The limits it is read under.
    pub limits: Limits,
    /// The password of an encrypted archive; others do not look at it.
    pub password: Option<Password>,
    /// Where parents of a thin archive are: files, or folders they lie in. Looked at before what the archive itself
    /// says.
    pub parents: Vec<PathBuf>,
    /// Which revision is read.
    pub revision: Revision,
    /// The key of a parent, which its child holds.
    pub(crate) parent_key: Option<DataKey>,
    /// How many generations lie below.
    pub(crate) depth: u32,
}

impl OpenOptions {
    /// Sets [`Self::limits`].
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets [`Self::parents`].
    #[must_use]
    pub fn with_parents(mut self, parents: Vec<PathBuf>) -> Self {
        self.parents = parents;
        self
    }

    /// Sets [`Self::revision`].
    #[must_use]
    pub fn with_revision(mut self, revision: Revision) -> Self {
        self.revision = revision;
        self
    }

    /// Sets [`Self::password`].
    #[must_use]
    pub fn with_password(mut self, password: Option<Password>) -> Self {
        self.password = password;
        self
    }
}

/// Opens the manifest: header, trailer, seal and root.
pub(super) fn open_manifest(source: &dyn ReadAt, path: &Path, options: &OpenOptions) -> Result<Manifest> {
    let OpenOptions { limits, password, parent_key, parents: _, revision: _, depth: _ } = options;
    let Ends { header, root_frame, trailer } = read_ends(source, path, limits)?;
    let key = parent_key.as_ref().map(Unlock::Key);
    let unlock = key.or(password.as_ref().map(|password| Unlock::Password(password.bytes())));
    Ok(Manifest::open_with(&header, &root_frame, trailer, unlock, &limits.container)?)
}

/// What an archive is opened with; the seal is not yet checked.
pub(crate) struct Ends<'a> {
    /// The header's bytes.
    pub(crate) header: Cow<'a, [u8]>,
    /// The root frame's.
    pub(crate) root_frame: Cow<'a, [u8]>,
    pub(crate) trailer: Trailer,
}

/// Reads what is needed to find everything else: header, trailer, root.
pub(crate) fn read_ends<'a>(source: &'a dyn ReadAt, path: &Path, limits: &Limits) -> Result<Ends<'a>> {
    let n_bytes = source.len_bytes();
    let smallest = (Header::N_BYTES + Trailer::N_BYTES) as u64;
    if n_bytes < smallest {
        return Err(holotype_container::Error::Truncated {
            what: "archive",
            offset_bytes: 0,
            expected: smallest,
            found: n_bytes,
        }
        .into());
    }
    let tail_offset = n_bytes.saturating_sub(TAIL_BYTES);
    let tail = read(source, path, tail_offset, n_bytes - tail_offset)?;
    let header = if tail_offset == 0 {
        part(&tail, 0, Header::N_BYTES)
    } else {
        read(source, path, 0, Header::N_BYTES as u64)?
    };
    Header::parse(&header)?;
    let trailer = Trailer::parse(&tail[tail.len() - Trailer::N_BYTES..], n_bytes)?;
    let max_root_bytes = limits.container.max_root_bytes;
    if trailer.root_frame_bytes > max_root_bytes {
        return Err(Error::LimitExceeded {
            what: "the size of the root record",
            found: trailer.root_frame_bytes,
            limit: max_root_bytes,
        });
    }
    let root_frame = match trailer.root_offset_bytes.checked_sub(tail_offset) {
        Some(start) => part(&tail, start as usize, tail.len() - Trailer::N_BYTES),
        None => read(source, path, trailer.root_offset_bytes, trailer.root_frame_bytes)?,
    };
    Ok(Ends { header, root_frame, trailer })
}

/// Part of bytes that may be the source's own.
fn part<'a>(bytes: &Cow<'a, [u8]>, start: usize, end: usize) -> Cow<'a, [u8]> {
    match bytes {
        Cow::Borrowed(bytes) => Cow::Borrowed(bytes.get(start..end).unwrap_or_default()),
        Cow::Owned(bytes) => Cow::Owned(bytes.get(start..end).unwrap_or_default().to_vec()),
    }
}
