//! Tokens into pixels.

use super::{OF_TOKENS, Tables, for_slots, list};
use crate::CodecError;
use crate::entropy::bits::BitReader;
use crate::entropy::byte_rans::MIN_STATE;
use crate::entropy::number::unzigzag;
use crate::entropy::static_rans::{N_SLOTS, PRECISION_BITS};
use crate::image::indexed::lz::decode::copy;
use crate::image::indexed::lz::{Canvas, context, kind, token};
use crate::simd::{Kernel, WordLanes, add_bytes, median};

/// Everything that pixels are made of.
pub(super) struct Fill<'a> {
    pub(super) tables: &'a Tables,
    /// The state of the first token and of the second.
    pub(super) states: [u32; 2],
    pub(super) words: &'a [[u8; 2]],
    pub(super) lists: [Vec<u32>; list::N],
    pub(super) literals: Vec<u32>,
    pub(super) raw_bits: &'a [u8],
    pub(super) canvas: &'a mut Canvas,
}

impl Kernel for Fill<'_> {
    type Output = Result<(), CodecError>;

    #[inline(always)]
    fn run<L: WordLanes>(self, _: L) -> Self::Output {
        fill(self)
    }
}

#[inline(always)]
fn fill(all: Fill<'_>) -> Result<(), CodecError> {
    let Fill { tables, states, words, lists, literals, raw_bits, canvas } = all;
    let wrong = CodecError::Corrupt { what: "a copy outside the tile" };
    let slots = slots(tables);
    let mut table_of = [0; OF_TOKENS.n_contexts.next_power_of_two()];
    table_of.iter_mut().zip(&tables.clusters).for_each(|(to, from)| *to = usize::from(*from));
    let ([mut state, mut next], mut at_word) = (states, 0);
    let mut bits = BitReader::new(raw_bits);
    let mut literals = literals.into_iter();
    let [mut norths, mut wests, mut lengths, mut rows, mut columns] = lists.map(Vec::into_iter);
    let (mut at, n) = (canvas.margin, canvas.pixels.len());
    let mut before = kind::LITERAL;
    let mut distances = [1; 2];
    while at < n {
        let around = canvas.around(at);
        let context = context(before, &around) % table_of.len();
        let entry = slots.get(table_of[context]).map_or(0, |table| table[state as usize % N_SLOTS]);
        let low = N_SLOTS as u32 - 1;
        let mut after = ((entry & low) + 1) * (state >> PRECISION_BITS) + (entry >> PRECISION_BITS & low);
        let is_low = after < MIN_STATE;
        let word = words.get(at_word).map_or(0, |word| u32::from(u16::from_le_bytes(*word)));
        after = if is_low { after << 16 | word } else { after };
        at_word += usize::from(is_low);
        (state, next) = (next, after);
        let (length, distance);
        match (entry >> (2 * PRECISION_BITS)) as usize {
            token::LITERAL => {
                let Some(residual) = literals.next() else { return Err(too_few()) };
                let prediction = median(around.west, around.north, around.north_west);
                canvas.pixels[at] = add_bytes(prediction, residual);
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
                    2 => 3 + bits.take(1),
                    3 => 5 + bits.take(2),
                    _ => 9 + if is_west { &mut wests } else { &mut norths }.next().ok_or_else(too_few)?,
                };
                before = if is_west { kind::WEST } else { kind::NORTH };
                distance = if is_west { 1 } else { canvas.width };
            }
            other => {
                match other {
                    token::COPY => {
                        let (Some(rows), Some(columns)) = (rows.next(), columns.next()) else {
                            return Err(too_few());
                        };
                        let far = i64::from(rows) * canvas.width as i64 + unzigzag(u64::from(columns));
                        let far = usize::try_from(far).map_err(|_| wrong.clone())?;
                        distances = [far, distances[0]];
                    }
                    token::AGAIN => {}
                    token::OLDER => distances.swap(0, 1),
                    _ => return Err(CodecError::Corrupt { what: "an unknown token of copies" }),
                }
                length = 2 + lengths.next().ok_or_else(too_few)?;
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
    bits.finish()?;
    if at_word > words.len() {
        return Err(CodecError::Truncated { what: "tokens of copies" });
    }
    let is_left = literals.len() + norths.len() + wests.len() + lengths.len() + rows.len() > 0;
    if is_left || at_word < words.len() || (state, next) != (MIN_STATE, MIN_STATE) {
        return Err(CodecError::Corrupt { what: "tokens of copies do not end where they should" });
    }
    Ok(())
}

#[cold]
fn too_few() -> CodecError {
    CodecError::Corrupt { what: "more tokens than literals or numbers" }
}

/// Frequency − 1 (11 bits), place in it (11), token (the rest), table after table.
fn slots(tables: &Tables) -> Vec<[u32; N_SLOTS]> {
    let mut slots = vec![[0; N_SLOTS]; tables.levels.len()];
    for_slots(tables, |table, slot, token, frequency, place| {
        slots[table][slot % N_SLOTS] =
            (frequency - 1) | place << PRECISION_BITS | token << (2 * PRECISION_BITS);
    });
    slots
}
