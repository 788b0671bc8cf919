use super::open::{address, open_to_append};
use crate::args::Animate;
use crate::destination::Destination;
use crate::exit::{Exit, Failure};
use crate::names::is_stream;
use crate::password;
use crate::printer::Printer;
use crate::progress::Bar;
use holotype::{
    AnimationAppendOptions, AnimationImportOptions, AnimationOptions, AudioTrack, Error, ImageOptions,
    TimeBase, Writer, WriterOptions,
};
use serde_json::json;
use std::fs::File;
use std::io::{BufReader, Read as _, Seek as _, Write};
use std::path::{Path, PathBuf};

pub(crate) fn run(args: &Animate, printer: &Printer) -> Result<Exit, Failure> {
    // A rate makes a frame one tick.
    let timing = match (args.fps, args.delay) {
        (Some(base), _) => Some((base, 1)),
        (None, Some(delay)) => Some((TimeBase::default(), delay)),
        (None, None) => None,
    };
    if args.append {
        return append(args, timing, printer);
    }
    let audio: Vec<(String, &PathBuf)> =
        args.audio.iter().enumerate().map(|(i, path)| (format!("{}/audio/{i}", args.name), path)).collect();
    let image = ImageOptions::new(args.mode.into()).with_n_threads(args.threads);
    let animation = AnimationOptions::default()
        .with_image(image)
        .with_key_interval(args.key_interval)
        .with_audio(audio.iter().map(|(name, _)| name.clone()).collect());
    let options = AnimationImportOptions::new(animation)
        .with_timing(timing)
        .with_loop_count(args.loop_count)
        .with_approximate(args.pixels);
    let encryption = password::encryption(args.encrypt, &args.unlock)?;
    let bar = Bar::new(printer, 0, &args.name);
    let out = Destination::create(&args.output, args.force)?;
    let how = WriterOptions::default().with_progress(bar.progress()).with_encryption(encryption);
    let mut writer = Writer::new(out, how)?;
    let n_frames = writer.import_animation(&args.name, &args.frames, &options)?;
    for (name, path) in audio {
        add_audio(&mut writer, &name, path).map_err(|f| f.about(path.display()))?;
    }
    let (mut out, _seal) = writer.finish()?;
    let n_bytes = out.stream_position().map_err(|e| Error::io(&args.output, e))?;
    out.commit()?;
    drop(bar);
    report(args, n_frames, n_bytes, printer);
    Ok(Exit::Good)
}

fn report(args: &Animate, n_frames: u64, n_bytes: u64, printer: &Printer) {
    let output = args.output.to_string_lossy();
    if printer.is_json() {
        printer.value(&json!({ "archive": output, "frames": n_frames, "stored_bytes": n_bytes }));
    } else {
        printer.remark(format!("{output}: {n_frames} frames, {n_bytes} bytes"));
    }
}

/// Adds frames and sound to an animation that is there.
fn append(args: &Animate, timing: Option<(TimeBase, u64)>, printer: &Printer) -> Result<Exit, Failure> {
    if is_stream(&args.output) || address(&args.output).is_some() {
        return Err(Failure::usage("`--append` is for files"));
    }
    let about = |error: Error| Failure::from(error).about(args.output.display());
    let (out, base) = open_to_append(&args.output, &args.unlock, &[])?;
    let known = base.animation(&args.name).map_err(about)?.description().audio.clone();
    // The numbers of tracks go on.
    let free = (0..).map(|i| format!("{}/audio/{i}", args.name)).filter(|name| !known.contains(name));
    let audio: Vec<(String, &PathBuf)> = free.zip(&args.audio).collect();
    let options = AnimationAppendOptions::default()
        .with_image(ImageOptions::new(args.mode.into()).with_n_threads(args.threads))
        .with_key_interval(args.key_interval)
        .with_audio(audio.iter().map(|(name, _)| name.clone()).collect());
    let bar = Bar::new(printer, 0, &args.name);
    let mut writer = Writer::append(base, out, WriterOptions::default().with_progress(bar.progress()))?;
    let n_frames = writer.append_frame_files(&args.name, &args.frames, timing, args.pixels, &options)?;
    for (name, path) in audio {
        add_audio(&mut writer, &name, path).map_err(|f| f.about(path.display()))?;
    }
    let (out, _seal) = writer.finish()?;
    let n_bytes = out.n_bytes();
    out.commit()?;
    drop(bar);
    report(args, n_frames, n_bytes, printer);
    Ok(Exit::Good)
}

fn add_audio<W: Write>(writer: &mut Writer<W>, name: &str, path: &Path) -> Result<(), Failure> {
    let io = |e| Error::io(path, e);
    let mut file = BufReader::new(File::open(path).map_err(io)?);
    let mut start = Vec::new();
    (&mut file).take(16).read_to_end(&mut start).map_err(io)?;
    file.rewind().map_err(io)?;
    // What is not recognised is known by its extension.
    let extension = || path.extension().map(|e| e.to_string_lossy().to_uppercase());
    let format = match AudioTrack::recognised(&start) {
        Some(format) => format.to_owned(),
        None => extension().filter(|e| !e.is_empty()).unwrap_or_else(|| "UNKNOWN".into()),
    };
    writer.add_audio(name, &AudioTrack::new(format), &mut file)?;
    Ok(())
}
