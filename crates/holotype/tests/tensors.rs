//! Tensors: written, read whole and in parts, verified, salvaged, damaged.
#![allow(clippy::unwrap_used, clippy::panic)]

use holotype::{
    Archive, ElementOrder, ElementType, ErrorKind, ItemKind, Limits, MaxError, Metadata, MetadataKind,
    NoiseGenerator, NoiseRecipe, SalvageOptions, TensorCodec, TensorDescriptor, TensorOptions, VerifyOptions,
    Writer, WriterOptions, salvage_bytes,
};
use holotype_codec::noise::generate;
use proptest::prelude::*;
use std::ops::Range;

fn noise(n: usize, seed: u64) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as u8
    };
    (0..n).map(|i| if i % 3 == 0 { next() } else { next() & 7 }).collect()
}

fn archive_of(tensors: &[(&str, &TensorDescriptor, &[u8], &TensorOptions)]) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), WriterOptions::default()).unwrap();
    for (name, descriptor, elements, options) in tensors {
        writer.add_tensor(name, descriptor, elements, options).unwrap();
    }
    writer.finish().unwrap().0
}

/// The elements of a region one by one, in the tensor's order.
fn picked(descriptor: &TensorDescriptor, elements: &[u8], region: &[Range<u64>]) -> Vec<u8> {
    let unit = descriptor.n_bits() as usize / 8;
    let is_fortran = descriptor.order == ElementOrder::Fortran;
    let turn = |axes: Vec<u64>| if is_fortran { axes.into_iter().rev().collect() } else { axes };
    let shape: Vec<u64> = turn(descriptor.shape.clone());
    let starts: Vec<u64> = turn(region.iter().map(|range| range.start).collect());
    let extent: Vec<u64> = turn(region.iter().map(|range| range.end - range.start).collect());
    let n: u64 = extent.iter().product();
    let mut out = Vec::new();
    for mut i in 0..n {
        let (mut at, mut stride) = (0, 1);
        for k in (0..shape.len()).rev() {
            at += (starts[k] + i % extent[k]) * stride;
            stride *= shape[k];
            i /= extent[k];
        }
        out.extend_from_slice(&elements[at as usize * unit..][..unit]);
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn any_region_of_any_tensor_is_read(
        element in prop::sample::select(ElementType::ALL[..20].to_vec()),
        codec in prop::sample::select(TensorCodec::ALL.to_vec()),
        shape in prop::collection::vec(0..9_u64, 0..5),
        slices in prop::collection::vec(1..6_u64, 5),
        is_cut in any::<bool>(),
        is_fortran in any::<bool>(),
        corners in prop::collection::vec((any::<u64>(), any::<u64>()), 5),
        n_threads in 1..4_usize,
        seed in any::<u64>(),
    ) {
        let order = if is_fortran && shape.len() > 1 { ElementOrder::Fortran } else { ElementOrder::C };
        let descriptor = TensorDescriptor::new(element, &shape).with_order(order);
        let elements = noise(descriptor.raw_bytes().unwrap() as usize, seed);
        let options = TensorOptions::new(codec)
            .with_slice_shape(is_cut.then(|| slices[..shape.len()].to_vec()))
            .with_n_threads(n_threads);
        let bytes = archive_of(&[("t", &descriptor, &elements, &options)]);
        prop_assert_eq!(&bytes, &archive_of(&[("t", &descriptor, &elements, &options.with_n_threads(1))]));
        let archive = Archive::from_bytes(bytes).unwrap();
        let tensor = archive.tensor("t").unwrap();
        prop_assert_eq!(tensor.descriptor(), &descriptor);
        prop_assert_eq!(tensor.read().unwrap(), elements.clone());
        let region: Vec<Range<u64>> = shape
            .iter()
            .zip(&corners)
            .map(|(n, (a, b))| {
                let (a, b) = (a % (n + 1), b % (n + 1));
                a.min(b)..a.max(b)
            })
            .collect();
        let expected = picked(&descriptor, &elements, &region);
        let mut out = vec![9; expected.len()];
        tensor.read_into(&region, &mut out, n_threads).unwrap();
        prop_assert_eq!(out, expected);
        let report = archive.verify(&VerifyOptions::default()).unwrap();
        prop_assert!(report.is_good(), "{:?}", report.findings);
    }
}

#[test]
fn large_tensors_are_cut_and_only_touched_slices_are_read() {
    let descriptor = TensorDescriptor::new(ElementType::F32, &[64, 256, 256]);
    let elements = noise(64 * 256 * 256 * 4, 5);
    let mut bytes = archive_of(&[("t", &descriptor, &elements, &TensorOptions::default())]);
    let archive = Archive::from_bytes(bytes.clone()).unwrap();
    let tensor = archive.tensor("t").unwrap();
    assert_eq!(tensor.n_slices(), 16);
    assert_eq!(tensor.read().unwrap(), elements);
    // A damaged last slice hinders no other.
    let last = bytes.len() - 2000;
    bytes[last] ^= 1;
    let archive = Archive::from_bytes(bytes).unwrap();
    let tensor = archive.tensor("t").unwrap();
    let region = [30..31, 5..7, 0..256];
    let mut out = vec![0; 2 * 256 * 4];
    tensor.read_into(&region, &mut out, 0).unwrap();
    assert_eq!(out, picked(&descriptor, &elements, &region));
    assert_eq!(tensor.read().unwrap_err().kind(), ErrorKind::Corrupt);
    let report = archive.verify(&VerifyOptions::default()).unwrap();
    assert_eq!(report.findings[0].item.as_deref(), Some("t"));
}

#[test]
fn raw_tensors_lie_aligned_as_they_are() {
    let descriptor = TensorDescriptor::new(ElementType::Bf16, &[700, 900]);
    let elements = noise(700 * 900 * 2, 1);
    let small = TensorDescriptor::new(ElementType::U8, &[3]);
    let raw = TensorOptions::new(TensorCodec::Raw);
    let bytes = archive_of(&[
        ("a", &small, &[1, 2, 3], &raw),
        ("b", &descriptor, &elements, &raw),
        ("c", &descriptor, &elements, &TensorOptions::new(TensorCodec::Planes)),
    ]);
    let archive = Archive::from_bytes(bytes.clone()).unwrap();
    for (name, content) in [("a", &[1, 2, 3][..]), ("b", &elements)] {
        let (offset, n) = archive.tensor(name).unwrap().mapped().unwrap().unwrap();
        assert_eq!(offset % 4096, 0);
        assert_eq!(&bytes[offset as usize..][..n as usize], content);
    }
    assert_eq!(archive.tensor("c").unwrap().mapped().unwrap(), None);
    assert!(archive.verify(&VerifyOptions::default()).unwrap().is_good());
    // Salvage keeps the alignment.
    let (saved, report) = salvage_bytes(bytes, Vec::new(), &SalvageOptions::default()).unwrap();
    assert_eq!(report.recovered.len(), 3, "{report}");
    let saved = Archive::from_bytes(saved).unwrap();
    assert_eq!(saved.tensor("b").unwrap().mapped().unwrap().unwrap().0 % 4096, 0);
    assert_eq!(saved.tensor("c").unwrap().read().unwrap(), elements);
}

#[test]
fn salvage_keeps_what_is_whole() {
    let descriptor = TensorDescriptor::new(ElementType::F16, &[50, 60]);
    let elements = noise(6000, 2);
    let options = TensorOptions::default().with_metadata({
        let mut metadata = Metadata::default();
        metadata.push(MetadataKind::Text, "layer", b"up.3".to_vec());
        metadata
    });
    let mut bytes = archive_of(&[
        ("hurt", &descriptor, &noise(6000, 3), &options),
        ("whole", &descriptor, &elements, &options),
    ]);
    bytes[500] ^= 4;
    bytes.truncate(bytes.len() - 9);
    let (saved, report) = salvage_bytes(bytes, Vec::new(), &SalvageOptions::default()).unwrap();
    assert_eq!((report.recovered[0].name.as_str(), report.recovered[0].kind), ("whole", ItemKind::Tensor));
    assert_eq!(report.lost[0].name, "hurt");
    let archive = Archive::from_bytes(saved).unwrap();
    let tensor = archive.tensor("whole").unwrap();
    assert_eq!(tensor.read().unwrap(), elements);
    assert_eq!(tensor.metadata().unwrap().entries[0].key, "layer");
}

#[test]
fn what_does_not_fit_is_refused() {
    let mut writer = Writer::new(Vec::new(), WriterOptions::default()).unwrap();
    let good = TensorDescriptor::new(ElementType::F32, &[2, 3]);
    let options = TensorOptions::default();
    let mut refuse = |descriptor: &TensorDescriptor, n: usize, options: &TensorOptions| {
        let error = writer.add_tensor("t", descriptor, &vec![0; n], options).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
    };
    refuse(&good, 23, &options);
    refuse(&TensorDescriptor::new(ElementType::F32, &[1; 33]), 4, &options);
    refuse(&TensorDescriptor::new(ElementType::Opaque, &[4]), 4, &options);
    refuse(&TensorDescriptor::opaque("", 8, &[4]), 4, &options);
    refuse(&TensorDescriptor::new(ElementType::U8, &[u64::MAX, 2]), 4, &options);
    refuse(&TensorDescriptor::new(ElementType::U8, &[4]).with_order(ElementOrder::Fortran), 4, &options);
    refuse(&good, 24, &options.clone().with_slice_shape(Some(vec![2])));
    refuse(&good, 24, &options.clone().with_slice_shape(Some(vec![0, 3])));
    writer.add_tensor("t", &good, &[0; 24], &options).unwrap();
    let archive = Archive::from_bytes(writer.finish().unwrap().0).unwrap();
    let tensor = archive.tensor("t").unwrap();
    let backwards = Range { start: 1, end: 0 };
    for region in [vec![0..2; 1], vec![0..3; 2], vec![backwards, 0..3]] {
        assert_eq!(
            tensor.read_into(&region, &mut [0; 24], 1).unwrap_err().kind(),
            ErrorKind::InvalidArgument
        );
    }
    assert!(archive.image("t").is_err());
    assert!(archive.read_file("t", &mut |_| Ok(())).is_err());
}

#[test]
fn limits_refuse_before_memory_is_taken() {
    let descriptor = TensorDescriptor::new(ElementType::U8, &[1 << 20]);
    let bytes = archive_of(&[("t", &descriptor, &vec![0; 1 << 20], &TensorOptions::default())]);
    let limits = Limits::default().with_max_decoded_bytes(1000);
    let source = holotype_store::MemorySource::new(bytes);
    let archive = Archive::open_source(Box::new(source), "<memory>", limits).unwrap();
    let tensor = archive.tensor("t").unwrap();
    assert_eq!(tensor.read().unwrap_err().kind(), ErrorKind::LimitExceeded);
    let mut out = [1; 5];
    assert_eq!(
        tensor.read_into(std::slice::from_ref(&(7..12)), &mut out, 1).unwrap_err().kind(),
        ErrorKind::LimitExceeded
    );
}

#[test]
fn noise_is_stored_as_its_recipe_once_proven() {
    let recipe = NoiseRecipe::new(NoiseGenerator::TorchCpuNormal, 7, 0);
    let other = NoiseRecipe::new(NoiseGenerator::TorchCpuUniform, 7, 0);
    let descriptor = TensorDescriptor::new(ElementType::F32, &[1, 4, 64, 64]);
    let mut elements = Vec::new();
    generate(&recipe, ElementType::F32, 16384, &mut elements).unwrap();
    let options = TensorOptions::default().with_noise(vec![other, recipe]);
    let bytes = archive_of(&[("latent", &descriptor, &elements, &options)]);
    assert!(bytes.len() < 500, "{}", bytes.len());
    let archive = Archive::from_bytes(bytes.clone()).unwrap();
    let latent = archive.tensor("latent").unwrap();
    assert_eq!(latent.noise(), Some(&recipe));
    assert_eq!(latent.read().unwrap(), elements);
    let region = [0..1, 2..3, 5..7, 10..20];
    let mut out = vec![0; 80];
    latent.read_into(&region, &mut out, 1).unwrap();
    assert_eq!(out, picked(&descriptor, &elements, &region));
    assert!(archive.verify(&VerifyOptions::default()).unwrap().is_good());
    let (saved, report) = salvage_bytes(bytes, Vec::new(), &SalvageOptions::default()).unwrap();
    assert_eq!(report.recovered.len(), 1, "{report}");
    assert_eq!(Archive::from_bytes(saved).unwrap().tensor("latent").unwrap().read().unwrap(), elements);
    // A few other values are corrected, and are part of what is proven.
    for word in elements.chunks_exact_mut(4).step_by(400) {
        word[0] ^= 1;
    }
    let bytes = archive_of(&[("latent", &descriptor, &elements, &options)]);
    assert!(bytes.len() < 800, "{}", bytes.len());
    let archive = Archive::from_bytes(bytes.clone()).unwrap();
    let latent = archive.tensor("latent").unwrap();
    assert_eq!((latent.noise(), latent.n_slices(), latent.mapped().unwrap()), (Some(&recipe), 0, None));
    assert_eq!(latent.read().unwrap(), elements);
    latent.read_into(&region, &mut out, 1).unwrap();
    assert_eq!(out, picked(&descriptor, &elements, &region));
    assert!(archive.verify(&VerifyOptions::default()).unwrap().is_good());
    let (saved, _) = salvage_bytes(bytes, Vec::new(), &SalvageOptions::default()).unwrap();
    assert_eq!(Archive::from_bytes(saved).unwrap().tensor("latent").unwrap().read().unwrap(), elements);
    // Noise of another seed is data.
    let options = TensorOptions::default().with_noise(vec![NoiseRecipe::new(recipe.generator, 8, 0), other]);
    let archive = Archive::from_bytes(archive_of(&[("latent", &descriptor, &elements, &options)])).unwrap();
    let latent = archive.tensor("latent").unwrap();
    assert_eq!((latent.noise(), latent.read().unwrap()), (None, elements));
}

#[test]
fn values_are_within_the_bound_and_the_tensor_says_so() {
    let values: Vec<f32> = (0..90_000_u32)
        .map(|i| match i % 9_000 {
            5 => f32::NAN,
            6 => f32::NEG_INFINITY,
            7 => 1e30,
            _ => (i as f32 * 0.01).sin() * 40.0,
        })
        .collect();
    let elements: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let descriptor = TensorDescriptor::new(ElementType::F32, &[300, 300]);
    let with = |max_error| TensorOptions::default().with_max_error(Some(max_error));
    let options = with(MaxError::Absolute(0.05));
    let plain = TensorOptions::default();
    let bytes =
        archive_of(&[("lossy", &descriptor, &elements, &options), ("exact", &descriptor, &elements, &plain)]);
    let archive = Archive::from_bytes(bytes.clone()).unwrap();
    let (lossy, exact) = (archive.tensor("lossy").unwrap(), archive.tensor("exact").unwrap());
    assert_eq!((lossy.max_error(), exact.max_error()), (Some(0.05), None));
    assert!(lossy.item().stored_bytes().unwrap() * 4 < exact.item().stored_bytes().unwrap());
    assert_eq!(exact.read().unwrap(), elements);
    for (value, word) in values.iter().zip(lossy.read().unwrap().chunks_exact(4)) {
        let stored = f32::from_le_bytes(word.try_into().unwrap());
        let is_near = (f64::from(stored) - f64::from(*value)).abs() <= 0.05;
        assert!(is_near || stored.to_bits() == value.to_bits(), "{value} {stored}");
    }
    assert!(archive.verify(&VerifyOptions::default()).unwrap().is_good());
    // The mark stays with a copy.
    let (copy, _) = holotype::flatten(&archive, Vec::new(), &holotype::FlattenOptions::default()).unwrap();
    assert_eq!(Archive::from_bytes(copy).unwrap().tensor("lossy").unwrap().max_error(), Some(0.05));
    let mut torn = bytes;
    let last = torn.len() - 20;
    torn[last] ^= 1;
    let (saved, _) = holotype::salvage_bytes(torn, Vec::new(), &holotype::SalvageOptions::default()).unwrap();
    assert_eq!(Archive::from_bytes(saved).unwrap().tensor("lossy").unwrap().max_error(), Some(0.05));
    // What rounding does not change is not lossy; a bound relative to no range is none.
    let whole: Vec<u8> = (0..90_000_u32).flat_map(|i| (i as f32).to_le_bytes()).collect();
    let constant = 7.5_f32.to_le_bytes().repeat(90_000);
    let archive = Archive::from_bytes(archive_of(&[
        ("whole", &descriptor, &whole, &with(MaxError::Absolute(0.5))),
        ("constant", &descriptor, &constant, &with(MaxError::Relative(0.1))),
        ("part", &descriptor, &whole, &with(MaxError::Relative(0.01))),
    ]))
    .unwrap();
    assert_eq!(archive.tensor("whole").unwrap().max_error(), None);
    assert_eq!(archive.tensor("constant").unwrap().max_error(), None);
    let bound = archive.tensor("part").unwrap().max_error().unwrap();
    assert!((bound - 899.99).abs() < 1e-9);
    // What cannot be meant is refused.
    let mut writer = Writer::new(Vec::new(), WriterOptions::default()).unwrap();
    for bound in [0.0, -1.0, f64::NAN, f64::INFINITY, f64::MAX] {
        assert!(writer.add_tensor("t", &descriptor, &elements, &with(MaxError::Absolute(bound))).is_err());
    }
    let integers = TensorDescriptor::new(ElementType::I32, &[300, 300]);
    assert!(writer.add_tensor("t", &integers, &elements, &options).is_err());
    let mut raw = options.clone();
    raw.codec = TensorCodec::Raw;
    assert!(writer.add_tensor("t", &descriptor, &elements, &raw).is_err());
    writer.add_tensor("exact", &descriptor, &elements, &plain).unwrap();
    let parent = holotype::TensorParent::added("exact", &elements);
    assert!(writer.add_tensor_by("t", &descriptor, &elements, &parent, &options).is_err());
}
