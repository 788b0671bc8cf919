use super::flags::n_steps;
use super::{N_LANES, SKEW};
use crate::simd::ByteLanes;

/// The samples of 32 rows, row by row and step by step.
#[derive(Debug)]
pub(super) struct Strip {
    /// Rows with as much room before and behind them as steps reach beyond.
    rows: Vec<u8>,
    stride: usize,
    width: usize,
    /// Lane by lane; there is a multiple of 32 of them.
    pub(super) steps: Vec<[u8; N_LANES]>,
}

/// Room before a row.
const MARGIN: usize = SKEW * (N_LANES - 1);
/// Half the lanes, and half the steps, that change places at once.
const HALF: usize = 16;

impl Strip {
    pub(super) fn new(width: usize) -> Self {
        let n = n_steps(width).next_multiple_of(2 * HALF);
        let stride = MARGIN + n;
        Self { rows: vec![0; N_LANES * stride], stride, width, steps: vec![[0; N_LANES]; n] }
    }

    pub(super) fn row(&self, i: usize) -> &[u8] {
        &self.rows[i * self.stride + MARGIN..][..self.width]
    }

    pub(super) fn row_mut(&mut self, i: usize) -> &mut [u8] {
        &mut self.rows[i * self.stride + MARGIN..][..self.width]
    }

    /// Where lane `i` stands at step `t`.
    #[inline(always)]
    fn place(&self, i: usize, t: usize) -> usize {
        i * self.stride + MARGIN + t - SKEW * i
    }

    /// The steps of the rows.
    #[inline(always)]
    pub(super) fn take_steps<L: ByteLanes>(&mut self, l: L) {
        for b in 0..self.steps.len() / (2 * HALF) {
            for first in [0, HALF] {
                let mut lanes = [&[0; 2 * HALF]; HALF];
                for (k, lane) in lanes.iter_mut().enumerate() {
                    let at = self.place(first + k, 2 * HALF * b);
                    if let Some(row) = self.rows.get(at..).and_then(<[u8]>::first_chunk) {
                        *lane = row;
                    }
                }
                let columns = l.transpose_u8(lanes);
                if let Some(steps) = self.steps.get_mut(2 * HALF * b..2 * HALF * (b + 1)) {
                    let (early, late) = steps.split_at_mut(HALF);
                    for ((values, early), late) in columns.iter().zip(early).zip(late) {
                        early[first..first + HALF].copy_from_slice(&values[..HALF]);
                        late[first..first + HALF].copy_from_slice(&values[HALF..]);
                    }
                }
            }
        }
    }

    /// The rows of the steps; the room around them gets the lanes outside.
    #[inline(always)]
    pub(super) fn restore_rows<L: ByteLanes>(&mut self, l: L) {
        for b in 0..self.steps.len() / HALF {
            let Some(steps) = self.steps.get(HALF * b..).and_then(<[_]>::first_chunk::<HALF>) else {
                continue;
            };
            for (k, values) in l.transpose_u8(steps.each_ref()).iter().enumerate() {
                for (i, values) in [(k, &values[..HALF]), (k + HALF, &values[HALF..])] {
                    let at = self.place(i, HALF * b);
                    if let Some(row) = self.rows.get_mut(at..at + HALF) {
                        row.copy_from_slice(values);
                    }
                }
            }
        }
    }
}
