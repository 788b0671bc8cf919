//! Planes and copies of a tile in turns, until one is so far behind that only the other goes on. Encoder only.

use super::indexed::{Copying, Guess};
use crate::TileRef;

/// Planes and copies are compared after so many parts of a tile's rows.
pub(super) const N_PARTS: usize = 8;
/// Percent of what is left, by the guess for planes, that planes may still gain on copies.
const PLANES_MAY_GAIN: u64 = 8;
/// The same for copies: more, for the farther they come the more there is to copy from.
const COPIES_MAY_GAIN: u64 = 50;

/// What a coder of planes gives up for.
#[derive(Default)]
pub(super) struct Limit<'a, 'tile> {
    /// Bytes of the planes that are too many.
    pub(super) most_bytes: Option<usize>,
    /// Copies of the same tile.
    pub(super) race: Option<&'a mut Race<'tile>>,
}

impl<'tile> Limit<'_, 'tile> {
    /// No more than so many bytes.
    #[cfg(test)]
    pub(super) fn of(most_bytes: usize) -> Self {
        Self { most_bytes: Some(most_bytes), race: None }
    }

    /// The same with no more than so many bytes, if that is less.
    pub(super) fn within(&mut self, most_bytes: Option<usize>) -> Limit<'_, 'tile> {
        let most_bytes = [self.most_bytes, most_bytes].into_iter().flatten().min();
        Limit { most_bytes, race: self.race.as_deref_mut() }
    }

    /// The same for what comes after `n_bytes`.
    pub(super) fn after(&mut self, n_bytes: usize) -> Limit<'_, 'tile> {
        let most_bytes = self.most_bytes.map(|most_bytes| most_bytes.saturating_sub(n_bytes));
        Limit { most_bytes, race: self.race.as_deref_mut() }
    }

    /// Whether there is anything to give up for.
    pub(super) fn is_some(&self) -> bool {
        self.most_bytes.is_some() || self.race.is_some()
    }

    /// Whether planes go on that take at least `n_bits` for the rows above `n_rows`.
    pub(super) fn allows(&mut self, n_rows: usize, n_bits: u64) -> bool {
        self.most_bytes.is_none_or(|most_bytes| n_bits <= 8 * most_bytes as u64)
            && self.race.as_mut().is_none_or(|race| race.allows(n_rows, n_bits))
    }
}

/// Copies that are found as far as planes are.
pub(super) struct Race<'tile> {
    tile: &'tile TileRef<'tile>,
    guess: Guess,
    has_many_colours: bool,
    /// Begun when they are asked for first.
    copying: Option<Copying>,
    /// Whether copies are out.
    is_over: bool,
}

impl<'tile> Race<'tile> {
    /// `has_many_colours` if they are known to be more than 256.
    pub(super) fn new(tile: &'tile TileRef<'tile>, guess: Guess, has_many_colours: bool) -> Self {
        Self { tile, guess, has_many_colours, copying: None, is_over: false }
    }

    /// Copies of the whole tile; `None` if they are too far behind, take more than `most_bytes`, or cannot be. To be asked
    /// once.
    pub(super) fn copies(&mut self, most_bytes: usize) -> Option<Vec<u8>> {
        self.copying()?.finish(most_bytes)
    }

    /// `None` if copies are out.
    fn copying(&mut self) -> Option<&mut Copying> {
        if self.copying.is_none() && !self.is_over {
            self.copying = Copying::of(self.tile, self.has_many_colours);
            self.is_over = self.copying.is_none();
        }
        self.copying.as_mut().filter(|_| !self.is_over)
    }

    fn allows(&mut self, n_rows: usize, n_bits: u64) -> bool {
        let n_all = u64::from(self.tile.shape().height);
        let n_left = 8 * self.guess.planes * n_all.saturating_sub(n_rows as u64) / n_all;
        let Some(copying) = self.copying() else { return true };
        let n_copied = copying.bits_of(n_rows);
        // Planes will take tables as well; what copies take is counted roughly.
        if n_copied > n_bits + n_bits / 16 + n_left * COPIES_MAY_GAIN / 100 {
            self.is_over = true;
            self.copying = None;
        }
        n_bits <= n_copied + n_copied / 256 + n_left * PLANES_MAY_GAIN / 100
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::{coder, frontend, indexed};
    use crate::{SampleType, TileShape};
    use coder::Coder;

    const SHAPE: TileShape =
        TileShape { width: 256, height: 200, n_channels: 3, sample: SampleType::U8, is_rgb: true };

    /// Waves with some noise where `is_wave` says so for a row, else one of ten patterns of many colours again and again.
    fn picture(is_wave: impl Fn(usize) -> bool) -> Vec<u8> {
        let mut state = 1_u32;
        let mut random = move || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        let colours: Vec<[u8; 3]> = (0..800).map(|_| [(); 3].map(|()| random())).collect();
        let pixel = |i: usize| {
            let (x, y) = (i % 256, i / 256);
            if is_wave(y) {
                let wave = 100.0 + 60.0 * (x as f32 / 40.0).sin() + 30.0 * (y as f32 / 30.0).cos();
                return [0, 7, 20].map(|c| wave as u8 + c + random() % 6);
            }
            if x % 16 < 6 {
                [250; 3]
            } else {
                colours[(x / 16 * 7 + y / 10) % 10 * 80 + x % 16 * 5 + y % 10 / 2]
            }
        };
        (0..SHAPE.n_pixels()).flat_map(pixel).collect()
    }

    /// Bytes of planes and of copies, `None` for what was given up, beside those of each by itself.
    fn raced(samples: &[u8]) -> [[Option<usize>; 2]; 2] {
        let rows: Vec<&[u8]> = samples.chunks_exact(SHAPE.row_bytes()).collect();
        let tile = TileRef::new(SHAPE, &rows).unwrap();
        let guess = indexed::guess(&tile).unwrap();
        let planes = frontend::split(&tile).planes.unwrap();
        let mut race = Race::new(&tile, guess, false);
        let limit = Limit { most_bytes: None, race: Some(&mut race) };
        let n_planes = coder::encode(Coder::Wavefront, &planes, limit).map(|coded| coded.len());
        let n_copies = race.copies(usize::MAX).map(|coded| coded.len());
        let alone = [
            coder::encode(Coder::Wavefront, &planes, Limit::default()).map(|coded| coded.len()),
            Copying::of(&tile, false).unwrap().finish(usize::MAX).map(|coded| coded.len()),
        ];
        [[n_planes, n_copies], alone]
    }

    #[test]
    fn one_that_is_far_behind_gives_up_and_the_other_is_as_it_is_alone() {
        let [raced_screen, [planes, copies]] = raced(&picture(|_| false));
        assert!(copies < planes, "{copies:?} {planes:?}");
        assert_eq!(raced_screen, [None, copies]);
        let [raced_photo, [planes, copies]] = raced(&picture(|_| true));
        assert!(planes < copies, "{planes:?} {copies:?}");
        assert_eq!(raced_photo, [planes, None]);
    }

    #[test]
    fn rows_that_cost_little_decide_nothing() {
        // A few rows of patterns, by far better as copies, take a small part of what the waves below do.
        let [[planes, _], [planes_alone, copies_alone]] = raced(&picture(|y| y >= 4));
        assert!(planes_alone < copies_alone, "{planes_alone:?} {copies_alone:?}");
        assert_eq!(planes, planes_alone);
    }

    #[test]
    fn copies_are_the_same_however_they_are_asked_for() {
        let samples = picture(|y| y % 50 < 20);
        let rows: Vec<&[u8]> = samples.chunks_exact(SHAPE.row_bytes()).collect();
        let tile = TileRef::new(SHAPE, &rows).unwrap();
        let at_once = Copying::of(&tile, false).unwrap().finish(usize::MAX).unwrap();
        let mut in_parts = Copying::of(&tile, false).unwrap();
        let n_bits = [1, 2, 30, 30, 7, 199, 200, 300].map(|n_rows| in_parts.bits_of(n_rows));
        assert!(n_bits[0] < n_bits[1] && n_bits[1] < n_bits[4] && n_bits[4] < n_bits[2], "{n_bits:?}");
        assert_eq!((n_bits[2], n_bits[6]), (n_bits[3], n_bits[7]));
        assert_eq!(in_parts.finish(usize::MAX).unwrap(), at_once);
        let n_coded = 8 * at_once.len() as u64;
        assert!(n_bits[7].abs_diff(n_coded) < n_coded / 50, "{n_bits:?} {n_coded}");
    }
}
