//! Frames → tiles: what each is coded against.

use super::table::{FrameRecord, MAX_CHAIN, Tiles};
use super::{AnimationOptions, Ending, Frame};
use crate::content_hash::ContentHash;
use crate::image::grid::TileGrid;
use crate::image::preview::{Preview, PreviewBuilder, wants_preview};
use crate::{Error, ImageDescriptor, Metadata, Mode, Result, parallel};
use holotype_codec::TileRef;
use holotype_codec::image::{InterTile, Reference, encode_inter_tile, encode_tile, tile_work};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Work that reading one frame may take, in units a byte of its samples: about 8 ms for 640 × 360 pixels …
const MAX_WORK: u64 = 9;
/// … or this much, which is soon done.
const MIN_WORK: u64 = 4 << 20;
/// A frame is coded against the last one that needs but a frame coded alone if that is not further away.
const MAX_ANCHOR_DISTANCE: u64 = 5;
/// A frame that others are coded against may take so many percent more if it is decoded many times as fast: it is one of
/// many, and each of these waits for it.
const MAX_QUICK_PERCENT: u64 = 150;

/// A frame that later ones may be coded against.
#[derive(Debug, Clone)]
pub(crate) struct Earlier {
    pub(crate) index: u64,
    pub(crate) format: u32,
    pub(crate) samples: Arc<Vec<u8>>,
    /// Frames that reading it takes, itself included, and the work of decoding them and itself alone.
    pub(crate) chain: u32,
    pub(crate) chain_work: u64,
    pub(crate) own_work: u64,
    pub(crate) n_bytes: u64,
}

/// Coded tiles of a frame; none where it is the reference's.
pub(super) struct Coded {
    pub(super) tiles: Vec<Option<Vec<u8>>>,
    n_bytes: u64,
    work: u64,
}

enum Job {
    HashContent,
    Tile(u32, u32),
}

pub(super) struct Encoder<'a> {
    options: &'a AnimationOptions,
    pub(super) formats: Vec<ImageDescriptor>,
    pub(super) tile_edges: Vec<u32>,
    pub(super) records: Vec<FrameRecord>,
    pub(super) metadata: BTreeMap<u64, Metadata>,
    pub(super) content: ContentHash,
    pub(super) raw_bytes: u64,
    /// The last frame coded alone, the last after it that needs no other, and the last frame.
    key: Option<Earlier>,
    anchor: Option<Earlier>,
    last: Option<Earlier>,
    pub(super) preview: Option<Preview>,
}

impl<'a> Encoder<'a> {
    pub(super) fn new(options: &'a AnimationOptions) -> Self {
        Self::resume(options, Ending::default())
    }

    /// Goes on after the last frame of an animation, as if its frames had been coded here.
    pub(super) fn resume(options: &'a AnimationOptions, ending: Ending) -> Self {
        let Ending { formats, tile_edges, records, metadata, content, raw_bytes, key, anchor, last } = ending;
        Self {
            options,
            formats,
            tile_edges,
            records,
            metadata,
            content,
            raw_bytes,
            key,
            anchor,
            last,
            preview: None,
        }
    }

    /// Codes the next frame; returns it with its format.
    pub(super) fn encode(&mut self, frame: Frame) -> Result<(Coded, ImageDescriptor, u32)> {
        let Frame { descriptor, samples, delay, metadata } = frame;
        let index = self.records.len() as u64;
        descriptor.validate()?;
        let raw_bytes = samples.len() as u64;
        if descriptor.raw_bytes() != Some(raw_bytes) {
            return Err(Error::invalid(format!(
                "frame {index} has {raw_bytes} bytes of samples, its descriptor says {}",
                descriptor.raw_bytes().unwrap_or(u64::MAX)
            )));
        }
        self.raw_bytes = self
            .raw_bytes
            .checked_add(raw_bytes)
            .ok_or_else(|| Error::invalid("the animation's size overflows"))?;
        if index == self.options.poster && wants_preview(&descriptor, self.options.image.preview) {
            let mut preview = PreviewBuilder::new(&descriptor);
            preview.push_rows(&samples);
            self.preview = Some(preview.finish());
        }
        if !metadata.entries.is_empty() {
            self.metadata.insert(index, metadata);
        }
        let (format, tile_edge) = self.format(&descriptor)?;
        let most = (raw_bytes * MAX_WORK).max(MIN_WORK);
        let samples = Arc::new(samples);
        let mode = self.options.image.mode;
        let mut is_hashed = false;
        let mut chosen: Option<(Coded, Earlier)> = None;
        for earlier in self.candidates(index, format, most) {
            let coded =
                self.encode_tiles(&descriptor, tile_edge, &samples, Some(&earlier), (mode, &mut is_hashed))?;
            let fits = earlier.chain_work + coded.work <= most;
            let is_smaller = chosen.as_ref().is_none_or(|(best, _)| coded.n_bytes < best.n_bytes);
            if is_smaller || fits {
                chosen = Some((coded, earlier));
            }
            if fits {
                break;
            }
        }
        if let (Some((coded, _)), Some(key)) = (&chosen, &self.key)
            && coded.n_bytes > key.n_bytes
        {
            chosen = None;
        }
        let (coded, reference) = match chosen {
            Some((coded, reference)) => (coded, Some(reference)),
            None => (self.encode_alone(&descriptor, tile_edge, &samples, &mut is_hashed)?, None),
        };
        let present: Vec<bool> = coded.tiles.iter().map(Option::is_some).collect();
        self.records.push(FrameRecord {
            format,
            delay,
            distance: reference.as_ref().map_or(0, |earlier| (index - earlier.index) as u32),
            tiles: Tiles::of(&present),
        });
        let (chain, before) = reference.as_ref().map_or((0, 0), |r| (r.chain, r.chain_work));
        let Coded { work: own_work, n_bytes, .. } = coded;
        let chain_work = before + own_work;
        let own = Earlier { index, format, samples, chain: chain + 1, chain_work, own_work, n_bytes };
        match own.chain {
            1 => (self.key, self.anchor) = (Some(own.clone()), None),
            2 => self.anchor = Some(own.clone()),
            _ => {}
        }
        self.last = Some(own);
        Ok((coded, descriptor, tile_edge))
    }

    /// Number and tile edge of a format.
    fn format(&mut self, descriptor: &ImageDescriptor) -> Result<(u32, u32)> {
        let known = self.formats.iter().position(|known| known == descriptor);
        let number = match known {
            Some(number) => number,
            None => {
                self.tile_edges.push(self.options.image.tile_edge_for(descriptor)?);
                self.formats.push(descriptor.clone());
                self.formats.len() - 1
            }
        };
        Ok((number as u32, self.tile_edges[number]))
    }

    /// Frames the next may be coded against, the better guess first: the one before it, the anchor, the last one coded
    /// alone. The first two are passed over where reading the next, if it takes as much work as they do, would take
    /// more than `most`.
    fn candidates(&self, index: u64, format: u32, most: u64) -> Vec<Earlier> {
        let Some(key) = &self.key else { return Vec::new() };
        if index - key.index >= u64::from(self.options.key_interval) {
            return Vec::new();
        }
        let is_short = |earlier: &&Earlier| earlier.chain_work + earlier.own_work <= most;
        let last = self.last.iter().filter(|last| last.chain > 2).filter(is_short);
        let anchor = self.anchor.iter().filter(|anchor| index - anchor.index < MAX_ANCHOR_DISTANCE);
        let usable = |earlier: &&Earlier| earlier.format == format && earlier.chain < MAX_CHAIN;
        let all = last.chain(anchor.filter(is_short)).chain(std::iter::once(key));
        all.filter(usable).cloned().collect()
    }

    /// Codes a frame alone, in what is soon decoded if that is not much larger.
    fn encode_alone(
        &mut self,
        descriptor: &ImageDescriptor,
        tile_edge: u32,
        samples: &[u8],
        is_hashed: &mut bool,
    ) -> Result<Coded> {
        let mode = self.options.image.mode;
        let usual = self.encode_tiles(descriptor, tile_edge, samples, None, (mode, is_hashed))?;
        if mode != Mode::Standard || self.options.key_interval == 1 || usual.work < 4 * samples.len() as u64 {
            return Ok(usual);
        }
        let quick = self.encode_tiles(descriptor, tile_edge, samples, None, (Mode::Fast, is_hashed))?;
        let is_near = quick.n_bytes * 100 <= usual.n_bytes * MAX_QUICK_PERCENT;
        Ok(if is_near && quick.work < usual.work { quick } else { usual })
    }

    /// Codes all tiles; takes the samples into the content's hash the first time it is called for them.
    fn encode_tiles(
        &mut self,
        descriptor: &ImageDescriptor,
        tile_edge: u32,
        samples: &[u8],
        earlier: Option<&Earlier>,
        (mode, is_hashed): (Mode, &mut bool),
    ) -> Result<Coded> {
        let grid = TileGrid::new(descriptor, tile_edge);
        let row_bytes = descriptor.row_bytes().unwrap_or(usize::MAX);
        let mut options = self.options.image.tile_options();
        options.mode = mode;
        let content = std::sync::Mutex::new(&mut self.content);
        let mut jobs = Vec::new();
        if !std::mem::replace(is_hashed, true) {
            jobs.push(Job::HashContent);
        }
        let tiles = (0..grid.n_rows()).flat_map(|row| (0..grid.n_columns()).map(move |column| (column, row)));
        jobs.extend(tiles.map(|(column, row)| Job::Tile(column, row)));
        let n_threads = parallel::n_threads(self.options.image.n_threads, jobs.len());
        let coded = parallel::map(n_threads, jobs, |job| {
            let Job::Tile(column, row) = job else {
                content.lock().unwrap_or_else(std::sync::PoisonError::into_inner).update(samples);
                return Ok(None);
            };
            let region = grid.tile(column, row);
            let shape = descriptor.tile_shape(region.width, region.height);
            let start = region.x as usize * descriptor.pixel_bytes();
            let rows: Vec<&[u8]> = samples
                .chunks_exact(row_bytes)
                .skip(region.y as usize)
                .take(region.height as usize)
                .filter_map(|row| row.get(start..start + shape.row_bytes()))
                .collect();
            let unfit = |e: holotype_codec::CodecError| Error::invalid(e.to_string());
            let tile = TileRef::new(shape, &rows).map_err(unfit)?;
            let Some(earlier) = earlier else { return Ok(Some(Some(encode_tile(&tile, &options)))) };
            let size = (descriptor.width, descriptor.height);
            let reference =
                Reference::new(&earlier.samples, size, (region.x, region.y), &shape).map_err(unfit)?;
            Ok(Some(match encode_inter_tile(&tile, &reference, &options) {
                InterTile::Same => None,
                InterTile::Coded(coded) => Some(coded),
            }))
        })?;
        let tiles: Vec<Option<Vec<u8>>> = coded.into_iter().flatten().collect();
        let n_bytes = tiles.iter().flatten().map(|tile| tile.len() as u64).sum();
        let work = tiles.iter().flatten().map(|tile| tile_work(tile)).max().unwrap_or(1);
        Ok(Coded { tiles, n_bytes, work: work * samples.len() as u64 })
    }
}
