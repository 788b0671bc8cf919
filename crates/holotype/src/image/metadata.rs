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
