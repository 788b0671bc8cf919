//! Any bytes as CBOR: what decodes has one encoding.
#![no_main]

use holotype_container::{FrameHeader, Limits, Trailer, cbor, unpack};
use holotype_fuzz::write_if_asked;
use libfuzzer_sys::fuzz_target;

fuzz_target!(init: write_if_asked(seeds), |data: &[u8]| {
    let Ok(value) = cbor::decode(data, &Limits::default()) else { return };
    let mut again = Vec::new();
    value.encode_into(&mut again);
    assert_eq!(again, data);
});

/// The root record.
fn seeds(vector: &[u8]) -> Vec<Vec<u8>> {
    let root = || {
        let at = vector.len().checked_sub(Trailer::N_BYTES)?;
        let trailer = Trailer::parse(&vector[at..], vector.len() as u64).ok()?;
        let frame = vector.get(trailer.root_offset_bytes as usize..at)?;
        let header = FrameHeader::parse(frame, 0, &Limits::default()).ok()?;
        let payload = &frame[FrameHeader::N_BYTES..];
        unpack(payload, header.raw_bytes).or_else(|| Some(payload.to_vec()))
    };
    root().into_iter().collect()
}
