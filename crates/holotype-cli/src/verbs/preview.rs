use super::open::open;
use crate::args::Preview;
use crate::destination::Destination;
use crate::exit::{Exit, Failure};
use crate::printer::Printer;
use holotype::formats::{self, Format};
use holotype::{AnimationExportOptions, Archive, ExportOptions, ItemKind, Replace, export_animation};

pub(crate) fn run(args: &Preview, _printer: &Printer) -> Result<Exit, Failure> {
    let archive = open(&args.input, &args.access)?;
    let names: Vec<String> = match &args.item {
        Some(name) => vec![name.clone()],
        None => archive.items()?.iter().map(|item| item.name().to_owned()).collect(),
    };
    let extension = args.output.extension().and_then(|e| e.to_str());
    if extension.is_some_and(|e| e.eq_ignore_ascii_case("apng")) {
        return animated(&archive, &names, args);
    }
    let mut found = None;
    for name in &names {
        if let Some(preview) = archive.item(name)?.preview()? {
            found = Some(preview);
            break;
        }
    }
    let preview = found.ok_or_else(|| {
        Failure::new(Exit::Error, "the archive holds no preview")
            .with_hint("previews are stored for larger images, or with `holo compress --preview on`")
    })?;
    let format = extension.and_then(Format::from_extension).unwrap_or(Format::Png);
    let mut out = Destination::create(&args.output, args.force)?;
    let mut writer =
        formats::open_writer(format, Box::new(&mut out), &ExportOptions::default().with_metadata_loss(true))?;
    writer.start_image(&preview.source_image())?;
    writer.write_rows(&preview.pixels)?;
    writer.finish()?;
    out.commit()?;
    Ok(Exit::Good)
}

/// Small pictures of all frames of the first animation.
fn animated(archive: &Archive, names: &[String], args: &Preview) -> Result<Exit, Failure> {
    for name in names {
        if archive.kind(name)? == ItemKind::Animation {
            let options = AnimationExportOptions::default().with_previews(true).with_replace(if args.force {
                Replace::Allow
            } else {
                Replace::Never
            });
            export_animation(archive, &archive.animation(name)?, &args.output, &options)?;
            return Ok(Exit::Good);
        }
    }
    Err(Failure::new(Exit::Error, "the archive holds no animation"))
}
