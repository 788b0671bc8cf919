//! Blocks of a tile that are blended alike. `docs/codecs/inter.md` §5.1.

use super::planes::Part;
use crate::entropy::binary::BitCoder;
use crate::image::inter::header::Models;
use crate::image::inter::motion::n_blocks;
use crate::{CodecError, TileShape};

/// log2 of the edge of blocks.
const BLOCK_LOG2: u32 = 3;
/// A block whose prediction is off by so much more than its own rows is of the second class.
const MIN_RATIO: (u32, u32) = (3, 2);
/// And by so much a byte.
const MIN_DIFFERENCE: u32 = 2;
/// A second class for fewer blocks than this does not pay for its weights.
const MIN_BLOCKS: usize = 12;

/// The class of each block: 0, or 1 where what is in the block was not in the earlier frame.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Classes {
    /// Row-major; empty if all blocks are of class 0.
    blocks: Vec<bool>,
}

impl Classes {
    pub(super) fn n_classes(&self) -> usize {
        if self.blocks.is_empty() { 1 } else { 2 }
    }

    /// Codes the classes; decoding fills what is given.
    pub(super) fn code(
        &mut self,
        models: &mut Models,
        coder: &mut impl BitCoder,
        shape: &TileShape,
    ) -> Result<(), CodecError> {
        if !models.has_classes.code(coder, !self.blocks.is_empty()) {
            return Ok(());
        }
        let (across, down) = n_blocks(shape, BLOCK_LOG2);
        self.blocks.resize(across * down, false);
        for i in 0..self.blocks.len() {
            let left = i % across > 0 && self.blocks[i - 1];
            let above = i >= across && self.blocks[i - across];
            let model = &mut models.classes[usize::from(left) + usize::from(above)];
            self.blocks[i] = model.code(coder, self.blocks[i]);
        }
        if coder.is_past_the_end() {
            return Err(CodecError::Truncated { what: "classes of blocks" });
        }
        Ok(())
    }

    /// The class of the pixel at `(x, y)`.
    pub(super) fn at(&self, x: usize, y: usize, shape: &TileShape) -> usize {
        let across = n_blocks(shape, BLOCK_LOG2).0;
        let block = (y >> BLOCK_LOG2) * across + (x >> BLOCK_LOG2);
        usize::from(self.blocks.get(block).copied().unwrap_or_default())
    }

    /// Row `y` in parts of one class each.
    #[inline(always)]
    pub(super) fn parts(&self, y: usize, shape: &TileShape, out: &mut Vec<Part>) {
        let (across, width) = (n_blocks(shape, BLOCK_LOG2).0, shape.width as usize);
        out.clear();
        let start = (y >> BLOCK_LOG2) * across;
        let Some(row) = self.blocks.get(start..start + across) else {
            out.push(Part { from: 0, to: width, class: 0 });
            return;
        };
        for (i, class) in row.iter().enumerate() {
            let to = ((i + 1) << BLOCK_LOG2).min(width);
            match out.last_mut() {
                Some(part) if part.class == u8::from(*class) => part.to = to,
                _ => out.push(Part { from: i << BLOCK_LOG2, to, class: u8::from(*class) }),
            }
        }
    }

    /// Classes that suit a tile. Never needed to decode.
    pub(super) fn of(rows: &[&[u8]], predicted: &[u8], shape: &TileShape) -> Self {
        let (across, down) = n_blocks(shape, BLOCK_LOG2);
        let row_bytes = shape.row_bytes();
        let block_bytes = (row_bytes / shape.width as usize) << BLOCK_LOG2;
        // Differences from the prediction, and from the row above.
        let (mut unlike, mut rough) = (vec![0_u32; across * down], vec![0_u32; across * down]);
        let difference =
            |a: &[u8], b: &[u8]| a.iter().zip(b).map(|(a, b)| u32::from(a.abs_diff(*b))).sum::<u32>();
        for (y, (row, from)) in rows.iter().zip(predicted.chunks_exact(row_bytes)).enumerate() {
            let above = rows[y.saturating_sub(1)];
            for (i, part) in row.chunks(block_bytes).enumerate() {
                let at = i * block_bytes..i * block_bytes + part.len();
                let block = (y >> BLOCK_LOG2) * across + i;
                unlike[block] += difference(part, &from[at.clone()]);
                rough[block] += difference(part, &above[at]);
            }
        }
        let n_bytes = (block_bytes << BLOCK_LOG2) as u32;
        let is_new = |(unlike, rough): (&u32, &u32)| {
            unlike * MIN_RATIO.1 > rough * MIN_RATIO.0 && *unlike > n_bytes * MIN_DIFFERENCE
        };
        let blocks: Vec<bool> = unlike.iter().zip(&rough).map(is_new).collect();
        if blocks.iter().filter(|block| **block).count() < MIN_BLOCKS {
            return Self::default();
        }
        Self { blocks }
    }
}
