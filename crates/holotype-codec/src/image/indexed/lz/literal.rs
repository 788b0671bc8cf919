//! Pixels that are no copy. `docs/codecs/indexed.md` §5.3.

use super::Around;
use crate::entropy::cdf::{Cdf, LIVELY};
use crate::entropy::number::{unzigzag, zigzag};
use crate::entropy::rans::SymbolCoder;

/// Codes one pixel from those around it.
pub(super) trait Literals {
    /// Codes `pixel`, or decodes and returns one.
    fn code(&mut self, coder: &mut impl SymbolCoder, around: &Around, pixel: u32) -> u32;
}

/// Numbers below 256 in two halves: under the left number, then under the one above.
#[derive(Debug)]
pub(super) struct Numbers {
    n_colours: u32,
    high: Vec<Cdf>,
    low: Vec<Cdf>,
}

impl Numbers {
    pub(super) fn new(n_colours: usize) -> Self {
        let n_high = n_colours.div_ceil(16);
        Self {
            n_colours: n_colours as u32,
            high: vec![Cdf::<LIVELY>::first(n_high); 512],
            low: vec![Cdf::<LIVELY>::first(n_colours.min(16)); 256 * n_high],
        }
    }
}

impl Literals for Numbers {
    #[inline(always)]
    fn code(&mut self, coder: &mut impl SymbolCoder, around: &Around, pixel: u32) -> u32 {
        let mut high = 0;
        if self.n_colours > 16 {
            let context = around.west << 1 | u32::from(around.west == around.north);
            high = coder.symbol(&mut self.high[context as usize], pixel as usize >> 4);
            // What does not exist becomes the last number that does.
            high = high.min((self.n_colours as usize - 1) >> 4);
        }
        let low = coder.symbol(&mut self.low[high << 8 | around.north as usize], pixel as usize & 15);
        ((high << 4 | low) as u32).min(self.n_colours - 1)
    }
}

/// 8-bit channels, each predicted from its neighbours or from its difference to green.
#[derive(Debug)]
pub(super) struct Channels {
    /// Channels in the order they are coded: position in the pixel and if it follows green.
    pub(super) order: Vec<(u32, bool)>,
    /// The samples of the channels that are constant.
    pub(super) constant: u32,
    /// By order, activity and size of the channel before.
    cdfs: Vec<Cdf>,
}

/// Position of green in a colour pixel.
const GREEN: u32 = 1;

impl Channels {
    /// `is_colour`: red and blue follow green. `mask` names the channels whose samples are those of `constant`.
    pub(super) fn new(n_channels: u32, is_colour: bool, mask: u32, constant: u32) -> Self {
        let order: &[u32] = if is_colour { &[3, 1, 0, 2] } else { &[0, 1, 2, 3] };
        let has_green = is_colour && mask >> GREEN & 1 == 0;
        let order: Vec<(u32, bool)> = order
            .iter()
            .filter(|c| **c < n_channels && mask >> **c & 1 == 0)
            .map(|c| (*c, has_green && (*c == 0 || *c == 2)))
            .collect();
        Self { cdfs: vec![Cdf::<LIVELY>::UNIFORM; 64 * order.len()], order, constant }
    }
}

impl Literals for Channels {
    #[inline(always)]
    fn code(&mut self, coder: &mut impl SymbolCoder, around: &Around, pixel: u32) -> u32 {
        let mut coded = self.constant;
        let mut size = 0;
        for (i, (c, follows_green)) in self.order.iter().enumerate() {
            let sample = |pixel: u32| (pixel >> (8 * c) & 255) as i32;
            let green = |pixel: u32| (pixel >> (8 * GREEN) & 255) as i32;
            let (w, n, nw) = (sample(around.west), sample(around.north), sample(around.north_west));
            let activity = (w - nw).abs()
                + (n - nw).abs()
                + (n - sample(around.north_east)).abs()
                + (w - sample(around.west_west)).abs();
            let prediction = if *follows_green {
                let d = |value: i32, pixel| value - green(pixel);
                let predicted = median(d(w, around.west), d(n, around.north), d(nw, around.north_west));
                (predicted + green(coded)).clamp(0, 255)
            } else {
                median(w, n, nw)
            };
            let difference = (pixel >> (8 * c)) as u8 as i8;
            let z = zigzag(i64::from(difference.wrapping_sub(prediction as i8))) as u32;
            let level = (32 - activity.unsigned_abs().leading_zeros()).min(7) as usize;
            let cdf = &mut self.cdfs[i << 6 | level << 3 | size];
            let (symbol, n_bits) = class(z);
            let symbol = coder.symbol(cdf, symbol);
            let z = if symbol < 4 {
                symbol as u32
            } else {
                let n_bits_read = (symbol as u32 >> 1) - 1;
                (2 | symbol as u32 & 1) << n_bits_read | coder.bits(z & ((1 << n_bits) - 1), n_bits_read)
            };
            let value = (prediction as u8).wrapping_add(unzigzag(u64::from(z)) as u8);
            coded |= u32::from(value) << (8 * c);
            size = symbol.div_ceil(2).min(7);
        }
        coded
    }
}

/// Symbol of a number below 256 and the bits after it: 0 to 3, then two symbols an octave.
#[inline(always)]
fn class(z: u32) -> (usize, u32) {
    if z < 4 {
        return (z as usize, 0);
    }
    let log = 31 - z.leading_zeros();
    ((2 * log + (z >> (log - 1) & 1)) as usize, log - 1)
}

/// The median edge detector.
#[inline(always)]
fn median(w: i32, n: i32, nw: i32) -> i32 {
    (w + n - nw).clamp(w.min(n), w.max(n))
}
