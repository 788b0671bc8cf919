//! The 32 neighbours that linear predictors weigh, as four vectors. `docs/codecs/archival.md` §3.
//!
//! Vectors are blended from loads of whole rows. Samples of the current row come from a register that is shifted,
//! so that a decoder never waits for a sample it has just stored.

use super::plane::{Above, Reference};
use crate::simd::Lanes;

/// Neighbours less a base: 16 near ones and 16 further ones.
#[derive(Debug, Clone, Copy)]
pub(super) struct Taps<F> {
    pub(super) near: [F; 2],
    pub(super) far: [F; 2],
    /// What a prediction is added to: `(W + N) / 2`.
    pub(super) base: f32,
}

/// The eight samples from `at`.
#[inline(always)]
fn load<L: Lanes>(l: L, row: &[f32], at: usize) -> L::F {
    match row.get(at..).and_then(<[f32]>::first_chunk) {
        Some(eight) => l.load(eight),
        None => l.splat(0.0),
    }
}

#[inline(always)]
fn middle(w: f32, n: f32) -> f32 {
    (w + n) * 0.5
}

/// The taps of the sample in padded column `at`; `recent` holds the eight samples left of it, W last.
#[inline(always)]
pub(super) fn gather<L: Lanes>(
    l: L,
    own: &Above<'_>,
    references: &[Reference<'_>],
    at: usize,
    w: f32,
    recent: L::F,
) -> Taps<L::F> {
    let base = middle(w, own.one[at]);
    match references {
        [] => spatial(l, own, at, base, recent),
        [reference] => with_one(l, own, reference, at, base, recent),
        [first, second, ..] => with_two(l, own, [first, second], at, base, recent),
    }
}

#[inline(always)]
fn spatial<L: Lanes>(l: L, own: &Above<'_>, at: usize, base: f32, recent: L::F) -> Taps<L::F> {
    let b = l.splat(base);
    let two = load(l, own.two, at - 2);
    let near = [load(l, own.one, at - 3), l.blend::<0b1110_0000>(two, recent)];
    let left = l.blend::<0b0000_0100>(load(l, own.one, at - 5), load(l, own.two, at - 5));
    let far = [load(l, own.three, at - 3), l.blend::<0b1110_0000>(l.blend::<0b0001_1000>(left, recent), two)];
    Taps { near: near.map(|v| l.sub(v, b)), far: far.map(|v| l.sub(v, b)), base }
}

#[inline(always)]
fn with_one<L: Lanes>(
    l: L,
    own: &Above<'_>,
    p: &Reference<'_>,
    at: usize,
    base: f32,
    recent: L::F,
) -> Taps<L::F> {
    let b = l.splat(base);
    let b_p = l.splat(middle(p.here[at - 1], p.above[at]));
    let here_p = l.splat(p.here[at]);

    let own_near = l.blend::<0b0010_0000>(load(l, own.one, at - 2), load(l, own.two, at - 5));
    let own_near = l.blend::<0b1100_0000>(own_near, recent);
    let near_p = l.blend::<0b0011_1000>(load(l, p.here, at - 1), load(l, p.above, at - 4));
    let near_p = l.blend::<0b0100_0000>(near_p, load(l, p.below, at - 6));
    let near_p = l.blend::<0b1000_0000>(near_p, load(l, own.two, at - 6));

    let own_far = l.blend::<0b0000_1000>(load(l, own.two, at - 3), load(l, own.three, at - 3));
    let own_far = l.blend::<0b0001_0000>(own_far, load(l, own.two, at - 2));
    let own_far = l.blend::<0b0010_0000>(own_far, recent);
    let own_far = l.blend::<0b0100_0000>(own_far, load(l, own.one, at - 3));
    let own_far = l.blend::<0b1000_0000>(own_far, load(l, own.one, at - 10));
    let far_p = l.blend::<0b0000_0010>(load(l, p.below, at - 1), load(l, p.above, at - 3));
    let far_p = l.blend::<0b0001_0000>(far_p, load(l, p.here, at - 6));
    let far_p = l.blend::<0b0110_0000>(far_p, load(l, p.here, at - 3));
    let far_p = l.blend::<0b1000_0000>(far_p, load(l, p.above, at - 5));

    Taps {
        near: [l.sub(own_near, b), l.sub(near_p, l.blend::<0b1000_0000>(b_p, b))],
        far: [l.sub(own_far, b), l.sub(far_p, here_p)],
        base,
    }
}

#[inline(always)]
fn with_two<L: Lanes>(
    l: L,
    own: &Above<'_>,
    [p, q]: [&Reference<'_>; 2],
    at: usize,
    base: f32,
    recent: L::F,
) -> Taps<L::F> {
    let b = l.splat(base);
    let b_p = l.splat(middle(p.here[at - 1], p.above[at]));
    let b_q = l.splat(middle(q.here[at - 1], q.above[at]));
    let (here_p, here_q) = (l.splat(p.here[at]), l.splat(q.here[at]));

    let own_near = l.blend::<0b0000_1000>(load(l, own.one, at - 1), load(l, own.two, at - 3));
    let own_near = l.blend::<0b0001_0000>(own_near, load(l, p.below, at - 4));
    let own_near = l.blend::<0b0010_0000>(own_near, load(l, q.below, at - 5));
    let own_near = l.blend::<0b1100_0000>(own_near, recent);
    let own_bases = l.blend::<0b0010_0000>(l.blend::<0b0001_0000>(b, b_p), b_q);
    let near_pq = l.blend::<0b0000_1000>(load(l, p.here, at - 1), load(l, p.above, at - 4));
    let near_pq = l.blend::<0b0111_0000>(near_pq, load(l, q.here, at - 5));
    let near_pq = l.blend::<0b1000_0000>(near_pq, load(l, q.above, at - 8));

    let own_far = l.blend::<0b0000_0010>(load(l, own.two, at - 1), load(l, own.three, at - 1));
    let own_far = l.blend::<0b0000_1000>(own_far, load(l, own.one, at - 1));
    let own_far = l.blend::<0b0001_0000>(own_far, load(l, own.one, at - 6));
    let own_far = l.blend::<0b0010_0000>(own_far, recent);
    let own_far = l.blend::<0b0100_0000>(own_far, load(l, p.here, at - 4));
    let own_far = l.blend::<0b1000_0000>(own_far, load(l, q.here, at - 5));
    let far_bases = l.blend::<0b1000_0000>(l.blend::<0b0100_0000>(b, here_p), here_q);
    let far_pq = l.blend::<0b0000_0100>(load(l, p.above, at), load(l, p.below, at - 3));
    let far_pq = l.blend::<0b0000_1000>(far_pq, load(l, p.below, at - 2));
    let far_pq = l.blend::<0b0011_0000>(far_pq, load(l, q.above, at - 4));
    let far_pq = l.blend::<0b0100_0000>(far_pq, load(l, q.below, at - 7));
    let far_pq = l.blend::<0b1000_0000>(far_pq, load(l, q.below, at - 6));

    Taps {
        near: [l.sub(own_near, own_bases), l.sub(near_pq, l.blend::<0b1111_0000>(b_p, b_q))],
        far: [l.sub(own_far, far_bases), l.sub(far_pq, l.blend::<0b1111_0000>(here_p, here_q))],
        base,
    }
}
