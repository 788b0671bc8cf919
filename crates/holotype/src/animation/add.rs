//! Frames → an item: blocks, tables, record.

use super::encode::Encoder;
use super::table;
use super::wire::{self, Described};
use super::{AnimationDescription, AnimationOptions, Frame};
use crate::image::grid::TileGrid;
use crate::writer::extend;
use crate::{Error, Result, Writer};
use holotype_container::{Codec, ItemKind, ItemRecord, pack};
use std::io::Write;

/// Tables up to this size stay in the item's record.
const MAX_INLINE_TABLE_BYTES: usize = 512;

impl<W: Write> Writer<W> {
    /// Adds an animation whose frames come from `next`, until it gives none. Returns their number.
    ///
    /// Frames may be of any sizes and types. Each is coded alone or against an earlier one of its size and type,
    /// whichever takes less, tile by tile. Memory is three frames and what one takes when coded, however many there
    /// are.
    ///
    /// # Errors
    /// `InvalidArgument` if a frame's samples are not what its descriptor says, if there is none, or name or options
    /// do not fit; what `next` returns; `Io`.
    ///
    /// # Examples
    /// ```
    /// use holotype::{AnimationOptions, Archive, Frame, ImageDescriptor, SampleType, Writer, WriterOptions};
    /// let descriptor = ImageDescriptor::new(2, 1, 1, SampleType::U8);
    /// let mut frames = (0..5).map(|i| Frame::new(descriptor.clone(), vec![i, 7], 40));
    /// let mut writer = Writer::new(Vec::new(), WriterOptions::default())?;
    /// writer.add_animation("blink", &mut || Ok(frames.next()), &AnimationOptions::default())?;
    /// let archive = Archive::from_bytes(writer.finish()?.0)?;
    /// let blink = archive.animation("blink")?;
    /// assert_eq!(blink.delays()?, [40; 5]);
    /// assert_eq!(blink.read_frame(3)?, [3, 7]);
    /// # Ok::<(), holotype::Error>(())
    /// ```
    pub fn add_animation(
        &mut self,
        name: &str,
        next: &mut dyn FnMut() -> Result<Option<Frame>>,
        options: &AnimationOptions,
    ) -> Result<u64> {
        options.check()?;
        self.check_name(name)?;
        let mut item = ItemRecord::new(name.to_owned(), ItemKind::Animation);
        item.ordinal = self.next_ordinal();
        let mut encoder = Encoder::new(options);
        self.add_frames(&mut item, &mut encoder, next)?;
        let n_frames = encoder.records.len() as u64;
        if n_frames == 0 {
            return Err(Error::invalid("an animation has at least one frame"));
        }
        if options.poster >= n_frames {
            return Err(Error::invalid(format!("the poster is frame {} of {n_frames}", options.poster)));
        }
        let preview = encoder.preview.take();
        let description = AnimationDescription {
            n_frames,
            loop_count: options.loop_count,
            time_base: options.time_base,
            formats: Vec::new(),
            audio: options.audio.clone(),
            chroma: options.chroma.clone(),
            poster: options.poster,
        };
        self.describe(&mut item, encoder, description, false)?;
        item.metadata = self.add_metadata(&options.metadata)?;
        item.preview = preview.map(|preview| self.add_preview(&preview)).transpose()?;
        self.add_item(item)?;
        Ok(n_frames)
    }

    /// Adds the blocks of the frames that come.
    pub(super) fn add_frames(
        &mut self,
        item: &mut ItemRecord,
        encoder: &mut Encoder<'_>,
        next: &mut dyn FnMut() -> Result<Option<Frame>>,
    ) -> Result<()> {
        while let Some(frame) = next()? {
            let n_bytes = frame.samples.len() as u64;
            let (coded, descriptor, tile_edge) = encoder.encode(frame)?;
            let grid = TileGrid::new(&descriptor, tile_edge);
            for (number, tile) in (0..).zip(coded.tiles) {
                let Some(tile) = tile else { continue };
                let columns = u64::from(grid.n_columns());
                let region = grid.tile((number % columns) as u32, (number / columns) as u32);
                let raw_bytes = region.raw_bytes(&descriptor).unwrap_or(0);
                let id = self.add_block_of(item.ordinal, Codec::ImageTile, &tile, raw_bytes)?;
                extend(&mut item.content, id);
            }
            self.advance(n_bytes);
        }
        Ok(())
    }

    /// Adds the tables of all frames, and says in the record what they are; the formats of `description` are those of the
    /// encoder.
    pub(super) fn describe(
        &mut self,
        item: &mut ItemRecord,
        encoder: Encoder<'_>,
        description: AnimationDescription,
        keeps_hash_state: bool,
    ) -> Result<()> {
        let Encoder { formats, tile_edges, records, metadata, content, raw_bytes, .. } = encoder;
        if !metadata.is_empty() {
            let mut bytes = Vec::new();
            wire::encode_frame_metadata(&metadata).encode_into(&mut bytes);
            self.add_table(item, &bytes)?;
        }
        let mut table = Some(table::encode(&records)).filter(|table| table.len() <= MAX_INLINE_TABLE_BYTES);
        if table.is_none() {
            self.add_table(item, &table::encode(&records))?;
        }
        item.descriptor = wire::encode_descriptor(&Described {
            description: AnimationDescription { formats, ..description },
            tile_edges,
            table: table.take(),
            has_frame_metadata: !metadata.is_empty(),
            hash_state: keeps_hash_state.then(|| content.state()),
        });
        item.content_sha256 = content.finalize();
        item.raw_bytes = raw_bytes;
        Ok(())
    }

    fn add_table(&mut self, item: &mut ItemRecord, bytes: &[u8]) -> Result<()> {
        let (codec, stored) = pack(bytes);
        let id = self.add_block_of(item.ordinal, codec, &stored, bytes.len() as u64)?;
        extend(&mut item.content, id);
        Ok(())
    }
}
