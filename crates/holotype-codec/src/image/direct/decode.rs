//! Words into samples.

use super::flags::{self, n_steps};
use super::rice::{ESCAPE, Thresholds, low_bits};
use super::strip::Strip;
use super::{Header, N_LANES, SKEW, active};
use crate::entropy::words::WordReader;
use crate::simd::{ByteLanes, Kernel};
use crate::{CodecError, TileMut};

/// Decodes a tile into `out`.
pub(super) struct Decode<'a, 'b, 'c, 'd> {
    pub(super) header: &'a Header,
    pub(super) words: &'a [[u8; 2]],
    pub(super) out: &'b mut TileMut<'c, 'd>,
}

/// The bit streams of one plane's lanes.
struct Streams {
    /// The next bits of each lane, left-aligned.
    bits: [[i32; 8]; 4],
    /// How many of them there are: 16 to 31.
    n_bits: [[i32; 8]; 4],
}

/// Vectors that a plane carries from step to step.
struct State<L: ByteLanes> {
    /// The samples of the last step: W.
    value: L::B,
    /// What stood above right in the last two steps: N and NW.
    above: [L::B; 2],
    magnitude: L::B,
    magnitude_above: [L::B; 2],
}

/// One plane.
struct Plane {
    streams: Streams,
    /// As [`low_bits`] compares them.
    thresholds: [[u8; N_LANES]; Thresholds::N],
    /// The row above the strip, its first column at 1; columns beyond it are 0.
    top: Vec<u8>,
    top_magnitude: Vec<u8>,
    strip: Strip,
}

impl Plane {
    fn new(lanes: &[u32], thresholds: Thresholds, width: usize) -> Self {
        let mut streams = Streams { bits: [[0; 8]; 4], n_bits: [[0; 8]; 4] };
        let places = streams.bits.iter_mut().flatten().zip(streams.n_bits.iter_mut().flatten());
        for ((bits, n_bits), &lane) in places.zip(lanes) {
            // The leading one ends the unused bits; at least 16 bits follow it.
            let unused = lane.leading_zeros() + 1;
            *bits = lane.checked_shl(unused).unwrap_or(0) as i32;
            *n_bits = 32 - unused as i32;
        }
        let n = n_steps(width) + 2;
        Self {
            streams,
            thresholds: thresholds.in_lanes(),
            top: vec![0; n],
            top_magnitude: vec![0; n],
            strip: Strip::new(width),
        }
    }
}

impl Kernel for Decode<'_, '_, '_, '_> {
    type Output = Result<(), CodecError>;

    #[inline(always)]
    fn run<L: ByteLanes>(self, l: L) -> Self::Output {
        let Self { header, words, out } = self;
        let width = out.shape().width as usize;
        let lanes = header.lanes.chunks_exact(N_LANES).zip(&header.thresholds);
        let mut planes: Vec<Plane> =
            lanes.map(|(lanes, thresholds)| Plane::new(lanes, *thresholds, width)).collect();
        let mut words = WordReader::new(words);
        for (strip, rows) in out.rows_mut().chunks_mut(N_LANES).enumerate() {
            match planes.as_mut_slice() {
                [a] => decode_strip(l, [a], header, strip, width, rows.len(), &mut words),
                [a, b] => decode_strip(l, [a, b], header, strip, width, rows.len(), &mut words),
                [a, b, c] => decode_strip(l, [a, b, c], header, strip, width, rows.len(), &mut words),
                [a, b, c, d] => {
                    decode_strip(l, [a, b, c, d], header, strip, width, rows.len(), &mut words);
                }
                _ => {}
            }
            // A forged size must not cost the time and memory of a true one.
            if words.is_past_the_end() {
                return Err(CodecError::Truncated { what: "coded samples" });
            }
            planes.iter_mut().for_each(|plane| plane.strip.restore_rows(l));
            for (i, row) in rows.iter_mut().enumerate() {
                join(l, &planes, header.colour, i, row);
            }
        }
        let is_done = |s: &Streams| {
            s.bits.iter().flatten().all(|bits| *bits == 0) && s.n_bits.iter().flatten().all(|n| *n == 16)
        };
        if !words.is_at_the_end() || !planes.iter().all(|plane| is_done(&plane.streams)) {
            return Err(CodecError::Corrupt { what: "coded samples do not end where they should" });
        }
        Ok(())
    }
}

/// Decodes a strip into the planes' steps.
#[inline(always)]
#[allow(clippy::too_many_arguments, reason = "all of it changes from strip to strip")]
fn decode_strip<L: ByteLanes, const N: usize>(
    l: L,
    planes: [&mut Plane; N],
    header: &Header,
    strip: usize,
    width: usize,
    n_rows: usize,
    words: &mut WordReader<'_>,
) {
    let zero = l.splat_u8(0);
    let mut states: [State<L>; N] = std::array::from_fn(|c| {
        // The step before the first: lane 0 stands left of the picture, below its first column.
        let first = |value: u8| l.shift_up_u8(zero, value);
        State {
            value: first(planes[c].top[1]),
            above: [first(planes[c].top[1]), first(planes[c].top[0])],
            magnitude: zero,
            magnitude_above: [first(planes[c].top_magnitude[1]), first(planes[c].top_magnitude[0])],
        }
    });
    for stretch in 0..n_steps(width).div_ceil(flags::N_STEPS) {
        let mut is_coded = [false; N];
        for (c, is_coded) in is_coded.iter_mut().enumerate() {
            *is_coded = header.flags.is_coded(strip, stretch, c);
        }
        let first = stretch * flags::N_STEPS;
        for t in first..n_steps(width).min(first + flags::N_STEPS) {
            let is_full = n_rows == N_LANES && t >= SKEW * (N_LANES - 1) && t < width;
            for c in 0..N {
                let (plane, state) = (&mut *planes[c], &mut states[c]);
                if is_full {
                    step::<L, true>(l, plane, state, t, width, n_rows, is_coded[c], words);
                } else {
                    step::<L, false>(l, plane, state, t, width, n_rows, is_coded[c], words);
                }
            }
        }
    }
}

/// One step of one plane. `FULL`: every lane stands on a sample.
#[inline(always)]
#[allow(clippy::too_many_arguments, reason = "all of it changes from step to step")]
fn step<L: ByteLanes, const FULL: bool>(
    l: L,
    plane: &mut Plane,
    state: &mut State<L>,
    t: usize,
    width: usize,
    n_rows: usize,
    is_coded: bool,
    words: &mut WordReader<'_>,
) {
    let (w, [n, nw]) = (state.value, state.above);
    let ne = l.shift_up_u8(w, plane.top[t + 2]);
    let (low, high) = (l.min_u8(w, n), l.max_u8(w, n));
    let prediction = l.sub_u8(l.add_u8(w, n), l.min_u8(l.max_u8(nw, low), high));
    let (mw, [mn, mnw]) = (state.magnitude, state.magnitude_above);
    let mne = l.shift_up_u8(mw, plane.top_magnitude[t + 2]);

    let active = if FULL { l.splat_u8(255) } else { l.load_u8(&active(t, width, n_rows)) };
    let zero = l.splat_u8(0);
    let (mut error, mut magnitude) = (zero, zero);
    if is_coded {
        let near = l.average_u8(mw, mn);
        let energy = l.add_capped_u8(near, l.average_u8(l.average_u8(mnw, mne), near));
        let n_low = low_bits(l, &plane.thresholds, energy);
        let number = plane.streams.take::<L, FULL>(l, n_low, active, words);
        // Zigzag: half the number, rounded up, negated if the number is odd.
        magnitude = l.average_u8(number, zero);
        let is_odd = l.eq_u8(l.and_u8(number, l.splat_u8(1)), l.splat_u8(1));
        error = l.select_u8(is_odd, l.sub_u8(zero, magnitude), magnitude);
    }
    let mut value = l.add_u8(prediction, error);
    if !FULL {
        // A lane left of the picture takes what is above right of it.
        value = l.select_u8(active, value, ne);
    }
    state.magnitude = magnitude;
    state.value = value;
    state.above = [ne, n];
    state.magnitude_above = [mne, mn];
    l.store_u8(value, &mut plane.strip.steps[t]);
    if t >= SKEW * (N_LANES - 1) {
        let x = t - SKEW * (N_LANES - 1);
        plane.top[x + 1] = l.last_u8(value);
        plane.top_magnitude[x + 1] = l.last_u8(magnitude);
    }
}

impl Streams {
    /// The zigzag residual of every active lane, 0 of the others.
    #[inline(always)]
    fn take<L: ByteLanes, const FULL: bool>(
        &mut self,
        l: L,
        n_low: L::B,
        active: L::B,
        words: &mut WordReader<'_>,
    ) -> L::B {
        let [a, b, c, d] = l.widen_u8(n_low);
        let [on_a, on_b, on_c, on_d] = l.widen_u8(active);
        let a = self.take_eight::<L, FULL>(l, 0, a, on_a, words);
        let b = self.take_eight::<L, FULL>(l, 1, b, on_b, words);
        let c = self.take_eight::<L, FULL>(l, 2, c, on_c, words);
        let d = self.take_eight::<L, FULL>(l, 3, d, on_d, words);
        l.narrow_u8([a, b, c, d])
    }

    /// The numbers of eight lanes that keep `k` low bits.
    #[inline(always)]
    fn take_eight<L: ByteLanes, const FULL: bool>(
        &mut self,
        l: L,
        j: usize,
        k: L::I,
        active: L::I,
        words: &mut WordReader<'_>,
    ) -> L::I {
        let bits = l.load_i32(&self.bits[j]);
        // Leading zeros of the top nine bits, by the exponent of a float; 8 or more is an escape.
        let exponent = l.shr::<23>(l.bits(l.to_f32(l.shr::<23>(bits))));
        let quotient = l.sub_i32(l.splat_i32(135), exponent);
        let below = l.sub_i32(l.splat_i32(31), k);
        // The one above the low bits counts as well.
        let tail = l.shr_each(l.shl_each(bits, quotient), below);
        let mut number = l.add_i32(tail, l.shl_each(l.sub_i32(quotient, l.splat_i32(1)), k));
        let mut length = l.add_i32(l.add_i32(quotient, k), l.splat_i32(1));
        let is_escape = l.gt_i32(quotient, l.splat_i32(ESCAPE as i32 - 1));
        if l.sign_mask(is_escape) != 0 {
            number = l.select_i32(is_escape, l.shr::<24>(l.shl::<8>(bits)), number);
            length = l.select_i32(is_escape, l.splat_i32(16), length);
        }
        if !FULL {
            let on = l.gt_i32(active, l.splat_i32(0));
            (number, length) = (l.and(number, on), l.and(length, on));
        }
        let n_bits = l.sub_i32(l.load_i32(&self.n_bits[j]), length);
        let is_low = l.gt_i32(l.splat_i32(16), n_bits);
        let (fresh, n_words) = l.expand_u16(&words.peek(), is_low);
        words.skip(n_words);
        let fresh = l.shl_each(fresh, l.sub_i32(l.splat_i32(16), n_bits));
        l.store_i32(l.or(l.shl_each(bits, length), fresh), &mut self.bits[j]);
        l.store_i32(l.add_i32(n_bits, l.and(is_low, l.splat_i32(16))), &mut self.n_bits[j]);
        number
    }
}

/// Row `i` of a strip, interleaved.
#[inline(always)]
fn join<L: ByteLanes>(l: L, planes: &[Plane], colour: super::Colour, i: usize, row: &mut [u8]) {
    match planes {
        [one] => row.copy_from_slice(one.strip.row(i)),
        [p, q, s] => {
            let (p, p_rest) = p.strip.row(i).as_chunks();
            let (q, q_rest) = q.strip.row(i).as_chunks();
            let (s, s_rest) = s.strip.row(i).as_chunks();
            let (pixels, rest) = row.as_chunks_mut::<{ 3 * N_LANES }>();
            for (pixels, ((p, q), s)) in pixels.iter_mut().zip(p.iter().zip(q).zip(s)) {
                let planes = [l.load_u8(p), l.load_u8(q), l.load_u8(s)];
                let [u, v, w] = l.interleave3_u8(colour.inverse_lanes(l, planes));
                let ([first, second, third], _) = pixels.as_chunks_mut() else { continue };
                l.store_u8(u, first);
                l.store_u8(v, second);
                l.store_u8(w, third);
            }
            let samples = p_rest.iter().zip(q_rest).zip(s_rest);
            for (pixel, ((p, q), s)) in rest.as_chunks_mut::<3>().0.iter_mut().zip(samples) {
                *pixel = colour.inverse([*p, *q, *s]);
            }
        }
        [p, q, s, a] => {
            let samples = p.strip.row(i).iter().zip(q.strip.row(i)).zip(s.strip.row(i)).zip(a.strip.row(i));
            for (pixel, (((p, q), s), a)) in row.as_chunks_mut::<4>().0.iter_mut().zip(samples) {
                let [r, g, b] = colour.inverse([*p, *q, *s]);
                *pixel = [r, g, b, *a];
            }
        }
        others => {
            let n = others.len();
            for (c, plane) in others.iter().enumerate() {
                let places = row.iter_mut().skip(c).step_by(n);
                places.zip(plane.strip.row(i)).for_each(|(to, from)| *to = *from);
            }
        }
    }
}
