//! Items → files of other formats.

use crate::formats::{self, Format, Output, SourceImage};
use crate::{Archive, Error, ImageItem, Progress, Region, Result};

/// How images leave an archive.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct ExportOptions {
    /// Only this box of pixels of each image; default all.
    pub region: Option<Region>,
    /// Threads; 0 (default) uses what the machine offers.
    pub n_threads: usize,
    /// Write even if the format cannot hold some metadata; samples are never lost. Default false.
    pub allow_metadata_loss: bool,
    /// Told of the bytes of samples written.
    pub progress: Progress,
}

impl ExportOptions {
    /// Sets [`Self::region`].
    #[must_use]
    pub fn with_region(mut self, region: Option<Region>) -> Self {
        self.region = region;
        self
    }

    /// Sets [`Self::n_threads`].
    #[must_use]
    pub fn with_n_threads(mut self, n_threads: usize) -> Self {
        self.n_threads = n_threads;
        self
    }

    /// Sets [`Self::allow_metadata_loss`].
    #[must_use]
    pub fn with_metadata_loss(mut self, allow: bool) -> Self {
        self.allow_metadata_loss = allow;
        self
    }

    /// Sets [`Self::progress`].
    #[must_use]
    pub fn with_progress(mut self, progress: Progress) -> Self {
        self.progress = progress;
        self
    }
}

/// The format an image came from, as its metadata says.
#[must_use]
pub fn source_format(image: &ImageItem<'_>) -> Option<Format> {
    let name = image.metadata().get(crate::MetadataKind::SourceFormat)?;
    Format::from_name(std::str::from_utf8(name).ok()?)
}

/// Writes `items` of `archive` as one file of `format`, values exact, in bands of rows.
///
/// # Examples
/// ```
/// # use holotype::{ImageDescriptor, ImageOptions, Metadata, SampleType, SourceImage, Writer, WriterOptions};
/// # let descriptor = ImageDescriptor::new(2, 1, 1, SampleType::U8);
/// # let image = SourceImage { descriptor, metadata: Metadata::default() };
/// # let mut writer = Writer::new(Vec::new(), WriterOptions::default())?;
/// # writer.add_image("dots", &image, &[7, 9], &ImageOptions::default())?;
/// # let archive = holotype::Archive::from_bytes(writer.finish()?.0)?;
/// use holotype::{ExportOptions, export, formats::Format};
/// let mut file = std::io::Cursor::new(Vec::new());
/// export(&archive, &["dots".into()], Format::Pnm, Box::new(&mut file), &ExportOptions::default())?;
/// assert_eq!(file.into_inner(), b"P5\n2 1\n255\n\x07\x09");
/// # Ok::<(), holotype::Error>(())
/// ```
///
/// # Errors
/// `WouldLose` if the format cannot hold everything, before a byte is written; `Corrupt` if the archive is
/// damaged; `Io`.
pub fn export(
    archive: &Archive,
    items: &[String],
    format: Format,
    out: Box<dyn Output + '_>,
    options: &ExportOptions,
) -> Result<()> {
    let images = items.iter().map(|name| archive.image(name)).collect::<Result<Vec<_>>>()?;
    let sources = images.iter().map(|image| describe(image, options.region)).collect::<Result<Vec<_>>>()?;
    if sources.len() > 1 && !format.holds_several_images() {
        return Err(Error::WouldLose {
            format: format.name(),
            losses: vec![format!("all but one of {} images", sources.len())],
        });
    }
    let mut writer = formats::open_writer(format, out, options)?;
    for (image, source) in images.iter().zip(&sources) {
        writer.start_image(source)?;
        let whole = Region::whole(image.descriptor());
        image.read_bands(options.region.unwrap_or(whole), options.n_threads, &mut |rows| {
            options.progress.advance(rows.len() as u64);
            writer.write_rows(rows)
        })?;
    }
    writer.finish()
}

fn describe(image: &ImageItem<'_>, region: Option<Region>) -> Result<SourceImage> {
    let mut descriptor = image.descriptor().clone();
    if let Some(region) = region {
        region.check(&descriptor)?;
        descriptor.width = region.width;
        descriptor.height = region.height;
    }
    Ok(SourceImage { descriptor, metadata: image.metadata().clone() })
}
