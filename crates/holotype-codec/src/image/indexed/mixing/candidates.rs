//! Pixels that are likely to come next. `docs/codecs/indexed.md` §7.2.

use super::around::{Around, Grid};
use super::mixer::Hash;

/// Most guesses for a pixel.
pub(super) const MAX_CANDIDATES: usize = 6;
const PLACES_LOG2: u32 = 16;
const MAX_LENGTH: u32 = 63;

/// What followed a neighbourhood.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Habit {
    pub(super) pixel: u32,
    /// How often in a row; 0 if never.
    pub(super) n: u32,
    /// The other pixel before that, if `has_second`.
    pub(super) second: u32,
    pub(super) has_second: bool,
}

/// Guesses from neighbourhoods seen before.
#[derive(Debug)]
pub(super) struct Memory {
    habits: Vec<Habit>,
    /// Where a neighbourhood was last, by its hash; 0 if nowhere.
    places: Vec<u32>,
    /// Where the present match is; 0 without one.
    at: usize,
    /// How many pixels it has foretold.
    pub(super) length: u32,
    habit: usize,
    place: usize,
}

impl Memory {
    pub(super) fn new() -> Self {
        Self {
            habits: vec![Habit::default(); 1 << PLACES_LOG2],
            places: vec![0; 1 << PLACES_LOG2],
            at: 0,
            length: 0,
            habit: 0,
            place: 0,
        }
    }

    /// Forgets the match: a new row begins.
    pub(super) fn break_off(&mut self) {
        (self.at, self.length) = (0, 0);
    }

    /// Looks up what is known for the pixel at `at`.
    pub(super) fn look(&mut self, grid: &Grid, a: &Around) -> Habit {
        let place = |kind, near: &mut dyn Iterator<Item = u32>| {
            let hash = near.fold(Hash::new(kind), Hash::with);
            (hash.value() >> (32 - PLACES_LOG2)) as usize
        };
        self.habit = place(1, &mut [a.w(), a.n(), a.nw(), a.ne(), a.ww(), a.nn()].into_iter());
        self.place = place(2, &mut a.west.into_iter().chain(a.above));
        if self.at == 0 {
            let other = self.places[self.place] as usize;
            if other != 0 {
                let b = grid.around(other);
                if a.west == b.west && a.n() == b.n() {
                    self.at = other;
                }
            }
        }
        self.habits[self.habit]
    }

    /// The pixel the match foretells.
    pub(super) fn foretold(&self, grid: &Grid) -> Option<u32> {
        (self.at != 0).then(|| grid.pixels[self.at])
    }

    /// Learns the pixel at `at`, the last one looked at.
    pub(super) fn learn(&mut self, grid: &Grid, at: usize) {
        let pixel = grid.pixels[at];
        let habit = &mut self.habits[self.habit];
        if habit.n > 0 && habit.pixel == pixel {
            habit.n = (habit.n + 1).min(255);
        } else {
            *habit = Habit { pixel, n: 1, second: habit.pixel, has_second: habit.n > 0 };
        }
        self.places[self.place] = at as u32;
        if self.at != 0 {
            if grid.pixels[self.at] == pixel {
                self.at += 1;
                self.length = (self.length + 1).min(MAX_LENGTH);
            } else {
                self.break_off();
            }
        }
    }
}

/// Guesses in the order they are asked, all different.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Candidates {
    pub(super) pixels: [u32; MAX_CANDIDATES],
    pub(super) n: usize,
}

impl Candidates {
    fn add(&mut self, pixel: Option<u32>, most: usize) {
        if let Some(pixel) = pixel
            && self.n < most
            && !self.pixels[..self.n].contains(&pixel)
        {
            self.pixels[self.n] = pixel;
            self.n += 1;
        }
    }

    /// At most `most` guesses; `foretold` by a match of `length`.
    pub(super) fn new(a: &Around, habit: &Habit, foretold: Option<u32>, length: u32, most: usize) -> Self {
        let mut all = Self::default();
        all.add(foretold.filter(|_| length >= 16), most);
        all.add((habit.n >= 2).then_some(habit.pixel), most);
        if a.n() == a.nw() && a.n() != a.w() {
            all.add(Some(a.w()), most);
            all.add(Some(a.n()), most);
        } else {
            all.add(Some(a.n()), most);
            all.add(Some(a.w()), most);
        }
        all.add(foretold, most);
        all.add((habit.n > 0).then_some(habit.pixel), most);
        all.add(Some(a.ne()), most);
        all.add(Some(a.nw()), most);
        all.add(habit.has_second.then_some(habit.second), most);
        all
    }
}
