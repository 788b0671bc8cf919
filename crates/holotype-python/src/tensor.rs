//! Tensors: elements and descriptors across the border.

use crate::archive::Archive;
use crate::error::{argument_error, raise};
use crate::fields::{MetadataFields, WrittenFields, encryption, into_metadata, metadata_fields};
use crate::write::{Samples, written_fields};
use holotype::{
    ElementOrder, ElementType, Error, FileOutput, NoiseGenerator, NoiseRecipe, OpaqueElement, Replace,
    TensorCodec, TensorDescriptor, TensorItem, TensorOptions, Writer, WriterOptions,
};
use numpy::PyReadwriteArray1;
use pyo3::prelude::*;
use std::io::{Cursor, Seek, Write};
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

/// Start and end along each axis.
type TensorRegion = Vec<(u64, u64)>;

fn region(fields: &TensorRegion) -> Vec<Range<u64>> {
    fields.iter().map(|(start, end)| *start..*end).collect()
}

#[derive(FromPyObject, IntoPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct TensorFields {
    element: String,
    opaque: Option<(String, u32)>,
    shape: Vec<u64>,
    is_fortran: bool,
}

impl TensorFields {
    fn new(descriptor: &TensorDescriptor) -> Self {
        Self {
            element: descriptor.element.name().to_owned(),
            opaque: descriptor.opaque.as_ref().map(|opaque| (opaque.name.clone(), opaque.n_bits)),
            shape: descriptor.shape.clone(),
            is_fortran: descriptor.order == ElementOrder::Fortran,
        }
    }

    pub(crate) fn into_descriptor(self) -> PyResult<TensorDescriptor> {
        let element = ElementType::from_name(&self.element)
            .ok_or_else(|| argument_error(format!("no element type is named {:?}", self.element)))?;
        let order = if self.is_fortran { ElementOrder::Fortran } else { ElementOrder::C };
        let mut descriptor = TensorDescriptor::new(element, &self.shape).with_order(order);
        descriptor.opaque = self.opaque.map(|(name, n_bits)| OpaqueElement { name, n_bits });
        Ok(descriptor)
    }
}

#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct TensorOptionsFields {
    codec: String,
    slice_shape: Option<Vec<u64>>,
    threads: usize,
    metadata: Vec<MetadataFields>,
    /// Generator, seed, offset.
    noise: Option<(String, u64, u64)>,
}

/// Recipes of a generator: named in full, or by the part before what it draws.
fn recipes(noise: Option<(String, u64, u64)>) -> PyResult<Vec<NoiseRecipe>> {
    let Some((name, seed, offset)) = noise else { return Ok(Vec::new()) };
    let is_meant = |generator: &NoiseGenerator| {
        let rest = generator.name().strip_prefix(name.as_str());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let found: Vec<_> = NoiseGenerator::ALL.into_iter().filter(is_meant).collect();
    if found.is_empty() || name.is_empty() {
        let names = NoiseGenerator::ALL.map(NoiseGenerator::name).join(", ");
        return Err(argument_error(format!("generator is one of {names} or their beginnings, not {name:?}")));
    }
    Ok(found.into_iter().map(|generator| NoiseRecipe { generator, seed, offset }).collect())
}

impl TensorOptionsFields {
    pub(crate) fn into_options(self) -> PyResult<TensorOptions> {
        let codec =
            TensorCodec::ALL.into_iter().find(|codec| codec.name() == self.codec).ok_or_else(|| {
                let names = TensorCodec::ALL.map(TensorCodec::name).join(", ");
                argument_error(format!("codec is one of {names}, not {:?}", self.codec))
            })?;
        Ok(TensorOptions::new(codec)
            .with_slice_shape(self.slice_shape)
            .with_n_threads(self.threads)
            .with_noise(recipes(self.noise)?)
            .with_metadata(into_metadata(self.metadata)?))
    }
}

/// Where an archive goes: memory, or a file that appears whole.
enum Output {
    Memory(Cursor<Vec<u8>>),
    File(Box<FileOutput>),
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self {
            Self::Memory(out) => out.write(bytes),
            Self::File(out) => out.write(bytes),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match self {
            Self::Memory(out) => out.flush(),
            Self::File(out) => out.flush(),
        }
    }
}

/// Writes an archive of tensors, one after the other.
#[pyclass(frozen, module = "holotype._holotype")]
pub(crate) struct TensorWriter {
    /// Gone once finished or given up.
    writer: Mutex<Option<Writer<Output>>>,
    path: String,
}

#[pymethods]
impl TensorWriter {
    #[new]
    #[pyo3(signature = (path, overwrite, password=None))]
    fn new(
        py: Python<'_>,
        path: Option<String>,
        overwrite: bool,
        password: Option<Vec<u8>>,
    ) -> PyResult<Self> {
        let options = WriterOptions::default().with_encryption(encryption(password));
        let open = || {
            let out = match &path {
                None => Output::Memory(Cursor::new(Vec::new())),
                Some(path) => {
                    let replace = if overwrite { Replace::Allow } else { Replace::Never };
                    Output::File(Box::new(FileOutput::create(path, replace)?))
                }
            };
            Writer::new(out, options)
        };
        let writer = py.detach(open).map_err(raise)?;
        Ok(Self { writer: Mutex::new(Some(writer)), path: path.unwrap_or_else(|| "<memory>".into()) })
    }

    fn add(
        &self,
        py: Python<'_>,
        name: &str,
        descriptor: TensorFields,
        elements: Samples<'_>,
        options: TensorOptionsFields,
    ) -> PyResult<()> {
        let (descriptor, options) = (descriptor.into_descriptor()?, options.into_options()?);
        let elements = elements.as_slice()?;
        let add = || {
            let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
            let writer = writer.as_mut().ok_or_else(closed)?;
            writer.add_tensor(name, &descriptor, elements, &options)
        };
        py.detach(add).map_err(raise)
    }

    fn finish(&self, py: Python<'_>) -> PyResult<WrittenFields> {
        let finish = || {
            let writer =
                self.writer.lock().unwrap_or_else(PoisonError::into_inner).take().ok_or_else(closed)?;
            let (out, seal) = writer.finish()?;
            match out {
                Output::Memory(out) => {
                    let data = out.into_inner();
                    Ok((data.len() as u64, Some(data), seal))
                }
                Output::File(mut file) => {
                    let n_bytes = file.stream_position().map_err(|e| Error::io(&self.path, e))?;
                    file.commit()?;
                    Ok((n_bytes, None, seal))
                }
            }
        };
        let (n_bytes, data, seal) = py.detach(finish).map_err(raise)?;
        Ok(written_fields(py, data, n_bytes, seal))
    }

    /// Leaves nothing at the destination.
    fn abandon(&self) {
        drop(self.writer.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

fn closed() -> Error {
    Error::InvalidArgument { what: "the writer is closed".into() }
}

/// A tensor's description: fields, stored bytes, slices, metadata.
#[pyfunction]
pub(crate) fn tensor_fields(
    py: Python<'_>,
    archive: &Archive,
    name: &str,
) -> PyResult<(TensorFields, u64, u64, Vec<MetadataFields>)> {
    let describe = || {
        let tensor = archive.inner.tensor(name)?;
        let stored = tensor.item().stored_bytes()?;
        Ok((
            TensorFields::new(tensor.descriptor()),
            stored,
            tensor.n_slices(),
            metadata_fields(&tensor.metadata()?),
        ))
    };
    py.detach(describe).map_err(raise)
}

/// Generator, seed and offset of a tensor stored as a recipe.
#[pyfunction]
pub(crate) fn tensor_noise(
    py: Python<'_>,
    archive: &Archive,
    name: &str,
) -> PyResult<Option<(&'static str, u64, u64)>> {
    let noise = py.detach(|| Ok(archive.inner.tensor(name)?.noise().copied())).map_err(raise)?;
    Ok(noise.map(|noise| (noise.generator.name(), noise.seed, noise.offset)))
}

/// Bytes of the elements of a region; refuses what is outside the tensor or above the limits.
#[pyfunction]
pub(crate) fn tensor_region_bytes(
    py: Python<'_>,
    archive: &Archive,
    name: &str,
    fields: TensorRegion,
) -> PyResult<u64> {
    py.detach(|| archive.inner.tensor(name)?.region_bytes(&region(&fields))).map_err(raise)
}

/// Decodes the elements of a region into flat bytes, in the tensor's own order.
#[pyfunction]
pub(crate) fn read_tensor_into(
    py: Python<'_>,
    archive: &Archive,
    name: &str,
    fields: TensorRegion,
    mut out: PyReadwriteArray1<'_, u8>,
    threads: usize,
) -> PyResult<()> {
    let out = out.as_slice_mut().map_err(|e| argument_error(e.to_string()))?;
    py.detach(|| archive.inner.tensor(name)?.read_into(&region(&fields), out, threads)).map_err(raise)
}

/// Offset and size of a tensor's elements in the file if they lie there as in memory; their block was checked.
#[pyfunction]
pub(crate) fn map_tensor(py: Python<'_>, archive: &Archive, name: &str) -> PyResult<Option<(u64, u64)>> {
    py.detach(|| archive.inner.tensor(name).and_then(|tensor: TensorItem<'_>| tensor.mapped())).map_err(raise)
}
