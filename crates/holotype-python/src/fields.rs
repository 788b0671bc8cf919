//! Descriptors, metadata, options and reports ↔ the dictionaries of `python/holotype/_fields.py`.

use crate::error::argument_error;
use holotype::{
    Alpha, ChannelOrder, ColourModel, Encryption, Finding, ImageDescriptor, ImageItem, ImageOptions,
    Imported, Item, ItemKind, Metadata, MetadataEntry, MetadataKind, Mode, Palette, Password, Preview,
    PreviewChoice, Region, RemoteOptions, S3Options, SampleType, UnpackOptions, VerifyReport,
};
use pyo3::prelude::*;
use std::time::Duration;

/// `(x, y, width, height)`.
pub(crate) type RegionFields = (u32, u32, u32, u32);

pub(crate) fn region((x, y, width, height): RegionFields) -> Region {
    Region { x, y, width, height }
}

/// Finds the value called `name` among `all`.
fn named<T: Copy>(what: &str, all: &[T], name: &str, name_of: impl Fn(T) -> &'static str) -> PyResult<T> {
    all.iter().copied().find(|&value| name_of(value) == name).ok_or_else(|| {
        let names: Vec<_> = all.iter().map(|&value| name_of(value)).collect();
        argument_error(format!("{what} is one of {}, not {name:?}", names.join(", ")))
    })
}

#[derive(FromPyObject, IntoPyObject)]
#[pyo3(from_item_all)]
struct PaletteFields {
    bits: u8,
    rgb: Vec<(u16, u16, u16)>,
    alpha: Vec<u8>,
}

#[derive(FromPyObject, IntoPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct DescriptorFields {
    width: u32,
    height: u32,
    channels: u16,
    sample: String,
    bits_per_sample: u8,
    colour: String,
    alpha: String,
    order: String,
    palette: Option<PaletteFields>,
    channel_names: Vec<String>,
}

impl DescriptorFields {
    pub(crate) fn new(descriptor: &ImageDescriptor) -> Self {
        Self {
            width: descriptor.width,
            height: descriptor.height,
            channels: descriptor.n_channels,
            sample: descriptor.sample.name().to_owned(),
            bits_per_sample: descriptor.bits_per_sample,
            colour: descriptor.colour.name().to_owned(),
            alpha: descriptor.alpha.name().to_owned(),
            order: descriptor.order.name().to_owned(),
            palette: descriptor.palette.as_ref().map(|palette| PaletteFields {
                bits: palette.bits,
                rgb: palette.rgb.iter().map(|&[r, g, b]| (r, g, b)).collect(),
                alpha: palette.alpha.clone(),
            }),
            channel_names: descriptor.channel_names.clone(),
        }
    }

    /// Refuses an image that is not, in `region`, of this size and sample type.
    pub(crate) fn check_fits(&self, image: &ImageDescriptor, region: &Region) -> holotype::Result<()> {
        let wanted = (self.width, self.height, self.channels, self.sample.as_str());
        let found = (region.width, region.height, image.n_channels, image.sample.name());
        if wanted == found {
            return Ok(());
        }
        Err(holotype::Error::InvalidArgument {
            what: format!(
                "the image is {} × {} × {} of {}, the array is for {} × {} × {} of {}",
                found.1, found.0, found.2, found.3, wanted.1, wanted.0, wanted.2, wanted.3
            ),
        })
    }

    pub(crate) fn into_descriptor(self) -> PyResult<ImageDescriptor> {
        let sample = named("sample", &SampleType::ALL, &self.sample, SampleType::name)?;
        let colour = named("colour", &ColourModel::ALL, &self.colour, ColourModel::name)?;
        let alpha = named("alpha", &Alpha::ALL, &self.alpha, Alpha::name)?;
        let order = named("order", &ChannelOrder::ALL, &self.order, ChannelOrder::name)?;
        let mut descriptor = ImageDescriptor::new(self.width, self.height, self.channels, sample)
            .with_colour(colour, alpha)
            .with_order(order)
            .with_bits_per_sample(self.bits_per_sample)
            .with_channel_names(self.channel_names);
        if let Some(PaletteFields { bits, rgb, alpha }) = self.palette {
            let rgb = rgb.into_iter().map(|(r, g, b)| [r, g, b]).collect();
            descriptor = descriptor.with_palette(Palette { bits, rgb, alpha });
        }
        Ok(descriptor)
    }
}

#[derive(FromPyObject, IntoPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct MetadataFields {
    kind: String,
    key: String,
    data: Vec<u8>,
    text: Option<String>,
}

pub(crate) fn metadata_fields(metadata: &Metadata) -> Vec<MetadataFields> {
    let fields = |entry: &MetadataEntry| MetadataFields {
        kind: entry.kind.name().to_owned(),
        key: entry.key.clone(),
        data: entry.data.clone(),
        text: entry.readable(),
    };
    metadata.entries.iter().map(fields).collect()
}

pub(crate) fn into_metadata(fields: Vec<MetadataFields>) -> PyResult<Metadata> {
    let mut metadata = Metadata::default();
    for MetadataFields { kind, key, data, text: _ } in fields {
        metadata.push(named("kind", &MetadataKind::ALL, &kind, MetadataKind::name)?, key, data);
    }
    Ok(metadata)
}

#[derive(IntoPyObject)]
pub(crate) struct ImageFields {
    descriptor: DescriptorFields,
    tile_edge: u32,
    n_tiles: u64,
    has_preview: bool,
}

impl ImageFields {
    pub(crate) fn new(image: &ImageItem<'_>) -> Self {
        Self {
            descriptor: DescriptorFields::new(image.descriptor()),
            tile_edge: image.tile_edge(),
            n_tiles: image.n_tiles(),
            has_preview: image.has_preview(),
        }
    }
}

#[derive(IntoPyObject)]
pub(crate) struct ItemFields {
    name: String,
    kind: &'static str,
    raw_bytes: u64,
    stored_bytes: u64,
    sha256: String,
    metadata: Vec<MetadataFields>,
    image: Option<ImageFields>,
}

impl ItemFields {
    pub(crate) fn new(archive: &holotype::Archive, item: &Item<'_>) -> holotype::Result<Self> {
        let is_image = item.kind() == ItemKind::Image;
        let image = is_image.then(|| archive.image(item.name())).transpose()?;
        Ok(Self {
            name: item.name().to_owned(),
            kind: item.kind().name(),
            raw_bytes: item.raw_bytes(),
            stored_bytes: item.stored_bytes()?,
            sha256: item.content_sha256_hex(),
            metadata: metadata_fields(&item.metadata()?),
            image: image.as_ref().map(ImageFields::new),
        })
    }
}

#[derive(IntoPyObject)]
pub(crate) struct PreviewFields {
    width: u32,
    height: u32,
    channels: u16,
    pixels: Vec<u8>,
}

impl From<Preview> for PreviewFields {
    fn from(Preview { width, height, n_channels, pixels }: Preview) -> Self {
        Self { width, height, channels: n_channels, pixels }
    }
}

#[derive(IntoPyObject)]
struct FindingFields {
    item: Option<String>,
    tile: Option<RegionFields>,
    offset_bytes: Option<u64>,
    n_bytes: Option<u64>,
    message: String,
    in_parent: bool,
}

#[derive(IntoPyObject)]
pub(crate) struct ReportFields {
    n_items: u64,
    n_blocks: u64,
    n_bytes: u64,
    findings: Vec<FindingFields>,
}

impl From<VerifyReport> for ReportFields {
    fn from(report: VerifyReport) -> Self {
        let fields = |finding: Finding| FindingFields {
            message: finding.to_string(),
            item: finding.item,
            tile: finding.tile.map(|t| (t.x, t.y, t.width, t.height)),
            offset_bytes: finding.offset_bytes,
            n_bytes: finding.n_bytes,
            in_parent: finding.in_parent,
        };
        Self {
            n_items: report.n_items,
            n_blocks: report.n_blocks,
            n_bytes: report.n_bytes,
            findings: report.findings.into_iter().map(fields).collect(),
        }
    }
}

/// Who can open an archive that is written: whoever has the password, or everyone.
pub(crate) fn encryption(password: Option<Vec<u8>>) -> Option<Encryption> {
    password.map(|password| Encryption::with_password(Password::new(password)))
}

#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct OptionsFields {
    mode: String,
    max_effort: bool,
    tile_edge: u32,
    threads: usize,
    preview: String,
    password: Option<Vec<u8>>,
}

impl OptionsFields {
    /// How the archive itself is written.
    pub(crate) fn writer_options(&self) -> holotype::WriterOptions {
        holotype::WriterOptions::default().with_encryption(encryption(self.password.clone()))
    }

    pub(crate) fn into_options(self) -> PyResult<ImageOptions> {
        const MODES: [Mode; 3] = [Mode::Fast, Mode::Standard, Mode::Archival];
        const PREVIEWS: [PreviewChoice; 3] = [PreviewChoice::Auto, PreviewChoice::On, PreviewChoice::Off];
        let mode = named("mode", &MODES, &self.mode, |mode| match mode {
            Mode::Fast => "fast",
            Mode::Standard => "standard",
            _ => "archival",
        })?;
        let preview = named("preview", &PREVIEWS, &self.preview, |preview| match preview {
            PreviewChoice::On => "on",
            PreviewChoice::Off => "off",
            _ => "auto",
        })?;
        Ok(ImageOptions::new(mode)
            .with_max_effort(self.max_effort)
            .with_tile_edge(self.tile_edge)
            .with_n_threads(self.threads)
            .with_preview(preview))
    }
}

#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct UnpackFields {
    special_modes: bool,
    xattrs: bool,
    sparse: bool,
    max_bytes: Option<u64>,
    threads: usize,
}

impl UnpackFields {
    pub(crate) fn into_options(self) -> UnpackOptions {
        let options = UnpackOptions::default()
            .with_special_modes(self.special_modes)
            .with_xattrs(self.xattrs)
            .with_sparse(self.sparse)
            .with_n_threads(self.threads);
        match self.max_bytes {
            Some(n) => options.with_max_bytes(n),
            None => options,
        }
    }
}

#[derive(IntoPyObject)]
pub(crate) struct WrittenFields {
    pub(crate) data: Option<Py<PyAny>>,
    pub(crate) n_bytes: u64,
    pub(crate) seal: String,
}

#[derive(IntoPyObject)]
pub(crate) struct ImportedFields {
    written: WrittenFields,
    format: &'static str,
    items: Vec<String>,
    raw_bytes: u64,
    kept_as_file: bool,
}

impl ImportedFields {
    pub(crate) fn new(imported: Imported, written: WrittenFields) -> Self {
        Self {
            written,
            format: imported.format.name(),
            items: imported.items,
            raw_bytes: imported.raw_bytes,
            kept_as_file: imported.kept_as_file.is_some(),
        }
    }
}

#[derive(IntoPyObject)]
pub(crate) struct SummaryFields {
    n_items: u64,
    n_blocks: u64,
    raw_bytes: u64,
    unique_bytes: u64,
    block_bytes: u64,
    archive_bytes: u64,
    max_block_bytes: u64,
    codec: &'static str,
}

impl From<holotype::Summary> for SummaryFields {
    fn from(summary: holotype::Summary) -> Self {
        Self {
            n_items: summary.n_items,
            n_blocks: summary.n_blocks,
            raw_bytes: summary.raw_bytes,
            unique_bytes: summary.unique_bytes,
            block_bytes: summary.block_bytes,
            archive_bytes: summary.archive_bytes,
            max_block_bytes: summary.max_block_bytes,
            codec: summary.codec,
        }
    }
}

/// How an address is reached, as `holotype._remote.Remote` says.
#[derive(FromPyObject)]
pub(crate) struct RemoteFields {
    allow_restricted: bool,
    s3_region: Option<String>,
    endpoint_url: Option<String>,
    anonymous: bool,
    /// Seconds.
    deadline: f64,
}

impl RemoteFields {
    pub(crate) fn into_options(self) -> PyResult<RemoteOptions> {
        let mut s3 = S3Options::default().with_anonymous(self.anonymous);
        s3.region = self.s3_region;
        s3.endpoint_url = self.endpoint_url;
        let deadline = Duration::try_from_secs_f64(self.deadline)
            .map_err(|_| argument_error("the deadline is a number of seconds, 0 or more".into()))?;
        Ok(RemoteOptions::default()
            .with_restricted_allowed(self.allow_restricted)
            .with_s3(s3)
            .with_deadline(deadline))
    }
}
