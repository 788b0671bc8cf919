//! Pixels a metre, which BMP headers and PNG's `pHYs` hold alike, so that it goes from one to the other.

use crate::{Metadata, MetadataEntry, MetadataKind};

/// Key of the [`MetadataKind::User`] entry a BMP header's resolution is kept under: `x y`, decimal.
pub(super) const BMP_KEY: &str = "bmp:pixels-per-metre";
const PNG_CHUNK: &str = "pHYs";
/// The unit byte of a `pHYs` chunk that counts in metres.
const METRE: u8 = 1;

/// What a BMP header should say.
pub(super) fn for_bmp(metadata: &Metadata) -> Option<[i32; 2]> {
    if let Some(text) = metadata.get_key(MetadataKind::User, BMP_KEY) {
        let (x, y) = std::str::from_utf8(text).ok()?.split_once(' ')?;
        return Some([x.parse().ok()?, y.parse().ok()?]);
    }
    let chunk = metadata.get_key(MetadataKind::PngChunk, PNG_CHUNK)?;
    let &[x3, x2, x1, x0, y3, y2, y1, y0, METRE] = chunk else { return None };
    let [x, y] = [[x3, x2, x1, x0], [y3, y2, y1, y0]].map(|n| i32::try_from(u32::from_be_bytes(n)).ok());
    Some([x?, y?])
}

/// The data of the `pHYs` chunk of an image that has its resolution from a BMP header.
pub(super) fn for_png(metadata: &Metadata) -> Option<Vec<u8>> {
    if metadata.get_key(MetadataKind::PngChunk, PNG_CHUNK).is_some() {
        return None;
    }
    metadata.get_key(MetadataKind::User, BMP_KEY)?;
    let [x, y] = for_bmp(metadata)?.map(|n| u32::try_from(n).ok());
    Some([&x?.to_be_bytes()[..], &y?.to_be_bytes(), &[METRE]].concat())
}

/// True if this entry is the `pHYs` that [`for_bmp`] reads.
pub(super) fn is_in_bmp(metadata: &Metadata, entry: &MetadataEntry) -> bool {
    entry.kind == MetadataKind::PngChunk && entry.key == PNG_CHUNK && for_bmp(metadata).is_some()
}

/// True if this entry is the BMP resolution that [`for_png`] reads.
pub(super) fn is_in_png(metadata: &Metadata, entry: &MetadataEntry) -> bool {
    entry.kind == MetadataKind::User && entry.key == BMP_KEY && for_png(metadata).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_say_the_same() {
        let mut bmp = Metadata::default();
        bmp.push(MetadataKind::User, BMP_KEY, "2835 3937");
        let mut png = Metadata::default();
        png.push(MetadataKind::PngChunk, PNG_CHUNK, for_png(&bmp).unwrap());
        assert_eq!((for_bmp(&png), for_bmp(&bmp)), (Some([2835, 3937]), Some([2835, 3937])));
        assert_eq!(for_png(&png), None, "it is there already");
        for text in ["-1 5", "1", "x y"] {
            let mut odd = Metadata::default();
            odd.push(MetadataKind::User, BMP_KEY, text);
            assert_eq!(for_png(&odd), None);
        }
        let mut aspect = Metadata::default();
        aspect.push(MetadataKind::PngChunk, PNG_CHUNK, vec![0, 0, 0, 1, 0, 0, 0, 2, 0]);
        assert_eq!(for_bmp(&aspect), None);
    }
}
