use super::for_each;
use crate::args::Compress;
use crate::exit::{Exit, Failure};
use crate::names::{ARCHIVE_EXTENSION, archive_name, is_stream, pairs, with_output};
use crate::password;
use crate::printer::Printer;
use crate::progress::Bar;
use holotype::formats::{Format, Opaque};
use holotype::{
    Encryption, Error, FileOutput, ImageOptions, ImportOptions, Imported, Replace, Writer, WriterOptions,
    import,
};
use serde_json::json;
use std::fs::File;
use std::io::{BufReader, Cursor, Read as _, Write};
use std::path::Path;
use std::time::Instant;

pub(crate) fn run(args: &Compress, printer: &Printer) -> Result<Exit, Failure> {
    let (paths, folder) = with_output(&args.paths, args.output.as_deref(), |e| e == ARCHIVE_EXTENSION)?;
    if let Some(folder) = folder {
        std::fs::create_dir_all(folder).map_err(|e| Error::io(folder, e))?;
    }
    let encryption = password::encryption(args.encrypt, &args.unlock)?;
    let pairs = pairs(&paths, folder, archive_name)?;
    for_each(&pairs, printer, |(input, output)| {
        one(args, printer, input, output, encryption.as_ref()).map_err(|f| f.about(input.display()))
    })
}

fn one(
    args: &Compress,
    printer: &Printer,
    input: &Path,
    output: &Path,
    encryption: Option<&Encryption>,
) -> Result<Exit, Failure> {
    if args.skip_existing && output.exists() {
        printer.remark(format!("{}: exists, skipped", output.display()));
        return Ok(Exit::Good);
    }
    let started = Instant::now();
    let (imported, stored_bytes) = if is_stream(output) {
        let (imported, archive) = write(args, printer, input, Vec::new(), encryption)?;
        let mut out = std::io::stdout().lock();
        out.write_all(&archive).and_then(|()| out.flush()).map_err(|e| Error::io("-", e))?;
        (imported, archive.len() as u64)
    } else {
        let replace = if args.force { Replace::Allow } else { Replace::Never };
        let (imported, mut file) =
            write(args, printer, input, FileOutput::create(output, replace)?, encryption)?;
        let n_bytes = std::io::Seek::stream_position(&mut file).map_err(|e| Error::io(output, e))?;
        file.commit()?;
        (imported, n_bytes)
    };
    report(printer, input, output, &imported, stored_bytes, started);
    Ok(Exit::Good)
}

fn write<W: Write>(
    args: &Compress,
    printer: &Printer,
    input: &Path,
    out: W,
    encryption: Option<&Encryption>,
) -> Result<(Imported, W), Failure> {
    let image = ImageOptions::new(args.mode.into())
        .with_max_effort(args.max_effort)
        .with_tile_edge(args.tile)
        .with_n_threads(args.threads)
        .with_preview(args.preview.into());
    let options = ImportOptions::new(image).with_decode_lossy(args.pixels);
    let name = if is_stream(input) { "stdin".to_owned() } else { item_name(input) };
    let bar = Bar::new(printer, 0, &name);
    let writer_options =
        WriterOptions::default().with_progress(bar.progress()).with_encryption(encryption.cloned());
    let mut writer = Writer::new(out, writer_options)?;
    let imported = if is_stream(input) {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes).map_err(|e| Error::io("-", e))?;
        import(&mut writer, &name, Box::new(Cursor::new(bytes)), &options)?
    } else {
        let file = File::open(input).map_err(|e| Error::io(input, e))?;
        import(&mut writer, &name, Box::new(BufReader::with_capacity(1 << 18, file)), &options)?
    };
    let (out, _seal) = writer.finish()?;
    Ok((imported, out))
}

fn item_name(input: &Path) -> String {
    input.file_name().map_or_else(|| "image".to_owned(), |n| n.to_string_lossy().into_owned())
}

fn report(
    printer: &Printer,
    input: &Path,
    output: &Path,
    imported: &Imported,
    stored_bytes: u64,
    started: Instant,
) {
    let source_bytes = std::fs::metadata(input).map(|m| m.len()).ok();
    if printer.is_json() {
        let value = json!({
            "input": input.to_string_lossy(), "output": output.to_string_lossy(),
            "format": imported.format.name(), "items": imported.items, "kept_as_file": imported.kept_as_file.is_some(),
            "raw_bytes": imported.raw_bytes, "source_bytes": source_bytes, "stored_bytes": stored_bytes,
            "seconds": started.elapsed().as_secs_f64(),
        });
        if is_stream(output) {
            printer.remark(value.to_string());
        } else {
            printer.value(&value);
        }
        return;
    }
    let percent = |of: u64| 100.0 * stored_bytes as f64 / of.max(1) as f64;
    let beside = source_bytes.map_or(String::new(), |n| format!(", {:.1} % of the source file", percent(n)));
    printer.remark(format!(
        "{} → {}: {} bytes{beside}, {:.1} % of {}",
        input.display(),
        output.display(),
        stored_bytes,
        percent(imported.raw_bytes),
        if imported.kept_as_file.is_some() { "the file" } else { "the samples" },
    ));
    if let Some(why) = imported.kept_as_file {
        printer.remark(format!("note: {}", kept_note(imported.format, why)));
    }
}

/// Why a file was kept as it is, and what else could be done.
fn kept_note(format: Format, why: Opaque) -> String {
    let kept = "so the file itself is kept, byte for byte";
    match why {
        Opaque::Lossy => format!(
            "{format} is lossy: exact pixels would take more space and lose the original, {kept}; \
             `--pixels` stores the decoded pixels instead"
        ),
        _ => format!("this {format} is an animation, {kept}"),
    }
}
