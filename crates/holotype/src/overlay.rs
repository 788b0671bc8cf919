//! What was written over an archive's content, merged with it into a new file. `docs/overlays.md`.

use crate::{Archive, Error, FileMap, Metadata, Result, Writer};
use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Bytes of a block of an overlay.
const BLOCK_BYTES: u64 = 4096;
/// Most blocks of a map: 16 TiB of them.
const MAX_BLOCKS: u64 = 1 << 32;

/// A sparse file of the bytes that were written over some content, and which of its blocks they are.
///
/// Block `i` is the 4096 bytes from `4096 * i` on. The map beside it, its name with `.meta` appended, holds the numbers
/// of the blocks that were written, ascending, 8 bytes each, little-endian.
#[derive(Debug)]
pub struct Overlay {
    file: File,
    path: PathBuf,
    n_bytes: u64,
    blocks: Vec<u64>,
}

impl Overlay {
    /// Opens the overlay at `path` and its map.
    ///
    /// # Errors
    /// `Io`, `NotFound` in it without a map: an overlay without one says nothing; `InvalidArgument` for a map that is
    /// malformed or names a block past the end.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let file = File::open(path).map_err(|e| Error::io(path, e))?;
        let n_bytes = file.metadata().map_err(|e| Error::io(path, e))?.len();
        let mut name = path.as_os_str().to_owned();
        name.push(".meta");
        let map_path = PathBuf::from(name);
        let map = File::open(&map_path).map_err(|e| Error::io(&map_path, e))?;
        let mut bytes = Vec::new();
        map.take(MAX_BLOCKS * 8).read_to_end(&mut bytes).map_err(|e| Error::io(&map_path, e))?;
        let (numbers, rest) = bytes.as_chunks::<8>();
        let blocks: Vec<u64> = numbers.iter().map(|bytes| u64::from_le_bytes(*bytes)).collect();
        let wrong = |what| Err(Error::invalid(format!("{}: {what}", map_path.display())));
        if !rest.is_empty() {
            return wrong("a map of blocks is a multiple of 8 bytes");
        }
        if !blocks.is_sorted_by(|a, b| a < b) {
            return wrong("the numbers of blocks do not ascend");
        }
        if blocks.last().is_some_and(|last| last.checked_mul(BLOCK_BYTES).is_none_or(|at| at >= n_bytes)) {
            return wrong("a block lies past the end of the overlay");
        }
        Ok(Self { file, path: path.to_path_buf(), n_bytes, blocks })
    }

    /// Bytes up to the end of the last block.
    fn end_bytes(&self) -> u64 {
        self.blocks.last().map_or(0, |last| self.n_bytes.min((last + 1).saturating_mul(BLOCK_BYTES)))
    }
}

impl<W: Write> Writer<W> {
    /// Packs the content of `base`, all its files and tensors one after another, with what `overlay` has in their
    /// place, as the file `name`. Returns its bytes: as many as `base` has, or up to the overlay's last block.
    ///
    /// With `base` among the parents ([`crate::WriterOptions::parents`], [`Self::add_parent`]) what did not change is
    /// named there.
    ///
    /// # Errors
    /// As [`Self::pack_stream`]; `Corrupt` if `base` is damaged.
    pub fn merge_overlay(&mut self, name: &str, base: Arc<Archive>, overlay: Overlay) -> Result<u64> {
        let map = base.stream_map()?;
        let n_bytes = map.n_bytes().max(overlay.end_bytes());
        let merged = Merged { base, map, overlay, next: 0, at: 0, n_bytes };
        self.pack_stream(name, Box::new(merged), &Metadata::default())
    }
}

/// A base and an overlay, read front to back.
struct Merged {
    base: Arc<Archive>,
    map: FileMap,
    overlay: Overlay,
    /// The first block of the overlay that does not end before `at`.
    next: usize,
    at: u64,
    n_bytes: u64,
}

impl Read for Merged {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let Self { base, map, overlay, next, at, n_bytes } = self;
        let end_of = |block: &u64| overlay.n_bytes.min((block + 1) * BLOCK_BYTES);
        while overlay.blocks.get(*next).is_some_and(|block| end_of(block) <= *at) {
            *next += 1;
        }
        let block = overlay.blocks.get(*next);
        let start = block.map_or(*n_bytes, |block| block * BLOCK_BYTES);
        let is_written = block.is_some() && start <= *at;
        let end = if is_written { block.map_or(*n_bytes, end_of) } else { start };
        let n = end.min(*n_bytes).saturating_sub(*at).min(out.len() as u64) as usize;
        let out = out.get_mut(..n).unwrap_or_default();
        if is_written {
            overlay.file.seek(SeekFrom::Start(*at))?;
            overlay
                .file
                .read_exact(out)
                .map_err(|e| io::Error::new(e.kind(), format!("{}: {e}", overlay.path.display())))?;
        } else {
            let n_read = base.read_at(map, *at, out).map_err(io::Error::other)?;
            // Past the end of the base, between blocks, there is nothing.
            out.get_mut(n_read..).unwrap_or_default().fill(0);
        }
        *at += n as u64;
        Ok(n)
    }
}
