use holotype::SampleType;
use holotype_codec::TileShape;

/// Bytes of a tile's shape in an input.
pub const SHAPE_BYTES: usize = 5;
/// Largest edge.
const MAX_EDGE: u8 = 40;
/// Most channels.
const MAX_CHANNELS: u8 = 6;

/// A small shape of any sample type from the first bytes, and the bytes after it.
pub fn take_shape(data: &[u8]) -> Option<(TileShape, &[u8])> {
    let (&[width, height, channels, sample, rgb], rest) = data.split_first_chunk::<SHAPE_BYTES>()?;
    let n_channels = u16::from(channels % MAX_CHANNELS) + 1;
    let shape = TileShape {
        width: u32::from(width % MAX_EDGE) + 1,
        height: u32::from(height % MAX_EDGE) + 1,
        n_channels,
        sample: SampleType::from_code(sample % 12)?,
        is_rgb: rgb & 1 == 1 && n_channels >= 3,
    };
    Some((shape, rest))
}

/// The bytes [`take_shape`] reads `shape` from; `None` if it is too large.
pub fn encode_shape(shape: &TileShape) -> Option<[u8; SHAPE_BYTES]> {
    let edge = |n: u32| u8::try_from(n.checked_sub(1)?).ok().filter(|n| *n < MAX_EDGE);
    let channels = u8::try_from(shape.n_channels - 1).ok().filter(|n| *n < MAX_CHANNELS)?;
    Some([edge(shape.width)?, edge(shape.height)?, channels, shape.sample.code(), u8::from(shape.is_rgb)])
}
