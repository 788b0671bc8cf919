//! Any bytes as a file of each import format: what is read is the same in bands of any height.
#![no_main]

use holotype::formats::{self, Format, SourceImage};
use holotype::{Archive, ErrorKind, ExportOptions, Result, export};
use holotype_fuzz::{limits, write_if_asked};
use libfuzzer_sys::fuzz_target;
use std::io::Cursor;

fuzz_target!(init: write_if_asked(seeds), |data: &[u8]| {
    let Some(format) = Format::detect(&data[..data.len().min(64)]) else { return };
    let single = read(format, data, 1);
    let whole = read(format, data, u32::MAX);
    if let (Ok(single), Ok(whole)) = (&single, &whole) {
        assert!(single == whole, "bands of other heights gave other images");
    }
});

fn read(format: Format, data: &[u8], band_height: u32) -> Result<Vec<(SourceImage, Vec<u8>)>> {
    let mut input = Cursor::new(data.to_vec());
    if formats::opaque(format, &mut input)?.is_some() {
        return Ok(Vec::new());
    }
    let limits = limits();
    let mut reader = formats::open_reader(format, Box::new(input), &limits)?;
    let mut images = Vec::new();
    while let Some(image) = reader.next_image()? {
        let d = &image.descriptor;
        match d.validate() {
            Err(e) if e.kind() == ErrorKind::InvalidArgument => panic!("a reader described no image: {e}"),
            other => other?,
        }
        assert!(d.n_pixels() <= limits.max_pixels, "a reader ignored the limit");
        let row_bytes = d.row_bytes().expect("a small image's row has a size");
        // The writer takes bands of rows whatever their size; the fuzzer has little memory.
        if row_bytes.saturating_mul(d.height as usize) > 1 << 20 {
            return Ok(images);
        }
        let mut samples = vec![0; row_bytes * d.height as usize];
        for band in samples.chunks_mut(row_bytes * band_height.min(d.height) as usize) {
            reader.read_rows(band)?;
        }
        images.push((image, samples));
    }
    Ok(images)
}

/// The vector's images in every format that can hold them.
fn seeds(vector: &[u8]) -> Vec<Vec<u8>> {
    let Ok(archive) = Archive::from_bytes(vector.to_vec()) else { return Vec::new() };
    let Some(name) = archive.first_image().ok().map(|image| image.item().name().to_owned()) else {
        return Vec::new();
    };
    let write = |format| {
        let mut out = Cursor::new(Vec::new());
        let options = ExportOptions::default().with_n_threads(1).with_metadata_loss(true);
        export(&archive, std::slice::from_ref(&name), format, Box::new(&mut out), &options).ok()?;
        Some(out.into_inner())
    };
    Format::ALL.into_iter().filter_map(write).collect()
}
