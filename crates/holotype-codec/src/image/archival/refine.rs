//! Probabilities refined by what really happened at them. `docs/codecs/archival.md` §8.

use super::model::N_NODES;

/// Logits −8 to 8 in steps of a half.
const N_BINS: usize = 33;
/// Classes of energy.
const N_CLASSES: usize = 24;
const RATE: f32 = 0.01;
/// Probabilities keep this distance from 0 and 1.
const LEAST_P: f32 = 1.0 / 65536.0;

/// Probability of a 1 by decision, class and logit.
#[derive(Debug)]
pub(super) struct Refinement {
    p: Vec<[f32; N_BINS]>,
}

/// The bin a decision's probability came from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bin {
    table: usize,
    nearest: usize,
}

impl Refinement {
    /// The identity; empty if it is not used.
    pub(super) fn new(is_used: bool) -> Self {
        let p = IDENTITY.map(|p| f32::from(p) / 65536.0);
        Self { p: vec![p; if is_used { N_NODES * N_CLASSES } else { 0 }] }
    }

    /// The probability in 65536ths for a decision at `node` with `logit` and first estimate `p1`.
    #[inline(always)]
    pub(super) fn refine(&self, node: usize, level: usize, logit: f32, p1: i32) -> (i32, Bin) {
        let table = node * N_CLASSES + (level / 2).min(N_CLASSES - 1);
        let at = (logit.clamp(-8.0, 8.0) + 8.0) * 2.0;
        let i = (at as usize).min(N_BINS - 2);
        let part = at - i as f32;
        let p = &self.p[table];
        let refined = p[i] * (1.0 - part) + p[i + 1] * part;
        let mean = (p1 + (refined * 65536.0) as i32) >> 1;
        (mean, Bin { table, nearest: i + usize::from(part >= 0.5) })
    }

    #[inline(always)]
    pub(super) fn learn(&mut self, bin: Bin, bit: bool) {
        let p = &mut self.p[bin.table][bin.nearest];
        *p = (*p + (f32::from(u8::from(bit)) - *p) * RATE).clamp(LEAST_P, 1.0 - LEAST_P);
    }
}

/// `65536 / (1 + e^-(i - 16) / 2)`, rounded.
const IDENTITY: [u16; N_BINS] = [
    22, 36, 60, 98, 162, 267, 439, 720, 1179, 1921, 3108, 4971, 7812, 11955, 17625, 24743, 32768, 40793,
    47911, 53581, 57724, 60565, 62428, 63615, 64357, 64816, 65097, 65269, 65374, 65438, 65476, 65500, 65514,
];
