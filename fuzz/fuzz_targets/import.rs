//! Any bytes as a file of each import format: what is read is the same in bands of any height. As an animation: frames
//! are what it says they are.
#![no_main]

use holotype::formats::{self, AnimationFormat, AnimationInfo, Format, SourceImage};
use holotype::{Archive, ErrorKind, ExportOptions, Frame, Result, export};
use holotype_fuzz::{limits, write_if_asked};
use libfuzzer_sys::fuzz_target;
use std::io::Cursor;

fuzz_target!(init: write_if_asked(seeds), |data: &[u8]| {
    // What is wrong with a file is an error, not a finding.
    let _ = animate(data);
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

fn animate(data: &[u8]) -> Result<()> {
    let mut input = Cursor::new(data.to_vec());
    let Some(format) = AnimationFormat::detect(&mut input)? else { return Ok(()) };
    let mut reader = formats::open_animation(format, Box::new(input), &limits(), true)?;
    let descriptor = reader.info().descriptor.clone();
    descriptor.validate().expect("an animation described no image");
    let mut n_bytes = 0;
    while let Some(frame) = reader.next_frame()? {
        assert!(frame.descriptor == descriptor, "a frame is not as all are");
        assert_eq!(descriptor.raw_bytes(), Some(frame.samples.len() as u64));
        n_bytes += frame.samples.len();
        if n_bytes > 4 << 20 {
            break;
        }
    }
    Ok(())
}

/// The vector's images in every format that can hold them.
fn seeds(vector: &[u8]) -> Vec<Vec<u8>> {
    let Ok(archive) = Archive::from_bytes(vector.to_vec()) else { return Vec::new() };
    if let Ok(animation) = archive.first_animation() {
        let frames = (0..animation.description().n_frames).map(|i| {
            let descriptor = animation.frame(i)?.descriptor;
            Ok(Frame::new(descriptor, animation.read_frame(i)?, 40))
        });
        let frames: Vec<Frame> = frames.collect::<Result<_>>().unwrap_or_default();
        return AnimationFormat::ALL
            .into_iter()
            .filter_map(|format| animation_file(format, &frames))
            .collect();
    }
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

/// Frames in a format of animations, if it can hold them.
fn animation_file(format: AnimationFormat, frames: &[Frame]) -> Option<Vec<u8>> {
    let mut info = AnimationInfo::new(frames.first()?.descriptor.clone());
    info.n_frames = Some(frames.len() as u64);
    let mut out = Cursor::new(Vec::new());
    let mut writer = formats::create_animation(format, Box::new(&mut out), &info, true).ok()?;
    frames.iter().try_for_each(|frame| writer.write_frame(frame)).ok()?;
    writer.finish().ok()?;
    Some(out.into_inner())
}
