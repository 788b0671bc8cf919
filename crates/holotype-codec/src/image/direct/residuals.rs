//! Samples into residuals and what surrounds them, in the order of decoding. Encoder only.

use super::colour::Colour;
use super::flags::n_steps;
use super::{N_LANES, SKEW};
use crate::TileRef;
use crate::simd::ByteLanes;

/// One byte for every lane of a step.
pub(super) type Step = [u8; N_LANES];

/// One plane's residuals: strip after strip, step after step.
#[derive(Debug, Clone)]
pub(super) struct Residuals {
    /// Zigzag residuals; 0 in lanes outside the picture.
    pub(super) zigzag: Vec<Step>,
    /// Energy around each.
    pub(super) energy: Vec<Step>,
    /// The samples of the strip at hand.
    steps: Vec<Step>,
    /// The last row of the strip before and its magnitudes, its first column at 1.
    top: Vec<u8>,
    top_magnitude: Vec<u8>,
}

/// The residuals of every plane of a tile.
#[inline(always)]
pub(super) fn take<L: ByteLanes>(l: L, tile: &TileRef<'_>, colour: Colour) -> Vec<Residuals> {
    let shape = tile.shape();
    let (width, n_planes) = (shape.width as usize, usize::from(shape.n_channels));
    let n = n_steps(width);
    let n_all = n * tile.rows().len().div_ceil(N_LANES);
    let new = || Residuals {
        zigzag: Vec::with_capacity(n_all),
        energy: Vec::with_capacity(n_all),
        steps: vec![[0; N_LANES]; n],
        top: vec![0; n + 2],
        top_magnitude: vec![0; n + 2],
    };
    let mut planes: Vec<Residuals> = (0..n_planes).map(|_| new()).collect();
    let mut split = vec![vec![0; width]; n_planes];
    for rows in tile.rows().chunks(N_LANES) {
        for (i, row) in rows.iter().enumerate() {
            take_apart(row, colour, &mut split);
            for (plane, row) in planes.iter_mut().zip(&split) {
                plane.steps[SKEW * i..].iter_mut().zip(row).for_each(|(step, value)| step[i] = *value);
            }
        }
        planes.iter_mut().for_each(|plane| plane.predict(l, width, rows.len()));
    }
    planes
}

/// The transformed samples of a row, plane by plane.
#[inline(always)]
fn take_apart(row: &[u8], colour: Colour, planes: &mut [Vec<u8>]) {
    match planes {
        [one] => one.copy_from_slice(row),
        [r, g, b] => {
            let places = r.iter_mut().zip(g).zip(b);
            for (((p, q), s), pixel) in places.zip(row.as_chunks::<3>().0) {
                [*p, *q, *s] = colour.forward(*pixel);
            }
        }
        [r, g, b, a] => {
            let places = r.iter_mut().zip(g).zip(b).zip(a);
            for ((((p, q), s), a), [red, green, blue, alpha]) in places.zip(row.as_chunks::<4>().0) {
                [*p, *q, *s] = colour.forward([*red, *green, *blue]);
                *a = *alpha;
            }
        }
        others => {
            let n = others.len();
            for (c, plane) in others.iter_mut().enumerate() {
                plane.iter_mut().zip(row.iter().skip(c).step_by(n)).for_each(|(to, from)| *to = *from);
            }
        }
    }
}

impl Residuals {
    /// Appends a strip.
    #[inline(always)]
    fn predict<L: ByteLanes>(&mut self, l: L, width: usize, n_rows: usize) {
        let zero = l.splat_u8(0);
        let first = |value: u8| l.shift_up_u8(zero, value);
        let (mut w, mut n, mut nw) = (first(self.top[1]), first(self.top[1]), first(self.top[0]));
        let (mut mw, mut mn) = (zero, first(self.top_magnitude[1]));
        let mut mnw = first(self.top_magnitude[0]);
        for t in 0..n_steps(width) {
            let ne = l.shift_up_u8(w, self.top[t + 2]);
            let mne = l.shift_up_u8(mw, self.top_magnitude[t + 2]);
            let (low, high) = (l.min_u8(w, n), l.max_u8(w, n));
            let prediction = l.sub_u8(l.add_u8(w, n), l.min_u8(l.max_u8(nw, low), high));
            let near = l.average_u8(mw, mn);
            let energy = l.add_capped_u8(near, l.average_u8(l.average_u8(mnw, mne), near));
            let mut value = l.load_u8(&self.steps[t]);
            let mut error = l.sub_u8(value, prediction);
            if n_rows < N_LANES || t < SKEW * (N_LANES - 1) || t >= width {
                let active = l.load_u8(&super::active(t, width, n_rows));
                value = l.select_u8(active, value, ne);
                error = l.and_u8(error, active);
            }
            // Zigzag: twice the error, all bits turned if it is negative.
            let is_negative = l.eq_u8(l.max_u8(error, l.splat_u8(128)), error);
            let twice = l.add_u8(error, error);
            let turned = l.sub_u8(l.splat_u8(255), twice);
            let zigzag = l.select_u8(is_negative, turned, twice);
            let magnitude = l.min_u8(error, l.sub_u8(zero, error));
            let mut out = [0; N_LANES];
            l.store_u8(zigzag, &mut out);
            self.zigzag.push(out);
            l.store_u8(energy, &mut out);
            self.energy.push(out);
            if t >= SKEW * (N_LANES - 1) {
                let x = t - SKEW * (N_LANES - 1);
                l.store_u8(magnitude, &mut out);
                self.top[x + 1] = self.steps[t][N_LANES - 1];
                self.top_magnitude[x + 1] = out[N_LANES - 1];
            }
            (nw, n, w) = (n, ne, value);
            (mnw, mn, mw) = (mn, mne, magnitude);
        }
    }
}
