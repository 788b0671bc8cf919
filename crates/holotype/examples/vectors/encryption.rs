//! Vectors of encrypted archives of files and tensors. Random bytes make each another file every time: those in the
//! folder are golden, and they have the password `vector`.

use super::Good;
use super::packing::noise;
use holotype::{
    Chunking, Compression, ElementType, Encryption, ImageDescriptor, ImageOptions, KdfCost, Metadata, Mode,
    Packing, Password, PreviewChoice, SampleType, TensorDescriptor, TensorOptions, Writer, WriterOptions,
};
use holotype_container::hex;
use sha2::{Digest as _, Sha256};
use std::io::Cursor;

/// Cheap enough for the reference reader.
const CHEAP: KdfCost = KdfCost { memory_kib: 32, n_passes: 2, n_lanes: 2 };

pub(crate) fn options(password: &str) -> WriterOptions {
    let encryption = Encryption::with_password(Password::new(password)).with_cost(CHEAP);
    WriterOptions::default().with_encryption(Some(encryption))
}

fn begin(name: &str, password: &str) -> Good {
    Good { writer: Writer::new(Vec::new(), options(password)).unwrap(), ..Good::new(name) }
}

/// An image and files, tables inline and in pages.
pub(crate) fn small(all: &mut Vec<(String, Vec<u8>, String)>) {
    let image = ImageDescriptor::new(140, 20, 3, SampleType::U8);
    let fast = ImageOptions::new(Mode::Fast).with_preview(PreviewChoice::On);
    let small = begin("encrypted", "vector")
        .image("a", image, Metadata::default(), &fast)
        .file("notes.txt", &b"the same line again\n".repeat(40));
    all.push(small.bytes());
    let mut paged = begin("encrypted-paged", "vector");
    for i in 0..700_u32 {
        let name =
            format!("a-folder-with-a-rather-long-name-so-that-pages-fill/file-{:05}", i * 7919 % 10007);
        paged = paged.file(&name, &[]);
    }
    all.push(paged.bytes());
}

pub(crate) fn bad() -> Vec<(&'static str, Vec<u8>)> {
    let mut tampered = begin("tampered", "vector").file("a", b"content").bytes().1;
    tampered[70] ^= 1;
    vec![
        ("decryption-other-password", begin("locked", "another password").bytes().1),
        ("corrupt-encrypted-block", tampered),
    ]
}

fn line(archive: &str, item: &str, kind: &str, content: &[u8]) -> String {
    format!("{archive}\t{item}\t{kind}\t{}\t{}\n", content.len(), hex(&Sha256::digest(content)))
}

fn packed(name: &str, packing: Packing, files: &[(&str, Vec<u8>)]) -> (String, Vec<u8>, String) {
    let mut writer = Writer::new(Vec::new(), options("vector").with_packing(packing)).unwrap();
    let mut lines = String::new();
    for (item, content) in files {
        writer.pack_stream(item, Box::new(Cursor::new(content.clone())), &Metadata::default()).unwrap();
        lines += &line(name, item, "file", content);
    }
    (name.to_owned(), writer.finish().unwrap().0, lines)
}

fn tensor() -> (String, Vec<u8>, String) {
    let name = "encrypted-tensor";
    let mut writer = Writer::new(Vec::new(), options("vector")).unwrap();
    let content: Vec<u8> = (0..3000_u32).flat_map(|i| (i * i / 7).to_le_bytes()).collect();
    let descriptor = TensorDescriptor::new(ElementType::U32, &[30, 100]);
    let cut = TensorOptions::default().with_slice_shape(Some(vec![7, 100]));
    writer.add_tensor("weights", &descriptor, &content, &cut).unwrap();
    (name.to_owned(), writer.finish().unwrap().0, line(name, "weights", "tensor", &content))
}

pub(crate) fn good() -> Vec<(String, Vec<u8>, String)> {
    let text = |n: usize| "one line of many\n".repeat(n).into_bytes();
    let twins = [
        ("a/first", [noise(1, 3000), text(300)].concat()),
        ("a/second", [noise(2, 100), noise(1, 3000)[1000..].to_vec(), text(301)].concat()),
        ("b/empty", Vec::new()),
    ];
    let small = Packing::default().with_block_bytes(4096).with_chunking(Chunking::new(64, 9, 1024).unwrap());
    let fine = small.with_chunking(Chunking::new(64, 8, 512).unwrap());
    // Parts of at least 256 bytes are listed: enough of them to fill pages.
    let pages = small.with_chunking(Chunking::new(256, 8, 256).unwrap());
    vec![
        packed("encrypted-packed", fine, &twins),
        packed("encrypted-packed-lz4", small.with_compression(Compression::Lz4), &twins),
        packed("encrypted-chunk-pages", pages, &[("a", noise(5, 36_000))]),
        tensor(),
    ]
}
