//! `holotype._holotype`: the glue between the Python package and the `holotype` crate.
//!
//! Here values cross between the languages and the interpreter lock is released; names, defaults and
//! documentation are in `python/holotype`.

mod archive;
mod error;
mod fields;
mod signing;
mod source;
mod write;

#[pyo3::pymodule]
mod _holotype {
    /// Version of the package.
    #[pymodule_export]
    #[expect(non_upper_case_globals, reason = "the Python name")]
    const __version__: &str = env!("CARGO_PKG_VERSION");

    #[pymodule_export]
    use crate::archive::Archive;
    #[pymodule_export]
    use crate::archive::is_address;
    #[pymodule_export]
    use crate::signing::{keygen, rekey, sign};
    #[pymodule_export]
    use crate::write::{encode_image, import_file};
}
