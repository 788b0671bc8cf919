//! Which part of the earlier frame each block of a tile is predicted by. `docs/codecs/inter.md` §3.

use super::Reference;
use super::header::{Models, code_signed};
use crate::entropy::binary::BitCoder;
use crate::{CodecError, TileShape};

/// Columns and rows from a pixel to the pixel of the earlier frame that predicts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(super) struct Vector {
    pub(super) dx: i32,
    pub(super) dy: i32,
}

/// Largest step of a vector, either way.
pub(super) const MAX_STEP: i32 = 32767;
/// Most vectors of a tile.
pub(super) const MAX_VECTORS: usize = 64;
/// log2 of the edge of blocks.
const BLOCK_EDGES_LOG2: std::ops::RangeInclusive<u32> = 3..=10;

/// A vector for the tile, or one for each of its blocks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Motion {
    pub(super) vectors: Vec<Vector>,
    /// log2 of the edge of blocks; unused with one vector.
    pub(super) block_log2: u32,
    /// Row-major: the vector of each block; empty with one vector.
    pub(super) blocks: Vec<u8>,
}

/// Blocks across and down.
pub(super) fn n_blocks(shape: &TileShape, block_log2: u32) -> (usize, usize) {
    let along = |n: u32| n.div_ceil(1 << block_log2) as usize;
    (along(shape.width), along(shape.height))
}

impl Motion {
    pub(super) fn of_one(vector: Vector) -> Self {
        Self { vectors: vec![vector], block_log2: 0, blocks: Vec::new() }
    }

    /// Codes the motion of a tile; decoding fills what is given.
    pub(super) fn code(
        &mut self,
        models: &mut Models,
        coder: &mut impl BitCoder,
        shape: &TileShape,
    ) -> Result<(), CodecError> {
        const CORRUPT: CodecError = CodecError::Corrupt { what: "the motion of a tile is out of range" };
        let n = models.count.code(coder, (self.vectors.len() as u32).saturating_sub(1)) as usize + 1;
        if n > MAX_VECTORS {
            return Err(CORRUPT);
        }
        self.vectors.resize(n, Vector::default());
        for vector in &mut self.vectors {
            vector.dx = code_signed(&mut models.vector, coder, vector.dx);
            vector.dy = code_signed(&mut models.vector, coder, vector.dy);
            if vector.dx.unsigned_abs().max(vector.dy.unsigned_abs()) > MAX_STEP as u32 {
                return Err(CORRUPT);
            }
        }
        if n == 1 {
            return Ok(());
        }
        let least = *BLOCK_EDGES_LOG2.start();
        self.block_log2 =
            models.count.code(coder, self.block_log2.saturating_sub(least)).saturating_add(least);
        if !BLOCK_EDGES_LOG2.contains(&self.block_log2) {
            return Err(CORRUPT);
        }
        let (across, down) = n_blocks(shape, self.block_log2);
        self.blocks.resize(across * down, 0);
        for i in 0..self.blocks.len() {
            let left = if i % across > 0 { self.blocks[i - 1] } else { 0 };
            let above = if i >= across { self.blocks[i - across] } else { left };
            let own = self.blocks[i];
            let is_left = models.like_left[usize::from(left == above)].code(coder, own == left);
            self.blocks[i] = if is_left {
                left
            } else if left != above && models.like_above.code(coder, own == above) {
                above
            } else {
                let index = models.index.code(coder, u32::from(own));
                u8::try_from(index).ok().filter(|index| usize::from(*index) < n).ok_or(CORRUPT)?
            };
        }
        if coder.is_past_the_end() {
            return Err(CodecError::Truncated { what: "motion of a tile" });
        }
        Ok(())
    }

    /// The samples of the earlier frame that predict the tile: row-major, as the tile's own.
    ///
    /// Beyond the frame its edge goes on.
    pub(super) fn predict(&self, reference: &Reference<'_>, shape: &TileShape) -> Vec<u8> {
        let row_bytes = shape.row_bytes();
        let mut out = vec![0; row_bytes * shape.height as usize];
        let (across, edge) = match self.blocks.as_slice() {
            [] => (1, shape.width.max(shape.height) as usize),
            _ => (n_blocks(shape, self.block_log2).0, 1 << self.block_log2),
        };
        for (y, row) in out.chunks_exact_mut(row_bytes).enumerate() {
            let blocks = y / edge * across;
            let mut start = 0;
            while start < across {
                // Neighbours with the same vector are copied together.
                let number = |column: usize| self.blocks.get(blocks + column).copied().unwrap_or(0);
                let vector = number(start);
                let end = (start + 1..across).find(|column| number(*column) != vector).unwrap_or(across);
                let from = start * edge;
                let to = (end * edge).min(shape.width as usize);
                let vector = self.vectors.get(usize::from(vector)).copied().unwrap_or_default();
                copy_part(reference, vector, (from, to), y, row_bytes / shape.width as usize, row);
                start = end;
            }
        }
        out
    }
}

/// Copies pixels `from..to` of row `y` of a tile, each `vector` away.
fn copy_part(
    reference: &Reference<'_>,
    vector: Vector,
    (from, to): (usize, usize),
    y: usize,
    pixel_bytes: usize,
    row: &mut [u8],
) {
    let width = i64::from(reference.width);
    let line = (i64::from(reference.y) + y as i64 + i64::from(vector.dy))
        .clamp(0, i64::from(reference.height) - 1) as usize;
    let line_bytes = reference.width as usize * pixel_bytes;
    let Some(line) = reference.samples.get(line * line_bytes..(line + 1) * line_bytes) else { return };
    let column = |x: usize| i64::from(reference.x) + x as i64 + i64::from(vector.dx);
    // Columns of the tile whose pixels lie inside the frame.
    let first_inside = (from as i64 - column(from)).clamp(from as i64, to as i64) as usize;
    let end_inside = (to as i64 - (column(to) - width).max(0)).clamp(first_inside as i64, to as i64) as usize;
    let mut copy = |x: usize, n: usize, at: i64| {
        let at = at.clamp(0, width - 1) as usize * pixel_bytes;
        let n_bytes = n * pixel_bytes;
        if let (Some(to), Some(from)) =
            (row.get_mut(x * pixel_bytes..x * pixel_bytes + n_bytes), line.get(at..at + n_bytes))
        {
            to.copy_from_slice(from);
        }
    };
    (from..first_inside).for_each(|x| copy(x, 1, 0));
    copy(first_inside, end_inside - first_inside, column(first_inside));
    (end_inside..to).for_each(|x| copy(x, 1, column(x)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SampleType;

    #[test]
    fn edges_go_on_beyond_the_frame() {
        let samples: Vec<u8> = (0..60).collect();
        let (width, height) = (10_u32, 6_u32);
        for (x, y, w, h) in [(0, 0, 10, 6), (3, 2, 5, 3), (9, 5, 1, 1)] {
            let shape =
                TileShape { width: w, height: h, n_channels: 1, sample: SampleType::U8, is_rgb: false };
            let reference = Reference::new(&samples, (width, height), (x, y), &shape).unwrap();
            for (dx, dy) in [(0, 0), (1, -1), (-4, 3), (30, 0), (-30, 100), (2, 2), (-1, 0), (32767, -32767)]
            {
                let predicted = Motion::of_one(Vector { dx, dy }).predict(&reference, &shape);
                for ty in 0..h {
                    for tx in 0..w {
                        let from = |at: u32, step: i32, n: u32| (at as i32 + step).clamp(0, n as i32 - 1);
                        let (fx, fy) = (from(x + tx, dx, width), from(y + ty, dy, height));
                        let expected = samples[(fy * width as i32 + fx) as usize];
                        assert_eq!(predicted[(ty * w + tx) as usize], expected, "{x} {y} {dx} {dy}");
                    }
                }
            }
        }
    }
}
