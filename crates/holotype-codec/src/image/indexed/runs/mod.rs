//! Runs of equal pixels by how their ends follow those of the row above: labels, masks, flat drawings.
//! `docs/codecs/indexed.md` §4.

mod colours;
mod decode;
mod encode;
mod model;

pub(super) use decode::decode;
pub(super) use encode::encode;

/// No colour: beyond the last run, or before the first.
const NONE: u32 = u32::MAX;

/// A run of equal pixels.
#[derive(Debug, Clone, Copy)]
struct Run {
    /// Column after its last pixel.
    end: u32,
    /// Number in the dictionary.
    colour: u32,
    /// How its end moved against the row above, and that one's: 5 · 5 classes.
    history: u8,
}

/// History of an end that follows none.
const NEW_END: u8 = 12;

/// History of an end that moved by `distance` from one with history `above`.
#[inline]
fn history(distance: i64, above: u8) -> u8 {
    (distance.clamp(-2, 2) + 2) as u8 + 5 * (above % 5)
}

/// The row before the first: one run of colour 0. Every row ends with three runs of no colour.
fn start(width: u32) -> Vec<Run> {
    let mut row = vec![Run { end: width, colour: 0, history: NEW_END }];
    close(&mut row, width);
    row
}

fn close(row: &mut Vec<Run>, width: u32) {
    row.extend([Run { end: width, colour: NONE, history: NEW_END }; 3]);
}

/// Lets the ends of a repeated row grow old; after two repetitions nothing changes.
fn repeat(row: &mut [Run]) {
    row.iter_mut().for_each(|run| run.history = history(0, run.history));
}
