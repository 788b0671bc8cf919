//! Which paths an archive's items may be written to. `docs/format.md` §5.8.

use crate::archive::Item;
use crate::{Error, Result, parallel};
use holotype_container::ItemKind;
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

/// Paths are looked at in jobs of so many.
const JOB_PATHS: usize = 1024;

/// Checks the paths of all items, each by itself and against each other, and returns them, relative, in the order of
/// the items; on `n_threads` threads (0: what the machine offers).
pub(super) fn paths(items: &[Item<'_>], n_threads: usize) -> Result<Vec<PathBuf>> {
    let mut kinds: HashMap<&[u8], ItemKind> = HashMap::with_capacity(items.len());
    for item in items {
        if kinds.insert(raw_path(item), item.kind()).is_some() {
            return Err(refused(item, "another item has the same path"));
        }
    }
    // Folders that only folders lie above: most items share theirs with others.
    let mut sound = HashSet::new();
    items.iter().try_for_each(|item| check_folders(item, &kinds, &mut sound))?;
    let jobs: Vec<_> = items.chunks(JOB_PATHS).collect();
    let n_threads = parallel::n_threads(n_threads, jobs.len());
    let paths =
        parallel::map(n_threads, jobs, |items| items.iter().map(relative).collect::<Result<Vec<_>>>())?;
    Ok(paths.into_iter().flatten().collect())
}

fn raw_path<'a>(item: &'a Item<'_>) -> &'a [u8] {
    item.attributes().raw_path.as_deref().unwrap_or(item.name().as_bytes())
}

/// An item's path, each part of it checked.
pub(super) fn relative(item: &Item<'_>) -> Result<PathBuf> {
    let path = raw_path(item);
    for part in path.split(|byte| *byte == b'/') {
        check_part(part, cfg!(windows)).map_err(|rule| refused(item, rule))?;
    }
    system_path(path).ok_or_else(|| refused(item, "this system has no such names"))
}

/// That an item's path leads through folders alone; those in `sound` are known to do so.
fn check_folders<'a>(
    item: &'a Item<'_>,
    kinds: &HashMap<&[u8], ItemKind>,
    sound: &mut HashSet<&'a [u8]>,
) -> Result<()> {
    let mut path = raw_path(item);
    while let Some(end) = path.iter().rposition(|byte| *byte == b'/') {
        path = &path[..end];
        if !sound.insert(path) {
            break;
        }
        if kinds.get(path).is_some_and(|kind| *kind != ItemKind::Directory) {
            return Err(refused(item, "its path leads through an item that is no folder"));
        }
    }
    Ok(())
}

/// The rule that a part of a path breaks, if any.
fn check_part(part: &[u8], is_windows: bool) -> Result<(), &'static str> {
    match part {
        b"" => return Err("its path starts with `/` or has an empty part"),
        b"." | b".." => return Err("its path has a part `.` or `..`"),
        _ if part.contains(&0) => return Err("its path has a zero byte"),
        _ => {}
    }
    if !is_windows {
        return Ok(());
    }
    if part.iter().any(|byte| *byte < 32 || br#"\:*?"<>|"#.contains(byte)) {
        return Err("its path has characters that Windows gives a meaning");
    }
    if part.ends_with(b".") || part.ends_with(b" ") {
        return Err("a part of its path ends with a dot or space, which Windows drops");
    }
    let stem = part.split(|byte| *byte == b'.').next().unwrap_or(part);
    let stem = stem.trim_ascii_end().to_ascii_lowercase();
    let is_device = match stem.as_slice() {
        b"con" | b"prn" | b"aux" | b"nul" | b"conin$" | b"conout$" => true,
        [b'c', b'o', b'm', digit @ ..] | [b'l', b'p', b't', digit @ ..] => {
            matches!(digit, [b'0'..=b'9'] | [0xc2, 0xb9 | 0xb2 | 0xb3])
        }
        _ => false,
    };
    if is_device { Err("a part of its path is a device on Windows") } else { Ok(()) }
}

#[cfg(unix)]
fn system_path(path: &[u8]) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStrExt as _;
    Some(PathBuf::from(std::ffi::OsStr::from_bytes(path)))
}

#[cfg(not(unix))]
fn system_path(path: &[u8]) -> Option<PathBuf> {
    std::str::from_utf8(path).ok().map(|path| path.split('/').collect())
}

fn refused(item: &Item<'_>, rule: &str) -> Error {
    Error::invalid(format!("item `{}` is not unpacked: {rule}", item.name().escape_debug()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_that_lead_out_are_refused() {
        for part in [&b""[..], b".", b"..", b"a\0b"] {
            assert!(check_part(part, false).is_err());
            assert!(check_part(part, true).is_err());
        }
        for part in [&b"..."[..], b".a", b"a..", b"\xff", b"C:", b"a\\b", b"aux.c"] {
            assert!(check_part(part, false).is_ok());
        }
    }

    #[test]
    fn what_windows_reserves_is_refused_there() {
        for part in [
            &b"C:"[..],
            b"a\\b",
            b"aux.c",
            b"NUL",
            b"con .txt",
            b"COM1",
            b"lpt9.x",
            b"COM\xc2\xb9",
            b"a.",
            b"a ",
            b"a?",
            b"a:stream",
            b"\x01",
        ] {
            assert!(check_part(part, true).is_err(), "{part:?}");
        }
        for part in [&b"auxiliary"[..], b"com", b"com10", b"nul0", b".a", b"a.b", "\u{e9}".as_bytes()] {
            assert!(check_part(part, true).is_ok(), "{part:?}");
        }
    }
}
