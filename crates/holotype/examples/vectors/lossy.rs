//! Vectors of tensors rounded within a bound.

use holotype::{Archive, ElementType, MaxError, TensorDescriptor, TensorOptions, Writer, WriterOptions};
use holotype_codec::tensor::{SliceLayout, encode_multiples, round_slice};
use holotype_container::cbor::Value;
use holotype_container::{ArchiveBuilder, BlockRun, Codec, ItemKind, ItemRecord, hex};
use sha2::{Digest as _, Sha256};

fn elements(element: ElementType, n: usize) -> Vec<u8> {
    let value = |i: usize| match i % 500 {
        7 => f64::NAN,
        9 => f64::INFINITY,
        11 => -0.0,
        _ => (i as f64 * 0.02).sin() * 300.0 + (i % 7) as f64,
    };
    let word = |value: f64| {
        let bits = (value as f32).to_bits();
        match element {
            ElementType::F16 => {
                let exponent = (bits >> 23 & 255).saturating_sub(112).min(31);
                ((bits >> 31 << 15 | exponent << 10 | bits >> 13 & 1023) as u16).to_le_bytes().to_vec()
            }
            ElementType::Bf16 => ((bits >> 16) as u16).to_le_bytes().to_vec(),
            ElementType::F64 => value.to_le_bytes().to_vec(),
            _ => (value as f32).to_le_bytes().to_vec(),
        }
    };
    (0..n * element.n_words()).flat_map(|i| word(value(i))).collect()
}

pub(crate) fn good() -> Vec<(String, Vec<u8>, String)> {
    let mut all = Vec::new();
    for (element, bound) in [
        (ElementType::F16, 0.5),
        (ElementType::Bf16, 2.0),
        (ElementType::F32, 0.01),
        (ElementType::F64, 1e-5),
        (ElementType::Complex64, 0.1),
    ] {
        let name = format!("lossy-{}", element.name());
        let descriptor = TensorDescriptor::new(element, &[3, 40, 25]);
        let options = TensorOptions::default().with_max_error(Some(MaxError::Absolute(bound)));
        let mut writer = Writer::new(Vec::new(), WriterOptions::default()).unwrap();
        writer.add_tensor("t", &descriptor, &elements(element, 3000), &options).unwrap();
        let bytes = writer.finish().unwrap().0;
        let content = Archive::from_bytes(bytes.clone()).unwrap().tensor("t").unwrap().read().unwrap();
        let hash = hex(&Sha256::digest(&content));
        let described = format!("{name}\tt\ttensor\t{}\t{hash}\n", content.len());
        all.push((name, bytes, described));
    }
    all
}

pub(crate) fn bad() -> Vec<(&'static str, Vec<u8>)> {
    let mut content = elements(ElementType::F32, 600);
    round_slice(&mut content, ElementType::F32, 0.25).unwrap();
    let layout = SliceLayout::new(ElementType::F32, 0, &[600]).unwrap();
    let coded = encode_multiples(&content, &layout, 0.25).unwrap().unwrap();
    let archive = |payload: &[u8], element: u64, bound: Value| {
        let (mut builder, header) = ArchiveBuilder::begin();
        let mut out = header.to_vec();
        let block = builder.push_block(Codec::TensorSlice, payload, 2400, 0);
        out.extend_from_slice(&block.header);
        out.extend_from_slice(&block.payload);
        let mut item = ItemRecord::new("t".to_owned(), ItemKind::Tensor);
        item.content = vec![BlockRun { first: block.id, n_blocks: 1 }];
        item.raw_bytes = 2400;
        item.content_sha256 = Sha256::digest(&content).into();
        item.descriptor.insert(0, Value::Unsigned(element));
        item.descriptor.insert(1, Value::Array(vec![Value::Unsigned(600)]));
        item.descriptor.insert(7, bound);
        builder.add_item(item).unwrap();
        out.extend(builder.finish().0);
        out
    };
    let bound = |bound: f64| Value::Bytes(bound.to_le_bytes().to_vec());
    let with = |at: usize, bytes: &[u8]| {
        let mut bad = coded.clone();
        bad[at..at + bytes.len()].copy_from_slice(bytes);
        archive(&bad, 10, bound(0.25))
    };
    vec![
        ("corrupt-lossy-bound-zero", archive(&coded, 10, bound(0.0))),
        ("corrupt-lossy-bound-nan", archive(&coded, 10, bound(f64::NAN))),
        ("corrupt-lossy-bound-number", archive(&coded, 10, Value::Unsigned(1))),
        ("corrupt-lossy-of-integers", archive(&coded, 6, bound(0.25))),
        ("corrupt-multiples-head", with(1, &[1])),
        ("corrupt-multiples-step", with(4, &0.0_f64.to_le_bytes())),
        ("corrupt-multiples-width", with(12, &[3])),
        ("corrupt-multiples-exceptions", with(13, &601_u32.to_le_bytes())),
        ("corrupt-multiples-place", with(17, &600_u32.to_le_bytes())),
        ("corrupt-multiples-within-multiples", {
            let n = u32::from_le_bytes([coded[13], coded[14], coded[15], coded[16]]) as usize;
            with(17 + 8 * n, &[6])
        }),
    ]
}
