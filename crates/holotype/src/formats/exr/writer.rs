use super::channels::{self, Channel, arrange, names_of};
use super::header::window;
use super::{MAGIC, NAME, SHORT_NAME_BYTES, STRUCTURAL, USUAL};
use crate::formats::{ImageWriter, Output, SourceImage, lost_metadata, no_image, refuse};
use crate::{Error, ImageDescriptor, Metadata, MetadataKind, Result, SampleType};
use flate2::{Compression, write::ZlibEncoder};
use std::io::{SeekFrom, Write as _};

/// Rows of a block of ZIP compression.
const BLOCK_ROWS: usize = 16;
const ZIP: u8 = 3;

/// Starts an OpenEXR file of scan lines, ZIP-compressed.
pub(in crate::formats) fn create<'a>(
    out: Box<dyn Output + 'a>,
    allow_metadata_loss: bool,
) -> Result<Box<dyn ImageWriter + 'a>> {
    Ok(Box::new(ExrWriter { out, allow_metadata_loss, image: None }))
}

struct ExrWriter<'a> {
    out: Box<dyn Output + 'a>,
    allow_metadata_loss: bool,
    image: Option<InImage>,
}

struct InImage {
    descriptor: ImageDescriptor,
    /// Where each channel of the file, in its order, lies in a pixel.
    places: Vec<usize>,
    row_bytes: usize,
    /// Number of the next row.
    next_y: i32,
    pending: Vec<u8>,
    table_bytes: u64,
    /// Offset of the next block, and those before.
    at: u64,
    offsets: Vec<u64>,
}

/// The channels' names, if the image is what a reader makes of them.
fn names(image: &ImageDescriptor) -> Option<Vec<String>> {
    let names = names_of(image)?;
    let read_back = arrange(&names, image.width, image.height, image.sample);
    let are_names = names.iter().all(|n| !n.is_empty() && n.len() <= 255 && !n.contains('\0'));
    let mut distinct = names.clone();
    distinct.sort();
    distinct.dedup();
    (read_back == *image && are_names && distinct.len() == names.len()).then_some(names)
}

fn kind(image: &ImageDescriptor) -> Option<i32> {
    let kind = match image.sample {
        SampleType::U32 => 0,
        SampleType::F16 => 1,
        SampleType::F32 => 2,
        _ => return None,
    };
    (usize::from(image.bits_per_sample) == 8 * image.sample.n_bytes()).then_some(kind)
}

impl ImageWriter for ExrWriter<'_> {
    fn start_image(&mut self, image: &SourceImage) -> Result<()> {
        let SourceImage { descriptor: d, metadata } = image;
        let (names, kind) = (names(d), kind(d));
        let mut samples = Vec::new();
        if kind.is_none() {
            samples.push(format!("{} samples of {} bit", d.sample.name(), d.bits_per_sample));
        }
        if names.is_none() {
            samples.push(format!(
                "{} channels of a {} image, {} alpha",
                d.n_channels,
                d.colour.name(),
                d.alpha.name()
            ));
        }
        let lost = lost_metadata(metadata, |e| {
            e.kind == MetadataKind::SourceFormat || e.kind == MetadataKind::ExrAttribute
        });
        refuse(NAME, (samples, lost), self.allow_metadata_loss)?;
        if self.image.is_some() {
            return Err(Error::invalid("an OpenEXR file is written with one image"));
        }
        let (names, kind) = (names.ok_or_else(no_image)?, kind.ok_or_else(no_image)?);
        let mut order: Vec<usize> = (0..names.len()).collect();
        order.sort_by_key(|&i| &names[i]);
        let sorted: Vec<&String> = order.iter().map(|&i| &names[i]).collect();
        let (head, top) = head(d, metadata, &sorted, kind)?;
        let n_blocks = (d.height as usize).div_ceil(BLOCK_ROWS);
        self.out.write_all(&head).map_err(output_error)?;
        self.out.write_all(&vec![0; 8 * n_blocks]).map_err(output_error)?;
        self.image = Some(InImage {
            places: order,
            row_bytes: d.row_bytes().ok_or_else(no_image)?,
            next_y: top,
            pending: Vec::new(),
            table_bytes: head.len() as u64,
            at: (head.len() + 8 * n_blocks) as u64,
            offsets: Vec::with_capacity(n_blocks),
            descriptor: d.clone(),
        });
        Ok(())
    }

    fn write_rows(&mut self, rows: &[u8]) -> Result<()> {
        let image = self.image.as_mut().ok_or_else(no_image)?;
        image.pending.extend_from_slice(rows);
        let block_bytes = image.row_bytes * BLOCK_ROWS;
        let n_whole = image.pending.len() / block_bytes * block_bytes;
        let rest = image.pending.split_off(n_whole);
        let whole = std::mem::replace(&mut image.pending, rest);
        for block in whole.chunks_exact(block_bytes) {
            image.put_block(block, self.out.as_mut())?;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        let mut image = self.image.take().ok_or_else(no_image)?;
        let last = std::mem::take(&mut image.pending);
        if !last.is_empty() {
            image.put_block(&last, self.out.as_mut())?;
        }
        let table: Vec<u8> = image.offsets.iter().flat_map(|at| at.to_le_bytes()).collect();
        self.out.seek(SeekFrom::Start(image.table_bytes)).map_err(output_error)?;
        self.out.write_all(&table).map_err(output_error)?;
        self.out.seek(SeekFrom::End(0)).map_err(output_error)?;
        self.out.flush().map_err(output_error)
    }
}

impl InImage {
    fn put_block(&mut self, rows: &[u8], out: &mut dyn Output) -> Result<()> {
        let raw = self.lines(rows);
        let packed = zip(&raw).map_err(output_error)?;
        let stored = if packed.len() < raw.len() { &packed } else { &raw };
        let n_bytes = i32::try_from(stored.len())
            .map_err(|_| Error::unsupported("an OpenEXR file with blocks of 2 GiB or more"))?;
        let block = [&self.next_y.to_le_bytes()[..], &n_bytes.to_le_bytes(), stored].concat();
        out.write_all(&block).map_err(output_error)?;
        self.offsets.push(self.at);
        self.at += block.len() as u64;
        self.next_y = self.next_y.saturating_add((rows.len() / self.row_bytes) as i32);
        Ok(())
    }

    /// Rows with the samples of a channel together.
    fn lines(&self, rows: &[u8]) -> Vec<u8> {
        let n = self.descriptor.sample.n_bytes();
        let pixel_bytes = self.descriptor.pixel_bytes();
        let mut lines = Vec::with_capacity(rows.len());
        for row in rows.chunks_exact(self.row_bytes) {
            for place in &self.places {
                lines.extend(row.chunks_exact(pixel_bytes).flat_map(|p| &p[place * n..(place + 1) * n]));
            }
        }
        lines
    }
}

/// ZIP compression: bytes of even and of odd place apart, as differences plus 128, deflated.
fn zip(raw: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut apart: Vec<u8> = raw.iter().step_by(2).chain(raw.iter().skip(1).step_by(2)).copied().collect();
    for i in (1..apart.len()).rev() {
        apart[i] = apart[i].wrapping_sub(apart[i - 1]).wrapping_add(128);
    }
    let mut packer = ZlibEncoder::new(Vec::new(), Compression::new(4));
    packer.write_all(&apart)?;
    packer.finish()
}

/// Everything before the table of offsets, and the number of the first row.
fn head(
    image: &ImageDescriptor,
    metadata: &Metadata,
    sorted: &[&String],
    kind: i32,
) -> Result<(Vec<u8>, i32)> {
    let too_large = || Error::unsupported("an OpenEXR file of 2³¹ pixels a side or more");
    let malformed = |name: &str| Error::invalid(format!("the OpenEXR attribute `{name}` is malformed"));
    let mut attributes: Vec<(&str, &[u8], &[u8])> = Vec::new();
    for entry in metadata.entries.iter().filter(|e| e.kind == MetadataKind::ExrAttribute) {
        let end = entry.data.iter().position(|&b| b == 0).ok_or_else(|| malformed(&entry.key))?;
        if entry.key.is_empty() || entry.key.len() > 255 || entry.key.contains('\0') {
            return Err(malformed(&entry.key));
        }
        attributes.push((&entry.key, &entry.data[..end], &entry.data[end + 1..]));
    }
    let kept = |name: &str| attributes.iter().find(|(n, ..)| *n == name).map(|(.., value)| *value);
    let old_list = kept("channels").and_then(|value| channels::parse(value).ok()).unwrap_or_default();
    let list: Vec<Channel> = sorted
        .iter()
        .map(|name| Channel {
            name: (*name).clone(),
            kind,
            is_linear: old_list.iter().find(|c| c.name == **name).map_or(0, |c| c.is_linear),
            sampling: [1, 1],
        })
        .collect();
    let list = channels::encode(&list);

    let (width, height) = (i64::from(image.width), i64::from(image.height));
    let fits = |w: &[i32; 4]| {
        i64::from(w[2]) - i64::from(w[0]) + 1 == width && i64::from(w[3]) - i64::from(w[1]) + 1 == height
    };
    let old_window = kept("dataWindow").and_then(|value| window(value).ok()).filter(fits);
    let data_window = match old_window {
        Some(window) => window,
        None => {
            let last = |n: i64| i32::try_from(n - 1).map_err(|_| too_large());
            [0, 0, last(width)?, last(height)?]
        }
    };
    let data_bytes: Vec<u8> = data_window.iter().flat_map(|n| n.to_le_bytes()).collect();
    let mut all: Vec<(&str, &[u8], &[u8])> = vec![
        ("channels", b"chlist", &list),
        ("compression", b"compression", &[ZIP]),
        ("dataWindow", b"box2i", &data_bytes),
        ("displayWindow", b"box2i", kept("displayWindow").unwrap_or(&data_bytes)),
        ("lineOrder", b"lineOrder", &[0]),
    ];
    for (name, kind, usual) in USUAL {
        all.push((name, kind.as_bytes(), kept(name).unwrap_or(usual)));
    }
    let made: Vec<&str> = all.iter().map(|(name, ..)| *name).collect();
    let others = attributes.iter().filter(|(n, ..)| !made.contains(n) && !STRUCTURAL.contains(n));
    all.extend(others.copied());

    let has_long_names = all.iter().any(|(n, k, _)| n.len() > SHORT_NAME_BYTES || k.len() > SHORT_NAME_BYTES)
        || sorted.iter().any(|n| n.len() > SHORT_NAME_BYTES);
    let mut head = MAGIC.to_vec();
    head.extend_from_slice(&(2_u32 | if has_long_names { 0x400 } else { 0 }).to_le_bytes());
    for (name, kind, value) in all {
        head.extend_from_slice(&[name.as_bytes(), &[0], kind, &[0]].concat());
        head.extend_from_slice(&i32::try_from(value.len()).map_err(|_| malformed(name))?.to_le_bytes());
        head.extend_from_slice(value);
    }
    head.push(0);
    Ok((head, data_window[1]))
}

fn output_error(source: std::io::Error) -> Error {
    Error::io("the OpenEXR file", source)
}
