//! Seeded noise, regenerated bit for bit. `docs/codecs/noise.md` is the specification.
//!
//! Every operation is on integers or rounded on its own as IEEE 754 says, so the same recipe gives the same bits
//! everywhere. No function of the platform's mathematics library is used.
//!
//! * `mt19937`, `pcg64`, `philox`: draws. `precise`: functions of binary64.
//! * `box_muller`, `ziggurat`, `polar`: normal numbers of draws.
//! * `elements`: which generator makes which elements. `corrections`: elements that are a little off.

mod box_muller;
mod corrections;
mod elements;
mod mt19937;
mod pcg64;
mod philox;
mod polar;
mod precise;
mod ziggurat;
mod ziggurat_widths;

pub use corrections::{correct, find_corrections};
pub use elements::generate;

/// What draws the numbers, and how they become elements. Wire values; append only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u8)]
pub enum NoiseGenerator {
    /// `torch.rand` on the CPU; of half floats as earlier versions of PyTorch draw them.
    TorchCpuUniform = 0,
    /// `torch.randn` of at least 16 binary32 on the CPU, as they are or rounded to the element type.
    TorchCpuNormal = 1,
    /// `numpy.random.default_rng(seed).random`.
    NumpyPcg64Uniform = 2,
    /// `numpy.random.RandomState(seed).random_sample`, as it is or rounded.
    NumpyMt19937Uniform = 3,
    /// `numpy.random.default_rng(seed).standard_normal`, as it is or rounded.
    NumpyPcg64Normal = 4,
    /// `numpy.random.default_rng(seed).standard_normal(dtype="f4")`, as it is or rounded.
    NumpyPcg64NormalF32 = 5,
    /// `numpy.random.RandomState(seed).randn`, as it is or rounded.
    NumpyMt19937Normal = 6,
    /// `torch.randn` of at least 16 binary64 on the CPU, as they are or rounded.
    TorchCpuNormalF64 = 7,
    /// `torch.randn` of at least 16 half floats on the CPU.
    TorchCpuNormalHalf = 8,
    /// `torch.rand` on CUDA.
    TorchCudaUniform = 9,
    /// `torch.randn` on CUDA, by its public algorithm.
    TorchCudaNormal = 10,
    /// `torch.rand` of half floats on the CPU.
    TorchCpuUniformHalf = 12,
}

impl NoiseGenerator {
    /// Every generator, in wire order.
    pub const ALL: [Self; 12] = [
        Self::TorchCpuUniform,
        Self::TorchCpuNormal,
        Self::NumpyPcg64Uniform,
        Self::NumpyMt19937Uniform,
        Self::NumpyPcg64Normal,
        Self::NumpyPcg64NormalF32,
        Self::NumpyMt19937Normal,
        Self::TorchCpuNormalF64,
        Self::TorchCpuNormalHalf,
        Self::TorchCudaUniform,
        Self::TorchCudaNormal,
        Self::TorchCpuUniformHalf,
    ];

    /// Its name, as in `torch.cpu.randn`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TorchCpuUniform => "torch.cpu.rand",
            Self::TorchCpuNormal => "torch.cpu.randn",
            Self::NumpyPcg64Uniform => "numpy.default_rng.random",
            Self::NumpyMt19937Uniform => "numpy.RandomState.random_sample",
            Self::NumpyPcg64Normal => "numpy.default_rng.standard_normal",
            Self::NumpyPcg64NormalF32 => "numpy.default_rng.standard_normal.float32",
            Self::NumpyMt19937Normal => "numpy.RandomState.randn",
            Self::TorchCpuNormalF64 => "torch.cpu.randn.float64",
            Self::TorchCpuNormalHalf => "torch.cpu.randn.half",
            Self::TorchCudaUniform => "torch.cuda.rand",
            Self::TorchCudaNormal => "torch.cuda.randn",
            Self::TorchCpuUniformHalf => "torch.cpu.rand.half",
        }
    }

    /// True if it draws on threads of CUDA.
    #[must_use]
    pub const fn is_cuda(self) -> bool {
        matches!(self, Self::TorchCudaUniform | Self::TorchCudaNormal)
    }

    /// Inverse of `self as u8`.
    #[must_use]
    pub fn from_code(code: u64) -> Option<Self> {
        Self::ALL.into_iter().find(|generator| *generator as u64 == code)
    }
}

/// How to make noise again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct NoiseRecipe {
    /// What draws the numbers.
    pub generator: NoiseGenerator,
    /// Its seed.
    pub seed: u64,
    /// What was drawn before the first number that counts: draws of 32 bits, of 64 for uniform numbers of PCG64; numbers
    /// for normal ones of NumPy; draws of every thread, a multiple of 4, on CUDA.
    pub offset: u64,
    /// Threads that draw on CUDA; 0, as for all others, is one for each element, in blocks of 256.
    pub n_threads: u64,
}

impl NoiseRecipe {
    /// A recipe of whatever number of threads there are elements.
    #[must_use]
    pub const fn new(generator: NoiseGenerator, seed: u64, offset: u64) -> Self {
        Self { generator, seed, offset, n_threads: 0 }
    }

    /// Sets [`Self::n_threads`].
    #[must_use]
    pub const fn with_n_threads(mut self, n_threads: u64) -> Self {
        self.n_threads = n_threads;
        self
    }
}

#[cfg(test)]
mod tests;
