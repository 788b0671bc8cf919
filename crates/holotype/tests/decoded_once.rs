//! Unpacking, checking and reading on several threads fetch and decode each block once.
#![allow(clippy::unwrap_used)]

mod common;

use common::noise;
use holotype::{
    Archive, Compression, Exclude, Limits, Packing, UnpackOptions, VerifyOptions, Writer, WriterOptions,
    unpack,
};
use holotype_store::{MemorySource, Recorder};
use std::collections::BTreeMap;
use std::fs;

/// Files that share blocks with those beside them, and chunks with others far away.
fn packed() -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let shared = noise(1, 3 << 20);
    for at in 0..400_usize {
        let start = (at * 7 % 40) << 16;
        let content = match at % 4 {
            0 => shared[start..start + 300_000].to_vec(),
            _ => b"a line of some text\n".repeat(at * 17),
        };
        fs::write(dir.path().join(format!("{at:03}.dat")), content).unwrap();
    }
    let packing = Packing::default().with_block_bytes(1 << 20).with_compression(Compression::Zstd(3));
    let options = WriterOptions::default().with_packing(packing);
    let mut writer = Writer::new(Vec::new(), options).unwrap();
    writer.pack_tree(&[dir.path().to_path_buf()], &Exclude::default()).unwrap();
    writer.finish().unwrap().0
}

#[test]
fn every_block_is_read_once_on_any_number_of_threads() {
    let bytes = packed();
    for n_threads in [1, 2, 5] {
        let recorder = Recorder::new(MemorySource::new(bytes.clone()));
        let open = || {
            let archive =
                Archive::open_source(Box::new(recorder.clone()), "packed", Limits::default()).unwrap();
            drop(recorder.take());
            archive
        };
        let check_reads = |what: &str| {
            let mut n_reads = BTreeMap::<u64, u32>::new();
            for read in recorder.take() {
                *n_reads.entry(read.offset_bytes).or_default() += 1;
            }
            assert!(n_reads.len() > 3, "{what}: {n_reads:?}");
            assert!(n_reads.values().all(|n| *n == 1), "{what} on {n_threads} threads: {n_reads:?}");
        };
        let dir = tempfile::tempdir().unwrap();
        unpack(&open(), dir.path().join("out"), &UnpackOptions::default().with_n_threads(n_threads)).unwrap();
        check_reads("unpack");
        assert!(open().verify(&VerifyOptions::default().with_n_threads(n_threads)).unwrap().is_good());
        check_reads("verify");
        let archive = open();
        let at_once = std::sync::Barrier::new(n_threads);
        let contents: Vec<Vec<u8>> = std::thread::scope(|scope| {
            let read = || {
                let map = archive.stream_map().unwrap();
                let n_bytes = usize::try_from(map.n_bytes()).unwrap();
                let mut content = vec![0; n_bytes];
                at_once.wait();
                assert_eq!(archive.read_at(&map, 0, &mut content).unwrap(), n_bytes);
                content
            };
            let threads: Vec<_> = (0..n_threads).map(|_| scope.spawn(read)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        check_reads("reading");
        assert!(contents.windows(2).all(|pair| pair[0] == pair[1]));
    }
}
