use super::{DENSITY, NAME, SEGMENT};
use crate::{Error, Metadata, MetadataKind, Result};

const EXIF_ID: &[u8] = b"Exif\0\0";
const XMP_ID: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";
const ICC_ID: &[u8] = b"ICC_PROFILE\0";

/// What stands before the first scan.
#[derive(Debug, Default)]
pub(super) struct Head {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) bits: u8,
    /// Identifiers of the components.
    pub(super) components: Vec<u8>,
    /// True if the end marker is there.
    pub(super) has_end: bool,
    /// The colour transform of an Adobe segment.
    pub(super) adobe_transform: Option<u8>,
    pub(super) metadata: Metadata,
}

/// Walks the segments before the first scan.
pub(super) fn read(file: &[u8]) -> Result<Head> {
    let mut head = Head::default();
    let mut profile: Vec<(u8, &[u8])> = Vec::new();
    let mut rest = file.get(2..).unwrap_or_default();
    loop {
        let (marker, segment) = next(&mut rest).ok_or_else(early)?;
        match marker {
            0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => head.frame(segment)?,
            0xda => break,
            0xd9 => return Err(early()),
            0xfe => head.metadata.push(MetadataKind::Comment, "", segment),
            0xe2 if segment.starts_with(ICC_ID) && segment.len() >= ICC_ID.len() + 2 => {
                profile.push((segment[ICC_ID.len()], &segment[ICC_ID.len() + 2..]));
            }
            0xe0..=0xef => head.application(marker - 0xe0, segment),
            _ => {}
        }
    }
    head.has_end = ends(rest);
    if head.width == 0 || head.height == 0 {
        return Err(Error::source_format(NAME, "the image has no size"));
    }
    if !profile.is_empty() {
        profile.sort_by_key(|(number, _)| *number);
        let profile = profile.iter().map(|(_, part)| *part).collect::<Vec<_>>().concat();
        head.metadata.push(MetadataKind::Icc, "", profile);
    }
    head.metadata.push(MetadataKind::SourceFormat, "", "jpeg");
    Ok(head)
}

/// The next marker that is no stuffing and no restart, and its segment; coded data before it is passed over.
fn next<'a>(rest: &mut &'a [u8]) -> Option<(u8, &'a [u8])> {
    loop {
        let start = rest.iter().position(|&b| b == 0xff)?;
        let kind = start + rest[start..].iter().position(|&b| b != 0xff)?;
        let marker = rest[kind];
        *rest = &rest[kind + 1..];
        match marker {
            0x00 | 0x01 | 0xd0..=0xd8 => {}
            0xd9 => return Some((marker, &[])),
            _ => {
                let &[high, low, ..] = *rest else { return None };
                let (segment, after) = rest.split_at_checked(usize::from(u16::from_be_bytes([high, low])))?;
                *rest = after;
                return Some((marker, segment.get(2..)?));
            }
        }
    }
}

/// True if the end marker comes after the scans.
fn ends(mut rest: &[u8]) -> bool {
    while let Some((marker, _)) = next(&mut rest) {
        if marker == 0xd9 {
            return true;
        }
    }
    false
}

impl Head {
    fn frame(&mut self, segment: &[u8]) -> Result<()> {
        let &[bits, h1, h0, w1, w0, n, ref components @ ..] = segment else { return Err(early()) };
        self.bits = bits;
        self.height = u32::from(u16::from_be_bytes([h1, h0]));
        self.width = u32::from(u16::from_be_bytes([w1, w0]));
        self.components = components.chunks_exact(3).take(usize::from(n)).map(|c| c[0]).collect();
        Ok(())
    }

    fn application(&mut self, number: u8, segment: &[u8]) {
        match (number, segment) {
            (0, [b'J', b'F', b'I', b'F', 0, _, _, unit, x1, x0, y1, y0, ..]) => {
                let (x, y) = (u16::from_be_bytes([*x1, *x0]), u16::from_be_bytes([*y1, *y0]));
                if matches!(unit, 1 | 2) {
                    self.metadata.push(MetadataKind::User, DENSITY, format!("{unit} {x} {y}"));
                }
            }
            (14, [b'A', b'd', b'o', b'b', b'e', _, _, _, _, _, _, transform, ..]) => {
                self.adobe_transform = Some(*transform);
            }
            (1, _) if segment.starts_with(EXIF_ID) => {
                self.metadata.push(MetadataKind::Exif, "", &segment[EXIF_ID.len()..]);
            }
            (1, _) if segment.starts_with(XMP_ID) => {
                self.metadata.push(MetadataKind::Xmp, "", &segment[XMP_ID.len()..]);
            }
            _ => self.metadata.push(MetadataKind::User, format!("{SEGMENT}{number}"), segment),
        }
    }
}

fn early() -> Error {
    Error::source_format(NAME, "the file ends before its first scan")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(marker: u8, data: &[u8]) -> Vec<u8> {
        [&[0xff, marker][..], &(data.len() as u16 + 2).to_be_bytes(), data].concat()
    }

    #[test]
    fn segments_become_metadata() {
        let file = [
            vec![0xff, 0xd8],
            segment(0xe0, b"JFIF\0\x01\x02\x01\0\x48\0\x49\0\0"),
            segment(0xe1, b"Exif\0\0II*\0"),
            segment(0xe1, b"http://ns.adobe.com/xap/1.0/\0<x/>"),
            segment(0xe2, b"ICC_PROFILE\0\x02\x02second"),
            segment(0xe2, b"ICC_PROFILE\0\x01\x02first-"),
            segment(0xed, b"Photoshop 3.0\0"),
            segment(0xee, b"Adobe\0d\0\0\0\0\x02"),
            segment(0xfe, b"a comment"),
            segment(0xc0, &[8, 0, 5, 0, 7, 1, 1, 0x11, 0]),
            segment(0xda, &[1, 1, 0, 0, 63, 0]),
        ]
        .concat();
        assert!(!read(&file).unwrap().has_end);
        let ended = [file.as_slice(), &[1, 0xff, 0, 0xff, 0xd0, 7, 0xff, 0xd9]].concat();
        assert!(read(&ended).unwrap().has_end);
        let head = read(&file).unwrap();
        assert_eq!((head.width, head.height, head.bits, head.components.as_slice()), (7, 5, 8, &[1][..]));
        assert_eq!(head.adobe_transform, Some(2));
        let get = |kind| head.metadata.get(kind).unwrap();
        assert_eq!(get(MetadataKind::Icc), b"first-second");
        assert_eq!(get(MetadataKind::Exif), b"II*\0");
        assert_eq!(get(MetadataKind::Xmp), b"<x/>");
        assert_eq!(get(MetadataKind::Comment), b"a comment");
        assert_eq!(head.metadata.get_key(MetadataKind::User, DENSITY), Some(&b"1 72 73"[..]));
        assert_eq!(head.metadata.get_key(MetadataKind::User, "jpeg:APP13"), Some(&b"Photoshop 3.0\0"[..]));
        for n in 0..file.len() {
            assert!(read(&file[..n]).is_err(), "cut at {n}");
        }
    }
}
