use super::for_each;
use super::open::open;
use crate::args::List;
use crate::date::date;
use crate::exit::{Exit, Failure};
use crate::printer::Printer;
use holotype::{Archive, FileAttributes, Item, ItemKind};
use serde_json::{Value, json};
use std::path::Path;

pub(crate) fn run(args: &List, printer: &Printer) -> Result<Exit, Failure> {
    for_each(&args.paths, printer, |path| {
        let archive = open(path, &args.access)?;
        let mut items = archive.items()?;
        // Packed files lie by likeness; a tree is read by name.
        if items.iter().any(|item| item.kind() == ItemKind::Directory) {
            items.sort_by(|a, b| a.name().cmp(b.name()));
        }
        for item in items {
            if printer.is_json() {
                printer.value(&describe(path, &archive, &item, args.long)?);
            } else {
                printer.line(line(&archive, &item, args.long)?);
            }
        }
        Ok(Exit::Good)
    })
}

fn describe(path: &Path, archive: &Archive, item: &Item<'_>, long: bool) -> Result<Value, Failure> {
    let mut value = json!({
        "archive": path.to_string_lossy(), "name": item.name(), "kind": item.kind().name(),
        "raw_bytes": item.raw_bytes(), "stored_bytes": item.stored_bytes()?,
        "sha256": item.content_sha256_hex(),
    });
    if let (Some(max_error), Some(map)) = (max_error(archive, item)?, value.as_object_mut()) {
        map.insert("lossy_max_error".into(), max_error.into());
    }
    if let (true, Some(map)) = (long, value.as_object_mut()) {
        let FileAttributes { mode, mtime, raw_path, xattrs, hard_link, symlink_target, .. } =
            item.attributes();
        let text = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).into_owned();
        let names: Vec<String> = xattrs.iter().map(|(name, _)| text(name)).collect();
        map.insert("mode".into(), mode.map(|mode| format!("{mode:04o}")).into());
        map.insert("mtime".into(), mtime.map(|t| json!([t.seconds, t.nanoseconds])).into());
        map.insert("raw_path_hex".into(), raw_path.as_ref().map(|path| hex(path)).into());
        map.insert("xattrs".into(), names.into());
        map.insert("hard_link".into(), hard_link.clone().into());
        map.insert("symlink_target".into(), symlink_target.as_ref().map(text).into());
    }
    Ok(value)
}

/// How far the values of a lossy tensor may be from those that were given.
fn max_error(archive: &Archive, item: &Item<'_>) -> Result<Option<f64>, Failure> {
    if item.kind() != ItemKind::Tensor {
        return Ok(None);
    }
    Ok(archive.tensor(item.name())?.max_error())
}

fn line(archive: &Archive, item: &Item<'_>, long: bool) -> Result<String, Failure> {
    let (kind, name) = (item.kind().name(), item.name());
    let sizes = format!("{:>12} {:>12}", item.raw_bytes(), item.stored_bytes()?);
    if !long {
        let note = max_error(archive, item)?.map_or_else(String::new, |bound| format!(" (lossy, ±{bound})"));
        return Ok(format!("{kind:9} {sizes} {name}{note}"));
    }
    let known = item.attributes();
    let mode = known.mode.map_or_else(|| "?".repeat(9), permissions);
    let time = known.mtime.map_or_else(|| " ".repeat(20), date);
    let kind = match item.kind() {
        ItemKind::Directory => 'd',
        ItemKind::Symlink => 'l',
        ItemKind::File => '-',
        _ => kind.chars().next().unwrap_or('?'),
    };
    let target = known.symlink_target.as_ref().map(|target| String::from_utf8_lossy(target).into_owned());
    let link = match (&target, &known.hard_link) {
        (Some(target), _) => format!(" -> {target}"),
        (None, Some(name)) => format!(" = {name}"),
        (None, None) => String::new(),
    };
    Ok(format!("{kind}{mode} {sizes} {time} {name}{link}"))
}

/// `rwxr-xr-x`.
fn permissions(mode: u32) -> String {
    let special = [(0o4000, 0o100, 's', 'S'), (0o2000, 0o010, 's', 'S'), (0o1000, 0o001, 't', 'T')];
    let mut letters: Vec<char> = "rwxrwxrwx".chars().collect();
    for (at, letter) in letters.iter_mut().enumerate() {
        if mode >> (8 - at) & 1 == 0 {
            *letter = '-';
        }
    }
    for ((bit, execute, with, without), letter) in
        special.into_iter().zip(letters.iter_mut().skip(2).step_by(3))
    {
        if mode & bit != 0 {
            *letter = if mode & execute != 0 { with } else { without };
        }
    }
    letters.into_iter().collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_read_as_usual() {
        for (mode, expected) in [
            (0o644, "rw-r--r--"),
            (0o4755, "rwsr-xr-x"),
            (0o1777, "rwxrwxrwt"),
            (0o2640, "rw-r-S---"),
            (0, "---------"),
        ] {
            assert_eq!(permissions(mode), expected);
        }
    }
}
