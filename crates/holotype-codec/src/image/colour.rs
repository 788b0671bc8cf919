//! Reversible colour transforms of red, green and blue planes. `docs/codecs/colour.md`.

use super::{PlaneShape, Planes};
use crate::CodecError;

/// A reversible transform; wire values, append only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Transform {
    /// Planes as they are.
    None = 0,
    /// G, R − G, B − G.
    SubtractGreen = 1,
    /// G, R − G, B − (R + G) / 2.
    GreenRed = 2,
    /// YCoCg-R: Y, Co, Cg.
    YCoCg = 3,
    /// G, R − G, B − R.
    Chain = 4,
    /// R, G − R, B − (R + G) / 2.
    RedRoot = 5,
    /// B, G − B, R − (G + B) / 2.
    BlueRoot = 6,
}

impl Transform {
    const ALL: [Self; 7] = [
        Self::None,
        Self::SubtractGreen,
        Self::GreenRed,
        Self::YCoCg,
        Self::Chain,
        Self::RedRoot,
        Self::BlueRoot,
    ];

    pub(super) fn code(self) -> u8 {
        self as u8
    }

    pub(super) fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }

    pub(super) fn is_colour(self) -> bool {
        self != Self::None
    }

    #[inline]
    fn forward(self, [r, g, b]: [i32; 3]) -> [i32; 3] {
        match self {
            Self::None => [r, g, b],
            Self::SubtractGreen => [g, r - g, b - g],
            Self::GreenRed => [g, r - g, b - ((r + g) >> 1)],
            Self::YCoCg => {
                let co = r - b;
                let t = b + (co >> 1);
                let cg = g - t;
                [t + (cg >> 1), co, cg]
            }
            Self::Chain => [g, r - g, b - r],
            Self::RedRoot => [r, g - r, b - ((r + g) >> 1)],
            Self::BlueRoot => [b, g - b, r - ((g + b) >> 1)],
        }
    }

    #[inline]
    fn inverse(self, [p, q, s]: [i32; 3]) -> [i32; 3] {
        match self {
            Self::None => [p, q, s],
            Self::SubtractGreen => [q + p, p, s + p],
            Self::GreenRed => {
                let r = q + p;
                [r, p, s + ((r + p) >> 1)]
            }
            Self::YCoCg => {
                let t = p - (s >> 1);
                let g = s + t;
                let b = t - (q >> 1);
                [b + q, g, b]
            }
            Self::Chain => [q + p, p, s + q + p],
            Self::RedRoot => {
                let g = q + p;
                [p, g, s + ((p + g) >> 1)]
            }
            Self::BlueRoot => {
                let g = q + p;
                [s + ((g + p) >> 1), g, p]
            }
        }
    }
}

/// Smallest and largest value of every transformed plane.
pub(super) fn ranges(shape: &PlaneShape, transform: Transform) -> Vec<(i32, i32)> {
    let mut ranges: Vec<(i32, i32)> = shape.maxes.iter().map(|&max| (0, i32::from(max))).collect();
    if transform.is_colour()
        && let [first, second, third, ..] = ranges.as_mut_slice()
    {
        let max = first.1.max(second.1).max(third.1);
        *first = (0, max);
        *second = (-max, max);
        *third = (-max, max);
    }
    ranges
}

/// Transformed plane `c`, row-major.
pub(super) fn forward(planes: &Planes, transform: Transform, c: usize) -> Vec<i32> {
    let pixel = |((r, g), b): ((&u16, &u16), &u16)| [i32::from(*r), i32::from(*g), i32::from(*b)];
    match planes.samples.as_slice() {
        [r, g, b, ..] if transform.is_colour() && c < 3 => {
            r.iter().zip(g).zip(b).map(|samples| transform.forward(pixel(samples))[c]).collect()
        }
        samples => samples[c].iter().map(|sample| i32::from(*sample)).collect(),
    }
}

/// All transformed planes, row-major.
pub(super) fn forward_all(planes: &Planes, transform: Transform) -> Vec<Vec<i32>> {
    let mut out: Vec<Vec<i32>> =
        planes.samples.iter().map(|plane| plane.iter().map(|v| i32::from(*v)).collect()).collect();
    if transform.is_colour()
        && let [first, second, third, ..] = out.as_mut_slice()
    {
        for ((a, b), c) in first.iter_mut().zip(second).zip(third) {
            [*a, *b, *c] = transform.forward([*a, *b, *c]);
        }
    }
    out
}

/// The planes before the transform.
pub(super) fn inverse(
    shape: &PlaneShape,
    transform: Transform,
    coded: Vec<Vec<i32>>,
) -> Result<Planes, CodecError> {
    let mut coded = coded;
    let mut samples: Vec<Vec<u16>> = coded.iter().map(|plane| vec![0; plane.len()]).collect();
    let mut rows: Vec<&mut [u16]> = samples.iter_mut().map(Vec::as_mut_slice).collect();
    inverse_rows(shape, transform, &mut coded, &mut rows)?;
    Ok(Planes { shape: shape.clone(), samples })
}

/// Some rows of all planes before the transform, into `rows`; those of `coded` are used up. Inlined, so that a kernel
/// compiles it for its instructions.
#[inline(always)]
pub(super) fn inverse_rows(
    shape: &PlaneShape,
    transform: Transform,
    coded: &mut [Vec<i32>],
    rows: &mut [&mut [u16]],
) -> Result<(), CodecError> {
    if transform.is_colour()
        && let [first, second, third, ..] = coded
    {
        for ((a, b), c) in first.iter_mut().zip(second).zip(third) {
            [*a, *b, *c] = transform.inverse([*a, *b, *c]);
        }
    }
    for ((coded, rows), max) in coded.iter().zip(rows).zip(&shape.maxes) {
        let mut largest = 0;
        for (value, to) in coded.iter().zip(rows.iter_mut()) {
            // Negative ones are large.
            largest = largest.max(*value as u32);
            *to = *value as u16;
        }
        if largest > u32::from(*max) {
            return Err(CodecError::Corrupt { what: "a sample exceeds its plane's range" });
        }
    }
    Ok(())
}

/// The transform with the smallest estimated cost: bits of gradient residuals on a sparse sample.
pub(super) fn choose(planes: &Planes) -> Transform {
    let PlaneShape { width, height, .. } = planes.shape;
    if !planes.shape.is_rgb || planes.samples.len() < 3 || width < 2 || height < 2 {
        return Transform::None;
    }
    // Odd steps: even ones see only one phase of interpolated chroma.
    let (step_x, step_y) = (if width > 64 { 3 } else { 1 }, if height > 128 { 7 } else { 1 });
    let mut costs = PlaneCosts::default();
    let [red, green, blue] = [0, 1, 2].map(|c| planes.samples[c].as_slice());
    for y in (1..height).step_by(step_y) {
        let rows = |y: usize| [red, green, blue].map(|plane| &plane[y * width..][..width]);
        let (above, here) = (rows(y - 1), rows(y));
        for x in (1..width).step_by(step_x) {
            let at = |[r, g, b]: [&[u16]; 3], x: usize| candidates([r[x], g[x], b[x]].map(i32::from));
            costs.add(&at(here, x), &at(above, x), &at(here, x - 1), &at(above, x - 1));
        }
    }
    Transform::ALL.into_iter().min_by_key(|transform| costs.of(*transform)).unwrap_or(Transform::None)
}

/// Planes that transforms are made of: R, G, B, R − G, B − G, B − R, B − (R + G) / 2, R − (G + B) / 2, Y, Cg.
const N_CANDIDATES: usize = 10;

#[inline]
fn candidates([r, g, b]: [i32; 3]) -> [i32; N_CANDIDATES] {
    let [y, _, cg] = Transform::YCoCg.forward([r, g, b]);
    [r, g, b, r - g, b - g, b - r, b - ((r + g) >> 1), r - ((g + b) >> 1), y, cg]
}

/// Estimated bits of gradient residuals of each candidate plane.
#[derive(Debug, Default)]
struct PlaneCosts([u64; N_CANDIDATES]);

impl PlaneCosts {
    #[inline]
    fn add(
        &mut self,
        value: &[i32; N_CANDIDATES],
        n: &[i32; N_CANDIDATES],
        w: &[i32; N_CANDIDATES],
        nw: &[i32; N_CANDIDATES],
    ) {
        for (k, cost) in self.0.iter_mut().enumerate() {
            let prediction = (w[k] + n[k] - nw[k]).clamp(w[k].min(n[k]), w[k].max(n[k]));
            *cost += bit_cost(value[k].abs_diff(prediction));
        }
    }

    /// A plane and its negative cost the same.
    fn of(&self, transform: Transform) -> u64 {
        let planes = match transform {
            Transform::None => [0, 1, 2],
            Transform::SubtractGreen => [1, 3, 4],
            Transform::GreenRed => [1, 3, 6],
            Transform::YCoCg => [8, 5, 9],
            Transform::Chain => [1, 3, 5],
            Transform::RedRoot => [0, 3, 6],
            Transform::BlueRoot => [2, 4, 7],
        };
        planes.map(|k| self.0[k]).iter().sum()
    }
}

/// About 16 times the bits of a magnitude: logarithm with linear interpolation.
#[inline]
fn bit_cost(magnitude: u32) -> u64 {
    let m = u64::from(magnitude) * 16 + 8;
    let log = 63 - m.leading_zeros();
    u64::from(log) * 16 + ((m << 4 >> log) & 15)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_transform_is_reversible_within_its_ranges() {
        let shape = PlaneShape { width: 1, height: 1, maxes: vec![255; 3], is_rgb: true };
        for transform in Transform::ALL {
            assert_eq!(Transform::from_code(transform.code()), Some(transform));
            let ranges = ranges(&shape, transform);
            for r in (0..256).step_by(15) {
                for g in (0..256).step_by(17) {
                    for b in (0..256).step_by(5) {
                        let coded = transform.forward([r, g, b]);
                        assert!(coded.iter().zip(&ranges).all(|(v, (low, high))| v >= low && v <= high));
                        assert_eq!(transform.inverse(coded), [r, g, b]);
                    }
                }
            }
        }
    }
}
