//! Vectors of thin archives: a parent, a child, a grandchild; an encrypted pair; children that are refused.

use super::encryption::options;
use super::packing::noise;
use holotype::{Archive, Chunking, Metadata, OpenOptions, Packing, Parent, Password, Writer, WriterOptions};
use holotype_container::{
    ArchiveBuilder, BlockRecord, BlockRun, Codec, ForeignBlock, ItemKind, ItemRecord, ParentRecord, hex,
};
use holotype_store::MemorySource;
use sha2::{Digest as _, Sha256};
use std::io::Cursor;

type Vector = (String, Vec<u8>, String);

fn packed(name: &str, options: WriterOptions, files: &[(&str, Vec<u8>)]) -> Vector {
    let chunking = Chunking::new(256, 9, 1024).unwrap();
    let packing = Packing::default().with_block_bytes(4096).with_chunking(chunking);
    let mut writer = Writer::new(Vec::new(), options.with_packing(packing)).unwrap();
    let mut lines = String::new();
    for (item, content) in files {
        writer.pack_stream(item, Box::new(Cursor::new(content.clone())), &Metadata::default()).unwrap();
        let hash = hex(&Sha256::digest(content));
        lines += &format!("{name}\t{item}\tfile\t{}\t{hash}\n", content.len());
    }
    (name.to_owned(), writer.finish().unwrap().0, lines)
}

fn parent((name, bytes, _): &Vector) -> Parent {
    let options = OpenOptions::default().with_password(Some(Password::new("vector")));
    let source = Box::new(MemorySource::new(bytes.clone()));
    let archive = Archive::open_source_with(source, "<memory>", &options).unwrap();
    Parent::new(archive, vec![format!("{name}.holo")])
}

pub(crate) fn good() -> Vec<Vector> {
    let plain = || WriterOptions::default();
    let old = noise(11, 20_000);
    let new = [&old[9000..], b"inserted", &old[..9000]].concat();
    let first = packed("thin-parent", plain(), &[("a", old.clone()), ("b", noise(12, 3000))]);
    let files = [("a", new), ("c", [&old[5000..11_000], noise(13, 700).as_slice()].concat())];
    let child = packed("thin-child", plain().with_parents(vec![parent(&first)]), &files);
    let secret = packed("thin-encrypted-parent", options("vector"), &[("a", old)]);
    let hidden = options("vector").with_parents(vec![parent(&secret), parent(&first)]);
    let hidden = packed("thin-encrypted-child", hidden, &files);
    vec![first, child, secret, hidden]
}

/// A child of `thin-parent`, or of an archive with another seal, of one block.
fn child(seal: [u8; 32], hint: &str, block: BlockRecord, id: u64) -> Vec<u8> {
    let foreign = ForeignBlock { parent: 0, id };
    let (mut builder, header) = ArchiveBuilder::begin();
    builder.add_parent(ParentRecord { seal, n_bytes: 1, hints: vec![hint.into()], key: None }).unwrap();
    builder.add_foreign_block(foreign, &block).unwrap();
    let mut item = ItemRecord::new("a".into(), ItemKind::File);
    item.content.push(BlockRun { first: 0, n_blocks: 1 });
    item.raw_bytes = block.raw_bytes;
    builder.add_item(item).unwrap();
    [header.as_slice(), &builder.finish().0].concat()
}

pub(crate) fn bad() -> Vec<(&'static str, Vec<u8>)> {
    let parent = &good()[0].1;
    let seal = Archive::from_bytes(parent.clone()).unwrap().seal();
    let block = BlockRecord::in_parent(ForeignBlock { parent: 0, id: 0 }, Codec::Raw, 5, [7; 32]);
    let beside = "../good/thin-parent.holo";
    vec![
        ("parent-missing", child(seal, "thin-parent.holo", block, 0)),
        ("parent-replaced", child([1; 32], beside, block, 0)),
        ("parent-lacks-block", child(seal, beside, block, 0)),
        ("parent-without-such-block", child(seal, beside, block, 1 << 40)),
    ]
}
