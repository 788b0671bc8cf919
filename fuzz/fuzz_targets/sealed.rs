//! Any contents under a true seal: the parsers that the seal guards, and the decoders behind them.
#![no_main]

use holotype_fuzz::{draft_of, read_everything, seal_draft, write_if_asked};
use libfuzzer_sys::fuzz_target;

fuzz_target!(
    init: write_if_asked(|vector| Vec::from_iter((vector.len() > 200).then(|| draft_of(vector)).flatten())),
    |data: &[u8]| read_everything(seal_draft(data))
);
