//! What a plane remembers while eight rows are walked at once.
//!
//! At step `t` lane `k` stands at column `t - 3k` of row `k` of a group of eight, so the lane above is three columns
//! ahead. A frame keeps what the lanes made at one step; read one float earlier it gives every lane what the lane
//! above made, lane 0 being fed from the last row of the group before.

use crate::simd::Lanes;

/// Columns by which a lane trails the lane above.
pub(super) const SKEW: isize = 3;
/// The first step of a group: lane 0 is two columns left of the picture.
pub(super) const FIRST_STEP: isize = -2;

/// The last step of a group: lane 7 is one column right of the picture.
pub(super) fn last_step(width: usize) -> isize {
    width as isize + 7 * SKEW
}

const N_FRAMES: usize = 16;

/// `[.., second line above, line above, lane 0, …, lane 7]`.
type Frame = [f32; 16];

/// The frames of the last sixteen steps.
#[derive(Debug, Clone)]
pub(super) struct Ring([Frame; N_FRAMES]);

impl Ring {
    pub(super) fn new() -> Self {
        Self([[0.0; 16]; N_FRAMES])
    }

    #[inline(always)]
    fn frame(&self, t: isize) -> &Frame {
        &self.0[t as usize % N_FRAMES]
    }

    /// What each lane made at step `t`.
    #[inline(always)]
    pub(super) fn own<L: Lanes>(&self, l: L, t: isize) -> L::F {
        let [_, _, _, _, _, _, _, _, eight @ ..] = self.frame(t);
        l.load(eight)
    }

    /// What the lane above each lane made at step `t`.
    #[inline(always)]
    pub(super) fn above<L: Lanes>(&self, l: L, t: isize) -> L::F {
        let [_, _, _, _, _, _, _, eight @ .., _] = self.frame(t);
        l.load(eight)
    }

    /// What the lane two above each lane made at step `t`.
    #[inline(always)]
    pub(super) fn above2<L: Lanes>(&self, l: L, t: isize) -> L::F {
        let [_, _, _, _, _, _, eight @ .., _, _] = self.frame(t);
        l.load(eight)
    }

    /// [`Ring::above`] for a step so recent that its store may not have settled.
    #[inline(always)]
    pub(super) fn above_recent<L: Lanes>(&self, l: L, t: isize) -> L::F {
        l.shift_up(self.own(l, t), self.frame(t)[7])
    }

    /// Keeps step `t`, with what stands at the same step in the line above the group.
    #[inline(always)]
    pub(super) fn put<L: Lanes>(&mut self, l: L, t: isize, lanes: L::F, line: f32) {
        let frame = &mut self.0[t as usize % N_FRAMES];
        frame[7] = line;
        let [_, _, _, _, _, _, _, _, eight @ ..] = frame;
        l.store(lanes, eight);
    }

    /// Keeps for [`Ring::above2`] what stands at step `t` in the second line above the group.
    #[inline(always)]
    pub(super) fn put_above2(&mut self, t: isize, line2: f32) {
        self.0[t as usize % N_FRAMES][6] = line2;
    }

    /// Lane `k` at step `t`.
    #[inline(always)]
    pub(super) fn lane(&self, t: isize, k: usize) -> f32 {
        self.frame(t)[8 + (k & 7)]
    }

    /// Clears the lanes before a group; `line` and `line2` give what feeds the frames before its first step, by column.
    pub(super) fn restart(&mut self, line: impl Fn(isize) -> f32, line2: impl Fn(isize) -> f32) {
        self.0 = [[0.0; 16]; N_FRAMES];
        for t in FIRST_STEP - 6..FIRST_STEP {
            let frame = &mut self.0[t as usize % N_FRAMES];
            frame[7] = line(t + SKEW);
            frame[6] = line2(t + 2 * SKEW);
        }
    }
}

/// One row, readable some columns beyond both ends.
#[derive(Debug, Clone)]
pub(super) struct Line<T>(Vec<T>);

impl<T: Copy + Default> Line<T> {
    const PAD: isize = 8;

    pub(super) fn new(width: usize, value: T) -> Self {
        Self(vec![value; width + 5 * Self::PAD as usize])
    }

    #[inline(always)]
    pub(super) fn at(&self, x: isize) -> T {
        self.0.get((x + Self::PAD) as usize).copied().unwrap_or_default()
    }

    #[inline(always)]
    pub(super) fn put(&mut self, x: isize, value: T) {
        if let Some(place) = self.0.get_mut((x + Self::PAD) as usize) {
            *place = value;
        }
    }

    /// Repeats column `width` to its right.
    pub(super) fn end(&mut self, width: usize) {
        let (_, right) = self.0.split_at_mut(width + Self::PAD as usize);
        if let [first, rest @ ..] = right {
            rest.fill(*first);
        }
    }
}
