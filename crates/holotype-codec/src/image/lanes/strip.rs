use super::{N_LANES, SKEW, n_steps};
use crate::simd::WordLanes;

/// The samples of 32 rows, row by row and step by step.
#[derive(Debug)]
pub(super) struct Strip {
    /// Rows with as much room before and behind them as steps reach beyond.
    rows: Vec<u16>,
    stride: usize,
    width: usize,
    /// Lane by lane; there is a multiple of 16 of them.
    pub(super) steps: Vec<[u16; N_LANES]>,
}

/// Room before a row.
const MARGIN: usize = SKEW * (N_LANES - 1);
/// Steps that change places with rows at once.
const BLOCK: usize = 16;

impl Strip {
    pub(super) fn new(width: usize) -> Self {
        let n = n_steps(width).next_multiple_of(BLOCK);
        let stride = MARGIN + n;
        Self { rows: vec![0; N_LANES * stride], stride, width, steps: vec![[0; N_LANES]; n] }
    }

    pub(super) fn row(&self, i: usize) -> &[u16] {
        &self.rows[i * self.stride + MARGIN..][..self.width]
    }

    pub(super) fn row_mut(&mut self, i: usize) -> &mut [u16] {
        &mut self.rows[i * self.stride + MARGIN..][..self.width]
    }

    /// The steps of the rows.
    #[inline(always)]
    pub(super) fn take_steps<L: WordLanes>(&mut self, l: L) {
        for (b, steps) in self.steps.as_chunks_mut::<BLOCK>().0.iter_mut().enumerate() {
            for half in 0..N_LANES / BLOCK {
                let mut lanes = [&[0; BLOCK]; BLOCK];
                for (k, lane) in lanes.iter_mut().enumerate() {
                    let i = half * BLOCK + k;
                    let at = i * self.stride + MARGIN + b * BLOCK - SKEW * i;
                    if let Some(row) = self.rows.get(at..).and_then(<[u16]>::first_chunk) {
                        *lane = row;
                    }
                }
                for (step, values) in steps.iter_mut().zip(l.transpose_u16(lanes)) {
                    step[half * BLOCK..][..BLOCK].copy_from_slice(&values);
                }
            }
        }
    }

    /// The rows of the steps; the room around them gets the lanes outside.
    #[inline(always)]
    pub(super) fn restore_rows<L: WordLanes>(&mut self, l: L) {
        for (b, steps) in self.steps.as_chunks::<BLOCK>().0.iter().enumerate() {
            for half in 0..N_LANES / BLOCK {
                let mut values = [&[0; BLOCK]; BLOCK];
                for (value, step) in values.iter_mut().zip(steps) {
                    if let Some(lanes) = step[half * BLOCK..].first_chunk() {
                        *value = lanes;
                    }
                }
                for (k, lane) in l.transpose_u16(values).into_iter().enumerate() {
                    let i = half * BLOCK + k;
                    let at = i * self.stride + MARGIN + b * BLOCK - SKEW * i;
                    if let Some(row) = self.rows.get_mut(at..at + BLOCK) {
                        row.copy_from_slice(&lane);
                    }
                }
            }
        }
    }
}
