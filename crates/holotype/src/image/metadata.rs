/// What a metadata entry is. Discriminants are wire values (`docs/format.md`, metadata).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
#[repr(u8)]
pub enum MetadataKind {
    /// An ICC profile, uncompressed. Key empty.
    Icc = 0,
    /// An EXIF block starting at its TIFF header. Key empty.
    Exif = 1,
    /// An XMP packet. Key empty.
    Xmp = 2,
    /// An IPTC-IIM record. Key empty.
    Iptc = 3,
    /// UTF-8 text under a UTF-8 key, from formats without their own kind here.
    Text = 4,
    /// A PNG ancillary chunk, verbatim; the key is its four-letter type. In file order.
    PngChunk = 5,
    /// A TIFF tag; the key is its decimal number, the data its field type (u16 LE), then its values LE.
    TiffTag = 6,
    /// An OpenEXR attribute; the key is its name, the data its type name, a zero byte, its value.
    ExrAttribute = 7,
    /// A comment of a PNM, GIF or JPEG file, verbatim. Key empty.
    Comment = 8,
    /// Name of the format the image came from (`png`, `tiff`, …), UTF-8. Key empty.
    SourceFormat = 9,
    /// A user's own entry under a UTF-8 key.
    User = 10,
}

impl MetadataKind {
    /// Every kind, in wire order.
    pub const ALL: [Self; 11] = [
        Self::Icc,
        Self::Exif,
        Self::Xmp,
        Self::Iptc,
        Self::Text,
        Self::PngChunk,
        Self::TiffTag,
        Self::ExrAttribute,
        Self::Comment,
        Self::SourceFormat,
        Self::User,
    ];

    /// Lower-case name, as in `icc`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Icc => "icc",
            Self::Exif => "exif",
            Self::Xmp => "xmp",
            Self::Iptc => "iptc",
            Self::Text => "text",
            Self::PngChunk => "png-chunk",
            Self::TiffTag => "tiff-tag",
            Self::ExrAttribute => "exr-attribute",
            Self::Comment => "comment",
            Self::SourceFormat => "source-format",
            Self::User => "user",
        }
    }

    /// Inverse of `self as u8`.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }
}

/// One piece of metadata, kept byte for byte.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MetadataEntry {
    /// What it is.
    pub kind: MetadataKind,
    /// Its name within the kind; see [`MetadataKind`].
    pub key: String,
    /// Its bytes.
    pub data: Vec<u8>,
}

/// Longest readable view, in bytes of the source.
const MAX_READABLE_BYTES: usize = 1 << 16;

impl MetadataEntry {
    /// The entry as text for people, if it is text or a small well-known structure.
    #[must_use]
    pub fn readable(&self) -> Option<String> {
        let data = self.data.get(..self.data.len().min(MAX_READABLE_BYTES))?;
        match self.kind {
            MetadataKind::Text
            | MetadataKind::Xmp
            | MetadataKind::Comment
            | MetadataKind::SourceFormat
            | MetadataKind::User => std::str::from_utf8(data).ok().map(str::to_owned),
            MetadataKind::PngChunk => readable_png_chunk(&self.key, data),
            _ => None,
        }
    }
}

/// `key: value` of the PNG chunks people look for. PNG (Third Edition), sections 11.3.2 to 11.3.4.
fn readable_png_chunk(kind: &str, data: &[u8]) -> Option<String> {
    let u32_at = |at: usize| Some(u32::from_be_bytes(data.get(at..at + 4)?.try_into().ok()?));
    match kind {
        "tEXt" => {
            let mut parts = data.splitn(2, |&b| b == 0);
            let latin1 = |bytes: &[u8]| bytes.iter().map(|&b| char::from(b)).collect::<String>();
            Some(format!("{}: {}", latin1(parts.next()?), latin1(parts.next()?)))
        }
        "iTXt" => {
            let mut parts = data.splitn(2, |&b| b == 0);
            let keyword = std::str::from_utf8(parts.next()?).ok()?;
            let [0, _, rest @ ..] = parts.next()? else { return None };
            let text = rest.splitn(3, |&b| b == 0).nth(2)?;
            Some(format!("{keyword}: {}", std::str::from_utf8(text).ok()?))
        }
        "gAMA" if data.len() == 4 => Some(format!("{:.5}", f64::from(u32_at(0)?) / 100_000.0)),
        "pHYs" if data.len() == 9 => {
            let unit = if data.get(8) == Some(&1) { "pixels per metre" } else { "aspect" };
            Some(format!("{} × {} {unit}", u32_at(0)?, u32_at(4)?))
        }
        "tIME" => {
            let &[y1, y0, month, day, hour, minute, second] = data else { return None };
            let year = u16::from_be_bytes([y1, y0]);
            Some(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"))
        }
        _ => None,
    }
}

/// An image's metadata, in source order; keys may repeat.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Metadata {
    /// The entries.
    pub entries: Vec<MetadataEntry>,
}

impl Metadata {
    /// Appends an entry.
    pub fn push(&mut self, kind: MetadataKind, key: impl Into<String>, data: impl Into<Vec<u8>>) {
        self.entries.push(MetadataEntry { kind, key: key.into(), data: data.into() });
    }

    /// The first entry of `kind`.
    #[must_use]
    pub fn get(&self, kind: MetadataKind) -> Option<&[u8]> {
        self.entries.iter().find(|e| e.kind == kind).map(|e| e.data.as_slice())
    }

    /// The first entry of `kind` under `key`.
    #[must_use]
    pub fn get_key(&self, kind: MetadataKind, key: &str) -> Option<&[u8]> {
        self.entries.iter().find(|e| e.kind == kind && e.key == key).map(|e| e.data.as_slice())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(key: &str, data: &[u8]) -> Option<String> {
        MetadataEntry { kind: MetadataKind::PngChunk, key: key.into(), data: data.to_vec() }.readable()
    }

    #[test]
    fn png_chunks_read_as_text() {
        assert_eq!(view("tEXt", b"Author\0Ren\xe9").as_deref(), Some("Author: René"));
        assert_eq!(view("iTXt", "k\0\0\0de\0K\0grün".as_bytes()).as_deref(), Some("k: grün"));
        assert_eq!(view("gAMA", &45455_u32.to_be_bytes()).as_deref(), Some("0.45455"));
        assert_eq!(
            view("pHYs", &[0, 0, 11, 19, 0, 0, 11, 19, 1]).as_deref(),
            Some("2835 × 2835 pixels per metre")
        );
        assert_eq!(view("tIME", &[7, 234, 11, 21, 3, 4, 5]).as_deref(), Some("2026-11-21T03:04:05Z"));
    }

    #[test]
    fn broken_chunks_have_no_view() {
        for data in [&b""[..], b"x", b"k\0", b"k\0\x01"] {
            for key in ["iTXt", "gAMA", "pHYs", "tIME"] {
                assert_eq!(view(key, data), None, "{key} {data:?}");
            }
        }
    }
}
