//! `holotype._holotype`: the glue between the Python package and the `holotype` crate.

#[pyo3::pymodule]
mod _holotype {
    /// Version of the package.
    #[pymodule_export]
    #[expect(non_upper_case_globals, reason = "the Python name")]
    const __version__: &str = env!("CARGO_PKG_VERSION");
}
