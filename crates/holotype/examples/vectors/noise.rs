//! Vectors of noise that is stored as its recipe.

use holotype::{
    Archive, ElementType, NoiseGenerator, NoiseRecipe, TensorDescriptor, TensorOptions, Writer, WriterOptions,
};
use holotype_codec::noise::generate;
use holotype_container::cbor::Value;
use holotype_container::{ArchiveBuilder, BlockRun, Codec, ItemKind, ItemRecord, hex};
use sha2::{Digest as _, Sha256};

const SHAPE: [u64; 2] = [3, 35];
const FLOATS: [ElementType; 4] = [ElementType::F16, ElementType::Bf16, ElementType::F32, ElementType::F64];

struct Noise {
    name: String,
    recipe: NoiseRecipe,
    descriptor: TensorDescriptor,
    content: Vec<u8>,
}

impl Noise {
    /// Nothing if the generator makes no such elements.
    fn new(recipe: NoiseRecipe, element: ElementType, shape: &[u64]) -> Option<Self> {
        let mut content = Vec::new();
        generate(&recipe, element, shape.iter().product::<u64>() as usize, &mut content).ok()?;
        let name = format!("{} {}", recipe.generator.name(), element.name());
        Some(Self { name, recipe, descriptor: TensorDescriptor::new(element, shape), content })
    }
}

/// All that these generators make.
fn all_of(generators: &[NoiseGenerator], elements: &[ElementType], offset: u64) -> Vec<Noise> {
    let pairs = generators.iter().flat_map(|generator| elements.iter().map(move |e| (*generator, *e)));
    pairs
        .filter_map(|(generator, element)| {
            Noise::new(NoiseRecipe::new(generator, 1 << 40 | 77, offset), element, &SHAPE)
        })
        .collect()
}

/// Generators of uniform numbers are right but for some values.
fn corrected() -> Vec<Noise> {
    let mut all = all_of(&NoiseGenerator::ALL[..2], &FLOATS, 0);
    for noise in &mut all {
        let n_bytes = noise.descriptor.element.n_bits().unwrap() as usize / 8;
        for (word, by) in noise.content.chunks_exact_mut(n_bytes).step_by(41).zip([1_u8, 3, 0x80]) {
            word[0] ^= by;
            word[n_bytes - 1] ^= by & 0x80;
        }
    }
    all
}

fn archive(name: &str, tensors: Vec<Noise>) -> (String, Vec<u8>, String) {
    let mut writer = Writer::new(Vec::new(), WriterOptions::default()).unwrap();
    let mut lines = String::new();
    for Noise { name: item, recipe, descriptor, content } in &tensors {
        let hash = hex(&Sha256::digest(content));
        lines += &format!("{name}\t{item}\ttensor\t{}\t{hash}\n", content.len());
        let options = TensorOptions::default().with_noise(vec![*recipe]);
        writer.add_tensor(item, descriptor, content, &options).unwrap();
    }
    let bytes = writer.finish().unwrap().0;
    let archive = Archive::from_bytes(bytes.clone()).unwrap();
    assert!(tensors.iter().all(|noise| archive.tensor(&noise.name).unwrap().noise().is_some()));
    (name.to_owned(), bytes, lines)
}

/// Enough uniform half floats that some would be rounded to 1.
fn halves() -> Vec<Noise> {
    let recipe = NoiseRecipe::new(NoiseGenerator::TorchCpuUniformHalf, 7, 0);
    let all =
        FLOATS[..2].iter().filter_map(|element| Noise::new(recipe, *element, &[20_000])).collect::<Vec<_>>();
    assert_eq!(all.len(), 2);
    all
}

pub(crate) fn good() -> Vec<(String, Vec<u8>, String)> {
    let mut first = all_of(&NoiseGenerator::ALL[..3], &FLOATS, 3);
    first.extend(all_of(&[NoiseGenerator::NumpyMt19937Uniform], &[ElementType::F64], 3));
    let mut normal = all_of(&[NoiseGenerator::NumpyMt19937Uniform], &FLOATS[..3], 3);
    normal.extend(all_of(&NoiseGenerator::ALL[4..9], &FLOATS, 3));
    let mut cuda = all_of(&NoiseGenerator::ALL[9..11], &FLOATS, 4);
    // Enough elements for a second round of these threads.
    let few = NoiseRecipe::new(NoiseGenerator::TorchCudaUniform, 5, 8).with_n_threads(256);
    let few = Noise::new(few, ElementType::F16, &[1100]).unwrap();
    cuda.push(Noise { name: "few threads".into(), ..few });
    vec![
        archive("tensor-noise", first),
        archive("tensor-noise-normal", normal),
        archive("tensor-noise-cuda", cuda),
        archive("tensor-noise-corrected", corrected()),
        archive("tensor-noise-half", halves()),
    ]
}

pub(crate) fn bad() -> Vec<(&'static str, Vec<u8>)> {
    let recipe = NoiseRecipe::new(NoiseGenerator::TorchCpuUniform, 9, 0);
    let content = Noise::new(recipe, ElementType::F32, &SHAPE).unwrap().content;
    let n = |values: &[u64]| Value::Array(values.iter().copied().map(Value::Unsigned).collect());
    let custom = |element: ElementType, noise: &[u64], blocks: &[&[u8]]| {
        let (mut builder, header) = ArchiveBuilder::begin();
        let mut out = header.to_vec();
        let mut item = ItemRecord::new("t".into(), ItemKind::Tensor);
        for corrections in blocks {
            let block = builder.push_block(Codec::Raw, corrections, corrections.len() as u64, 0);
            out.extend_from_slice(&block.header);
            out.extend_from_slice(&block.payload);
            item.content.push(BlockRun { first: block.id, n_blocks: 1 });
        }
        item.descriptor.insert(0, Value::Unsigned(u64::from(element.code())));
        item.descriptor.insert(1, n(&SHAPE));
        item.descriptor.insert(5, n(noise));
        item.raw_bytes = content.len() as u64;
        item.content_sha256 = Sha256::digest(&content).into();
        builder.add_item(item).unwrap();
        out.extend(builder.finish().0);
        out
    };
    let corrections = |corrections: &[u8]| custom(ElementType::F32, &[0, 9, 0], &[corrections]);
    vec![
        ("corrupt-noise-other-seed", custom(ElementType::F32, &[0, 8, 0], &[])),
        ("corrupt-noise-generator", custom(ElementType::F32, &[11, 9, 0], &[])),
        ("corrupt-noise-threads", custom(ElementType::F32, &[0, 9, 0, 256], &[])),
        ("corrupt-noise-of-integers", custom(ElementType::U32, &[0, 9, 0], &[])),
        ("corrupt-noise-two-blocks", custom(ElementType::F32, &[0, 9, 0], &[&[0, 1], &[0, 1]])),
        ("corrupt-noise-no-corrections", corrections(&[])),
        ("corrupt-noise-correction-of-nothing", corrections(&[0, 0])),
        ("corrupt-noise-correction-outside", corrections(&[105, 1])),
        ("corrupt-noise-correction-cut", corrections(&[3])),
        ("corrupt-noise-correction-long", corrections(&[0x80, 0, 1])),
        ("unsupported-noise-threads", custom(ElementType::F32, &[9, 9, 0, 100], &[])),
    ]
}
