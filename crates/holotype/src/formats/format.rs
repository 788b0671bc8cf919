use std::fmt;
use std::io::{Read, Result, Seek, SeekFrom};

/// Bytes that tell a format.
const PREFIX_BYTES: u64 = 64;

/// The bytes that tell a file's format; the position is at the start then.
pub(crate) fn prefix(input: &mut (impl Read + Seek + ?Sized)) -> Result<Vec<u8>> {
    let mut prefix = Vec::with_capacity(PREFIX_BYTES as usize);
    Read::take(&mut *input, PREFIX_BYTES).read_to_end(&mut prefix)?;
    input.seek(SeekFrom::Start(0))?;
    Ok(prefix)
}

/// A file format images come from or go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// Portable Network Graphics.
    Png,
    /// Tagged Image File Format, BigTIFF included.
    Tiff,
    /// PBM, PGM, PPM, PAM.
    Pnm,
    /// Portable float map.
    Pfm,
    /// Windows bitmap.
    Bmp,
    /// WebP.
    WebP,
    /// Graphics Interchange Format.
    Gif,
    /// OpenEXR.
    Exr,
    /// NumPy array file.
    Npy,
    /// Quite OK Image.
    Qoi,
    /// JPEG, always lossy.
    Jpeg,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 11] = [
        Self::Png,
        Self::Tiff,
        Self::Pnm,
        Self::Pfm,
        Self::Bmp,
        Self::WebP,
        Self::Gif,
        Self::Exr,
        Self::Npy,
        Self::Qoi,
        Self::Jpeg,
    ];

    /// Lower-case name, as in `png`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Tiff => "tiff",
            Self::Pnm => "pnm",
            Self::Pfm => "pfm",
            Self::Bmp => "bmp",
            Self::WebP => "webp",
            Self::Gif => "gif",
            Self::Exr => "exr",
            Self::Npy => "npy",
            Self::Qoi => "qoi",
            Self::Jpeg => "jpeg",
        }
    }

    /// Its file extensions, the usual one first.
    #[must_use]
    pub const fn extensions(self) -> &'static [&'static str] {
        match self {
            Self::Png => &["png"],
            Self::Tiff => &["tif", "tiff", "btf"],
            Self::Pnm => &["pnm", "ppm", "pgm", "pbm", "pam"],
            Self::Pfm => &["pfm"],
            Self::Bmp => &["bmp", "dib"],
            Self::WebP => &["webp"],
            Self::Gif => &["gif"],
            Self::Exr => &["exr"],
            Self::Npy => &["npy"],
            Self::Qoi => &["qoi"],
            Self::Jpeg => &["jpg", "jpeg", "jpe", "jfif"],
        }
    }

    /// The format of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|f| f.name().eq_ignore_ascii_case(name))
            .or_else(|| Self::from_extension(name))
    }

    /// The format files with that extension usually have.
    #[must_use]
    pub fn from_extension(extension: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|f| f.extensions().iter().any(|e| e.eq_ignore_ascii_case(extension)))
    }

    /// The format of a file that starts with `prefix` (at least 16 bytes, or the whole file).
    ///
    /// Every format read here has a magic number; a file's name is not trusted.
    #[must_use]
    pub fn detect(prefix: &[u8]) -> Option<Self> {
        let pnm = |types: &[u8]| matches!(prefix, [b'P', t, space, ..] if types.contains(t) && (space.is_ascii_whitespace() || *space == b'#'));
        Some(match prefix {
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Self::Png,
            [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => Self::Tiff,
            [b'B', b'M', _, _, _, _, 0, 0, 0, 0, ..] => Self::Bmp,
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Self::WebP,
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Self::Gif,
            [0x76, 0x2f, 0x31, 0x01, ..] => Self::Exr,
            [0x93, b'N', b'U', b'M', b'P', b'Y', ..] => Self::Npy,
            [b'q', b'o', b'i', b'f', ..] => Self::Qoi,
            [0xff, 0xd8, 0xff, ..] => Self::Jpeg,
            _ if pnm(b"1234567") => Self::Pnm,
            _ if pnm(b"Ff") => Self::Pfm,
            _ => return None,
        })
    }

    /// True if one file can hold several still images.
    #[must_use]
    pub const fn holds_several_images(self) -> bool {
        matches!(self, Self::Tiff)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_extensions_lead_back() {
        for format in Format::ALL {
            assert_eq!(Format::from_name(format.name()), Some(format));
            for extension in format.extensions() {
                assert_eq!(Format::from_extension(&extension.to_uppercase()), Some(format));
            }
        }
        assert_eq!(Format::from_extension("holo"), None);
    }

    #[test]
    fn detection_goes_by_content() {
        assert_eq!(Format::detect(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), Some(Format::Png));
        assert_eq!(Format::detect(b"II+\0\x08\0\0\0"), Some(Format::Tiff));
        assert_eq!(Format::detect(b"P5\n3 2 255\n"), Some(Format::Pnm));
        assert_eq!(Format::detect(b"PK\x03\x04"), None);
        assert_eq!(Format::detect(b""), None);
    }
}
