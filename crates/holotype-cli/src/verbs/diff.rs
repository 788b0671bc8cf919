use super::open::open_at;
use crate::args::Diff;
use crate::exit::{Exit, Failure};
use crate::printer::Printer;
use holotype::{Archive, Item, Revision};
use serde_json::json;
use std::cmp::Ordering;

/// Items asked for at a time: two archives of millions are compared in little memory.
const N_ITEMS: usize = 4096;

pub(crate) fn run(args: &Diff, printer: &Printer) -> Result<Exit, Failure> {
    let opened = |path, revision: Option<Revision>| {
        open_at(path, &args.access, revision.or(args.access.revision).unwrap_or_default())
    };
    let (old, new) = (opened(&args.old, args.old_revision)?, opened(&args.new, args.new_revision)?);
    let (mut olds, mut news) = (ByName::new(&old), ByName::new(&new));
    let (mut left, mut right) = (olds.next()?, news.next()?);
    let mut differs = false;
    loop {
        let order = match (&left, &right) {
            (None, None) => break,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(a), Some(b)) => a.name().cmp(b.name()),
        };
        match order {
            Ordering::Less => show(printer, '-', "removed", left.as_ref(), None),
            Ordering::Greater => show(printer, '+', "added", None, right.as_ref()),
            Ordering::Equal => {
                if let (Some(a), Some(b)) = (&left, &right) {
                    match change(a, b) {
                        None => {}
                        Some(what) => {
                            differs = true;
                            show(printer, '~', what, left.as_ref(), right.as_ref());
                        }
                    }
                }
            }
        }
        differs |= order != Ordering::Equal;
        if order != Ordering::Greater {
            left = olds.next()?;
        }
        if order != Ordering::Less {
            right = news.next()?;
        }
    }
    Ok(if differs { Exit::Error } else { Exit::Good })
}

/// What differs between two items of one name.
fn change(old: &Item<'_>, new: &Item<'_>) -> Option<&'static str> {
    let are_files = old.file().is_some() && new.file().is_some();
    // A file is the same whether it is stored as a file or as an image.
    let content = |item: &Item<'_>| item.file().map_or_else(|| item.content_sha256(), |(_, sha256)| sha256);
    if old.kind() != new.kind() && !are_files {
        Some("kind")
    } else if content(old) != content(new) {
        Some("content")
    } else if old.attributes() != new.attributes() {
        Some("attributes")
    } else {
        None
    }
}

fn show(printer: &Printer, mark: char, what: &str, old: Option<&Item<'_>>, new: Option<&Item<'_>>) {
    let name = new.or(old).map_or("", Item::name);
    if printer.is_json() {
        let sha256 = |item: Option<&Item<'_>>| item.map(Item::content_sha256_hex);
        let raw_bytes = |item: Option<&Item<'_>>| item.map(Item::raw_bytes);
        printer.value(&json!({
            "name": name, "change": what, "old_bytes": raw_bytes(old), "new_bytes": raw_bytes(new),
            "old_sha256": sha256(old), "new_sha256": sha256(new),
        }));
    } else if mark == '~' {
        printer.line(format!("{mark} {name} ({what})"));
    } else {
        printer.line(format!("{mark} {name}"));
    }
}

/// The items of an archive by name, a few at a time.
struct ByName<'a> {
    archive: &'a Archive,
    /// Those fetched, the next one last.
    fetched: Vec<Item<'a>>,
    /// Where to go on.
    from: Option<String>,
}

impl<'a> ByName<'a> {
    fn new(archive: &'a Archive) -> Self {
        Self { archive, fetched: Vec::new(), from: Some(String::new()) }
    }

    fn next(&mut self) -> Result<Option<Item<'a>>, Failure> {
        if let (true, Some(from)) = (self.fetched.is_empty(), self.from.take()) {
            self.fetched = self.archive.items_from(&from, N_ITEMS)?;
            if self.fetched.len() == N_ITEMS {
                // The name right after the last one's.
                self.from = self.fetched.last().map(|item| format!("{}\0", item.name()));
            }
            self.fetched.reverse();
        }
        Ok(self.fetched.pop())
    }
}
