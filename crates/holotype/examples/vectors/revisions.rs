//! Vectors of archives that were appended to: replaced and removed items, kept pages, encryption, parents; lists of
//! revisions that do not fit, and an append that was cut.

use super::encryption::options;
use super::packing::noise;
use holotype::{Archive, Chunking, Metadata, OpenOptions, Packing, Parent, Password, Writer, WriterOptions};
use holotype_container::cbor::{self, Map, Value};
use holotype_container::{Codec, FrameHeader, FrameType, Header, Trailer, hex};
use holotype_store::MemorySource;
use sha2::{Digest as _, Sha256};
use std::io::Cursor;

type Vector = (String, Vec<u8>, String);
/// Names and contents; without a content the item is removed.
type Change<'a> = &'a [(&'a str, Option<Vec<u8>>)];

fn packed(options: WriterOptions) -> WriterOptions {
    let chunking = Chunking::new(256, 9, 1024).unwrap();
    options.with_packing(Packing::default().with_block_bytes(4096).with_chunking(chunking))
}

fn open(bytes: &[u8]) -> Archive {
    let options = OpenOptions::default().with_password(Some(Password::new("vector")));
    Archive::open_source_with(Box::new(MemorySource::new(bytes.to_vec())), "<memory>", &options).unwrap()
}

fn line(revision: &str, item: &str, content: &[u8]) -> String {
    format!("{revision}\t{item}\tfile\t{}\t{}\n", content.len(), hex(&Sha256::digest(content)))
}

/// An archive of a revision for each list of changes, all after the first written with `later`.
fn history(name: &str, first: WriterOptions, later: &WriterOptions, changes: &[Change<'_>]) -> Vector {
    let mut writer = Writer::new(Vec::new(), packed(first)).unwrap();
    let (mut bytes, mut lines) = (Vec::new(), String::new());
    let mut state: Vec<(String, Vec<u8>)> = Vec::new();
    for (number, change) in (1..).zip(changes) {
        for (item, content) in *change {
            state.retain(|(name, _)| name != item);
            match content {
                None => writer.remove_item(item).unwrap(),
                Some(content) => {
                    let stream = Box::new(Cursor::new(content.clone()));
                    writer.pack_stream(item, stream, &Metadata::default()).unwrap();
                    state.push((String::from(*item), content.clone()));
                }
            }
        }
        bytes.extend(writer.finish().unwrap().0);
        let revision = if number == changes.len() { name.to_owned() } else { format!("{name}@{number}") };
        lines.extend(state.iter().map(|(item, content)| line(&revision, item, content)));
        writer = Writer::append(open(&bytes), Vec::new(), packed(later.clone())).unwrap();
    }
    (name.to_owned(), bytes, lines)
}

/// Enough items and blocks for pages, most of which the second revision keeps.
fn pages() -> Vector {
    let mut writer = Writer::new(Vec::new(), WriterOptions::default()).unwrap();
    let names: Vec<String> = (0..1800).map(|i| format!("item-{i:04}")).collect();
    for item in &names {
        writer.add_file(item, &mut item.as_bytes(), None).unwrap();
    }
    let mut bytes = writer.finish().unwrap().0;
    let mut writer = Writer::append(open(&bytes), Vec::new(), WriterOptions::default()).unwrap();
    let new = "item-1799+";
    writer.add_file(new, &mut new.as_bytes(), None).unwrap();
    bytes.extend(writer.finish().unwrap().0);
    let lines = |revision: &str| -> String {
        names.iter().map(|item| line(revision, item, item.as_bytes())).collect()
    };
    let lines =
        lines("appended-pages@1") + &lines("appended-pages") + &line("appended-pages", new, new.as_bytes());
    ("appended-pages".to_owned(), bytes, lines)
}

pub(crate) fn good() -> Vec<Vector> {
    let (a, b) = (noise(21, 9000), noise(22, 3000));
    let longer = [a.as_slice(), &b].concat();
    let plain = WriterOptions::default;
    let three: [Change<'_>; 3] = [
        &[("a", Some(a.clone())), ("b", Some(b.clone()))],
        &[("a", Some(longer.clone())), ("c", Some(b"small".to_vec()))],
        &[("b", None)],
    ];
    let two: [Change<'_>; 2] = [&[("a", Some(a.clone()))], &[("a", Some(longer)), ("b", Some(b))]];
    let parent = super::parents::good().swap_remove(0);
    let parent = Parent::new(open(&parent.1), vec!["thin-parent.holo".into()]);
    let thin: [Change<'_>; 2] = [&[("own", Some(a))], &[("theirs", Some(noise(11, 20_000)))]];
    vec![
        history("appended", plain(), &plain(), &three),
        history("appended-encrypted", options("vector"), &plain(), &two),
        history("appended-thin", plain(), &plain().with_parents(vec![parent]), &thin),
        pages(),
    ]
}

/// The archive with another last root record, sealed.
fn with_root(bytes: &[u8], change: impl FnOnce(&mut Map)) -> Vec<u8> {
    let trailer = Trailer::parse(&bytes[bytes.len() - Trailer::N_BYTES..], bytes.len() as u64).unwrap();
    let start = trailer.root_offset_bytes as usize;
    let frame = &bytes[start..bytes.len() - Trailer::N_BYTES];
    let limits = holotype_container::Limits::default();
    let header = FrameHeader::parse(frame, 0, &limits).unwrap();
    let payload = &frame[FrameHeader::N_BYTES..];
    let payload = match header.codec {
        Codec::Zstd => holotype_container::unpack(payload, header.raw_bytes).unwrap(),
        _ => payload.to_vec(),
    };
    let Value::Map(mut map) = cbor::decode(&payload, &limits).unwrap() else {
        unreachable!("a root is a map")
    };
    change(&mut map);
    let mut payload = Vec::new();
    Value::Map(map).encode_into(&mut payload);
    let (codec, n) = (Codec::Raw, payload.len() as u64);
    let header =
        FrameHeader { frame_type: FrameType::Root, codec, stored_bytes: n, raw_bytes: n, item_hint: 0 };
    let frame = [header.encode().as_slice(), &payload].concat();
    let root_frame_bytes = frame.len() as u64;
    let file_bytes = trailer.root_offset_bytes + root_frame_bytes + Trailer::N_BYTES as u64;
    let trailer = Trailer { root_frame_bytes, file_bytes, ..trailer };
    let (_, end) = trailer.sealed(&bytes[..Header::N_BYTES], &frame);
    [&bytes[..start], &frame, &end].concat()
}

/// The list of revisions in a root.
fn list(map: &mut Map) -> &mut Vec<Value> {
    match map.get_mut(&7) {
        Some(Value::Array(list)) => list,
        _ => unreachable!("revisions are listed"),
    }
}

/// Sets a field of a listed revision.
fn set(map: &mut Map, revision: usize, field: usize, value: Value) {
    if let Some(Value::Array(fields)) = list(map).get_mut(revision) {
        fields[field] = value;
    }
}

pub(crate) fn bad() -> Vec<(&'static str, Vec<u8>)> {
    let bytes = good().swap_remove(0).1;
    let with = |change: &dyn Fn(&mut Map)| with_root(&bytes, change);
    vec![
        ("corrupt-appended-torn", bytes[..bytes.len() - 5].to_vec()),
        ("corrupt-appended-end", with(&|map| set(map, 1, 0, Value::Unsigned(1 << 20)))),
        ("corrupt-appended-order", with(&|map| list(map).reverse())),
        ("corrupt-appended-count", with(&|map| drop(list(map).remove(0)))),
        ("corrupt-appended-other-before", with(&|map| set(map, 0, 1, Value::Bytes(vec![7; 32])))),
        ("corrupt-appended-no-list", with(&|map| drop(map.remove(&7)))),
        ("corrupt-appended-ordinals", with(&|map| drop(map.insert(12, Value::Unsigned(1))))),
    ]
}
