use super::literal::{Channels, Literals, Numbers};
use super::{Canvas, Models, context, kind, token};
use crate::entropy::number::unzigzag;
use crate::entropy::rans::{Decoder, SymbolCoder};
use crate::image::indexed::dictionary::{EntryCoder, EntryForm};
use crate::image::indexed::pixels::{self, pixel_bytes};
use crate::simd::{Kernel, WordLanes, dispatch};
use crate::{CodecError, TileMut};

const WRONG_HEADER: CodecError = CodecError::Corrupt { what: "header of copies" };

/// Decodes what [`super::encode`] made.
pub(in crate::image::indexed) fn decode(bytes: &[u8], out: &mut TileMut<'_, '_>) -> Result<(), CodecError> {
    let cut = CodecError::Truncated { what: "header of copies" };
    let shape = out.shape();
    let n_bytes = pixel_bytes(&shape).ok_or(WRONG_HEADER)?;
    let mut canvas = Canvas::new(shape.width as usize, shape.n_pixels());
    let (&flags, rest) = bytes.split_first().ok_or(cut.clone())?;
    let (&second, rest) = rest.split_first().ok_or(cut.clone())?;
    if flags & 1 == 1 {
        let form = EntryForm::from_code(flags >> 1).ok_or(WRONG_HEADER)?;
        let n_colours = usize::from(second) + 1;
        let mut coder = Decoder::new(rest)?;
        let mut entry = EntryCoder::new(form, n_bytes);
        let entries: Vec<u64> = (0..n_colours).map(|_| entry.code(&mut coder, 0)).collect();
        fill(coder, Numbers::new(n_colours), &mut canvas)?;
        let mut table = [0; 256];
        table[..n_colours].copy_from_slice(&entries);
        pixels::write_rows(out, |y| canvas.row(y).iter().map(|number| table[*number as usize & 255]));
    } else {
        let is_colour = flags == 2;
        let n_channels = u32::from(shape.n_channels);
        let fits = shape.sample.n_bytes() == 1
            && n_channels <= 4
            && (!is_colour || (shape.is_rgb && n_channels >= 3));
        if flags > 2 || !fits || u32::from(second) >= 1 << n_channels {
            return Err(WRONG_HEADER);
        }
        let mask = u32::from(second);
        let (samples, rest) = rest.split_at_checked(mask.count_ones() as usize).ok_or(cut)?;
        let places = (0..4).filter(|c| mask >> c & 1 == 1);
        let constant = places.zip(samples).fold(0, |all, (c, sample)| all | u32::from(*sample) << (8 * c));
        let channels = Channels::new(n_channels, is_colour, mask, constant);
        fill(Decoder::new(rest)?, channels, &mut canvas)?;
        pixels::write_rows(out, |y| canvas.row(y).iter().map(|pixel| u64::from(*pixel)));
    }
    Ok(())
}

/// Decodes every pixel.
fn fill(coder: Decoder<'_>, literals: impl Literals, canvas: &mut Canvas) -> Result<(), CodecError> {
    dispatch(Fill { coder, literals, canvas })
}

/// The pixels of a tile.
struct Fill<'a, 'b, S> {
    coder: Decoder<'a>,
    literals: S,
    canvas: &'b mut Canvas,
}

impl<S: Literals> Kernel for Fill<'_, '_, S> {
    type Output = Result<(), CodecError>;

    #[inline(always)]
    fn run<L: WordLanes>(self, _: L) -> Self::Output {
        tokens(self.coder, self.literals, self.canvas)
    }
}

#[inline(always)]
fn tokens(
    mut coder: Decoder<'_>,
    mut literals: impl Literals,
    canvas: &mut Canvas,
) -> Result<(), CodecError> {
    let wrong = CodecError::Corrupt { what: "a copy outside the tile" };
    let mut models = Models::new();
    let (mut at, n) = (canvas.margin, canvas.pixels.len());
    let mut before = kind::LITERAL;
    let mut distances = [1; 2];
    while at < n {
        let around = canvas.around(at);
        let (length, distance);
        match coder.symbol(&mut models.tokens[context(before, &around)], 0) {
            token::LITERAL => {
                canvas.pixels[at] = literals.code(&mut coder, &around, 0);
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
                    2 => 3 + u64::from(coder.bits(0, 1)),
                    3 => 5 + u64::from(coder.bits(0, 2)),
                    _ => models.run[usize::from(is_west)].code(&mut coder, 0).saturating_add(9),
                };
                before = if is_west { kind::WEST } else { kind::NORTH };
                distance = if is_west { 1 } else { canvas.width };
            }
            other => {
                match other {
                    token::COPY => {
                        let rows = models.rows.code(&mut coder, 0).min(1 << 32) as i64;
                        let columns = models.columns[rows.min(2) as usize].code(&mut coder, 0);
                        let far = rows * canvas.width as i64 + unzigzag(columns.min(1 << 33));
                        let far = usize::try_from(far).map_err(|_| wrong.clone())?;
                        distances = [far, distances[0]];
                    }
                    token::AGAIN => {}
                    token::OLDER => distances.swap(0, 1),
                    _ => return Err(CodecError::Corrupt { what: "an unknown token of copies" }),
                }
                length = models.length.code(&mut coder, 0).saturating_add(2);
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
    coder.finish()
}

/// Repeats `length` pixels from `distance` ≥ 1 before `at`.
#[inline(always)]
pub(super) fn copy(pixels: &mut [u32], at: usize, distance: usize, length: usize) {
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
