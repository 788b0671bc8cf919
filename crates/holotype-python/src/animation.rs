//! Animations and sound across the border.

use crate::archive::Archive;
use crate::error::{argument_error, raise};
use crate::fields::{
    DescriptorFields, MetadataFields, OptionsFields, WrittenFields, into_metadata, metadata_fields,
};
use crate::write::{Fill, Samples, write_archive};
use holotype::{
    AnimationAppendOptions, AnimationExportOptions, AnimationImportOptions, AnimationItem, AnimationOptions,
    AppendOutput, AudioTrack, Error, Frame, FrameCache, OpenOptions, Password, Replace, TimeBase, Writer,
    WriterOptions,
};
use numpy::PyReadwriteArray1;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyBytes, PyIterator};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

#[derive(FromPyObject)]
#[pyo3(from_item_all)]
struct FrameFields<'py> {
    descriptor: DescriptorFields,
    samples: Samples<'py>,
    delay: u64,
    metadata: Vec<MetadataFields>,
}

#[derive(FromPyObject)]
#[pyo3(from_item_all)]
struct AudioFields {
    name: String,
    format: String,
    data: PyBackedBytes,
}

#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct AnimationOptionsFields {
    image: OptionsFields,
    loop_count: u64,
    time_base: (u32, u32),
    key_interval: u32,
    poster: u64,
    metadata: Vec<MetadataFields>,
    audio: Vec<AudioFields>,
}

/// Frames that an iterator gives.
struct FrameIterator {
    frames: Py<PyIterator>,
    /// What the iterator raised.
    raised: Arc<Mutex<Option<PyErr>>>,
}

impl FrameIterator {
    fn new(frames: Py<PyIterator>) -> Self {
        Self { frames, raised: Arc::default() }
    }

    /// What `result` is, or what the iterator raised.
    fn raise<T>(raised: &Mutex<Option<PyErr>>, result: holotype::Result<T>) -> PyResult<T> {
        match raised.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(error) => Err(error),
            None => result.map_err(raise),
        }
    }

    fn next(&self) -> holotype::Result<Option<Frame>> {
        let next = |py: Python<'_>| -> PyResult<Option<Frame>> {
            let Some(frame) = self.frames.bind(py).clone().next().transpose()? else { return Ok(None) };
            let FrameFields { descriptor, samples, delay, metadata } = frame.extract()?;
            let samples = samples.as_slice()?.to_vec();
            let frame = Frame::new(descriptor.into_descriptor()?, samples, delay);
            Ok(Some(frame.with_metadata(into_metadata(metadata)?)))
        };
        Python::attach(next).map_err(|error| {
            *self.raised.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            Error::InvalidArgument { what: "the frames could not be had".into() }
        })
    }
}

/// An archive of one animation and its sound.
struct OneAnimation {
    name: String,
    frames: FrameIterator,
    options: AnimationOptions,
    audio: Vec<AudioFields>,
}

impl Fill<u64> for OneAnimation {
    fn fill<W: std::io::Write>(self, writer: &mut Writer<W>) -> holotype::Result<u64> {
        let n_frames = writer.add_animation(&self.name, &mut || self.frames.next(), &self.options)?;
        add_audio(writer, &self.audio)?;
        Ok(n_frames)
    }
}

fn add_audio<W: std::io::Write>(writer: &mut Writer<W>, audio: &[AudioFields]) -> holotype::Result<()> {
    audio.iter().try_for_each(|AudioFields { name, format, data }| {
        writer.add_audio(name, &AudioTrack::new(format.clone()), &mut &data[..]).map(drop)
    })
}

/// Writes an archive of one animation, whose frames an iterator gives, and its sound.
#[pyfunction]
pub(crate) fn write_animation(
    py: Python<'_>,
    path: Option<&str>,
    overwrite: bool,
    name: String,
    frames: Py<PyIterator>,
    options: AnimationOptionsFields,
) -> PyResult<WrittenFields> {
    let AnimationOptionsFields { image, loop_count, time_base, key_interval, poster, metadata, audio } =
        options;
    let writer = image.writer_options();
    let options = AnimationOptions::default()
        .with_image(image.into_options()?)
        .with_loop_count(loop_count)
        .with_time_base(TimeBase::new(time_base.0, time_base.1).map_err(raise)?)
        .with_key_interval(key_interval)
        .with_poster(poster)
        .with_audio(audio.iter().map(|track| track.name.clone()).collect())
        .with_metadata(into_metadata(metadata)?);
    let frames = FrameIterator::new(frames);
    let raised = frames.raised.clone();
    let one = OneAnimation { name, frames, options, audio };
    let result = py.detach(|| write_archive(path, overwrite, writer, one));
    FrameIterator::raise(&raised, result)?.1.into_fields(py)
}

#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct AnimationAppendFields {
    image: OptionsFields,
    key_interval: u32,
    audio: Vec<AudioFields>,
    password: Option<Vec<u8>>,
}

/// Adds frames and sound to an animation of the archive at `path`, as a new revision; returns how many frames it has.
#[pyfunction]
pub(crate) fn append_frames(
    py: Python<'_>,
    path: &str,
    name: &str,
    frames: Py<PyIterator>,
    options: AnimationAppendFields,
) -> PyResult<u64> {
    let AnimationAppendFields { image, key_interval, audio, password } = options;
    let options = AnimationAppendOptions::default()
        .with_image(image.into_options()?)
        .with_key_interval(key_interval)
        .with_audio(audio.iter().map(|track| track.name.clone()).collect());
    let frames = FrameIterator::new(frames);
    let append = || {
        let open = OpenOptions::default().with_password(password.map(Password::new));
        let (out, base) = AppendOutput::open(path, &open)?;
        let mut writer = Writer::append(base, out, WriterOptions::default())?;
        let n_frames = writer.append_frames(name, &mut || frames.next(), &options)?;
        add_audio(&mut writer, &audio)?;
        writer.finish()?.0.commit()?;
        Ok(n_frames)
    };
    let result = py.detach(append);
    FrameIterator::raise(&frames.raised, result)
}

#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct AnimationImportFields {
    image: OptionsFields,
    loop_count: Option<u64>,
    /// Time base and delay of every frame.
    timing: Option<((u32, u32), u64)>,
    key_interval: u32,
    poster: u64,
    pixels: bool,
}

/// An archive of the animation that files are.
struct FromFiles {
    name: String,
    paths: Vec<PathBuf>,
    options: AnimationImportOptions,
}

impl Fill<u64> for FromFiles {
    fn fill<W: std::io::Write>(self, writer: &mut Writer<W>) -> holotype::Result<u64> {
        writer.import_animation(&self.name, &self.paths, &self.options)
    }
}

/// Writes an archive of the animation that files are.
#[pyfunction]
pub(crate) fn import_animation(
    py: Python<'_>,
    path: Option<&str>,
    overwrite: bool,
    name: String,
    paths: Vec<PathBuf>,
    options: AnimationImportFields,
) -> PyResult<WrittenFields> {
    let AnimationImportFields { image, loop_count, timing, key_interval, poster, pixels } = options;
    let writer = image.writer_options();
    let timing = match timing {
        Some((base, delay)) => Some((TimeBase::new(base.0, base.1).map_err(raise)?, delay)),
        None => None,
    };
    let animation = AnimationOptions::default()
        .with_image(image.into_options()?)
        .with_key_interval(key_interval)
        .with_poster(poster);
    let options = AnimationImportOptions::new(animation)
        .with_timing(timing)
        .with_loop_count(loop_count)
        .with_approximate(pixels);
    let one = FromFiles { name, paths, options };
    let (_, written) = py.detach(|| write_archive(path, overwrite, writer, one)).map_err(raise)?;
    written.into_fields(py)
}

/// Writes an animation as a file of another format; the number of frames.
#[pyfunction]
pub(crate) fn export_animation(
    py: Python<'_>,
    animation: &Animation,
    path: PathBuf,
    frames: (u64, u64),
    lossy_metadata: bool,
    previews: bool,
    overwrite: bool,
) -> PyResult<u64> {
    let options = AnimationExportOptions::default()
        .with_frames(frames.0..frames.1)
        .with_metadata_loss(lossy_metadata)
        .with_previews(previews)
        .with_replace(if overwrite { Replace::Allow } else { Replace::Never });
    let archive = &animation.archive.get().inner;
    animation.with(py, |item| holotype::export_animation(archive, item, &path, &options))
}

/// An animation of an open archive.
#[pyclass(frozen, module = "holotype._holotype")]
pub(crate) struct Animation {
    archive: Py<Archive>,
    shared: Arc<holotype::Animation>,
    cache: Mutex<FrameCache>,
}

impl Animation {
    fn with<T: Send>(
        &self,
        py: Python<'_>,
        job: impl FnOnce(&AnimationItem<'_>) -> holotype::Result<T> + Send,
    ) -> PyResult<T> {
        let archive = self.archive.get();
        py.detach(|| job(&archive.inner.animation_again(&self.shared))).map_err(raise)
    }
}

/// Name of an animation and what is known of it as a whole: frames, loops, time base, poster, names of its sound, name of
/// the animation of its subsampled channels.
type Described = (String, u64, u64, (u32, u32), u64, Vec<String>, Option<String>);

#[pymethods]
impl Animation {
    /// The animation named so, or the first.
    #[new]
    fn new(py: Python<'_>, archive: Py<Archive>, name: Option<&str>) -> PyResult<Self> {
        let inner = &archive.get().inner;
        let find = || {
            let item = match name {
                Some(name) => inner.animation(name)?,
                None => inner.first_animation()?,
            };
            Ok(item.shared())
        };
        let shared = py.detach(find).map_err(raise)?;
        Ok(Self { archive, shared, cache: Mutex::default() })
    }

    fn describe(&self, py: Python<'_>) -> PyResult<Described> {
        self.with(py, |animation| {
            let d = animation.description();
            Ok((
                animation.item().name().to_owned(),
                d.n_frames,
                d.loop_count,
                (d.time_base.numerator(), d.time_base.denominator()),
                d.poster,
                d.audio.clone(),
                d.chroma.clone(),
            ))
        })
    }

    /// Name of the animation of the subsampled channels, which is there and fits.
    fn chroma(&self, py: Python<'_>) -> PyResult<Option<String>> {
        self.with(py, |animation| Ok(animation.chroma()?.map(|chroma| chroma.item().name().to_owned())))
    }

    /// Ticks that each frame is shown.
    fn delays(&self, py: Python<'_>) -> PyResult<Vec<u64>> {
        self.with(py, |animation| animation.delays())
    }

    /// Descriptor, delay, reference and key of a frame.
    fn frame(&self, py: Python<'_>, frame: u64) -> PyResult<(DescriptorFields, u64, Option<u64>, u64)> {
        let info = self.with(py, |animation| animation.frame(frame))?;
        Ok((DescriptorFields::new(&info.descriptor), info.delay, info.reference, info.key))
    }

    fn metadata(&self, py: Python<'_>) -> PyResult<Vec<MetadataFields>> {
        self.with(py, |animation| animation.metadata()).map(|metadata| metadata_fields(&metadata))
    }

    fn frame_metadata(&self, py: Python<'_>, frame: u64) -> PyResult<Vec<MetadataFields>> {
        self.with(py, |animation| animation.frame_metadata(frame)).map(|metadata| metadata_fields(&metadata))
    }

    /// Bytes of a frame's samples; refuses what is above the limits.
    fn frame_bytes(&self, py: Python<'_>, frame: u64) -> PyResult<u64> {
        self.with(py, |animation| animation.frame_bytes(frame))
    }

    /// Decodes a frame into flat bytes; what later frames need is kept.
    fn read_into(
        &self,
        py: Python<'_>,
        frame: u64,
        mut out: PyReadwriteArray1<'_, u8>,
        threads: usize,
    ) -> PyResult<()> {
        let out = out.as_slice_mut().map_err(|e| argument_error(e.to_string()))?;
        self.with(py, |animation| {
            // Who comes while another thread reads does without what is kept.
            match self.cache.try_lock() {
                Ok(mut cache) => animation.read_frame_into(frame, out, &mut cache, threads),
                Err(_) => animation.read_frame_into(frame, out, &mut FrameCache::default(), threads),
            }
        })
    }

    /// Decodes frames one after another into flat bytes, groups that need each other at the same time.
    fn read_frames_into(
        &self,
        py: Python<'_>,
        frames: Vec<u64>,
        mut out: PyReadwriteArray1<'_, u8>,
        threads: usize,
    ) -> PyResult<()> {
        let out = out.as_slice_mut().map_err(|e| argument_error(e.to_string()))?;
        self.with(py, |animation| animation.read_frames_into(&frames, out, threads))
    }
}

/// Format and bytes of a sound.
#[pyfunction]
pub(crate) fn read_audio<'py>(
    py: Python<'py>,
    archive: &Archive,
    name: &str,
) -> PyResult<(String, Bound<'py, PyBytes>)> {
    let read = || {
        let sound = archive.inner.audio(name)?;
        Ok((sound.format().to_owned(), sound.read()?))
    };
    let (format, data) = py.detach(read).map_err(raise)?;
    Ok((format, PyBytes::new(py, &data)))
}

/// The format that the first bytes of a sound show.
#[pyfunction]
pub(crate) fn recognise_audio(start: &[u8]) -> Option<&'static str> {
    AudioTrack::recognised(start)
}
