//! Bands of rows → coded tiles.

use super::grid::TileGrid;
use crate::{ImageDescriptor, ImageOptions, Result, parallel};
use holotype_codec::{TileRef, image::encode_tile};
use sha2::{Digest, Sha256};
use std::sync::{Mutex, PoisonError};

/// Codes an image band by band; a band is one row of the tile grid.
pub(crate) struct BandEncoder<'a> {
    descriptor: &'a ImageDescriptor,
    options: &'a ImageOptions,
    grid: TileGrid,
    content: Sha256,
}

enum Job {
    HashContent,
    Tile(u32),
}

impl<'a> BandEncoder<'a> {
    pub(crate) fn new(descriptor: &'a ImageDescriptor, options: &'a ImageOptions, grid: TileGrid) -> Self {
        Self { descriptor, options, grid, content: Sha256::new() }
    }

    /// Codes grid row `row`; `samples` are its rows. Returns one coded tile a grid column.
    pub(crate) fn encode(&mut self, row: u32, samples: &[u8]) -> Result<Vec<Vec<u8>>> {
        let Self { descriptor, options, grid, content } = self;
        let n_columns = grid.n_columns();
        let row_bytes = samples.len() / grid.tile(0, row).height.max(1) as usize;
        let tile_options = options.tile_options();
        let content = Mutex::new(content);
        let jobs = std::iter::once(Job::HashContent).chain((0..n_columns).map(Job::Tile)).collect::<Vec<_>>();
        let n_threads = parallel::n_threads(options.n_threads, jobs.len());
        let coded = parallel::map(n_threads, jobs, |job| match job {
            Job::HashContent => {
                content.lock().unwrap_or_else(PoisonError::into_inner).update(samples);
                Ok(None)
            }
            Job::Tile(column) => {
                let region = grid.tile(column, row);
                let shape = descriptor.tile_shape(region.width, region.height);
                let start = region.x as usize * descriptor.pixel_bytes();
                let rows: Vec<&[u8]> = samples
                    .chunks_exact(row_bytes)
                    .filter_map(|r| r.get(start..start + shape.row_bytes()))
                    .collect();
                let tile = TileRef::new(shape, &rows).map_err(|e| crate::Error::invalid(e.to_string()))?;
                Ok(Some(encode_tile(&tile, &tile_options)))
            }
        })?;
        Ok(coded.into_iter().flatten().collect())
    }

    /// SHA-256 of all samples given.
    pub(crate) fn finish(self) -> [u8; 32] {
        self.content.finalize().into()
    }
}
