use crate::error::raise;
use holotype::{Encryption, Password, SignOptions, read_public_key, read_secret_key};
use pyo3::prelude::*;

/// Makes `NAME.key` and `NAME.pub`; returns the public key in hexadecimal.
#[pyfunction]
pub(crate) fn keygen(py: Python<'_>, name: &str) -> PyResult<String> {
    py.detach(|| holotype::keygen(name)).map(|key| key.to_hex()).map_err(raise)
}

/// Verifies the archive at `path` and signs it with the key in the file `key`; returns the public key.
#[pyfunction]
pub(crate) fn sign(
    py: Python<'_>,
    path: &str,
    key: &str,
    overwrite: bool,
    threads: usize,
    password: Option<Vec<u8>>,
) -> PyResult<String> {
    let job = || {
        let key = read_secret_key(key)?;
        let options = SignOptions::default()
            .with_n_threads(threads)
            .with_foreign_replaced(overwrite)
            .with_password(password.map(Password::new));
        holotype::sign(path, &key, &options)?;
        Ok(key.public_key().to_hex())
    };
    py.detach(job).map_err(raise)
}

/// The keys that must have signed, from their files.
pub(crate) fn public_keys(paths: &[String]) -> holotype::Result<Vec<holotype::PublicKey>> {
    paths.iter().map(read_public_key).collect()
}

/// Changes the password of the archive at `path`.
#[pyfunction]
pub(crate) fn rekey(py: Python<'_>, path: &str, password: Vec<u8>, new_password: Vec<u8>) -> PyResult<()> {
    let encryption = Encryption::with_password(Password::new(new_password));
    py.detach(|| holotype::rekey(path, &Password::new(password), &encryption)).map_err(raise)
}
