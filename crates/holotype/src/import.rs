//! Source files → items.

use crate::formats::{self, Format, Input, Opaque};
use crate::{ImageOptions, Limits, Result, Writer};
use std::io::Write;

/// How a source file becomes items.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct ImportOptions {
    /// How images are stored.
    pub image: ImageOptions,
    /// Store the decoded samples of lossy sources (JPEG, lossy WebP) instead of the untouched file; default
    /// false. Animations are then refused, but for PNG, whose frames stay as chunks of its first image.
    pub decode_lossy: bool,
    /// Store every source file untouched, without a preview; default false.
    pub keep_file: bool,
    /// What a source file may ask for.
    pub limits: Limits,
}

impl ImportOptions {
    /// Options that store images as `image` says.
    #[must_use]
    pub fn new(image: ImageOptions) -> Self {
        Self { image, ..Self::default() }
    }

    /// Sets [`Self::decode_lossy`].
    #[must_use]
    pub fn with_decode_lossy(mut self, decode_lossy: bool) -> Self {
        self.decode_lossy = decode_lossy;
        self
    }

    /// Sets [`Self::keep_file`].
    #[must_use]
    pub fn with_keep_file(mut self, keep_file: bool) -> Self {
        self.keep_file = keep_file;
        self
    }

    /// Sets [`Self::limits`].
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }
}

/// What an import did.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Imported {
    /// The source's format.
    pub format: Format,
    /// Names of the items made.
    pub items: Vec<String>,
    /// Bytes of samples or of file content.
    pub raw_bytes: u64,
    /// Why the file's own bytes were stored instead of pixels, if they were.
    pub kept_as_file: Option<Opaque>,
    /// True if the file's own bytes were stored for whatever reason.
    is_file: bool,
}

impl Imported {
    /// True if the file's own bytes were stored, because it is lossy or animated or because that was asked for.
    #[must_use]
    pub fn is_file(&self) -> bool {
        self.is_file
    }
}

/// Adds the images of a source file, or its untouched bytes if it is lossy or animated.
///
/// `name` names the first item; further images of a file become `name#1`, `name#2`, …
///
/// # Examples
/// ```
/// use holotype::{Archive, ImportOptions, Writer, WriterOptions, import};
/// use std::io::Cursor;
/// let mut writer = Writer::new(Vec::new(), WriterOptions::default())?;
/// let file = Cursor::new(b"P5\n2 1\n255\n\x07\x09");
/// let imported = import(&mut writer, "dots.pgm", Box::new(file), &ImportOptions::default())?;
/// assert_eq!(imported.items, ["dots.pgm"]);
/// let archive = Archive::from_bytes(writer.finish()?.0)?;
/// assert_eq!(archive.image("dots.pgm")?.read()?, [7, 9]);
/// # Ok::<(), holotype::Error>(())
/// ```
///
/// # Errors
/// `Unsupported` if the format is unknown or cannot be read exactly; `SourceFormat` if the file is damaged;
/// `Io`, `LimitExceeded`.
pub fn import<W: Write>(
    writer: &mut Writer<W>,
    name: &str,
    mut input: Box<dyn Input>,
    options: &ImportOptions,
) -> Result<Imported> {
    let io = |e| crate::Error::io(name, e);
    let prefix = formats::prefix(&mut input).map_err(io)?;
    let format = Format::detect(&prefix).ok_or_else(|| {
        crate::Error::unsupported(format!("`{name}` is in no image format this program reads"))
    })?;
    if options.keep_file {
        let raw_bytes = writer.add_file(name, &mut input, Some(format))?;
        return Ok(Imported {
            format,
            items: vec![name.to_owned()],
            raw_bytes,
            kept_as_file: None,
            is_file: true,
        });
    }
    let opaque = if options.decode_lossy { None } else { formats::opaque(format, &mut input)? };
    if opaque.is_some() {
        let choice = options.image.preview;
        let preview = formats::preview_of_file(format, &mut input, choice, &options.limits)?;
        let raw_bytes = writer.add_file_with_preview(name, &mut input, Some(format), preview.as_ref())?;
        return Ok(Imported {
            format,
            items: vec![name.to_owned()],
            raw_bytes,
            kept_as_file: opaque,
            is_file: true,
        });
    }
    let mut reader = formats::open_reader(format, input, &options.limits)?;
    let mut imported =
        Imported { format, items: Vec::new(), raw_bytes: 0, kept_as_file: None, is_file: false };
    while let Some(image) = reader.next_image()? {
        let item = match imported.items.len() {
            0 => name.to_owned(),
            k => format!("{name}#{k}"),
        };
        writer.add_image_rows(&item, &image, &mut |rows| reader.read_rows(rows), &options.image)?;
        imported.raw_bytes += image.descriptor.raw_bytes().unwrap_or(u64::MAX);
        imported.items.push(item);
    }
    Ok(imported)
}
