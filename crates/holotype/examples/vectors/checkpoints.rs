//! Vectors of files made of tensors.

use holotype_container::cbor::Value;
use holotype_container::{ArchiveBuilder, BlockRun, Codec, ItemKind, ItemRecord, hex};
use sha2::{Digest as _, Sha256};

/// Two tensors and a file of bytes and them; `change` has the last word on the parts and on the file.
fn archive(change: &dyn Fn(&mut Vec<Value>, &mut ItemRecord)) -> (Vec<u8>, String) {
    let tensors: [(&str, Vec<u8>); 2] =
        [("a", (0..600_u32).flat_map(u32::to_le_bytes).collect()), ("b/c", vec![7; 30])];
    let (mut builder, header) = ArchiveBuilder::begin();
    let mut out = header.to_vec();
    let (mut file, mut described) = (b"before".to_vec(), String::new());
    let mut parts = vec![Value::Bytes(file.clone())];
    let mut push = |codec, bytes: &[u8], hint, item: &mut ItemRecord| {
        let block = builder.push_block(codec, bytes, bytes.len() as u64, hint);
        out.extend_from_slice(&block.header);
        out.extend_from_slice(&block.payload);
        item.content = vec![BlockRun { first: block.id, n_blocks: 1 }];
    };
    let mut line = |item: &str, content: &[u8], kind| {
        let hash = hex(&Sha256::digest(content));
        described += &format!("checkpoint\t{item}\t{kind}\t{}\t{hash}\n", content.len());
    };
    let mut items = Vec::new();
    for (ordinal, (name, content)) in (0..).zip(&tensors) {
        let mut item = ItemRecord::new((*name).to_owned(), ItemKind::Tensor);
        push(Codec::Raw, content, ordinal, &mut item);
        item.raw_bytes = content.len() as u64;
        item.content_sha256 = Sha256::digest(content).into();
        item.descriptor.insert(0, Value::Unsigned(1));
        item.descriptor.insert(1, Value::Array(vec![Value::Unsigned(item.raw_bytes)]));
        items.push(item);
        parts.push(Value::Text((*name).to_owned()));
        parts.push(Value::Bytes(vec![b'-']));
        file.extend_from_slice(content);
        file.push(b'-');
        line(name, content, "tensor");
    }
    line("model", &file, "file");
    let mut item = ItemRecord::new("model".to_owned(), ItemKind::File);
    item.raw_bytes = file.len() as u64;
    item.content_sha256 = Sha256::digest(&file).into();
    item.descriptor.insert(0, Value::Unsigned(1));
    change(&mut parts, &mut item);
    let mut list = Vec::new();
    Value::Array(parts).encode_into(&mut list);
    push(Codec::Raw, &list, 2, &mut item);
    items.push(item);
    for item in items {
        builder.add_item(item).unwrap();
    }
    out.extend(builder.finish().0);
    (out, described)
}

pub(crate) fn good() -> Vec<(String, Vec<u8>, String)> {
    let (bytes, described) = archive(&|_, _| {});
    vec![("checkpoint".to_owned(), bytes, described)]
}

pub(crate) fn bad() -> Vec<(&'static str, Vec<u8>)> {
    let text = |name: &str| Value::Text(name.to_owned());
    let with_parts = |change: &dyn Fn(&mut Vec<Value>)| archive(&|parts, _| change(parts)).0;
    vec![
        ("corrupt-checkpoint-missing", with_parts(&|parts| parts[1] = text("d"))),
        ("corrupt-checkpoint-twice", with_parts(&|parts| parts[3] = text("a"))),
        ("corrupt-checkpoint-itself", with_parts(&|parts| parts[1] = text("model"))),
        ("corrupt-checkpoint-no-bytes", with_parts(&|parts| parts.push(Value::Bytes(Vec::new())))),
        ("corrupt-checkpoint-number", with_parts(&|parts| parts.push(Value::Unsigned(1)))),
        ("corrupt-checkpoint-length", with_parts(&|parts| drop(parts.pop()))),
        ("corrupt-checkpoint-hash", with_parts(&|parts| parts[0] = Value::Bytes(b"behind".to_vec()))),
        (
            "corrupt-checkpoint-form",
            archive(&|_, item| drop(item.descriptor.insert(0, Value::Unsigned(2)))).0,
        ),
        ("corrupt-checkpoint-key", archive(&|_, item| drop(item.descriptor.insert(1, Value::Unsigned(0)))).0),
    ]
}
