//! Salvage: everything that is proven comes back exactly, nothing else does, whatever was broken.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::noise;
use holotype::{
    Archive, ImageDescriptor, ImageOptions, Metadata, MetadataKind, PreviewChoice, Proof, SalvageOptions,
    SalvageReport, SampleType, SourceImage, VerifyOptions, Writer, WriterOptions, salvage_source,
};
use holotype_container::{FRAME_SYNC, FrameHeader, Limits, Trailer};
use holotype_store::MemorySource;
use std::collections::BTreeMap;

type Items = BTreeMap<String, Vec<u8>>;

/// Two images of several tiles, one with a preview and metadata in a block, and two files.
fn archive() -> (Vec<u8>, Items) {
    let mut writer = Writer::new(Vec::new(), WriterOptions::default()).unwrap();
    let mut items = Items::new();
    let options = ImageOptions::default().with_tile_edge(32).with_n_threads(1);
    for (name, preview) in [("plain", PreviewChoice::Off), ("rich", PreviewChoice::On)] {
        let descriptor = ImageDescriptor::new(140, 70, 3, SampleType::U8);
        let mut metadata = Metadata::default();
        if name == "rich" {
            let profile: Vec<u8> = (0..5000_u32).map(|i| ((i * i) >> 5) as u8).collect();
            metadata.push(MetadataKind::Icc, "profile", profile);
        }
        let samples = noise(name.len() as u64, descriptor.raw_bytes().unwrap() as usize);
        let image = SourceImage { descriptor, metadata };
        writer.add_image(name, &image, &samples, &options.with_preview(preview)).unwrap();
        items.insert(name.into(), samples);
    }
    for (name, content) in [("a.bin", noise(9, 3000)), ("b.txt", b"line\n".repeat(300))] {
        writer.add_file(name, &mut content.as_slice(), None).unwrap();
        items.insert(name.into(), content);
    }
    (writer.finish().unwrap().0, items)
}

fn salvage(bytes: Vec<u8>, options: &SalvageOptions) -> (Items, SalvageReport) {
    let (out, report) =
        salvage_source(Box::new(MemorySource::new(bytes)), "<test>", Vec::new(), options).unwrap();
    let archive = Archive::from_bytes(out).unwrap();
    let verified = archive.verify(&VerifyOptions::default()).unwrap();
    assert!(verified.is_good(), "{:?}", verified.findings);
    let mut items = contents(&archive);
    let text = String::from_utf8(items.remove("salvage-report.txt").unwrap()).unwrap();
    assert_eq!(text, report.to_string());
    assert_eq!(items.len(), report.recovered.len());
    (items, report)
}

fn contents(archive: &Archive) -> Items {
    let read = |item: holotype::Item<'_>| {
        let name = item.name().to_owned();
        let mut content = Vec::new();
        match item.kind() {
            holotype::ItemKind::Image => content = archive.image(&name).unwrap().read().unwrap(),
            _ => archive
                .read_file(&name, &mut |bytes| {
                    content.extend_from_slice(bytes);
                    Ok(())
                })
                .unwrap(),
        }
        (name, content)
    };
    archive.items().unwrap().into_iter().map(read).collect()
}

/// Offsets of all frames.
fn frames(bytes: &[u8]) -> Vec<(usize, FrameHeader)> {
    let limits = Limits::default();
    let found = bytes.windows(4).enumerate().filter(|(_, window)| *window == FRAME_SYNC);
    found.filter_map(|(at, _)| Some((at, FrameHeader::parse(&bytes[at..], 0, &limits).ok()?))).collect()
}

fn assert_subset(found: &Items, whole: &Items) {
    for (name, content) in found {
        assert!(whole.get(name) == Some(content), "`{name}` came back changed");
    }
}

#[test]
fn an_intact_archive_comes_back_whole() {
    let (bytes, items) = archive();
    let (found, report) = salvage(bytes.clone(), &SalvageOptions::default());
    assert_eq!(found, items);
    assert!(report.is_complete(), "{report}");
    assert!(report.recovered.iter().all(|item| item.proof == Proof::Seal));
    let old = Archive::from_bytes(bytes).unwrap();
    assert_eq!(report.manifests[0].seal, Some(old.seal()));
}

#[test]
fn junk_in_front_behind_and_between_costs_nothing() {
    let (bytes, items) = archive();
    let junk = noise(3, 1000);
    let middle = frames(&bytes)[3].0;
    for broken in [
        [&junk, bytes.as_slice()].concat(),
        [bytes.as_slice(), &junk].concat(),
        [&junk, bytes.as_slice(), &junk].concat(),
        [&bytes[..middle], &junk, &bytes[middle..]].concat(),
        [&FRAME_SYNC, bytes.as_slice(), &FRAME_SYNC].concat(),
    ] {
        let (found, report) = salvage(broken, &SalvageOptions::default());
        assert_eq!(found, items);
        assert!(report.is_complete(), "{report}");
    }
}

#[test]
fn a_damaged_header_or_seal_costs_nothing() {
    let (bytes, items) = archive();
    for at in [0, 9, 20, bytes.len() - 8, bytes.len() - 20, bytes.len() - 40, bytes.len() - 112] {
        let mut broken = bytes.clone();
        broken[at] ^= 0x10;
        let (found, report) = salvage(broken, &SalvageOptions::default());
        assert_eq!(found, items, "byte {at}");
        assert!(report.is_complete(), "byte {at}: {report}");
    }
}

#[test]
fn one_flipped_bit_of_the_root_is_mended_by_the_seal() {
    let (bytes, items) = archive();
    let (root, header) = *frames(&bytes).last().unwrap();
    let n = FrameHeader::N_BYTES + header.stored_bytes as usize;
    for at in [0, 5, 30, 33, 60, n / 2, n - 1] {
        let mut broken = bytes.clone();
        broken[root + at] ^= 1;
        let (found, report) = salvage(broken, &SalvageOptions::default());
        assert_eq!(found, items, "byte {at}: {report}");
        assert!(report.recovered.iter().all(|item| item.proof == Proof::Seal));
    }
}

#[test]
fn two_archives_in_one_file_both_come_back() {
    let (bytes, items) = archive();
    let (found, report) = salvage([bytes.clone(), bytes].concat(), &SalvageOptions::default());
    assert!(report.is_complete(), "{report}");
    assert_eq!(found.len(), 2 * items.len());
    for (name, content) in &items {
        assert_eq!(&found[name], content);
        assert_eq!(&found[&format!("{name}~2")], content);
    }
}

#[test]
fn a_damaged_tile_is_named_and_filled_only_when_asked() {
    let (bytes, items) = archive();
    let (at, _) = frames(&bytes)[6];
    let mut broken = bytes;
    broken[at + 40] ^= 1;
    let (found, report) = salvage(broken.clone(), &SalvageOptions::default());
    assert_eq!(found.keys().collect::<Vec<_>>(), ["a.bin", "b.txt", "rich"]);
    assert_subset(&found, &items);
    let lost = &report.lost[0];
    assert_eq!((lost.name.as_str(), lost.findings.len()), ("plain", 1));
    let tile = lost.findings[0].tile.unwrap();
    assert_eq!((tile.x, tile.y, tile.width, tile.height), (32, 32, 32, 32));
    assert_eq!(lost.findings[0].offset_bytes, Some(at as u64));
    assert!(!report.is_complete());

    let (mut found, report) = salvage(broken, &SalvageOptions::default().with_fill(true));
    assert!(report.lost.is_empty() && !report.is_complete());
    let plain = report.recovered.iter().find(|item| item.name == "plain").unwrap();
    assert_eq!((plain.filled.as_slice(), plain.proof), ([tile].as_slice(), Proof::Nothing));
    let (filled, whole) = (found.remove("plain").unwrap(), &items["plain"]);
    for (i, (a, b)) in filled.iter().zip(whole).enumerate() {
        let (x, y) = (i / 3 % 140, i / 3 / 140);
        let is_lost = (32..64).contains(&x) && (32..64).contains(&y);
        assert_eq!(*a, if is_lost { 0 } else { *b }, "pixel {x}, {y}");
    }
    assert_subset(&found, &items);
}

#[test]
fn a_filled_image_says_so_itself() {
    let (mut bytes, _) = archive();
    let (at, _) = frames(&bytes)[0];
    bytes[at + 50] ^= 8;
    let options = SalvageOptions::default().with_fill(true);
    let (out, _) = salvage_source(Box::new(MemorySource::new(bytes)), "", Vec::new(), &options).unwrap();
    let archive = Archive::from_bytes(out).unwrap();
    let image = archive.image("plain").unwrap();
    let note = image.metadata().get_key(MetadataKind::User, "holotype.salvage").unwrap();
    assert!(std::str::from_utf8(note).unwrap().starts_with("incomplete: 1 of 15 tiles"));
    assert!(archive.image("rich").unwrap().metadata().get(MetadataKind::User).is_none());
}

#[test]
fn damaged_metadata_does_not_cost_the_pixels() {
    let (bytes, items) = archive();
    // The second image's tiles, then its metadata.
    let (at, header) = frames(&bytes)[30];
    assert_eq!(header.item_hint, 1);
    let mut broken = bytes;
    broken[at + 40] ^= 1;
    let (found, report) = salvage(broken, &SalvageOptions::default());
    assert_eq!(found, items);
    let rich = report.recovered.iter().find(|item| item.name == "rich").unwrap();
    assert!(!rich.findings.is_empty() && !report.is_complete());
}

#[test]
fn cut_anywhere_what_comes_back_is_exact() {
    let (bytes, items) = archive();
    let n = bytes.len();
    let root = frames(&bytes).last().unwrap().0;
    for cut in [0, 1, 31, 32, 60, n / 4, n / 2, root - 1, root, root + 40, n - 113, n - 112, n - 100, n - 1] {
        let (found, report) = salvage(bytes[..cut].to_vec(), &SalvageOptions::default());
        assert_subset(&found, &items);
        assert_eq!(found.len(), if cut >= n - 112 { items.len() } else { 0 }, "cut at {cut}: {report}");
        assert_eq!(report.is_complete(), cut >= n - 112);
        // Without the root nothing names the blocks: they come back as they are coded, when asked for.
        let options = SalvageOptions::default().with_stray_blocks(true);
        let (blocks, report) = salvage(bytes[..cut].to_vec(), &options);
        if cut < root {
            let whole =
                frames(&bytes).iter().filter(|(at, f)| at + 32 + f.stored_bytes as usize <= cut).count();
            assert_eq!(blocks.len(), whole);
            assert!(report.recovered.iter().all(|item| item.proof == Proof::Nothing));
        }
    }
}

#[test]
fn cut_in_front_the_rest_comes_back() {
    let (bytes, items) = archive();
    let second = frames(&bytes).iter().find(|(_, frame)| frame.item_hint == 1).unwrap().0;
    let (found, report) = salvage(bytes[second..].to_vec(), &SalvageOptions::default());
    assert_eq!(found.keys().collect::<Vec<_>>(), ["a.bin", "b.txt", "rich"]);
    assert_subset(&found, &items);
    assert_eq!(report.lost[0].findings.len(), 15, "every tile is named");
}

#[test]
fn bytes_missing_in_the_middle_cost_one_tile() {
    let (bytes, items) = archive();
    let (at, _) = frames(&bytes)[4];
    let broken = [&bytes[..at + 100], &bytes[at + 150..]].concat();
    let (found, report) = salvage(broken, &SalvageOptions::default());
    assert_subset(&found, &items);
    assert_eq!(found.len(), 3);
    assert_eq!(report.lost[0].findings.len(), 1, "{report}");
}

/// Enough small files for several pages of items and blocks.
fn paged() -> (Vec<u8>, Items) {
    let mut writer = Writer::new(Vec::new(), WriterOptions::default()).unwrap();
    let mut items = Items::new();
    for i in 0..3000_u32 {
        let (name, content) = (format!("file-{:05}", i * 7919 % 10007), noise(u64::from(i), 20));
        writer.add_file(&name, &mut content.as_slice(), None).unwrap();
        items.insert(name, content);
    }
    (writer.finish().unwrap().0, items)
}

fn pages(bytes: &[u8]) -> Vec<usize> {
    let of_manifest = |(at, header): &(usize, FrameHeader)| {
        (header.frame_type == holotype_container::FrameType::Page).then_some(*at)
    };
    frames(bytes).iter().filter_map(of_manifest).collect()
}

#[test]
fn a_damaged_page_costs_no_more_than_its_items() {
    let (bytes, items) = paged();
    let pages = pages(&bytes);
    assert!(pages.len() >= 4, "{pages:?}");
    let mut n_recovered = Vec::new();
    for page in &pages {
        let mut broken = bytes.clone();
        broken[page + 40..page + 400].fill(0x55);
        let (found, report) = salvage(broken, &SalvageOptions::default());
        assert_subset(&found, &items);
        assert_eq!(found.len() as u64 + report.manifests[0].n_lost_items, 3000, "{page}");
        n_recovered.push(found.len());
    }
    // Pages of blocks come last, and are made up for by the hints in the frames.
    assert_eq!(n_recovered.last(), Some(&3000));
    assert!(n_recovered[0] < 3000 && n_recovered[0] > 500);
}

#[test]
fn pages_without_a_root_still_name_their_items() {
    let (bytes, items) = paged();
    let root = frames(&bytes).last().unwrap().0;
    for cut in [root, *pages(&bytes).last().unwrap()] {
        let (found, report) = salvage(bytes[..cut].to_vec(), &SalvageOptions::default());
        assert_eq!(found, items, "cut at {cut}");
        assert!(report.recovered.iter().all(|item| item.proof == Proof::Content));
        assert!(!report.is_complete(), "who knows what else there was");
    }
    let mut broken = bytes.clone();
    broken[root + 40..root + 60].fill(0x55);
    let trailer = broken.len() - Trailer::N_BYTES;
    let (found, _) = salvage(broken[..trailer].to_vec(), &SalvageOptions::default());
    assert_eq!(found, items);
}

#[test]
fn every_flipped_byte_gives_exact_items_or_none() {
    let mut writer = Writer::new(Vec::new(), WriterOptions::default()).unwrap();
    let image = SourceImage {
        descriptor: ImageDescriptor::new(20, 9, 1, SampleType::U8),
        metadata: Metadata::default(),
    };
    let samples = noise(1, 180);
    let options = ImageOptions::default().with_tile_edge(16).with_n_threads(1);
    writer.add_image("i", &image, &samples, &options).unwrap();
    writer.add_file("f", &mut &b"some content"[..], None).unwrap();
    let (bytes, _) = writer.finish().unwrap();
    let items = Items::from([("i".to_owned(), samples), ("f".to_owned(), b"some content".to_vec())]);
    for at in 0..bytes.len() {
        let mut broken = bytes.clone();
        broken[at] ^= 0xff;
        let (found, report) = salvage(broken, &SalvageOptions::default());
        for (name, content) in &found {
            // Without a seal a name is only as it was found; the content is what its hash says.
            let is_known = items.values().any(|original| original == content);
            assert!(is_known, "byte {at}: `{name}` is made up\n{report}");
        }
    }
}

#[test]
fn foreign_bytes_give_nothing() {
    for bytes in [Vec::new(), noise(1, 5000), vec![0xf7; 3000], FRAME_SYNC.repeat(500)] {
        let options = SalvageOptions::default().with_stray_blocks(true).with_fill(true);
        let (found, report) = salvage(bytes, &options);
        assert!(found.is_empty() && !report.is_complete());
    }
}
