use crate::exit::Failure;
use std::path::{Path, PathBuf};

/// True for `-`: stdin or stdout.
pub(crate) fn is_stream(path: &Path) -> bool {
    path.as_os_str() == "-"
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

/// `scan.tif` → `scan.holo`.
pub(crate) fn archive_name(source: &Path) -> PathBuf {
    source.with_extension("holo")
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
    fn a_folder_takes_many_but_no_clash() {
        let out = Path::new("out");
        let got = pairs(&paths(&["x/a.png", "y/b.tif"]), Some(out), archive_name).unwrap();
        assert_eq!(got[1].1, Path::new("out/b.holo"));
        assert!(pairs(&paths(&["a.png", "a.tif"]), Some(out), archive_name).is_err());
        assert!(pairs(&paths(&["-"]), Some(out), archive_name).is_err());
    }
}
