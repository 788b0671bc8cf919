//! Taking things out on purpose, and saying so. `docs/format.md` §18.4.

use super::source::{holds_texts, source_texts};
use super::{GenerationRecord, derive};
use crate::copying::{copy_alone, copy_item};
use crate::{Archive, Error, ImageItem, Item, ItemKind, Metadata, Result, Writer, WriterOptions};
use holotype_container::hex;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::Write;

/// Members that hold nothing of what image files say: taking them out leaves the files' texts alone.
const APART: [&str; 3] = ["hardware", "environment", "created"];
/// Members that cannot be taken out.
const FIXED: [&str; 3] = ["version", "parts", "redacted"];
/// Fields that say what noise is made of: the recipes of tensors go with them.
const RECIPES: [&str; 2] = ["settings", "settings.seed"];
/// What `redacted` says of texts that were taken out of images.
const TEXTS: &str = "source.texts";

/// What [`redact`] took out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Redacted {
    /// Records of which something was taken out, and what, as dotted paths.
    pub records: Vec<(String, Vec<String>)>,
    /// Images of which texts were taken out, and the keys of the texts.
    pub images: Vec<(String, Vec<String>)>,
}

/// Writes an archive anew without these fields of its records: dotted paths such as `prompt`, `settings.seed`,
/// `hardware`, `environment.gpu`. Of a component of the environment its SHA-256 is left.
///
/// What a field says may also be in the texts that programs leave in images: unless all fields are about hardware,
/// environment or time, those texts, and EXIF, XMP and C2PA data, go out of every image. Tensors that are stored as the noise of a
/// seed are stored as their elements where seeds go. Pixels, latents and other items stay to the
/// bit. The records list what was taken out.
///
/// # Errors
/// `InvalidArgument` if no record has such a field, it cannot be taken out, or an encrypted archive would become a
/// readable one; `Unsupported` if texts are in a file
/// that is kept byte for byte, or hidden in pixels; what reading and writing give.
pub fn redact<W: Write>(
    archive: &Archive,
    out: W,
    options: WriterOptions,
    fields: &[String],
) -> Result<(W, [u8; 32], Redacted)> {
    if archive.is_encrypted() && options.encryption.is_none() {
        return Err(Error::invalid("the archive is encrypted, and who may open the new one is not said"));
    }
    for field in fields {
        if field.is_empty() || FIXED.contains(&top(field)) {
            return Err(Error::invalid(format!("`{field}` cannot be taken out of a record")));
        }
    }
    let clears_texts = fields.iter().any(|field| !APART.contains(&top(field)));
    let clears_recipes = fields.iter().any(|field| RECIPES.contains(&field.as_str()));
    let mut report = Redacted::default();
    let items = archive.items()?;
    let mut records = BTreeMap::new();
    for item in items.iter().filter(|item| item.kind() == ItemKind::Generation) {
        let old = archive.generation(item.name())?.record().clone();
        let mut taken: Vec<String> = Vec::new();
        let mut document = old.document().clone();
        for field in fields {
            if take(&mut document, field) {
                taken.push(field.clone());
            }
        }
        records.insert(item.name().to_owned(), (document, taken, old));
    }
    for field in fields {
        if top(field) != "source" && !records.values().any(|(_, taken, _)| taken.contains(field)) {
            return Err(Error::invalid(format!("no generation record has a field `{field}`")));
        }
    }
    let mut writer = Writer::new(out, options)?;
    writer.set_metadata(&archive.metadata()?)?;
    let mut cleared = BTreeMap::new();
    if clears_texts {
        for item in &items {
            if let Some(metadata) = without_texts(archive, item, &mut report)? {
                cleared.insert(item.name(), metadata);
            }
        }
    }
    let mut copied = BTreeMap::new();
    for item in &items {
        let Some((document, mut taken, old)) = records.remove(item.name()) else {
            if clears_recipes && item.kind() == ItemKind::Tensor {
                let tensor = archive.tensor(item.name())?;
                if tensor.noise().is_some() {
                    copy_alone(&mut writer, &tensor, item.name(), None)?;
                    continue;
                }
            }
            copy_item(&mut writer, item, item.name(), cleared.get(item.name()), &mut copied)?;
            continue;
        };
        let is_of_part = |part: &super::Part| cleared.contains_key(part.item.as_str());
        let mut document = document;
        if old.parts().iter().any(is_of_part) || (clears_texts && take(&mut document, TEXTS)) {
            take(&mut document, TEXTS);
            if !taken.iter().any(|path| path == TEXTS) {
                taken.push(TEXTS.into());
            }
        }
        taken.retain(|path| !old.redacted().contains(path));
        let new = noted(document, &old, &taken)?;
        writer.add_generation(item.name(), &new)?;
        if !taken.is_empty() {
            report.records.push((item.name().to_owned(), taken));
        }
    }
    let (out, seal) = writer.finish()?;
    Ok((out, seal, report))
}

fn top(field: &str) -> &str {
    field.split('.').next().unwrap_or_default()
}

/// The record with what was taken out listed.
fn noted(
    mut document: Map<String, Value>,
    old: &GenerationRecord,
    taken: &[String],
) -> Result<GenerationRecord> {
    let mut paths = old.redacted();
    paths.extend(taken.iter().cloned());
    paths.dedup();
    if !paths.is_empty() {
        document.insert("redacted".into(), json!(paths));
    }
    GenerationRecord::new(document)
}

/// Takes a field out; true if it was there.
fn take(document: &mut Map<String, Value>, field: &str) -> bool {
    if let Some(id) = field.strip_prefix("environment.")
        && let Some(Value::Array(components)) =
            document.get_mut("environment").and_then(|e| e.get_mut("components"))
    {
        return hide(components, id);
    }
    // A member's own name may have dots.
    if document.shift_remove(field).is_some() {
        return true;
    }
    field.match_indices('.').any(|(at, _)| {
        let inner = document.get_mut(&field[..at]).and_then(Value::as_object_mut);
        inner.is_some_and(|inner| take(inner, &field[at + 1..]))
    })
}

/// Leaves of a component of the environment its digest.
fn hide(components: &mut [Value], id: &str) -> bool {
    let mut found = false;
    for component in components {
        if let Value::String(text) = component
            && text.strip_prefix("name=").is_some_and(|rest| rest.split(';').next() == Some(id))
        {
            *component = json!({"id": id, "sha256": hex(&Sha256::digest(text.as_bytes()))});
            found = true;
        }
    }
    found
}

/// The metadata of an image without texts; nothing if it has none.
fn without_texts(archive: &Archive, item: &Item<'_>, report: &mut Redacted) -> Result<Option<Metadata>> {
    let hidden = |what: &str| {
        let what = format!("`{}` holds texts {what}, which cannot be taken out", item.name());
        Err(Error::Unsupported { what })
    };
    match item.kind() {
        ItemKind::Image => {
            let image: ImageItem<'_> = archive.image(item.name())?;
            let mut metadata = image.metadata().clone();
            let keys: Vec<String> = source_texts(&metadata).into_iter().map(|text| text.key).collect();
            let n_before = metadata.entries.len();
            metadata.entries.retain(|entry| !holds_texts(entry));
            if derive::is_hidden(&image)? {
                return hidden("in its pixels");
            }
            if metadata.entries.len() == n_before {
                return Ok(None);
            }
            report.images.push((item.name().to_owned(), keys));
            Ok(Some(metadata))
        }
        ItemKind::File => {
            let mut bytes = Vec::new();
            archive.read_file(item.name(), &mut |part| {
                bytes.extend_from_slice(part);
                Ok(())
            })?;
            let metadata = derive::metadata_of(bytes, archive.limits())?;
            if metadata.entries.iter().any(holds_texts) {
                hidden("in a file that is kept byte for byte")
            } else {
                Ok(None)
            }
        }
        _ => Ok(None),
    }
}
