//! Videos, read and written by the `ffmpeg` program where it is installed. Values are exact: pixel formats that would
//! be converted are refused, and what was written is read again and compared.

mod pixels;
mod probe;
mod program;
mod reader;
mod writer;

pub(crate) use reader::VideoReader;
pub use reader::read_sound;
pub(crate) use writer::{VideoWriter, holds};

const NAME: &str = "video";

/// True if a file that starts so is a video that `ffmpeg` is asked for: Matroska, MP4, AVI.
pub(crate) fn is_video(prefix: &[u8]) -> bool {
    matches!(
        prefix,
        [0x1a, 0x45, 0xdf, 0xa3, ..]
            | [_, _, _, _, b'f', b't', b'y', b'p', ..]
            | [b'R', b'I', b'F', b'F', _, _, _, _, b'A', b'V', b'I', b' ', ..]
    ) && !matches!(prefix, [_, _, _, _, b'f', b't', b'y', b'p', b'a', b'v', b'i', ..])
}
