use crate::{Error, Result, SampleType};
use holotype_codec::TileShape;

/// What the channels of a pixel mean. Discriminants are wire values (`docs/format.md`, image descriptor).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u8)]
pub enum ColourModel {
    /// One luminance channel; 0 is black.
    Gray = 0,
    /// One luminance channel; 0 is white (TIFF WhiteIsZero). Samples are kept as they came.
    GrayInverted = 1,
    /// Red, green, blue.
    Rgb = 2,
    /// Cyan, magenta, yellow, key.
    Cmyk = 3,
    /// One channel of indices into the palette.
    Palette = 4,
    /// Luma and chroma, kept as they came.
    YCbCr = 5,
    /// CIE L*a*b*, kept as it came.
    Lab = 6,
    /// Any number of channels without a colour meaning: bands, depth, labels.
    Channels = 7,
}

impl ColourModel {
    /// Every colour model, in wire order.
    pub const ALL: [Self; 8] = [
        Self::Gray,
        Self::GrayInverted,
        Self::Rgb,
        Self::Cmyk,
        Self::Palette,
        Self::YCbCr,
        Self::Lab,
        Self::Channels,
    ];

    /// Lower-case name, as in `rgb`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gray => "gray",
            Self::GrayInverted => "gray-inverted",
            Self::Rgb => "rgb",
            Self::Cmyk => "cmyk",
            Self::Palette => "palette",
            Self::YCbCr => "ycbcr",
            Self::Lab => "lab",
            Self::Channels => "channels",
        }
    }

    /// Inverse of `self as u8`.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }

    /// Channels the model itself takes; `None` if any number.
    #[must_use]
    pub const fn n_colour_channels(self) -> Option<u16> {
        match self {
            Self::Gray | Self::GrayInverted | Self::Palette => Some(1),
            Self::Rgb | Self::YCbCr | Self::Lab => Some(3),
            Self::Cmyk => Some(4),
            Self::Channels => None,
        }
    }
}

/// Whether the channel after the colour channels is alpha, and how it is applied. Wire values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
#[repr(u8)]
pub enum Alpha {
    /// No alpha channel.
    #[default]
    None = 0,
    /// Colour is not multiplied by alpha; colour under alpha 0 is kept.
    Straight = 1,
    /// Colour is already multiplied by alpha (TIFF associated alpha, EXR).
    Premultiplied = 2,
}

impl Alpha {
    /// Every value, in wire order.
    pub const ALL: [Self; 3] = [Self::None, Self::Straight, Self::Premultiplied];

    /// Lower-case name, as in `straight`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Straight => "straight",
            Self::Premultiplied => "premultiplied",
        }
    }

    /// Inverse of `self as u8`.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }
}

/// Order in which an RGB(A) array came and will be returned. Wire values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
#[repr(u8)]
pub enum ChannelOrder {
    /// Red first (Pillow, PNG, TIFF).
    #[default]
    Rgb = 0,
    /// Blue first (OpenCV). The stored samples are in this order; readers swap on request.
    Bgr = 1,
}

impl ChannelOrder {
    /// Every value, in wire order.
    pub const ALL: [Self; 2] = [Self::Rgb, Self::Bgr];

    /// Lower-case name, as in `bgr`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rgb => "rgb",
            Self::Bgr => "bgr",
        }
    }

    /// Inverse of `self as u8`.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }
}

/// A colour table.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Palette {
    /// Bits of each entry's components: 8 (PNG, GIF, BMP) or 16 (TIFF).
    pub bits: u8,
    /// Red, green, blue of each index.
    pub rgb: Vec<[u16; 3]>,
    /// Alpha of the first entries (PNG `tRNS`); the others are opaque. May be empty.
    pub alpha: Vec<u8>,
}

/// Everything needed to understand an image's samples.
///
/// Samples are interleaved, row-major, little-endian: shape `[height, width, n_channels]`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct ImageDescriptor {
    /// Pixels per row, at least 1.
    pub width: u32,
    /// Rows, at least 1.
    pub height: u32,
    /// Samples per pixel, alpha and extra channels included, at least 1.
    pub n_channels: u16,
    /// Type of every sample.
    pub sample: SampleType,
    /// Significant bits of a sample in the source, at most `8 * sample.n_bytes()`; 1 for bilevel.
    pub bits_per_sample: u8,
    /// Meaning of the channels.
    pub colour: ColourModel,
    /// Alpha after the colour channels.
    pub alpha: Alpha,
    /// RGB or BGR.
    pub order: ChannelOrder,
    /// Colour table; present exactly if `colour` is [`ColourModel::Palette`].
    pub palette: Option<Palette>,
    /// Names of the channels (EXR, multi-band data); empty if they have none.
    pub channel_names: Vec<String>,
}

impl ImageDescriptor {
    /// A descriptor of `[height, width, n_channels]` samples with the usual meaning of the channel count:
    /// 1 gray, 2 gray + alpha, 3 RGB, 4 RGBA, otherwise channels.
    #[must_use]
    pub fn new(width: u32, height: u32, n_channels: u16, sample: SampleType) -> Self {
        let (colour, alpha) = match n_channels {
            1 => (ColourModel::Gray, Alpha::None),
            2 => (ColourModel::Gray, Alpha::Straight),
            3 => (ColourModel::Rgb, Alpha::None),
            4 => (ColourModel::Rgb, Alpha::Straight),
            _ => (ColourModel::Channels, Alpha::None),
        };
        let bits_per_sample = if sample == SampleType::Bool { 1 } else { 8 * sample.n_bytes() as u8 };
        Self {
            width,
            height,
            n_channels,
            sample,
            bits_per_sample,
            colour,
            alpha,
            order: ChannelOrder::Rgb,
            palette: None,
            channel_names: Vec::new(),
        }
    }

    /// Sets the colour model and alpha.
    #[must_use]
    pub fn with_colour(mut self, colour: ColourModel, alpha: Alpha) -> Self {
        self.colour = colour;
        self.alpha = alpha;
        self
    }

    /// Sets the significant bits of a sample.
    #[must_use]
    pub fn with_bits_per_sample(mut self, bits: u8) -> Self {
        self.bits_per_sample = bits;
        self
    }

    /// Sets the channel order.
    #[must_use]
    pub fn with_order(mut self, order: ChannelOrder) -> Self {
        self.order = order;
        self
    }

    /// Makes it a palette image.
    #[must_use]
    pub fn with_palette(mut self, palette: Palette) -> Self {
        self.colour = ColourModel::Palette;
        self.alpha = Alpha::None;
        self.palette = Some(palette);
        self
    }

    /// Names the channels.
    #[must_use]
    pub fn with_channel_names(mut self, names: Vec<String>) -> Self {
        self.channel_names = names;
        self
    }

    /// Pixels in the image.
    #[must_use]
    pub fn n_pixels(&self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }

    /// Bytes of one pixel.
    #[must_use]
    pub fn pixel_bytes(&self) -> usize {
        usize::from(self.n_channels) * self.sample.n_bytes()
    }

    /// Bytes of one row; `None` on overflow.
    #[must_use]
    pub fn row_bytes(&self) -> Option<usize> {
        usize::try_from(self.width).ok()?.checked_mul(self.pixel_bytes())
    }

    /// Bytes of all samples; `None` on overflow.
    #[must_use]
    pub fn raw_bytes(&self) -> Option<u64> {
        self.n_pixels().checked_mul(self.pixel_bytes() as u64)
    }

    /// The shape of a `width` × `height` tile of this image.
    #[must_use]
    pub fn tile_shape(&self, width: u32, height: u32) -> TileShape {
        TileShape {
            width,
            height,
            n_channels: self.n_channels,
            sample: self.sample,
            is_rgb: self.colour == ColourModel::Rgb,
        }
    }

    /// Checks that the fields agree.
    ///
    /// # Errors
    /// `InvalidArgument` naming the first field that does not fit.
    pub fn validate(&self) -> Result<()> {
        let bad = |what: String| Err(Error::InvalidArgument { what });
        if self.width == 0 || self.height == 0 || self.n_channels == 0 {
            return bad("an image has at least one pixel and one channel".into());
        }
        let sample_bits = 8 * self.sample.n_bytes() as u8;
        if self.bits_per_sample == 0 || self.bits_per_sample > sample_bits {
            return bad(format!(
                "`bits_per_sample` {} does not fit in {:?}",
                self.bits_per_sample, self.sample
            ));
        }
        let n_alpha = u16::from(self.alpha != Alpha::None);
        if let Some(n_colour) = self.colour.n_colour_channels()
            && self.n_channels < n_colour + n_alpha
        {
            return bad(format!("{:?} with {} channels", self.colour, self.n_channels));
        }
        if self.order == ChannelOrder::Bgr && self.colour != ColourModel::Rgb {
            return bad("only RGB images have a channel order".into());
        }
        if self.palette.is_some() != (self.colour == ColourModel::Palette) {
            return bad("a palette belongs to a palette image, and only there".into());
        }
        if let Some(palette) = &self.palette {
            if !matches!(palette.bits, 8 | 16) || palette.rgb.len() > 65536 {
                return bad("a palette has 8 or 16 bit and at most 65536 entries".into());
            }
            if palette.alpha.len() > palette.rgb.len() {
                return bad("a palette has at most one alpha an entry".into());
            }
            if palette.bits == 8 && palette.rgb.iter().flatten().any(|&v| v > 255) {
                return bad("an 8-bit palette's components are at most 255".into());
            }
        }
        if !self.channel_names.is_empty() && self.channel_names.len() != usize::from(self.n_channels) {
            return bad("`channel_names` names every channel or none".into());
        }
        if self.raw_bytes().is_none() || self.row_bytes().is_none() {
            return bad("the image's size overflows".into());
        }
        Ok(())
    }
}
