use super::walk::Entry;
use crate::{Error, Result};
use std::collections::HashSet;

/// The item names of entries: their paths, or for paths that are not UTF-8 what stands for them. `is_free` says which
/// names the archive has not given away.
pub(super) fn of(entries: &[Entry], is_free: impl Fn(&str) -> bool) -> Result<Vec<String>> {
    let mut names = vec![String::new(); entries.len()];
    let mut taken = HashSet::with_capacity(entries.len());
    for (name, entry) in names.iter_mut().zip(entries) {
        let Ok(path) = std::str::from_utf8(&entry.name) else { continue };
        if !is_free(path) || !taken.insert(path) {
            return Err(Error::invalid(format!("`{path}` would name two files of the archive")));
        }
        path.clone_into(name);
    }
    if names.iter().all(|name| !name.is_empty()) {
        return Ok(names);
    }
    let mut taken: HashSet<String> = taken.into_iter().map(str::to_owned).collect();
    for (name, entry) in names.iter_mut().zip(entries).filter(|(name, _)| name.is_empty()) {
        let shown = shown(&entry.name);
        let others = (2_u64..).map(|n| format!("{shown}~{n}"));
        let mut candidates = std::iter::once(shown.clone()).chain(others);
        let free = candidates.find(|name| is_free(name) && !taken.contains(name));
        *name = free.ok_or_else(|| Error::invalid("no name is free"))?;
        taken.insert(name.clone());
    }
    Ok(names)
}

/// `path` with each byte that is no part of UTF-8 as U+FFFD and two hexadecimal digits.
fn shown(path: &[u8]) -> String {
    let mut shown = String::new();
    for chunk in path.utf8_chunks() {
        shown.push_str(chunk.valid());
        for byte in chunk.invalid() {
            shown.push_str(&format!("\u{fffd}{byte:02x}"));
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::super::walk::EntryKind;
    use super::*;

    fn names_of(paths: &[&[u8]]) -> Result<Vec<String>> {
        let entry = |path: &&[u8]| Entry {
            path: "x".into(),
            name: path.to_vec(),
            kind: EntryKind::File { n_bytes: 0, id: None },
        };
        of(&paths.iter().map(entry).collect::<Vec<_>>(), |name| name != "taken")
    }

    #[test]
    fn paths_that_are_no_text_get_names_of_their_own() {
        let names = names_of(&[b"a/\xff", "a/\u{fffd}ff".as_bytes(), b"b"]).unwrap();
        assert_eq!(names, ["a/\u{fffd}ff~2", "a/\u{fffd}ff", "b"]);
    }

    #[test]
    fn two_files_of_one_name_are_refused() {
        assert!(names_of(&[b"a", b"b", b"a"]).is_err());
        assert!(names_of(&[b"taken"]).is_err());
    }
}
