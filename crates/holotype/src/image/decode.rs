//! Coded tiles → the samples of a region.

use super::grid::{Region, TileGrid};
use crate::{Error, ImageDescriptor, Result, parallel};
use holotype_codec::{TileMut, image::decode_tile};

/// Hands the verified coded bytes of a tile, by its row-major number, to a function.
pub(crate) type FetchTile<'a> = &'a (dyn Fn(u64, UseTile<'_>) -> Result<()> + Sync);
/// What is done with a tile's coded bytes.
pub(crate) type UseTile<'a> = &'a mut dyn FnMut(&[u8]) -> Result<()>;

/// One touched tile and the pieces of the output it fills.
pub(crate) struct Job<'a> {
    pub(crate) column: u32,
    pub(crate) row: u32,
    rows: Vec<&'a mut [u8]>,
}

impl<'a> Job<'a> {
    /// The pieces of rows, top to bottom.
    pub(crate) fn rows_mut(&mut self) -> &mut [&'a mut [u8]] {
        &mut self.rows
    }
}

/// Decodes the tiles that `region` touches into `out`, row-major, and no others.
pub(crate) fn decode_region(
    item: &str,
    descriptor: &ImageDescriptor,
    grid: &TileGrid,
    fetch: FetchTile<'_>,
    region: &Region,
    out: &mut [u8],
    n_threads: usize,
) -> Result<()> {
    region.check(descriptor)?;
    if region.raw_bytes(descriptor) != Some(out.len() as u64) {
        return Err(Error::invalid(format!(
            "the buffer has {} bytes, the region needs {}",
            out.len(),
            region.raw_bytes(descriptor).unwrap_or(u64::MAX)
        )));
    }
    let jobs = cut(descriptor, grid, region, out);
    let n_threads = parallel::n_threads(n_threads, jobs.len());
    parallel::map(n_threads, jobs, |job| decode_one(item, descriptor, grid, fetch, region, job))?;
    Ok(())
}

/// Cuts `out` into one set of row pieces a touched tile.
pub(crate) fn cut<'a>(
    descriptor: &ImageDescriptor,
    grid: &TileGrid,
    region: &Region,
    out: &'a mut [u8],
) -> Vec<Job<'a>> {
    let pixel_bytes = descriptor.pixel_bytes();
    let (columns, rows) = grid.touched(region);
    let mut bands = out.chunks_exact_mut(region.width as usize * pixel_bytes);
    let mut jobs = Vec::new();
    for row in rows {
        let first = jobs.len();
        let parts: Vec<Region> =
            columns.clone().filter_map(|column| grid.tile(column, row).intersection(region)).collect();
        jobs.extend(columns.clone().map(|column| Job { column, row, rows: Vec::new() }));
        let height = parts.first().map_or(0, |p| p.height);
        for mut line in bands.by_ref().take(height as usize) {
            for (job, part) in jobs.iter_mut().skip(first).zip(&parts) {
                let (piece, rest) = line.split_at_mut(part.width as usize * pixel_bytes);
                job.rows.push(piece);
                line = rest;
            }
        }
    }
    jobs
}

pub(crate) fn decode_one(
    item: &str,
    descriptor: &ImageDescriptor,
    grid: &TileGrid,
    fetch: FetchTile<'_>,
    region: &Region,
    mut job: Job<'_>,
) -> Result<()> {
    let number = grid.tile_number(job.column, job.row);
    let tile = grid.tile(job.column, job.row);
    let shape = descriptor.tile_shape(tile.width, tile.height);
    let fail = |source| Error::Tile { item: item.to_owned(), tile: number, source };
    if tile.intersection(region) == Some(tile) {
        let mut out = TileMut::new(shape, &mut job.rows).map_err(fail)?;
        return fetch(number, &mut |coded| decode_tile(coded, &mut out).map_err(fail));
    }
    let mut samples = vec![0; shape.row_bytes() * tile.height as usize];
    let mut rows: Vec<&mut [u8]> = samples.chunks_exact_mut(shape.row_bytes()).collect();
    let mut whole = TileMut::new(shape, &mut rows).map_err(fail)?;
    fetch(number, &mut |coded| decode_tile(coded, &mut whole).map_err(fail))?;
    let Some(part) = tile.intersection(region) else { return Ok(()) };
    let start = (part.x - tile.x) as usize * descriptor.pixel_bytes();
    let rows = samples.chunks_exact(shape.row_bytes()).skip((part.y - tile.y) as usize);
    for (piece, row) in job.rows.iter_mut().zip(rows) {
        let n = piece.len();
        piece.copy_from_slice(&row[start..start + n]);
    }
    Ok(())
}
