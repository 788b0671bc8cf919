//! Any bytes to salvage, and any contents under a true seal: what is written verifies.
#![no_main]

use holotype::{Archive, ErrorKind, SalvageOptions, VerifyOptions, salvage_bytes};
use holotype_fuzz::{draft_of, limits, seal_draft, write_if_asked};
use libfuzzer_sys::fuzz_target;

/// First bytes of an input: options, and whether the rest is a draft, whose seal may then be broken.
const FILL: u8 = 1;
const BLOCKS: u8 = 2;
const DRAFT: u8 = 4;

fuzz_target!(init: write_if_asked(seeds), |data: &[u8]| {
    let Some((flags, rest)) = data.split_first() else { return };
    let bytes = if flags & DRAFT == 0 {
        rest.to_vec()
    } else {
        let Some((&[low, high], draft)) = rest.split_first_chunk::<2>() else { return };
        let mut bytes = seal_draft(draft);
        let at = usize::from(u16::from_le_bytes([low, high]));
        if let Some(byte) = bytes.get_mut(at) {
            *byte ^= 0x5a;
        }
        bytes
    };
    let options = SalvageOptions::default()
        .with_fill(flags & FILL != 0)
        .with_stray_blocks(flags & BLOCKS != 0)
        .with_n_threads(1)
        .with_limits(limits());
    let (out, report) = match salvage_bytes(bytes, Vec::new(), &options) {
        // A header that says so makes an archive an encrypted one.
        Err(error) if error.kind() == ErrorKind::Unsupported => return,
        salvaged => salvaged.expect("memory can be read and written"),
    };
    let archive = Archive::from_bytes(out).expect("what salvage writes opens");
    assert_eq!(archive.n_items(), report.recovered.len() as u64 + 1);
    let verified = archive.verify(&VerifyOptions::default().with_n_threads(1)).expect("it can be verified");
    assert!(verified.is_good(), "what salvage writes is damaged: {:?}", verified.findings);
});

fn seeds(vector: &[u8]) -> Vec<Vec<u8>> {
    let mut seeds = vec![[&[FILL | BLOCKS], vector].concat()];
    if let Some(draft) = (vector.len() > 200).then(|| draft_of(vector)).flatten() {
        seeds.push([&[FILL | DRAFT, 40, 0], draft.as_slice()].concat());
    }
    seeds
}
