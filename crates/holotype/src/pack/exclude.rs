use crate::{Error, Result};
use globset::{Glob, GlobBuilder, GlobSet, GlobSetBuilder};

/// What of a tree is left out: nothing, unless it is named.
///
/// A pattern with a `/` is matched against the whole path below the input, one without against each name in it; `*`
/// and `?` match within a name, `**` any number of names. A folder that matches is left out with all that is in it.
#[derive(Debug, Clone, Default)]
pub struct Exclude {
    paths: GlobSet,
    names: GlobSet,
}

impl Exclude {
    /// Leaves out what any of `patterns` matches.
    ///
    /// # Errors
    /// `InvalidArgument` for a malformed pattern.
    ///
    /// # Examples
    /// ```
    /// # use holotype::Exclude;
    /// let exclude = Exclude::new(["*.tmp", "build/**"])?;
    /// assert!(exclude.matches("src/a.tmp") && exclude.matches("build/x") && !exclude.matches("src/a.rs"));
    /// # Ok::<(), holotype::Error>(())
    /// ```
    pub fn new<P: AsRef<str>>(patterns: impl IntoIterator<Item = P>) -> Result<Self> {
        let malformed = |e: globset::Error| Error::invalid(format!("a pattern is malformed: {e}"));
        let mut paths = GlobSetBuilder::new();
        let mut names = GlobSetBuilder::new();
        for pattern in patterns {
            let pattern = pattern.as_ref();
            let trimmed = pattern.trim_end_matches('/');
            let glob: Glob = GlobBuilder::new(trimmed).literal_separator(true).build().map_err(malformed)?;
            if trimmed.contains('/') {
                paths.add(glob)
            } else {
                names.add(glob)
            };
        }
        Ok(Self { paths: paths.build().map_err(malformed)?, names: names.build().map_err(malformed)? })
    }

    /// True if `path`, whose parent was not left out, is.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        let name = path.rsplit('/').next().unwrap_or(path);
        self.names.is_match(name) || self.paths.is_match(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_anywhere_and_paths_as_a_whole() {
        let exclude = Exclude::new(["*.o", "target/", "a/b*/c", "**/cache/*"]).unwrap();
        for path in ["x.o", "a/x.o", "target", "a/target", "a/bb/c", "x/y/cache/z", "cache/z"] {
            assert!(exclude.matches(path), "{path}");
        }
        for path in ["x.obj", "a/b/d/c", "cache", "targets"] {
            assert!(!exclude.matches(path), "{path}");
        }
        assert!(Exclude::new(["a["]).is_err());
        assert!(!Exclude::default().matches("anything"));
    }
}
