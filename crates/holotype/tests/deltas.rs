//! Tensors stored against others: within an archive and between two, read whole and in parts, damaged, forged.
#![allow(clippy::unwrap_used, clippy::panic)]

use holotype::{
    Archive, ElementOrder, ElementType, ErrorKind, FlattenOptions, Limits, OpenOptions, Parent,
    SalvageOptions, TensorCodec, TensorDescriptor, TensorOptions, TensorParent, VerifyOptions, Writer,
    WriterOptions, flatten, salvage_bytes,
};
use std::fs;

/// Weights, and the same after some training.
fn pair(n: usize, seed: u64) -> (Vec<u8>, Vec<u8>) {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 24) as f32 - 0.5
    };
    let pairs: Vec<(f32, f32)> = (0..n)
        .map(|_| {
            let weight = next();
            (weight, weight + 1e-4 * next())
        })
        .collect();
    let bytes = |of: fn(&(f32, f32)) -> f32| pairs.iter().flat_map(|p| of(p).to_le_bytes()).collect();
    (bytes(|p| p.0), bytes(|p| p.1))
}

fn writer() -> Writer<Vec<u8>> {
    Writer::new(Vec::new(), WriterOptions::default()).unwrap()
}

fn auto() -> TensorOptions {
    TensorOptions::default()
}

fn is_good(archive: &Archive) -> bool {
    archive.verify(&VerifyOptions::default()).unwrap().is_good()
}

#[test]
fn children_are_small_and_read_in_parts() {
    let shape = [60, 100, 100];
    for order in [ElementOrder::C, ElementOrder::Fortran] {
        let descriptor = TensorDescriptor::new(ElementType::F32, &shape).with_order(order);
        let (base, tuned) = pair(600_000, 1);
        for slice_shape in [None, Some(vec![16, 33, 100])] {
            let options = auto().with_slice_shape(slice_shape);
            let mut writer = writer();
            writer.add_tensor("base", &descriptor, &base, &options).unwrap();
            let parent = TensorParent::added("base", &base);
            writer.add_tensor_by("tuned", &descriptor, &tuned, &parent, &options).unwrap();
            let archive = Archive::from_bytes(writer.finish().unwrap().0).unwrap();
            let child = archive.tensor("tuned").unwrap();
            assert_eq!(child.parent().unwrap().name, "base");
            assert_eq!(child.n_parents().unwrap(), 1);
            assert!(
                child.item().stored_bytes().unwrap() * 4
                    < 3 * archive.item("base").unwrap().stored_bytes().unwrap()
            );
            assert_eq!(child.read().unwrap(), tuned);
            let region = [7..9, 20..70, 99..100];
            let mut part = vec![0; 2 * 50 * 4];
            child.read_into(&region, &mut part, 2).unwrap();
            let mut of_base = vec![0; part.len()];
            archive.tensor("base").unwrap().read_into(&region, &mut of_base, 1).unwrap();
            let value =
                |bytes: &[u8], i: usize| f32::from_le_bytes(bytes[4 * i..4 * i + 4].try_into().unwrap());
            assert!((0..100).all(|i| (value(&part, i) - value(&of_base, i)).abs() < 1e-4));
            let place = |i: usize| match order {
                ElementOrder::C => ((7 + i / 50) * 100 + 20 + i % 50) * 100 + 99,
                ElementOrder::Fortran => (99 * 100 + 20 + i / 2) * 60 + 7 + i % 2,
            };
            assert!((0..100).all(|i| value(&part, i).to_bits() == value(&tuned, place(i)).to_bits()));
            assert!(is_good(&archive));
        }
    }
}

#[test]
fn equal_tensors_share_their_blocks() {
    let descriptor = TensorDescriptor::new(ElementType::F32, &[5000]);
    let (base, tuned) = pair(5000, 2);
    let mut writer = writer();
    writer.add_tensor("a", &descriptor, &base, &auto()).unwrap();
    let parent = TensorParent::added("a", &base);
    writer.add_tensor_by("b", &descriptor, &tuned, &parent, &auto()).unwrap();
    let before = writer.n_written_bytes();
    writer.add_tensor("c", &descriptor, &base, &auto()).unwrap();
    writer.add_tensor("d", &descriptor, &tuned, &auto()).unwrap();
    assert_eq!(writer.n_written_bytes(), before);
    // Another type, or mapped elements, are stored.
    writer.add_tensor("e", &TensorDescriptor::new(ElementType::U32, &[5000]), &base, &auto()).unwrap();
    writer.add_tensor("f", &descriptor, &base, &TensorOptions::new(TensorCodec::Raw)).unwrap();
    let archive = Archive::from_bytes(writer.finish().unwrap().0).unwrap();
    for (name, elements) in
        [("a", &base), ("b", &tuned), ("c", &base), ("d", &tuned), ("e", &base), ("f", &base)]
    {
        assert_eq!(&archive.tensor(name).unwrap().read().unwrap(), elements);
    }
    assert!(archive.tensor("f").unwrap().mapped().unwrap().is_some());
    assert!(is_good(&archive));
}

#[test]
fn equal_tensors_of_parents_are_found_by_what_they_hold() {
    let folder = tempfile::tempdir().unwrap();
    let descriptor = TensorDescriptor::new(ElementType::F32, &[50, 100]);
    let ((base, tuned), path) = (pair(5000, 8), folder.path().join("base.holo"));
    let mut parent = writer();
    parent.add_tensor("other", &descriptor, &tuned, &auto()).unwrap();
    parent
        .add_tensor("turned", &TensorDescriptor::new(ElementType::F32, &[100, 50]), &base, &auto())
        .unwrap();
    parent.add_tensor("old name", &descriptor, &base, &auto()).unwrap();
    std::fs::write(&path, parent.finish().unwrap().0).unwrap();
    let opened = Parent::open(&path, folder.path(), &OpenOptions::default()).unwrap();
    let mut child = Writer::new(Vec::new(), WriterOptions::default().with_parents(vec![opened])).unwrap();
    let found = child.equal_tensor(&descriptor, &base).unwrap().unwrap();
    assert!(child.equal_tensor(&descriptor, &base[4..]).unwrap().is_none());
    assert!(
        child.equal_tensor(&TensorDescriptor::new(ElementType::I32, &[50, 100]), &base).unwrap().is_none()
    );
    child.add_tensor_by("new name", &descriptor, &base, &found, &auto()).unwrap();
    std::fs::write(folder.path().join("child.holo"), child.finish().unwrap().0).unwrap();
    let archive = Archive::open(folder.path().join("child.holo")).unwrap();
    let tensor = archive.tensor("new name").unwrap();
    assert_eq!(tensor.parent().unwrap().name, "old name");
    assert_eq!((tensor.n_slices(), tensor.item().stored_bytes().unwrap()), (0, 0));
    assert_eq!(tensor.read().unwrap(), base);
}

#[test]
fn the_smaller_of_alone_and_by_a_parent_wins() {
    let descriptor = TensorDescriptor::new(ElementType::F32, &[5000]);
    let ((base, _), (other, _)) = (pair(5000, 3), pair(5000, 4));
    let mut writer = writer();
    writer.add_tensor("base", &descriptor, &base, &auto()).unwrap();
    writer.add_tensor_by("other", &descriptor, &other, &TensorParent::added("base", &base), &auto()).unwrap();
    let archive = Archive::from_bytes(writer.finish().unwrap().0).unwrap();
    assert!(archive.tensor("other").unwrap().parent().is_none());
    assert_eq!(archive.tensor("other").unwrap().read().unwrap(), other);
}

#[test]
fn what_cannot_be_a_parent_is_refused() {
    let descriptor = TensorDescriptor::new(ElementType::F32, &[5000]);
    let (base, tuned) = pair(5000, 5);
    let mut writer = writer();
    writer.add_tensor("base", &descriptor, &base, &auto()).unwrap();
    let mut refused = |parent: &TensorParent<'_>, descriptor: &TensorDescriptor, options: &TensorOptions| {
        let error = writer.add_tensor_by("t", descriptor, &tuned, parent, options).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    };
    let good = TensorParent::added("base", &base);
    refused(&TensorParent::added("bas", &base), &descriptor, &auto());
    refused(&TensorParent::added("base", &tuned), &descriptor, &auto());
    refused(&TensorParent::added("base", &base[4..]), &descriptor, &auto());
    refused(&good, &TensorDescriptor::new(ElementType::I32, &[5000]), &auto());
    refused(&good, &TensorDescriptor::new(ElementType::F32, &[50, 100]), &auto());
    refused(&good, &descriptor, &TensorOptions::new(TensorCodec::Planes));
    assert!(TensorParent::added_range("base", &base, 1, 20_000).is_err());
    writer.add_tensor_by("t", &descriptor, &tuned, &good, &auto()).unwrap();
}

#[test]
fn other_archives_are_named_by_their_seal() {
    let descriptor = TensorDescriptor::new(ElementType::F32, &[300, 1000]);
    let (base, tuned) = pair(300_000, 6);
    let mut parent_writer = writer();
    parent_writer.add_tensor("w", &descriptor, &base, &auto()).unwrap();
    parent_writer.add_file("f", &mut &base[..], None).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("parent.holo"), parent_writer.finish().unwrap().0).unwrap();
    let opened = Parent::open(at("parent.holo"), at("child.holo"), &OpenOptions::default()).unwrap();
    let parent = opened.archive();
    let of = TensorParent::of(&parent.tensor("w").unwrap()).unwrap();
    let refused = writer().add_tensor_by("w", &descriptor, &tuned, &of, &auto()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidArgument);
    let thin = WriterOptions::default().with_parents(vec![opened.clone()]);
    let mut writer = Writer::new(Vec::new(), thin).unwrap();
    writer.add_tensor_by("w", &descriptor, &tuned, &of, &auto()).unwrap();
    writer.add_tensor_by("same", &descriptor, &base, &of, &auto()).unwrap();
    writer.add_tensor_by("same again", &descriptor, &base, &of, &auto()).unwrap();
    // Bytes of a file, from the second value on, as another type.
    let words = TensorDescriptor::new(ElementType::U32, &[200_000]);
    let range = TensorParent::range(&parent.item("f").unwrap(), 4, 800_000).unwrap();
    writer.add_tensor_by("range", &words, &tuned[4..800_004], &range, &auto()).unwrap();
    assert!(TensorParent::range(&parent.item("f").unwrap(), 400_004, 800_000).is_err());
    let range = TensorParent::range(&parent.item("w").unwrap(), 400_000, 800_000).unwrap();
    writer.add_tensor_by("range of w", &words, &tuned[400_000..], &range, &auto()).unwrap();
    let bytes = writer.finish().unwrap().0;
    assert!(bytes.len() < base.len() * 2);

    fs::write(at("child.holo"), &bytes).unwrap();
    let child = Archive::open(at("child.holo")).unwrap();
    assert_eq!(child.tensor("w").unwrap().parent().unwrap().seal, Some(parent.seal()));
    assert_eq!(child.tensor("w").unwrap().read().unwrap(), tuned);
    assert_eq!(child.tensor("same").unwrap().read().unwrap(), base);
    assert_eq!(child.tensor("same").unwrap().n_slices(), 0);
    assert_eq!(child.tensor("range").unwrap().read().unwrap(), tuned[4..800_004]);
    assert_eq!(child.tensor("range of w").unwrap().read().unwrap(), tuned[400_000..]);
    let mut part = [0; 8];
    child.tensor("same").unwrap().read_into(&[299..300, 998..1000], &mut part, 0).unwrap();
    assert_eq!(part, base[base.len() - 8..]);
    assert!(is_good(&child));

    let flat = flatten(&child, Vec::new(), &FlattenOptions::default()).unwrap().0;
    let flat = Archive::from_bytes(flat).unwrap();
    for item in child.items().unwrap() {
        let (name, tensor) = (item.name(), flat.tensor(item.name()).unwrap());
        assert!(tensor.parent().is_none(), "{name}");
        assert_eq!(tensor.read().unwrap(), child.tensor(name).unwrap().read().unwrap(), "{name}");
    }
    let stored = |name: &str| flat.item(name).unwrap().stored_bytes().unwrap();
    assert_eq!(stored("same"), parent.item("w").unwrap().stored_bytes().unwrap());
    assert!(flat.n_bytes() < stored("w") + stored("same") + stored("range") + stored("range of w") + 4096);
    assert!(is_good(&flat));

    let alone = Archive::from_bytes(bytes.clone()).unwrap();
    for name in ["w", "same", "range"] {
        let error = alone.tensor(name).unwrap().read().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Parent);
        assert!(error.to_string().contains(&parent.seal_hex()), "{error}");
    }
    assert_eq!(alone.verify(&VerifyOptions::default()).unwrap().findings.len(), 5);
    fs::write(at("parent.holo"), &bytes).unwrap();
    let replaced = Archive::open(at("child.holo")).unwrap();
    assert_eq!(replaced.tensor("w").unwrap().read().unwrap_err().kind(), ErrorKind::Parent);
}

#[test]
fn rows_of_parents_are_bounded() {
    let descriptor = TensorDescriptor::new(ElementType::F32, &[2000]);
    let (mut last, _) = pair(2000, 7);
    let mut writer = writer();
    writer.add_tensor("0", &descriptor, &last, &auto()).unwrap();
    for k in 1..=10 {
        let next: Vec<u8> = last
            .chunks(4)
            .flat_map(|b| (f32::from_le_bytes(b.try_into().unwrap()) * 1.00001).to_le_bytes())
            .collect();
        let parent = TensorParent::added(&(k - 1).to_string(), &last);
        writer.add_tensor_by(&k.to_string(), &descriptor, &next, &parent, &auto()).unwrap();
        last = next;
    }
    let bytes = writer.finish().unwrap().0;
    let archive = Archive::from_bytes(bytes.clone()).unwrap();
    let n_parents = |k: u32| archive.tensor(&k.to_string()).unwrap().n_parents().unwrap();
    assert_eq!((0..=10).map(n_parents).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 1]);
    let mut limits = Limits::default();
    limits.max_parents = 5;
    let source = holotype_store::MemorySource::new(bytes);
    let archive = Archive::open_source(Box::new(source), "<memory>", limits).unwrap();
    assert!(archive.tensor("5").unwrap().read().is_ok());
    assert_eq!(archive.tensor("6").unwrap().read().unwrap_err().kind(), ErrorKind::LimitExceeded);
}

#[test]
fn damage_to_a_parent_is_seen_in_its_children() {
    let descriptor = TensorDescriptor::new(ElementType::F32, &[5000]);
    let (base, tuned) = pair(5000, 8);
    let mut writer = writer();
    writer.add_tensor("base", &descriptor, &base, &auto()).unwrap();
    writer.add_tensor_by("tuned", &descriptor, &tuned, &TensorParent::added("base", &base), &auto()).unwrap();
    let good = writer.finish().unwrap().0;
    let mut bad = good.clone();
    bad[2000] ^= 1;
    let archive = Archive::from_bytes(bad.clone()).unwrap();
    assert_eq!(archive.tensor("tuned").unwrap().read().unwrap_err().kind(), ErrorKind::Corrupt);
    assert_eq!(archive.verify(&VerifyOptions::default()).unwrap().findings.len(), 2);
    // A child is salvaged as a tensor of its own, which needs no parent.
    let (saved, report) = salvage_bytes(good, Vec::new(), &SalvageOptions::default()).unwrap();
    assert_eq!(report.lost.len(), 0);
    let saved = Archive::from_bytes(saved).unwrap();
    assert_eq!(saved.tensor("tuned").unwrap().read().unwrap(), tuned);
    assert!(saved.tensor("tuned").unwrap().parent().is_none());
    let (_, report) = salvage_bytes(bad, Vec::new(), &SalvageOptions::default()).unwrap();
    assert_eq!(report.lost.len(), 2);
}
