//! Encrypted archives: `docs/format.md` §14.

use crate::archive::{Ends, read_ends};
use crate::{Error, Limits, Result};
use holotype_container::{EncryptionRecord, EncryptionSeed, KeySlot, rekeyed_tail};
use holotype_store::{AtomicFile, FileSource, ReadAt as _, Replace};
use std::fmt;
use std::io::Write as _;
use std::path::Path;
use zeroize::Zeroizing;

pub use holotype_container::KdfCost;

/// A password, wiped from memory when dropped and never printed. Its bytes are taken as they are.
#[derive(Clone)]
pub struct Password(Zeroizing<Vec<u8>>);

impl Password {
    /// A password of these bytes: of text, its UTF-8.
    #[must_use]
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(Zeroizing::new(bytes.into()))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

/// Who can open an archive that is written.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Encryption {
    /// Each of them opens it; 1 to 16.
    pub passwords: Vec<Password>,
    /// What trying a password costs.
    pub cost: KdfCost,
}

impl Encryption {
    /// One password, at the default cost: 64 MiB and about a third of a second.
    #[must_use]
    pub fn with_password(password: Password) -> Self {
        Self { passwords: vec![password], cost: KdfCost::default() }
    }

    /// Adds another password.
    #[must_use]
    pub fn and_password(mut self, password: Password) -> Self {
        self.passwords.push(password);
        self
    }

    /// Sets [`Self::cost`].
    #[must_use]
    pub fn with_cost(mut self, cost: KdfCost) -> Self {
        self.cost = cost;
        self
    }

    /// Random bytes and slots for one archive.
    pub(crate) fn begin(&self) -> Result<(EncryptionSeed, EncryptionRecord)> {
        let seed = EncryptionSeed {
            archive_id: random()?,
            key: holotype_container::DataKey::from_bytes(random()?),
            salt: random()?,
        };
        let slots = self.slots(&seed.key, &seed.archive_id)?;
        let record = EncryptionRecord::new(&seed, slots)?;
        Ok((seed, record))
    }

    fn slots(&self, key: &holotype_container::DataKey, archive_id: &[u8; 16]) -> Result<Vec<KeySlot>> {
        if self.passwords.iter().any(|password| password.bytes().is_empty()) {
            return Err(Error::invalid("a password is not empty"));
        }
        let wrap =
            |password: &Password| Ok(KeySlot::wrap(key, archive_id, password.bytes(), self.cost, random()?)?);
        self.passwords.iter().map(wrap).collect()
    }
}

/// Bytes of the operating system's random source.
pub(crate) fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|e| Error::io("random bytes", std::io::Error::other(e)))?;
    Ok(bytes)
}

/// Changes who can open the archive at `path`: `password` opens it now, those of `encryption` from then on.
///
/// The archive is written anew and replaced in one step. Its key stays: whoever opened it before and kept a copy, or
/// the key, can read what is in it now; to shut them out write another archive. The seal becomes another one, so
/// signatures have to be made again.
///
/// # Errors
/// `Decryption` if `password` does not open it; `InvalidArgument` if it is not encrypted; else as
/// [`crate::Archive::open`].
pub fn rekey(path: impl AsRef<Path>, password: &Password, encryption: &Encryption) -> Result<()> {
    let path = path.as_ref();
    let failed = |e| Error::io(path, e);
    let source = FileSource::open(path).map_err(failed)?;
    let limits = Limits::default();
    let Ends { header, root_frame, trailer } = read_ends(&source, path, &limits)?;
    let mut problem = None;
    let tail = rekeyed_tail(&header, &root_frame, trailer, password.bytes(), &limits.container, |key, id| {
        encryption.slots(key, id).map_err(|error| {
            problem = Some(error);
            holotype_container::Error::InvalidArgument { what: "the new key slots cannot be made" }
        })
    });
    let tail = match (tail, problem) {
        (_, Some(problem)) => return Err(problem),
        (tail, None) => tail?,
    };
    let mut out = AtomicFile::create(path, Replace::Allow).map_err(failed)?;
    let mut buffer = vec![0; 1 << 20];
    let mut at = 0;
    while at < trailer.root_offset_bytes {
        let n = (trailer.root_offset_bytes - at).min(buffer.len() as u64) as usize;
        let part = buffer.get_mut(..n).unwrap_or_default();
        source.read_exact_at(at, part).map_err(|e| Error::of_read(path, e))?;
        out.write_all(part).map_err(failed)?;
        at += n as u64;
    }
    out.write_all(&tail).and_then(|()| out.commit()).map_err(failed)
}
