use crate::exit::Failure;
use std::path::{Path, PathBuf};

/// True for `-`: stdin or stdout.
pub(crate) fn is_stream(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// True if `output` is no folder and ends like a result, as `is_file` says of the extension.
pub(crate) fn names_a_file(output: &Path, is_file: impl Fn(&str) -> bool) -> bool {
    !output.is_dir() && is_file(output.extension().and_then(|e| e.to_str()).unwrap_or_default())
}

/// The paths, and the folder that `-o` names for their results, if it names one.
///
/// A result's own name, as `is_file` says of the extension, or `-` is the one input's output: it becomes the last path.
pub(crate) fn with_output<'a>(
    paths: &[PathBuf],
    output: Option<&'a Path>,
    is_file: impl Fn(&str) -> bool,
) -> Result<(Vec<PathBuf>, Option<&'a Path>), Failure> {
    let mut paths = paths.to_vec();
    let Some(output) = output else { return Ok((paths, None)) };
    if output.is_dir() || !is_stream(output) && !names_a_file(output, is_file) {
        return Ok((paths, Some(output)));
    }
    if paths.len() > 1 {
        let message = format!("{} inputs cannot all become {}", paths.len(), output.display());
        return Err(Failure::usage(message).with_hint("name a folder for them"));
    }
    paths.push(output.to_owned());
    Ok((paths, None))
}

/// Where each input's result goes.
///
/// With a folder every input gets a file in it, named by `rename`; without one the last path is the single
/// output.
pub(crate) fn pairs(
    paths: &[PathBuf],
    folder: Option<&Path>,
    rename: impl Fn(&Path) -> PathBuf,
) -> Result<Vec<(PathBuf, PathBuf)>, Failure> {
    let Some(folder) = folder else {
        let [input, output] = paths else {
            let message = if paths.len() == 1 { "an output is missing" } else { "many inputs need `-o DIR`" };
            return Err(Failure::usage(message).with_hint("`IN OUT` for one file, `IN... -o DIR` for many"));
        };
        return Ok(vec![(input.clone(), output.clone())]);
    };
    if paths.iter().any(|p| is_stream(p)) {
        return Err(Failure::usage("stdin has no name to give a file in a folder"));
    }
    let mut pairs: Vec<(PathBuf, PathBuf)> = Vec::with_capacity(paths.len());
    let mut taken = std::collections::HashMap::new();
    for input in paths {
        let name =
            input.file_name().ok_or_else(|| Failure::usage(format!("{} names no file", input.display())))?;
        let output = folder.join(rename(Path::new(name)));
        if let Some(other) = taken.insert(output.clone(), input.clone()) {
            let message =
                format!("{} and {} would both become {}", other.display(), input.display(), output.display());
            return Err(Failure::usage(message).with_hint("compress them into different folders"));
        }
        pairs.push((input.clone(), output));
    }
    Ok(pairs)
}

/// What archives end with.
pub(crate) const ARCHIVE_EXTENSION: &str = "holo";

/// `scan.tif` → `scan.holo`.
pub(crate) fn archive_name(source: &Path) -> PathBuf {
    source.with_extension(ARCHIVE_EXTENSION)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(names: &[&str]) -> Vec<PathBuf> {
        names.iter().map(PathBuf::from).collect()
    }

    #[test]
    fn one_pair_without_a_folder() {
        let got = pairs(&paths(&["a.png", "b.holo"]), None, archive_name).unwrap();
        assert_eq!(got, [(PathBuf::from("a.png"), PathBuf::from("b.holo"))]);
        assert!(pairs(&paths(&["a.png"]), None, archive_name).is_err());
        assert!(pairs(&paths(&["a", "b", "c"]), None, archive_name).is_err());
    }

    #[test]
    fn an_output_is_a_folder_or_the_one_file() {
        let holo = |extension: &str| extension == "holo";
        let names = |output: &'static str, inputs: &[&str]| {
            with_output(&paths(inputs), Some(Path::new(output)), holo).ok()
        };
        assert_eq!(names("b.holo", &["a.png"]), Some((paths(&["a.png", "b.holo"]), None)));
        assert_eq!(names("-", &["a.png"]), Some((paths(&["a.png", "-"]), None)));
        assert_eq!(names("b.d", &["a.png"]), Some((paths(&["a.png"]), Some(Path::new("b.d")))));
        assert_eq!(names("b", &["a.png", "c.png"]).unwrap().1, Some(Path::new("b")));
        assert_eq!(names("b.holo", &["a.png", "c.png"]), None);
        let folder = tempfile::Builder::new().suffix(".holo").tempdir().unwrap();
        let got = with_output(&paths(&["a.png"]), Some(folder.path()), holo).unwrap();
        assert_eq!(got.1, Some(folder.path()), "a folder that is there is one");
    }

    #[test]
    fn a_folder_takes_many_but_no_clash() {
        let out = Path::new("out");
        let got = pairs(&paths(&["x/a.png", "y/b.tif"]), Some(out), archive_name).unwrap();
        assert_eq!(got[1].1, Path::new("out/b.holo"));
        assert!(pairs(&paths(&["a.png", "a.tif"]), Some(out), archive_name).is_err());
        assert!(pairs(&paths(&["-"]), Some(out), archive_name).is_err());
    }
}
