use crate::error::{argument_error, raise};
use crate::fields::{
    DescriptorFields, ImportedFields, MetadataFields, OptionsFields, WrittenFields, into_metadata,
};
use crate::held::Held;
use holotype::formats::{Input, SourceImage};
use holotype::{Error, FileOutput, ImportOptions, Imported, Replace, Writer, WriterOptions, import};
use numpy::PyReadonlyArray1;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use std::fs::File;
use std::io::{BufReader, Cursor, Seek as _};

/// Samples to store: bytes, or a NumPy array of flat bytes. `bytes` first, so that NumPy is not imported for them.
#[derive(FromPyObject)]
pub(crate) enum Samples<'py> {
    Bytes(PyBackedBytes),
    Array(PyReadonlyArray1<'py, u8>),
}

impl Samples<'_> {
    pub(crate) fn as_slice(&self) -> PyResult<&[u8]> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            Self::Array(array) => array.as_slice().map_err(|e| argument_error(e.to_string())),
        }
    }
}

/// A source file: its path or its bytes.
#[derive(FromPyObject)]
pub(crate) enum SourceFile {
    Path(String),
    Bytes(PyBackedBytes),
}

impl SourceFile {
    pub(crate) fn open(self) -> holotype::Result<Box<dyn Input>> {
        Ok(match self {
            Self::Path(path) => {
                let file = File::open(&path).map_err(|e| Error::io(&path, e))?;
                Box::new(BufReader::with_capacity(1 << 18, file))
            }
            Self::Bytes(bytes) => Box::new(Cursor::new(bytes)),
        })
    }
}

/// What [`write_archive`] leaves: the archive in memory unless it went to a file, its size and seal.
pub(crate) struct Written {
    data: Option<Held>,
    n_bytes: u64,
    seal: [u8; 32],
}

impl Written {
    pub(crate) fn into_fields(self, py: Python<'_>) -> PyResult<WrittenFields> {
        let data = self.data.map(|data| data.into_bytes(py)).transpose()?;
        Ok(WrittenFields {
            data: data.map(|data| data.into_any().unbind()),
            n_bytes: self.n_bytes,
            seal: self.seal.iter().map(|b| format!("{b:02x}")).collect(),
        })
    }
}

/// Writes an archive to `path`, or to memory; `fill` adds its items.
pub(crate) fn write_archive<T>(
    path: Option<&str>,
    overwrite: bool,
    options: WriterOptions,
    fill: impl Fill<T>,
) -> holotype::Result<(T, Written)> {
    let Some(path) = path else {
        let mut writer = Writer::new(Held::default(), options)?;
        let made = fill.fill(&mut writer)?;
        let (data, seal) = writer.finish()?;
        let n_bytes = data.n_bytes();
        return Ok((made, Written { data: Some(data), n_bytes, seal }));
    };
    let replace = if overwrite { Replace::Allow } else { Replace::Never };
    let mut writer = Writer::new(FileOutput::create(path, replace)?, options)?;
    let made = fill.fill(&mut writer)?;
    let (mut file, seal) = writer.finish()?;
    let n_bytes = file.stream_position().map_err(|e| Error::io(path, e))?;
    file.commit()?;
    Ok((made, Written { data: None, n_bytes, seal }))
}

/// Adds items to a writer on any output.
pub(crate) trait Fill<T> {
    fn fill<W: std::io::Write>(self, writer: &mut Writer<W>) -> holotype::Result<T>;
}

struct OneImage<'a> {
    name: &'a str,
    image: SourceImage,
    samples: &'a [u8],
    options: holotype::ImageOptions,
}

impl Fill<()> for OneImage<'_> {
    fn fill<W: std::io::Write>(self, writer: &mut Writer<W>) -> holotype::Result<()> {
        writer.add_image(self.name, &self.image, self.samples, &self.options)
    }
}

struct OneFile<'a> {
    name: &'a str,
    source: SourceFile,
    options: ImportOptions,
}

impl Fill<Imported> for OneFile<'_> {
    fn fill<W: std::io::Write>(self, writer: &mut Writer<W>) -> holotype::Result<Imported> {
        import(writer, self.name, self.source.open()?, &self.options)
    }
}

/// Writes an archive of one image.
#[pyfunction]
#[expect(clippy::too_many_arguments, reason = "they are the Python call's")]
pub(crate) fn encode_image(
    py: Python<'_>,
    path: Option<&str>,
    overwrite: bool,
    name: &str,
    descriptor: DescriptorFields,
    metadata: Vec<MetadataFields>,
    samples: Samples<'_>,
    options: OptionsFields,
) -> PyResult<WrittenFields> {
    let image = SourceImage { descriptor: descriptor.into_descriptor()?, metadata: into_metadata(metadata)? };
    let writer = options.writer_options();
    let one = OneImage { name, image, samples: samples.as_slice()?, options: options.into_options()? };
    let ((), written) = py.detach(|| write_archive(path, overwrite, writer, one)).map_err(raise)?;
    written.into_fields(py)
}

/// Writes an archive of the images of a source file, or of its untouched bytes if it is lossy.
#[pyfunction]
pub(crate) fn import_file(
    py: Python<'_>,
    source: SourceFile,
    path: Option<&str>,
    overwrite: bool,
    name: &str,
    decode_lossy: bool,
    options: OptionsFields,
) -> PyResult<ImportedFields> {
    let writer = options.writer_options();
    let options = ImportOptions::new(options.into_options()?).with_decode_lossy(decode_lossy);
    let one = OneFile { name, source, options };
    let (imported, written) = py.detach(|| write_archive(path, overwrite, writer, one)).map_err(raise)?;
    Ok(ImportedFields::new(imported, written.into_fields(py)?))
}
