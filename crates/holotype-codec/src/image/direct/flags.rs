//! Which stretches of 32 steps hold anything but zeros.

use super::{N_LANES, SKEW};
use crate::{CodecError, TileShape};

/// Steps that one flag speaks for.
pub(super) const N_STEPS: usize = 32;

/// A bit for each strip, stretch and plane; 0 if all residuals there are 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Flags {
    bits: Vec<u8>,
    n_stretches: usize,
    n_planes: usize,
}

impl Flags {
    /// No stretch is coded.
    pub(super) fn empty(shape: &TileShape) -> Self {
        let n_stretches = n_steps(shape.width as usize).div_ceil(N_STEPS);
        let bits = vec![0; Self::n_bytes(shape)];
        Self { bits, n_stretches, n_planes: usize::from(shape.n_channels) }
    }

    fn n_flags(shape: &TileShape) -> usize {
        let n_strips = (shape.height as usize).div_ceil(N_LANES);
        n_strips * n_steps(shape.width as usize).div_ceil(N_STEPS) * usize::from(shape.n_channels)
    }

    pub(super) fn n_bytes(shape: &TileShape) -> usize {
        Self::n_flags(shape).div_ceil(8)
    }

    /// Sets the flag of a stretch of a strip and plane.
    pub(super) fn set(&mut self, strip: usize, stretch: usize, c: usize) {
        let at = self.position(strip, stretch, c);
        if let Some(byte) = self.bits.get_mut(at / 8) {
            *byte |= 1 << (at % 8);
        }
    }

    pub(super) fn parse(bytes: &[u8], shape: &TileShape) -> Result<Self, CodecError> {
        let n_flags = Self::n_flags(shape);
        if !n_flags.is_multiple_of(8) && bytes.last().is_some_and(|last| last >> (n_flags % 8) != 0) {
            return Err(CodecError::Corrupt { what: "flags of stretches that are not there" });
        }
        Ok(Self { bits: bytes.to_vec(), ..Self::empty(shape) })
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bits
    }

    fn position(&self, strip: usize, stretch: usize, c: usize) -> usize {
        (strip * self.n_stretches + stretch) * self.n_planes + c
    }

    /// True if a stretch of a strip and plane is coded.
    #[inline(always)]
    pub(super) fn is_coded(&self, strip: usize, stretch: usize, c: usize) -> bool {
        let at = self.position(strip, stretch, c);
        self.bits.get(at / 8).is_some_and(|byte| byte >> (at % 8) & 1 == 1)
    }
}

/// Steps of a strip.
pub(super) fn n_steps(width: usize) -> usize {
    width + SKEW * (N_LANES - 1)
}
