//! Tensors: elements and descriptors across the border.

use crate::archive::Archive;
use crate::error::{argument_error, raise};
use crate::fields::{MetadataFields, into_metadata, metadata_fields};
use crate::write::Samples;
use holotype::{
    ElementOrder, ElementType, Error, MaxError, NoiseGenerator, NoiseRecipe, OpaqueElement, TensorCodec,
    TensorDescriptor, TensorOptions, TensorParent,
};
use numpy::PyReadwriteArray1;
use pyo3::prelude::*;
use std::ops::Range;

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
    /// Generator, seed, offset, threads.
    noise: Option<(String, u64, u64, u64)>,
    /// `absolute` or `relative`, and how far values may be off.
    max_error: Option<(String, f64)>,
}

/// Recipes of a generator: named in full, or by the part before what it draws.
fn recipes(noise: Option<(String, u64, u64, u64)>) -> PyResult<Vec<NoiseRecipe>> {
    let Some((name, seed, offset, n_threads)) = noise else { return Ok(Vec::new()) };
    let is_meant = |generator: &NoiseGenerator| {
        let rest = generator.name().strip_prefix(name.as_str());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let found: Vec<_> = NoiseGenerator::ALL.into_iter().filter(is_meant).collect();
    if found.is_empty() || name.is_empty() {
        let names = NoiseGenerator::ALL.map(NoiseGenerator::name).join(", ");
        return Err(argument_error(format!("generator is one of {names} or their beginnings, not {name:?}")));
    }
    if n_threads > 0 && !found.iter().all(|generator| generator.is_cuda()) {
        return Err(argument_error(format!("{name} has no threads of CUDA")));
    }
    let recipe = |generator| NoiseRecipe::new(generator, seed, offset).with_n_threads(n_threads);
    Ok(found.into_iter().map(recipe).collect())
}

impl TensorOptionsFields {
    pub(crate) fn into_options(self) -> PyResult<TensorOptions> {
        let codec =
            TensorCodec::ALL.into_iter().find(|codec| codec.name() == self.codec).ok_or_else(|| {
                let names = TensorCodec::ALL.map(TensorCodec::name).join(", ");
                argument_error(format!("codec is one of {names}, not {:?}", self.codec))
            })?;
        let max_error = match self.max_error.as_ref().map(|(kind, n)| (kind.as_str(), *n)) {
            None => None,
            Some(("absolute", n)) => Some(MaxError::Absolute(n)),
            Some(("relative", n)) => Some(MaxError::Relative(n)),
            Some((kind, _)) => {
                return Err(argument_error(format!("an error is absolute or relative, not {kind:?}")));
            }
        };
        Ok(TensorOptions::new(codec)
            .with_max_error(max_error)
            .with_slice_shape(self.slice_shape)
            .with_n_threads(self.threads)
            .with_noise(recipes(self.noise)?)
            .with_metadata(into_metadata(self.metadata)?))
    }
}

/// Which tensor another is stored against.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct ParentFields<'py> {
    /// `same`, `named`, `added`, `stream` or `content`.
    how: String,
    name: String,
    data: Option<Samples<'py>>,
    first: u64,
}

/// The same, checked.
pub(crate) enum AskedParent<'a> {
    /// The tensor of a parent archive with this name, if it has the type, shape and order; else one that is equal.
    Same(&'a str),
    /// It must have them.
    Named(&'a str),
    /// A tensor added before, and its elements.
    Added(&'a str, &'a [u8]),
    /// Bytes of the parent archive's stream.
    Stream(u64),
    /// Whatever has this content.
    Content(&'a [u8]),
}

impl ParentFields<'_> {
    pub(crate) fn asked(&self) -> PyResult<AskedParent<'_>> {
        let data = self.data.as_ref().map(Samples::as_slice).transpose()?;
        Ok(match (self.how.as_str(), data) {
            ("same", None) => AskedParent::Same(&self.name),
            ("named", None) => AskedParent::Named(&self.name),
            ("added", Some(data)) => AskedParent::Added(&self.name, data),
            ("stream", None) => AskedParent::Stream(self.first),
            ("content", Some(data)) => AskedParent::Content(data),
            _ => return Err(argument_error(format!("no parent is found by {:?}", self.how))),
        })
    }
}

impl<'a> AskedParent<'a> {
    pub(crate) fn find<W: std::io::Write>(
        &self,
        writer: &mut holotype::Writer<W>,
        descriptor: &TensorDescriptor,
        elements: &[u8],
    ) -> holotype::Result<Option<TensorParent<'a>>> {
        match self {
            Self::Same(name) => match writer.parent_tensor(name, descriptor)? {
                None => writer.equal_tensor(descriptor, elements),
                found => Ok(found),
            },
            Self::Named(name) => match writer.parent_tensor(name, descriptor)? {
                Some(parent) => Ok(Some(parent)),
                None => Err(Error::InvalidArgument {
                    what: format!("no parent archive has a tensor `{name}` of this type, shape and order"),
                }),
            },
            Self::Added(name, data) => Ok(Some(TensorParent::added(name, data))),
            Self::Stream(first) => writer.parent_of_stream(*first, elements.len() as u64),
            Self::Content(data) => writer.parent_of_content(data),
        }
    }
}

/// How far the values of a lossy tensor may be from those that were given.
#[pyfunction]
pub(crate) fn tensor_max_error(py: Python<'_>, archive: &Archive, name: &str) -> PyResult<Option<f64>> {
    py.detach(|| Ok(archive.inner.tensor(name)?.max_error())).map_err(raise)
}

/// Name of what a tensor is stored against, and the seal of its archive if that is another.
#[pyfunction]
pub(crate) fn tensor_parent(
    py: Python<'_>,
    archive: &Archive,
    name: &str,
) -> PyResult<Option<(String, Option<String>)>> {
    let parent = py.detach(|| Ok(archive.inner.tensor(name)?.parent().cloned())).map_err(raise)?;
    let hex = |seal: [u8; 32]| seal.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(parent.map(|parent| (parent.name, parent.seal.map(hex))))
}

/// Names of the tensors that a file is made of, in its order; nothing if it is a file like any other.
#[pyfunction]
pub(crate) fn tensors_of_file(
    py: Python<'_>,
    archive: &Archive,
    name: &str,
) -> PyResult<Option<Vec<String>>> {
    py.detach(|| archive.inner.item(name)?.tensors_of_file()).map_err(raise)
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

/// Generator, seed, offset and threads of a tensor stored as a recipe.
#[pyfunction]
pub(crate) fn tensor_noise(
    py: Python<'_>,
    archive: &Archive,
    name: &str,
) -> PyResult<Option<(&'static str, u64, u64, u64)>> {
    let noise = py.detach(|| Ok(archive.inner.tensor(name)?.noise().copied())).map_err(raise)?;
    Ok(noise.map(|noise| (noise.generator.name(), noise.seed, noise.offset, noise.n_threads)))
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

/// Offset and size of the frame in the file that is a header of 32 bytes and a tensor's elements as in memory.
#[pyfunction]
pub(crate) fn raw_frame(py: Python<'_>, archive: &Archive, name: &str) -> PyResult<Option<(u64, u64)>> {
    let frame = py.detach(|| archive.inner.tensor(name)?.raw_frame()).map_err(raise)?;
    Ok(frame.map(|frame| (frame.start, frame.end - frame.start)))
}

/// Checks what was mapped from there.
#[pyfunction]
pub(crate) fn check_raw_frame(
    py: Python<'_>,
    archive: &Archive,
    name: &str,
    frame: Samples<'_>,
) -> PyResult<()> {
    let frame = frame.as_slice()?;
    py.detach(|| archive.inner.tensor(name)?.check_raw_frame(frame)).map_err(raise)
}
