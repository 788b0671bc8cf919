use super::{Item, SharedRecord};
use crate::image::decode::{self, UseTile};
use crate::image::grid::TileGrid;
use crate::image::preview::Preview;
use crate::image::wire;
use crate::{Error, ImageDescriptor, Metadata, Region, Result, memory};
use holotype_container::{Codec, ItemKind};

/// An image of an archive: its description, and its samples when asked.
///
/// ```
/// # use holotype::{ImageOptions, Metadata, SourceImage, Writer, WriterOptions};
/// use holotype::{Archive, ImageDescriptor, Region, SampleType};
/// # let descriptor = ImageDescriptor::new(100, 80, 1, SampleType::U8);
/// # let image = SourceImage { descriptor, metadata: Metadata::default() };
/// # let samples: Vec<u8> = (0..8000).map(|i| (i % 100) as u8).collect();
/// # let mut writer = Writer::new(Vec::new(), WriterOptions::default())?;
/// # writer.add_image("ramp", &image, &samples, &ImageOptions::default().with_tile_edge(16))?;
/// # let archive = Archive::from_bytes(writer.finish()?.0)?;
/// let image = archive.image("ramp")?;
/// assert_eq!(image.descriptor(), &ImageDescriptor::new(100, 80, 1, SampleType::U8));
/// // Only the tiles that the region touches are read and decoded.
/// let region = Region { x: 30, y: 70, width: 4, height: 1 };
/// let mut samples = [0; 4];
/// image.read_into(region, &mut samples, 0)?;
/// assert_eq!(samples, [30, 31, 32, 33]);
/// # Ok::<(), holotype::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct ImageItem<'a> {
    item: Item<'a>,
    descriptor: ImageDescriptor,
    metadata: Metadata,
    tile_edge: u32,
    grid: TileGrid,
}

impl<'a> ImageItem<'a> {
    pub(crate) fn open(item: Item<'a>) -> Result<Self> {
        if item.kind() != ItemKind::Image {
            return Err(Error::invalid(format!("item `{}` is no image", item.name())));
        }
        let record = item.record();
        let (descriptor, tile_edge) = wire::decode_descriptor(&record.descriptor)
            .ok_or_else(|| item.broken("the image descriptor is malformed"))?;
        let limit = item.archive().limits.max_pixels;
        if descriptor.n_pixels() > limit {
            return Err(Error::LimitExceeded {
                what: "the number of pixels",
                found: descriptor.n_pixels(),
                limit,
            });
        }
        if descriptor.raw_bytes() != Some(record.raw_bytes) {
            return Err(item.broken("the content's size is not the image's"));
        }
        let grid = TileGrid::new(&descriptor, tile_edge);
        if grid.n_tiles() != record.n_content_blocks() {
            return Err(item.broken("the number of blocks is not the number of tiles"));
        }
        let metadata = item.metadata()?;
        Ok(Self { descriptor, metadata, tile_edge, grid, item })
    }

    /// The item.
    #[must_use]
    pub fn item(&self) -> &Item<'a> {
        &self.item
    }

    /// What the image is.
    #[must_use]
    pub fn descriptor(&self) -> &ImageDescriptor {
        &self.descriptor
    }

    /// Its metadata.
    #[must_use]
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// Edge of its tiles, in pixels.
    #[must_use]
    pub fn tile_edge(&self) -> u32 {
        self.tile_edge
    }

    /// Number of its tiles.
    #[must_use]
    pub fn n_tiles(&self) -> u64 {
        self.grid.n_tiles()
    }

    /// True if a preview is stored.
    #[must_use]
    pub fn has_preview(&self) -> bool {
        self.item.has_preview()
    }

    /// The stored preview, checked.
    ///
    /// # Errors
    /// `Corrupt` if it is damaged; `Io`.
    pub fn preview(&self) -> Result<Option<Preview>> {
        self.item.preview()
    }

    /// All samples: row-major, interleaved, little-endian.
    ///
    /// # Errors
    /// `Corrupt` if any of it is damaged; `LimitExceeded`; `Io`.
    pub fn read(&self) -> Result<Vec<u8>> {
        let whole = Region::whole(&self.descriptor);
        let n_bytes = self.descriptor.raw_bytes().unwrap_or(u64::MAX);
        let limit = self.item.archive().limits.max_decoded_bytes;
        if n_bytes > limit {
            return Err(Error::LimitExceeded { what: "the size of the samples", found: n_bytes, limit });
        }
        self.check_tiles(&whole)?;
        let mut samples = memory::zeroed("the samples", n_bytes)?;
        self.read_into(whole, &mut samples, 0)?;
        Ok(samples)
    }

    /// The samples of `region` into `out`, reading and decoding only the tiles it touches.
    ///
    /// `n_threads` 0 uses what the machine offers. Every block is checked before it is decoded.
    ///
    /// # Errors
    /// `InvalidArgument` if the region or the buffer does not fit; `Corrupt` if a tile is damaged (`out` then
    /// holds unspecified samples); `Io`.
    pub fn read_into(&self, region: Region, out: &mut [u8], n_threads: usize) -> Result<()> {
        region.check(&self.descriptor)?;
        self.will_read(&region)?;
        let fetch = self.fetch();
        decode::decode_region(self.item.name(), &self.descriptor, &self.grid, &fetch, &region, out, n_threads)
    }

    /// Hands the rows of `region` to `sink` in bands of at most one row of tiles, top to bottom.
    ///
    /// # Errors
    /// As [`Self::read_into`], and what `sink` returns.
    pub fn read_bands(
        &self,
        region: Region,
        n_threads: usize,
        sink: &mut dyn FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        region.check(&self.descriptor)?;
        let (_, rows) = self.grid.touched(&region);
        let mut band = Vec::new();
        for row in rows {
            let strip = Region { x: region.x, width: region.width, ..self.grid.tile(0, row) };
            let Some(part) = strip.intersection(&region) else { continue };
            self.check_tiles(&part)?;
            memory::resize(
                &mut band,
                "a row of tiles",
                part.raw_bytes(&self.descriptor).unwrap_or(u64::MAX),
            )?;
            self.read_into(part, &mut band, n_threads)?;
            sink(&band)?;
        }
        Ok(())
    }

    pub(crate) fn grid(&self) -> &TileGrid {
        &self.grid
    }

    pub(super) fn record(&self) -> &SharedRecord {
        self.item.shared()
    }

    /// Checks that the tiles `region` touches are recorded with the sizes they must have: done before memory is
    /// taken for them, so that a forged image size costs nothing.
    pub(super) fn check_tiles(&self, region: &Region) -> Result<()> {
        let (columns, rows) = self.grid.touched(region);
        for row in rows {
            for column in columns.clone() {
                let raw_bytes = self.grid.tile(column, row).raw_bytes(&self.descriptor);
                let id = self.record().content_block(self.grid.tile_number(column, row));
                let block =
                    self.item.archive().block(id.ok_or_else(|| self.item.broken("a tile has no block"))?)?;
                if block.codec != Codec::ImageTile || Some(block.raw_bytes) != raw_bytes {
                    return Err(self.item.broken("a tile's block has another codec or size"));
                }
            }
        }
        Ok(())
    }

    /// Tells the source which tiles are read next.
    pub(super) fn will_read(&self, region: &Region) -> Result<()> {
        let (columns, rows) = self.grid.touched(region);
        let tiles = rows.flat_map(|row| columns.clone().map(move |column| (column, row)));
        let ids = tiles.filter_map(|(x, y)| self.record().content_block(self.grid.tile_number(x, y)));
        self.item.archive().will_read(ids)
    }

    /// Fetches tiles of the image by number.
    pub(crate) fn fetch(&self) -> impl Fn(u64, UseTile<'_>) -> Result<()> + Sync + '_ {
        move |number, work| {
            let columns = u64::from(self.grid.n_columns());
            let tile = self.grid.tile((number % columns) as u32, (number / columns) as u32);
            let raw_bytes = tile.raw_bytes(&self.descriptor).unwrap_or(u64::MAX);
            let id = self.record().content_block(number);
            self.item.with_tile(id.ok_or_else(|| self.item.broken("a tile has no block"))?, raw_bytes, work)
        }
    }
}
