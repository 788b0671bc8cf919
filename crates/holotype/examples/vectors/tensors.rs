//! Vectors of tensors of few values, and of tensors that are refused.

use super::{Good, elements};
use holotype::{ElementType, TensorCodec, TensorDescriptor, TensorOptions};
use holotype_codec::tensor::{SliceLayout, encode_slice};
use holotype_container::cbor::Value;
use holotype_container::{ArchiveBuilder, BlockRun, Codec, ItemKind, ItemRecord};
use sha2::{Digest as _, Sha256};

/// Numbers unpacked from shorter ones: smooth, of so many values.
fn unpacked(element: ElementType, n_values: i32) -> Vec<u8> {
    let number = |i: i32| {
        let (x, y) = (i % 80, i / 80);
        // A hill by integers alone.
        (x * (80 - x) + y * (60 - y) * 2 + i * i % 7) * n_values / 3500
    };
    let word = |n: i32| match element {
        ElementType::F16 => (0x4C00 + (n * 3) as u16).to_le_bytes().to_vec(),
        ElementType::F32 => (n as f32 * 0.001_572_7 - 1.5).to_le_bytes().to_vec(),
        ElementType::F64 => (f64::from(n) * 0.01 - 2.0).to_le_bytes().to_vec(),
        ElementType::I16 => ((n * 57 - 9000) as i16).to_le_bytes().to_vec(),
        _ => (i64::from(n) * 1_000_003 - 50_000).to_le_bytes().to_vec(),
    };
    (0..4800).flat_map(|i| word(number(i))).collect()
}

pub(crate) fn good() -> (String, Vec<u8>, String) {
    let mut vector = Good::new("tensor-ranks");
    for (element, n_values) in [
        (ElementType::F16, 150),
        (ElementType::F32, 200),
        (ElementType::F32, 900),
        (ElementType::F64, 1000),
        (ElementType::I16, 500),
        (ElementType::I64, 700),
    ] {
        let content = unpacked(element, n_values);
        let name = format!("{} {n_values}", element.name());
        vector.line(&name, "tensor", &content);
        let descriptor = TensorDescriptor::new(element, &[60, 80]);
        vector.writer.add_tensor(&name, &descriptor, &content, &TensorOptions::default()).unwrap();
    }
    vector.bytes()
}

/// Numbers of some exponents, near 1 times a power of 2 in every other of these and near 2 times it in the rest; zeros, small ones
/// and what is no number among them.
fn lopsided(element: ElementType, n: usize) -> Vec<u8> {
    let mut state = 5_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 40
    };
    let word = |i: usize| {
        let (low, exponent, is_negative) = (next() as f64 / f64::from(1 << 24), next() % 6, next() % 2 == 1);
        let near = low * low * low;
        let fraction = if exponent % 2 == 0 { 1.0 + near } else { 1.9999 - near };
        let value = match i % 1000 {
            7 => 0.0,
            8 => f64::NAN,
            9 => 1e-30,
            _ => fraction / f64::from(1 << exponent),
        };
        let value = if is_negative { -value } else { value };
        match element {
            ElementType::Bf16 => ((value as f32).to_bits() >> 16).to_le_bytes()[..2].to_vec(),
            ElementType::F64 => f64::from(value as f32).to_le_bytes().to_vec(),
            _ => (value as f32).to_le_bytes().to_vec(),
        }
    };
    (0..n).flat_map(word).collect()
}

/// Slices of exponents with the bits that follow them.
pub(crate) fn leading() -> (String, Vec<u8>, String) {
    let mut vector = Good::new("tensor-leading");
    for (element, n, n_words) in [
        (ElementType::Bf16, 9001, 9001),
        (ElementType::F32, 12_000, 12_000),
        (ElementType::Complex64, 6001, 12_002),
    ] {
        let content = lopsided(element, n_words);
        let name = format!("{} {n}", element.name());
        vector.line(&name, "tensor", &content);
        let descriptor = TensorDescriptor::new(element, &[n]);
        let layout = SliceLayout::new(element, 0, &[n]).unwrap();
        let coded = encode_slice(&content, &layout, TensorCodec::Auto).unwrap().unwrap();
        assert_eq!(coded[0], 8, "{name}");
        vector.writer.add_tensor(&name, &descriptor, &content, &TensorOptions::default()).unwrap();
    }
    vector.bytes()
}

/// Files with a tensor that breaks a rule.
pub(crate) fn bad() -> Vec<(&'static str, Vec<u8>)> {
    let content = elements(&TensorDescriptor::new(ElementType::I16, &[8, 37]), 1);
    let layout = SliceLayout::new(ElementType::I16, 0, &[8, 37]).unwrap();
    let coded = encode_slice(&content, &layout, TensorCodec::Planes).unwrap().unwrap();
    let custom_of = |n_bytes: u64, change: &dyn Fn(&mut ItemRecord), payload: &[u8]| {
        let (mut builder, start) = ArchiveBuilder::begin();
        let (frame, block) = builder.add_block(Codec::TensorSlice, payload, n_bytes, 0);
        let mut item = ItemRecord::new("a".into(), ItemKind::Tensor);
        item.content.push(BlockRun { first: block, n_blocks: 1 });
        item.raw_bytes = content.len() as u64;
        item.content_sha256 = Sha256::digest(&content).into();
        item.descriptor.insert(0, Value::Unsigned(4));
        item.descriptor.insert(1, Value::Array(vec![Value::Unsigned(8), Value::Unsigned(37)]));
        change(&mut item);
        builder.add_item(item).unwrap();
        [&start[..], &frame, payload, &builder.finish().0].concat()
    };
    let custom =
        |change: &dyn Fn(&mut ItemRecord), payload: &[u8]| custom_of(content.len() as u64, change, payload);
    let with_head = |at: usize, value: u8| {
        let mut bad = coded.clone();
        bad[at] = value;
        bad
    };
    let ranks = |head: &[u8], n: u32, values: &[u8], last: u8| {
        let mut ranks = [&[0][..], &[1; 296]].concat();
        ranks[296] = last;
        [head, &n.to_le_bytes(), &(values.len() as u32).to_le_bytes(), values, &ranks].concat()
    };
    // Three words of bfloat16: an exponent of the fifteen twice, an exception, an odd half byte.
    let leading = |at: usize, value: u8| {
        let mut coded =
            vec![8, 1, 0, 0, 113, 1, 0, 0, 0, 0, 3, 0, 0, 0, 0xEA, 0xEF, 0xF0, 1, 1, 0, 0, 0, 200];
        coded.extend([0, 2, 0, 0, 0, 0x2A, 0x0F]);
        coded[at] = value;
        coded
    };
    let three = |coded: Vec<u8>| {
        let words = [0xD5, 0x3F, 0xFF, 0xBF, 0x01, 0x64];
        let change = |item: &mut ItemRecord| {
            item.raw_bytes = 6;
            item.content_sha256 = Sha256::digest(words).into();
            item.descriptor.insert(0, Value::Unsigned(12));
            item.descriptor.insert(1, Value::Array(vec![Value::Unsigned(3)]));
        };
        custom_of(6, &change, &coded)
    };
    let put = |key: u64, value: Value| {
        move |item: &mut ItemRecord| drop(item.descriptor.insert(key, value.clone()))
    };
    let shape = |axes: &[u64]| Value::Array(axes.iter().copied().map(Value::Unsigned).collect());
    vec![
        ("unsupported-slice-coder", custom(&|_| {}, &with_head(0, 9))),
        ("unsupported-slice-map", custom(&|_| {}, &with_head(1, 3))),
        ("corrupt-slice-axes", custom(&|_| {}, &with_head(2, 1))),
        ("corrupt-slice-narrow", custom(&|_| {}, &with_head(3, 1))),
        ("unsupported-plane-coder", custom(&|_| {}, &with_head(4, 7))),
        ("corrupt-slice-too-long", custom(&|_| {}, &[&coded[..], &[0]].concat())),
        ("truncated-slice", custom(&|_| {}, &[&coded[..coded.len() - 2]].concat())),
        ("corrupt-tensor-key", custom(&put(99, Value::Unsigned(0)), &coded)),
        ("corrupt-tensor-type", custom(&put(0, Value::Unsigned(200)), &coded)),
        ("corrupt-tensor-shape", custom(&put(1, shape(&[8, 36])), &coded)),
        ("corrupt-tensor-rank", custom(&put(1, shape(&[1; 33])), &coded)),
        ("corrupt-tensor-overflow", custom(&put(1, shape(&[u64::MAX, u64::MAX])), &coded)),
        ("corrupt-tensor-order", custom(&put(2, Value::Unsigned(0)), &coded)),
        ("corrupt-tensor-opaque", custom(&put(0, Value::Unsigned(255)), &coded)),
        ("corrupt-tensor-slices", custom(&put(4, shape(&[4, 37])), &coded)),
        ("corrupt-tensor-noise", custom(&put(5, shape(&[0, 1, 2])), &coded)),
        ("corrupt-tensor-slice-zero", custom(&put(4, shape(&[0, 37])), &coded)),
        ("corrupt-ranks-head", custom(&|_| {}, &ranks(&[7, 1, 0, 0], 2, &[0, 7, 0, 9, 0], 0))),
        ("corrupt-ranks-no-values", custom(&|_| {}, &ranks(&[7, 0, 0, 0], 0, &[0], 0))),
        ("corrupt-ranks-many-values", custom(&|_| {}, &ranks(&[7, 0, 0, 0], 297, &[0], 0))),
        ("corrupt-ranks-values-descend", custom(&|_| {}, &ranks(&[7, 0, 0, 0], 2, &[0, 9, 0, 7, 0], 0))),
        ("corrupt-ranks-outside", custom(&|_| {}, &ranks(&[7, 0, 0, 0], 2, &[0, 7, 0, 9, 0], 2))),
        ("corrupt-leading-map", three(leading(1, 0))),
        ("corrupt-leading-axes", three(leading(2, 1))),
        ("corrupt-leading-count", three(leading(5, 2))),
        ("corrupt-leading-more-exceptions", three(leading(16, 0xE0))),
        ("corrupt-leading-exception", three(leading(22, 127))),
        ("corrupt-leading-nibble", three(leading(29, 0x1F))),
        ("truncated-leading", three(leading(0, 8)[..26].to_vec())),
        ("corrupt-ranks-of-ranks", custom(&|_| {}, &ranks(&[7, 0, 0, 0], 2, &[7, 0, 0, 0, 9], 0))),
    ]
}
