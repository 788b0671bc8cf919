//! Normal numbers of NumPy's `Generator`: the ziggurat of Marsaglia and Tsang (2000) with 256 layers.
//! `docs/codecs/noise.md` §6.

use super::pcg64::Pcg64;
use super::precise::Precise;
use super::ziggurat_widths::WIDTHS;

const N_LAYERS: usize = WIDTHS.len();
/// Where the tail begins.
const EDGE: f64 = 3.654_152_885_361_009;
const EDGE_INVERSE: f64 = 0.273_661_237_329_758_3;

/// Its layers: the widest first, then from the top down.
#[derive(Debug)]
pub(super) struct Ziggurat {
    precise: Precise,
    widths: [f64; N_LAYERS],
    /// Numbers below that are under the curve for sure.
    limits: [u64; N_LAYERS],
    /// The curve at the right edge.
    heights: [f64; N_LAYERS],
}

impl Ziggurat {
    pub(super) fn new() -> Self {
        let precise = Precise::new();
        let widths = WIDTHS.map(f64::from_bits);
        let limits = std::array::from_fn(|i| match i {
            1 => 0,
            i => {
                let above = widths[(i + N_LAYERS - 1) % N_LAYERS];
                (above / widths[i] * (1_u64 << 52) as f64) as u64
            }
        });
        let heights = std::array::from_fn(|i| {
            let edge = if i == 0 { 0.0 } else { widths[i] * (1_u64 << 52) as f64 };
            precise.exp(-0.5 * edge * edge)
        });
        Self { precise, widths, limits, heights }
    }

    /// The next number of binary64.
    pub(super) fn next_f64(&self, draws: &mut Pcg64) -> f64 {
        loop {
            let bits = draws.next_u64();
            let layer = bits as usize % N_LAYERS;
            let magnitude = bits >> 9 & ((1 << 52) - 1);
            let x = magnitude as f64 * self.widths[layer];
            let x = if bits >> 8 & 1 == 1 { -x } else { x };
            if magnitude < self.limits[layer] {
                return x;
            }
            if layer > 0 {
                let (above, here) = (self.heights[layer - 1], self.heights[layer]);
                if (above - here) * draws.next_f64() + here < self.precise.exp(-0.5 * x * x) {
                    return x;
                }
                continue;
            }
            loop {
                let x = -EDGE_INVERSE * self.precise.log(1.0 - draws.next_f64());
                let y = -self.precise.log(1.0 - draws.next_f64());
                if y + y > x * x {
                    return if magnitude >> 8 & 1 == 1 { -(EDGE + x) } else { EDGE + x };
                }
            }
        }
    }
}

/// The same in binary32, of draws of 32 bits.
#[derive(Debug)]
pub(super) struct NarrowZiggurat {
    precise: Precise,
    widths: [f32; N_LAYERS],
    limits: [u32; N_LAYERS],
    heights: [f32; N_LAYERS],
}

impl NarrowZiggurat {
    pub(super) fn new() -> Self {
        let Ziggurat { precise, widths, limits, heights } = Ziggurat::new();
        Self {
            precise,
            widths: widths.map(|width| (width * (1_u64 << 29) as f64) as f32),
            limits: limits.map(|limit| ((limit + (1 << 28)) >> 29) as u32),
            heights: heights.map(|height| height as f32),
        }
    }

    /// The next number of binary32.
    pub(super) fn next_f32(&self, draws: &mut Pcg64) -> f32 {
        let log = |x: f32| self.precise.log(f64::from(x)) as f32;
        loop {
            let bits = draws.next_u32();
            let layer = bits as usize % N_LAYERS;
            let magnitude = bits >> 9;
            let x = magnitude as f32 * self.widths[layer];
            let x = if bits >> 8 & 1 == 1 { -x } else { x };
            if magnitude < self.limits[layer] {
                return x;
            }
            if layer > 0 {
                let (above, here) = (self.heights[layer - 1], self.heights[layer]);
                let wide = f64::from(x);
                if f64::from((above - here) * draws.next_f32() + here) < self.precise.exp(-0.5 * wide * wide)
                {
                    return x;
                }
                continue;
            }
            loop {
                let x = -(EDGE_INVERSE as f32) * log(1.0 - draws.next_f32());
                let y = -log(1.0 - draws.next_f32());
                if y + y > x * x {
                    return if magnitude >> 8 & 1 == 1 { -(EDGE as f32 + x) } else { EDGE as f32 + x };
                }
            }
        }
    }
}
