use super::open::{address, open_to_append};
use crate::args::Pack;
use crate::exit::{Exit, Failure};
use crate::names::is_stream;
use crate::password;
use crate::printer::Printer;
use crate::progress::Bar;
use holotype::{
    Error, Exclude, FileOutput, Metadata, ObjectOutput, OpenOptions, Packed, Parent, Replace, Writer,
    WriterOptions,
};
use serde_json::json;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

pub(crate) fn run(args: &Pack, printer: &Printer) -> Result<Exit, Failure> {
    let mut packing = args.profile.packing().with_n_threads(args.threads);
    packing = packing.with_split_checkpoints(args.checkpoints == "tensors");
    if let Some(compression) = args.compression {
        packing = packing.with_compression(compression);
    }
    if let Some(n_bytes) = args.block_size {
        packing = packing.with_block_bytes(n_bytes);
    }
    if let Some(chunking) = args.chunks {
        packing = packing.with_chunking(chunking);
    }
    let replace = if args.force { Replace::Allow } else { Replace::Never };
    if args.access.revision.is_some() {
        return Err(Failure::usage("`--revision` is for reading"));
    }
    let encryption =
        if args.append { None } else { password::encryption(args.encrypt, &args.access.unlock)? };
    let options = WriterOptions::default()
        .with_packing(packing)
        .with_encryption(encryption)
        .with_parents(parents(args)?)
        .with_images(args.images.then(|| args.profile.images().with_n_threads(args.threads)));
    // Neither what is being written nor what it replaces is part of a folder that it is written into.
    let mut exclude = Exclude::new(&args.exclude)?;
    let (packed, n_bytes) = if args.append {
        exclude = exclude.with_file(&args.output);
        append(args, printer, options, &exclude)?
    } else if is_stream(&args.output) {
        let out = BufWriter::with_capacity(1 << 18, std::io::stdout().lock());
        write(args, printer, options, &exclude, out).map(|(_, packed, n)| (packed, n))?
    } else if let Some(address) = address(&args.output) {
        let out = ObjectOutput::create(address, &args.access.remote_options(), replace)?;
        let (out, packed, n) = write(args, printer, options, &exclude, out)?;
        out.commit()?;
        (packed, n)
    } else {
        let file = FileOutput::create(&args.output, replace)?;
        exclude = exclude.with_file(file.hidden_path()).with_file(&args.output);
        let (file, packed, n) = write(args, printer, options, &exclude, file)?;
        file.commit()?;
        (packed, n)
    };
    if exclude.met_files().any(|path| path == args.output) {
        printer.remark(format!("{}: left out, it is the archive itself", args.output.display()));
    }
    for pattern in exclude.unmatched() {
        let what = "matched nothing: a pattern with a `/` is compared with whole paths in the archive";
        printer.remark(format!("`--exclude {pattern}` {what}"));
    }
    if printer.is_json() && !is_stream(&args.output) {
        printer.value(&json!({
            "archive": args.output.to_string_lossy(), "files": packed.n_files,
            "directories": packed.n_directories, "symlinks": packed.n_symlinks, "images": packed.n_images,
            "raw_bytes": packed.n_bytes, "stored_bytes": n_bytes,
        }));
    } else {
        // Of what was added to an archive its whole length is no share.
        let share = match packed.n_bytes {
            0 => String::new(),
            _ if args.append => format!(", {} packed", packed.n_bytes),
            raw => format!(", {:.1} % of {raw}", 100.0 * n_bytes as f64 / raw as f64),
        };
        printer.remark(format!(
            "{}: {} files{}, {} folders, {} links; {n_bytes} bytes{share}",
            args.output.display(),
            packed.n_files,
            if args.images { format!(" ({} as images)", packed.n_images) } else { String::new() },
            packed.n_directories,
            packed.n_symlinks,
        ));
    }
    Ok(Exit::Good)
}

/// Packs into a new revision of the archive that is there.
fn append(
    args: &Pack,
    printer: &Printer,
    options: WriterOptions,
    exclude: &Exclude,
) -> Result<(Packed, u64), Failure> {
    if is_stream(&args.output) || address(&args.output).is_some() {
        return Err(Failure::usage("`--append` is for files; what lies elsewhere may be a `--parent`"));
    }
    let (out, base) = open_to_append(&args.output, &args.access.unlock, &args.access.parents)?;
    let bar = Bar::new(printer, 0, &args.output.to_string_lossy());
    let mut writer = Writer::append(base, out, options.with_progress(bar.progress()))?;
    if args.only {
        writer.remove_all_items()?;
    }
    let packed = fill(args, exclude, &mut writer)?;
    let (out, _seal) = writer.finish()?;
    let n_bytes = out.n_bytes();
    out.commit()?;
    Ok((packed, n_bytes))
}

/// The parents, opened with the password of the archive itself if they need one.
fn parents(args: &Pack) -> Result<Vec<Parent>, Failure> {
    let options = OpenOptions::default().with_password(password::given(&args.access.unlock)?);
    let open = |path: &PathBuf| {
        Parent::open(path, &args.output, &options).map_err(|e| Failure::from(e).about(path.display()))
    };
    args.parent.iter().map(open).collect()
}

/// Packs into `out`; returns it, what was packed, and the bytes of the archive.
fn write<W: Write>(
    args: &Pack,
    printer: &Printer,
    options: WriterOptions,
    exclude: &Exclude,
    out: W,
) -> Result<(W, Packed, u64), Failure> {
    let bar = Bar::new(printer, 0, &args.output.to_string_lossy());
    let options = options.with_progress(bar.progress());
    let mut writer = Writer::new(Counted { out, n_bytes: 0 }, options)?;
    let packed = fill(args, exclude, &mut writer)?;
    let (Counted { mut out, n_bytes }, _seal) = writer.finish()?;
    out.flush().map_err(|e| Error::io(&args.output, e))?;
    Ok((out, packed, n_bytes))
}

/// Packs all inputs.
fn fill<W: Write>(args: &Pack, exclude: &Exclude, writer: &mut Writer<W>) -> Result<Packed, Failure> {
    let paths: Vec<PathBuf> = args.inputs.iter().filter(|path| !is_stream(path)).cloned().collect();
    let mut packed = writer.pack_tree(&paths, exclude)?;
    match args.inputs.len() - paths.len() {
        0 => {}
        1 => {
            packed.n_files += 1;
            let stdin = Box::new(std::io::stdin());
            packed.n_bytes += writer.pack_stream(&args.stdin_name, stdin, &Metadata::default())?;
        }
        _ => return Err(Failure::usage("stdin can be packed once")),
    }
    Ok(packed)
}

/// Counts what goes through.
struct Counted<W> {
    out: W,
    n_bytes: u64,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let n = self.out.write(bytes)?;
        self.n_bytes += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }
}
