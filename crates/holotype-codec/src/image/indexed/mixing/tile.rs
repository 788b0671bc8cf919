//! The order of things in a tile. `docs/codecs/indexed.md` §7.

use super::around::{Grid, MARGIN};
use super::candidates::{Candidates, MAX_CANDIDATES, Memory};
use super::contexts::{Known, N_CONTEXTS, N_SETS};
use super::literal::Literals;
use super::mixer::Mixer;
use crate::CodecError;
use crate::entropy::binary::{AdaptiveBit, BitCoder};
use crate::simd::{Kernel, WordLanes, dispatch};

/// Pixels of a flat stretch.
const STRETCH: usize = 16;
/// Rank of a pixel that no guess met.
const NO_RANK: u8 = 6;
/// Guesses asked, by how many of W, N, NE, NW met none.
const MOST: [usize; 5] = [6, 5, 3, 2, 1];
/// First weight of a context, in 65536ths.
const WEIGHT: i32 = 7_000;
/// Longest run that is told apart.
const MAX_RUN: u8 = 31;

/// Lengths and ranks of the row above; of one column each, with a margin.
#[derive(Debug)]
struct Columns {
    /// Which guess was right.
    rank: Vec<u8>,
    /// Length of the run that ends here, to the left.
    west_run: Vec<u8>,
    /// How far the run goes on from here to the right.
    ahead: Vec<u8>,
    /// Length of the run upwards from here, and of the one it followed.
    up: Vec<u8>,
    up_before: Vec<u8>,
    /// How many columns from here to the right have long runs upwards.
    steady: Vec<u8>,
}

/// Codes the pixels of a tile in raster order, or fills them in when decoding.
#[derive(Debug)]
pub(super) struct Tile {
    mixer: Mixer<N_CONTEXTS>,
    memory: Memory,
    flat: [AdaptiveBit; 4],
}

/// The pixels of a tile.
struct Job<'a, C, S> {
    tile: &'a mut Tile,
    coder: &'a mut C,
    grid: &'a mut Grid,
    literals: S,
}

impl<C: BitCoder, S: Literals> Kernel for Job<'_, C, S> {
    type Output = Result<S, CodecError>;

    #[inline(always)]
    fn run<L: WordLanes>(self, _: L) -> Self::Output {
        self.tile.pixels(self.coder, self.grid, self.literals)
    }
}

impl Tile {
    pub(super) fn new(n_pixels: usize, is_numbered: bool) -> Self {
        let slots_log2 = n_pixels.ilog2().clamp(14, 18) - u32::from(is_numbered);
        Self {
            mixer: Mixer::new(slots_log2, N_SETS, WEIGHT),
            memory: Memory::new(),
            flat: Default::default(),
        }
    }

    pub(super) fn code<S: Literals>(
        &mut self,
        coder: &mut impl BitCoder,
        grid: &mut Grid,
        literals: S,
    ) -> Result<S, CodecError> {
        dispatch(Job { tile: self, coder, grid, literals })
    }

    #[inline(always)]
    fn pixels<S: Literals>(
        &mut self,
        coder: &mut impl BitCoder,
        grid: &mut Grid,
        mut literals: S,
    ) -> Result<S, CodecError> {
        literals.start(coder);
        let n = grid.width + 2 * MARGIN;
        let mut above = Columns {
            rank: vec![0; n],
            west_run: vec![0; n],
            ahead: vec![0; n],
            up: vec![0; n],
            up_before: vec![0; n],
            steady: vec![0; n],
        };
        let mut ranks = vec![0; n];
        let mut west_runs = vec![0_u8; n];
        for y in 0..grid.height {
            // A forged size must not cost the time and memory of a true one, nor a tile that is smaller otherwise.
            if coder.is_past_the_end() {
                break;
            }
            self.memory.break_off();
            let start = grid.start(y) - MARGIN;
            let (mut x, end) = (MARGIN, MARGIN + grid.width);
            while x < end {
                let at = start + x;
                let west = grid.pixels[at - 1];
                // 24 equal pixels above from four columns back on, none of them young.
                let is_flat = y > 0
                    && x + STRETCH <= end
                    && x >= 2 * MARGIN
                    && above.ahead[x - MARGIN] >= 24
                    && above.steady[x - 1] >= 18
                    && grid.pixels[at - grid.stride] == west
                    && grid.pixels[at - 2] == west;
                if is_flat {
                    let class =
                        usize::from(above.up[x] >= MAX_RUN) + 2 * usize::from(above.up[x + 8] >= MAX_RUN);
                    let stretch = &grid.pixels[at..at + STRETCH];
                    if self.flat[class].code(coder, stretch.iter().all(|p| *p == west)) {
                        grid.pixels[at..at + STRETCH].fill(west);
                        for i in x..x + STRETCH {
                            ranks[i] = 0;
                            west_runs[i] = (west_runs[i - 1] + 1).min(MAX_RUN);
                        }
                        self.memory.break_off();
                        x += STRETCH;
                        continue;
                    }
                }
                let (pixel, rank) =
                    self.pixel(coder, grid, at, x, &above, &ranks, &west_runs, &mut literals)?;
                grid.pixels[at] = pixel;
                ranks[x] = rank;
                west_runs[x] =
                    if pixel == west && x > MARGIN { (west_runs[x - 1] + 1).min(MAX_RUN) } else { 1 };
                self.memory.learn(grid, at);
                x += 1;
            }
            std::mem::swap(&mut above.rank, &mut ranks);
            std::mem::swap(&mut above.west_run, &mut west_runs);
            above.end_row(grid, start, y);
        }
        Ok(literals)
    }

    #[expect(clippy::too_many_arguments, reason = "the state of a row")]
    #[inline(always)]
    fn pixel(
        &mut self,
        coder: &mut impl BitCoder,
        grid: &Grid,
        at: usize,
        x: usize,
        above: &Columns,
        ranks: &[u8],
        west_runs: &[u8],
        literals: &mut impl Literals,
    ) -> Result<(u32, u8), CodecError> {
        let around = grid.around(at);
        let pixel = grid.pixels[at];
        let habit = self.memory.look(grid, &around);
        let foretold = self.memory.foretold(grid);
        let length = self.memory.length;
        let near = [ranks[x - 1], above.rank[x], above.rank[x + 1], above.rank[x - 1]];
        let most = MOST[near.iter().filter(|r| **r == NO_RANK).count()].min(MAX_CANDIDATES);
        let candidates = Candidates::new(&around, &habit, foretold, length, most);
        let known = Known {
            around: &around,
            habit: &habit,
            foretold,
            match_class: match (foretold, length) {
                (None, _) => 0,
                (_, 0..4) => 1,
                (_, 4..16) => 2,
                (_, 16..32) => 3,
                _ => 4,
            },
            ranks: near,
            vertical: [
                above.up[x - 1],
                above.up[x],
                above.up[x + 1],
                above.up_before[x - 1],
                above.up_before[x],
                above.up_before[x + 1],
            ],
            horizontal: [
                west_runs[x - 1].min(16),
                above.ahead[x].min(16),
                above.west_run[x].min(16),
                above.west_run[x - 1].min(16),
            ],
        };
        let bases = known.bases();
        for i in 0..candidates.n {
            let (contexts, sets) = known.contexts(&bases, &candidates, i);
            if self.mixer.code(coder, &contexts, sets, pixel == candidates.pixels[i]) {
                return Ok((candidates.pixels[i], i as u8));
            }
        }
        Ok((literals.code(coder, &around, pixel)?, NO_RANK))
    }
}

impl Columns {
    /// Brings the lengths up to date after row `y`, which starts with its margin at `start`.
    fn end_row(&mut self, grid: &Grid, start: usize, y: usize) {
        let end = MARGIN + grid.width;
        for x in MARGIN..end {
            let is_same = y > 0 && grid.pixels[start + x] == grid.pixels[start + x - grid.stride];
            if is_same {
                self.up[x] = (self.up[x] + 1).min(MAX_RUN);
            } else {
                self.up_before[x] = self.up[x];
                self.up[x] = 1;
            }
        }
        for x in (MARGIN..end).rev() {
            let goes_on = x + 1 < end && grid.pixels[start + x] == grid.pixels[start + x + 1];
            self.ahead[x] = if goes_on { self.ahead[x + 1].saturating_add(1) } else { 1 };
            self.steady[x] = if self.up[x] < 6 {
                0
            } else if x + 1 < end {
                self.steady[x + 1].saturating_add(1)
            } else {
                1
            };
        }
    }
}
