//! Vectors of tensors stored against others.

use holotype::{
    Archive, ElementOrder, ElementType, Parent, TensorCodec, TensorDescriptor, TensorOptions, TensorParent,
    Writer, WriterOptions,
};
use holotype_codec::tensor::{SliceLayout, encode_slice, encode_slice_by};
use holotype_container::cbor::Value;
use holotype_container::{ArchiveBuilder, BlockRun, Codec, ItemKind, ItemRecord, hex};
use sha2::{Digest as _, Sha256};

fn line(archive: &str, item: &str, content: &[u8]) -> String {
    format!("{archive}\t{item}\ttensor\t{}\t{}\n", content.len(), hex(&Sha256::digest(content)))
}

/// Words with all exponents a tensor may have, and the same changed a little, neighbours alike; some not at all, some
/// to what is no number.
fn pair(element: ElementType, n: usize) -> (Vec<u8>, Vec<u8>) {
    let mut state = 11_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    let n_bytes = element.n_bits().unwrap() as usize / 8 / element.n_words();
    let mut drift = 0_i64;
    let (mut base, mut tuned) = (Vec::new(), Vec::new());
    for i in 0..n * element.n_words() {
        let magnitude = 1.0 / (1_u64 << (next() % 12)) as f64 * (next() % 4096) as f64 / 4096.0;
        let value = if next() % 2 == 0 { magnitude } else { -magnitude };
        drift = (drift * 7 + (next() % 4096) as i64 - 2048) / 8;
        let other = value + drift as f64 * 1e-6;
        let bits = |value: f64| match element {
            ElementType::F16 => {
                let bits = (value as f32).to_bits();
                let exponent = (bits >> 23 & 255).saturating_sub(112);
                u64::from(bits >> 31 << 15 | exponent << 10 | bits >> 13 & 1023)
            }
            ElementType::Bf16 => u64::from((value as f32).to_bits() >> 16),
            ElementType::F32 | ElementType::Complex64 => u64::from((value as f32).to_bits()),
            ElementType::F64 | ElementType::Complex128 => value.to_bits(),
            _ => (value * 100_000.0) as i64 as u64,
        };
        let special = match i % 97 {
            3 => Some((0, 1_u64 << 63)),
            5 => Some((0xFFF8_0000_0000_0000, 0x7FF0_0000_0000_0000)),
            7 => Some((0, u64::MAX)),
            _ => None,
        };
        let words = special.map_or((bits(value), bits(if i % 5 == 0 { value } else { other })), |(a, b)| {
            (a >> (64 - 8 * n_bytes), b >> (64 - 8 * n_bytes))
        });
        base.extend_from_slice(&words.0.to_le_bytes()[..n_bytes]);
        tuned.extend_from_slice(&words.1.to_le_bytes()[..n_bytes]);
    }
    (base, tuned)
}

/// The same, a part of which changed much less than the others, as layers do.
fn uneven_pair(element: ElementType, n: usize) -> (Vec<u8>, Vec<u8>) {
    let (base, tuned) = pair(element, n);
    let n_bytes = element.n_bits().unwrap() as usize / 8;
    let mut child = base.clone();
    let words = child.chunks_exact_mut(n_bytes).zip(tuned.chunks_exact(n_bytes));
    for (i, (word, tuned)) in words.enumerate().filter(|(i, _)| i / 700 % 3 != 1 || i % 50 == 0) {
        word.copy_from_slice(tuned);
        // The lowest bits of some places are anything.
        if i / 700 % 3 == 2 {
            word[0] ^= ((i * i) >> 3) as u8 & 31;
        }
    }
    (base, child)
}

fn writer() -> Writer<Vec<u8>> {
    Writer::new(Vec::new(), WriterOptions::default()).unwrap()
}

/// A vector of two tensors, the second stored against the first.
fn base_and_tuned(
    name: String,
    descriptor: &TensorDescriptor,
    base: &[u8],
    tuned: &[u8],
) -> (String, Vec<u8>, String) {
    let (auto, mut writer) = (TensorOptions::default(), writer());
    writer.add_tensor("base", descriptor, base, &auto).unwrap();
    writer.add_tensor_by("tuned", descriptor, tuned, &TensorParent::added("base", base), &auto).unwrap();
    let described = line(&name, "base", base) + &line(&name, "tuned", tuned);
    (name, writer.finish().unwrap().0, described)
}

pub(crate) fn good() -> Vec<(String, Vec<u8>, String)> {
    let mut all = Vec::new();
    for element in [
        ElementType::F16,
        ElementType::Bf16,
        ElementType::F32,
        ElementType::F64,
        ElementType::Complex64,
        ElementType::F8E4M3Fn,
        ElementType::F8E5M2,
        ElementType::U8,
        ElementType::I16,
        ElementType::U32,
        ElementType::I64,
    ] {
        let name = format!("parent-{}", element.name());
        let descriptor = TensorDescriptor::new(element, &[61, 37]);
        let (base, tuned) = pair(element, 61 * 37);
        all.push(base_and_tuned(name, &descriptor, &base, &tuned));
    }
    for element in [ElementType::F16, ElementType::Bf16, ElementType::F32, ElementType::F64, ElementType::I32]
    {
        let name = format!("parent-scales-{}", element.name());
        let descriptor = TensorDescriptor::new(element, &[77, 79]);
        let (base, tuned) = uneven_pair(element, 77 * 79);
        let layout = SliceLayout::new(element, 0, &[77, 79]).unwrap();
        assert_eq!(encode_slice_by(&tuned, &base, &layout).unwrap()[3], 7, "{name} has scales");
        all.push(base_and_tuned(name, &descriptor, &base, &tuned));
    }
    let descriptor = TensorDescriptor::new(ElementType::F32, &[20, 31, 7]).with_order(ElementOrder::Fortran);
    let cut = |shape: &[u64]| TensorOptions::default().with_slice_shape(Some(shape.to_vec()));
    let (base, tuned) = pair(ElementType::F32, 20 * 31 * 7);
    let (name, mut writer) = ("parent-slices".to_owned(), writer());
    let parent = TensorParent::added("base", &base);
    writer.add_tensor("base", &descriptor, &base, &cut(&[7, 31, 3])).unwrap();
    writer.add_tensor_by("tuned", &descriptor, &tuned, &parent, &cut(&[20, 10, 7])).unwrap();
    let grand = TensorParent::added("tuned", &tuned);
    writer.add_tensor_by("back", &descriptor, &base, &grand, &cut(&[5, 5, 5])).unwrap();
    writer.add_tensor("equal", &descriptor, &base, &cut(&[7, 31, 3])).unwrap();
    let words = TensorDescriptor::new(ElementType::U32, &[3000]);
    let range = TensorParent::added_range("base", &base, 400, 12_000).unwrap();
    writer.add_tensor_by("range", &words, &tuned[400..12_400], &range, &cut(&[700])).unwrap();
    let mut described = line(&name, "base", &base) + &line(&name, "tuned", &tuned);
    described += &(line(&name, "back", &base) + &line(&name, "equal", &base));
    described += &line(&name, "range", &tuned[400..12_400]);
    all.push((name, writer.finish().unwrap().0, described));
    all.extend(two_archives());
    all
}

/// A checkpoint and one that is stored against it in another archive: changed, equal, a range of a file.
fn two_archives() -> Vec<(String, Vec<u8>, String)> {
    let auto = TensorOptions::default();
    let descriptor = TensorDescriptor::new(ElementType::Bf16, &[50, 60]);
    let (base, tuned) = pair(ElementType::Bf16, 3000);
    let mut first = writer();
    first.add_tensor("w", &descriptor, &base, &auto).unwrap();
    first.add_file("f", &mut &base[..], None).unwrap();
    let first = first.finish().unwrap().0;
    let hints = vec!["parent-archive.holo".to_owned()];
    let opened = Parent::new(Archive::from_bytes(first.clone()).unwrap(), hints);
    let options = WriterOptions::default().with_parents(vec![opened.clone()]);
    let mut second = Writer::new(Vec::new(), options).unwrap();
    let parent = TensorParent::of(&opened.archive().tensor("w").unwrap()).unwrap();
    second.add_tensor_by("w", &descriptor, &tuned, &parent, &auto).unwrap();
    second.add_tensor_by("equal", &descriptor, &base, &parent, &auto).unwrap();
    let range = TensorParent::range(&opened.archive().item("f").unwrap(), 1000, 4000).unwrap();
    let part = TensorDescriptor::new(ElementType::Bf16, &[2000]);
    second.add_tensor_by("range", &part, &tuned[1000..5000], &range, &auto).unwrap();
    let file = format!("parent-archive\tf\tfile\t{}\t{}\n", base.len(), hex(&Sha256::digest(&base)));
    let described = line("parent-archive-child", "w", &tuned)
        + &line("parent-archive-child", "equal", &base)
        + &line("parent-archive-child", "range", &tuned[1000..5000]);
    vec![
        ("parent-archive".to_owned(), first, line("parent-archive", "w", &base) + &file),
        ("parent-archive-child".to_owned(), second.finish().unwrap().0, described),
    ]
}

pub(crate) fn bad() -> Vec<(&'static str, Vec<u8>)> {
    let (base, tuned) = pair(ElementType::F32, 600);
    let layout = SliceLayout::new(ElementType::F32, 0, &[600]).unwrap();
    let alone = encode_slice(&base, &layout, TensorCodec::Planes).unwrap().unwrap();
    let coded = encode_slice_by(&tuned, &base, &layout).unwrap();
    let name = |seal: &[u8], name: &str, content: &[u8]| {
        let hash = Sha256::digest(content).to_vec();
        vec![Value::Bytes(seal.to_vec()), Value::Text(name.into()), Value::Bytes(hash)]
    };
    let archive = |parent: Option<Vec<Value>>, payload: &[u8], n_elements: u64| {
        let (mut builder, start) = ArchiveBuilder::begin();
        let mut out = start.to_vec();
        for (ordinal, name, content, payload) in
            [(0, "base", &base, &alone[..]), (1, "tuned", &tuned, payload)]
        {
            let (frame, block) = builder.add_block(Codec::TensorSlice, payload, 2400, ordinal);
            out.extend_from_slice(&frame);
            out.extend_from_slice(payload);
            let mut item = ItemRecord::new(name.into(), ItemKind::Tensor);
            item.content.push(BlockRun { first: block, n_blocks: 1 });
            item.raw_bytes = 2400;
            item.content_sha256 = Sha256::digest(content).into();
            let n = if ordinal == 0 { n_elements } else { 600 };
            let shape = if n == 600 { vec![600] } else { vec![n, 600 / n] };
            item.descriptor.insert(0, Value::Unsigned(10));
            item.descriptor.insert(1, Value::Array(shape.into_iter().map(Value::Unsigned).collect()));
            if let (1, Some(parent)) = (ordinal, &parent) {
                item.descriptor.insert(6, Value::Array(parent.clone()));
            }
            builder.add_item(item).unwrap();
        }
        out.extend(builder.finish().0);
        out
    };
    let good = name(&[], "base", &base);
    let with = |at: usize, value: u8| {
        let mut bad = coded.clone();
        bad[at] = value;
        bad
    };
    let n_taps = usize::from(coded[6]);
    let scales = 7 + n_taps + usize::from(coded[7 + n_taps]);
    vec![
        ("corrupt-parent-none", archive(None, &coded, 600)),
        ("corrupt-parent-missing", archive(Some(name(&[], "bas", &base)), &coded, 600)),
        ("corrupt-parent-itself", archive(Some(name(&[], "tuned", &tuned)), &coded, 600)),
        ("corrupt-parent-hash", archive(Some(name(&[], "base", &tuned)), &coded, 600)),
        ("corrupt-parent-shape", archive(Some(good.clone()), &coded, 20)),
        ("corrupt-parent-seal", archive(Some(name(&[1; 31], "base", &base)), &coded, 600)),
        (
            "corrupt-parent-range",
            archive(Some([good.clone(), vec![Value::Unsigned(1)]].concat()), &coded, 600),
        ),
        ("corrupt-delta-head", archive(Some(good.clone()), &with(1, 0), 600)),
        ("corrupt-delta-tokens", archive(Some(good.clone()), &with(4, 8), 600)),
        ("corrupt-delta-taps", archive(Some(good.clone()), &with(6, 17), 600)),
        ("corrupt-delta-contexts", archive(Some(good.clone()), &with(7 + n_taps, 33), 600)),
        ("unsupported-delta-scales", archive(Some(good.clone()), &with(3, 5), 600)),
        ("corrupt-delta-scale-negative", archive(Some(good.clone()), &with(scales, 1), 600)),
        (
            "corrupt-delta-scale-steps",
            archive(
                Some(good.clone()),
                &{
                    let mut bad = coded.clone();
                    bad[scales..scales + 9].fill(255);
                    bad
                },
                600,
            ),
        ),
        ("corrupt-delta-bits", archive(Some(good.clone()), &[&coded[..], &[0]].concat(), 600)),
        ("truncated-delta", archive(Some(good.clone()), &coded[..20], 600)),
        ("corrupt-delta-cut", archive(Some(good), &coded[..coded.len() - 1], 600)),
    ]
}
