//! Image files of a tree as images that give the files back.

use super::walk::Entry;
use super::{FoundFile, Packed, attributes};
use crate::formats::{self, Format};
use crate::restore::{MAX_FILE_BYTES, Restorable, analyse};
use crate::{Error, ImageOptions, Limits, Result, Writer, parallel};
use holotype_container::{FileAttributes, ItemRecord, RestoredFile};
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::io::{Read as _, Write};

/// Bytes of files taken apart together; of each at most so many times these are held: file, samples, rows, streams.
const BATCH_BYTES: u64 = 32 << 20;

/// An image file, ready to be added.
struct Prepared {
    restorable: Restorable,
    n_bytes: u64,
    sha256: [u8; 32],
    attributes: FileAttributes,
}

impl<W: Write> Writer<W> {
    /// Adds those of `files`, entries with their bytes, that come back to the byte as images, in their order; returns
    /// the others.
    ///
    /// Memory: about 5 times 32 MiB, or 5 times the largest of the files and its samples, a quarter GiB each.
    pub(super) fn add_restorable(
        &mut self,
        files: Vec<(usize, u64)>,
        entries: &[Entry],
        record: &dyn Fn(usize) -> ItemRecord,
        options: &ImageOptions,
        packed: &mut Packed,
    ) -> Result<Vec<(usize, u64)>> {
        let mut others = Vec::new();
        let mut known: HashMap<[u8; 32], ItemRecord> = HashMap::new();
        let mut rest = files.as_slice();
        while !rest.is_empty() {
            let mut n_batch_bytes = 0_u64;
            let fits = |(_, n_bytes): &&(usize, u64)| {
                n_batch_bytes = n_batch_bytes.saturating_add(*n_bytes);
                n_batch_bytes <= BATCH_BYTES
            };
            let n_files = rest.iter().take_while(fits).count().max(1);
            let (batch, after) = rest.split_at(n_files);
            rest = after;
            let n_threads = parallel::n_threads(options.n_threads, batch.len());
            let prepared = parallel::map(n_threads, batch.to_vec(), |(at, n_bytes)| {
                Ok((at, n_bytes, prepare(&entries[at].file(), n_bytes)?))
            })?;
            for (at, n_bytes, prepared) in prepared {
                let Some(Prepared { restorable, n_bytes: n_read, sha256, attributes: known_attributes }) =
                    prepared
                else {
                    others.push((at, n_bytes));
                    continue;
                };
                let mut item = match known.get(&sha256) {
                    Some(stored) => stored.clone(),
                    None => {
                        let stored = self.restorable_record(&restorable, n_read, sha256, options)?;
                        known.insert(sha256, stored.clone());
                        stored
                    }
                };
                let named = record(at);
                (item.name, item.attributes) = (named.name, named.attributes);
                attributes::put(&mut item, known_attributes);
                self.add_item(item)?;
                self.advance(n_read);
                packed.n_files += 1;
                packed.n_images += 1;
                packed.n_bytes += n_read;
            }
        }
        Ok(others)
    }

    fn restorable_record(
        &mut self,
        restorable: &Restorable,
        n_bytes: u64,
        sha256: [u8; 32],
        options: &ImageOptions,
    ) -> Result<ItemRecord> {
        let Restorable { image, samples, recipe } = restorable;
        let mut rest = samples.as_slice();
        let mut item = self.image_record(image, options, &mut |n_bytes, encode| {
            let (band, after) = rest.split_at(n_bytes.min(rest.len()));
            rest = after;
            encode(band)
        })?;
        let recipe = self.add_packed(recipe)?;
        item.restored = Some(Box::new(RestoredFile::new(recipe, n_bytes, sha256)));
        Ok(item)
    }
}

/// A file, if it is an image that comes back to the byte.
fn prepare(found: &FoundFile, n_expected: u64) -> Result<Option<Prepared>> {
    let path = found.path();
    let failed = |e| Error::io(path, e);
    if n_expected > MAX_FILE_BYTES {
        return Ok(None);
    }
    let (mut file, known) = found.open()?;
    if Format::detect(&formats::prefix(&mut file).map_err(failed)?).is_none() {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    (&mut file).take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
    let n_bytes = bytes.len() as u64;
    attributes::check_unchanged(&file, &known, n_bytes, path)?;
    let Some(restorable) = analyse(&bytes, &Limits::default()) else { return Ok(None) };
    let attributes = attributes::of(path, &known)?;
    Ok(Some(Prepared { restorable, n_bytes, sha256: Sha256::digest(&bytes).into(), attributes }))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::ErrorKind;
    use std::process::Command;

    #[test]
    fn a_pipe_that_took_an_images_place_is_not_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("image.png");
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        let failed = prepare(&FoundFile::new(&path, None), 1000).err().unwrap();
        assert_eq!(failed.kind(), ErrorKind::InvalidArgument);
    }
}
