//! Encrypted archives of packed trees and tensors: names, chunk ids and content are nowhere to be read, and everything
//! comes back.
#![allow(clippy::unwrap_used)]

mod common;

use common::noise;
use holotype::{
    Archive, Chunking, Compression, ElementType, Encryption, Error, ErrorKind, Exclude, KdfCost, Metadata,
    OpenOptions, Packing, Password, SalvageOptions, TensorCodec, TensorDescriptor, TensorOptions,
    UnpackOptions, VerifyOptions, Writer, WriterOptions, salvage_bytes, unpack,
};
use holotype_container::frame_hash;
use std::fs;
use std::path::Path;

fn options(packing: Packing) -> WriterOptions {
    let cost = KdfCost { memory_kib: 8, n_passes: 1, n_lanes: 1 };
    let encryption = Encryption::with_password(Password::new("p")).with_cost(cost);
    WriterOptions::default().with_packing(packing).with_encryption(Some(encryption))
}

fn open(bytes: &[u8]) -> Result<Archive, Error> {
    let source = holotype_store::MemorySource::new(bytes.to_vec());
    let options = OpenOptions::default().with_password(Some(Password::new("p")));
    Archive::open_source_with(Box::new(source), "<memory>", &options)
}

fn tree(root: &Path) {
    fs::create_dir_all(root.join("hidden-folder/empty-folder")).unwrap();
    let content = noise(1, 200_000);
    fs::write(root.join("hidden-folder/first-secret"), &content).unwrap();
    fs::write(root.join("hidden-folder/second-secret"), &content[50_000..]).unwrap();
    for i in 0..1200 {
        fs::write(root.join(format!("hidden-folder/entry-{i:04}")), format!("whispered line {i}\n")).unwrap();
    }
    #[cfg(unix)]
    std::os::unix::fs::symlink("first-secret", root.join("hidden-folder/pointing-secret")).unwrap();
}

#[test]
fn a_tree_comes_back_and_tells_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("hidden-root");
    tree(&root);
    // Chunk, item and block tables that fill pages; extents inline; blocks of every codec.
    let fine = Chunking::new(256, 8, 1024).unwrap();
    for compression in [Compression::Zstd(3), Compression::Lz4, Compression::Store] {
        let packing = Packing::default()
            .with_block_bytes(4096)
            .with_chunking(fine)
            .with_compression(compression)
            .with_n_threads(2);
        let mut writer = Writer::new(Vec::new(), options(packing)).unwrap();
        writer.pack_tree(std::slice::from_ref(&root), &Exclude::default()).unwrap();
        let bytes = writer.finish().unwrap().0;
        let archive = open(&bytes).unwrap();
        assert!(archive.verify(&VerifyOptions::default()).unwrap().is_good());
        let out = dir.path().join(format!("{compression:?}").replace(['(', ')'], "-"));
        unpack(&archive, &out, &UnpackOptions::default()).unwrap();
        for name in ["first-secret", "second-secret", "entry-0000", "entry-1199"] {
            let path = Path::new("hidden-folder").join(name);
            let packed = out.join("hidden-root").join(&path);
            assert_eq!(fs::read(packed).unwrap(), fs::read(root.join(&path)).unwrap(), "{name}");
        }
        let map = archive.file_map("hidden-root/hidden-folder/second-secret").unwrap();
        let mut part = [0; 1000];
        assert_eq!(archive.read_at(&map, 70_000, &mut part).unwrap(), 1000);
        assert_eq!(part, noise(1, 121_000)[120_000..]);
        assert!(archive.summary().unwrap().unique_bytes < 300_000, "equal parts are stored once");

        let tells = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
        for needle in ["hidden", "secret", "folder", "entry-", "whispered"] {
            assert!(!tells(needle.as_bytes()), "{needle}");
        }
        // The ids of the chunks that anyone who has the file would cut, with the public table, and of the whole.
        let content = noise(1, 200_000);
        let mut at = 0;
        while at < content.len() {
            let n = fine.first_chunk(&content[at..]);
            assert!(!tells(&frame_hash(&content[at..at + n])));
            at += n;
        }
        assert!(!tells(&content[100_000..100_032]));
    }
}

#[test]
fn cuts_are_each_archives_own() {
    // A file of noise is stored as it is: the sizes of the blocks are the sums of the chunks in them.
    let content = noise(3, 400_000);
    let sizes = |encrypted: bool| {
        let packing = Packing::default().with_block_bytes(16 << 10).with_chunking(Chunking::around(12));
        let options =
            if encrypted { options(packing) } else { WriterOptions::default().with_packing(packing) };
        let mut writer = Writer::new(Vec::new(), options).unwrap();
        let stream = Box::new(std::io::Cursor::new(content.clone()));
        writer.pack_stream("noise", stream, &Metadata::default()).unwrap();
        let bytes = writer.finish().unwrap().0;
        let archive = if encrypted { open(&bytes) } else { Archive::from_bytes(bytes.clone()) }.unwrap();
        let map = archive.file_map("noise").unwrap();
        let mut out = vec![0; content.len()];
        archive.read_at(&map, 0, &mut out).unwrap();
        assert_eq!(out, content);
        block_sizes(&bytes)
    };
    assert_eq!(sizes(false), sizes(false));
    let (plain, first, second) = (sizes(false), sizes(true), sizes(true));
    assert!(plain != first && first != second && plain != second);
}

/// Stored sizes of the blocks, as anyone can see them: frames start at byte 32, type 1 is a block.
fn block_sizes(bytes: &[u8]) -> Vec<usize> {
    let mut sizes = Vec::new();
    let mut at = 32;
    while bytes[at + 4] == 1 {
        let stored = u64::from_le_bytes(bytes[at + 8..at + 16].try_into().unwrap()) as usize;
        sizes.push(stored);
        at += 32 + stored;
    }
    sizes
}

#[test]
fn tensors_come_back_but_are_not_mapped() {
    let descriptor = TensorDescriptor::new(ElementType::F32, &[50, 40]);
    let content: Vec<u8> = (0..2000).flat_map(|i| (i as f32 * 0.37).to_le_bytes()).collect();
    let write = |options: WriterOptions| {
        let mut writer = Writer::new(Vec::new(), options).unwrap();
        for codec in [TensorCodec::Raw, TensorCodec::Auto, TensorCodec::Planes] {
            writer.add_tensor(codec.name(), &descriptor, &content, &TensorOptions::new(codec)).unwrap();
        }
        writer.finish().unwrap().0
    };
    let bytes = write(options(Packing::default()));
    let archive = open(&bytes).unwrap();
    assert!(archive.verify(&VerifyOptions::default()).unwrap().is_good());
    for codec in ["raw", "auto", "planes"] {
        assert_eq!(archive.tensor(codec).unwrap().read().unwrap(), content, "{codec}");
        assert_eq!(archive.tensor(codec).unwrap().mapped().unwrap(), None, "what lies there is encrypted");
    }
    let plain = write(WriterOptions::default());
    let (at, n) =
        Archive::from_bytes(plain.clone()).unwrap().tensor("raw").unwrap().mapped().unwrap().unwrap();
    assert_eq!(plain[at as usize..(at + n) as usize], content);
    assert!(!bytes.windows(64).any(|window| window == &content[4000..4064]));
}

#[test]
fn salvage_says_that_it_cannot() {
    let mut writer = Writer::new(Vec::new(), options(Packing::default())).unwrap();
    writer.add_file("a", &mut &b"content"[..], None).unwrap();
    let mut bytes = writer.finish().unwrap().0;
    bytes.truncate(bytes.len() - 20);
    let error = salvage_bytes(bytes, Vec::new(), &SalvageOptions::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}
