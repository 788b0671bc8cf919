use super::for_each;
use super::open::open;
use crate::args::Inputs;
use crate::exit::{Exit, Failure};
use crate::printer::Printer;
use holotype::{
    AnimationItem, Archive, ElementOrder, ImageDescriptor, ImageItem, Item, ItemKind, Metadata, ParentInfo,
    TensorItem,
};
use serde_json::{Map, Value, json};
use std::path::Path;

pub(crate) fn run(args: &Inputs, printer: &Printer) -> Result<Exit, Failure> {
    for_each(&args.paths, printer, |path| {
        let archive = open(path, &args.access)?;
        let value = describe(&archive, path)?;
        if printer.is_json() {
            printer.value(&value);
        } else {
            print(printer, &value, 0);
        }
        Ok(Exit::Good)
    })
}

fn describe(archive: &Archive, path: &Path) -> Result<Value, Failure> {
    let items =
        archive.items()?.iter().map(|item| describe_item(archive, item)).collect::<Result<Vec<_>, _>>()?;
    let summary = archive.summary()?;
    let mut value = json!({
        "archive": path.to_string_lossy(), "bytes": archive.n_bytes(), "format_version": archive.format_version(),
        "revision": archive.revision(), "seal": archive.seal_hex(), "encrypted": archive.is_encrypted(),
        "raw_bytes": summary.raw_bytes, "unique_bytes": summary.unique_bytes, "blocks": summary.n_blocks,
        "compression": summary.codec, "metadata": describe_metadata(&archive.metadata()?), "items": items,
    });
    let parents = archive.parents();
    if let (Some(map), false) = (value.as_object_mut(), parents.is_empty()) {
        let parent = |parent: &ParentInfo| json!({"seal": parent.seal_hex(), "bytes": parent.n_bytes, "hints": parent.hints});
        map.insert("parents".into(), parents.iter().map(parent).collect());
    }
    Ok(value)
}

fn describe_item(archive: &Archive, item: &Item<'_>) -> Result<Value, Failure> {
    let mut value = json!({
        "name": item.name(), "kind": item.kind().name(), "raw_bytes": item.raw_bytes(),
        "stored_bytes": item.stored_bytes()?, "sha256": item.content_sha256_hex(),
    });
    let Some(map) = value.as_object_mut() else { return Ok(value) };
    match item.kind() {
        ItemKind::Image => describe_image(&archive.image(item.name())?, map),
        ItemKind::Tensor => describe_tensor(&archive.tensor(item.name())?, map),
        ItemKind::Animation => describe_animation(&archive.animation(item.name())?, map)?,
        ItemKind::Audio => {
            map.insert("format".into(), archive.audio(item.name())?.format().into());
        }
        _ => {}
    }
    map.insert("has_preview".into(), item.has_preview().into());
    map.insert("metadata".into(), describe_metadata(&item.metadata()?));
    Ok(value)
}

/// Adds the fields of a JSON object.
fn add(map: &mut Map<String, Value>, fields: Value) {
    if let Value::Object(fields) = fields {
        map.extend(fields);
    }
}

fn describe_image(image: &ImageItem<'_>, map: &mut Map<String, Value>) {
    describe_samples(image.descriptor(), map);
    map.insert("tile_edge".into(), image.tile_edge().into());
    map.insert("tiles".into(), image.n_tiles().into());
}

fn describe_samples(d: &ImageDescriptor, map: &mut Map<String, Value>) {
    let fields = json!({
        "width": d.width, "height": d.height, "channels": d.n_channels, "sample": d.sample.name(),
        "bits_per_sample": d.bits_per_sample, "colour": d.colour.name(), "alpha": d.alpha.name(),
        "order": d.order.name(), "palette_entries": d.palette.as_ref().map(|p| p.rgb.len()),
        "channel_names": d.channel_names,
    });
    add(map, fields);
}

/// Of frames in several forms the first is described.
fn describe_animation(animation: &AnimationItem<'_>, map: &mut Map<String, Value>) -> Result<(), Failure> {
    let d = animation.description();
    if let Some(first) = d.formats.first() {
        describe_samples(first, map);
    }
    let ticks = animation.delays()?.into_iter().fold(0, u64::saturating_add);
    let fields = json!({
        "frames": d.n_frames, "frame_forms": d.formats.len(), "seconds": d.time_base.milliseconds(ticks) as f64 / 1e3,
        "time_base": format!("{}/{}", d.time_base.numerator(), d.time_base.denominator()),
        "loops": d.loop_count, "audio": d.audio, "chroma": d.chroma, "poster": d.poster,
    });
    add(map, fields);
    Ok(())
}

fn describe_tensor(tensor: &TensorItem<'_>, map: &mut Map<String, Value>) {
    let d = tensor.descriptor();
    let fields = json!({
        "element": d.opaque.as_ref().map_or(d.element.name(), |opaque| &opaque.name), "bits": d.n_bits(),
        "shape": d.shape, "order": if d.order == ElementOrder::C { "C" } else { "Fortran" },
        "slices": tensor.n_slices(), "lossy_max_error": tensor.max_error(),
        "parent": tensor.parent().map(|parent| &parent.name),
        "noise": tensor.noise().map(|noise| {
            json!({ "generator": noise.generator.name(), "seed": noise.seed, "offset": noise.offset })
        }),
    });
    add(map, fields);
}

fn describe_metadata(metadata: &Metadata) -> Value {
    let entries = metadata
        .entries
        .iter()
        .map(|e| json!({ "kind": e.kind.name(), "key": e.key, "bytes": e.data.len(), "text": e.readable() }));
    entries.collect()
}

/// Prints a value as indented `key: value` lines.
pub(super) fn print(printer: &Printer, value: &Value, indent: usize) {
    let pad = " ".repeat(indent);
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                match value {
                    Value::Null => {}
                    Value::Array(list) if list.iter().any(Value::is_object) => {
                        printer.line(format!("{pad}{key}:"));
                        for (i, entry) in list.iter().enumerate() {
                            if i > 0 {
                                printer.line("");
                            }
                            print(printer, entry, indent + 2);
                        }
                    }
                    Value::Array(list) if list.is_empty() => {}
                    Value::String(text) => printer.line(format!("{pad}{key}: {text}")),
                    other => printer.line(format!("{pad}{key}: {other}")),
                }
            }
        }
        other => printer.line(format!("{pad}{other}")),
    }
}
