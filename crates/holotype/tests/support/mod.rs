//! What the tests of source formats share.
#![allow(dead_code, clippy::unwrap_used, clippy::panic)]

use holotype::formats::{Format, open_reader, open_writer};
use holotype::{ExportOptions, ImageDescriptor, Limits, Metadata, MetadataKind, SourceImage};
use std::io::Cursor;

/// Every image of a file and its samples.
pub(crate) fn read(bytes: &[u8]) -> Result<Vec<(SourceImage, Vec<u8>)>, holotype::Error> {
    let format = Format::detect(bytes).unwrap();
    let limits = Limits::default().with_max_pixels(1 << 16).with_max_decoded_bytes(1 << 20);
    let mut reader = open_reader(format, Box::new(Cursor::new(bytes.to_vec())), &limits)?;
    let mut images = Vec::new();
    while let Some(image) = reader.next_image()? {
        let mut samples = vec![0; image.descriptor.raw_bytes().unwrap() as usize];
        // In odd bands, so that readers must keep their place.
        let row_bytes = image.descriptor.row_bytes().unwrap();
        for band in samples.chunks_mut(row_bytes * 3) {
            reader.read_rows(band)?;
        }
        images.push((image, samples));
    }
    Ok(images)
}

pub(crate) fn write(
    format: Format,
    images: &[(SourceImage, Vec<u8>)],
    allow: bool,
) -> Result<Vec<u8>, holotype::Error> {
    let mut out = Cursor::new(Vec::new());
    let mut writer =
        open_writer(format, Box::new(&mut out), &ExportOptions::default().with_metadata_loss(allow))?;
    for (image, samples) in images {
        writer.start_image(image)?;
        for band in samples.chunks(image.descriptor.row_bytes().unwrap() * 2) {
            writer.write_rows(band)?;
        }
    }
    writer.finish()?;
    Ok(out.into_inner())
}

pub(crate) fn image(descriptor: ImageDescriptor, source: &str) -> (SourceImage, Vec<u8>) {
    let mut metadata = Metadata::default();
    metadata.push(MetadataKind::SourceFormat, "", source);
    let mask = match descriptor.bits_per_sample {
        bits @ 1..8 => (1_u32 << bits) - 1,
        _ => 255,
    };
    let n = descriptor.raw_bytes().unwrap() as u32;
    let samples = (0..n).map(|i| (i.wrapping_mul(2_654_435_761) >> 13 & mask) as u8).collect();
    (SourceImage { descriptor, metadata }, samples)
}

/// A file of `image` that reads back the same, and that file.
pub(crate) fn round_trip(format: Format, image: &(SourceImage, Vec<u8>)) -> Vec<u8> {
    let bytes = write(format, std::slice::from_ref(image), false).unwrap();
    assert_eq!(Format::detect(&bytes), Some(format));
    assert_eq!(read(&bytes).unwrap(), std::slice::from_ref(image));
    bytes
}

/// Reads `good` cut at every length and with every byte changed; nothing may panic, cuts must be errors.
pub(crate) fn damage(good: &[u8], first_cut: usize) {
    for n in first_cut..good.len() {
        assert!(read(&good[..n]).is_err(), "cut at {n} of {}", good.len());
    }
    for at in 0..good.len() {
        for mask in [1, 2, 4, 8, 16, 32, 64, 128, 255] {
            let mut bad = good.to_vec();
            bad[at] ^= mask;
            if Format::detect(&bad).is_some() {
                let _ = read(&bad);
            }
        }
    }
}
