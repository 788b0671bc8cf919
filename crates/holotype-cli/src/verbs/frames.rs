use super::open::open;
use crate::args::Frames;
use crate::exit::{Exit, Failure};
use crate::names::names_a_file;
use crate::printer::Printer;
use crate::progress::Bar;
use holotype::formats::{Format, open_writer};
use holotype::{
    AnimationExportOptions, AnimationItem, Archive, Error, ExportOptions, FileOutput, FrameCache, FrameInfo,
    Replace, SourceImage, export_animation, holds_animation,
};
use serde_json::json;
use std::path::Path;

pub(crate) fn run(args: &Frames, printer: &Printer) -> Result<Exit, Failure> {
    let archive = open(&args.input, &args.access)?;
    let animation = match &args.item {
        Some(name) => archive.animation(name)?,
        None => archive.first_animation()?,
    };
    let n_frames = animation.description().n_frames;
    if args.first >= n_frames {
        let what = format!("there is no frame {}: there are {n_frames}", args.first);
        return Err(Error::InvalidArgument { what }.into());
    }
    let end = args.count.map_or(n_frames, |n| args.first.saturating_add(n).min(n_frames));
    match &args.output {
        None => list(&animation, args.first..end, printer),
        Some(path) => {
            if names_a_file(path, holds_animation) {
                return write_one(args, &archive, &animation, args.first..end, path, printer);
            }
            if let (Some(chroma), None) = (&animation.description().chroma, &args.item) {
                let name = animation.item().name();
                let what = format!(
                    "colour is subsampled: write a `.y4m`, or planes by `--item {name}` and `--item {chroma}`"
                );
                return Err(Error::InvalidArgument { what }.into());
            }
            write(args, &animation, args.first..end, path, printer)
        }
    }
}

fn write_one(
    args: &Frames,
    archive: &Archive,
    animation: &AnimationItem<'_>,
    frames: std::ops::Range<u64>,
    path: &Path,
    printer: &Printer,
) -> Result<Exit, Failure> {
    let options = AnimationExportOptions::default()
        .with_frames(frames)
        .with_metadata_loss(args.lossy_metadata)
        .with_replace(if args.force { Replace::Allow } else { Replace::Never });
    let n_frames = export_animation(archive, animation, path, &options)?;
    printer.remark(format!("{}: {n_frames} frames", path.display()));
    Ok(Exit::Good)
}

fn list(
    animation: &AnimationItem<'_>,
    frames: std::ops::Range<u64>,
    printer: &Printer,
) -> Result<Exit, Failure> {
    let base = animation.description().time_base;
    for frame in frames {
        let FrameInfo { descriptor, delay, key, reference, .. } = animation.frame(frame)?;
        let milliseconds = base.milliseconds(delay);
        let sample = descriptor.sample.name();
        let (width, height, n_channels) = (descriptor.width, descriptor.height, descriptor.n_channels);
        if printer.is_json() {
            printer.value(&json!({
                "frame": frame, "width": width, "height": height, "channels": n_channels, "sample": sample,
                "delay": delay, "milliseconds": milliseconds, "key": key, "reference": reference,
            }));
        } else {
            let coded = reference.map_or_else(|| "alone".to_owned(), |r| format!("against {r}"));
            printer.line(format!(
                "{frame:6} {milliseconds:6} ms  {width} × {height} × {n_channels} {sample}, {coded}"
            ));
        }
    }
    Ok(Exit::Good)
}

fn write(
    args: &Frames,
    animation: &AnimationItem<'_>,
    frames: std::ops::Range<u64>,
    folder: &Path,
    printer: &Printer,
) -> Result<Exit, Failure> {
    let format = Format::from_extension(&args.format).ok_or_else(|| Error::InvalidArgument {
        what: format!("no image format has the extension `{}`", args.format),
    })?;
    std::fs::create_dir_all(folder).map_err(|e| Error::io(folder, e))?;
    let replace = if args.force { Replace::Allow } else { Replace::Never };
    let bar = Bar::new(printer, 0, &folder.to_string_lossy());
    let metadata = animation.all_frame_metadata()?;
    let mut cache = FrameCache::default();
    let n_frames = frames.end - frames.start;
    let options = ExportOptions::default().with_metadata_loss(args.lossy_metadata);
    for frame in frames {
        let descriptor = animation.frame(frame)?.descriptor;
        let n_bytes = animation.frame_bytes(frame)?;
        let mut samples = vec![0; usize::try_from(n_bytes).unwrap_or(usize::MAX)];
        animation.read_frame_into(frame, &mut samples, &mut cache, 0)?;
        let path = folder.join(format!("frame_{frame:04}.{}", args.format));
        let mut out = FileOutput::create(&path, replace)?;
        let image = SourceImage { descriptor, metadata: metadata.get(&frame).cloned().unwrap_or_default() };
        let mut writer = open_writer(format, Box::new(&mut out), &options)?;
        writer.start_image(&image)?;
        writer.write_rows(&samples)?;
        writer.finish()?;
        out.commit()?;
    }
    drop(bar);
    printer.remark(format!("{}: {n_frames} frames", folder.display()));
    Ok(Exit::Good)
}
