//! Generation records and their parts across the border.

use crate::archive::Archive;
use crate::error::raise;
use crate::fields::{DescriptorFields, MetadataFields, OptionsFields, encryption, into_metadata};
use crate::packing::Writer;
use crate::tensor::{TensorFields, TensorOptionsFields};
use crate::write::{Samples, SourceFile};
use holotype::formats::SourceImage;
use holotype::generation::{GenerationRecord, Part, derive_file, redact};
use holotype::{Error, FileOutput, ImportOptions, Limits, NoiseGenerator, Replace, WriterOptions};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyBytes;

fn hex(bytes: [u8; 32]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Adds an image of samples; returns its content hash.
#[pyfunction]
pub(crate) fn add_image(
    py: Python<'_>,
    writer: &Writer,
    name: &str,
    descriptor: DescriptorFields,
    metadata: Vec<MetadataFields>,
    samples: Samples<'_>,
    options: OptionsFields,
) -> PyResult<String> {
    let image = SourceImage { descriptor: descriptor.into_descriptor()?, metadata: into_metadata(metadata)? };
    let (samples, options) = (samples.as_slice()?, options.into_options()?);
    writer.with(py, |writer| {
        writer.add_image(name, &image, samples, &options)?;
        Ok(hex(writer.last_content_sha256()))
    })
}

/// Adds the first image of an image file, or the file itself; returns its content hash and whether it is a file.
#[pyfunction]
pub(crate) fn add_image_file(
    py: Python<'_>,
    writer: &Writer,
    name: &str,
    source: SourceFile,
    keep_file: bool,
    options: OptionsFields,
) -> PyResult<(String, bool)> {
    let options = ImportOptions::new(options.into_options()?).with_keep_file(keep_file);
    writer.with(py, |writer| {
        let imported = holotype::import(writer, name, source.open()?, &options)?;
        if let [_, second, ..] = imported.items.as_slice() {
            let what = format!("`{name}` holds several images (`{second}`, …); give them one by one");
            return Err(Error::Unsupported { what });
        }
        Ok((hex(writer.last_content_sha256()), imported.is_file()))
    })
}

/// Adds bytes as a file of its own; returns its content hash.
#[pyfunction]
pub(crate) fn add_attachment(
    py: Python<'_>,
    writer: &Writer,
    name: &str,
    data: PyBackedBytes,
) -> PyResult<String> {
    writer.with(py, |writer| {
        writer.add_file(name, &mut &data[..], None)?;
        Ok(hex(writer.last_content_sha256()))
    })
}

/// Adds a tensor; returns its content hash.
#[pyfunction]
pub(crate) fn add_tensor(
    py: Python<'_>,
    writer: &Writer,
    name: &str,
    descriptor: TensorFields,
    elements: Samples<'_>,
    options: TensorOptionsFields,
) -> PyResult<String> {
    let (descriptor, options) = (descriptor.into_descriptor()?, options.into_options()?);
    let elements = elements.as_slice()?;
    writer.with(py, |writer| {
        writer.add_tensor(name, &descriptor, elements, &options)?;
        Ok(hex(writer.last_content_sha256()))
    })
}

/// Checks a record; returns its text as it is stored.
#[pyfunction]
pub(crate) fn check_generation(text: &str) -> PyResult<String> {
    Ok(GenerationRecord::from_json(text.as_bytes()).map_err(raise)?.to_json())
}

/// Adds a generation record.
#[pyfunction]
pub(crate) fn add_generation(py: Python<'_>, writer: &Writer, name: &str, text: &str) -> PyResult<()> {
    let record = GenerationRecord::from_json(text.as_bytes()).map_err(raise)?;
    writer.with(py, |writer| writer.add_generation(name, &record))
}

/// The text of a generation record, checked.
#[pyfunction]
pub(crate) fn read_generation(py: Python<'_>, archive: &Archive, name: &str) -> PyResult<String> {
    py.detach(|| Ok(archive.inner.generation(name)?.record().to_json())).map_err(raise)
}

/// Checks that the part of a record is the item that was meant.
#[pyfunction]
pub(crate) fn check_part(
    py: Python<'_>,
    archive: &Archive,
    name: &str,
    role: &str,
    item: &str,
) -> PyResult<()> {
    let check = || {
        let generation = archive.inner.generation(name)?;
        let is_meant = |part: &Part| part.item == item && part.role.name() == role;
        let part = generation.record().parts().into_iter().find(is_meant);
        generation.check_part(&part.ok_or_else(|| Error::NotFound { name: item.to_owned() })?)
    };
    py.detach(check).map_err(raise)
}

/// The JSON Schema of records.
#[pyfunction]
pub(crate) fn generation_schema() -> &'static str {
    GenerationRecord::schema()
}

/// Names that recipes may give a generator by: in full, or the part before what it draws.
#[pyfunction]
pub(crate) fn noise_generators() -> Vec<String> {
    let mut names = Vec::new();
    for name in NoiseGenerator::ALL.map(NoiseGenerator::name) {
        let cuts = name.match_indices('.').map(|(at, _)| at).chain([name.len()]);
        names.extend(cuts.map(|end| name[..end].to_owned()));
    }
    names.sort();
    names.dedup();
    names
}

/// Where an item's blocks start, if it has any of its own, and the bytes they take.
#[pyfunction]
pub(crate) fn item_place(py: Python<'_>, archive: &Archive, name: &str) -> PyResult<(Option<u64>, u64)> {
    let place = || {
        let item = archive.inner.item(name)?;
        Ok((item.offset_bytes()?, item.stored_bytes()?))
    };
    py.detach(place).map_err(raise)
}

/// The record that the texts of an image file make.
#[pyfunction]
pub(crate) fn derive_generation_file(py: Python<'_>, source: SourceFile) -> PyResult<Option<String>> {
    let found = py.detach(|| derive_file(source.open()?, &Limits::default())).map_err(raise)?;
    Ok(found.map(|found| found.record.to_json()))
}

/// The record that the texts of an image of an archive make.
#[pyfunction]
pub(crate) fn derive_generation(py: Python<'_>, archive: &Archive, name: &str) -> PyResult<Option<String>> {
    let found = py.detach(|| archive.inner.derive_generation(name)).map_err(raise)?;
    Ok(found.map(|found| found.record.to_json()))
}

/// Items, and what was taken out of each.
type Taken = Vec<(String, Vec<String>)>;

/// Writes an archive anew without fields; its bytes unless it went to a path, and what was taken out of records and
/// images.
#[pyfunction]
pub(crate) fn redact_generation(
    py: Python<'_>,
    archive: &Archive,
    path: Option<&str>,
    overwrite: bool,
    fields: Vec<String>,
    password: Option<Vec<u8>>,
) -> PyResult<(Option<Py<PyBytes>>, Taken, Taken)> {
    let encryption = encryption(password).filter(|_| archive.inner.is_encrypted());
    let options = WriterOptions::default().with_encryption(encryption);
    let work = || {
        let Some(path) = path else {
            let (data, _, redacted) = redact(&archive.inner, Vec::new(), options, &fields)?;
            return Ok((Some(data), redacted));
        };
        let replace = if overwrite { Replace::Allow } else { Replace::Never };
        let (file, _, redacted) =
            redact(&archive.inner, FileOutput::create(path, replace)?, options, &fields)?;
        file.commit()?;
        Ok((None, redacted))
    };
    let (data, redacted) = py.detach(work).map_err(raise)?;
    Ok((data.map(|data| PyBytes::new(py, &data).unbind()), redacted.records, redacted.images))
}
