//! Which stretches of steps hold anything but zeros.

use super::{N_LANES, TRUNCATED, n_steps};
use crate::CodecError;
use crate::image::PlaneShape;

/// A bit for each stretch of steps, strip after strip; 0 if all residuals there are 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Flags {
    bits: Vec<u8>,
    /// Steps of a stretch.
    steps_log2: u8,
    /// Stretches of a strip.
    n_stretches: usize,
}

/// Stretches are from 8 steps to 64.
const STEPS_LOG2: std::ops::RangeInclusive<u8> = 3..=6;

impl Flags {
    /// Flags of stretches of `1 << steps_log2` steps, all 0.
    pub(super) fn new(steps_log2: u8, shape: &PlaneShape) -> Self {
        let n_stretches = n_steps(shape.width).div_ceil(1 << steps_log2);
        let n_flags = n_stretches * shape.height.div_ceil(N_LANES);
        Self { bits: vec![0; n_flags.div_ceil(8)], steps_log2, n_stretches }
    }

    /// Reads flags and gives what follows them.
    pub(super) fn parse<'a>(bytes: &'a [u8], shape: &PlaneShape) -> Result<(Self, &'a [u8]), CodecError> {
        let (&steps_log2, bytes) = bytes.split_first().ok_or(TRUNCATED)?;
        if !STEPS_LOG2.contains(&steps_log2) {
            return Err(CodecError::Unsupported { what: "stretch of steps", id: u32::from(steps_log2) });
        }
        let n_stretches = n_steps(shape.width).div_ceil(1 << steps_log2);
        let n_flags = n_stretches * shape.height.div_ceil(N_LANES);
        let (bits, rest) = bytes.split_at_checked(n_flags.div_ceil(8)).ok_or(TRUNCATED)?;
        if !n_flags.is_multiple_of(8) && bits.last().is_some_and(|last| last >> (n_flags % 8) != 0) {
            return Err(CodecError::Corrupt { what: "flags of stretches that are not there" });
        }
        Ok((Self { bits: bits.to_vec(), steps_log2, n_stretches }, rest))
    }

    /// `steps_log2` and the flags.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.push(self.steps_log2);
        out.extend_from_slice(&self.bits);
    }

    pub(super) fn has_any(&self) -> bool {
        self.bits.iter().any(|byte| *byte != 0)
    }

    #[inline(always)]
    fn position(&self, strip: usize, t: usize) -> usize {
        strip * self.n_stretches + (t >> self.steps_log2)
    }

    /// Sets the flag of step `t`.
    #[inline(always)]
    pub(super) fn set(&mut self, strip: usize, t: usize) {
        let at = self.position(strip, t);
        if let Some(byte) = self.bits.get_mut(at / 8) {
            *byte |= 1 << (at % 8);
        }
    }

    /// True if step `t` of a strip is coded.
    #[inline(always)]
    pub(super) fn is_coded(&self, strip: usize, t: usize) -> bool {
        let at = self.position(strip, t);
        self.bits.get(at / 8).is_some_and(|byte| byte >> (at % 8) & 1 == 1)
    }
}
