use super::exif;
use crate::{Metadata, MetadataEntry, MetadataKind};
use std::io::Read as _;

/// Most bytes a packed text may unpack to.
const MAX_UNPACKED_BYTES: u64 = 16 << 20;
/// Most bytes of all texts of one image that are looked at.
const MAX_TOTAL_BYTES: usize = 64 << 20;
/// Most texts of one image that are looked at.
const MAX_TEXTS: usize = 1024;

/// A text that a program left in an image file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SourceText {
    /// Its keyword in PNG; `exif:UserComment`, `exif:ImageDescription`, … in EXIF; `comment` in JPEG and GIF.
    pub key: String,
    /// The text.
    pub text: String,
}

impl SourceText {
    pub(super) fn new(key: impl Into<String>, text: impl Into<String>) -> Self {
        Self { key: key.into(), text: text.into() }
    }
}

/// The texts of an image, in the order of its metadata; what cannot be read as text is left out.
#[must_use]
pub fn source_texts(metadata: &Metadata) -> Vec<SourceText> {
    let mut texts: Vec<SourceText> = Vec::new();
    let mut n_bytes = 0;
    for entry in &metadata.entries {
        for text in of_entry(entry) {
            n_bytes += text.text.len();
            if texts.len() == MAX_TEXTS || n_bytes > MAX_TOTAL_BYTES {
                return texts;
            }
            texts.push(text);
        }
    }
    texts
}

/// True if an image carries C2PA provenance data. Whether it is genuine is not looked at.
#[must_use]
pub fn has_c2pa(metadata: &Metadata) -> bool {
    metadata.entries.iter().any(|entry| match (entry.kind, entry.key.as_str()) {
        (MetadataKind::PngChunk, "caBX") | (MetadataKind::User, "webp:chunk/C2PA") => true,
        (MetadataKind::User, "jpeg:APP11") => entry.data.windows(4).any(|bytes| bytes == b"c2pa"),
        _ => false,
    })
}

/// True if texts of generators, or C2PA data, may be in an entry.
pub(in crate::generation) fn holds_texts(entry: &MetadataEntry) -> bool {
    let one = Metadata { entries: vec![entry.clone()] };
    !of_entry(entry).is_empty() || has_c2pa(&one) || entry.kind == MetadataKind::Xmp
}

fn of_entry(entry: &MetadataEntry) -> Vec<SourceText> {
    let data = entry.data.as_slice();
    match (entry.kind, entry.key.as_str()) {
        (MetadataKind::PngChunk, "tEXt") => plain(data).into_iter().collect(),
        (MetadataKind::PngChunk, "zTXt") => packed(data).into_iter().collect(),
        (MetadataKind::PngChunk, "iTXt") => international(data).into_iter().collect(),
        (MetadataKind::Exif, _) => exif::texts(data),
        // Some writers put the identifier of JPEG's segment before EXIF in WebP.
        (MetadataKind::User, "webp:chunk/EXIF") => {
            exif::texts(data.strip_prefix(b"Exif\0\0").unwrap_or(data))
        }
        (MetadataKind::Text, key) => utf8(data).map(|text| SourceText::new(key, text)).into_iter().collect(),
        (MetadataKind::Comment, _) => {
            utf8(data).map(|text| SourceText::new("comment", text)).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

fn utf8(data: &[u8]) -> Option<String> {
    std::str::from_utf8(data).ok().map(str::to_owned)
}

/// Latin-1, as PNG says, or UTF-8 where it is that: some programs write it all the same.
fn latin1(data: &[u8]) -> String {
    utf8(data).unwrap_or_else(|| data.iter().map(|&b| char::from(b)).collect())
}

/// PNG (Third Edition) §11.3.2.2.
fn plain(data: &[u8]) -> Option<SourceText> {
    let end = data.iter().position(|&b| b == 0)?;
    Some(SourceText::new(latin1(&data[..end]), latin1(&data[end + 1..])))
}

/// §11.3.2.3.
fn packed(data: &[u8]) -> Option<SourceText> {
    let end = data.iter().position(|&b| b == 0)?;
    let (&0, rest) = data.get(end + 1..)?.split_first()? else { return None };
    Some(SourceText::new(latin1(&data[..end]), latin1(&unpack(rest)?)))
}

/// §11.3.2.4.
fn international(data: &[u8]) -> Option<SourceText> {
    let end = data.iter().position(|&b| b == 0)?;
    let (head, rest) = data.get(end + 1..)?.split_at_checked(2)?;
    let text = rest.splitn(3, |&b| b == 0).nth(2)?;
    let text = match head {
        [0, _] => utf8(text)?,
        [1, 0] => utf8(&unpack(text)?)?,
        _ => return None,
    };
    Some(SourceText::new(latin1(&data[..end]), text))
}

fn unpack(data: &[u8]) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    let unpacker = flate2::read::ZlibDecoder::new(data);
    unpacker.take(MAX_UNPACKED_BYTES + 1).read_to_end(&mut text).ok()?;
    (text.len() as u64 <= MAX_UNPACKED_BYTES).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn deflated(text: &[u8]) -> Vec<u8> {
        let mut packer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        packer.write_all(text).unwrap();
        packer.finish().unwrap()
    }

    fn texts(kind: MetadataKind, key: &str, data: &[u8]) -> Vec<(String, String)> {
        let mut metadata = Metadata::default();
        metadata.push(kind, key, data);
        source_texts(&metadata).into_iter().map(|text| (text.key, text.text)).collect()
    }

    #[test]
    fn chunks_of_png() {
        let one = |key: &str, text: &str| vec![(key.to_owned(), text.to_owned())];
        let chunk = |kind: &str, data: &[u8]| texts(MetadataKind::PngChunk, kind, data);
        assert_eq!(chunk("tEXt", b"k\0Ren\xe9"), one("k", "René"));
        assert_eq!(chunk("tEXt", "k\0René".as_bytes()), one("k", "René"));
        assert_eq!(chunk("zTXt", &[b"k\0\0", deflated(b"Ren\xe9").as_slice()].concat()), one("k", "René"));
        assert_eq!(chunk("iTXt", "k\0\0\0en\0\0光".as_bytes()), one("k", "光"));
        let packed = [b"k\0\x01\0\0\0".as_slice(), &deflated("光".as_bytes())].concat();
        assert_eq!(chunk("iTXt", &packed), one("k", "光"));
    }

    #[test]
    fn broken_texts_are_none() {
        for (kind, data) in [
            ("tEXt", &b"k"[..]),
            ("zTXt", b"k\0"),
            ("zTXt", b"k\0\x01x"),
            ("zTXt", b"k\0\0xyz"),
            ("iTXt", b"k\0\0"),
            ("iTXt", b"k\0\x02\0\0\0x"),
            ("iTXt", b"k\0\0\0\0\0\xff"),
            ("eXIf", b"x"),
        ] {
            assert_eq!(texts(MetadataKind::PngChunk, kind, data), [], "{kind}");
        }
        let bomb = [b"k\0\0".as_slice(), &deflated(&vec![b' '; (16 << 20) + 1])].concat();
        assert_eq!(texts(MetadataKind::PngChunk, "zTXt", &bomb), []);
    }

    #[test]
    fn c2pa_is_seen_where_it_lies() {
        let has = |kind, key: &str, data: &[u8]| {
            let mut metadata = Metadata::default();
            metadata.push(kind, key, data);
            has_c2pa(&metadata)
        };
        assert!(has(MetadataKind::PngChunk, "caBX", b""));
        assert!(has(MetadataKind::User, "webp:chunk/C2PA", b""));
        assert!(has(MetadataKind::User, "jpeg:APP11", b"JP..jumb....jumdc2pa"));
        assert!(!has(MetadataKind::User, "jpeg:APP11", b"JP..jumb"));
        assert!(!has(MetadataKind::PngChunk, "tEXt", b"c2pa\0c2pa"));
    }
}
