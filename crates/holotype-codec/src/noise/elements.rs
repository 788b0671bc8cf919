//! Elements of a recipe.

use super::mt19937::Mt19937;
use super::pcg64::Pcg64;
use super::philox::{self, Threads};
use super::polar::Polar;
use super::precise::Precise;
use super::ziggurat::{NarrowZiggurat, Ziggurat};
use super::{NoiseGenerator, NoiseRecipe, box_muller};
use crate::CodecError;
use crate::tensor::ElementType;
use half::{bf16, f16};

/// Most draws that are skipped: they are made one by one.
const MAX_OFFSET: u64 = 1 << 32;
/// Most normal numbers that are.
const MAX_NUMBERS_BEFORE: u64 = 1 << 26;
/// Threads of a block on CUDA.
const BLOCK_THREADS: u64 = 256;

/// Appends `n` elements in C order, little-endian. Memory and time grow with `n` and the offset alone.
///
/// # Errors
/// `Unsupported` if the generator does not make such elements, or so few, or is to skip more than 2³² draws or 2²⁶
/// normal numbers of NumPy, or as many draws of CUDA as are no multiple of 4, or has threads that are none of its.
///
/// ```
/// use holotype_codec::noise::{NoiseGenerator, NoiseRecipe, generate};
/// use holotype_codec::tensor::ElementType;
/// let recipe = NoiseRecipe::new(NoiseGenerator::TorchCpuUniform, 7, 0);
/// let mut first = Vec::new();
/// generate(&recipe, ElementType::F32, 3, &mut first)?;
/// let values: Vec<f32> = first.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
/// assert_eq!(values, [0.534_922_54, 0.198_803_19, 0.659_211_7]);
/// # Ok::<(), holotype_codec::CodecError>(())
/// ```
pub fn generate(
    recipe: &NoiseRecipe,
    element: ElementType,
    n: usize,
    out: &mut Vec<u8>,
) -> Result<(), CodecError> {
    use NoiseGenerator as G;
    let NoiseRecipe { generator, seed, offset, n_threads } = *recipe;
    let unsupported =
        Err(CodecError::Unsupported { what: "noise of that type by generator", id: generator as u32 });
    let max_offset = match generator {
        G::TorchCudaUniform | G::TorchCudaNormal => u64::MAX,
        G::NumpyPcg64Normal | G::NumpyPcg64NormalF32 | G::NumpyMt19937Normal => MAX_NUMBERS_BEFORE,
        _ => MAX_OFFSET,
    };
    if offset > max_offset || (n_threads > 0 && !generator.is_cuda()) || !makes(generator, element, n) {
        return unsupported;
    }
    match generator {
        G::TorchCpuUniform => torch_uniform(&mut twister(seed, offset), element, n, out),
        G::TorchCpuUniformHalf => {
            let mut mt = twister(seed, offset);
            // What would be rounded to 1 is 0.
            let largest = 1.0 - if element == ElementType::F16 { 0.5_f32.powi(12) } else { 0.5_f32.powi(9) };
            let numbers = (0..n).map(|_| box_muller::uniform(&mut mt));
            put_f32(numbers.map(|x| if x < largest { x } else { 0.0 }), element, out);
        }
        G::TorchCpuNormal => put_f32(box_muller::normal(&mut twister(seed, offset), n), element, out),
        G::TorchCpuNormalHalf => {
            put_f32(box_muller::normal_by_blocks(&mut twister(seed, offset), n), element, out);
        }
        G::TorchCpuNormalF64 => put_f64(box_muller::normal_f64(&mut twister(seed, offset), n), element, out),
        G::NumpyMt19937Uniform => {
            let mut mt = twister(seed, offset);
            put_f64((0..n).map(|_| mt.next_f64()), element, out);
        }
        G::NumpyMt19937Normal => {
            let (mut mt, mut polar) = (twister(seed, 0), Polar::new());
            for _ in 0..offset {
                polar.next_f64(&mut mt);
            }
            put_f64((0..n).map(|_| polar.next_f64(&mut mt)), element, out);
        }
        G::NumpyPcg64Uniform => numpy_uniform(seed, offset, element, n, out),
        G::NumpyPcg64Normal => {
            let (mut draws, ziggurat) = (Pcg64::new(seed), Ziggurat::new());
            for _ in 0..offset {
                ziggurat.next_f64(&mut draws);
            }
            put_f64((0..n).map(|_| ziggurat.next_f64(&mut draws)), element, out);
        }
        G::NumpyPcg64NormalF32 => {
            let (mut draws, ziggurat) = (Pcg64::new(seed), NarrowZiggurat::new());
            for _ in 0..offset {
                ziggurat.next_f32(&mut draws);
            }
            put_f32((0..n).map(|_| ziggurat.next_f32(&mut draws)), element, out);
        }
        G::TorchCudaUniform | G::TorchCudaNormal => {
            if !offset.is_multiple_of(4) || !n_threads.is_multiple_of(BLOCK_THREADS) {
                return unsupported;
            }
            let most = (n as u64).next_multiple_of(BLOCK_THREADS);
            let n_threads = if n_threads == 0 { most } else { most.min(n_threads) };
            let threads = Threads { seed, offset, n_threads };
            let mut numbers = vec![0.0; n];
            if generator == G::TorchCudaUniform {
                threads.fill(&mut numbers, |draws| draws.map(philox::uniform));
            } else {
                let precise = Precise::new();
                threads.fill(&mut numbers, |draws| philox::normal(&precise, draws));
            }
            put_f32(numbers, element, out);
        }
    }
    Ok(())
}

/// True if `generator` makes `n` such elements.
fn makes(generator: NoiseGenerator, element: ElementType, n: usize) -> bool {
    use ElementType as E;
    use NoiseGenerator as G;
    let is_half = matches!(element, E::F16 | E::Bf16);
    match generator {
        G::NumpyPcg64Uniform => matches!(element, E::F32 | E::F64),
        G::TorchCpuUniform | G::NumpyPcg64Normal | G::NumpyMt19937Uniform | G::NumpyMt19937Normal => {
            is_half || matches!(element, E::F32 | E::F64)
        }
        G::TorchCpuNormalF64 => n >= box_muller::BLOCK && (is_half || matches!(element, E::F32 | E::F64)),
        G::TorchCpuNormal => n >= box_muller::BLOCK && (is_half || element == E::F32),
        G::TorchCpuNormalHalf => n >= box_muller::BLOCK && is_half,
        G::TorchCpuUniformHalf => is_half,
        G::NumpyPcg64NormalF32 | G::TorchCudaUniform | G::TorchCudaNormal => is_half || element == E::F32,
    }
}

/// Torch and NumPy take the low 32 bits of a seed for this generator.
fn twister(seed: u64, offset: u64) -> Mt19937 {
    let mut mt = Mt19937::new(seed as u32);
    for _ in 0..offset {
        mt.next_u32();
    }
    mt
}

fn torch_uniform(mt: &mut Mt19937, element: ElementType, n: usize, out: &mut Vec<u8>) {
    match element {
        ElementType::F64 => put_f64((0..n).map(|_| box_muller::uniform_f64(mt)), element, out),
        ElementType::F16 => put_f32((0..n).map(|_| (mt.next_u32() & 0x7FF) as f32 / 2048.0), element, out),
        ElementType::Bf16 => put_f32((0..n).map(|_| (mt.next_u32() & 0xFF) as f32 / 256.0), element, out),
        _ => put_f32((0..n).map(|_| box_muller::uniform(mt)), element, out),
    }
}

fn numpy_uniform(seed: u64, offset: u64, element: ElementType, n: usize, out: &mut Vec<u8>) {
    let mut pcg = Pcg64::new(seed);
    for _ in 0..offset {
        pcg.next_u64();
    }
    match element {
        ElementType::F64 => put_f64((0..n).map(|_| pcg.next_f64()), element, out),
        _ => put_f32((0..n).map(|_| pcg.next_f32()), element, out),
    }
}

/// Numbers as elements of binary32 or narrower.
fn put_f32(numbers: impl IntoIterator<Item = f32>, element: ElementType, out: &mut Vec<u8>) {
    let numbers = numbers.into_iter();
    match element {
        ElementType::F16 => out.extend(numbers.flat_map(|number| f16::from_f32(number).to_le_bytes())),
        ElementType::Bf16 => out.extend(numbers.flat_map(|number| bf16::from_f32(number).to_le_bytes())),
        _ => out.extend(numbers.flat_map(f32::to_le_bytes)),
    }
}

/// Numbers as elements of binary64 or narrower.
fn put_f64(numbers: impl IntoIterator<Item = f64>, element: ElementType, out: &mut Vec<u8>) {
    let numbers = numbers.into_iter();
    match element {
        ElementType::F16 => out.extend(numbers.flat_map(|number| f16::from_f64(number).to_le_bytes())),
        ElementType::Bf16 => put_f32(numbers.map(|number| number as f32), element, out),
        ElementType::F32 => put_f32(numbers.map(|number| number as f32), element, out),
        _ => out.extend(numbers.flat_map(f64::to_le_bytes)),
    }
}
