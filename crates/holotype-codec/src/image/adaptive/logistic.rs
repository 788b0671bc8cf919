//! The logistic function and its inverse in integers. `docs/codecs/adaptive.md` §3.

use std::sync::LazyLock;

/// `65536 / (1 + exp(-(i - 32) / 4))`, rounded and kept within 16..=65520.
const KNOTS: [u16; 65] = [
    22, 28, 36, 47, 60, 77, 98, 126, 162, 208, 267, 342, 439, 562, 720, 922, 1179, 1506, 1921, 2446, 3108,
    3938, 4971, 6249, 7812, 9702, 11955, 14595, 17625, 21025, 24743, 28693, 32768, 36843, 40793, 44511,
    47911, 50941, 53581, 55834, 57724, 59287, 60565, 61598, 62428, 63090, 63615, 64030, 64357, 64614, 64816,
    64974, 65097, 65194, 65269, 65328, 65374, 65410, 65438, 65459, 65476, 65489, 65500, 65508, 65514,
];

/// Largest argument of [`squash`], in 256ths.
pub(in crate::image) const MAX_STRETCH: i32 = 2047;

/// Probability in 65536ths of a logit in 256ths: linear between the knots.
#[inline]
pub(in crate::image) fn squash(logit: i32) -> u32 {
    let x = (logit.clamp(-MAX_STRETCH, MAX_STRETCH) + 2048) as u32;
    let (i, fraction) = ((x >> 6) as usize, x & 63);
    (u32::from(KNOTS[i]) * (64 - fraction) + u32::from(KNOTS[i + 1]) * fraction) >> 6
}

/// The inverse of [`squash`] for probabilities in 4096ths: the smallest logit that reaches `16 * p`.
#[derive(Debug)]
pub(in crate::image) struct Stretch(&'static [i16; 4096]);

static LOGITS: LazyLock<Box<[i16; 4096]>> = LazyLock::new(|| {
    let mut table = Box::new([0; 4096]);
    let mut logit = -MAX_STRETCH;
    for (p, entry) in table.iter_mut().enumerate() {
        while logit < MAX_STRETCH && squash(logit) < 16 * p as u32 {
            logit += 1;
        }
        *entry = logit as i16;
    }
    table
});

impl Stretch {
    pub(in crate::image) fn new() -> Self {
        Self(&LOGITS)
    }

    /// Logit of a probability in 65536ths.
    #[inline]
    pub(in crate::image) fn of(&self, p1: u16) -> i32 {
        i32::from(self.0[usize::from(p1 >> 4)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn squash_rises_and_stretch_inverts_it() {
        assert_eq!((squash(-5000), squash(0), squash(5000)), (squash(-2047), 32768, squash(2047)));
        assert!((-2047..2047).all(|x| squash(x) <= squash(x + 1)));
        let stretch = Stretch::new();
        for x in -1500..1500 {
            let back = stretch.of(squash(x) as u16);
            assert!((squash(back) as i32 - squash(x) as i32).abs() <= 32, "{x} {back}");
        }
    }
}
