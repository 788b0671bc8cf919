//! The order files are packed in: similar ones side by side, so that they share blocks.

/// What a path is ordered by: extension, last name, whole path. `lib.so.1.2` has the extension `so`.
fn key(path: &[u8]) -> (&[u8], &[u8], &[u8]) {
    let name = path.rsplit(|b| *b == b'/').next().unwrap_or(path);
    let mut parts = name.rsplit(|b| *b == b'.');
    let is_version = |part: &&[u8]| part.iter().all(u8::is_ascii_digit);
    let extension = parts.by_ref().find(|part| !is_version(part)).unwrap_or(b"");
    // What stands before the first dot is no extension.
    let extension = if parts.next().is_some() { extension } else { b"" };
    (extension, name, path)
}

/// Puts files in the order they are packed in; `path_of` gives the path of each.
pub(super) fn sort<'a, T>(files: &mut Vec<T>, path_of: impl Fn(&T) -> &'a [u8]) {
    let mut keyed: Vec<_> = files.drain(..).map(|file| (key(path_of(&file)), file)).collect();
    keyed.sort_unstable_by_key(|(key, _)| *key);
    files.extend(keyed.into_iter().map(|(_, file)| file));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn like_names_come_together() {
        let mut paths = vec![
            "v1/a.py",
            "v1/b.so.3",
            "v2/a.py",
            "v1/Makefile",
            "v2/b.so",
            "v2/c.py",
            "v2/Makefile",
            ".bashrc",
        ];
        sort(&mut paths, |path| path.as_bytes());
        assert_eq!(
            paths,
            [
                "v1/Makefile",
                "v2/Makefile",
                ".bashrc",
                "v1/a.py",
                "v2/a.py",
                "v2/c.py",
                "v2/b.so",
                "v1/b.so.3"
            ]
        );
    }
}
