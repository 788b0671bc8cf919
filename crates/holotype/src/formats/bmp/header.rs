use super::masks::Masks;
use super::{EMBEDDED, LINKED, NAME};
use crate::formats::Input;
use crate::formats::held::{limit, read_bytes};
use crate::{Error, Limits, Result};
use std::io::SeekFrom;

/// How pixels lie in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// Indices of so many bits.
    Indices(u32),
    /// Run lengths of indices of 4 or 8 bits.
    Runs(u32),
    /// Blue, green, red bytes.
    Bytes,
    /// Words cut by masks.
    Words(Masks),
}

/// Everything before the pixels.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) is_top_down: bool,
    pub(super) layout: Layout,
    pub(super) palette: Vec<[u16; 3]>,
    /// Where the pixels start.
    pub(super) pixels_offset: u64,
    /// Pixels a metre, across and down.
    pub(super) resolution: [i32; 2],
    /// Bytes 56 to 112 of a version 4 or 5 header; the last four are 0 in version 4.
    pub(super) colour_space: Option<Vec<u8>>,
    pub(super) profile: Option<Vec<u8>>,
    pub(super) linked_profile: Option<Vec<u8>>,
}

const FILE_HEADER_BYTES: u64 = 14;
/// Sizes of the headers: OS/2 1, Windows 3, with three masks, with four masks, 4, 5; OS/2 2 begins as Windows 3.
const SIZES: [u32; 7] = [12, 40, 52, 56, 64, 108, 124];

struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    /// A number at `at`; 0 past the header's end.
    fn u32(&self, at: usize) -> u32 {
        self.0.get(at..at + 4).map_or(0, |b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]))
    }

    fn u16(&self, at: usize) -> u16 {
        self.0.get(at..at + 2).map_or(0, |b| u16::from_le_bytes([b[0], b[1]]))
    }
}

pub(super) fn read(input: &mut dyn Input, limits: &Limits) -> Result<Header> {
    let broken = |what: &str| Err(Error::source_format(NAME, what));
    let start = read_bytes(NAME, input, FILE_HEADER_BYTES + 4)?;
    let pixels_offset = u64::from(Fields(&start).u32(10));
    let n_bytes = Fields(&start).u32(14);
    if !SIZES.contains(&n_bytes) {
        return Err(Error::unsupported(format!("BMP with a header of {n_bytes} bytes")));
    }
    let mut bytes = start[14..].to_vec();
    bytes.extend(read_bytes(NAME, input, u64::from(n_bytes) - 4)?);
    let header = Fields(&bytes);
    let is_core = n_bytes == 12;
    let (width, height, planes, bits) = if is_core {
        (i32::from(header.u16(4)), i32::from(header.u16(6)), header.u16(8), header.u16(10))
    } else {
        (header.u32(4) as i32, header.u32(8) as i32, header.u16(12), header.u16(14))
    };
    if width <= 0 || height == 0 || planes != 1 {
        return broken("the image has no size");
    }
    let compression = header.u32(16);
    if n_bytes == 64 && compression > 2 {
        return Err(Error::unsupported("BMP with a compression of OS/2"));
    }
    let (mut masks, mut n_mask_bytes) = ([40, 44, 48, 52].map(|at| header.u32(at)), 0);
    if n_bytes == 40 && matches!(compression, 3 | 6) {
        n_mask_bytes = if compression == 3 { 12 } else { 16 };
        let after = read_bytes(NAME, input, n_mask_bytes)?;
        masks = [0, 4, 8, 12].map(|at| Fields(&after).u32(at));
    }
    let layout = match (u32::from(bits), compression) {
        (1 | 4 | 8, 0) => Layout::Indices(u32::from(bits)),
        (8, 1) | (4, 2) => Layout::Runs(u32::from(bits)),
        (24, 0) => Layout::Bytes,
        (16, 0) => Layout::Words(Masks::RGB_555),
        (32, 0) => Layout::Words(Masks::RGBX),
        (word_bits @ (16 | 32), 3 | 6) => Layout::Words(Masks { word_bits, channels: masks }),
        _ => {
            return Err(Error::unsupported(format!(
                "BMP of {bits} bits a pixel with compression {compression}"
            )));
        }
    };
    if matches!(layout, Layout::Words(masks) if !masks.is_valid()) {
        return broken("the bit masks contradict each other");
    }
    if matches!(layout, Layout::Runs(_)) && height < 0 {
        return broken("run lengths go from the bottom up");
    }
    let mut palette = Vec::new();
    if let Layout::Indices(bits) | Layout::Runs(bits) = layout {
        let most = 1 << bits;
        let n = match header.u32(32) {
            n if is_core || n == 0 || n > most => most,
            n => n,
        };
        let entry_bytes = if is_core { 3 } else { 4 };
        // Old files leave out entries they do not use: the pixels start where the palette ends.
        let after_header = FILE_HEADER_BYTES + u64::from(n_bytes) + n_mask_bytes;
        let room = pixels_offset.saturating_sub(after_header) / entry_bytes;
        let entries = read_bytes(NAME, input, u64::from(n).min(room) * entry_bytes)?;
        let entries = entries.chunks_exact(entry_bytes as usize);
        palette = entries.map(|bgr| [bgr[2], bgr[1], bgr[0]].map(u16::from)).collect();
    }
    let colour_space = (n_bytes >= 108).then(|| {
        let mut space = bytes[56..bytes.len().min(112)].to_vec();
        space.resize(56, 0);
        space
    });
    let (mut profile, mut linked_profile) = (None, None);
    if n_bytes == 124 && matches!(header.u32(56), EMBEDDED | LINKED) {
        let n = u64::from(header.u32(116));
        limit("the size of the metadata", n, limits.max_metadata_bytes)?;
        let at = FILE_HEADER_BYTES + u64::from(header.u32(112));
        input.seek(SeekFrom::Start(at)).map_err(|e| Error::source_format(NAME, e))?;
        let data = Some(read_bytes(NAME, input, n)?);
        *(if header.u32(56) == LINKED { &mut linked_profile } else { &mut profile }) = data;
    }
    Ok(Header {
        width: width.unsigned_abs(),
        height: height.unsigned_abs(),
        is_top_down: height < 0,
        layout,
        palette,
        pixels_offset,
        resolution: [header.u32(24) as i32, header.u32(28) as i32],
        colour_space,
        profile,
        linked_profile,
    })
}
