//! TIFF 6.0 and BigTIFF: strips and tiles, integers and floats, several pages, tags kept verbatim.

mod ifd;
mod overlay;
mod reader;
mod writer;

pub(super) use reader::open;
pub(super) use writer::create;

const NAME: &str = "TIFF";

/// Tag numbers (TIFF 6.0, its supplements, and private ones).
mod tag {
    pub(super) const WIDTH: u16 = 256;
    pub(super) const HEIGHT: u16 = 257;
    pub(super) const BITS_PER_SAMPLE: u16 = 258;
    pub(super) const COMPRESSION: u16 = 259;
    pub(super) const PHOTOMETRIC: u16 = 262;
    pub(super) const STRIP_OFFSETS: u16 = 273;
    pub(super) const SAMPLES_PER_PIXEL: u16 = 277;
    pub(super) const ROWS_PER_STRIP: u16 = 278;
    pub(super) const STRIP_BYTE_COUNTS: u16 = 279;
    pub(super) const PLANAR: u16 = 284;
    pub(super) const PREDICTOR: u16 = 317;
    pub(super) const COLOR_MAP: u16 = 320;
    pub(super) const EXTRA_SAMPLES: u16 = 338;
    pub(super) const SAMPLE_FORMAT: u16 = 339;
    pub(super) const YCBCR_SUBSAMPLING: u16 = 530;
    pub(super) const XMP: u16 = 700;
    pub(super) const IPTC: u16 = 33723;
    pub(super) const ICC: u16 = 34675;
    pub(super) const EXIF_IFD: u16 = 34665;
    pub(super) const GPS_IFD: u16 = 34853;

    /// Tags that say how samples lie in this very file; they are made anew on export.
    pub(super) const STRUCTURAL: [u16; 21] = [
        WIDTH,
        HEIGHT,
        BITS_PER_SAMPLE,
        COMPRESSION,
        PHOTOMETRIC,
        266, // FillOrder
        STRIP_OFFSETS,
        SAMPLES_PER_PIXEL,
        ROWS_PER_STRIP,
        STRIP_BYTE_COUNTS,
        PLANAR,
        PREDICTOR,
        COLOR_MAP,
        322, // TileWidth
        323, // TileLength
        324, // TileOffsets
        325, // TileByteCounts
        330, // SubIFDs
        EXTRA_SAMPLES,
        SAMPLE_FORMAT,
        347, // JPEGTables
    ];
}
