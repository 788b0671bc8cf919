use crate::cbor::Value;
use crate::pack::pack;
use crate::unpack::unpack;
use crate::{Codec, Error, FrameHeader, FrameType, Limits, Sealer, error::check_limit, frame_hash};
use std::borrow::Cow;

/// Where a page of a table lies, what it must hash to, and what it holds. Spec §5.2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRef<K> {
    /// Key of its first entry: an item name or a block id.
    pub first: K,
    /// Number of entries.
    pub n_entries: u64,
    /// Offset of its frame in the file.
    pub offset_bytes: u64,
    /// Bytes of the frame, header included.
    pub frame_bytes: u64,
    /// BLAKE3 of the whole frame.
    pub hash: [u8; 32],
}

impl<K> PageRef<K> {
    /// The reference as stored, `first` being its key.
    pub(crate) fn to_value(&self, first: Value) -> Value {
        let Self { first: _, n_entries, offset_bytes, frame_bytes, hash } = self;
        let numbers = [n_entries, offset_bytes, frame_bytes].map(|n| Value::Unsigned(*n));
        Value::Array([first].into_iter().chain(numbers).chain([Value::Bytes(hash.to_vec())]).collect())
    }

    /// Checks the frame read from `offset_bytes` and returns the page's uncompressed payload.
    pub(crate) fn open<'a>(
        &self,
        frame: &'a [u8],
        sealer: Option<&Sealer>,
        limits: &Limits,
    ) -> Result<Cow<'a, [u8]>, Error> {
        let found = frame_hash(frame);
        if found != self.hash {
            return Err(Error::hash("manifest page", self.offset_bytes, &self.hash, &found));
        }
        let Some(sealer) = sealer else {
            return open_frame(frame, FrameType::Page, self.offset_bytes, limits.max_page_bytes, limits);
        };
        let inner = sealer.open_frame(FrameType::Page, self.offset_bytes, frame, limits)?;
        let payload = open_frame(&inner, FrameType::Page, self.offset_bytes, limits.max_page_bytes, limits)?;
        Ok(Cow::Owned(payload.into_owned()))
    }
}

/// A manifest frame: `payload`, compressed if that is smaller.
pub(crate) fn build_frame(frame_type: FrameType, payload: &[u8]) -> Vec<u8> {
    let (codec, stored) = pack(payload);
    let header = FrameHeader {
        frame_type,
        codec,
        stored_bytes: stored.len() as u64,
        raw_bytes: payload.len() as u64,
        item_hint: 0,
    };
    let mut frame = Vec::with_capacity(FrameHeader::N_BYTES + stored.len());
    frame.extend_from_slice(&header.encode());
    frame.extend_from_slice(&stored);
    frame
}

/// The uncompressed payload of a manifest frame whose bytes are already known to be intact or sealed.
pub(crate) fn open_frame<'a>(
    frame: &'a [u8],
    frame_type: FrameType,
    offset_bytes: u64,
    max_raw_bytes: u64,
    limits: &Limits,
) -> Result<Cow<'a, [u8]>, Error> {
    let corrupt = |rule| Error::Corrupt { what: "manifest frame", offset_bytes, rule };
    let header = FrameHeader::parse(frame, offset_bytes, limits)?;
    let payload = frame.get(FrameHeader::N_BYTES..).unwrap_or_default();
    if header.frame_type != frame_type || header.stored_bytes != payload.len() as u64 || header.item_hint != 0
    {
        return Err(corrupt("the frame header disagrees with its reference"));
    }
    check_limit("the size of a manifest table", header.raw_bytes, max_raw_bytes)?;
    match header.codec {
        Codec::Raw => Ok(Cow::Borrowed(payload)),
        Codec::Zstd => unpack(payload, header.raw_bytes)
            .map(Cow::Owned)
            .ok_or_else(|| corrupt("the compressed bytes do not unpack to the recorded size")),
        codec => Err(Error::Unsupported { what: "manifest codec", id: codec as u64 }),
    }
}
