//! Eight rows of one plane in the order in which the walk meets them.

use super::history::{FIRST_STEP, SKEW, last_step};

/// Steps × eight lanes.
#[derive(Debug, Clone)]
pub(super) struct Group {
    steps: Vec<[i32; 8]>,
}

impl Group {
    pub(super) fn new(width: usize) -> Self {
        let n_steps = last_step(width) - FIRST_STEP + 1;
        Self { steps: vec![[0; 8]; n_steps as usize] }
    }

    #[inline(always)]
    pub(super) fn step(&self, t: isize) -> [i32; 8] {
        self.steps.get((t - FIRST_STEP) as usize).copied().unwrap_or_default()
    }

    #[inline(always)]
    pub(super) fn step_mut(&mut self, t: isize) -> Option<&mut [i32; 8]> {
        self.steps.get_mut((t - FIRST_STEP) as usize)
    }

    /// Takes the rows that begin at sample `start` of `plane`.
    pub(super) fn fill(&mut self, plane: &[i32], width: usize, start: usize, n_rows: usize) {
        for k in 0..n_rows {
            let first = (SKEW * k as isize - FIRST_STEP) as usize;
            let row = &plane[start + k * width..][..width];
            for (step, value) in self.steps[first..].iter_mut().zip(row) {
                step[k] = *value;
            }
        }
    }

    /// Gives the rows back.
    pub(super) fn empty(&self, rows: &mut [i32], width: usize, n_rows: usize) {
        for k in 0..n_rows {
            let first = (SKEW * k as isize - FIRST_STEP) as usize;
            let row = &mut rows[k * width..][..width];
            for (value, step) in row.iter_mut().zip(&self.steps[first..]) {
                *value = step[k];
            }
        }
    }
}
