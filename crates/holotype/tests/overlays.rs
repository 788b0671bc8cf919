//! Overlays merged with what they were written over: the merged file is the base with the written blocks in place,
//! compared with the plain way of making it; maps that say nothing true are errors before anything is written.
#![allow(clippy::unwrap_used)]

mod common;

use common::noise;
use holotype::{
    Archive, Chunking, Error, ErrorKind, Metadata, OpenOptions, Overlay, Packing, Parent, VerifyOptions,
    Writer, WriterOptions,
};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const BLOCK: usize = 4096;

fn options() -> WriterOptions {
    let packing = Packing::default()
        .with_block_bytes(16 << 10)
        .with_chunking(Chunking::new(256, 10, 4096).unwrap())
        .with_n_threads(1);
    WriterOptions::default().with_packing(packing)
}

fn pack(files: &[Vec<u8>]) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), options()).unwrap();
    for (k, content) in files.iter().enumerate() {
        let stream = Box::new(Cursor::new(content.clone()));
        writer.pack_stream(&format!("f{k}"), stream, &Metadata::default()).unwrap();
    }
    writer.finish().unwrap().0
}

/// An overlay on disk and, if given, its map.
fn overlay(dir: &Path, bytes: &[u8], map: Option<&[u64]>) -> PathBuf {
    let path = dir.join("disk.img");
    fs::write(&path, bytes).unwrap();
    let map_path = dir.join("disk.img.meta");
    let _ = fs::remove_file(&map_path);
    if let Some(map) = map {
        fs::write(&map_path, map.iter().flat_map(|n| n.to_le_bytes()).collect::<Vec<u8>>()).unwrap();
    }
    path
}

fn merged(base: Archive, overlay: Overlay, options: WriterOptions) -> Result<(u64, Vec<u8>), Error> {
    let mut writer = Writer::new(Vec::new(), options)?;
    let n = writer.merge_overlay("merged", Arc::new(base), overlay)?;
    Ok((n, writer.finish()?.0))
}

fn content(archive: &Archive) -> Vec<u8> {
    let mut out = Vec::new();
    archive
        .read_file("merged", &mut |part| {
            out.extend_from_slice(part);
            Ok(())
        })
        .unwrap();
    assert!(archive.verify(&VerifyOptions::default().with_n_threads(1)).unwrap().is_good());
    out
}

/// What a program would read of its disk: the base, and over it each block that was written.
fn plainly(base: &[u8], written: &[u8], blocks: &BTreeSet<u64>) -> Vec<u8> {
    let mut out = base.to_vec();
    for block in blocks {
        let start = *block as usize * BLOCK;
        let end = written.len().min(start + BLOCK);
        out.resize(out.len().max(end), 0);
        out[start..end].copy_from_slice(&written[start..end]);
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn merged_is_the_base_with_the_written_blocks(
        sizes in prop::collection::vec(0_usize..30_000, 0..4),
        n_overlay in 1_usize..80_000,
        picks in prop::collection::btree_set(0_u64..20, 0..12),
        thin: bool,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let files: Vec<Vec<u8>> = sizes.iter().enumerate().map(|(k, n)| noise(k as u64, *n)).collect();
        let written = noise(99, n_overlay);
        let blocks: BTreeSet<u64> =
            picks.into_iter().filter(|block| (*block as usize) * BLOCK < n_overlay).collect();
        let map: Vec<u64> = blocks.iter().copied().collect();
        let path = overlay(dir.path(), &written, Some(&map));
        let base_path = dir.path().join("base.holo");
        fs::write(&base_path, pack(&files)).unwrap();
        let parents = thin.then(|| {
            Parent::open(&base_path, dir.path().join("thin.holo"), &OpenOptions::default()).unwrap()
        });
        let options = options().with_parents(parents.into_iter().collect());
        let base = Archive::open(&base_path).unwrap();
        let (n, bytes) = merged(base, Overlay::open(&path).unwrap(), options).unwrap();
        let out = dir.path().join("thin.holo");
        fs::write(&out, bytes).unwrap();
        let expected = plainly(&files.concat(), &written, &blocks);
        prop_assert_eq!(n, expected.len() as u64);
        prop_assert!(content(&Archive::open(&out).unwrap()) == expected);
    }
}

#[test]
fn a_thin_merge_stores_what_was_written() {
    let dir = tempfile::tempdir().unwrap();
    let (base_path, out) = (dir.path().join("base.holo"), dir.path().join("thin.holo"));
    let base = noise(1, 2_000_000);
    fs::write(&base_path, pack(std::slice::from_ref(&base))).unwrap();
    let written = noise(2, 90 * BLOCK);
    let thin = |map: &[u64]| {
        let overlay = Overlay::open(overlay(dir.path(), &written, Some(map))).unwrap();
        let parent = Parent::open(&base_path, &out, &OpenOptions::default()).unwrap();
        let options = options().with_parents(vec![parent]);
        merged(Archive::open(&base_path).unwrap(), overlay, options).unwrap().1
    };
    let (nothing, some) = (thin(&[]).len(), thin(&[3, 40, 41]));
    // Three blocks, the chunks of the base that they cut, and their records.
    assert!(some.len() < nothing + 3 * BLOCK + 4 * 4096 + 3000, "{nothing} and {} bytes", some.len());
    assert!(nothing < base.len() / 10, "{nothing} bytes that name what is in the base");
    fs::write(&out, some).unwrap();
    let blocks = BTreeSet::from([3, 40, 41]);
    assert!(content(&Archive::open(&out).unwrap()) == plainly(&base, &written, &blocks));
}

#[test]
fn a_short_last_block_ends_where_the_overlay_ends() {
    let dir = tempfile::tempdir().unwrap();
    let written = noise(7, 7 * BLOCK + 1);
    for base in [vec![], noise(6, 3 * BLOCK), noise(6, 20 * BLOCK + 77)] {
        let overlay = Overlay::open(overlay(dir.path(), &written, Some(&[7]))).unwrap();
        let archive = Archive::from_bytes(pack(std::slice::from_ref(&base))).unwrap();
        let (n, bytes) = merged(archive, overlay, options()).unwrap();
        let expected = plainly(&base, &written, &BTreeSet::from([7]));
        assert_eq!(n, expected.len() as u64);
        assert!(content(&Archive::from_bytes(bytes).unwrap()) == expected);
    }
}

#[test]
fn maps_that_say_nothing_true_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let written = noise(3, 5 * BLOCK + 100);
    let missing = Overlay::open(overlay(dir.path(), &written, None)).unwrap_err();
    assert!(matches!(&missing, Error::Io { source, path, .. }
        if source.kind() == std::io::ErrorKind::NotFound && path.ends_with("disk.img.meta")));
    for map in [&[3, 2][..], &[2, 2], &[6], &[u64::MAX], &[u64::MAX / BLOCK as u64 + 1]] {
        let error = Overlay::open(overlay(dir.path(), &written, Some(map))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{map:?}: {error}");
    }
    let path = overlay(dir.path(), &written, Some(&[5]));
    fs::write(dir.path().join("disk.img.meta"), b"1234567").unwrap();
    assert_eq!(Overlay::open(&path).unwrap_err().kind(), ErrorKind::InvalidArgument);
    // The last block may be short, and an empty map says that nothing was written.
    assert!(Overlay::open(overlay(dir.path(), &written, Some(&[0, 5]))).is_ok());
    let nothing = Overlay::open(overlay(dir.path(), &written, Some(&[]))).unwrap();
    let base = Archive::from_bytes(pack(&[b"as it was".to_vec()])).unwrap();
    let (n, bytes) = merged(base, nothing, options()).unwrap();
    assert_eq!(n, 9);
    assert_eq!(content(&Archive::from_bytes(bytes).unwrap()), b"as it was");
}

#[test]
fn damage_of_the_base_is_an_error_of_the_merge() {
    let dir = tempfile::tempdir().unwrap();
    let mut bytes = pack(&[noise(4, 50_000)]);
    bytes[20_000] ^= 1;
    let path = overlay(dir.path(), &noise(5, BLOCK), Some(&[0]));
    let base = Archive::from_bytes(bytes).unwrap();
    assert!(merged(base, Overlay::open(&path).unwrap(), options()).is_err());
}
