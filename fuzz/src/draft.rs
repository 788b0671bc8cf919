//! Drafts: archives without hashes, offsets and seal, which are put in when a draft is sealed. A mutated draft
//! is thus a sealed archive with wrong contents, and reaches the parsers that the seal guards.
//!
//! A draft is a byte of flags and parts; a part is a tag, a 16-bit little-endian length, and so many bytes.

use holotype_container::cbor::{self, Value};
use holotype_container::{
    BlockRecord, Codec, FrameHeader, FrameType, Header, Limits, Manifest, MerkleTree, Table, Trailer,
    frame_hash, unpack,
};

/// Flag: tables and references of the root stay as the draft has them.
const KEEP_TABLES: u8 = 1;
/// Flag: the counts of the root stay as the draft has them.
const KEEP_COUNTS: u8 = 2;

/// Tags of parts; blocks have their codec's code and start with their raw size in three bytes.
const ITEM_PAGE: u8 = 4;
const ROOT: u8 = 5;

/// Seals a draft; any bytes are one.
pub fn seal_draft(draft: &[u8]) -> Vec<u8> {
    let header = Header::default().encode();
    let mut out = header.to_vec();
    let (mut blocks, mut item_pages, mut root): (Vec<BlockRecord>, Vec<&[u8]>, &[u8]) =
        (Vec::new(), Vec::new(), &[]);
    let flags = draft.first().copied().unwrap_or(0);
    let mut rest = draft.get(1..).unwrap_or_default();
    while let Some((&[tag, low, high], after)) = rest.split_first_chunk::<3>() {
        let n = usize::from(u16::from_le_bytes([low, high])).min(after.len());
        let (part, after) = after.split_at(n);
        rest = after;
        match tag % 6 {
            ITEM_PAGE => item_pages.push(part),
            ROOT => root = part,
            codec => blocks.extend(push_block(&mut out, codec, part)),
        }
    }
    let pages: Vec<Value> =
        item_pages.iter().map(|payload| push_frame(&mut out, FrameType::Page, payload)).collect();
    let payload = fixed_root(root, flags, &blocks, &pages, &mut out);
    let root_offset_bytes = out.len() as u64;
    push_frame(&mut out, FrameType::Root, &payload);
    let root_frame = out[root_offset_bytes as usize..].to_vec();
    let mut tree = MerkleTree::default();
    tree.extend(blocks.iter().map(|block| block.hash));
    let trailer = Trailer {
        revision: 1,
        previous_trailer_bytes: 0,
        root_offset_bytes,
        root_frame_bytes: root_frame.len() as u64,
        file_bytes: (out.len() + Trailer::N_BYTES) as u64,
        merkle_root: tree.root(),
        seal: [0; 32],
    };
    out.extend_from_slice(&trailer.sealed(&header, &root_frame).1);
    out
}

/// The draft that seals to an archive like `archive`; `None` if it is damaged or has too long parts.
pub fn draft_of(archive: &[u8]) -> Option<Vec<u8>> {
    let limits = Limits::default();
    let trailer =
        Trailer::parse(archive.get(archive.len() - Trailer::N_BYTES..)?, archive.len() as u64).ok()?;
    let root_at = trailer.root_offset_bytes as usize;
    let root_frame = archive.get(root_at..archive.len() - Trailer::N_BYTES)?;
    let manifest = Manifest::open(archive.get(..Header::N_BYTES)?, root_frame, trailer, &limits).ok()?;
    let mut item_pages = match &manifest.root().items {
        Table::Paged(pages) => pages.len(),
        Table::Inline(_) => 0,
    };
    let mut draft = vec![0];
    let mut at = Header::N_BYTES;
    while at <= root_at {
        let frame = FrameHeader::parse(archive.get(at..)?, at as u64, &limits).ok()?;
        at += FrameHeader::N_BYTES;
        let stored = archive.get(at..at + frame.stored_bytes as usize)?;
        at += stored.len();
        let raw = match frame.codec {
            Codec::Zstd => unpack(stored, frame.raw_bytes)?,
            _ => stored.to_vec(),
        };
        match frame.frame_type {
            FrameType::Block => {
                let size = &frame.raw_bytes.to_le_bytes()[..3];
                push_part(&mut draft, frame.codec as u8, &[size, stored].concat())?;
            }
            FrameType::Page if item_pages > 0 => {
                item_pages -= 1;
                push_part(&mut draft, ITEM_PAGE, &raw)?;
            }
            FrameType::Root => push_part(&mut draft, ROOT, &raw)?,
            _ => {}
        }
    }
    Some(draft)
}

fn push_part(draft: &mut Vec<u8>, tag: u8, part: &[u8]) -> Option<()> {
    draft.push(tag);
    draft.extend_from_slice(&u16::try_from(part.len()).ok()?.to_le_bytes());
    draft.extend_from_slice(part);
    Some(())
}

fn push_block(out: &mut Vec<u8>, codec: u8, part: &[u8]) -> Option<BlockRecord> {
    let (&[a, b, c], payload) = part.split_first_chunk::<3>()?;
    let codec = Codec::from_code(codec).unwrap_or(Codec::Raw);
    let stored_bytes = payload.len() as u64;
    let raw_bytes =
        if codec == Codec::Raw { stored_bytes } else { u64::from(u32::from_le_bytes([a, b, c, 0])) };
    let header = FrameHeader { frame_type: FrameType::Block, codec, stored_bytes, raw_bytes, item_hint: 0 };
    let offset_bytes = out.len() as u64;
    out.extend_from_slice(&header.encode());
    out.extend_from_slice(payload);
    let hash = frame_hash(&out[offset_bytes as usize..]);
    Some(BlockRecord { offset_bytes, codec, stored_bytes, raw_bytes, hash, foreign: None })
}

/// Appends a manifest frame; returns its offset, size and hash as they stand in a page reference.
fn push_frame(out: &mut Vec<u8>, frame_type: FrameType, payload: &[u8]) -> Value {
    let n = payload.len() as u64;
    let header = FrameHeader { frame_type, codec: Codec::Raw, stored_bytes: n, raw_bytes: n, item_hint: 0 };
    let offset = out.len();
    out.extend_from_slice(&header.encode());
    out.extend_from_slice(payload);
    let frame = &out[offset..];
    Value::Array(vec![
        Value::Unsigned(offset as u64),
        Value::Unsigned(frame.len() as u64),
        Value::Bytes(frame_hash(frame).to_vec()),
    ])
}

/// The root's payload with true tables, references and counts, as far as the flags let and it is a root at all.
fn fixed_root(
    root: &[u8],
    flags: u8,
    blocks: &[BlockRecord],
    item_pages: &[Value],
    out: &mut Vec<u8>,
) -> Vec<u8> {
    let Ok(Value::Map(mut map)) = cbor::decode(root, &Limits::default()) else { return root.to_vec() };
    if flags & KEEP_TABLES == 0 {
        if let Some(Value::Bytes(inline)) = map.get_mut(&3) {
            *inline = table(blocks);
        }
        if let Some(Value::Array(refs)) = map.get_mut(&4) {
            for (reference, page) in refs.iter_mut().zip(item_pages) {
                point(reference, page);
            }
        }
        if let Some(Value::Array(refs)) = map.get_mut(&5) {
            let mut rest = blocks;
            for reference in refs {
                let n = reference.as_array().and_then(|parts| parts.get(1)?.as_unsigned()).unwrap_or(0);
                let (page, after) = rest.split_at((n as usize).min(rest.len()));
                rest = after;
                point(reference, &push_frame(out, FrameType::Page, &table(page)));
            }
        }
    }
    if flags & KEEP_COUNTS == 0 {
        map.insert(1, Value::Unsigned(blocks.len() as u64));
    }
    let mut payload = Vec::new();
    Value::Map(map).encode_into(&mut payload);
    payload
}

/// Sets offset, size and hash of a page reference.
fn point(reference: &mut Value, page: &Value) {
    if let (Value::Array(parts), Value::Array(place)) = (reference, page)
        && let Some(last) = parts.get_mut(2..5)
    {
        last.clone_from_slice(place);
    }
}

/// A block table, spec §5.4.
fn table(blocks: &[BlockRecord]) -> Vec<u8> {
    let mut out = Vec::new();
    let put = |mut n: u64, out: &mut Vec<u8>| {
        while n >= 0x80 {
            out.push(n as u8 | 0x80);
            n >>= 7;
        }
        out.push(n as u8);
    };
    let mut end = 0;
    for block in blocks {
        put(block.offset_bytes - end, &mut out);
        out.push(block.codec as u8);
        put(block.stored_bytes, &mut out);
        put(block.raw_bytes, &mut out);
        out.extend_from_slice(&block.hash);
        end = block.offset_bytes + block.frame_bytes();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_seals_to_an_archive_that_verifies() {
        let vectors = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/vectors/good");
        let mut n = 0;
        for file in std::fs::read_dir(vectors).unwrap() {
            let path = file.unwrap().path();
            let Some(draft) = draft_of(&std::fs::read(&path).unwrap()) else { continue };
            let archive = holotype::Archive::from_bytes(seal_draft(&draft)).unwrap();
            let report = archive.verify(&holotype::VerifyOptions::default()).unwrap();
            assert!(report.is_good(), "{}: {:?}", path.display(), report.findings);
            n += 1;
        }
        assert!(n > 60);
    }
}
