//! The 32 neighbours that linear predictors weigh, as four vectors. `docs/codecs/archival.md` §3.
//!
//! Vectors are blended from loads of whole rows. Samples of the current row come from a register that is shifted,
//! so that a decoder never waits for a sample it has just stored.

use super::plane::{Above, Plane, Reference, References, Window};
use crate::simd::Lanes;

/// Neighbours less a base: 16 near ones and 16 further ones.
#[derive(Debug, Clone, Copy)]
pub(super) struct Taps<F> {
    pub(super) near: [F; 2],
    pub(super) far: [F; 2],
    /// What a prediction is added to: `(W + N) / 2`.
    pub(super) base: f32,
}

/// Where the sample lies in a window.
const AT: usize = Plane::LEFT;

/// The eight samples from the one `right` columns right of the sample.
#[inline(always)]
fn load<L: Lanes>(l: L, row: &Window, right: isize) -> L::F {
    match row.get(AT.wrapping_add_signed(right)..).and_then(<[f32]>::first_chunk) {
        Some(eight) => l.load(eight),
        None => l.splat(0.0),
    }
}

#[inline(always)]
fn middle(w: f32, n: f32) -> f32 {
    (w + n) * 0.5
}

/// The taps of a sample; `recent` holds the eight samples left of it, W last.
#[inline(always)]
pub(super) fn gather<L: Lanes>(
    l: L,
    own: &Above<&Window>,
    references: &References<Reference<&Window>>,
    w: f32,
    recent: L::F,
) -> Taps<L::F> {
    let base = middle(w, own.one[AT]);
    match references {
        References::None => spatial(l, own, base, recent),
        References::One(reference) => with_one(l, own, reference, base, recent),
        References::Two(references) => with_two(l, own, references, base, recent),
    }
}

#[inline(always)]
fn spatial<L: Lanes>(l: L, own: &Above<&Window>, base: f32, recent: L::F) -> Taps<L::F> {
    let b = l.splat(base);
    let two = load(l, own.two, -2);
    let near = [load(l, own.one, -3), l.blend::<0b1110_0000>(two, recent)];
    let left = l.blend::<0b0000_0100>(load(l, own.one, -5), load(l, own.two, -5));
    let far = [load(l, own.three, -3), l.blend::<0b1110_0000>(l.blend::<0b0001_1000>(left, recent), two)];
    Taps { near: near.map(|v| l.sub(v, b)), far: far.map(|v| l.sub(v, b)), base }
}

#[inline(always)]
fn with_one<L: Lanes>(
    l: L,
    own: &Above<&Window>,
    p: &Reference<&Window>,
    base: f32,
    recent: L::F,
) -> Taps<L::F> {
    let b = l.splat(base);
    let b_p = l.splat(middle(p.here[AT - 1], p.above[AT]));
    let here_p = l.splat(p.here[AT]);

    let own_near = l.blend::<0b0010_0000>(load(l, own.one, -2), load(l, own.two, -5));
    let own_near = l.blend::<0b1100_0000>(own_near, recent);
    let near_p = l.blend::<0b0011_1000>(load(l, p.here, -1), load(l, p.above, -4));
    let near_p = l.blend::<0b0100_0000>(near_p, load(l, p.below, -6));
    let near_p = l.blend::<0b1000_0000>(near_p, load(l, own.two, -6));

    let own_far = l.blend::<0b0000_1000>(load(l, own.two, -3), load(l, own.three, -3));
    let own_far = l.blend::<0b0001_0000>(own_far, load(l, own.two, -2));
    let own_far = l.blend::<0b0010_0000>(own_far, recent);
    let own_far = l.blend::<0b0100_0000>(own_far, load(l, own.one, -3));
    let own_far = l.blend::<0b1000_0000>(own_far, load(l, own.one, -10));
    let far_p = l.blend::<0b0000_0010>(load(l, p.below, -1), load(l, p.above, -3));
    let far_p = l.blend::<0b0001_0000>(far_p, load(l, p.here, -6));
    let far_p = l.blend::<0b0110_0000>(far_p, load(l, p.here, -3));
    let far_p = l.blend::<0b1000_0000>(far_p, load(l, p.above, -5));

    Taps {
        near: [l.sub(own_near, b), l.sub(near_p, l.blend::<0b1000_0000>(b_p, b))],
        far: [l.sub(own_far, b), l.sub(far_p, here_p)],
        base,
    }
}

#[inline(always)]
fn with_two<L: Lanes>(
    l: L,
    own: &Above<&Window>,
    [p, q]: &[Reference<&Window>; 2],
    base: f32,
    recent: L::F,
) -> Taps<L::F> {
    let b = l.splat(base);
    let b_p = l.splat(middle(p.here[AT - 1], p.above[AT]));
    let b_q = l.splat(middle(q.here[AT - 1], q.above[AT]));
    let (here_p, here_q) = (l.splat(p.here[AT]), l.splat(q.here[AT]));

    let own_near = l.blend::<0b0000_1000>(load(l, own.one, -1), load(l, own.two, -3));
    let own_near = l.blend::<0b0001_0000>(own_near, load(l, p.below, -4));
    let own_near = l.blend::<0b0010_0000>(own_near, load(l, q.below, -5));
    let own_near = l.blend::<0b1100_0000>(own_near, recent);
    let own_bases = l.blend::<0b0010_0000>(l.blend::<0b0001_0000>(b, b_p), b_q);
    let near_pq = l.blend::<0b0000_1000>(load(l, p.here, -1), load(l, p.above, -4));
    let near_pq = l.blend::<0b0111_0000>(near_pq, load(l, q.here, -5));
    let near_pq = l.blend::<0b1000_0000>(near_pq, load(l, q.above, -8));

    let own_far = l.blend::<0b0000_0010>(load(l, own.two, -1), load(l, own.three, -1));
    let own_far = l.blend::<0b0000_1000>(own_far, load(l, own.one, -1));
    let own_far = l.blend::<0b0001_0000>(own_far, load(l, own.one, -6));
    let own_far = l.blend::<0b0010_0000>(own_far, recent);
    let own_far = l.blend::<0b0100_0000>(own_far, load(l, p.here, -4));
    let own_far = l.blend::<0b1000_0000>(own_far, load(l, q.here, -5));
    let far_bases = l.blend::<0b1000_0000>(l.blend::<0b0100_0000>(b, here_p), here_q);
    let far_pq = l.blend::<0b0000_0100>(load(l, p.above, 0), load(l, p.below, -3));
    let far_pq = l.blend::<0b0000_1000>(far_pq, load(l, p.below, -2));
    let far_pq = l.blend::<0b0011_0000>(far_pq, load(l, q.above, -4));
    let far_pq = l.blend::<0b0100_0000>(far_pq, load(l, q.below, -7));
    let far_pq = l.blend::<0b1000_0000>(far_pq, load(l, q.below, -6));

    Taps {
        near: [l.sub(own_near, own_bases), l.sub(near_pq, l.blend::<0b1111_0000>(b_p, b_q))],
        far: [l.sub(own_far, far_bases), l.sub(far_pq, l.blend::<0b1111_0000>(here_p, here_q))],
        base,
    }
}
