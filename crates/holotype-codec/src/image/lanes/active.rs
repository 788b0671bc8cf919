use super::{N_LANES, SKEW};
use crate::simd::WordLanes;

/// Which lanes of a strip stand on a sample.
#[derive(Clone, Copy)]
pub(super) struct Active<L: WordLanes> {
    /// The width, 0 in lanes without a row.
    widths: [L::I; 4],
    /// Columns a lane is behind lane 0.
    behind: [L::I; 4],
    width: usize,
    is_whole: bool,
}

impl<L: WordLanes> Active<L> {
    #[inline(always)]
    pub(super) fn new(l: L, width: usize, n_rows: usize) -> Self {
        let lane = |j: usize, k: usize| 8 * j + k;
        let of = |f: &dyn Fn(usize) -> i32| [0, 1, 2, 3].map(|j| std::array::from_fn(|k| f(lane(j, k))));
        let widths: [[i32; 8]; 4] = of(&|i| if i < n_rows { width as i32 } else { 0 });
        let behind: [[i32; 8]; 4] = of(&|i| (SKEW * i) as i32);
        Self { widths: load(l, &widths), behind: load(l, &behind), width, is_whole: n_rows == N_LANES }
    }

    /// True if all lanes do at step `t`.
    #[inline(always)]
    pub(super) fn is_full(&self, t: usize) -> bool {
        self.is_whole && t >= SKEW * (N_LANES - 1) && t < self.width
    }

    /// All ones in the lanes that do at step `t`.
    #[inline(always)]
    pub(super) fn masks(&self, l: L, t: usize) -> [L::I; 4] {
        let mut masks = self.behind;
        for (mask, width) in masks.iter_mut().zip(&self.widths) {
            let x = l.sub_i32(l.splat_i32(t as i32), *mask);
            *mask = l.and(l.gt_i32(x, l.splat_i32(-1)), l.gt_i32(*width, x));
        }
        masks
    }

    /// The same for words.
    #[inline(always)]
    pub(super) fn word_mask(&self, l: L, t: usize) -> L::W {
        let mut masks = self.masks(l, t);
        for mask in &mut masks {
            *mask = l.and(*mask, l.splat_i32(0xFFFF));
        }
        l.narrow_u16(masks)
    }
}

/// Thirty-two numbers as four vectors.
#[inline(always)]
pub(super) fn load<L: WordLanes>(l: L, values: &[[i32; 8]; 4]) -> [L::I; 4] {
    [l.load_i32(&values[0]), l.load_i32(&values[1]), l.load_i32(&values[2]), l.load_i32(&values[3])]
}
