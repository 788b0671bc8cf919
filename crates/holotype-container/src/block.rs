use crate::cursor::{Cursor, put_varint};
use crate::{Codec, Error, ForeignBlock, FrameHeader, FrameType, Limits, Sealer, frame_hash};

/// Where a block lies and what it must hash to. Spec §5.4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockRecord {
    /// Offset of its frame in the file.
    pub offset_bytes: u64,
    /// How it is coded.
    pub codec: Codec,
    /// Payload bytes on disk.
    pub stored_bytes: u64,
    /// Payload bytes before coding.
    pub raw_bytes: u64,
    /// BLAKE3 of the whole frame.
    pub hash: [u8; 32],
    /// Set if it lies in a parent: offset and stored size are then 0. Spec §15.
    pub foreign: Option<ForeignBlock>,
}

/// A payload whose frame matched its record; only [`BlockRecord::verify`] makes one.
#[derive(Debug, Clone, Copy)]
pub struct VerifiedPayload<'a>(&'a [u8]);

impl<'a> VerifiedPayload<'a> {
    /// The stored payload bytes.
    #[must_use]
    pub fn bytes(self) -> &'a [u8] {
        self.0
    }
}

/// A block's payload as it was coded; of an encrypted archive it was decrypted. Only [`crate::Manifest::open_block`]
/// makes one.
#[derive(Debug, Clone)]
pub enum OpenedPayload<'a> {
    /// As it is stored.
    Stored(VerifiedPayload<'a>),
    /// A whole frame, decrypted.
    Inner(Vec<u8>),
}

impl OpenedPayload<'_> {
    /// The coded bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Stored(payload) => payload.bytes(),
            Self::Inner(frame) => frame.get(FrameHeader::N_BYTES..).unwrap_or_default(),
        }
    }
}

impl BlockRecord {
    /// Bytes of the frame on disk; 0 if it lies in a parent.
    #[must_use]
    pub fn frame_bytes(&self) -> u64 {
        if self.foreign.is_some() { 0 } else { FrameHeader::N_BYTES as u64 + self.stored_bytes }
    }

    /// The record of a block that lies in a parent.
    #[must_use]
    pub fn in_parent(foreign: ForeignBlock, codec: Codec, raw_bytes: u64, hash: [u8; 32]) -> Self {
        Self { offset_bytes: 0, codec, stored_bytes: 0, raw_bytes, hash, foreign: Some(foreign) }
    }

    /// Offset after the frame; `None` on overflow, and if it lies in a parent.
    #[must_use]
    pub fn end_bytes(&self) -> Option<u64> {
        if self.foreign.is_some() {
            return None;
        }
        self.offset_bytes.checked_add(FrameHeader::N_BYTES as u64)?.checked_add(self.stored_bytes)
    }

    /// Checks the frame read from `offset_bytes` and returns its payload.
    ///
    /// # Errors
    /// `Truncated`; `Hash` if any bit of the frame was changed; `Corrupt` if its header disagrees.
    pub fn verify<'a>(&self, frame: &'a [u8], limits: &Limits) -> Result<VerifiedPayload<'a>, Error> {
        self.check_frame(frame)?;
        self.payload_of(frame, self.stored_bytes, limits).map(VerifiedPayload)
    }

    /// Checks the frame read from `offset_bytes` and the frame that it hides, and returns the payload of that.
    pub(crate) fn open_sealed(
        &self,
        frame: &[u8],
        sealer: &Sealer,
        limits: &Limits,
    ) -> Result<OpenedPayload<'static>, Error> {
        self.check_frame(frame)?;
        let inner = sealer.open_frame(FrameType::Block, self.offset_bytes, frame, limits)?;
        self.payload_of(&inner, (inner.len().saturating_sub(FrameHeader::N_BYTES)) as u64, limits)?;
        Ok(OpenedPayload::Inner(inner))
    }

    /// Checks length and hash of the frame as it is stored.
    fn check_frame(&self, frame: &[u8]) -> Result<(), Error> {
        if frame.len() as u64 != self.frame_bytes() {
            return Err(Error::Truncated {
                what: "block",
                offset_bytes: self.offset_bytes,
                expected: self.frame_bytes(),
                found: frame.len() as u64,
            });
        }
        let found = frame_hash(frame);
        if found != self.hash {
            return Err(Error::hash("block", self.offset_bytes, &self.hash, &found));
        }
        Ok(())
    }

    /// The payload of a frame whose header says what this record says.
    fn payload_of<'a>(&self, frame: &'a [u8], stored_bytes: u64, limits: &Limits) -> Result<&'a [u8], Error> {
        let header = FrameHeader::parse(frame, self.offset_bytes, limits)?;
        let agrees = header.frame_type == FrameType::Block
            && header.codec == self.codec
            && header.stored_bytes == stored_bytes
            && header.raw_bytes == self.raw_bytes;
        match frame.get(FrameHeader::N_BYTES..) {
            Some(payload) if agrees => Ok(payload),
            _ => Err(Error::Corrupt {
                what: "block",
                offset_bytes: self.offset_bytes,
                rule: "the frame header disagrees with the block table",
            }),
        }
    }
}

/// Appends records: for each, the gap since the end of the one before, codec, sizes, hash.
pub(crate) fn encode_blocks(blocks: &[BlockRecord], out: &mut Vec<u8>) {
    let mut end = 0;
    for block in blocks {
        let BlockRecord { offset_bytes, codec, stored_bytes, raw_bytes, hash, foreign } = block;
        if let Some(ForeignBlock { parent, id }) = foreign {
            put_varint(out, u64::from(*parent));
            out.push(*codec as u8 | IN_PARENT);
            put_varint(out, *id);
            put_varint(out, *raw_bytes);
            out.extend_from_slice(hash);
            continue;
        }
        put_varint(out, offset_bytes - end);
        out.push(*codec as u8);
        put_varint(out, *stored_bytes);
        put_varint(out, *raw_bytes);
        out.extend_from_slice(hash);
        end = offset_bytes + block.frame_bytes();
    }
}

/// Added to the codec of a block that lies in a parent.
const IN_PARENT: u8 = 0x80;

/// Smallest record: three one-byte numbers, a codec and a hash.
const MIN_RECORD_BYTES: u64 = 36;

/// Reads `n_blocks` records that fill `bytes` and lie before `frames_end_bytes`.
pub(crate) fn decode_blocks(
    bytes: &[u8],
    n_blocks: u64,
    n_parents: u32,
    frames_end_bytes: u64,
    limits: &Limits,
) -> Result<Vec<BlockRecord>, Error> {
    let mut cursor = Cursor::new(bytes, "block table");
    if n_blocks > cursor.remaining() as u64 / MIN_RECORD_BYTES {
        return Err(cursor.corrupt("the table is too short for its count"));
    }
    let mut blocks = Vec::with_capacity(n_blocks as usize);
    let mut end = 0_u64;
    for _ in 0..n_blocks {
        let block = decode_block(&mut cursor, end, n_parents, frames_end_bytes, limits)?;
        end = block.end_bytes().unwrap_or(end);
        blocks.push(block);
    }
    cursor.finish()?;
    Ok(blocks)
}

/// Reads a table whose count and place are unknown, to the end of `bytes`.
pub(crate) fn decode_stray_blocks(bytes: &[u8], limits: &Limits) -> Result<Vec<BlockRecord>, Error> {
    let mut cursor = Cursor::new(bytes, "block table");
    let mut blocks = Vec::with_capacity(bytes.len() / MIN_RECORD_BYTES as usize);
    let mut end = 0_u64;
    while cursor.remaining() > 0 {
        let block = decode_block(&mut cursor, end, u32::MAX, u64::MAX, limits)?;
        end = block.end_bytes().unwrap_or(end);
        blocks.push(block);
    }
    Ok(blocks)
}

/// Reads one record, whose frame lies at or after `end` and ends by `frames_end_bytes`.
fn decode_block(
    cursor: &mut Cursor<'_>,
    end: u64,
    n_parents: u32,
    frames_end_bytes: u64,
    limits: &Limits,
) -> Result<BlockRecord, Error> {
    let gap = cursor.varint()?;
    let code = cursor.u8()?;
    if code & IN_PARENT != 0 {
        return decode_foreign(cursor, gap, code & !IN_PARENT, n_parents, limits);
    }
    let block = BlockRecord {
        offset_bytes: end.checked_add(gap).ok_or_else(|| cursor.corrupt("a block lies past the end"))?,
        codec: Codec::from_code(code)
            .ok_or(Error::Unsupported { what: "block codec", id: u64::from(code) })?,
        stored_bytes: cursor.varint()?,
        raw_bytes: cursor.varint()?,
        hash: cursor.array()?,
        foreign: None,
    };
    crate::error::check_limit("the stored size of a block", block.stored_bytes, limits.max_block_bytes)?;
    crate::error::check_limit("the raw size of a block", block.raw_bytes, limits.max_block_bytes)?;
    block
        .end_bytes()
        .filter(|end| *end <= frames_end_bytes)
        .ok_or_else(|| cursor.corrupt("a block lies past the end"))?;
    Ok(block)
}

/// The rest of the record of a block that lies in a parent.
fn decode_foreign(
    cursor: &mut Cursor<'_>,
    parent: u64,
    code: u8,
    n_parents: u32,
    limits: &Limits,
) -> Result<BlockRecord, Error> {
    let codec =
        Codec::from_code(code).ok_or(Error::Unsupported { what: "block codec", id: u64::from(code) })?;
    let (id, raw_bytes, hash) = (cursor.varint()?, cursor.varint()?, cursor.array()?);
    crate::error::check_limit("the raw size of a block", raw_bytes, limits.max_block_bytes)?;
    match u32::try_from(parent).ok().filter(|parent| *parent < n_parents) {
        Some(parent) => Ok(BlockRecord::in_parent(ForeignBlock { parent, id }, codec, raw_bytes, hash)),
        None => Err(cursor.corrupt("a block lies in a parent that is not listed")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_round_trips_and_refuses_blocks_past_the_end() {
        let block = |offset_bytes, stored_bytes| BlockRecord {
            offset_bytes,
            codec: Codec::Raw,
            stored_bytes,
            raw_bytes: stored_bytes,
            hash: [9; 32],
            foreign: None,
        };
        let foreign = ForeignBlock { parent: 1, id: 300 };
        let foreign = BlockRecord::in_parent(foreign, Codec::Zstd, 5000, [8; 32]);
        let blocks = [foreign, block(32, 10), block(74, 0), foreign, block(200, 1000)];
        let mut bytes = Vec::new();
        encode_blocks(&blocks, &mut bytes);
        let limits = Limits::default();
        assert_eq!(decode_blocks(&bytes, 5, 2, 1232, &limits).unwrap(), blocks);
        assert!(decode_blocks(&bytes, 5, 2, 1231, &limits).is_err());
        assert!(decode_blocks(&bytes, 5, 1, 1232, &limits).is_err(), "parent 1 is not listed");
        assert!(decode_blocks(&bytes, 4, 2, 1232, &limits).is_err());
        assert!(decode_blocks(&bytes, u64::MAX, 2, 1232, &limits).is_err());
    }

    #[test]
    fn only_the_recorded_frame_verifies() {
        let payload = b"samples";
        let header = FrameHeader {
            frame_type: FrameType::Block,
            codec: Codec::Raw,
            stored_bytes: 7,
            raw_bytes: 7,
            item_hint: 0,
        };
        let frame = [header.encode().as_slice(), payload].concat();
        let record = BlockRecord {
            offset_bytes: 32,
            codec: Codec::Raw,
            stored_bytes: 7,
            raw_bytes: 7,
            hash: frame_hash(&frame),
            foreign: None,
        };
        let limits = Limits::default();
        assert_eq!(record.verify(&frame, &limits).unwrap().bytes(), payload);
        for bit in 0..frame.len() * 8 {
            let mut bad = frame.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(matches!(record.verify(&bad, &limits), Err(Error::Hash { .. })), "bit {bit}");
        }
        assert!(record.verify(&frame[..38], &limits).is_err());
    }
}
