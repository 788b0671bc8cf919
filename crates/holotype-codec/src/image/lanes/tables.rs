//! Tables of numbers, by the energy around them. `docs/codecs/lanes.md` §5.

use crate::CodecError;
use crate::entropy::binary::{self, AdaptiveBit, BitCoder};
use crate::image::levels::{Counts, LevelModels, N_DIRECT, N_TOKENS, cost, levels};
use crate::simd::WordLanes;

/// Classes of energy: two to an octave.
pub(super) const N_CLASSES: usize = 34;
/// Most tables of a plane.
const MAX_TABLES: usize = 16;
/// Tokens of numbers of 16 bits.
const MAX_TOKENS: usize = N_DIRECT as usize + 8 * 10;

/// Which table each class uses, and the levels of each table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tables {
    /// Ascending from 0, without gaps.
    pub(super) of_classes: [u8; N_CLASSES],
    pub(super) levels: Vec<Vec<u32>>,
}

impl Tables {
    /// The class of energies of words. The floats are integers below 2²⁴: nothing is rounded.
    #[inline(always)]
    pub(super) fn class<L: WordLanes>(l: L, energy: L::I) -> L::I {
        let odd = l.or(l.shl::<1>(energy), l.splat_i32(1));
        l.sub_i32(l.shr::<22>(l.bits(l.to_f32(odd))), l.splat_i32(2 * 127))
    }

    /// Reads what [`Self::bytes`] wrote.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, CodecError> {
        let mut coder = binary::Decoder::new(bytes);
        let mut tables = Self { of_classes: [0; N_CLASSES], levels: Vec::new() };
        tables.code(&mut coder)?;
        coder.finish()?;
        Ok(tables)
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut coder = binary::Encoder::new(Vec::new());
        let coded = self.clone().code(&mut coder);
        debug_assert_eq!(coded, Ok(()), "tables that were chosen keep the rules");
        coder.finish()
    }

    /// Codes the tables, or decodes them over these.
    fn code(&mut self, coder: &mut impl BitCoder) -> Result<(), CodecError> {
        let mut is_next = AdaptiveBit::default();
        let (mut table, mut known) = (0, 0);
        for class in &mut self.of_classes[1..] {
            let begins = *class != known;
            known = *class;
            table += u8::from(is_next.code(coder, begins));
            *class = table;
        }
        if usize::from(table) >= MAX_TABLES {
            return Err(CodecError::Corrupt { what: "number of tables" });
        }
        self.levels.resize(usize::from(table) + 1, Vec::new());
        let mut models = LevelModels::default();
        self.levels.iter_mut().try_for_each(|levels| models.code(levels, MAX_TOKENS, coder))
    }

    /// The cheapest tables for what is counted in each class, at least once in all.
    pub(super) fn fit(counts: &[Counts; N_CLASSES]) -> Self {
        // The cheapest division of the first classes into so many tables, and where the last of these begins.
        let mut best = vec![[(u64::MAX, 0); N_CLASSES + 1]; MAX_TABLES + 1];
        best[0][0] = (0, 0);
        for first in 0..N_CLASSES {
            let mut sum: Counts = [0; N_TOKENS];
            let mut cost_of_sum = None;
            for end in first + 1..=N_CLASSES {
                let counts = &counts[end - 1];
                if counts.iter().any(|n| *n > 0) {
                    sum.iter_mut().zip(counts).for_each(|(sum, n)| *sum += n);
                    cost_of_sum = Some(cost(&sum));
                }
                let Some(cost) = cost_of_sum else { continue };
                for n in 0..MAX_TABLES {
                    let whole = best[n][first].0.saturating_add(cost);
                    if whole < best[n + 1][end].0 {
                        best[n + 1][end] = (whole, first);
                    }
                }
            }
        }
        let n_tables = (1..=MAX_TABLES).min_by_key(|n| best[*n][N_CLASSES].0).unwrap_or(1);
        let mut tables = Self { of_classes: [0; N_CLASSES], levels: vec![Vec::new(); n_tables] };
        let mut end = N_CLASSES;
        for number in (0..n_tables).rev() {
            let first = best[number + 1][end].1;
            let mut sum: Counts = [0; N_TOKENS];
            for (class, counts) in tables.of_classes[first..end].iter_mut().zip(&counts[first..end]) {
                *class = number as u8;
                sum.iter_mut().zip(counts).for_each(|(sum, n)| *sum += n);
            }
            tables.levels[number] = levels(&sum);
            end = first;
        }
        tables
    }
}
