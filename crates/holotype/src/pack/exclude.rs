use crate::{Error, Result};
use globset::{Glob, GlobBuilder, GlobSet, GlobSetBuilder};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What of a tree is left out: nothing, unless it is named.
///
/// A pattern with a `/` is matched against the whole path in the archive, such as `tree/build/x` of the input `tree`, one
/// without against each name in it; `*` and `?` match within a name, `**` any number of names. A folder that matches is
/// left out with all that is in it.
#[derive(Debug, Clone, Default)]
pub struct Exclude {
    paths: GlobSet,
    names: GlobSet,
    /// The patterns of `paths`, and whether each matched something.
    of_paths: Vec<(String, Met)>,
    files: Vec<OneFile>,
}

/// Whether something was met, whichever clone met it.
type Met = Arc<AtomicBool>;

/// A file that is left out wherever a folder has it.
#[derive(Debug, Clone)]
struct OneFile {
    /// As it was given.
    path: PathBuf,
    /// Its folder, absolute and without links, and its name there.
    folder: PathBuf,
    name: OsString,
    met: Met,
}

impl Exclude {
    /// Leaves out what any of `patterns` matches.
    ///
    /// # Errors
    /// `InvalidArgument` for a malformed pattern, and for one that no path in an archive can match: an empty one, and
    /// one that starts with `/`, `./` or `../`.
    ///
    /// # Examples
    /// ```
    /// # use holotype::Exclude;
    /// let exclude = Exclude::new(["*.tmp", "tree/build/**"])?;
    /// assert!(exclude.matches("tree/a.tmp") && exclude.matches("tree/build/x") && !exclude.matches("tree/a.rs"));
    /// # Ok::<(), holotype::Error>(())
    /// ```
    pub fn new<P: AsRef<str>>(patterns: impl IntoIterator<Item = P>) -> Result<Self> {
        let malformed = |e: globset::Error| Error::invalid(format!("a pattern is malformed: {e}"));
        let mut paths = GlobSetBuilder::new();
        let mut names = GlobSetBuilder::new();
        let mut of_paths = Vec::new();
        for pattern in patterns {
            let pattern = pattern.as_ref();
            let trimmed = pattern.trim_end_matches('/');
            if trimmed.is_empty() || ["/", "./", "../"].iter().any(|start| trimmed.starts_with(start)) {
                return Err(Error::invalid(format!(
                    "the pattern `{pattern}` matches nothing: it is compared with paths in the archive, such as `tree/file`"
                )));
            }
            let glob: Glob = GlobBuilder::new(trimmed).literal_separator(true).build().map_err(malformed)?;
            if trimmed.contains('/') {
                paths.add(glob);
                of_paths.push((pattern.to_owned(), Met::default()));
            } else {
                names.add(glob);
            }
        }
        let (paths, names) = (paths.build().map_err(malformed)?, names.build().map_err(malformed)?);
        Ok(Self { paths, names, of_paths, files: Vec::new() })
    }

    /// Leaves out the file at `path` too, in whatever folder it is met: the archive that is being written. An input that
    /// is that file itself is packed.
    #[must_use]
    pub fn with_file(mut self, path: impl AsRef<Path>) -> Self {
        let path = path.as_ref();
        if let (Some(name), Ok(folder)) = (path.file_name(), folder(path).canonicalize()) {
            let (path, name) = (path.to_path_buf(), name.to_owned());
            self.files.push(OneFile { path, folder, name, met: Met::default() });
        }
        self
    }

    /// True if `path`, whose parent was not left out, is.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        let name = path.rsplit('/').next().unwrap_or(path);
        let matched = self.paths.matches(path);
        matched
            .iter()
            .filter_map(|at| self.of_paths.get(*at))
            .for_each(|(_, met)| met.store(true, Ordering::Relaxed));
        !matched.is_empty() || self.names.is_match(name)
    }

    /// True if the file at `path`, met in a folder, is one of [`Self::with_file`].
    pub(super) fn has_file(&self, path: &Path) -> bool {
        let is_it = |file: &&OneFile| {
            path.file_name() == Some(&file.name)
                && folder(path).canonicalize().is_ok_and(|folder| folder == file.folder)
        };
        let found = self.files.iter().find(is_it);
        found.inspect(|file| file.met.store(true, Ordering::Relaxed)).is_some()
    }

    /// The patterns with a `/` that matched nothing so far: perhaps not what was meant.
    pub fn unmatched(&self) -> impl Iterator<Item = &str> {
        self.of_paths
            .iter()
            .filter(|(_, met)| !met.load(Ordering::Relaxed))
            .map(|(pattern, _)| pattern.as_str())
    }

    /// The files of [`Self::with_file`] that were met, and left out.
    pub fn met_files(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().filter(|file| file.met.load(Ordering::Relaxed)).map(|file| file.path.as_path())
    }
}

/// The folder that a path's last name lies in.
fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_anywhere_and_paths_as_a_whole() {
        let exclude = Exclude::new(["*.o", "target/", "a/b*/c", "**/cache/*", "x/y/"]).unwrap();
        for path in ["x.o", "a/x.o", "target", "a/target", "a/bb/c", "x/y/cache/z", "cache/z"] {
            assert!(exclude.matches(path), "{path}");
        }
        for path in ["x.obj", "a/b/d/c", "cache", "targets", "z/x/y"] {
            assert!(!exclude.matches(path), "{path}");
        }
        assert!(Exclude::new(["a["]).is_err());
        assert!(!Exclude::default().matches("anything"));
        // Only patterns of paths are likely to be mistaken.
        assert_eq!(exclude.unmatched().collect::<Vec<_>>(), ["x/y/"]);
        assert!(exclude.matches("x/y") && exclude.unmatched().next().is_none());
    }

    #[test]
    fn what_can_match_nothing_is_refused() {
        for pattern in ["", "/", "//", "/etc/passwd", "./a", "../a"] {
            let error = Exclude::new([pattern]).unwrap_err();
            assert!(error.to_string().contains("matches nothing"), "{pattern}: {error}");
        }
        assert!(Exclude::new([".", ".a", "..a/b", "**"]).is_ok());
    }

    #[test]
    fn one_file_is_met_under_one_path_alone() {
        let dir = tempfile::tempdir().unwrap();
        let own = dir.path().join("own");
        let exclude = Exclude::default().with_file(&own);
        assert!(!exclude.has_file(&dir.path().join("other")) && !exclude.has_file(Path::new("own")));
        assert!(exclude.met_files().next().is_none());
        assert!(exclude.clone().has_file(&dir.path().join(".").join("own")));
        assert_eq!(exclude.met_files().collect::<Vec<_>>(), [own]);
    }
}
