use super::colours::{Colours, DECODE, Place};
use super::model::{Anchor, Models, NEAR, guesses, token};
use super::{NEW_END, NONE, Run, close, history, repeat, start};
use crate::entropy::number::unzigzag;
use crate::entropy::rans::{Decoder, SymbolCoder};
use crate::image::indexed::dictionary::EntryForm;
use crate::image::indexed::pixels::{Pattern, pixel_bytes};
use crate::simd::{Kernel, WordLanes, dispatch};
use crate::{CodecError, TileMut};

/// Decodes what [`super::encode`] made.
pub(in crate::image::indexed) fn decode(bytes: &[u8], out: &mut TileMut<'_, '_>) -> Result<(), CodecError> {
    dispatch(Decode(bytes, out))
}

/// A coded tile.
struct Decode<'a, 'b, 'c, 'd>(&'a [u8], &'b mut TileMut<'c, 'd>);

impl Kernel for Decode<'_, '_, '_, '_> {
    type Output = Result<(), CodecError>;

    #[inline(always)]
    fn run<L: WordLanes>(self, _: L) -> Self::Output {
        tile(self.0, self.1)
    }
}

#[inline(always)]
fn tile(bytes: &[u8], out: &mut TileMut<'_, '_>) -> Result<(), CodecError> {
    let (&flags, body) = bytes.split_first().ok_or(CodecError::Truncated { what: "run header" })?;
    let form = EntryForm::from_code(flags & 3)
        .filter(|_| flags < 8)
        .ok_or(CodecError::Corrupt { what: "run header" })?;
    let n_bytes =
        pixel_bytes(&out.shape()).ok_or(CodecError::Corrupt { what: "pixels too wide for runs" })?;
    let width = out.shape().width;
    let mut rows = Rows {
        coder: Decoder::new(body)?,
        models: Models::new(),
        colours: Colours::new(form, n_bytes, flags & 4 != 0),
        patterns: Vec::new(),
        n_bytes,
        width,
    };
    rows.colours.add(&mut rows.coder, 0)?;
    let (mut above, mut row) = (start(width), Vec::new());
    let (mut answers, mut n_same) = (0, 0);
    let mut done: Option<&[u8]> = None;
    for out in out.rows_mut() {
        let is_same = rows.coder.symbol(&mut rows.models.same[answers], 0);
        answers = answers << 1 & 2 | is_same & 1;
        match (is_same & 1, done) {
            (1, Some(done)) => {
                out.copy_from_slice(done);
                n_same += 1;
                if n_same <= 2 {
                    repeat(&mut above);
                }
            }
            (1, None) => {
                rows.fill(out, 0, width, 0);
                n_same += 1;
                repeat(&mut above);
            }
            _ => {
                row.clear();
                rows.row(&above, &mut row, out)?;
                close(&mut row, width);
                std::mem::swap(&mut above, &mut row);
                n_same = 0;
            }
        }
        done = Some(out);
    }
    rows.coder.finish()
}

struct Rows<'a> {
    coder: Decoder<'a>,
    models: Models,
    colours: Colours,
    /// One a colour, made when it is first used.
    patterns: Vec<Pattern>,
    n_bytes: usize,
    width: u32,
}

impl Rows<'_> {
    #[inline(always)]
    fn fill(&mut self, out: &mut [u8], from: u32, to: u32, colour: u32) {
        if self.patterns.len() < self.colours.entries.len() {
            self.add_patterns();
        }
        let (from, to) = (from as usize * self.n_bytes, to as usize * self.n_bytes);
        self.patterns[colour as usize].fill(out, from, to);
    }

    #[cold]
    fn add_patterns(&mut self) {
        let new = &self.colours.entries[self.patterns.len()..];
        self.patterns.extend(new.iter().map(|value| Pattern::new(*value, self.n_bytes)));
    }

    /// Decodes the runs of one row and fills it.
    #[inline(always)]
    fn row(&mut self, above: &[Run], row: &mut Vec<Run>, out: &mut [u8]) -> Result<(), CodecError> {
        let (mut j, mut x, mut before) = (0, 0, NONE);
        let mut colour = above[0].colour;
        if self.coder.symbol(&mut self.models.first, 0) & 1 == 0 {
            let guesses = [above[1].colour, NONE, NONE];
            colour = self.colours.code(&mut self.coder, Place::RowStart, colour, guesses, DECODE)?;
        }
        loop {
            while above[j].end <= x {
                j += 1;
            }
            let (end, history, next) = self.run(above, j, x, colour, before)?;
            row.push(Run { end, colour, history });
            self.fill(out, x, end, colour);
            if end == self.width {
                return Ok(());
            }
            (x, before, colour) = (end, colour, next);
        }
    }

    /// End and history of the run of `colour` that starts at `x`, and the colour after it if there is one.
    #[inline(always)]
    fn run(
        &mut self,
        above: &[Run],
        j: usize,
        x: u32,
        colour: u32,
        before: u32,
    ) -> Result<(u32, u8, u32), CodecError> {
        let wrong = CodecError::Corrupt { what: "a run outside its row" };
        let mut anchor = Anchor::new(above, j, colour);
        let (distance, place) = loop {
            let context = anchor.context(above);
            match self.coder.symbol(&mut self.models.tokens[context], 0) {
                near @ 0..=token::LAST_NEAR => break (NEAR[near], None),
                token::FAR => {
                    let is_right = self.coder.symbol(&mut self.models.sign, 0) & 1;
                    let n = 4 + self.coder.symbol(&mut self.models.far[is_right], 0) as i64;
                    break (if is_right == 1 { n } else { -n }, None);
                }
                token::SAME_END => break (0, Some(Place::SameEnd)),
                token::OTHER => {
                    let n = self.models.other.code(&mut self.coder, 0);
                    break (unzigzag(n.min(1 << 40) + 1), Some(Place::Other));
                }
                token::PASS => anchor = anchor.passed(above).ok_or(wrong.clone())?,
                token::LENGTH => {
                    let n = self.models.length.code(&mut self.coder, 0).min(1 << 40) as i64;
                    let end = i64::from(x) + 1 + n;
                    break (end - i64::from(above[anchor.at].end), Some(Place::Length));
                }
                _ => return Err(CodecError::Corrupt { what: "an unknown token of a run" }),
            }
        };
        let end = i64::from(above[anchor.at].end) + distance;
        let end = u32::try_from(end).ok().filter(|e| x < *e && *e <= self.width).ok_or(wrong)?;
        let history = match place {
            Some(Place::Length) => NEW_END,
            _ => history(distance, above[anchor.at].history),
        };
        if end == self.width {
            return Ok((end, history, NONE));
        }
        let next = match place {
            None => anchor.next_colour(above, colour, before),
            Some(place) => {
                let guesses = guesses(above, j, end, before);
                self.colours.code(&mut self.coder, place, colour, guesses, DECODE)?
            }
        };
        if next == NONE {
            return Err(CodecError::Corrupt { what: "a colour that does not exist" });
        }
        Ok((end, history, next))
    }
}
