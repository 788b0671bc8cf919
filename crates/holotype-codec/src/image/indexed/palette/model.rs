use super::grid::Grid;
use crate::entropy::cdf::{Cdf, N_SYMBOLS, STEADY};
use crate::entropy::number::NumberModel;
use crate::entropy::rans::SymbolCoder;

/// Pixels around the next one: rows up, columns to the right. The first few are its template.
const AROUND: [(usize, isize); 16] = [
    (0, -1),
    (1, 0),
    (1, -1),
    (1, 1),
    (0, -2),
    (2, 0),
    (1, 2),
    (1, -2),
    (2, 1),
    (2, -1),
    (0, -3),
    (1, 3),
    (1, -3),
    (0, -4),
    (3, 0),
    (2, 2),
];

/// How many of them each template takes.
const TEMPLATES: [usize; 7] = [0, 1, 2, 4, 7, 10, 16];
pub(super) const N_TEMPLATES: usize = TEMPLATES.len();

/// Most contexts, as a power of two.
const MAX_CONTEXTS_LOG2: u32 = 18;

/// The distributions of a tile's numbers.
#[derive(Debug)]
pub(super) struct Model {
    n_colours: usize,
    n_around: usize,
    /// Bits of a number within a context.
    number_bits: u32,
    contexts_log2: u32,
    cdfs: Vec<Cdf<STEADY>>,
    /// How far a flat place goes on, by the bit length of how far it might.
    flat: [NumberModel; 8],
}

impl Model {
    pub(super) fn new(n_colours: usize, template: usize, n_pixels: usize) -> Self {
        let number_bits =
            if n_colours <= N_SYMBOLS { usize::BITS - (n_colours - 1).leading_zeros() } else { 8 };
        let n_around = TEMPLATES[template].min((64 / number_bits.max(1)) as usize);
        let used_log2 = number_bits * n_around as u32 + if n_colours > N_SYMBOLS { 8 } else { 0 };
        let pixels_log2 = usize::BITS - n_pixels.leading_zeros();
        let contexts_log2 = used_log2.min(pixels_log2).min(MAX_CONTEXTS_LOG2);
        let fresh = Cdf::first(n_colours.min(N_SYMBOLS));
        Self {
            n_colours,
            n_around,
            number_bits,
            contexts_log2,
            cdfs: vec![fresh; 1 << contexts_log2],
            flat: Default::default(),
        }
    }

    /// Codes row `y`, or decodes it into `grid`.
    pub(super) fn code_row(&mut self, coder: &mut impl SymbolCoder, grid: &mut Grid, y: usize) {
        match self.n_around {
            0 => self.code_row_with::<0>(coder, grid, y),
            1 => self.code_row_with::<1>(coder, grid, y),
            2 => self.code_row_with::<2>(coder, grid, y),
            4 => self.code_row_with::<4>(coder, grid, y),
            7 => self.code_row_with::<7>(coder, grid, y),
            8 => self.code_row_with::<8>(coder, grid, y),
            10 => self.code_row_with::<10>(coder, grid, y),
            _ => self.code_row_with::<16>(coder, grid, y),
        }
    }

    /// With `N` pixels around. By itself: inlined, its loop shares registers with whatever is around it.
    #[inline(never)]
    fn code_row_with<const N: usize>(&mut self, coder: &mut impl SymbolCoder, grid: &mut Grid, y: usize) {
        let stride = grid.stride;
        let (mut at, end) = (grid.start(y), grid.start(y) + grid.width);
        while at < end {
            let p = &grid.numbers;
            let flat = p[at - 1];
            let above = &p[at - stride - 1..at - stride + 2];
            if *above == [flat; 3] && p[at - 2] == flat && p[at - 2 * stride] == flat {
                let same = |row: &[u8]| row.iter().position(|n| *n != flat).unwrap_or(row.len());
                let limit = same(&p[at - stride..end - stride]);
                let model = &mut self.flat[((usize::BITS - limit.leading_zeros()) as usize).min(7)];
                let length = same(&p[at..at + limit]);
                let coded = if length == limit { 0 } else { 1 + length as u64 };
                let coded = model.code(coder, coded);
                let length = usize::try_from(coded).unwrap_or(usize::MAX).wrapping_sub(1).min(limit);
                grid.numbers[at..at + length].fill(flat);
                at += length;
                if length == limit {
                    continue;
                }
            }
            grid.numbers[at] = self.code_number::<N>(coder, &grid.numbers, at, stride);
            at += 1;
        }
    }

    /// Codes the number at `at`, or decodes and returns it.
    #[inline(always)]
    fn code_number<const N: usize>(
        &mut self,
        coder: &mut impl SymbolCoder,
        p: &[u8],
        at: usize,
        stride: usize,
    ) -> u8 {
        let mut context = 0_u64;
        for (up, right) in AROUND.first_chunk::<N>().unwrap_or(&[(0, -1); N]) {
            let neighbour = p[(at - up * stride).wrapping_add_signed(*right)];
            context = context << self.number_bits | u64::from(neighbour);
        }
        let number = usize::from(p[at]);
        if self.n_colours <= N_SYMBOLS {
            let place = self.place(context, 0);
            return coder.symbol(&mut self.cdfs[place], number).min(self.n_colours - 1) as u8;
        }
        let place = self.place(context, 0);
        let high = coder.symbol(&mut self.cdfs[place], number >> 4);
        let place = self.place(context, 1 + high as u64);
        let low = coder.symbol(&mut self.cdfs[place], number & 15);
        (high << 4 | low).min(self.n_colours - 1) as u8
    }

    /// Where the distribution of a context is; `part` tells the halves of a number apart.
    #[inline]
    fn place(&self, context: u64, part: u64) -> usize {
        if self.contexts_log2 == 0 {
            return 0;
        }
        let used_log2 = self.number_bits * self.n_around as u32;
        if self.n_colours <= N_SYMBOLS && used_log2 <= self.contexts_log2 {
            return context as usize;
        }
        let mixed = (context.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ part).wrapping_mul(0xd6e8_feb8_6659_fd93);
        (mixed >> (64 - self.contexts_log2)) as usize
    }
}
