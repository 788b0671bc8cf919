//! Any bytes as an archive: open, list, read everything, verify.
#![no_main]

use holotype_fuzz::{read_everything, write_if_asked};
use libfuzzer_sys::fuzz_target;

fuzz_target!(init: write_if_asked(|vector| vec![vector.to_vec()]), |data: &[u8]| read_everything(data.to_vec()));
