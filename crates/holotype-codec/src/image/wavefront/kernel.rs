//! The walk over a tile: predictions, contexts and updates of eight rows at once.
//!
//! All planes advance together, each two columns behind the plane before, so a sample knows its neighbours in the
//! two planes before, the one to the right included. Encoder and decoder run the same walk and differ only in
//! their [`Residuals`].

use super::N_ENERGIES;
use super::history::{FIRST_STEP, Line, Ring, SKEW, last_step};
use super::model::{N_CROSS, N_LINEAR, N_OWN, N_TAPS, PlaneModel};
use crate::simd::Lanes;

/// Steps by which a plane trails the plane before.
const PLANE_LAG: isize = 2;
/// Blended predictions: two corrected by neighbouring errors, then the linear ones.
const N_PREDICTIONS: usize = 2 + N_LINEAR;
/// Bias classes: sixteen of energy, 64 of texture.
const N_BIASES: usize = 1024;

/// Where a residual is coded: everything its coder may look at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<L: Lanes> {
    /// Context of each lane, below [`super::N_CONTEXTS`].
    pub(super) context: L::I,
    /// Prediction rounded to a sample.
    pub(super) prediction: L::I,
    /// Mask of lanes whose residual is negated, because the prediction was rounded up.
    pub(super) is_flipped: L::I,
    /// Mask of lanes that stand on a sample.
    pub(super) active: L::I,
}

/// Codes samples, or decodes them.
pub(super) trait Residuals<L: Lanes> {
    /// A new group of eight rows begins; `row` is its first.
    fn begin_group(&mut self, row: usize);
    /// The samples of plane `c` at step `t`; lanes that are not active may be anything.
    fn code(&mut self, l: L, c: usize, t: isize, place: &Place<L>) -> L::I;
    /// The group ends; `n_rows` of it are in the picture. False if there is no use in going on.
    fn end_group(&mut self, row: usize, n_rows: usize) -> bool;
}

/// What the walk remembers of one plane.
struct PlaneState {
    /// Samples.
    values: Ring,
    /// Signed errors of the blend: blend minus sample.
    errors: Ring,
    /// Magnitudes of the rounded prediction's errors.
    energies: Ring,
    /// Sums of three neighbouring errors of each prediction.
    triples: [Ring; N_PREDICTIONS],
    /// Errors of each prediction in the last two steps, the even one first.
    recent: [[[f32; 8]; 2]; N_PREDICTIONS],
    /// Their sums.
    pairs: [[f32; 8]; N_PREDICTIONS],
    /// The last row of the group before: value, error, energy, triples.
    above: Line<[f32; 3 + N_PREDICTIONS]>,
    /// Values of the row before that.
    above2: Line<f32>,
    biases: Box<[i32; N_BIASES]>,
    /// Coefficients of each tap, the same in every lane.
    linear: Box<[[[f32; 8]; N_LINEAR]; N_TAPS]>,
    /// True if linear predictions are exact sums, however they are added up.
    is_exact: bool,
    low: f32,
    high: f32,
    error_scale: f32,
}

impl PlaneState {
    /// The plane of the last of `models`.
    fn new(models: &[PlaneModel], width: usize) -> Option<Self> {
        let model = models.last()?;
        let mut first = [0.0; 3 + N_PREDICTIONS];
        first[0] = model.start as f32;
        let coefficients = model.linear_f32();
        Some(Self {
            values: Ring::new(),
            errors: Ring::new(),
            energies: Ring::new(),
            triples: std::array::from_fn(|_| Ring::new()),
            recent: [[[0.0; 8]; 2]; N_PREDICTIONS],
            pairs: [[0.0; 8]; N_PREDICTIONS],
            above: Line::new(width, first),
            above2: Line::new(width, model.start as f32),
            biases: Box::new([0; N_BIASES]),
            linear: Box::new(std::array::from_fn(|tap| coefficients.map(|taps| [taps[tap]; 8]))),
            is_exact: has_exact_sums(models),
            low: model.low as f32,
            high: model.high as f32,
            error_scale: model.error_scale as f32,
        })
    }

    fn begin_group(&mut self) {
        let above = |field: usize| move |line: &Line<[f32; 3 + N_PREDICTIONS]>, x| line.at(x)[field];
        self.values.restart(|x| above(0)(&self.above, x), |x| self.above2.at(x));
        self.errors.restart(|x| above(1)(&self.above, x), |_| 0.0);
        self.energies.restart(|x| above(2)(&self.above, x), |_| 0.0);
        for (i, ring) in self.triples.iter_mut().enumerate() {
            ring.restart(|x| above(3 + i)(&self.above, x), |_| 0.0);
        }
        self.recent = [[[0.0; 8]; 2]; N_PREDICTIONS];
        self.pairs = [[0.0; 8]; N_PREDICTIONS];
    }

    fn end_group(&mut self, width: usize) {
        self.above.end(width);
        self.above2.end(width);
    }
}

/// True if every partial sum of the last model's linear predictions is a multiple of the coefficients' unit that binary32
/// holds: then products are exact and their order is of no account.
fn has_exact_sums(models: &[PlaneModel]) -> bool {
    let Some((model, before)) = models.split_last() else { return false };
    let largest = |model: &PlaneModel| model.low.unsigned_abs().max(model.high.unsigned_abs());
    let seen = before.iter().rev().take(2).chain([model]).map(largest).max().unwrap_or(0);
    model.linear.iter().all(|taps| {
        let sum: u64 = taps.iter().map(|c| u64::from(c.unsigned_abs())).sum();
        sum * u64::from(seen) < 1 << f32::MANTISSA_DIGITS
    })
}

/// A step of one plane or three in which every lane stands on a sample. Written out, so that each plane's place is a constant:
/// the encoder is a seventh faster, the decoder a fifteenth.
macro_rules! full_step {
    ($exact:literal, $l:ident, $planes:ident, $step:ident, $width:ident, $residuals:ident;
     $($c:literal $name:ident),+) => {{
        let at = |c: isize| $step - PLANE_LAG * c;
        $(let $name = prepare::<L, true, $exact>($l, &$planes, $c, at($c), $width, 8);)+
        $(let $name = ($residuals.code($l, $c, at($c), &$name.place), $name);)+
        $(if let Some(plane) = $planes.get_mut($c) {
            update::<L, true>($l, plane, at($c), &$name.1, $name.0);
        })+
    }};
}

/// Walks a tile of `width` × `height` samples in each plane of `models`.
#[inline(always)]
pub(super) fn walk<L: Lanes, R: Residuals<L>>(
    l: L,
    models: &[PlaneModel],
    width: usize,
    height: usize,
    residuals: &mut R,
) {
    let mut planes: Vec<PlaneState> =
        (1..=models.len()).filter_map(|n| PlaneState::new(&models[..n], width)).collect();
    let is_exact = planes.iter().all(|plane| plane.is_exact);
    let Some(first) = planes.first() else { return };
    let n_planes = planes.len();
    let lag = PLANE_LAG * (n_planes as isize - 1);
    let last = last_step(width);
    let mut stages =
        vec![prepare::<L, true, false>(l, std::slice::from_ref(first), 0, 0, width, 8); n_planes];
    let mut coded = vec![l.splat_i32(0); n_planes];
    for row in (0..height).step_by(8) {
        let n_rows = (height - row).min(8);
        residuals.begin_group(row);
        planes.iter_mut().for_each(PlaneState::begin_group);
        for step in FIRST_STEP..=last + lag {
            let at = |c: usize| step - PLANE_LAG * c as isize;
            if n_rows == 8 && at(n_planes - 1) >= 7 * SKEW && step < width as isize {
                if L::IS_VECTOR {
                    match (planes.as_mut_slice(), is_exact) {
                        ([_], true) => {
                            full_step!(true, l, planes, step, width, residuals; 0 a);
                            continue;
                        }
                        ([_], false) => {
                            full_step!(false, l, planes, step, width, residuals; 0 a);
                            continue;
                        }
                        ([_, _, _], true) => {
                            full_step!(true, l, planes, step, width, residuals; 0 a, 1 b, 2 c);
                            continue;
                        }
                        ([_, _, _], false) => {
                            full_step!(false, l, planes, step, width, residuals; 0 a, 1 b, 2 c);
                            continue;
                        }
                        _ => {}
                    }
                }
                // All planes go through one stage before the next: their chains of dependences overlap.
                for (c, prepared) in stages.iter_mut().enumerate() {
                    *prepared = if is_exact {
                        prepare::<L, true, true>(l, &planes, c, at(c), width, n_rows)
                    } else {
                        prepare::<L, true, false>(l, &planes, c, at(c), width, n_rows)
                    };
                }
                for (c, (coded, prepared)) in coded.iter_mut().zip(&stages).enumerate() {
                    *coded = residuals.code(l, c, at(c), &prepared.place);
                }
                for (c, ((plane, prepared), coded)) in planes.iter_mut().zip(&stages).zip(&coded).enumerate()
                {
                    update::<L, true>(l, plane, at(c), prepared, *coded);
                }
                continue;
            }
            for c in (0..n_planes).filter(|c| (FIRST_STEP..=last).contains(&at(*c))) {
                let prepared = prepare::<L, false, false>(l, &planes, c, at(c), width, n_rows);
                let coded = residuals.code(l, c, at(c), &prepared.place);
                update::<L, false>(l, &mut planes[c], at(c), &prepared, coded);
            }
        }
        planes.iter_mut().for_each(|plane| plane.end_group(width));
        if !residuals.end_group(row, n_rows) {
            return;
        }
    }
}

/// What one step of a plane needs to know once its residuals are coded.
#[derive(Clone, Copy)]
struct Prepared<L: Lanes> {
    place: Place<L>,
    predictions: [L::F; N_PREDICTIONS],
    blend: L::F,
    rounded: L::F,
    bias_at: L::I,
    bias: L::I,
    /// Mask of lanes left of the picture.
    is_left: L::I,
}

/// Predictions and contexts of plane `c` at step `t`. `FULL`: every lane stands on a sample. `EXACT`: linear
/// predictions are exact.
#[inline(always)]
fn prepare<L: Lanes, const FULL: bool, const EXACT: bool>(
    l: L,
    planes: &[PlaneState],
    c: usize,
    t: isize,
    width: usize,
    n_rows: usize,
) -> Prepared<L> {
    let plane = &planes[c];
    let previous = c.checked_sub(1).map(|i| &planes[i]);
    let second = c.checked_sub(2).map(|i| &planes[i]);

    let values = &plane.values;
    let (w, ww) = (values.own(l, t - 1), values.own(l, t - 2));
    let nee = values.above_recent(l, t - 1);
    let (ne, n, nw, nww) =
        (values.above(l, t - 2), values.above(l, t - 3), values.above(l, t - 4), values.above(l, t - 5));
    let (nne, nn, nnw) = (values.above2(l, t - 5), values.above2(l, t - 6), values.above2(l, t - 7));

    // Linear predictions; the taps on W come last, they are known last.
    let mut linear = [l.splat(0.0); N_LINEAR];
    let weigh = |linear: &mut [L::F; N_LINEAR], tap: usize, value: L::F| {
        for (sum, coefficient) in linear.iter_mut().zip(&plane.linear[tap]) {
            let coefficient = l.load(coefficient);
            *sum = if EXACT {
                l.add_exact_product(value, coefficient, *sum)
            } else {
                l.add(*sum, l.mul(value, coefficient))
            };
        }
    };
    for (place, reference) in [previous, second].into_iter().enumerate() {
        let Some(reference) = reference else { continue };
        let first = N_OWN + place * N_CROSS;
        let v = &reference.values;
        weigh(&mut linear, first, v.own(l, t));
        weigh(&mut linear, first + 1, v.own(l, t - 1));
        weigh(&mut linear, first + 2, v.above(l, t - 3));
        weigh(&mut linear, first + 3, v.above(l, t - 4));
        weigh(&mut linear, first + 4, v.above(l, t - 2));
        weigh(&mut linear, first + 5, v.own(l, t + 1));
    }
    for (tap, value) in [nn, nnw, nne, nww, nee, nw, n, ne, ww, w].into_iter().enumerate() {
        weigh(&mut linear, tap, value);
    }

    // Predictions corrected by the errors around.
    let errors = &plane.errors;
    let (error_w, error_n) = (errors.own(l, t - 1), errors.above(l, t - 3));
    let (error_ne, error_nw) = (errors.above(l, t - 2), errors.above(l, t - 4));
    let share = l.splat(5.0 / 16.0);
    let error_wn = l.add(error_n, error_w);
    let up = l.sub(n, l.mul(l.add(error_wn, error_ne), share));
    let left = l.sub(w, l.mul(l.add(error_wn, error_nw), share));
    let [first, second_linear, third] = linear;
    let predictions = [up, left, first, second_linear, third];

    // Blend: each weighs by the inverse square of its errors around.
    let mut weighted = l.splat(0.0);
    let mut weights = l.splat(0.0);
    for (i, prediction) in predictions.into_iter().enumerate() {
        let own = l.add(l.load(&plane.pairs[i]), l.splat(0.5));
        let sum = l.add(own, plane.triples[i].above(l, t - 2));
        // About 1 / sum²: the exponent is negated in the bits.
        let weight = l.with_bits(l.sub_i32(l.splat_i32(0x7EF3_11C7), l.bits(l.mul(sum, sum))));
        weighted = l.add(weighted, l.mul(weight, prediction));
        weights = l.add(weights, weight);
    }
    let blend = l.div(weighted, weights);

    // Energy: errors and gradients around.
    let energies = &plane.energies;
    let (energy_w, energy_n) = (energies.own(l, t - 1), energies.above(l, t - 3));
    let twice = l.add(energy_w, energy_n);
    let mut energy = l.add(l.add(twice, twice), l.add(energies.above(l, t - 4), energies.above(l, t - 2)));
    energy = l.add(energy, l.add(energies.own(l, t - 2), energies.above_recent(l, t - 1)));
    energy = l.add(energy, l.add(l.abs(l.sub(w, nw)), l.abs(l.sub(n, nw))));
    energy = l.add(energy, l.abs(l.sub(n, ne)));
    let class = l.sub_i32(l.shr::<21>(l.bits(l.add(energy, l.splat(4.0)))), l.splat_i32(516));
    let class = l.min_i32(class, l.splat_i32(N_ENERGIES as i32 - 1));

    // Bias by energy and texture.
    let n_above = l.gt(n, blend);
    let w_above = l.gt(w, blend);
    let bit = |mask: L::I, value: i32| l.and(mask, l.splat_i32(value));
    let mut texture = l.or(bit(n_above, 1), bit(w_above, 2));
    texture = l.or(texture, l.or(bit(l.gt(nw, blend), 4), bit(l.gt(ne, blend), 8)));
    texture = l.or(texture, bit(l.gt(l.sub(l.add(n, n), nn), blend), 16));
    texture = l.or(texture, bit(l.gt(ww, blend), 32));
    let bias_class = l.min_i32(l.shr::<1>(class), l.splat_i32(15));
    let bias_at = l.or(l.shl::<6>(bias_class), texture);
    let bias = l.look_up(&plane.biases, bias_at);
    let corrected = l.add(blend, l.mul(l.to_f32(bias), l.splat(1.0 / 1024.0)));
    let corrected = l.min(l.max(corrected, l.splat(plane.low)), l.splat(plane.high));
    let rounded = l.round(corrected);

    // Context: energy, errors of the planes before, whether N and W disagree about the blend.
    let mut side = l.and(l.xor(n_above, w_above), l.splat_i32(1));
    if let Some(previous) = previous {
        let e = &previous.energies;
        let cross = l.add(e.own(l, t), e.own(l, t));
        let mut cross = l.add(cross, l.add(e.own(l, t - 1), e.own(l, t + 1)));
        if let Some(second) = second {
            cross = l.add(cross, l.add(second.energies.own(l, t), second.energies.own(l, t)));
        }
        let scale = plane.error_scale;
        for threshold in [3.0, 8.0, 18.0] {
            side = l.add_i32(side, bit(l.gt(cross, l.splat(threshold * scale)), 2));
        }
    }
    let context = l.add_i32(l.shl::<3>(class), side);

    // Which lanes stand on a sample.
    let (active, is_left) = if FULL {
        (l.splat_i32(-1), l.splat_i32(0))
    } else {
        let lane: [i32; 8] = std::array::from_fn(|k| k as i32);
        let x: [i32; 8] = std::array::from_fn(|k| t as i32 - (SKEW as i32) * k as i32);
        let (lane, x) = (l.load_i32(&lane), l.load_i32(&x));
        let is_left = l.gt_i32(l.splat_i32(0), x);
        let inside =
            l.and(l.gt_i32(l.splat_i32(width as i32), x), l.gt_i32(l.splat_i32(n_rows as i32), lane));
        (l.and(inside, l.gt_i32(x, l.splat_i32(-1))), is_left)
    };
    let place =
        Place { context, prediction: l.to_i32(rounded), is_flipped: l.gt(rounded, corrected), active };
    Prepared { place, predictions, blend, rounded, bias_at, bias, is_left }
}

/// Takes in the samples of step `t`.
#[inline(always)]
fn update<L: Lanes, const FULL: bool>(
    l: L,
    plane: &mut PlaneState,
    t: isize,
    prepared: &Prepared<L>,
    coded: L::I,
) {
    let Prepared { place, predictions, blend, rounded, bias_at, bias, is_left } = *prepared;
    let active = place.active;
    let coded = l.to_f32(coded);

    // Updates. Left of the picture a sample is its NE and errors are 0; right of it the last column goes on.
    let choose = |inside: L::F, left: L::F, right: L::F| {
        if FULL { inside } else { l.select(active, inside, l.select(is_left, left, right)) }
    };
    let zero = l.splat(0.0);
    let value = choose(coded, plane.values.above(l, t - 2), plane.values.own(l, t - 1));
    let error = choose(l.sub(blend, value), zero, plane.errors.own(l, t - 1));
    let energy = choose(l.abs(l.sub(value, rounded)), zero, plane.energies.own(l, t - 1));
    let x = t + SKEW;
    let ahead = plane.above.at(x);
    plane.values.put(l, t, value, ahead[0]);
    plane.values.put_above2(t, plane.above2.at(x + SKEW));
    plane.errors.put(l, t, error, ahead[1]);
    plane.energies.put(l, t, energy, ahead[2]);
    for (i, prediction) in predictions.into_iter().enumerate() {
        let recent = &mut plane.recent[i];
        let (last, before) = (l.load(&recent[(t - 1) as usize % 2]), l.load(&recent[t as usize % 2]));
        let own = choose(l.abs(l.sub(prediction, value)), zero, last);
        let pair = l.add(own, last);
        l.store(own, &mut recent[t as usize % 2]);
        l.store(pair, &mut plane.pairs[i]);
        plane.triples[i].put(l, t, l.add(pair, before), ahead[3 + i]);
    }

    // Lanes take their bias as it was before the step; of lanes with one class the last one stays.
    let seen = l.to_i32(l.mul(l.sub(value, blend), l.splat(1024.0)));
    let bias = l.add_i32(bias, l.sar::<7>(l.sub_i32(seen, bias)));
    if FULL {
        l.put_each(&mut plane.biases, bias_at, bias);
    } else {
        let (mut classes, mut biases) = ([0; 8], [0; 8]);
        l.store_i32(bias_at, &mut classes);
        l.store_i32(bias, &mut biases);
        let mask = l.sign_mask(active);
        for k in (0..8).filter(|k| mask >> k & 1 == 1) {
            plane.biases[classes[k] as usize % N_BIASES] = biases[k];
        }
    }

    // The last two rows become the lines above the next group.
    let x = t - 7 * SKEW;
    if x >= FIRST_STEP {
        let mut last = [
            plane.values.lane(t, 7),
            plane.errors.lane(t, 7),
            plane.energies.lane(t, 7),
            0.0,
            0.0,
            0.0,
            0.0,
            0.0,
        ];
        for (to, ring) in last[3..].iter_mut().zip(&plane.triples) {
            *to = ring.lane(t, 7);
        }
        plane.above.put(x, last);
    }
    if x + SKEW >= FIRST_STEP {
        plane.above2.put(x + SKEW, plane.values.lane(t, 6));
    }
}
