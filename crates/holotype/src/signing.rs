//! Signatures over the seal, kept in a file beside the archive: `docs/format.md` §12.

use crate::{Archive, Error, OpenOptions, Password, Progress, Result, VerifyOptions};
use holotype_container::{PublicKey, SecretKey, SignatureFile};
use holotype_store::{AtomicFile, Replace, create_secret_file};
use std::fs::File;
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};

/// The longest key or signature file that is read.
pub(crate) const MAX_SIDE_FILE_BYTES: u64 = 64 << 10;

/// How [`sign`] works.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct SignOptions {
    /// Throw away an existing signature file that is of another archive.
    pub replaces_foreign: bool,
    /// The password of an encrypted archive.
    pub password: Option<Password>,
    /// Threads of the check before; 0 (default) uses what the machine offers.
    pub n_threads: usize,
    /// Told of the stored bytes checked.
    pub progress: Progress,
}

impl SignOptions {
    /// Sets [`Self::replaces_foreign`].
    #[must_use]
    pub fn with_foreign_replaced(mut self, replaces: bool) -> Self {
        self.replaces_foreign = replaces;
        self
    }

    /// Sets [`Self::password`].
    #[must_use]
    pub fn with_password(mut self, password: Option<Password>) -> Self {
        self.password = password;
        self
    }

    /// Sets [`Self::n_threads`].
    #[must_use]
    pub fn with_n_threads(mut self, n_threads: usize) -> Self {
        self.n_threads = n_threads;
        self
    }

    /// Sets [`Self::progress`].
    #[must_use]
    pub fn with_progress(mut self, progress: Progress) -> Self {
        self.progress = progress;
        self
    }
}

/// Where the signatures of the archive at `path` lie: its name with `.sig` appended.
#[must_use]
pub fn signature_path(archive: impl AsRef<Path>) -> PathBuf {
    with_suffix(archive.as_ref(), ".sig")
}

/// Makes a key pair: the secret in `NAME.key`, which only its owner may read, the public key in `NAME.pub`.
///
/// # Errors
/// `Io`, `AlreadyExists` in it if one of them exists: keys are never replaced.
pub fn keygen(name: impl AsRef<Path>) -> Result<PublicKey> {
    let (secret_path, public_path) = (with_suffix(name.as_ref(), ".key"), with_suffix(name.as_ref(), ".pub"));
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|e| Error::io(&secret_path, std::io::Error::other(e)))?;
    let key = SecretKey::from_seed(&seed);
    let mut public_file =
        AtomicFile::create(&public_path, Replace::Never).map_err(|e| Error::io(&public_path, e))?;
    create_secret_file(&secret_path, key.to_text().as_bytes()).map_err(|e| Error::io(&secret_path, e))?;
    let text = key.public_key().to_text();
    let written = public_file.write_all(text.as_bytes()).and_then(|()| public_file.commit());
    if let Err(error) = written {
        // A secret without its public half helps no one; the error to report is the first one.
        let _ = std::fs::remove_file(&secret_path);
        return Err(Error::io(&public_path, error));
    }
    Ok(key.public_key())
}

/// Reads a `.key` file.
///
/// # Errors
/// `Io`; `InvalidArgument` if it is none, without repeating its content.
pub fn read_secret_key(path: impl AsRef<Path>) -> Result<SecretKey> {
    Ok(SecretKey::parse(&read_text(path.as_ref())?)?)
}

/// Reads a `.pub` file.
///
/// # Errors
/// `Io`; `InvalidArgument` if it is none.
pub fn read_public_key(path: impl AsRef<Path>) -> Result<PublicKey> {
    Ok(PublicKey::parse(&read_text(path.as_ref())?)?)
}

/// Verifies the archive at `path`, every byte of it, and adds a signature to the file beside it.
///
/// # Errors
/// `Corrupt` if the archive is damaged: what is signed is known to be good; `Signature` if the signature file
/// there is of another archive or one of its signatures does not hold; `Io`.
///
/// # Examples
/// ```
/// use holotype::{Archive, SecretKey, SignOptions, Writer, WriterOptions, sign, signature_path};
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("finds.holo");
/// let (bytes, _seal) = Writer::new(Vec::new(), WriterOptions::default())?.finish()?;
/// std::fs::write(&path, bytes).unwrap();
/// let key = SecretKey::from_seed(&[7; 32]); // `keygen` and `read_secret_key` for a real one
/// sign(&path, &key, &SignOptions::default())?;
/// let archive = Archive::open(&path)?;
/// let signatures = std::fs::read(signature_path(&path)).unwrap();
/// assert_eq!(archive.check_signatures(&signatures, &[key.public_key()])?, [key.public_key()]);
/// # Ok::<(), holotype::Error>(())
/// ```
pub fn sign(path: impl AsRef<Path>, key: &SecretKey, options: &SignOptions) -> Result<()> {
    let path = path.as_ref();
    let open = OpenOptions::default().with_password(options.password.clone());
    let archive = Archive::open_with(path, &open)?;
    let side = signature_path(path);
    let existing = read_side_file(&side)?;
    let signed = sign_archive(&archive, existing.as_deref(), key, options)?;
    let mut out = AtomicFile::create(&side, Replace::Allow).map_err(|e| Error::io(&side, e))?;
    out.write_all(&signed).and_then(|()| out.commit()).map_err(|e| Error::io(&side, e))
}

/// Verifies an open archive and returns its signature file: `existing` with one more signature.
///
/// # Errors
/// As [`sign`].
pub fn sign_archive(
    archive: &Archive,
    existing: Option<&[u8]>,
    key: &SecretKey,
    options: &SignOptions,
) -> Result<Vec<u8>> {
    let mut file = SignatureFile::new(archive.seal());
    if let Some(bytes) = existing {
        let found = SignatureFile::parse(bytes)?;
        if !options.replaces_foreign || *found.seal() == archive.seal() {
            found.check(&archive.seal(), &[])?;
            file = found;
        }
    }
    let verify =
        VerifyOptions::default().with_n_threads(options.n_threads).with_progress(options.progress.clone());
    let report = archive.verify(&verify)?;
    if let Some(finding) = report.findings.first() {
        return Err(Error::Damaged { finding: finding.to_string(), n_findings: report.findings.len() });
    }
    file.sign(key)?;
    Ok(file.encode())
}

impl Archive {
    /// Checks the signatures of a signature file and that each key of `required` is among the signers. Returns
    /// the signers.
    ///
    /// With [`Self::verify`] this vouches for every byte of the archive: the signatures are over the seal.
    ///
    /// # Errors
    /// `Signature` if the file is malformed or of another archive, if any signature in it does not hold, or if a
    /// required key did not sign; `Unsupported` for an unknown algorithm.
    pub fn check_signatures(&self, file: &[u8], required: &[PublicKey]) -> Result<Vec<PublicKey>> {
        Ok(SignatureFile::parse(file)?.check(&self.seal(), required)?)
    }

    /// [`Self::check_signatures`] with the signature file beside the archive, or at `path`.
    ///
    /// # Errors
    /// As [`Self::check_signatures`]; `Signature` too if there is no signature file; `Io`.
    pub fn check_signature_file(
        &self,
        path: Option<&Path>,
        required: &[PublicKey],
    ) -> Result<Vec<PublicKey>> {
        let path = path.map_or_else(|| signature_path(self.path()), Path::to_path_buf);
        let bytes = read_side_file(&path)?.ok_or(Error::NoSignatureFile { path })?;
        self.check_signatures(&bytes, required)
    }
}

/// The bytes of a file of little size, or `None` if there is none.
fn read_side_file(path: &Path) -> Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(Error::io(path, e)),
    };
    let mut bytes = Vec::new();
    file.take(MAX_SIDE_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(|e| Error::io(path, e))?;
    if bytes.len() as u64 > MAX_SIDE_FILE_BYTES {
        return Err(Error::LimitExceeded {
            what: "the size of a key or signature file",
            found: bytes.len() as u64,
            limit: MAX_SIDE_FILE_BYTES,
        });
    }
    Ok(Some(bytes))
}

fn read_text(path: &Path) -> Result<String> {
    let bytes =
        read_side_file(path)?.ok_or_else(|| Error::io(path, std::io::Error::from(ErrorKind::NotFound)))?;
    String::from_utf8(bytes).map_err(|_| Error::invalid("a key file is text"))
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
