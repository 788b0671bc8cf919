//! OpenEXR of one part: scan lines or tiles, every channel of one type, attributes verbatim. "OpenEXR File Layout".

mod channels;
mod header;
mod reader;
mod writer;

pub(super) use reader::open;
pub(super) use writer::create;

const NAME: &str = "OpenEXR";
const MAGIC: [u8; 4] = [0x76, 0x2f, 0x31, 0x01];
/// Longest name without the flag for long ones.
const SHORT_NAME_BYTES: usize = 31;
/// Attributes that say how samples lie in this very file; they are made anew on export.
const STRUCTURAL: [&str; 7] =
    ["channels", "compression", "lineOrder", "tiles", "type", "chunkCount", "version"];
/// Attributes every file has, with what they usually are; that is not recorded.
const USUAL: [(&str, &str, &[u8]); 3] = [
    ("pixelAspectRatio", "float", &1.0_f32.to_le_bytes()),
    ("screenWindowCenter", "v2f", &[0; 8]),
    ("screenWindowWidth", "float", &1.0_f32.to_le_bytes()),
];
