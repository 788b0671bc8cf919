use std::fmt;
use std::sync::Arc;

/// Told how many more bytes of samples or file content were done; nothing by default.
#[derive(Clone, Default)]
pub struct Progress(Option<Arc<dyn Fn(u64) + Send + Sync>>);

impl Progress {
    /// Calls `tell` with each further number of bytes, possibly from several threads.
    pub fn new(tell: impl Fn(u64) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(tell)))
    }

    pub(crate) fn advance(&self, n_bytes: u64) {
        if let Some(tell) = &self.0 {
            tell(n_bytes);
        }
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Progress(..)" } else { "Progress(none)" })
    }
}
