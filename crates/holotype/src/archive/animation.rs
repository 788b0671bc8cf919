mod chroma;
mod ending;

use super::{Archive, Item, SharedRecord};
use crate::animation::{FrameRecord, FrameTable, wire};
use crate::content_hash::ContentHash;
use crate::image::grid::{Region, TileGrid};
use crate::{AnimationDescription, Error, ImageDescriptor, Metadata, Progress, Result, memory, parallel};
use holotype_codec::image::{Reference, copy_same_tile, decode_inter_tile, decode_tile};
use holotype_codec::{TileMut, TileShape};
use holotype_container::{Codec, ItemKind, cbor};
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

/// Bytes of decoded frames kept for others that need them, beside the one that is needed at once.
const CACHE_BYTES: u64 = 256 << 20;

/// What is known of one frame.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FrameInfo {
    /// What its samples are.
    pub descriptor: ImageDescriptor,
    /// How long it is shown, in ticks.
    pub delay: u64,
    /// The frame it is coded against; `None` if it is coded alone.
    pub reference: Option<u64>,
    /// The frame coded alone that reading it starts with.
    pub key: u64,
}

/// What is known of an animation, apart from the archive it is in: made once, kept, shared between threads.
#[derive(Debug)]
pub struct Animation {
    record: SharedRecord,
    described: wire::Described,
    grids: Vec<TileGrid>,
    /// Content blocks that hold tiles, in order.
    n_tile_blocks: u64,
    table: OnceLock<FrameTable>,
}

/// Decoded frames that others may be coded against. One for each thread that reads.
#[derive(Debug, Default)]
pub struct FrameCache {
    /// The last used one last.
    frames: Vec<(u64, Arc<Vec<u8>>)>,
}

impl FrameCache {
    fn get(&mut self, frame: u64) -> Option<Arc<Vec<u8>>> {
        let at = self.frames.iter().position(|(held, _)| *held == frame)?;
        let held = self.frames.remove(at);
        let samples = held.1.clone();
        self.frames.push(held);
        Some(samples)
    }

    fn insert(&mut self, frame: u64, samples: Arc<Vec<u8>>) {
        self.frames.retain(|(held, _)| *held != frame);
        self.frames.push((frame, samples));
        let mut n_bytes: u64 = self.frames.iter().map(|(_, samples)| samples.len() as u64).sum();
        while n_bytes > CACHE_BYTES && self.frames.len() > 2 {
            n_bytes -= self.frames.remove(0).1.len() as u64;
        }
    }
}

/// An animation of an archive: its description, and its frames when asked.
///
/// ```
/// # use holotype::{AnimationOptions, Archive, Frame, FrameCache, ImageDescriptor, SampleType, Writer, WriterOptions};
/// # let descriptor = ImageDescriptor::new(4, 2, 1, SampleType::U8);
/// # let mut frames = (0..9).map(|i| Frame::new(descriptor.clone(), vec![i; 8], 20));
/// # let mut writer = Writer::new(Vec::new(), WriterOptions::default())?;
/// # writer.add_animation("flash", &mut || Ok(frames.next()), &AnimationOptions::default())?;
/// # let archive = Archive::from_bytes(writer.finish()?.0)?;
/// let flash = archive.animation("flash")?;
/// assert_eq!(flash.description().n_frames, 9);
/// // Frames that follow each other share what they are coded against.
/// let mut cache = FrameCache::default();
/// let mut samples = [0; 8];
/// for frame in 0..9 {
///     flash.read_frame_into(frame, &mut samples, &mut cache, 1)?;
///     assert_eq!(samples, [frame as u8; 8]);
/// }
/// # Ok::<(), holotype::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct AnimationItem<'a> {
    item: Item<'a>,
    animation: Arc<Animation>,
}

impl<'a> AnimationItem<'a> {
    pub(crate) fn open(item: Item<'a>) -> Result<Self> {
        if item.kind() != ItemKind::Animation {
            return Err(Error::invalid(format!("item `{}` is no animation", item.name())));
        }
        let record = item.record();
        let described = wire::decode_descriptor(&record.descriptor)
            .ok_or_else(|| item.broken("the animation's descriptor is malformed"))?;
        let limit = item.archive().limits.max_pixels;
        for format in &described.description.formats {
            if format.n_pixels() > limit {
                return Err(Error::LimitExceeded {
                    what: "the number of pixels of a frame",
                    found: format.n_pixels(),
                    limit,
                });
            }
        }
        let n_tables = u64::from(described.has_frame_metadata) + u64::from(described.table.is_none());
        let n_tile_blocks = record
            .n_content_blocks()
            .checked_sub(n_tables)
            .ok_or_else(|| item.broken("the animation has fewer blocks than tables"))?;
        let formats = described.description.formats.iter().zip(&described.tile_edges);
        let grids = formats.map(|(format, edge)| TileGrid::new(format, *edge)).collect();
        let record = item.shared().clone();
        let animation = Animation { record, described, grids, n_tile_blocks, table: OnceLock::new() };
        Ok(Self { item, animation: Arc::new(animation) })
    }

    /// What is known of the animation, to be used with its archive again by [`Archive::animation_again`].
    #[must_use]
    pub fn shared(&self) -> Arc<Animation> {
        self.animation.clone()
    }

    /// The item.
    #[must_use]
    pub fn item(&self) -> &Item<'a> {
        &self.item
    }

    /// What the animation is.
    #[must_use]
    pub fn description(&self) -> &AnimationDescription {
        &self.animation.described.description
    }

    /// Metadata of the animation as a whole, checked.
    ///
    /// # Errors
    /// As [`Item::metadata`].
    pub fn metadata(&self) -> Result<Metadata> {
        self.item.metadata()
    }

    /// How long each frame is shown, in ticks. Reads the frame table and no frame.
    ///
    /// # Errors
    /// `Corrupt` if the table is damaged; `Io`.
    pub fn delays(&self) -> Result<Vec<u64>> {
        Ok(self.table()?.records.iter().map(|record| record.delay).collect())
    }

    /// What is known of frame `frame`. Reads the frame table and no frame.
    ///
    /// # Errors
    /// `InvalidArgument` if there is no such frame; as [`Self::delays`].
    pub fn frame(&self, frame: u64) -> Result<FrameInfo> {
        let record = self.record(frame)?;
        Ok(FrameInfo {
            descriptor: self.format(record)?.0.clone(),
            delay: record.delay,
            reference: (record.distance > 0).then(|| frame - u64::from(record.distance)),
            key: self.table()?.keys.get(frame as usize).copied().unwrap_or(frame),
        })
    }

    /// Bytes that frame `frame` itself takes in the archive; those it is coded against are not counted.
    ///
    /// # Errors
    /// As [`Self::frame`].
    pub fn stored_frame_bytes(&self, frame: u64) -> Result<u64> {
        let archive = self.item.archive();
        let blocks = self.blocks_of(frame)?.into_iter();
        blocks.map(|id| Ok(archive.block(id)?.frame_bytes())).sum()
    }

    /// Metadata of frame `frame` alone.
    ///
    /// # Errors
    /// As [`Self::frame`]; `Corrupt` if it is damaged.
    pub fn frame_metadata(&self, frame: u64) -> Result<Metadata> {
        if frame >= self.description().n_frames {
            return Err(self.no_frame(frame));
        }
        Ok(self.all_frame_metadata()?.remove(&frame).unwrap_or_default())
    }

    /// Metadata of the frames that have any.
    ///
    /// # Errors
    /// `Corrupt` if it is damaged; `LimitExceeded`; `Io`.
    pub fn all_frame_metadata(&self) -> Result<BTreeMap<u64, Metadata>> {
        if !self.animation.described.has_frame_metadata {
            return Ok(BTreeMap::new());
        }
        let limits = &self.item.archive().limits;
        let bytes = self.table_block(self.animation.n_tile_blocks, limits.max_metadata_bytes)?;
        let value = cbor::decode(&bytes, &limits.container)?;
        wire::decode_frame_metadata(&value, self.description().n_frames)
            .ok_or_else(|| self.item.broken("the metadata of frames is malformed"))
    }

    /// All samples of frame `frame`: row-major, interleaved, little-endian.
    ///
    /// # Errors
    /// As [`Self::read_frame_into`].
    pub fn read_frame(&self, frame: u64) -> Result<Vec<u8>> {
        let mut cache = FrameCache::default();
        let mut samples = memory::zeroed("a frame", self.frame_bytes(frame)?)?;
        self.read_frame_into(frame, &mut samples, &mut cache, 0)?;
        Ok(samples)
    }

    /// Bytes of the samples of frame `frame`; refuses what is above the limits.
    ///
    /// # Errors
    /// As [`Self::frame`]; `LimitExceeded`.
    pub fn frame_bytes(&self, frame: u64) -> Result<u64> {
        let record = self.record(frame)?;
        let (format, _) = self.format(record)?;
        let n_bytes = format.raw_bytes().unwrap_or(u64::MAX);
        let limit = self.item.archive().limits.max_decoded_bytes;
        if n_bytes > limit {
            return Err(Error::LimitExceeded { what: "the size of a frame", found: n_bytes, limit });
        }
        // The blocks' own claims first: a forged size takes no memory.
        let key = self.table()?.keys.get(frame as usize).copied().unwrap_or(frame);
        self.check_tiles(key)?;
        Ok(n_bytes)
    }

    /// The samples of frame `frame` into `out`, reading and decoding it and, of the frames its chain goes through,
    /// those that `cache` lacks: at most as many as the key interval it was written with.
    ///
    /// `n_threads` 0 uses what the machine offers. Every block is checked before it is decoded.
    ///
    /// # Errors
    /// `InvalidArgument` if there is no such frame or the buffer does not fit; `Corrupt` if a block of it or of its
    /// chain is damaged (`out` then holds unspecified samples); `LimitExceeded`; `Io`.
    pub fn read_frame_into(
        &self,
        frame: u64,
        out: &mut [u8],
        cache: &mut FrameCache,
        n_threads: usize,
    ) -> Result<()> {
        let n_bytes = self.frame_bytes(frame)?;
        if n_bytes != out.len() as u64 {
            return Err(Error::invalid(format!(
                "the buffer has {} bytes, frame {frame} needs {n_bytes}",
                out.len()
            )));
        }
        if let Some(held) = cache.get(frame) {
            out.copy_from_slice(&held);
            return Ok(());
        }
        self.read_chain(frame, out, cache, n_threads)
            .map_err(|source| Error::Frame { frame, source: Box::new(source) })
    }

    fn read_chain(&self, frame: u64, out: &mut [u8], cache: &mut FrameCache, n_threads: usize) -> Result<()> {
        // The frames to decode, the last first, until one is held or needs none.
        let mut chain = vec![frame];
        let mut held = None;
        while let (None, Some(reference)) = (&held, self.reference(chain[chain.len() - 1])?) {
            held = cache.get(reference);
            if held.is_none() {
                chain.push(reference);
            }
        }
        let blocks = chain.iter().map(|frame| self.blocks_of(*frame)).collect::<Result<Vec<_>>>()?;
        self.item.archive().will_read(blocks.into_iter().flatten())?;
        while let Some(next) = chain.pop() {
            if chain.is_empty() {
                self.decode(next, held.as_deref().map(Vec::as_slice), out, n_threads)?;
                break;
            }
            let mut samples = memory::zeroed("a frame", out.len() as u64)?;
            self.decode(next, held.as_deref().map(Vec::as_slice), &mut samples, n_threads)?;
            let samples = Arc::new(samples);
            cache.insert(next, samples.clone());
            held = Some(samples);
        }
        if self.table()?.is_reference.get(frame as usize) == Some(&true) {
            cache.insert(frame, Arc::new(out.to_vec()));
        }
        Ok(())
    }

    /// The samples of the frames `frames`, one after another, into `out`: groups of frames that need each other are
    /// decoded at the same time.
    ///
    /// # Errors
    /// As [`Self::read_frame_into`].
    pub fn read_frames_into(&self, frames: &[u64], out: &mut [u8], n_threads: usize) -> Result<()> {
        let mut rest = out;
        let mut groups: BTreeMap<u64, Vec<(u64, &mut [u8])>> = BTreeMap::new();
        for frame in frames {
            let n_bytes = usize::try_from(self.frame_bytes(*frame)?).unwrap_or(usize::MAX);
            let unfit = || Error::invalid("the buffer is smaller than the frames");
            let (part, after) = rest.split_at_mut_checked(n_bytes).ok_or_else(unfit)?;
            rest = after;
            groups.entry(self.frame(*frame)?.key).or_default().push((*frame, part));
        }
        if !rest.is_empty() {
            return Err(Error::invalid("the buffer is larger than the frames"));
        }
        let groups: Vec<_> = groups.into_values().collect();
        let n_groups = groups.len();
        let n_threads = parallel::n_threads(n_threads, usize::MAX);
        let n_each = (n_threads / n_groups.max(1)).max(1);
        parallel::map(n_threads.min(n_groups), groups, |mut group| {
            group.sort_by_key(|(frame, _)| *frame);
            let mut cache = FrameCache::default();
            group
                .into_iter()
                .try_for_each(|(frame, part)| self.read_frame_into(frame, part, &mut cache, n_each))
        })?;
        Ok(())
    }

    /// Number of the frame that `frame` is coded against.
    fn reference(&self, frame: u64) -> Result<Option<u64>> {
        let record = self.record(frame)?;
        Ok((record.distance > 0).then(|| frame - u64::from(record.distance)))
    }

    /// Decodes a frame whose reference is at hand.
    fn decode(&self, frame: u64, reference: Option<&[u8]>, out: &mut [u8], n_threads: usize) -> Result<()> {
        let record = self.record(frame)?;
        let (descriptor, grid) = self.format(record)?;
        let whole = Region::whole(descriptor);
        let jobs = crate::image::decode::cut(descriptor, grid, &whole, out);
        let n_threads = parallel::n_threads(n_threads, jobs.len());
        parallel::map(n_threads, jobs, |mut job| {
            let region = grid.tile(job.column, job.row);
            let shape = descriptor.tile_shape(region.width, region.height);
            let number = grid.tile_number(job.column, job.row);
            let fail = |source| Error::Tile { item: self.item.name().to_owned(), tile: number, source };
            let mut tile = TileMut::new(shape, job.rows_mut()).map_err(fail)?;
            let around = self.around(descriptor, reference, &region, &shape).map_err(fail)?;
            match (self.block_of(frame, number)?, around) {
                (None, Some(around)) => copy_same_tile(&around, &mut tile).map_err(fail),
                (None, None) => Err(self.item.broken("a tile has no block")),
                (Some(id), around) => {
                    let raw_bytes = region.raw_bytes(descriptor).unwrap_or(u64::MAX);
                    self.item.with_tile(id, raw_bytes, &mut |coded| {
                        match &around {
                            Some(around) => decode_inter_tile(coded, around, &mut tile),
                            None => decode_tile(coded, &mut tile),
                        }
                        .map_err(fail)
                    })
                }
            }
        })?;
        Ok(())
    }

    fn around<'r>(
        &self,
        descriptor: &ImageDescriptor,
        reference: Option<&'r [u8]>,
        region: &Region,
        shape: &TileShape,
    ) -> Result<Option<Reference<'r>>, holotype_codec::CodecError> {
        let size = (descriptor.width, descriptor.height);
        reference.map(|samples| Reference::new(samples, size, (region.x, region.y), shape)).transpose()
    }

    /// Block of a tile of a frame; `None` if the tile is its reference's.
    fn block_of(&self, frame: u64, tile: u64) -> Result<Option<u64>> {
        let table = self.table()?;
        let (Some(record), Some(first)) =
            (table.records.get(frame as usize), table.first_blocks.get(frame as usize))
        else {
            return Err(self.no_frame(frame));
        };
        let Some(number) = record.tiles.block_of(tile) else { return Ok(None) };
        let id = self.animation.record.content_block(first.saturating_add(number));
        id.map(Some).ok_or_else(|| self.item.broken("a tile has no block"))
    }

    fn blocks_of(&self, frame: u64) -> Result<Vec<u64>> {
        let table = self.table()?;
        let at = frame as usize;
        let (Some(first), Some(end)) = (table.first_blocks.get(at), table.first_blocks.get(at + 1)) else {
            return Err(self.no_frame(frame));
        };
        Ok((*first..*end).filter_map(|number| self.animation.record.content_block(number)).collect())
    }

    /// Checks that the tiles of a frame coded alone are recorded with the sizes they must have.
    fn check_tiles(&self, frame: u64) -> Result<()> {
        let (descriptor, grid) = self.format(self.record(frame)?)?;
        for row in 0..grid.n_rows() {
            for column in 0..grid.n_columns() {
                let number = grid.tile_number(column, row);
                let id = self.block_of(frame, number)?;
                let block =
                    self.item.archive().block(id.ok_or_else(|| self.item.broken("a tile has no block"))?)?;
                let raw_bytes = grid.tile(column, row).raw_bytes(descriptor);
                if block.codec != Codec::ImageTile || Some(block.raw_bytes) != raw_bytes {
                    return Err(self.item.broken("a tile's block has another codec or size"));
                }
            }
        }
        Ok(())
    }

    fn record(&self, frame: u64) -> Result<&FrameRecord> {
        let at = usize::try_from(frame).unwrap_or(usize::MAX);
        self.table()?.records.get(at).ok_or_else(|| self.no_frame(frame))
    }

    fn no_frame(&self, frame: u64) -> Error {
        Error::invalid(format!(
            "there is no frame {frame}: `{}` has {}",
            self.item.name(),
            self.description().n_frames
        ))
    }

    fn format(&self, record: &FrameRecord) -> Result<(&ImageDescriptor, &TileGrid)> {
        let at = record.format as usize;
        let formats = &self.animation.described.description.formats;
        formats
            .get(at)
            .zip(self.animation.grids.get(at))
            .ok_or_else(|| self.item.broken("the frame table is malformed"))
    }

    /// The frame table, read the first time it is needed.
    fn table(&self) -> Result<&FrameTable> {
        if let Some(table) = self.animation.table.get() {
            return Ok(table);
        }
        let Animation { described, grids, n_tile_blocks, .. } = &*self.animation;
        let stored;
        let bytes = if let Some(inline) = &described.table {
            inline
        } else {
            let number = n_tile_blocks + u64::from(described.has_frame_metadata);
            stored = self.table_block(number, self.item.archive().limits.max_metadata_bytes)?;
            &stored
        };
        let n_frames = described.description.n_frames;
        let broken = || self.item.broken("the frame table is malformed");
        let table = crate::animation::decode_table(bytes, n_frames, grids).ok_or_else(broken)?;
        if table.first_blocks.last() != Some(n_tile_blocks) {
            return Err(self.item.broken("the number of blocks is not the number of tiles"));
        }
        let formats = &described.description.formats;
        let raw_bytes = table.records.iter().try_fold(0_u64, |sum, record| {
            sum.checked_add(formats.get(record.format as usize)?.raw_bytes()?)
        });
        if raw_bytes != Some(self.item.raw_bytes()) {
            return Err(self.item.broken("the content's size is not that of all frames"));
        }
        Ok(self.animation.table.get_or_init(|| table))
    }

    /// A block of bytes among the content blocks.
    fn table_block(&self, number: u64, limit: u64) -> Result<Vec<u8>> {
        let id = self.animation.record.content_block(number);
        let id = id.ok_or_else(|| self.item.broken("a table has no block"))?;
        self.item.archive().unpacked(self.item.name(), id, limit)
    }

    /// Decodes every frame and compares the SHA-256 of all with the item's; what is wrong goes to `damage`.
    pub(super) fn check_content(
        &self,
        n_threads: usize,
        progress: &Progress,
        damage: &mut dyn FnMut(&Error) -> Result<()>,
    ) -> Result<()> {
        let mut content = ContentHash::default();
        let mut cache = FrameCache::default();
        let mut samples = Vec::new();
        let mut is_good = true;
        for frame in 0..self.description().n_frames {
            let mut read = || {
                memory::resize(&mut samples, "a frame", self.frame_bytes(frame)?)?;
                self.read_frame_into(frame, &mut samples, &mut cache, n_threads)
            };
            if let Err(error) = read() {
                is_good = false;
                damage(&error)?;
            }
            if is_good {
                content.update(&samples);
            }
            progress.advance(self.stored_frame_bytes(frame)?);
        }
        if is_good {
            let is_state = |state: [u8; 32]| state == content.state();
            let kept = self.animation.described.hash_state;
            let state = kept.is_none_or(is_state).then_some(());
            let state = state.ok_or_else(|| self.item.broken("the state of its hash is another"));
            if let Err(error) = state.and_then(|()| self.item.check_content(content.finalize())) {
                damage(&error)?;
            }
        }
        Ok(())
    }

    /// Checks that the sound it names is there.
    pub(super) fn check_audio(&self) -> Result<()> {
        for name in &self.description().audio {
            match self.item.archive().item(name) {
                Ok(item) if item.kind() == ItemKind::Audio => {}
                Ok(_) | Err(Error::NotFound { .. }) => {
                    return Err(self.item.broken("it names a sound that is not there"));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl Archive {
    /// The first animation in the order of adding.
    ///
    /// # Errors
    /// `NotFound` if there is none.
    pub fn first_animation(&self) -> Result<AnimationItem<'_>> {
        let first = self.items()?.into_iter().find(|item| item.kind() == ItemKind::Animation);
        AnimationItem::open(first.ok_or_else(|| Error::NotFound { name: "<an animation>".into() })?)
    }

    /// An animation of this archive again, from what was kept of it.
    #[must_use]
    pub fn animation_again(&self, animation: &Arc<Animation>) -> AnimationItem<'_> {
        AnimationItem { item: Item::new(self, animation.record.clone()), animation: animation.clone() }
    }
}
