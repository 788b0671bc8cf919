use super::for_each;
use super::open::open;
use crate::args::Decompress;
use crate::destination::Destination;
use crate::exit::{Exit, Failure};
use crate::names::{is_stream, pairs, with_output};
use crate::printer::Printer;
use crate::progress::Bar;
use holotype::formats::Format;
use holotype::{Archive, Error, ExportOptions, ItemKind, Region, export, source_format};
use std::io::Write as _;
use std::path::{Path, PathBuf};

pub(crate) fn run(args: &Decompress, printer: &Printer) -> Result<Exit, Failure> {
    let asked = args.format.as_deref().map(named_format).transpose()?;
    let (paths, folder) =
        with_output(&args.paths, args.output.as_deref(), |e| Format::from_extension(e).is_some())?;
    let Some(folder) = folder else {
        let pairs = pairs(&paths, None, Path::to_path_buf)?;
        return for_each(&pairs, printer, |(input, output)| {
            let archive = open(input, &args.access)?;
            one(args, printer, &archive, output, asked).map_err(|f| f.about(input.display()))
        });
    };
    std::fs::create_dir_all(folder).map_err(|e| Error::io(folder, e))?;
    for_each(&paths, printer, |input| {
        let archive = open(input, &args.access)?;
        let stem = input.file_stem().map_or_else(|| "image".into(), |s| s.to_owned());
        let mut name = PathBuf::from(stem);
        name.as_mut_os_string().push(".");
        name.as_mut_os_string().push(default_extension(&archive, asked));
        one(args, printer, &archive, &folder.join(name), asked).map_err(|f| f.about(input.display()))
    })
}

fn named_format(name: &str) -> Result<Format, Failure> {
    Format::from_name(name).ok_or_else(|| Failure::usage(format!("no format is named `{name}`")))
}

fn default_extension(archive: &Archive, asked: Option<Format>) -> String {
    let first = archive.items().ok().and_then(|items| items.into_iter().next());
    let of_name =
        first.as_ref().and_then(|item| Path::new(item.name()).extension()?.to_str().map(str::to_owned));
    match (asked, first.as_ref().map(|item| item.kind())) {
        (Some(format), _) => format.extensions().first().map_or_else(String::new, |e| (*e).to_owned()),
        (None, Some(ItemKind::File)) => of_name.unwrap_or_else(|| "bin".into()),
        (None, _) => of_name.filter(|e| Format::from_extension(e).is_some()).unwrap_or_else(|| "png".into()),
    }
}

fn one(
    args: &Decompress,
    printer: &Printer,
    archive: &Archive,
    output: &Path,
    asked: Option<Format>,
) -> Result<Exit, Failure> {
    if args.skip_existing && output.exists() {
        printer.remark(format!("{}: exists, skipped", output.display()));
        return Ok(Exit::Good);
    }
    let items = selected(archive, args.item.as_deref())?;
    if let Some(file) = items.iter().find(|name| archive.kind(name).ok() == Some(ItemKind::File)) {
        return write_file(args, archive, file, items.len(), output, asked);
    }
    let extension = output.extension().and_then(|e| e.to_str());
    let format = match (asked, extension.and_then(Format::from_extension)) {
        (Some(format), _) | (None, Some(format)) => format,
        (None, None) if extension.is_some() && !is_stream(output) => {
            return Err(Failure::usage(format!(
                "no format is known by the extension of {}",
                output.display()
            ))
            .with_hint("name one with `--format`"));
        }
        _ => items
            .first()
            .map(|name| archive.image(name))
            .transpose()?
            .and_then(|image| source_format(&image))
            .unwrap_or(Format::Png),
    };
    let n_bytes = raw_bytes(archive, &items, args.region)?;
    let mut out = Destination::create(output, args.force)?;
    let bar = Bar::new(printer, n_bytes, &output.to_string_lossy());
    let options = ExportOptions::default()
        .with_region(args.region)
        .with_n_threads(args.threads)
        .with_metadata_loss(args.lossy_metadata)
        .with_progress(bar.progress());
    export(archive, &items, format, Box::new(&mut out), &options)?;
    out.commit()?;
    Ok(Exit::Good)
}

/// The item asked for, or every image, or the only file.
fn selected(archive: &Archive, asked: Option<&str>) -> Result<Vec<String>, Failure> {
    if let Some(name) = asked {
        archive.kind(name)?;
        return Ok(vec![name.to_owned()]);
    }
    let items = archive.items()?;
    let names = |kind| -> Vec<String> {
        items.iter().filter(|item| item.kind() == kind).map(|item| item.name().to_owned()).collect()
    };
    let images = names(ItemKind::Image);
    let files = names(ItemKind::File);
    match (images.is_empty(), files.len()) {
        (false, _) => Ok(images),
        (true, 1) => Ok(files),
        (true, 0) => Err(Failure::new(Exit::Error, "the archive holds no image")),
        (true, n) => Err(Failure::new(Exit::Error, format!("the archive holds {n} files"))
            .with_hint("choose one with `--item`; `holo list` names them")),
    }
}

fn raw_bytes(archive: &Archive, items: &[String], region: Option<Region>) -> Result<u64, Failure> {
    let mut total = 0_u64;
    for name in items {
        let image = archive.image(name)?;
        let n = region.unwrap_or(Region::whole(image.descriptor())).raw_bytes(image.descriptor());
        total = total.saturating_add(n.unwrap_or(u64::MAX));
    }
    Ok(total)
}

fn write_file(
    args: &Decompress,
    archive: &Archive,
    name: &str,
    n_items: usize,
    output: &Path,
    asked: Option<Format>,
) -> Result<Exit, Failure> {
    let kept = Path::new(name).extension().and_then(|e| e.to_str()).and_then(Format::from_extension);
    let wanted =
        asked.or_else(|| output.extension().and_then(|e| e.to_str()).and_then(Format::from_extension));
    if n_items != 1 || args.region.is_some() || (wanted.is_some() && wanted != kept) {
        let message = format!("`{name}` is a file kept untouched, not an image item");
        return Err(Failure::new(Exit::Error, message)
            .with_hint("write it under its own extension, or compress the source with `--pixels`"));
    }
    let mut out = Destination::create(output, args.force)?;
    let mut failed = None;
    archive.read_file(name, &mut |bytes| {
        if failed.is_none() {
            failed = out.write_all(bytes).err();
        }
        Ok(())
    })?;
    if let Some(e) = failed {
        return Err(Error::io(output, e).into());
    }
    out.commit()?;
    Ok(Exit::Good)
}
