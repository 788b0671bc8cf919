//! Samples into residuals and what surrounds them, in the order of decoding. Encoder only.

use super::colour::{Colour, gradient};
use super::flags::n_steps;
use super::strip::Strip;
use super::{N_LANES, SKEW};
use crate::TileRef;
use crate::simd::ByteLanes;

/// One byte for every lane of a step.
pub(super) type Step = [u8; N_LANES];

/// One plane's residuals in one strip, step after step.
#[derive(Debug)]
pub(super) struct Residuals {
    /// Zigzag residuals; 0 in lanes outside the picture.
    pub(super) zigzag: Vec<Step>,
    /// Energy around each.
    pub(super) energy: Vec<Step>,
    strip: Strip,
    /// The row above the strip, its first column at 1, and the magnitudes of its residuals.
    top: Vec<u8>,
    top_magnitude: Vec<u8>,
    /// The row above that.
    above: Vec<u8>,
}

/// A row of a [`Residuals`].
#[derive(Debug, Clone, Copy)]
enum Row {
    Strip(usize),
    Top,
    Above,
}

/// Takes the residuals of strip `strip` of every plane and says how many rows it has.
#[inline(always)]
pub(super) fn take<L: ByteLanes>(
    l: L,
    tile: &TileRef<'_>,
    colour: Colour,
    strip: usize,
    planes: &mut [Residuals],
) -> usize {
    let width = tile.shape().width as usize;
    let (before, rows) = tile.rows().split_at(strip * N_LANES);
    let rows = &rows[..rows.len().min(N_LANES)];
    for (i, row) in rows.iter().enumerate() {
        take_apart(l, row, colour, planes, Row::Strip(i));
    }
    // No strip but the last has fewer than 32 rows.
    if let [.., above, top] = before {
        take_apart(l, top, colour, planes, Row::Top);
        take_apart(l, above, colour, planes, Row::Above);
    }
    for plane in planes {
        plane.load_top(width, before.is_empty());
        plane.strip.take_steps(l);
        plane.predict(l, width, rows.len());
    }
    rows.len()
}

/// The transformed samples of a row, plane by plane.
#[inline(always)]
fn take_apart<L: ByteLanes>(l: L, row: &[u8], colour: Colour, planes: &mut [Residuals], place: Row) {
    match planes {
        [one] => one.row_mut(place).copy_from_slice(row),
        [r, g, b] => {
            let (r, r_rest) = r.row_mut(place).as_chunks_mut();
            let (g, g_rest) = g.row_mut(place).as_chunks_mut();
            let (b, b_rest) = b.row_mut(place).as_chunks_mut();
            let (pixels, rest) = row.as_chunks::<{ 3 * N_LANES }>();
            for (((p, q), s), pixels) in r.iter_mut().zip(g).zip(b).zip(pixels) {
                let ([first, second, third], _) = pixels.as_chunks() else { continue };
                let row = [l.load_u8(first), l.load_u8(second), l.load_u8(third)];
                let [u, v, w] = colour.forward_lanes(l, l.deinterleave3_u8(row));
                l.store_u8(u, p);
                l.store_u8(v, q);
                l.store_u8(w, s);
            }
            let places = r_rest.iter_mut().zip(g_rest).zip(b_rest);
            for (((p, q), s), pixel) in places.zip(rest.as_chunks::<3>().0) {
                [*p, *q, *s] = colour.forward(*pixel);
            }
        }
        [r, g, b, a] => {
            let colours = r.row_mut(place).iter_mut().zip(g.row_mut(place)).zip(b.row_mut(place));
            let places = colours.zip(a.row_mut(place));
            for ((((p, q), s), a), [red, green, blue, alpha]) in places.zip(row.as_chunks::<4>().0) {
                [*p, *q, *s] = colour.forward([*red, *green, *blue]);
                *a = *alpha;
            }
        }
        others => {
            let n = others.len();
            for (c, plane) in others.iter_mut().enumerate() {
                let samples = row.iter().skip(c).step_by(n);
                plane.row_mut(place).iter_mut().zip(samples).for_each(|(to, from)| *to = *from);
            }
        }
    }
}

impl Residuals {
    pub(super) fn new(width: usize) -> Self {
        let n = n_steps(width);
        Self {
            zigzag: vec![[0; N_LANES]; n],
            energy: vec![[0; N_LANES]; n],
            strip: Strip::new(width),
            top: vec![0; n + 2],
            top_magnitude: vec![0; n + 2],
            above: vec![0; width],
        }
    }

    #[inline(always)]
    fn row_mut(&mut self, row: Row) -> &mut [u8] {
        let width = self.above.len();
        match row {
            Row::Strip(i) => self.strip.row_mut(i),
            Row::Top => &mut self.top[1..=width],
            Row::Above => &mut self.above,
        }
    }

    /// The magnitudes of the row above the strip; zeros above the picture.
    #[inline(always)]
    fn load_top(&mut self, width: usize, is_first: bool) {
        let (top, magnitudes) = (&mut self.top[1..=width], &mut self.top_magnitude[1..=width]);
        if is_first {
            top.fill(0);
            magnitudes.fill(0);
            return;
        }
        let magnitude = |w: u8, n: u8, nw: u8, value: u8| {
            let error = value.wrapping_sub(gradient(w, n, nw));
            error.min(error.wrapping_neg())
        };
        if let (Some(m), Some(n), Some(value)) = (magnitudes.first_mut(), self.above.first(), top.first()) {
            *m = magnitude(*n, *n, *n, *value);
        }
        let places = magnitudes.iter_mut().skip(1).zip(top.windows(2)).zip(self.above.windows(2));
        for ((m, row), above) in places {
            *m = magnitude(row[0], above[1], above[0], row[1]);
        }
    }

    /// Residuals and energies of the strip.
    #[inline(always)]
    fn predict<L: ByteLanes>(&mut self, l: L, width: usize, n_rows: usize) {
        let zero = l.splat_u8(0);
        let first = |value: u8| l.shift_up_u8(zero, value);
        let (mut w, mut n, mut nw) = (first(self.top[1]), first(self.top[1]), first(self.top[0]));
        let (mut mw, mut mn) = (zero, first(self.top_magnitude[1]));
        let mut mnw = first(self.top_magnitude[0]);
        let places = self.zigzag.iter_mut().zip(&mut self.energy).zip(&self.strip.steps);
        let tops = self.top[2..].iter().zip(&self.top_magnitude[2..]);
        for (t, (((zigzag, energies), values), (top, top_magnitude))) in places.zip(tops).enumerate() {
            let ne = l.shift_up_u8(w, *top);
            let mne = l.shift_up_u8(mw, *top_magnitude);
            let (low, high) = (l.min_u8(w, n), l.max_u8(w, n));
            let prediction = l.sub_u8(l.add_u8(w, n), l.min_u8(l.max_u8(nw, low), high));
            let near = l.average_u8(mw, mn);
            let energy = l.add_capped_u8(near, l.average_u8(l.average_u8(mnw, mne), near));
            let mut value = l.load_u8(values);
            let mut error = l.sub_u8(value, prediction);
            if n_rows < N_LANES || t < SKEW * (N_LANES - 1) || t >= width {
                let active = l.load_u8(&super::active(t, width, n_rows));
                value = l.select_u8(active, value, ne);
                error = l.and_u8(error, active);
            }
            // Zigzag: twice the error, all bits turned if it is negative.
            let is_negative = l.gt_i8(zero, error);
            let twice = l.add_u8(error, error);
            let turned = l.sub_u8(l.splat_u8(255), twice);
            l.store_u8(l.select_u8(is_negative, turned, twice), zigzag);
            l.store_u8(energy, energies);
            let magnitude = l.min_u8(error, l.sub_u8(zero, error));
            (nw, n, w) = (n, ne, value);
            (mnw, mn, mw) = (mn, mne, magnitude);
        }
    }
}
