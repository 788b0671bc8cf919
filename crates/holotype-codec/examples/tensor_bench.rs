//! Size and speed of the tensor codecs on one thread, slice by slice:
//!
//!     cargo run --release -p holotype-codec --example tensor_bench -- [--codec NAME] FILE.npy...
//!
//! A `u2` file with `bf16` in its name is taken for bfloat16.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod thread_time;

use holotype_codec::tensor::{ElementType, SliceLayout, TensorCodec, decode_slice, encode_slice};
use thread_time::speed;

/// That of the program and of the Python package.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SLICE_BYTES: usize = 1 << 20;

/// Element type, shape and content of an NPY file in C order.
fn npy(path: &str) -> (ElementType, Vec<u64>, Vec<u8>) {
    let bytes = std::fs::read(path).expect("the file can be read");
    let start = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let head = String::from_utf8_lossy(&bytes[10..start]).into_owned();
    let descr = head.split("'descr': '").nth(1).unwrap().split('\'').next().unwrap();
    let shape = head.split('(').nth(1).unwrap().split(')').next().unwrap();
    let shape = shape.split(',').filter_map(|axis| axis.trim().parse().ok()).collect();
    let element = match descr {
        "<u2" if path.contains("bf16") => ElementType::Bf16,
        "|b1" => ElementType::Bool,
        "|u1" => ElementType::U8,
        "|i1" => ElementType::I8,
        "<u2" => ElementType::U16,
        "<i2" => ElementType::I16,
        "<u4" => ElementType::U32,
        "<i4" => ElementType::I32,
        "<u8" => ElementType::U64,
        "<i8" => ElementType::I64,
        "<f2" => ElementType::F16,
        "<f4" => ElementType::F32,
        "<f8" => ElementType::F64,
        other => panic!("{other} is not read here"),
    };
    (element, shape, bytes[start..].to_vec())
}

fn main() {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    let mut codec = TensorCodec::Auto;
    if args.first().is_some_and(|arg| arg == "--codec") {
        codec = TensorCodec::ALL.into_iter().find(|c| c.name() == args[1]).expect("a codec's name");
        args.drain(..2);
    }
    println!(
        "{:44} {:>9} {:>9} {:>7} {:>8} {:>8}",
        "tensor", "raw", "coded", "ratio", "enc MB/s", "dec MB/s"
    );
    for path in args {
        let (element, shape, content) = npy(&path);
        let n_bytes = element.n_bits().unwrap() as usize / 8;
        // Whole rows of the outermost axis that is cut.
        let axis = (0..shape.len())
            .find(|k| shape[k + 1..].iter().product::<u64>() as usize * n_bytes <= SLICE_BYTES)
            .unwrap_or(0);
        let row = shape[axis + 1..].iter().product::<u64>() as usize * n_bytes;
        let n_rows = shape[..=axis].iter().product::<u64>() as usize;
        let n_slices = (n_rows * row).div_ceil(SLICE_BYTES);
        let step = n_rows.div_ceil(n_slices) * row;
        let layouts: Vec<(SliceLayout, &[u8])> = content
            .chunks(step)
            .map(|slice| {
                let mut dims = vec![(slice.len() / row) as u64];
                dims.extend(&shape[axis + 1..]);
                (SliceLayout::new(element, 0, &dims).unwrap(), slice)
            })
            .collect();
        let mut coded = Vec::new();
        let encode = speed(content.len(), &mut || {
            coded =
                layouts.iter().map(|(layout, slice)| encode_slice(slice, layout, codec).unwrap()).collect();
        });
        let size: usize =
            coded.iter().zip(&layouts).map(|(c, (_, s))| 32 + c.as_ref().map_or(s.len(), Vec::len)).sum();
        let mut out = vec![0; content.len()];
        let decode = speed(content.len(), &mut || {
            for ((coded, (layout, slice)), out) in coded.iter().zip(&layouts).zip(out.chunks_mut(step)) {
                match coded {
                    Some(coded) => decode_slice(coded, layout, out).unwrap(),
                    None => out.copy_from_slice(slice),
                }
            }
        });
        assert!(out == content, "{path} came back changed");
        let heads: Vec<_> =
            coded.iter().map(|c| c.as_ref().map_or([0; 4], |c| [c[0], c[1], c[2], c[3]])).collect();
        let name = path.rsplit('/').next().unwrap();
        println!(
            "{name:44} {:9} {size:9} {:7.3} {encode:8.0} {decode:8.0}  {heads:?}",
            content.len(),
            content.len() as f64 / size as f64
        );
    }
}
