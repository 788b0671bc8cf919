use super::colours::{Colours, MAX_FEW, Place};
use super::model::{Anchor, Models, NEAR, guesses, token};
use super::{NEW_END, NONE, Run, close, history, repeat, start};
use crate::entropy::number::zigzag;
use crate::entropy::rans::{Encoder, SymbolCoder};
use crate::image::indexed::dictionary::{Dictionary, EntryForm, MAX_COLOURS};
use crate::image::indexed::pixels::Pixels;

/// Codes a tile as runs; `None` if it has too many colours.
pub(in crate::image::indexed) fn encode(pixels: &Pixels, n_bytes: usize) -> Option<Vec<u8>> {
    let mut dictionary = Dictionary::new();
    let mut runs: Vec<(u32, u32)> = Vec::new();
    let mut row_ends = Vec::with_capacity(pixels.values.len() / pixels.width);
    for row in pixels.rows() {
        let mut x = 0;
        for same in row.chunk_by(|a, b| a == b) {
            x += same.len() as u32;
            runs.push((x, dictionary.number(same[0])));
        }
        row_ends.push(runs.len());
        if dictionary.entries.len() > MAX_COLOURS {
            return None;
        }
    }
    let form = EntryForm::choose(&dictionary.entries, n_bytes);
    let has_few = dictionary.entries.len() <= MAX_FEW;
    let width = pixels.width as u32;
    let mut rows = Rows {
        coder: Encoder::default(),
        models: Models::new(),
        colours: Colours::new(form, n_bytes, has_few),
        values: &dictionary.entries,
        width,
    };
    rows.colours.add(&mut rows.coder, dictionary.entries[0]).ok()?;
    let (mut above, mut row) = (start(width), Vec::new());
    let (mut answers, mut n_same, mut from) = (0, 0, 0);
    for to in row_ends {
        let ends = &runs[from..to];
        from = to;
        let is_same = ends.len() + 3 == above.len()
            && ends.iter().zip(&above).all(|((end, colour), run)| (*end, *colour) == (run.end, run.colour));
        rows.coder.symbol(&mut rows.models.same[answers], usize::from(is_same));
        answers = answers << 1 & 2 | usize::from(is_same);
        if is_same {
            n_same += 1;
            if n_same <= 2 {
                repeat(&mut above);
            }
            continue;
        }
        row.clear();
        rows.row(&above, &mut row, ends)?;
        close(&mut row, width);
        std::mem::swap(&mut above, &mut row);
        n_same = 0;
    }
    let mut out = vec![form.code() | u8::from(has_few) << 2];
    rows.coder.finish(&mut out);
    Some(out)
}

struct Rows<'a> {
    coder: Encoder,
    models: Models,
    colours: Colours,
    /// The whole dictionary.
    values: &'a [u64],
    width: u32,
}

impl Rows<'_> {
    fn known(&self, colour: u32) -> (u32, u64) {
        (colour, self.values.get(colour as usize).copied().unwrap_or(0))
    }

    fn row(&mut self, above: &[Run], row: &mut Vec<Run>, ends: &[(u32, u32)]) -> Option<()> {
        let (mut j, mut x, mut before) = (0, 0, NONE);
        let first = ends.first()?.1;
        let is_above = first == above[0].colour;
        self.coder.symbol(&mut self.models.first, usize::from(is_above));
        if !is_above {
            let guesses = [above[1].colour, NONE, NONE];
            let known = self.known(first);
            self.colours.code(&mut self.coder, Place::RowStart, above[0].colour, guesses, known).ok()?;
        }
        for (i, (end, colour)) in ends.iter().enumerate() {
            while above[j].end <= x {
                j += 1;
            }
            let next = ends.get(i + 1).map_or(NONE, |run| run.1);
            let history = self.run(above, j, x, (*end, *colour), before, next)?;
            row.push(Run { end: *end, colour: *colour, history });
            (x, before) = (*end, *colour);
        }
        Some(())
    }

    /// Codes the end of a run and the colour after it, `NONE` at the end of the row.
    fn run(
        &mut self,
        above: &[Run],
        j: usize,
        x: u32,
        (end, colour): (u32, u32),
        before: u32,
        next: u32,
    ) -> Option<u8> {
        let start = Anchor::new(above, j, colour);
        let is_near = |at: usize| (i64::from(end) - i64::from(above[at].end)).abs();
        // Pass ends while the next one is nearer or not beyond.
        let (mut anchor, mut n_passes, mut cost) = (start, 0, 0);
        while let Some(passed) = anchor.passed(above)
            && end > above[anchor.at].end
            && (above[passed.at].end <= end || is_near(passed.at) < is_near(anchor.at))
        {
            cost += self.models.tokens[anchor.context(above)].cost(token::PASS);
            anchor = passed;
            n_passes += 1;
        }
        let distance = i64::from(end) - i64::from(above[anchor.at].end);
        let is_hit = end == self.width || next == anchor.next_colour(above, colour, before);
        let near = NEAR.iter().position(|d| *d == distance);
        let token = match (near, is_hit) {
            (Some(near), true) => near,
            (None, true) if distance.abs() < 20 => token::FAR,
            (Some(0), false) => token::SAME_END,
            _ => token::OTHER,
        };
        cost += self.models.tokens[anchor.context(above)].cost(token);
        if token == token::OTHER {
            cost += 256 * (2 + 2 * (64 - distance.unsigned_abs().leading_zeros()));
        }
        let length_cost = self.models.tokens[start.context(above)].cost(token::LENGTH)
            + 256 * (2 + 2 * (32 - (end - x).leading_zeros()));
        let place = if (n_passes > 0 || near.is_none()) && length_cost < cost {
            let context = start.context(above);
            self.coder.symbol(&mut self.models.tokens[context], token::LENGTH);
            self.models.length.code(&mut self.coder, u64::from(end - x - 1));
            Some(Place::Length)
        } else {
            let mut passing = start;
            for _ in 0..n_passes {
                let context = passing.context(above);
                self.coder.symbol(&mut self.models.tokens[context], token::PASS);
                passing = passing.passed(above)?;
            }
            self.end(anchor.context(above), token, distance)
        };
        if let (Some(place), true) = (place, end < self.width) {
            let guesses = guesses(above, j, end, before);
            let known = self.known(next);
            self.colours.code(&mut self.coder, place, colour, guesses, known).ok()?;
        }
        Some(match place {
            Some(Place::Length) => NEW_END,
            _ => history(distance, above[anchor.at].history),
        })
    }

    /// Codes a token other than a pass or a length; the place of the colour that must follow.
    fn end(&mut self, context: usize, token: usize, distance: i64) -> Option<Place> {
        self.coder.symbol(&mut self.models.tokens[context], token);
        match token {
            token::FAR => {
                let is_right = usize::from(distance > 0);
                self.coder.symbol(&mut self.models.sign, is_right);
                self.coder.symbol(&mut self.models.far[is_right], distance.unsigned_abs() as usize - 4);
                None
            }
            token::SAME_END => Some(Place::SameEnd),
            token::OTHER => {
                self.models.other.code(&mut self.coder, zigzag(distance) - 1);
                Some(Place::Other)
            }
            _ => None,
        }
    }
}
