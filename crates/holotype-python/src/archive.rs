use crate::error::{argument_error, raise};
use crate::fields::{
    ImageFields, ItemFields, MetadataFields, PreviewFields, RegionFields, RemoteFields, ReportFields,
    SummaryFields, UnpackFields, encryption, metadata_fields, region,
};
use crate::source::FileObject;
use holotype::formats::Format;
use holotype::{
    Error, ExportOptions, FileOutput, FlattenOptions, ImageItem, ItemKind, OpenOptions, Password, Region,
    RemoteOptions, Replace, Revision, VerifyOptions, export, flatten, source_format, unpack,
};
use holotype_store::MemorySource;
use numpy::PyReadwriteArray1;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyBytes;
use std::io::Cursor;
use std::path::PathBuf;

/// True for `http://`, `https://` and `s3://` addresses.
#[pyfunction]
pub(crate) fn is_address(text: PathBuf) -> bool {
    text.to_str().is_some_and(holotype::is_address)
}

pub(crate) fn open_options(password: Option<Vec<u8>>) -> OpenOptions {
    OpenOptions::default().with_password(password.map(Password::new))
}

/// The revision that is asked for: none for the last, 0 for the last whole one.
fn revision(number: Option<u64>) -> Revision {
    match number {
        None => Revision::Last,
        Some(0) => Revision::LastWhole,
        Some(number) => Revision::Number(number),
    }
}

/// An open archive.
#[pyclass(frozen, module = "holotype._holotype")]
pub(crate) struct Archive {
    pub(crate) inner: holotype::Archive,
    /// Where it is, if that is far away.
    remote: Option<(String, RemoteOptions)>,
}

/// The archive with a cache of another size than the default.
fn cached(archive: holotype::Archive, cache_bytes: Option<u64>) -> holotype::Archive {
    match cache_bytes {
        Some(n) => archive.with_cache_bytes(n),
        None => archive,
    }
}

impl Archive {
    fn new(inner: holotype::Result<holotype::Archive>) -> PyResult<Self> {
        inner.map(|inner| Self { inner, remote: None }).map_err(raise)
    }

    /// The region asked for, or all of the image, and the bytes of its samples.
    fn extent(
        &self,
        image: &ImageItem<'_>,
        asked: Option<RegionFields>,
    ) -> holotype::Result<(Region, usize)> {
        let asked = asked.map_or_else(|| Region::whole(image.descriptor()), region);
        asked.check(image.descriptor())?;
        let n_bytes = asked.raw_bytes(image.descriptor()).unwrap_or(u64::MAX);
        let limit = self.inner.limits().max_decoded_bytes;
        match usize::try_from(n_bytes) {
            Ok(n) if n_bytes <= limit => Ok((asked, n)),
            _ => Err(Error::LimitExceeded { what: "the size of the samples", found: n_bytes, limit }),
        }
    }
}

/// Where each byte of a file item, or of all of them, is.
#[pyclass(frozen, module = "holotype._holotype")]
pub(crate) struct FileMap {
    inner: holotype::FileMap,
}

#[pymethods]
impl FileMap {
    #[getter]
    fn n_bytes(&self) -> u64 {
        self.inner.n_bytes()
    }
}

#[pymethods]
impl Archive {
    #[staticmethod]
    #[pyo3(signature = (path, password=None, cache_bytes=None, parents=Vec::new(), revision=None))]
    fn open(
        py: Python<'_>,
        path: PathBuf,
        password: Option<Vec<u8>>,
        cache_bytes: Option<u64>,
        parents: Vec<PathBuf>,
        revision: Option<u64>,
    ) -> PyResult<Self> {
        let options = open_options(password).with_parents(parents).with_revision(self::revision(revision));
        let open =
            || holotype::Archive::open_with(path, &options).map(|archive| cached(archive, cache_bytes));
        Self::new(py.detach(open))
    }

    #[staticmethod]
    #[pyo3(signature = (address, remote, password, cache_bytes=None, read_ahead=true,
        parents=Vec::new(), revision=None))]
    #[expect(clippy::too_many_arguments, reason = "they are the Python call's")]
    fn open_remote(
        py: Python<'_>,
        address: String,
        remote: RemoteFields,
        password: Option<Vec<u8>>,
        cache_bytes: Option<u64>,
        read_ahead: bool,
        parents: Vec<PathBuf>,
        revision: Option<u64>,
    ) -> PyResult<Self> {
        let options = remote.into_options()?;
        let open = open_options(password).with_parents(parents).with_revision(self::revision(revision));
        let inner =
            py.detach(|| holotype::Archive::open_remote_with(&address, &options, &open)).map_err(raise)?;
        let inner = cached(inner, cache_bytes).with_read_ahead(read_ahead);
        Ok(Self { inner, remote: Some((address, options)) })
    }

    #[staticmethod]
    #[pyo3(signature = (data, password=None, cache_bytes=None, parents=Vec::new(), revision=None))]
    fn from_bytes(
        py: Python<'_>,
        data: PyBackedBytes,
        password: Option<Vec<u8>>,
        cache_bytes: Option<u64>,
        parents: Vec<PathBuf>,
        revision: Option<u64>,
    ) -> PyResult<Self> {
        let source = Box::new(MemorySource::new(data));
        let options = open_options(password).with_parents(parents).with_revision(self::revision(revision));
        let open = || holotype::Archive::open_source_with(source, "<memory>", &options);
        Self::new(py.detach(|| open().map(|archive| cached(archive, cache_bytes))))
    }

    #[staticmethod]
    #[pyo3(signature = (file, start, end, password, parents=Vec::new(), revision=None))]
    fn from_file_object(
        py: Python<'_>,
        file: Py<PyAny>,
        start: u64,
        end: u64,
        password: Option<Vec<u8>>,
        parents: Vec<PathBuf>,
        revision: Option<u64>,
    ) -> PyResult<Self> {
        let source = Box::new(FileObject::new(file, start, end));
        let options = open_options(password).with_parents(parents).with_revision(self::revision(revision));
        Self::new(py.detach(|| holotype::Archive::open_source_with(source, "<file object>", &options)))
    }

    #[getter]
    fn n_bytes(&self) -> u64 {
        self.inner.n_bytes()
    }

    #[getter]
    fn is_encrypted(&self) -> bool {
        self.inner.is_encrypted()
    }

    #[getter]
    fn format_version(&self) -> u8 {
        self.inner.format_version()
    }

    #[getter]
    fn revision(&self) -> u64 {
        self.inner.revision()
    }

    /// Number, bytes up to its end, and seal of each revision up to this one.
    fn revisions(&self) -> Vec<(u64, u64, String)> {
        let revisions = self.inner.revisions();
        revisions.iter().map(|one| (one.number, one.n_bytes, one.seal_hex())).collect()
    }

    #[getter]
    fn seal(&self) -> String {
        self.inner.seal_hex()
    }

    /// Everything known of every item, in the order they were added.
    fn items(&self, py: Python<'_>) -> PyResult<Vec<ItemFields>> {
        let describe = || -> holotype::Result<Vec<ItemFields>> {
            self.inner.items()?.iter().map(|item| ItemFields::new(&self.inner, item)).collect()
        };
        py.detach(describe).map_err(raise)
    }

    /// Where the bytes of the file item `name` are.
    fn file_map(&self, py: Python<'_>, name: &str) -> PyResult<FileMap> {
        py.detach(|| self.inner.file_map(name)).map(|inner| FileMap { inner }).map_err(raise)
    }

    /// Where the bytes of all files are, one after another.
    fn stream_map(&self, py: Python<'_>) -> PyResult<FileMap> {
        py.detach(|| self.inner.stream_map()).map(|inner| FileMap { inner }).map_err(raise)
    }

    /// At most `n_bytes` bytes of a file from `offset`; fewer only at its end.
    fn read_at<'py>(
        &self,
        py: Python<'py>,
        map: &FileMap,
        offset: u64,
        n_bytes: u64,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let n_bytes = n_bytes.min(map.inner.n_bytes().saturating_sub(offset));
        let limit = self.inner.limits().max_decoded_bytes;
        let what = "the size of a read";
        let refused = || raise(Error::LimitExceeded { what, found: n_bytes, limit });
        let n = usize::try_from(n_bytes).ok().filter(|_| n_bytes <= limit).ok_or_else(refused)?;
        PyBytes::new_with(py, n, |out| {
            py.detach(|| self.inner.read_at(&map.inner, offset, out)).map(drop).map_err(raise)
        })
    }

    /// The metadata of the archive as a whole.
    fn archive_metadata(&self) -> PyResult<Vec<MetadataFields>> {
        self.inner.metadata().map(|metadata| metadata_fields(&metadata)).map_err(raise)
    }

    /// Items, blocks; bytes of the content, of it without repetitions, of the blocks, of the archive.
    fn summary(&self, py: Python<'_>) -> PyResult<SummaryFields> {
        py.detach(|| self.inner.summary()).map(Into::into).map_err(raise)
    }

    /// Number of items.
    #[getter]
    fn n_items(&self) -> u64 {
        self.inner.n_items()
    }

    /// Kind of an item.
    fn kind(&self, py: Python<'_>, name: &str) -> PyResult<&'static str> {
        py.detach(|| self.inner.kind(name)).map(ItemKind::name).map_err(raise)
    }

    /// True of a file, and of an image that stands for one.
    fn holds_file(&self, py: Python<'_>, name: &str) -> PyResult<bool> {
        py.detach(|| Ok(self.inner.item(name)?.file().is_some())).map_err(raise)
    }

    /// Seal, bytes and hints of each parent.
    fn parents(&self) -> Vec<(String, u64, Vec<String>)> {
        let fields = |parent: holotype::ParentInfo| (parent.seal_hex(), parent.n_bytes, parent.hints);
        self.inner.parents().into_iter().map(fields).collect()
    }

    /// Copies the archive, and what it names of its parents, into the file at `path`.
    fn flatten(
        &self,
        py: Python<'_>,
        path: PathBuf,
        overwrite: bool,
        password: Option<Vec<u8>>,
    ) -> PyResult<()> {
        let options = FlattenOptions::default().with_encryption(encryption(password));
        let replace = if overwrite { Replace::Allow } else { Replace::Never };
        let copy = || {
            let (file, _seal) = flatten(&self.inner, FileOutput::create(path, replace)?, &options)?;
            file.commit()
        };
        py.detach(copy).map_err(raise)
    }

    /// Writes all files, folders and links into a new folder; returns their number and the files' bytes.
    fn unpack(&self, py: Python<'_>, directory: PathBuf, options: UnpackFields) -> PyResult<(u64, u64)> {
        let options = options.into_options();
        let unpacked = py.detach(|| unpack(&self.inner, directory, &options)).map_err(raise)?;
        Ok((unpacked.n_items, unpacked.n_bytes))
    }

    /// Name and kind of every item, in the order they were added.
    fn names(&self, py: Python<'_>) -> PyResult<Vec<(String, &'static str)>> {
        let items = py.detach(|| self.inner.items()).map_err(raise)?;
        Ok(items.iter().map(|item| (item.name().to_owned(), item.kind().name())).collect())
    }

    /// Names of the items that are not tensors that files are made of.
    fn tree_names(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        let items = py.detach(|| self.inner.tree_items()).map_err(raise)?;
        Ok(items.iter().map(|item| item.name().to_owned()).collect())
    }

    fn image(&self, py: Python<'_>, name: &str) -> PyResult<ImageFields> {
        py.detach(|| self.inner.image(name).map(|image| ImageFields::new(&image))).map_err(raise)
    }

    fn metadata(&self, py: Python<'_>, name: &str) -> PyResult<Vec<MetadataFields>> {
        let metadata = py.detach(|| self.inner.item(name)?.metadata()).map_err(raise)?;
        Ok(metadata_fields(&metadata))
    }

    /// Bytes of the samples of a region; refuses what is outside the image or above the limits.
    fn region_bytes(&self, py: Python<'_>, name: &str, region: Option<RegionFields>) -> PyResult<usize> {
        let extent = || self.extent(&self.inner.image(name)?, region);
        Ok(py.detach(extent).map_err(raise)?.1)
    }

    /// Decodes the samples of a region into flat bytes.
    fn read_into(
        &self,
        py: Python<'_>,
        name: &str,
        region: Option<RegionFields>,
        mut out: PyReadwriteArray1<'_, u8>,
        threads: usize,
    ) -> PyResult<()> {
        let out = out.as_slice_mut().map_err(|e| argument_error(e.to_string()))?;
        let read = || {
            let image = self.inner.image(name)?;
            let (region, _) = self.extent(&image, region)?;
            image.read_into(region, out, threads)
        };
        py.detach(read).map_err(raise)
    }

    /// The samples of a region.
    fn read_bytes<'py>(
        &self,
        py: Python<'py>,
        name: &str,
        region: Option<RegionFields>,
        threads: usize,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let image = py.detach(|| self.inner.image(name)).map_err(raise)?;
        let (region, n_bytes) = self.extent(&image, region).map_err(raise)?;
        PyBytes::new_with(py, n_bytes, |out| {
            py.detach(|| image.read_into(region, out, threads)).map_err(raise)
        })
    }

    /// All bytes of a file item.
    fn read_file<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyBytes>> {
        let item = py.detach(|| self.inner.item(name)).map_err(raise)?;
        let limit = self.inner.limits().max_decoded_bytes;
        if item.raw_bytes() > limit {
            let what = "the size of the file";
            return Err(raise(Error::LimitExceeded { what, found: item.raw_bytes(), limit }));
        }
        let mut data = Vec::new();
        let read = || {
            self.inner.read_file(name, &mut |part| {
                data.extend_from_slice(part);
                Ok(())
            })
        };
        py.detach(read).map_err(raise)?;
        Ok(PyBytes::new(py, &data))
    }

    fn preview(&self, py: Python<'_>, name: &str) -> PyResult<Option<PreviewFields>> {
        let preview = py.detach(|| self.inner.item(name)?.preview()).map_err(raise)?;
        Ok(preview.map(Into::into))
    }

    /// Checks that each of the keys in these files signed; the signatures are `data`, or beside the archive.
    /// Returns the signers in hexadecimal.
    fn check_signatures(
        &self,
        py: Python<'_>,
        public_keys: Vec<String>,
        data: Option<PyBackedBytes>,
    ) -> PyResult<Vec<String>> {
        let check = || {
            let required = crate::signing::public_keys(&public_keys)?;
            match (&data, &self.remote) {
                (Some(data), _) => self.inner.check_signatures(data, &required),
                (None, Some((address, options))) => {
                    self.inner.check_remote_signatures(address, options, &required)
                }
                (None, None) => self.inner.check_signature_file(None, &required),
            }
        };
        let signers = py.detach(check).map_err(raise)?;
        Ok(signers.iter().map(holotype::PublicKey::to_hex).collect())
    }

    fn verify(&self, py: Python<'_>, threads: usize, content: bool) -> PyResult<ReportFields> {
        let options = VerifyOptions::default().with_n_threads(threads).with_content(content);
        py.detach(|| self.inner.verify(&options)).map(Into::into).map_err(raise)
    }

    /// Writes items as one file of another format, or an untouched file; its bytes if there is no path.
    #[expect(clippy::too_many_arguments, reason = "they are the Python call's")]
    fn export<'py>(
        &self,
        py: Python<'py>,
        names: Vec<String>,
        format: &str,
        path: Option<&str>,
        overwrite: bool,
        lossy_metadata: bool,
        region: Option<RegionFields>,
        threads: usize,
    ) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let options = ExportOptions::default()
            .with_region(region.map(crate::fields::region))
            .with_n_threads(threads)
            .with_metadata_loss(lossy_metadata);
        let job = || -> holotype::Result<Option<Vec<u8>>> {
            let Some(path) = path else {
                let mut out = Cursor::new(Vec::new());
                self.export_to(&names, format, &mut out, &options)?;
                return Ok(Some(out.into_inner()));
            };
            let replace = if overwrite { Replace::Allow } else { Replace::Never };
            let mut out = FileOutput::create(path, replace)?;
            self.export_to(&names, format, &mut out, &options)?;
            out.commit()?;
            Ok(None)
        };
        let data = py.detach(job).map_err(raise)?;
        Ok(data.map(|data| PyBytes::new(py, &data)))
    }
}

impl Archive {
    fn export_to(
        &self,
        names: &[String],
        format: &str,
        out: &mut dyn holotype::formats::Output,
        options: &ExportOptions,
    ) -> holotype::Result<()> {
        let wanted = match format {
            "" => None,
            name => Some(Format::from_name(name).ok_or_else(|| Error::InvalidArgument {
                what: format!("no image format is named `{name}`"),
            })?),
        };
        if let [name] = names
            && self.inner.kind(name)? == ItemKind::File
        {
            let kept = self.inner.item(name)?.metadata()?;
            let kept =
                kept.get(holotype::MetadataKind::SourceFormat).and_then(|f| std::str::from_utf8(f).ok());
            if options.region.is_some() || wanted.is_some_and(|f| kept != Some(f.name())) {
                return Err(Error::Unsupported {
                    what: format!(
                        "`{name}` was kept as its untouched {} file and is written only as that",
                        kept.unwrap_or("source")
                    ),
                });
            }
            return self.inner.read_file(name, &mut |part| {
                out.write_all(part).map_err(|e| Error::io("the destination", e))
            });
        }
        let format = match (wanted, names.first()) {
            (Some(format), _) => format,
            (None, Some(name)) => source_format(&self.inner.image(name)?).unwrap_or(Format::Png),
            (None, None) => Format::Png,
        };
        if names.is_empty() {
            return Err(Error::NotFound { name: "<an image>".into() });
        }
        export(&self.inner, names, format, Box::new(out), options)
    }
}
