//! Seeded noise, regenerated bit for bit. `docs/codecs/noise.md` is the specification.
//!
//! Every operation is on integers or rounded on its own as IEEE 754 says, so the same recipe gives the same bits
//! everywhere. No function of the platform's mathematics library is used.

mod box_muller;
mod mt19937;
mod pcg64;

use crate::CodecError;
use crate::tensor::ElementType;
use half::{bf16, f16};
use mt19937::Mt19937;
use pcg64::Pcg64;

/// What draws the numbers, and how they become elements. Wire values; append only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u8)]
pub enum NoiseGenerator {
    /// `torch.rand` on the CPU.
    TorchCpuUniform = 0,
    /// `torch.randn` of at least 16 binary32 on the CPU, as they are or rounded to the element type.
    TorchCpuNormal = 1,
    /// `numpy.random.default_rng(seed).random`.
    NumpyPcg64Uniform = 2,
    /// `numpy.random.RandomState(seed).random_sample`.
    NumpyMt19937Uniform = 3,
}

impl NoiseGenerator {
    /// Every generator, in wire order.
    pub const ALL: [Self; 4] =
        [Self::TorchCpuUniform, Self::TorchCpuNormal, Self::NumpyPcg64Uniform, Self::NumpyMt19937Uniform];

    /// Its name, as in `torch.cpu.randn`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TorchCpuUniform => "torch.cpu.rand",
            Self::TorchCpuNormal => "torch.cpu.randn",
            Self::NumpyPcg64Uniform => "numpy.default_rng.random",
            Self::NumpyMt19937Uniform => "numpy.RandomState.random_sample",
        }
    }

    /// Inverse of `self as u8`.
    #[must_use]
    pub fn from_code(code: u64) -> Option<Self> {
        usize::try_from(code).ok().and_then(|code| Self::ALL.get(code)).copied()
    }
}

/// How to make noise again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct NoiseRecipe {
    /// What draws the numbers.
    pub generator: NoiseGenerator,
    /// Its seed.
    pub seed: u64,
    /// Draws before the first that counts: of 32 bits, of 64 for PCG64.
    pub offset: u64,
}

/// Most draws that are skipped: they are made one by one.
const MAX_OFFSET: u64 = 1 << 32;

/// Appends `n` elements in C order, little-endian. Memory and time grow with `n` and the offset alone.
///
/// # Errors
/// `Unsupported` if the generator does not make such elements, or so few, or is to skip more than 2³² draws.
///
/// ```
/// use holotype_codec::noise::{NoiseGenerator, NoiseRecipe, generate};
/// use holotype_codec::tensor::ElementType;
/// let recipe = NoiseRecipe { generator: NoiseGenerator::TorchCpuUniform, seed: 7, offset: 0 };
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
    let NoiseRecipe { generator, seed, offset } = *recipe;
    let unsupported =
        CodecError::Unsupported { what: "noise of that type by generator", id: generator as u32 };
    if offset > MAX_OFFSET {
        return Err(unsupported);
    }
    // Torch and NumPy take the low 32 bits of a seed for this generator.
    let mut mt = Mt19937::new(seed as u32);
    let mut pcg = Pcg64::new(seed);
    if generator == NoiseGenerator::NumpyPcg64Uniform {
        (0..offset).for_each(|_| {
            pcg.next_u64();
        });
    } else {
        (0..offset).for_each(|_| {
            mt.next_u32();
        });
    }
    match (generator, element) {
        (NoiseGenerator::TorchCpuUniform, ElementType::F32) => {
            out.extend((0..n).flat_map(|_| box_muller::uniform(&mut mt).to_le_bytes()));
        }
        (NoiseGenerator::TorchCpuUniform, ElementType::F16) => {
            let mut next = || f16::from_f32((mt.next_u32() & 0x7FF) as f32 / 2048.0);
            out.extend((0..n).flat_map(|_| next().to_le_bytes()));
        }
        (NoiseGenerator::TorchCpuUniform, ElementType::Bf16) => {
            let mut next = || bf16::from_f32((mt.next_u32() & 0xFF) as f32 / 256.0);
            out.extend((0..n).flat_map(|_| next().to_le_bytes()));
        }
        (NoiseGenerator::TorchCpuUniform, ElementType::F64) => {
            let mut next = || {
                let bits = u64::from(mt.next_u32()) << 32 | u64::from(mt.next_u32());
                (bits & ((1 << 53) - 1)) as f64 / (1_u64 << 53) as f64
            };
            out.extend((0..n).flat_map(|_| next().to_le_bytes()));
        }
        (NoiseGenerator::TorchCpuNormal, ElementType::F32 | ElementType::F16 | ElementType::Bf16)
            if n >= box_muller::BLOCK =>
        {
            let numbers = box_muller::normal(&mut mt, n);
            match element {
                ElementType::F32 => out.extend(numbers.iter().flat_map(|number| number.to_le_bytes())),
                ElementType::F16 => {
                    out.extend(numbers.iter().flat_map(|number| f16::from_f32(*number).to_le_bytes()));
                }
                _ => out.extend(numbers.iter().flat_map(|number| bf16::from_f32(*number).to_le_bytes())),
            }
        }
        (NoiseGenerator::NumpyPcg64Uniform, ElementType::F64) => {
            let mut next = || (pcg.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
            out.extend((0..n).flat_map(|_| next().to_le_bytes()));
        }
        (NoiseGenerator::NumpyPcg64Uniform, ElementType::F32) => {
            // Two numbers a draw, the lower half first.
            let next = |half: u64| (half as u32 >> 8) as f32 / (1_u32 << 24) as f32;
            for k in 0..n.div_ceil(2) {
                let bits = pcg.next_u64();
                out.extend_from_slice(&next(bits).to_le_bytes());
                if 2 * k + 1 < n {
                    out.extend_from_slice(&next(bits >> 32).to_le_bytes());
                }
            }
        }
        (NoiseGenerator::NumpyMt19937Uniform, ElementType::F64) => {
            let mut next = || {
                let (high, low) = (mt.next_u32() >> 5, mt.next_u32() >> 6);
                (u64::from(high) << 26 | u64::from(low)) as f64 / (1_u64 << 53) as f64
            };
            out.extend((0..n).flat_map(|_| next().to_le_bytes()));
        }
        _ => return Err(unsupported),
    }
    Ok(())
}

#[cfg(test)]
mod tests;
