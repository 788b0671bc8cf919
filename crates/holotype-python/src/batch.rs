//! Many images into one array, without the interpreter lock.

use crate::archive::{Archive, open_options};
use crate::error::{argument_error, raise};
use crate::fields::{DescriptorFields, RegionFields, RemoteFields, region};
use holotype::{Error, OpenOptions, Region, RemoteOptions};
use holotype_store::MemorySource;
use numpy::PyReadwriteArray1;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

/// Where an image is: in an open archive, a file, or bytes.
#[derive(FromPyObject)]
pub(crate) enum Place {
    Open(Py<Archive>),
    Path(String),
    Bytes(PyBackedBytes),
}

/// A place and the name of the image there, or the first.
pub(crate) type Asked = (Place, Option<String>);

/// One image to read, and where its samples go.
struct Job<'a> {
    index: usize,
    place: Option<Place>,
    name: Option<String>,
    out: &'a mut [u8],
}

impl Job<'_> {
    fn run(
        self,
        expected: &DescriptorFields,
        asked: Option<Region>,
        open: &OpenOptions,
        remote: &RemoteOptions,
    ) -> holotype::Result<()> {
        let Self { place, name, out, .. } = self;
        let opened;
        let archive = match place {
            Some(Place::Open(ref archive)) => &archive.get().inner,
            Some(Place::Path(path)) => {
                opened = if holotype::is_address(&path) {
                    holotype::Archive::open_remote_with(&path, remote, open)?
                } else {
                    holotype::Archive::open_with(path, open)?
                };
                &opened
            }
            Some(Place::Bytes(bytes)) => {
                let source = Box::new(MemorySource::new(bytes));
                opened = holotype::Archive::open_source_with(source, "<memory>", open)?;
                &opened
            }
            None => return Err(Error::InvalidArgument { what: "there is nothing to read".into() }),
        };
        let image = match name {
            Some(name) => archive.image(&name)?,
            None => archive.first_image()?,
        };
        let descriptor = image.descriptor();
        let whole = asked.unwrap_or_else(|| Region::whole(descriptor));
        whole.check(descriptor)?;
        expected.check_fits(descriptor, &whole)?;
        image.read_into(whole, out, 1)
    }
}

/// Decodes images, or one region of each, into equal parts of `out`; what went wrong with each.
#[pyfunction]
#[expect(clippy::too_many_arguments, reason = "they are the Python call's")]
pub(crate) fn read_many_into(
    py: Python<'_>,
    asked: Vec<Asked>,
    expected: DescriptorFields,
    at: Option<RegionFields>,
    mut out: PyReadwriteArray1<'_, u8>,
    threads: usize,
    remote: RemoteFields,
    password: Option<Vec<u8>>,
) -> PyResult<Vec<Option<Py<PyAny>>>> {
    let (open, remote) = (open_options(password), remote.into_options()?);
    let out = out.as_slice_mut().map_err(|e| argument_error(e.to_string()))?;
    let n = asked.len();
    if n == 0 {
        return Ok(Vec::new());
    }
    let n_bytes = out.len() / n;
    if n_bytes == 0 || n_bytes * n != out.len() {
        return Err(argument_error(format!("the array has no equal parts for {n} images")));
    }
    let parts = out.chunks_exact_mut(n_bytes);
    let jobs = asked.into_iter().zip(parts).enumerate();
    let jobs = jobs.map(|(index, ((place, name), out))| Job { index, place: Some(place), name, out });
    let queue = Mutex::new(jobs);
    let failed = Mutex::new(Vec::new());
    let available = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let n_threads = if threads == 0 { available } else { threads }.min(n);
    let work = || {
        loop {
            let next = queue.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some(job) = next else { break };
            let index = job.index;
            if let Err(error) = job.run(&expected, at.map(region), &open, &remote) {
                failed.lock().unwrap_or_else(PoisonError::into_inner).push((index, error));
            }
        }
    };
    py.detach(|| {
        std::thread::scope(|scope| {
            for _ in 1..n_threads {
                // A thread that cannot be started is no error: the others do its work.
                let _ = std::thread::Builder::new().spawn_scoped(scope, work);
            }
            work();
        });
    });
    let mut errors: Vec<Option<Py<PyAny>>> = (0..n).map(|_| None).collect();
    for (index, error) in failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        if let Some(slot) = errors.get_mut(index) {
            *slot = Some(raise(error).into_value(py).into_any());
        }
    }
    Ok(errors)
}
