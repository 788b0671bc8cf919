//! PBM, PGM, PPM (plain and raw), PAM and PFM. Netpbm's format pages; PFM as Debevec's page describes it.

use super::{ImageReader, ImageWriter, Input, Output, SourceImage, lost_metadata, no_image, refuse};
use crate::{
    Alpha, ChannelOrder, ColourModel, Error, ImageDescriptor, Limits, Metadata, MetadataKind, Result,
    SampleType,
};
use std::io::Read as _;

const NAME: &str = "PNM";
/// Key of the [`MetadataKind::User`] entry for a maximum that is no power of two less one, decimal.
const MAX: &str = "pnm:maxval";
/// Longest header, comments included.
const MAX_HEADER_BYTES: usize = 1 << 20;

/// Opens a PNM, PAM or PFM file.
pub(super) fn open(input: Box<dyn Input>, limits: &Limits) -> Result<Box<dyn ImageReader>> {
    Ok(Box::new(PnmReader { input, limits: *limits, layout: None, comments: Vec::new() }))
}

struct PnmReader {
    input: Box<dyn Input>,
    limits: Limits,
    layout: Option<Layout>,
    comments: Vec<u8>,
}

/// How the samples of the current image lie.
#[derive(Debug, Clone, Copy)]
struct Layout {
    kind: Kind,
    width: u32,
    height: u32,
    n_channels: u16,
    /// Largest sample value.
    max: u32,
    is_little_endian: bool,
    has_alpha: bool,
    next_row: u32,
    /// Where the raster starts, for PFM, whose rows go from the bottom up.
    start_bytes: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    PlainBits,
    Plain,
    Bits,
    Raw,
    Float,
}

impl Layout {
    fn sample(&self) -> SampleType {
        match self.kind {
            Kind::PlainBits | Kind::Bits => SampleType::Bool,
            Kind::Float => SampleType::F32,
            _ if self.max > 255 => SampleType::U16,
            _ => SampleType::U8,
        }
    }

    fn descriptor(&self) -> Result<ImageDescriptor> {
        let n_colour = self.n_channels - u16::from(self.has_alpha);
        let colour = match (self.kind, n_colour) {
            (Kind::Bits | Kind::PlainBits, _) => ColourModel::GrayInverted,
            (_, 1) => ColourModel::Gray,
            (_, 3) => ColourModel::Rgb,
            _ => ColourModel::Channels,
        };
        let alpha = if self.has_alpha { Alpha::Straight } else { Alpha::None };
        let mut image = ImageDescriptor::new(self.width, self.height, self.n_channels, self.sample())
            .with_colour(colour, alpha);
        if matches!(self.kind, Kind::Plain | Kind::Raw) {
            image.bits_per_sample = (32 - self.max.leading_zeros()) as u8;
        }
        image.validate().map_err(|e| Error::source_format(NAME, e))?;
        Ok(image)
    }
}

impl PnmReader {
    fn byte(&mut self) -> Result<Option<u8>> {
        let mut byte = [0];
        let n = self.input.read(&mut byte).map_err(damaged)?;
        Ok((n == 1).then_some(byte[0]))
    }

    /// The next word of a header or of plain samples; `#` starts a comment. `None` at the end of the file.
    fn word(&mut self) -> Result<Option<String>> {
        let mut word = String::new();
        loop {
            match self.byte()? {
                Some(b'#') if word.is_empty() => {
                    while let Some(byte) = self.byte()? {
                        if byte == b'\n' {
                            break;
                        }
                        self.comments.push(byte);
                        if self.comments.len() > MAX_HEADER_BYTES {
                            return Err(Error::source_format(NAME, "a comment does not end"));
                        }
                    }
                    self.comments.push(b'\n');
                }
                Some(byte) if byte.is_ascii_whitespace() => {
                    if !word.is_empty() {
                        return Ok(Some(word));
                    }
                }
                Some(byte) if word.len() < 64 => word.push(char::from(byte)),
                Some(_) => return Err(Error::source_format(NAME, "a word is too long")),
                None => return Ok((!word.is_empty()).then_some(word)),
            }
        }
    }

    fn number<T: std::str::FromStr>(&mut self) -> Result<T> {
        let word = self.word()?.ok_or_else(|| Error::source_format(NAME, "the header ends early"))?;
        word.parse().map_err(|_| Error::source_format(NAME, format!("`{word}` is no number")))
    }

    fn header(&mut self) -> Result<Option<Layout>> {
        let Some(magic) = self.word()? else { return Ok(None) };
        let (kind, n_channels) = match magic.as_str() {
            "P1" => (Kind::PlainBits, 1),
            "P2" => (Kind::Plain, 1),
            "P3" => (Kind::Plain, 3),
            "P4" => (Kind::Bits, 1),
            "P5" => (Kind::Raw, 1),
            "P6" => (Kind::Raw, 3),
            "Pf" => (Kind::Float, 1),
            "PF" => (Kind::Float, 3),
            "P7" => return self.pam_header().map(Some),
            other => return Err(Error::source_format(NAME, format!("`{other}` is no PNM type"))),
        };
        let (width, height) = (self.number()?, self.number()?);
        let mut layout = Layout {
            kind,
            width,
            height,
            n_channels,
            max: 1,
            is_little_endian: false,
            has_alpha: false,
            next_row: 0,
            start_bytes: 0,
        };
        match kind {
            Kind::Plain | Kind::Raw => layout.max = self.number()?,
            Kind::Float => layout.is_little_endian = self.number::<f32>()? < 0.0,
            _ => {}
        }
        if layout.max == 0 || layout.max > 65535 {
            return Err(Error::source_format(NAME, "the maximum is not in 1..=65535"));
        }
        Ok(Some(layout))
    }

    fn pam_header(&mut self) -> Result<Layout> {
        let mut layout = Layout {
            kind: Kind::Raw,
            width: 0,
            height: 0,
            n_channels: 0,
            max: 0,
            is_little_endian: false,
            has_alpha: false,
            next_row: 0,
            start_bytes: 0,
        };
        loop {
            let word = self.word()?.ok_or_else(|| Error::source_format(NAME, "the header ends early"))?;
            match word.as_str() {
                "WIDTH" => layout.width = self.number()?,
                "HEIGHT" => layout.height = self.number()?,
                "DEPTH" => layout.n_channels = self.number()?,
                "MAXVAL" => layout.max = self.number()?,
                "TUPLTYPE" => {
                    let kind = self.word()?.unwrap_or_default();
                    layout.has_alpha = kind.ends_with("_ALPHA");
                }
                "ENDHDR" => break,
                other => return Err(Error::source_format(NAME, format!("`{other}` is no PAM field"))),
            }
        }
        if layout.n_channels == 0 || layout.max == 0 || layout.max > 65535 {
            return Err(Error::source_format(NAME, "a PAM field is missing"));
        }
        layout.has_alpha &= matches!(layout.n_channels, 2 | 4);
        Ok(layout)
    }

    fn read_row(&mut self, layout: &Layout, row: &mut [u8]) -> Result<()> {
        match layout.kind {
            Kind::Raw => {
                self.input.read_exact(row).map_err(damaged)?;
                if layout.sample() == SampleType::U16 {
                    row.chunks_exact_mut(2).for_each(<[u8]>::reverse);
                }
            }
            Kind::Bits => {
                let mut packed = vec![0; row.len().div_ceil(8)];
                self.input.read_exact(&mut packed).map_err(damaged)?;
                for (x, out) in row.iter_mut().enumerate() {
                    *out = packed[x / 8] >> (7 - x % 8) & 1;
                }
            }
            Kind::PlainBits => {
                for out in row.iter_mut() {
                    *out = loop {
                        match self.byte()? {
                            Some(bit @ (b'0' | b'1')) => break bit - b'0',
                            Some(byte) if byte.is_ascii_whitespace() => {}
                            _ => return Err(Error::source_format(NAME, "a bit is missing")),
                        }
                    };
                }
            }
            Kind::Plain => {
                let n = layout.sample().n_bytes();
                for out in row.chunks_exact_mut(n) {
                    let value: u32 = self.number()?;
                    if value > layout.max {
                        return Err(Error::source_format(NAME, "a sample exceeds the maximum"));
                    }
                    out.copy_from_slice(&value.to_le_bytes()[..n]);
                }
            }
            Kind::Float => {
                let from_bottom = u64::from(layout.height - 1 - layout.next_row);
                let at = layout.start_bytes + from_bottom * row.len() as u64;
                self.input.seek(std::io::SeekFrom::Start(at)).map_err(damaged)?;
                self.input.read_exact(row).map_err(damaged)?;
                if !layout.is_little_endian {
                    row.chunks_exact_mut(4).for_each(<[u8]>::reverse);
                }
            }
        }
        let is_over = match layout.sample() {
            SampleType::U8 => row.iter().any(|&v| u32::from(v) > layout.max),
            SampleType::U16 => {
                row.chunks_exact(2).any(|s| u32::from(u16::from_le_bytes([s[0], s[1]])) > layout.max)
            }
            _ => false,
        };
        if is_over { Err(Error::source_format(NAME, "a sample exceeds the maximum")) } else { Ok(()) }
    }
}

impl ImageReader for PnmReader {
    fn next_image(&mut self) -> Result<Option<SourceImage>> {
        if self.layout.is_some_and(|l| l.kind == Kind::Float) {
            return Ok(None);
        }
        self.comments.clear();
        let Some(mut layout) = self.header()? else { return Ok(None) };
        let descriptor = layout.descriptor()?;
        let n_pixels = descriptor.n_pixels();
        if n_pixels > self.limits.max_pixels {
            return Err(Error::LimitExceeded {
                what: "the number of pixels",
                found: n_pixels,
                limit: self.limits.max_pixels,
            });
        }
        layout.start_bytes = self.input.stream_position().map_err(damaged)?;
        self.layout = Some(layout);
        let mut metadata = Metadata::default();
        if !self.comments.is_empty() {
            metadata.push(MetadataKind::Comment, "", std::mem::take(&mut self.comments));
        }
        let is_odd = layout.max & (layout.max + 1) != 0;
        if is_odd && matches!(layout.kind, Kind::Plain | Kind::Raw) {
            metadata.push(MetadataKind::User, MAX, layout.max.to_string());
        }
        metadata.push(MetadataKind::SourceFormat, "", if layout.kind == Kind::Float { "pfm" } else { "pnm" });
        Ok(Some(SourceImage { descriptor, metadata }))
    }

    fn read_rows(&mut self, rows: &mut [u8]) -> Result<()> {
        let mut layout = self.layout.ok_or_else(no_image)?;
        let row_bytes = layout.width as usize * usize::from(layout.n_channels) * layout.sample().n_bytes();
        for row in rows.chunks_exact_mut(row_bytes) {
            self.read_row(&layout, row)?;
            layout.next_row += 1;
        }
        self.layout = Some(layout);
        Ok(())
    }

    fn is_streaming(&self) -> bool {
        true
    }
}

/// Starts a PNM, PAM or PFM file, as the image asks.
pub(super) fn create<'a>(
    out: Box<dyn Output + 'a>,
    allow_metadata_loss: bool,
) -> Result<Box<dyn ImageWriter + 'a>> {
    Ok(Box::new(PnmWriter { out, allow_metadata_loss, image: None, held: Vec::new() }))
}

struct PnmWriter<'a> {
    out: Box<dyn Output + 'a>,
    allow_metadata_loss: bool,
    image: Option<ImageDescriptor>,
    /// Rows of a PFM, which are written from the bottom up.
    held: Vec<u8>,
}

fn losses(image: &SourceImage) -> (Vec<String>, Vec<String>) {
    let SourceImage { descriptor: d, metadata } = image;
    let mut samples = Vec::new();
    let is_float = d.sample == SampleType::F32 && matches!(d.n_channels, 1 | 3) && d.alpha == Alpha::None;
    let is_colour = matches!(d.colour, ColourModel::Gray | ColourModel::Rgb | ColourModel::Channels);
    let is_bits = d.sample == SampleType::Bool && d.n_channels == 1 && d.colour == ColourModel::GrayInverted;
    if !(is_bits || is_colour && (is_float || matches!(d.sample, SampleType::U8 | SampleType::U16))) {
        samples.push(format!("{} samples of a {} image", d.sample.name(), d.colour.name()));
    }
    if d.order == ChannelOrder::Bgr || !d.channel_names.is_empty() || d.alpha == Alpha::Premultiplied {
        samples.push("channel order, names or premultiplied alpha".into());
    }
    let lost = lost_metadata(metadata, |e| match e.kind {
        MetadataKind::Comment | MetadataKind::SourceFormat => true,
        MetadataKind::User => e.key == MAX,
        _ => false,
    });
    (samples, lost)
}

/// The maximum recorded, if it fits the bits, or that of the bits.
fn max_of(image: &SourceImage) -> Result<u32> {
    let of_bits = (1_u32 << image.descriptor.bits_per_sample.min(16)) - 1;
    let Some(text) = image.metadata.get_key(MetadataKind::User, MAX) else { return Ok(of_bits) };
    let max = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok());
    max.filter(|max| (of_bits / 2 + 1..=of_bits).contains(max))
        .ok_or_else(|| Error::invalid(format!("`{MAX}` does not fit the significant bits")))
}

impl ImageWriter for PnmWriter<'_> {
    fn start_image(&mut self, image: &SourceImage) -> Result<()> {
        refuse(NAME, losses(image), self.allow_metadata_loss)?;
        if self.image.is_some() {
            return Err(Error::invalid("a PNM file is written with one image"));
        }
        let d = &image.descriptor;
        let comment: String = image
            .metadata
            .get(MetadataKind::Comment)
            .map(|text| String::from_utf8_lossy(text).lines().map(|l| format!("#{l}\n")).collect())
            .unwrap_or_default();
        let max = max_of(image)?;
        let (w, h) = (d.width, d.height);
        let head = match (d.sample, d.colour, d.n_channels, d.alpha) {
            (SampleType::Bool, ..) => format!("P4\n{comment}{w} {h}\n"),
            (SampleType::F32, _, n, _) => format!("P{}\n{w} {h}\n-1.0\n", if n == 1 { 'f' } else { 'F' }),
            (_, ColourModel::Gray, 1, Alpha::None) => format!("P5\n{comment}{w} {h}\n{max}\n"),
            (_, ColourModel::Rgb, 3, Alpha::None) => format!("P6\n{comment}{w} {h}\n{max}\n"),
            (_, colour, n, alpha) => {
                let kind = if colour == ColourModel::Rgb { "RGB" } else { "GRAYSCALE" };
                let tuple = match (colour, alpha) {
                    (ColourModel::Channels, _) => String::new(),
                    (_, Alpha::None) => format!("TUPLTYPE {kind}\n"),
                    _ => format!("TUPLTYPE {kind}_ALPHA\n"),
                };
                format!("P7\n{comment}WIDTH {w}\nHEIGHT {h}\nDEPTH {n}\nMAXVAL {max}\n{tuple}ENDHDR\n")
            }
        };
        self.out.write_all(head.as_bytes()).map_err(output_error)?;
        self.image = Some(d.clone());
        Ok(())
    }

    fn write_rows(&mut self, rows: &[u8]) -> Result<()> {
        let image = self.image.as_ref().ok_or_else(no_image)?;
        match image.sample {
            SampleType::F32 => {
                self.held.extend_from_slice(rows);
                Ok(())
            }
            SampleType::U16 => {
                let swapped: Vec<u8> = rows.chunks_exact(2).flat_map(|s| [s[1], s[0]]).collect();
                self.out.write_all(&swapped).map_err(output_error)
            }
            SampleType::Bool => {
                for row in rows.chunks_exact(image.width as usize) {
                    let packed: Vec<u8> = row
                        .chunks(8)
                        .map(|bits| bits.iter().enumerate().map(|(i, b)| b << (7 - i)).sum())
                        .collect();
                    self.out.write_all(&packed).map_err(output_error)?;
                }
                Ok(())
            }
            _ => self.out.write_all(rows).map_err(output_error),
        }
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        let image = self.image.as_ref().ok_or_else(no_image)?;
        let row_bytes = image.row_bytes().ok_or_else(no_image)?;
        for row in self.held.chunks_exact(row_bytes).rev() {
            self.out.write_all(row).map_err(output_error)?;
        }
        self.out.flush().map_err(output_error)
    }
}

fn damaged(error: std::io::Error) -> Error {
    Error::source_format(NAME, error)
}

fn output_error(source: std::io::Error) -> Error {
    Error::io("the PNM file", source)
}
