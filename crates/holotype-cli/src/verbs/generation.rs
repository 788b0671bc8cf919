//! `holo generation show | check | export | redact`.

use super::for_each;
use super::info::print;
use super::open::open;
use super::verify::finding;
use crate::args::{Generation, GenerationExport, GenerationRedact, Inputs};
use crate::destination::Destination;
use crate::exit::{Exit, Failure};
use crate::names::is_stream;
use crate::password;
use crate::printer::Printer;
use holotype::formats::Format;
use holotype::generation::{Derivation, Part, PartRole, derive_file, redact};
use holotype::{
    Archive, Encryption, Error, ExportOptions, ItemKind, Limits, VerifyOptions, WriterOptions, export,
    source_format,
};
use serde_json::{Value, json};
use std::fs::File;
use std::io::{BufReader, Read as _, Write as _};
use std::path::Path;

/// Bytes of a file that tell its format.
const PREFIX_BYTES: u64 = 4096;

/// A record: the item that holds or tells it, whether it is stored, and the document.
type Found = (String, bool, Value);

pub(crate) fn run(verb: &Generation, printer: &Printer) -> Result<Exit, Failure> {
    match verb {
        Generation::Show(args) => show(args, printer),
        Generation::Check(args) => check(args, printer),
        Generation::Export(args) => write_part(args, printer),
        Generation::Redact(args) => write_redacted(args, printer),
    }
}

fn show(args: &Inputs, printer: &Printer) -> Result<Exit, Failure> {
    for_each(&args.paths, printer, |path| {
        let found = match picture_record(path)? {
            Some(found) => found,
            None => records(&open(path, &args.access)?)?,
        };
        if found.is_empty() {
            let message =
                format!("{}: there is no generation record, and no image tells one", path.display());
            return Err(Failure::new(Exit::Error, message));
        }
        for (i, (item, is_stored, record)) in found.into_iter().enumerate() {
            let value = json!({
                "archive": path.to_string_lossy(), "item": item, "stored": is_stored, "record": record,
            });
            if printer.is_json() {
                printer.value(&value);
            } else {
                if i > 0 {
                    printer.line("");
                }
                printer.line(format!(
                    "{item}{}",
                    if is_stored { "" } else { " (read from the image's own texts)" }
                ));
                print(printer, &value["record"], 2);
            }
        }
        Ok(Exit::Good)
    })
}

/// What an image file tells, its own name being the item; nothing if it is none.
fn picture_record(path: &Path) -> Result<Option<Vec<Found>>, Failure> {
    if is_stream(path) || !path.is_file() {
        return Ok(None);
    }
    let failed = |e| Error::io(path, e);
    let mut prefix = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(PREFIX_BYTES).read_to_end(&mut prefix).map_err(failed)?;
    if Format::detect(&prefix).is_none() {
        return Ok(None);
    }
    let input = BufReader::new(File::open(path).map_err(failed)?);
    let found = derive_file(Box::new(input), &Limits::default())?;
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let record = |derivation: Derivation| (name, false, Value::Object(derivation.record.document().clone()));
    Ok(Some(found.map(record).into_iter().collect()))
}

/// The records of an archive; of one without any, those that its images tell. True for those that are stored.
fn records(archive: &Archive) -> Result<Vec<Found>, Failure> {
    let mut found = Vec::new();
    for name in archive.generation_names()? {
        let record = archive.generation(&name)?.record().document().clone();
        found.push((name, true, Value::Object(record)));
    }
    if !found.is_empty() {
        return Ok(found);
    }
    for item in archive.items()? {
        let may_tell = match item.kind() {
            ItemKind::Image => true,
            ItemKind::File => is_picture(item.name()),
            _ => false,
        };
        if may_tell && let Some(derivation) = archive.derive_generation(item.name())? {
            let record = derivation.record.document().clone();
            found.push((item.name().to_owned(), false, Value::Object(record)));
        }
    }
    Ok(found)
}

fn is_picture(name: &str) -> bool {
    let extension = std::path::Path::new(name).extension().and_then(|extension| extension.to_str());
    extension.and_then(Format::from_extension).is_some()
}

fn check(args: &Inputs, printer: &Printer) -> Result<Exit, Failure> {
    for_each(&args.paths, printer, |path| {
        let archive = open(path, &args.access)?;
        let report = archive.verify(&VerifyOptions::default())?;
        let mut problems: Vec<String> = report.findings.iter().map(ToString::to_string).collect();
        let names = archive.generation_names()?;
        let mut n_parts = 0;
        for name in &names {
            match archive.generation(name) {
                // `verify` named it already.
                Err(_) => {}
                Ok(generation) => {
                    n_parts += generation.record().parts().len();
                    let lost = generation.check_parts()?;
                    problems.extend(lost.iter().map(|(part, error)| {
                        format!("{name}: {} `{}` is lost: {error}", part.role.name(), part.name)
                    }));
                }
            }
        }
        let is_good = problems.is_empty();
        if printer.is_json() {
            printer.value(&json!({
                "archive": path.to_string_lossy(), "good": is_good, "records": names, "parts": n_parts,
                "problems": problems, "findings": report.findings.iter().map(finding).collect::<Vec<_>>(),
            }));
        } else {
            for problem in &problems {
                printer.line(format!("{}: {problem}", path.display()));
            }
            let state = if is_good { "good" } else { "DAMAGED" };
            printer.line(format!("{}: {state}, {} records, {n_parts} parts", path.display(), names.len()));
        }
        Ok(if is_good { Exit::Good } else { Exit::Integrity })
    })
}

/// Writes an image as it came, with the texts of the program that made it; or the record, or another part.
fn write_part(args: &GenerationExport, printer: &Printer) -> Result<Exit, Failure> {
    let archive = open(&args.input, &args.access)?;
    let name = match &args.record {
        Some(name) => name.clone(),
        None => archive.generation_names()?.into_iter().next().ok_or_else(|| {
            Failure::new(Exit::Error, format!("{}: there is no generation record", args.input.display()))
                .with_hint("`holo decompress` writes images of any archive")
        })?,
    };
    let generation = archive.generation(&name)?;
    let extension = args.output.extension().and_then(|extension| extension.to_str());
    let mut out = Destination::create(&args.output, args.force)?;
    if extension == Some("json") && args.part.is_none() {
        let text = serde_json::to_string_pretty(generation.record().document()).unwrap_or_default();
        writeln!(out, "{text}").map_err(|e| Error::io(&args.output, e))?;
        out.commit()?;
        return Ok(exported(args, printer, &name));
    }
    let is_meant = |part: &Part| match &args.part {
        Some(name) => &part.name == name || &part.item == name,
        None => part.role == PartRole::Image,
    };
    let part = generation.record().parts().into_iter().find(is_meant).ok_or_else(|| {
        let what =
            args.part.as_ref().map_or_else(|| "no image".into(), |name| format!("no part named `{name}`"));
        Failure::new(Exit::Error, format!("the record `{name}` has {what}"))
            .with_hint("`holo generation show` lists its parts")
    })?;
    generation.check_part(&part)?;
    let mut write = |bytes: &[u8]| out.write_all(bytes).map_err(|e| Error::io(&args.output, e));
    match archive.kind(&part.item)? {
        ItemKind::Image => {
            let image = archive.image(&part.item)?;
            let named = extension.and_then(Format::from_extension);
            let format = named.or_else(|| source_format(&image)).unwrap_or(Format::Png);
            export(
                &archive,
                std::slice::from_ref(&part.item),
                format,
                Box::new(&mut out),
                &ExportOptions::default(),
            )?;
        }
        ItemKind::Tensor => {
            let tensor = archive.tensor(&part.item)?;
            if extension == Some("npy") {
                let header = tensor.descriptor().npy_header();
                write(&header.map_err(|error| {
                    Failure::from(error).with_hint("another extension than `npy` gives elements as in memory")
                })?)?;
            }
            write(&tensor.read()?)?;
        }
        _ => archive.read_file(&part.item, &mut write)?,
    }
    out.commit()?;
    Ok(exported(args, printer, &part.item))
}

/// Says what was written, to who asked for JSON.
fn exported(args: &GenerationExport, printer: &Printer, item: &str) -> Exit {
    if printer.is_json() && !is_stream(&args.output) {
        printer.value(&json!({ "file": args.output.to_string_lossy(), "item": item }));
    }
    Exit::Good
}

pub(crate) fn write_redacted(args: &GenerationRedact, printer: &Printer) -> Result<Exit, Failure> {
    let archive = open(&args.input, &args.access)?;
    let encryption = match (archive.is_encrypted(), password::given(&args.access.unlock)?) {
        (false, _) => None,
        (true, Some(password)) => Some(Encryption::with_password(password)),
        (true, None) => Some(Encryption::with_password(password::new(None, None)?)),
    };
    let options = WriterOptions::default().with_encryption(encryption);
    let out = Destination::create(&args.output, args.force)?;
    let (out, seal, report) = redact(&archive, out, options, &args.field)?;
    out.commit()?;
    let hex: String = seal.iter().map(|byte| format!("{byte:02x}")).collect();
    if printer.is_json() {
        let pairs = |pairs: &[(String, Vec<String>)], what: &str| -> Vec<Value> {
            pairs.iter().map(|(item, all)| json!({ "item": item, what: all })).collect()
        };
        let value = json!({
            "archive": args.output.to_string_lossy(), "seal": hex,
            "records": pairs(&report.records, "redacted"), "images": pairs(&report.images, "texts"),
        });
        if !is_stream(&args.output) {
            printer.value(&value);
        }
        return Ok(Exit::Good);
    }
    for (item, paths) in &report.records {
        printer.remark(format!("{item}: took out {}", paths.join(", ")));
    }
    for (item, keys) in &report.images {
        printer.remark(format!("{item}: took out the texts {}", keys.join(", ")));
    }
    Ok(Exit::Good)
}
