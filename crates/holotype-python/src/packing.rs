use crate::error::{argument_error, raise};
use crate::fields::{MetadataFields, RemoteFields, encryption, into_metadata};
use crate::held::Held;
use crate::tensor::{ParentFields, TensorFields, TensorOptionsFields};
use crate::write::Samples;
use holotype::{
    AppendOutput, Chunking, Error, Exclude, FileOutput, ImageOptions, Mode, ObjectOutput, OpenOptions,
    Overlay, Packing, Parent, Password, PreviewChoice, Profile, Replace, WriterOptions,
};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyBytes;
use std::io::{self, Cursor, Read, Seek as _, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// An archive in the making, in a file that appears when it is finished, or in memory.
#[pyclass(frozen, module = "holotype._holotype")]
pub(crate) struct Writer {
    /// Empty once it is finished or given up.
    inner: Mutex<Option<holotype::Writer<Output>>>,
    /// What is written, and what it replaces: no part of a folder that they are in.
    own_files: Vec<PathBuf>,
}

pub(crate) enum Output {
    File(FileOutput),
    Object(Box<ObjectOutput>),
    Append(AppendOutput),
    Memory(Held),
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.write(bytes),
            Self::Object(object) => object.write(bytes),
            Self::Append(file) => file.write(bytes),
            Self::Memory(held) => held.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::File(file) => file.flush(),
            Self::Object(object) => object.flush(),
            Self::Append(file) => file.flush(),
            Self::Memory(_) => Ok(()),
        }
    }
}

impl Writer {
    /// Runs `job` on the writer without the interpreter lock; after an error nothing more can be added, since part of
    /// what failed may be written.
    pub(crate) fn with<T: Send>(
        &self,
        py: Python<'_>,
        job: impl FnOnce(&mut holotype::Writer<Output>) -> holotype::Result<T> + Send,
    ) -> PyResult<T> {
        let run = || {
            let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
            let writer = inner.as_mut().ok_or_else(closed)?;
            let result = job(writer);
            if result.as_ref().is_err_and(|error| !matches!(error, Error::InvalidArgument { .. })) {
                *inner = None;
            }
            result
        };
        py.detach(run).map_err(raise)
    }
}

fn closed() -> Error {
    Error::InvalidArgument { what: "the writer is finished, or an earlier call failed".into() }
}

/// Parents and their passwords.
type Parents = Vec<(PathBuf, Option<Vec<u8>>)>;

fn open_parents(parents: Parents, child: &Path) -> holotype::Result<Vec<Parent>> {
    let open = |(parent, password): (PathBuf, Option<Vec<u8>>)| {
        let options = OpenOptions::default().with_password(password.map(Password::new));
        Parent::open(parent, child, &options)
    };
    parents.into_iter().map(open).collect()
}

impl Writer {
    /// A writer of the next revision of the archive at `path`.
    fn append(
        py: Python<'_>,
        path: PathBuf,
        packing: Packing,
        password: Option<Vec<u8>>,
        parents: Parents,
        images: Option<ImageOptions>,
    ) -> PyResult<Self> {
        let begin = || {
            let open = OpenOptions::default().with_password(password.map(Password::new));
            let (output, base) = AppendOutput::open(&path, &open)?;
            let parents = open_parents(parents, &path)?;
            let options =
                WriterOptions::default().with_packing(packing).with_images(images).with_parents(parents);
            holotype::Writer::append(base, Output::Append(output), options)
        };
        let writer = py.detach(begin).map_err(raise)?;
        Ok(Self { inner: Mutex::new(Some(writer)), own_files: vec![path] })
    }
}

#[pymethods]
impl Writer {
    #[new]
    #[pyo3(signature = (path, overwrite, profile, compression, block_bytes, threads, password, deduplicate=true,
        remote=None, parents=Vec::new(), split_checkpoints=true, images=None, append=false, chunks=None))]
    #[expect(clippy::too_many_arguments, reason = "they are the Python call's")]
    fn new(
        py: Python<'_>,
        path: Option<PathBuf>,
        overwrite: bool,
        profile: &str,
        compression: Option<&str>,
        block_bytes: Option<u32>,
        threads: usize,
        password: Option<Vec<u8>>,
        deduplicate: bool,
        remote: Option<RemoteFields>,
        parents: Parents,
        split_checkpoints: bool,
        images: Option<&str>,
        append: bool,
        chunks: Option<(u32, u32, u32)>,
    ) -> PyResult<Self> {
        let named = Profile::from_name(profile).ok_or_else(|| {
            let names = Profile::ALL.map(Profile::name).join(", ");
            argument_error(format!("profile is one of {names}, not {profile:?}"))
        })?;
        let mut packing = named
            .packing()
            .with_n_threads(threads)
            .with_deduplicate(deduplicate)
            .with_split_checkpoints(split_checkpoints);
        if let Some(compression) = compression {
            let parsed = compression.parse().map_err(|e: holotype_container::Error| raise(e.into()))?;
            packing = packing.with_compression(parsed);
        }
        if let Some(n) = block_bytes {
            packing = packing.with_block_bytes(n);
        }
        if let Some((min, average, max)) = chunks {
            if !average.is_power_of_two() {
                return Err(argument_error(format!(
                    "the average of chunks is a power of two, not {average}"
                )));
            }
            let chunking = Chunking::new(min, average.ilog2(), max).map_err(|e| raise(e.into()))?;
            packing = packing.with_chunking(chunking);
        }
        let images = match images {
            None => None,
            Some("") => Some(named.images()),
            Some("fast") => Some(ImageOptions::new(Mode::Fast)),
            Some("standard") => Some(ImageOptions::new(Mode::Standard)),
            Some("archival") => Some(ImageOptions::new(Mode::Archival)),
            Some(mode) => {
                return Err(argument_error(format!(
                    "images is a bool, fast, standard or archival, not {mode:?}"
                )));
            }
        };
        let images = images.map(|images| images.with_n_threads(threads).with_preview(PreviewChoice::Off));
        let replace = if overwrite { Replace::Allow } else { Replace::Never };
        let output = match (path.clone(), remote) {
            (Some(path), None) if append => {
                return Self::append(py, path, packing, password, parents, images);
            }
            (_, Some(_)) | (None, _) if append => {
                return Err(argument_error("only archives in files are appended to".into()));
            }
            (Some(address), Some(remote)) => {
                let address = address.to_str().ok_or_else(|| argument_error("an address is text".into()))?;
                let options = remote.into_options()?;
                let create = || ObjectOutput::create(address, &options, replace);
                Output::Object(Box::new(py.detach(create).map_err(raise)?))
            }
            (Some(path), None) => Output::File(FileOutput::create(&path, replace).map_err(raise)?),
            (None, _) => Output::Memory(Held::default()),
        };
        let child = path.unwrap_or_default();
        let own_files = match &output {
            Output::File(file) => vec![file.hidden_path().to_path_buf(), child.clone()],
            _ => Vec::new(),
        };
        let begin = || {
            let options = WriterOptions::default()
                .with_packing(packing)
                .with_encryption(encryption(password))
                .with_images(images)
                .with_parents(open_parents(parents, &child)?);
            holotype::Writer::new(output, options)
        };
        let writer = py.detach(begin).map_err(raise)?;
        Ok(Self { inner: Mutex::new(Some(writer)), own_files })
    }

    /// True if an item of that name is there already: added, or in the revision before.
    fn has_item(&self, py: Python<'_>, name: &str) -> PyResult<bool> {
        self.with(py, |writer| writer.has_item(name))
    }

    /// Leaves an item of the revision before out of the new one.
    fn remove_item(&self, py: Python<'_>, name: &str) -> PyResult<()> {
        self.with(py, |writer| writer.remove_item(name))
    }

    /// Leaves all items of the revision before out of the new one.
    fn remove_all_items(&self, py: Python<'_>) -> PyResult<()> {
        self.with(py, holotype::Writer::remove_all_items)
    }

    /// Packs files, folders and links; returns their numbers and the files' bytes.
    fn pack_tree(
        &self,
        py: Python<'_>,
        paths: Vec<PathBuf>,
        exclude: Vec<String>,
    ) -> PyResult<(u64, u64, u64, u64)> {
        let exclude = Exclude::new(exclude).map_err(raise)?;
        let exclude = self.own_files.iter().fold(exclude, Exclude::with_file);
        let packed = self.with(py, |writer| writer.pack_tree(&paths, &exclude))?;
        Ok((packed.n_files, packed.n_directories, packed.n_symlinks, packed.n_bytes))
    }

    /// Packs one file under a name; returns its bytes.
    fn pack_file(
        &self,
        py: Python<'_>,
        name: &str,
        path: PathBuf,
        metadata: Vec<MetadataFields>,
    ) -> PyResult<u64> {
        let metadata = into_metadata(metadata)?;
        self.with(py, |writer| writer.pack_file(name, path, &metadata))
    }

    /// Packs bytes as a file; returns their number.
    fn pack_bytes(
        &self,
        py: Python<'_>,
        name: &str,
        data: PyBackedBytes,
        metadata: Vec<MetadataFields>,
    ) -> PyResult<u64> {
        let metadata = into_metadata(metadata)?;
        self.with(py, |writer| writer.pack_stream(name, Box::new(Cursor::new(data)), &metadata))
    }

    /// Packs what a file object reads as a file; returns its bytes.
    fn pack_file_object(
        &self,
        py: Python<'_>,
        name: &str,
        file: Py<PyAny>,
        metadata: Vec<MetadataFields>,
    ) -> PyResult<u64> {
        let metadata = into_metadata(metadata)?;
        self.with(py, |writer| writer.pack_stream(name, Box::new(Reading(file)), &metadata))
    }

    /// Packs an archive's stream with what an overlay has in its place; returns the bytes.
    fn merge_overlay(
        &self,
        py: Python<'_>,
        name: &str,
        child: PathBuf,
        base: (PathBuf, Option<Vec<u8>>),
        overlay: PathBuf,
        is_thin: bool,
    ) -> PyResult<u64> {
        self.with(py, |writer| {
            let (base, password) = base;
            let overlay = Overlay::open(&overlay)?;
            let options = OpenOptions::default().with_password(password.map(Password::new));
            if is_thin {
                writer.add_parent(Parent::open(&base, &child, &options)?)?;
            }
            let base = holotype::Archive::open_with(&base, &options)?;
            writer.merge_overlay(name, Arc::new(base), overlay)
        })
    }

    /// Adds a tensor; returns its bytes.
    #[pyo3(signature = (name, descriptor, elements, options, parent=None))]
    fn add_tensor(
        &self,
        py: Python<'_>,
        name: &str,
        descriptor: TensorFields,
        elements: Samples<'_>,
        options: TensorOptionsFields,
        parent: Option<ParentFields<'_>>,
    ) -> PyResult<u64> {
        let (descriptor, options) = (descriptor.into_descriptor()?, options.into_options()?);
        let elements = elements.as_slice()?;
        let asked = parent.as_ref().map(ParentFields::asked).transpose()?;
        self.with(py, |writer| {
            let parent = match &asked {
                Some(asked) => asked.find(writer, &descriptor, elements)?,
                None => None,
            };
            match parent {
                Some(parent) => writer.add_tensor_by(name, &descriptor, elements, &parent, &options),
                None => writer.add_tensor(name, &descriptor, elements, &options),
            }
        })?;
        Ok(elements.len() as u64)
    }

    /// Sets the metadata of the archive as a whole.
    fn set_metadata(&self, py: Python<'_>, metadata: Vec<MetadataFields>) -> PyResult<()> {
        let metadata = into_metadata(metadata)?;
        self.with(py, |writer| writer.set_metadata(&metadata))
    }

    /// Bytes of the archive written so far.
    fn written_bytes(&self) -> Option<u64> {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.as_ref().map(holotype::Writer::n_written_bytes)
    }

    /// Ends and seals the archive: it appears under its name, or is returned, or `put` gets it in pieces; its bytes and
    /// seal.
    #[pyo3(signature = (put=None))]
    fn finish(
        &self,
        py: Python<'_>,
        put: Option<Bound<'_, PyAny>>,
    ) -> PyResult<(Option<Py<PyBytes>>, u64, String)> {
        let finish = || {
            let writer =
                self.inner.lock().unwrap_or_else(PoisonError::into_inner).take().ok_or_else(closed)?;
            let (output, seal) = writer.finish()?;
            let (data, n_bytes) = match output {
                Output::Memory(data) => {
                    let n = data.n_bytes();
                    (Some(data), n)
                }
                Output::Object(object) => {
                    let n = object.n_bytes();
                    object.commit()?;
                    (None, n)
                }
                Output::Append(file) => {
                    let n = file.n_bytes();
                    file.commit()?;
                    (None, n)
                }
                Output::File(mut file) => {
                    let n = file.stream_position().map_err(|e| Error::io("the archive", e))?;
                    file.commit()?;
                    (None, n)
                }
            };
            Ok((data, n_bytes, seal))
        };
        let (data, n_bytes, seal) = py.detach(finish).map_err(raise)?;
        let data = match (data, put) {
            (Some(data), Some(put)) => {
                for piece in data.into_pieces() {
                    put.call1((PyBytes::new(py, &piece),))?;
                }
                None
            }
            (data, _) => data.map(|data| data.into_bytes(py)).transpose()?.map(Bound::unbind),
        };
        Ok((data, n_bytes, seal.iter().map(|byte| format!("{byte:02x}")).collect()))
    }

    /// Gives up: nothing appears.
    fn discard(&self) {
        drop(self.inner.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

/// A Python file object, read front to back.
struct Reading(Py<PyAny>);

impl Read for Reading {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        Python::attach(|py| {
            let part: PyBackedBytes =
                self.0.bind(py).call_method1("read", (out.len(),))?.extract().map_err(PyErr::from)?;
            let more = || {
                io::Error::new(io::ErrorKind::InvalidData, "a file object gave more than it was asked for")
            };
            let into = out.get_mut(..part.len()).ok_or_else(more)?;
            into.copy_from_slice(&part);
            Ok(part.len())
        })
    }
}
