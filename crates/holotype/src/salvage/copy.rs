//! Items from the damaged archive to the new one: blocks as they are coded, once all of an item is proven.

use crate::archive::{ImageItem, Item, TensorItem};
use crate::copying::{copy_alone, copy_item};
use crate::image::{decode, wire};
use crate::{Metadata, MetadataKind, Region, Result, Writer, memory, parallel};
use holotype_codec::image::{TileOptions, encode_tile};
use holotype_codec::{TileRef, TileShape};
use holotype_container::{Codec, ItemKind, ItemRecord};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Write;

/// Bytes of a block of a file.
const BLOCK_BYTES: usize = 4 << 20;
/// Key of the user metadata entry that marks an item as incomplete.
const NOTE_KEY: &str = "holotype.salvage";

/// Copies a proven item's blocks and record under `name`, with a note if something of it is lost.
pub(super) fn copy_whole<W: Write>(
    writer: &mut Writer<W>,
    item: &Item<'_>,
    name: &str,
    note: Option<&str>,
    copied: &mut BTreeMap<u64, u64>,
) -> Result<()> {
    let metadata = note.map(|note| Ok::<_, crate::Error>(noted(item.metadata()?, note))).transpose()?;
    if item.kind() == ItemKind::Tensor {
        let tensor = TensorItem::open(item.clone())?;
        if tensor.parent().is_some() {
            // Its parent may be lost, or have another name now.
            return copy_alone(writer, &tensor, name, metadata.as_ref());
        }
    }
    if item.parts()?.is_some() {
        // Its tensors may have other names now.
        return copy_bytes(writer, item, name, metadata.as_ref());
    }
    copy_item(writer, item, name, metadata.as_ref(), copied)
}

/// Writes a file that is made of others as its bytes.
fn copy_bytes<W: Write>(
    writer: &mut Writer<W>,
    item: &Item<'_>,
    name: &str,
    metadata: Option<&Metadata>,
) -> Result<()> {
    let mut new = item.record().clone();
    new.name = name.to_owned();
    new.descriptor.clear();
    new.preview = None;
    new.content.clear();
    item.read_file(0, &mut |bytes| {
        for part in bytes.chunks(BLOCK_BYTES) {
            let id = writer.add_packed(part)?;
            crate::writer::extend(&mut new.content, id);
        }
        Ok(())
    })?;
    let metadata = metadata.map_or_else(|| item.metadata(), |metadata| Ok(metadata.clone()))?;
    new.metadata = writer.add_metadata(&metadata)?;
    writer.add_item(new)
}

/// Writes an image with its tiles of numbers `missing` as zeros; its metadata says so.
pub(super) fn copy_filled<W: Write>(
    writer: &mut Writer<W>,
    image: &ImageItem<'_>,
    missing: &BTreeSet<u64>,
    name: &str,
    note: &str,
) -> Result<()> {
    let (descriptor, grid) = (image.descriptor(), image.grid());
    let fetch = image.fetch();
    let mut new = ItemRecord::new(name.to_owned(), ItemKind::Image);
    let mut content = Sha256::new();
    let mut zero_tiles = HashMap::new();
    let mut band = Vec::new();
    for row in 0..grid.n_rows() {
        let strip = Region { x: 0, width: descriptor.width, ..grid.tile(0, row) };
        memory::resize(&mut band, "a row of tiles", strip.raw_bytes(descriptor).unwrap_or(u64::MAX))?;
        band.fill(0);
        let mut jobs = decode::cut(descriptor, grid, &strip, &mut band);
        jobs.retain(|job| !missing.contains(&grid.tile_number(job.column, job.row)));
        let n_threads = parallel::n_threads(0, jobs.len());
        parallel::map(n_threads, jobs, |job| {
            decode::decode_one(image.item().name(), descriptor, grid, &fetch, &strip, job)
        })?;
        content.update(&band);
        for column in 0..grid.n_columns() {
            let tile = grid.tile(column, row);
            let number = grid.tile_number(column, row);
            let raw_bytes = tile.raw_bytes(descriptor).unwrap_or(0);
            let mut id = 0;
            let mut add = |coded: &[u8]| -> Result<()> {
                id = writer.add_block(Codec::ImageTile, coded, raw_bytes)?;
                Ok(())
            };
            if missing.contains(&number) {
                let shape = descriptor.tile_shape(tile.width, tile.height);
                add(zero_tiles.entry(shape).or_insert_with(|| zero_tile(shape)))?;
            } else {
                fetch(number, &mut add)?;
            }
            crate::writer::extend(&mut new.content, id);
        }
    }
    new.content_sha256 = content.finalize().into();
    new.raw_bytes = descriptor.raw_bytes().unwrap_or(0);
    new.descriptor = wire::encode_descriptor(descriptor, image.tile_edge());
    new.metadata = writer.add_metadata(&noted(image.metadata().clone(), note))?;
    writer.add_item(new)
}

fn zero_tile(shape: TileShape) -> Vec<u8> {
    let row = vec![0; shape.row_bytes()];
    let rows = vec![row.as_slice(); shape.height as usize];
    TileRef::new(shape, &rows).map_or_else(|_| Vec::new(), |tile| encode_tile(&tile, &TileOptions::default()))
}

/// Metadata that marks an item as incomplete.
fn noted(mut metadata: Metadata, note: &str) -> Metadata {
    metadata.push(MetadataKind::User, NOTE_KEY, note);
    metadata
}
