//! Size and speed of slices coded by a parent, on one thread:
//!
//!     cargo run --release -p holotype-codec --example delta_bench -- PARENT.npy CHILD.npy...
//!
//! A `u2` file with `bf16` in its name is taken for bfloat16; `f4` and `f2` files are what they say.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod thread_time;

use holotype_codec::tensor::{
    ElementType, SliceLayout, TensorCodec, decode_slice_by, encode_slice, encode_slice_by,
};
use thread_time::speed;

const SLICE_BYTES: usize = 1 << 20;

fn npy(path: &str) -> (ElementType, Vec<u8>) {
    let bytes = std::fs::read(path).expect("the file can be read");
    let start = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let head = String::from_utf8_lossy(&bytes[10..start]).into_owned();
    let element = match () {
        () if head.contains("<f4") => ElementType::F32,
        () if head.contains("<f2") => ElementType::F16,
        () if path.contains("bf16") => ElementType::Bf16,
        () => ElementType::U16,
    };
    (element, bytes[start..].to_vec())
}

fn main() {
    let paths: Vec<String> = std::env::args().skip(1).collect();
    let (element, parent) = npy(&paths[0]);
    println!(
        "{:40} {:>9} {:>9} {:>9} {:>8} {:>8}",
        "tensor", "raw", "alone", "delta", "enc MB/s", "dec MB/s"
    );
    for path in &paths[1..] {
        let (_, child) = npy(path);
        let n_unit = element.n_bits().unwrap() as usize / 8;
        let parts: Vec<_> = child
            .chunks(SLICE_BYTES)
            .zip(parent.chunks(SLICE_BYTES))
            .map(|(c, p)| (c, p, SliceLayout::new(element, 0, &[(c.len() / n_unit) as u64]).unwrap()))
            .collect();
        let alone: usize = parts
            .iter()
            .map(|(c, _, l)| {
                encode_slice(c, l, TensorCodec::Auto).unwrap().map_or(c.len(), |coded| coded.len())
            })
            .sum();
        let mut coded = Vec::new();
        let encode = speed(child.len(), &mut || {
            coded = parts.iter().map(|(c, p, l)| encode_slice_by(c, p, l).unwrap()).collect();
        });
        let mut out = vec![0; child.len()];
        let decode = speed(child.len(), &mut || {
            for ((coded, (_, p, l)), out) in coded.iter().zip(&parts).zip(out.chunks_mut(SLICE_BYTES)) {
                decode_slice_by(coded, Some(p), l, out).unwrap();
            }
        });
        assert!(out == child, "{path} came back changed");
        let n: usize = coded.iter().map(Vec::len).sum();
        let name = path.rsplit('/').next().unwrap();
        println!(
            "{name:40} {:9} {alone:9} {n:9} {encode:8.0} {decode:8.0}  {:?}",
            child.len(),
            &coded[0][4..24]
        );
    }
}
