//! Every bit of small archives of tensors, one for each way a tensor is stored, and of parent archives: none that is wrong is
//! read as right, and `verify` notices all.
#![allow(clippy::unwrap_used, clippy::panic)]

use holotype::{
    Archive, ElementType, MaxError, MetadataKind, NoiseGenerator, NoiseRecipe, OpenOptions, Parent, Result,
    TensorCodec, TensorDescriptor, TensorOptions, TensorParent, VerifyOptions, Writer, WriterOptions,
};
use holotype_codec::noise::generate;
use std::fs;
use std::path::Path;

/// Columns of all tensors.
const N_COLUMNS: u64 = 16;

struct Sealed {
    bytes: Vec<u8>,
    tensors: Vec<(String, Vec<u8>)>,
}

struct Maker {
    writer: Writer<Vec<u8>>,
    tensors: Vec<(String, Vec<u8>)>,
}

impl Maker {
    fn new(parents: Vec<Parent>) -> Self {
        let options = WriterOptions::default().with_parents(parents);
        Self { writer: Writer::new(Vec::new(), options).unwrap(), tensors: Vec::new() }
    }

    fn add(mut self, name: &str, element: ElementType, elements: &[u8], options: &TensorOptions) -> Self {
        let descriptor = descriptor(element, elements);
        self.writer.add_tensor(name, &descriptor, elements, options).unwrap();
        self.tensors.push((name.to_owned(), elements.to_vec()));
        self
    }

    fn add_by(
        mut self,
        name: &str,
        element: ElementType,
        elements: &[u8],
        parent: &TensorParent<'_>,
    ) -> Self {
        let (descriptor, options) = (descriptor(element, elements), TensorOptions::default());
        self.writer.add_tensor_by(name, &descriptor, elements, parent, &options).unwrap();
        self.tensors.push((name.to_owned(), elements.to_vec()));
        self
    }

    fn seal(self) -> Sealed {
        let Self { writer, tensors } = self;
        Sealed { bytes: writer.finish().unwrap().0, tensors }
    }
}

fn descriptor(element: ElementType, elements: &[u8]) -> TensorDescriptor {
    let n = elements.len() as u64 / u64::from(element.n_bits().unwrap() / 8);
    TensorDescriptor::new(element, &[n / N_COLUMNS, N_COLUMNS])
}

/// Normal numbers as PyTorch draws them.
fn normal(n: usize) -> (NoiseRecipe, Vec<u8>) {
    let recipe = NoiseRecipe::new(NoiseGenerator::TorchCpuNormal, 7, 0);
    let mut made = Vec::new();
    generate(&recipe, ElementType::F32, n, &mut made).unwrap();
    (recipe, made)
}

fn mapped<const N: usize, const M: usize>(
    elements: &[u8],
    of: impl Fn(usize, [u8; N]) -> [u8; M],
) -> Vec<u8> {
    elements.as_chunks::<N>().0.iter().enumerate().flat_map(|(i, element)| of(i, *element)).collect()
}

/// Floats a little further on, every third one.
fn tuned(elements: &[u8]) -> Vec<u8> {
    mapped(elements, |i, word| (u32::from_le_bytes(word) + if i % 3 == 0 { 5 } else { 0 }).to_le_bytes())
}

/// What is checked of each archive, so that it holds what it is for.
type Check = fn(&Archive);

fn n_stored(archive: &Archive, name: &str) -> u64 {
    archive.tensor(name).unwrap().item().stored_bytes().unwrap()
}

/// A tensor of every way to be stored.
fn every_way() -> Vec<(String, Sealed, Check)> {
    let (auto, one) = (TensorOptions::default(), || Maker::new(Vec::new()));
    let (recipe, noise) = normal(448);
    let smooth: Vec<u8> = (0..512_u32)
        .flat_map(|i| ((i / 16 * 9 + i % 16 * 4) as u16 + (i * i % 3) as u16).to_le_bytes())
        .collect();
    let mut all: Vec<(String, Sealed, Check)> = Vec::new();
    let mut push = |name: &str, made: Maker, check: Check| all.push((name.to_owned(), made.seal(), check));
    for codec in TensorCodec::ALL {
        let mut options = TensorOptions::new(codec);
        options.metadata.push(MetadataKind::Text, "layer", "up");
        let check: Check = match codec {
            TensorCodec::Raw => {
                |archive| assert!(archive.tensor("t").unwrap().raw_frame().unwrap().is_some())
            }
            _ => |archive| assert!(n_stored(archive, "t") < 1024),
        };
        push(codec.name(), one().add("t", ElementType::U16, &smooth, &options), check);
    }
    let sliced = auto.clone().with_slice_shape(Some(vec![13, 16]));
    push("slices", one().add("t", ElementType::U16, &smooth, &sliced), |archive| {
        assert_eq!(archive.tensor("t").unwrap().n_slices(), 3);
    });
    let half = mapped(&noise, |_, [_, _, a, b]: [u8; 4]| [a, b]);
    push("leading", one().add("t", ElementType::Bf16, &half, &auto), |archive| {
        assert!(n_stored(archive, "t") < 896)
    });
    let few: Vec<u8> =
        (0..512_usize).flat_map(|i| [0.5_f32, 1.7, -3.1][i * i * i % 11 % 3].to_le_bytes()).collect();
    push("ranks", one().add("t", ElementType::F32, &few, &auto), |archive| {
        assert!(n_stored(archive, "t") < 512)
    });
    let wide = mapped(&noise, |_, word| f64::from(f32::from_le_bytes(word)).to_le_bytes());
    push("narrow", one().add("t", ElementType::F64, &wide, &auto), |archive| {
        assert!(n_stored(archive, "t") < 1792)
    });
    let noisy = auto.clone().with_noise(vec![recipe]);
    push("recipe", one().add("t", ElementType::F32, &noise, &noisy), |archive| {
        assert_eq!(n_stored(archive, "t"), 0)
    });
    let nearly = mapped(&noise, |i, [a, b, c, d]: [u8; 4]| [a ^ u8::from(i == 40), b, c, d]);
    push("corrected recipe", one().add("t", ElementType::F32, &nearly, &noisy), |archive| {
        let tensor = archive.tensor("t").unwrap();
        assert!(tensor.noise().is_some() && n_stored(archive, "t") > 0);
    });
    let lossy = auto.clone().with_max_error(Some(MaxError::Absolute(0.01)));
    let mut rounded = one().add("t", ElementType::F32, &noise, &lossy);
    rounded.tensors.clear();
    push("lossy", rounded, |archive| assert_eq!(archive.tensor("t").unwrap().max_error(), Some(0.01)));
    let raw = TensorOptions::new(TensorCodec::Planes);
    let of = TensorParent::added("parent", &noise);
    let child = one().add("parent", ElementType::F32, &noise, &raw).add_by(
        "child",
        ElementType::F32,
        &tuned(&noise),
        &of,
    );
    push("child", child, |archive| {
        assert_eq!(archive.tensor("child").unwrap().parent().unwrap().name, "parent");
    });
    let same =
        one().add("parent", ElementType::F32, &noise, &raw).add("same", ElementType::F32, &noise, &raw);
    push("same", same, |archive| {
        assert_eq!(n_stored(archive, "same"), n_stored(archive, "parent"));
    });
    // A lossy tensor is what it was rounded to.
    for (_, sealed, _) in &mut all {
        if sealed.tensors.is_empty() {
            let archive = Archive::from_bytes(sealed.bytes.clone()).unwrap();
            sealed.tensors.push(("t".into(), archive.tensor("t").unwrap().read().unwrap()));
        }
    }
    all
}

/// True if every tensor is read and right; false if some are not read.
fn is_read(archive: Result<Archive>, tensors: &[(String, Vec<u8>)], at: usize) -> bool {
    let Ok(archive) = archive else { return false };
    let read = tensors.iter().map(|(name, elements)| {
        let tensor = archive.tensor(name)?;
        let right = tensor.read()?;
        assert!(right == *elements, "a wrong `{name}`, bit {at}");
        tensor.metadata().map(drop)
    });
    read.collect::<Result<Vec<()>>>().is_ok()
}

fn is_good(archive: Result<Archive>) -> bool {
    archive
        .is_ok_and(|archive| archive.verify(&VerifyOptions::default().with_n_threads(1)).unwrap().is_good())
}

/// Calls `check` for each bit, on all threads.
fn for_each_bit(bytes: &[u8], check: impl Fn(Vec<u8>, usize) + Sync) {
    let n_threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for first in 0..n_threads {
            let check = &check;
            scope.spawn(move || {
                for at in (first..bytes.len() * 8).step_by(n_threads) {
                    let mut bad = bytes.to_vec();
                    bad[at / 8] ^= 1 << (at % 8);
                    check(bad, at);
                }
            });
        }
    });
}

#[test]
fn no_flipped_bit_goes_unnoticed() {
    for (way, sealed, check) in every_way() {
        let Sealed { bytes, tensors } = sealed;
        check(&Archive::from_bytes(bytes.clone()).unwrap());
        assert!(
            is_read(Archive::from_bytes(bytes.clone()), &tensors, 0)
                && is_good(Archive::from_bytes(bytes.clone()))
        );
        for_each_bit(&bytes, |bad, at| {
            is_read(Archive::from_bytes(bad.clone()), &tensors, at);
            assert!(!is_good(Archive::from_bytes(bad)), "{way}, bit {at}");
        });
        for n in 0..bytes.len() {
            assert!(!is_good(Archive::from_bytes(bytes[..n].to_vec())), "{way}, cut at {n}");
        }
    }
}

/// An archive whose tensors are changes of those of another, and equal to one.
fn family(folder: &Path) -> (Vec<u8>, Sealed) {
    let (_, noise) = normal(448);
    let planes = TensorOptions::new(TensorCodec::Planes);
    let parent = Maker::new(Vec::new()).add("w", ElementType::F32, &noise, &planes).seal();
    fs::write(folder.join("parent.holo"), &parent.bytes).unwrap();
    let opened =
        Parent::open(folder.join("parent.holo"), folder.join("child.holo"), &OpenOptions::default()).unwrap();
    let of = TensorParent::of(&opened.archive().tensor("w").unwrap()).unwrap();
    let child = Maker::new(vec![opened.clone()])
        .add_by("tuned", ElementType::F32, &tuned(&noise), &of)
        .add_by("same", ElementType::F32, &noise, &of)
        .seal();
    (parent.bytes, child)
}

#[test]
fn no_flipped_bit_of_a_parent_archive_or_its_child_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let (parent, child) = family(folder.path());
    let at = |name: &str| folder.path().join(name);
    fs::write(at("child.holo"), &child.bytes).unwrap();
    assert!(is_read(Archive::open(at("child.holo")), &child.tensors, 0));
    assert!(is_good(Archive::open(at("child.holo"))));
    for bit in 0..parent.len() * 8 {
        let mut bad = parent.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        fs::write(at("parent.holo"), &bad).unwrap();
        is_read(Archive::open(at("child.holo")), &child.tensors, bit);
        assert!(!is_good(Archive::open(at("parent.holo"))), "bit {bit}");
    }
    fs::write(at("parent.holo"), &parent).unwrap();
    for bit in 0..child.bytes.len() * 8 {
        let mut bad = child.bytes.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        fs::write(at("child.holo"), &bad).unwrap();
        is_read(Archive::open(at("child.holo")), &child.tensors, bit);
        assert!(!is_good(Archive::open(at("child.holo"))), "bit {bit}");
    }
}
