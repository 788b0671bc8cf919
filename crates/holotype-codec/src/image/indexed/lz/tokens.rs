//! Tokens into pixels, wherever they come from. `docs/codecs/indexed.md` §5.1, §5.2.

use super::{Around, Canvas, context, kind, token};
use crate::CodecError;
use crate::entropy::number::unzigzag;

/// Decodes what pixels are made of. For speed, whatever is looked up by a number or handed to a function that is not
/// inlined is borrowed by a source: the rest of it then stays in registers.
pub(super) trait Source {
    fn token(&mut self, context: usize) -> usize;
    fn literal(&mut self, around: &Around) -> Result<u32, CodecError>;
    /// Raw bits of a run's length.
    fn bits(&mut self, n_bits: u32) -> u32;
    /// The length of a run, less 9.
    fn run(&mut self, is_west: bool) -> Result<u64, CodecError>;
    /// The length of a copy, less 2.
    fn length(&mut self) -> Result<u64, CodecError>;
    /// Rows and zigzag columns of a new distance.
    fn offset(&mut self) -> Result<[u64; 2], CodecError>;
}

/// Fills the canvas.
#[inline(always)]
pub(super) fn fill(source: &mut impl Source, canvas: &mut Canvas) -> Result<(), CodecError> {
    let wrong = CodecError::Corrupt { what: "a copy outside the tile" };
    let (mut at, n) = (canvas.margin, canvas.pixels.len());
    let mut before = kind::LITERAL;
    let mut distances = [1; 2];
    while at < n {
        let around = canvas.around(at);
        let (length, distance);
        match source.token(context(before, &around)) {
            token::LITERAL => {
                canvas.pixels[at] = source.literal(&around)?;
                at += 1;
                before = kind::LITERAL;
                continue;
            }
            token::NORTH_EAST => {
                canvas.pixels[at] = around.north_east;
                at += 1;
                before = kind::NORTH_EAST;
                continue;
            }
            run @ token::NORTH..token::COPY => {
                let is_west = run >= token::WEST;
                length = match run - if is_west { token::WEST } else { token::NORTH } {
                    0 => 1,
                    1 => 2,
                    2 => 3 + u64::from(source.bits(1)),
                    3 => 5 + u64::from(source.bits(2)),
                    _ => source.run(is_west)?.saturating_add(9),
                };
                before = if is_west { kind::WEST } else { kind::NORTH };
                distance = if is_west { 1 } else { canvas.width };
            }
            other => {
                match other {
                    token::COPY => {
                        let [rows, columns] = source.offset()?;
                        let rows = rows.min(1 << 32) as i64;
                        let far = rows * canvas.width as i64 + unzigzag(columns.min(1 << 33));
                        let far = usize::try_from(far).map_err(|_| wrong.clone())?;
                        distances = [far, distances[0]];
                    }
                    token::AGAIN => {}
                    token::OLDER => distances.swap(0, 1),
                    _ => return Err(CodecError::Corrupt { what: "an unknown token of copies" }),
                }
                length = source.length()?.saturating_add(2);
                before = kind::COPY;
                distance = distances[0];
                if distance == 0 || distance > at - canvas.margin {
                    return Err(wrong);
                }
            }
        }
        let length = usize::try_from(length).ok().filter(|l| *l <= n - at).ok_or(wrong.clone())?;
        copy(&mut canvas.pixels, at, distance, length);
        at += length;
    }
    Ok(())
}

/// Repeats `length` pixels from `distance` ≥ 1 before `at`.
#[inline(always)]
fn copy(pixels: &mut [u32], at: usize, distance: usize, length: usize) {
    if distance == 1 {
        let pixel = pixels[at - 1];
        pixels[at..at + length].fill(pixel);
    } else if distance >= length {
        pixels.copy_within(at - distance..at - distance + length, at);
    } else {
        for i in at..at + length {
            pixels[i] = pixels[i - distance];
        }
    }
}
