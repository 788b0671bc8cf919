//! The texts of an EXIF block: TIFF 6.0 directories, EXIF 2.32 §4.6.5.

use super::{MAX_TEXT_BYTES, SourceText};

/// Directories looked at: the first and the EXIF directory.
const MAX_ENTRIES: usize = 1024;
const EXIF_DIRECTORY: u16 = 0x8769;
const USER_COMMENT: u16 = 0x9286;

/// Tags whose text generators use, and their names here.
const TAGS: [(u16, &str); 7] = [
    (0x010e, "exif:ImageDescription"),
    (0x010f, "exif:Make"),
    (0x0110, "exif:Model"),
    (0x0131, "exif:Software"),
    (0x927c, "exif:MakerNote"),
    (USER_COMMENT, "exif:UserComment"),
    (0x9c9c, "exif:XPComment"),
];

/// The texts of the block's tags, in their order.
pub(super) fn texts(block: &[u8]) -> Vec<SourceText> {
    let is_big = match block.get(..4) {
        Some(b"MM\0*") => true,
        Some(b"II*\0") => false,
        _ => return Vec::new(),
    };
    let block = Block { bytes: block, is_big };
    let mut found = Vec::new();
    let inner = block.u32(4).and_then(|at| block.directory(at as usize, &mut found));
    if let Some(at) = inner {
        block.directory(at, &mut found);
    }
    found
}

struct Block<'a> {
    bytes: &'a [u8],
    is_big: bool,
}

impl Block<'_> {
    fn u16(&self, at: usize) -> Option<u16> {
        let bytes = self.bytes.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if self.is_big { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    }

    fn u32(&self, at: usize) -> Option<u32> {
        let bytes = self.bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(if self.is_big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }

    /// Reads the texts of a directory; returns where the EXIF directory is.
    fn directory(&self, at: usize, found: &mut Vec<SourceText>) -> Option<usize> {
        let n = usize::from(self.u16(at)?).min(MAX_ENTRIES);
        let mut inner = None;
        for entry in (0..n).map(|i| at + 2 + 12 * i) {
            let tag = self.u16(entry)?;
            if tag == EXIF_DIRECTORY {
                inner = self.u32(entry + 8).map(|at| at as usize);
            }
            if let Some((_, name)) = TAGS.iter().find(|(known, _)| *known == tag)
                && !found.iter().any(|text: &SourceText| text.key == *name)
                && let Some(text) = self.value(entry).and_then(|value| self.text(tag, value))
            {
                found.push(SourceText::new(*name, text));
            }
        }
        inner
    }

    /// The bytes of an entry of bytes.
    fn value(&self, entry: usize) -> Option<&[u8]> {
        if !matches!(self.u16(entry + 2)?, 1 | 2 | 7) {
            return None;
        }
        let n = self.u32(entry + 4)? as usize;
        if n > MAX_TEXT_BYTES {
            return None;
        }
        let at = if n <= 4 { entry + 8 } else { self.u32(entry + 8)? as usize };
        self.bytes.get(at..at.checked_add(n)?)
    }

    fn text(&self, tag: u16, value: &[u8]) -> Option<String> {
        if tag == 0x9c9c {
            return utf16(value, false);
        }
        let text = match value.split_at_checked(8) {
            Some((b"UNICODE\0", text)) if tag == USER_COMMENT => return utf16(text, self.looks_big(text)),
            Some((b"ASCII\0\0\0" | b"\0\0\0\0\0\0\0\0", text)) if tag == USER_COMMENT => text,
            _ => value,
        };
        let text = text.strip_suffix(b"\0").unwrap_or(text);
        match std::str::from_utf8(text) {
            Ok(text) => Some(text.to_owned()),
            Err(_) => Some(text.iter().map(|&b| char::from(b)).collect()),
        }
    }

    /// UTF-16 is in the order of the block, but generators write it big-endian in little-endian blocks too: a text
    /// whose high bytes come first has zeros there.
    fn looks_big(&self, text: &[u8]) -> bool {
        let (pairs, _) = text.as_chunks::<2>();
        let (first, second) =
            pairs.iter().fold((0, 0), |(a, b), [x, y]| (a + usize::from(*x == 0), b + usize::from(*y == 0)));
        if first == second { self.is_big } else { first > second }
    }
}

fn utf16(text: &[u8], is_big: bool) -> Option<String> {
    let (pairs, []) = text.as_chunks::<2>() else { return None };
    let units =
        pairs.iter().map(|pair| if is_big { u16::from_be_bytes(*pair) } else { u16::from_le_bytes(*pair) });
    let text: String = char::decode_utf16(units).collect::<Result<_, _>>().ok()?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    Some(text.trim_end_matches('\0').to_owned())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A block with texts in the first and the EXIF directory, as piexif and Pillow lay it out.
    pub(in super::super) fn block(is_big: bool, outer: &[(u16, &[u8])], inner: &[(u16, &[u8])]) -> Vec<u8> {
        let u16s = |n: u16| if is_big { n.to_be_bytes() } else { n.to_le_bytes() };
        let u32s = |n: usize| if is_big { (n as u32).to_be_bytes() } else { (n as u32).to_le_bytes() };
        let head = if is_big { *b"MM\0*" } else { *b"II*\0" };
        let mut out = [&head[..], &u32s(8)].concat();
        let directory = |out: &mut Vec<u8>, entries: &[(u16, &[u8])], link: bool| {
            let n = entries.len() + usize::from(link);
            let mut data_at = out.len() + 2 + 12 * n + 4;
            let mut data = Vec::new();
            out.extend(u16s(n as u16));
            for (tag, value) in entries {
                out.extend(u16s(*tag));
                out.extend(u16s(7));
                out.extend(u32s(value.len()));
                if value.len() <= 4 {
                    out.extend([*value, &[0; 4][value.len()..]].concat());
                } else {
                    out.extend(u32s(data_at));
                    data_at += value.len();
                    data.extend_from_slice(value);
                }
            }
            if link {
                out.extend(u16s(EXIF_DIRECTORY));
                out.extend(u16s(4));
                out.extend(u32s(1));
                out.extend(u32s(data_at));
            }
            out.extend(u32s(0));
            out.extend(data);
        };
        directory(&mut out, outer, !inner.is_empty());
        if !inner.is_empty() {
            directory(&mut out, inner, false);
        }
        out
    }

    pub(in super::super) fn unicode(text: &str, is_big: bool) -> Vec<u8> {
        let unit = |n: u16| if is_big { n.to_be_bytes() } else { n.to_le_bytes() };
        [b"UNICODE\0".to_vec(), text.encode_utf16().flat_map(unit).collect()].concat()
    }

    #[test]
    fn comments_in_every_encoding() {
        let read = |block: &[u8]| texts(block).into_iter().map(|t| (t.key, t.text)).collect::<Vec<_>>();
        for is_big in [false, true] {
            for comment in [
                unicode("a puppy, 光", is_big),
                unicode("a puppy, 光", true),
                [b"ASCII\0\0\0".as_slice(), "a puppy, 光".as_bytes()].concat(),
                [b"\0\0\0\0\0\0\0\0".as_slice(), "a puppy, 光\0".as_bytes()].concat(),
                "a puppy, 光".as_bytes().to_vec(),
            ] {
                let found = read(&block(is_big, &[(0x010f, b"x")], &[(USER_COMMENT, &comment)]));
                let expected = [("exif:Make", "x"), ("exif:UserComment", "a puppy, 光")];
                assert_eq!(found, expected.map(|(k, t)| (k.to_owned(), t.to_owned())));
            }
        }
    }

    #[test]
    fn damage_is_survived() {
        let good = block(true, &[(0x010e, b"a description")], &[(USER_COMMENT, &unicode("x", true))]);
        for n in 0..good.len() {
            texts(&good[..n]);
        }
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] = 0xff;
            texts(&bad);
        }
        assert_eq!(texts(b"II*\0\xff\xff\xff\xff"), []);
    }
}
