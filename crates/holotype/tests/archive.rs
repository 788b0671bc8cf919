//! Archives through the public API: round trips, regions, damage, what is read.
#![allow(clippy::unwrap_used, clippy::panic)]

use holotype::{
    Archive, ErrorKind, ImageDescriptor, ImageOptions, Limits, Metadata, MetadataKind, Mode, PreviewChoice,
    Region, SampleType, SourceImage, VerifyOptions, Writer, WriterOptions,
};
use holotype_store::{MemorySource, Recorder};
use std::io::Cursor;

fn source(width: u32, height: u32, n_channels: u16, sample: SampleType) -> SourceImage {
    let mut metadata = Metadata::default();
    metadata.push(MetadataKind::PngChunk, "tEXt", b"Title\0a test".to_vec());
    SourceImage { descriptor: ImageDescriptor::new(width, height, n_channels, sample), metadata }
}

/// Reproducible samples: smooth with noise, so that every coder has something to do.
fn samples(image: &ImageDescriptor) -> Vec<u8> {
    let mut state = 0x1234_5678_9abc_def1_u64;
    let n_bytes = image.raw_bytes().unwrap() as usize;
    let mut bytes: Vec<u8> = (0..n_bytes)
        .map(|i| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            ((i / 7) as u8).wrapping_add((state >> 61) as u8)
        })
        .collect();
    if image.sample == SampleType::Bool {
        bytes.iter_mut().for_each(|b| *b &= 1);
    }
    bytes
}

fn archive_of(images: &[(&str, SourceImage)], options: &ImageOptions) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), WriterOptions::default()).unwrap();
    for (name, image) in images {
        writer.add_image(name, image, &samples(&image.descriptor), options).unwrap();
    }
    writer.finish().unwrap().0
}

#[test]
fn every_type_mode_and_edge_size_comes_back() {
    for mode in [Mode::Fast, Mode::Standard, Mode::Archival] {
        for sample in SampleType::ALL {
            for (width, height) in [(1, 1), (15, 17), (16, 16), (33, 31)] {
                for n_channels in [1, 2, 3, 4, 5] {
                    let image = source(width, height, n_channels, sample);
                    let options = ImageOptions::new(mode).with_tile_edge(16).with_n_threads(2);
                    let archive = Archive::from_bytes(archive_of(&[("a", image.clone())], &options)).unwrap();
                    let back = archive.image("a").unwrap();
                    assert_eq!(back.descriptor(), &image.descriptor);
                    assert_eq!(back.metadata(), &image.metadata);
                    assert_eq!(
                        back.read().unwrap(),
                        samples(&image.descriptor),
                        "{mode:?} {:?}",
                        image.descriptor
                    );
                }
            }
        }
    }
}

#[test]
fn same_input_same_bytes_on_any_number_of_threads() {
    let image = [("a", source(100, 70, 3, SampleType::U8))];
    let with = |n| archive_of(&image, &ImageOptions::default().with_tile_edge(32).with_n_threads(n));
    assert_eq!(with(1), with(1));
    assert_eq!(with(1), with(4));
}

#[test]
fn regions_equal_the_whole() {
    let image = source(50, 40, 3, SampleType::U16);
    let bytes = archive_of(&[("a", image.clone())], &ImageOptions::default().with_tile_edge(16));
    let archive = Archive::from_bytes(bytes).unwrap();
    let back = archive.image("a").unwrap();
    let whole = samples(&image.descriptor);
    for (x, y, width, height) in
        [(0, 0, 50, 40), (15, 15, 2, 2), (16, 16, 16, 16), (49, 39, 1, 1), (3, 0, 30, 40)]
    {
        let region = Region { x, y, width, height };
        let mut part = vec![0; (width * height * 6) as usize];
        back.read_into(region, &mut part, 3).unwrap();
        let expected: Vec<u8> = (y..y + height)
            .flat_map(|row| {
                let start = ((row * 50 + x) * 6) as usize;
                whole[start..start + width as usize * 6].to_vec()
            })
            .collect();
        assert_eq!(part, expected);
        let mut bands = Vec::new();
        back.read_bands(region, 1, &mut |rows| {
            bands.extend_from_slice(rows);
            Ok(())
        })
        .unwrap();
        assert_eq!(bands, expected);
    }
}

#[test]
fn every_flipped_bit_and_every_cut_is_noticed() {
    let options = ImageOptions::default().with_tile_edge(16).with_preview(PreviewChoice::Off);
    for image in [source(20, 9, 3, SampleType::U8), source(5, 4, 1, SampleType::F32)] {
        let good = archive_of(&[("a", image.clone())], &options);
        let read = |bytes: Vec<u8>| Archive::from_bytes(bytes).and_then(|a| a.image("a")?.read());
        let verified = |bytes: Vec<u8>| {
            Archive::from_bytes(bytes)
                .and_then(|a| a.verify(&VerifyOptions::default()))
                .is_ok_and(|r| r.is_good())
        };
        assert!(verified(good.clone()));
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(read(bad.clone()).is_err(), "bit {bit} was read");
            assert!(!verified(bad), "bit {bit} was verified");
        }
        for n in 0..good.len() {
            assert!(read(good[..n].to_vec()).is_err(), "{n} bytes were read");
        }
        for junk in [1, 36, 4096] {
            assert!(read([good.clone(), vec![0; junk]].concat()).is_err());
        }
    }
}

#[test]
fn damage_is_named_and_the_rest_is_readable() {
    let image = source(64, 32, 1, SampleType::U8);
    let good = archive_of(&[("a", image.clone())], &ImageOptions::default().with_tile_edge(32));
    let mut bad = good.clone();
    bad[32 + 40] ^= 1;
    let archive = Archive::from_bytes(bad).unwrap();
    let report = archive.verify(&VerifyOptions::default()).unwrap();
    let [finding] = report.findings.as_slice() else { panic!("{report:?}") };
    assert_eq!(finding.item.as_deref(), Some("a"));
    assert_eq!(finding.tile, Some(Region { x: 0, y: 0, width: 32, height: 32 }));
    assert_eq!(finding.offset_bytes, Some(32));
    let back = archive.image("a").unwrap();
    assert_eq!(back.read().unwrap_err().kind(), ErrorKind::Corrupt);
    let mut right = vec![0; 32 * 32];
    back.read_into(Region { x: 32, y: 0, width: 32, height: 32 }, &mut right, 1).unwrap();
    let whole = samples(&image.descriptor);
    assert!(right.chunks(32).enumerate().all(|(y, row)| row == &whole[y * 64 + 32..y * 64 + 64]));
}

#[test]
fn a_single_tile_image_costs_at_most_400_bytes() {
    let descriptor = ImageDescriptor::new(480, 270, 4, SampleType::U16).with_bits_per_sample(12);
    let image = SourceImage { descriptor, metadata: Metadata::default() };
    let options = ImageOptions::default().with_preview(PreviewChoice::Off);
    let bytes = archive_of(&[("sample_01.png", image)], &options);
    let n_bytes = bytes.len() as u64;
    let archive = Archive::from_bytes(bytes).unwrap();
    let tile = archive.item("sample_01.png").unwrap().stored_bytes().unwrap() - 32;
    assert!(n_bytes - tile <= 400, "{} bytes of overhead", n_bytes - tile);
}

#[test]
fn files_and_many_items_keep_their_order_and_bytes() {
    let mut writer = Writer::new(Vec::new(), WriterOptions::default()).unwrap();
    for i in 0..3000_u32 {
        let name = format!("{:04}.bin", i.wrapping_mul(7919) % 10_000);
        writer.add_file(&name, &mut Cursor::new(i.to_le_bytes()), None).unwrap();
    }
    assert!(writer.add_file("0000.bin", &mut Cursor::new([]), None).is_err(), "a name may not repeat");
    let archive = Archive::from_bytes(writer.finish().unwrap().0).unwrap();
    for (i, item) in (0_u32..).zip(archive.items().unwrap()) {
        let mut bytes = Vec::new();
        archive
            .read_file(item.name(), &mut |part| {
                bytes.extend_from_slice(part);
                Ok(())
            })
            .unwrap();
        assert_eq!(bytes, i.to_le_bytes());
    }
    assert_eq!(archive.item("nothing").unwrap_err().kind(), ErrorKind::NotFound);
    assert!(archive.verify(&VerifyOptions::default()).unwrap().is_good());
}

#[test]
fn description_and_preview_touch_no_tile() {
    let image = source(600, 500, 3, SampleType::U8);
    let bytes = archive_of(&[("a", image)], &ImageOptions::new(Mode::Fast).with_preview(PreviewChoice::On));
    let n_bytes = bytes.len() as u64;
    let recorder = Recorder::new(MemorySource::new(bytes));
    let archive = Archive::open_source(Box::new(recorder.clone()), "test", Limits::default()).unwrap();
    let back = archive.image("a").unwrap();
    assert_eq!(back.descriptor().width, 600);
    let preview = back.preview().unwrap().unwrap();
    assert_eq!((preview.width, preview.height), (128, 107));
    let reads = recorder.take();
    assert!(reads.len() <= 3, "{reads:?}");
    let touched: u64 = reads.iter().map(|r| r.n_bytes).sum();
    assert!(touched < 64 * 1024 + 64 * 1024 && touched < n_bytes / 2, "{touched} of {n_bytes} bytes");
}

#[test]
fn files_larger_than_the_tail_read_need_few_reads() {
    let image = source(400, 400, 3, SampleType::U16);
    let bytes = archive_of(&[("a", image)], &ImageOptions::default().with_preview(PreviewChoice::Off));
    let recorder = Recorder::new(MemorySource::new(bytes));
    let archive = Archive::open_source(Box::new(recorder.clone()), "test", Limits::default()).unwrap();
    assert_eq!(recorder.take().len(), 2, "the tail and the header");
    archive.image("a").unwrap();
    assert!(recorder.take().is_empty());
}

#[test]
fn among_many_items_one_is_found_by_few_reads() {
    let mut writer = Writer::new(Vec::new(), WriterOptions::default()).unwrap();
    let n_items = 16_384_u32;
    for i in 0..n_items {
        writer.add_file(&format!("item-{:05}", i ^ 0x155), &mut i.to_le_bytes().as_slice(), None).unwrap();
    }
    let recorder = Recorder::new(MemorySource::new(writer.finish().unwrap().0));
    let archive = Archive::open_source(Box::new(recorder.clone()), "test", Limits::default()).unwrap();
    assert_eq!(recorder.take().len(), 2, "the tail and the header");
    assert_eq!(archive.item("item-01234").unwrap().raw_bytes(), 4);
    assert_eq!(recorder.take().len(), 1, "one page of items");
    archive.read_file("item-01234", &mut |_| Ok(())).unwrap();
    assert_eq!(recorder.take().len(), 2, "one page of blocks and the block");

    let names = |from: &str, n| -> Vec<String> {
        archive.items_from(from, n).unwrap().iter().map(|item| item.name().to_owned()).collect()
    };
    let expected: Vec<String> = (5000..7000).map(|i| format!("item-{i:05}")).collect();
    assert_eq!(names("item-05000", 2000), expected);
    assert!(recorder.take().len() <= 4, "only the pages in the range");
    assert_eq!(names("item-16383", 5), ["item-16383"]);
    assert_eq!(names("", 1), ["item-00000"]);
    assert!(names("j", 5).is_empty() && names("item-05000", 0).is_empty());
}
