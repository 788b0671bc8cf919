use super::NAME;
use super::channels::{self, arrange};
use super::header::{self, Header};
use crate::formats::guard::guarded;
use crate::formats::held::{Whole, check_size, input_bytes, whole_bytes};
use crate::formats::{ImageReader, Input, SourceImage};
use crate::{Error, ImageDescriptor, Limits, Result};
use ::exr::block::{self, UncompressedBlock, reader::ChunksReader as _};
use std::collections::HashSet;
use std::io::SeekFrom;

/// Opens an OpenEXR file. Its blocks may come in any order, so the image is held whole.
pub(in crate::formats) fn open(mut input: Box<dyn Input>, limits: &Limits) -> Result<Box<dyn ImageReader>> {
    let header = header::read(input.as_mut(), limits)?;
    let sample = channels::sample_of(&header.channels)?;
    let names: Vec<String> = header.channels.iter().map(|c| c.name.clone()).collect();
    let descriptor = arrange(&names, header.width, header.height, sample);
    check_size(NAME, &descriptor, limits)?;
    let n_bytes = whole_bytes(&descriptor, limits)?;
    let places = places(&descriptor, &header);
    let samples = guarded(NAME, || decode(input, &descriptor, &places, n_bytes))?;
    let image = SourceImage { descriptor, metadata: header.metadata };
    Ok(Whole::reader(image, samples))
}

fn decode(
    mut input: Box<dyn Input>,
    image: &ImageDescriptor,
    places: &[usize],
    n_bytes: usize,
) -> Result<Vec<u8>> {
    let n_file_bytes = input_bytes(NAME, input.as_mut())?;
    input.seek(SeekFrom::Start(0)).map_err(|e| Error::source_format(NAME, e))?;
    let reader = block::read(input, false).map_err(damaged)?;
    let n_blocks = reader.headers().first().map_or(0, |h| h.chunk_count);
    // Every block has an offset and a head of at least eight bytes each: a forged size is seen before memory is
    // taken for it.
    if n_blocks as u64 > n_file_bytes / 16 || reader.headers().len() != 1 {
        return Err(Error::source_format(NAME, "the file is too short for its size in pixels"));
    }
    let mut samples = vec![0; n_bytes];
    let mut seen = HashSet::new();
    let mut blocks = reader.all_chunks(false).map_err(damaged)?.sequential_decompressor(false);
    for block in &mut blocks {
        let block = block.map_err(damaged)?;
        let at = (block.index.pixel_position.x(), block.index.pixel_position.y());
        if !seen.insert(at) || place(&block, image, places, &mut samples).is_none() {
            return Err(Error::source_format(NAME, "a block is there twice or outside the image"));
        }
    }
    if seen.len() != n_blocks {
        return Err(Error::source_format(NAME, "blocks are missing"));
    }
    Ok(samples)
}

/// Where each channel of the file, in its order, lies in a pixel.
fn places(image: &ImageDescriptor, header: &Header) -> Vec<usize> {
    let stored = channels::names_of(image).unwrap_or_default();
    let mut names: Vec<&String> = header.channels.iter().map(|c| &c.name).collect();
    // Blocks have their channels sorted, whatever the list says.
    names.sort();
    names.into_iter().map(|name| stored.iter().position(|n| n == name).unwrap_or(0)).collect()
}

/// Puts a block's rows, channel after channel, where they belong.
fn place(
    block: &UncompressedBlock,
    image: &ImageDescriptor,
    places: &[usize],
    samples: &mut [u8],
) -> Option<()> {
    let (position, size) = (block.index.pixel_position, block.index.pixel_size);
    let n = image.sample.n_bytes();
    let (pixel_bytes, row_bytes) = (image.pixel_bytes(), image.row_bytes()?);
    let right = position.x().checked_add(size.width())?;
    let bottom = position.y().checked_add(size.height())?;
    if right > image.width as usize || bottom > image.height as usize {
        return None;
    }
    let mut lines = block.data.chunks_exact(size.width() * n);
    for y in position.y()..bottom {
        let row =
            &mut samples[y * row_bytes + position.x() * pixel_bytes..y * row_bytes + right * pixel_bytes];
        for &place in places {
            let line = lines.next()?;
            for (pixel, sample) in row.chunks_exact_mut(pixel_bytes).zip(line.chunks_exact(n)) {
                let out = &mut pixel[place * n..(place + 1) * n];
                out.copy_from_slice(sample);
                if cfg!(target_endian = "big") {
                    out.reverse();
                }
            }
        }
    }
    Some(())
}

fn damaged(error: ::exr::error::Error) -> Error {
    match error {
        ::exr::error::Error::NotSupported(what) => Error::unsupported(format!("OpenEXR: {what}")),
        other => Error::source_format(NAME, other),
    }
}
