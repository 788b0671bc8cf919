//! The quick coder of planes: gradient prediction and Golomb–Rice codes. `docs/codecs/rice.md`.

use super::{PlaneShape, Planes, colour};
use crate::CodecError;

mod bits;

use bits::{BitReader, BitWriter};

/// A quotient this long is followed by the whole number instead.
const MAX_QUOTIENT: u32 = 24;
/// Bits of a whole number.
const ESCAPE_BITS: u32 = 18;

/// Codes planes: colour transform, then the bits of one plane after the other.
pub(super) fn encode(planes: &Planes) -> Vec<u8> {
    let transform = colour::choose(planes);
    let mut bits = BitWriter::new(vec![transform.code()]);
    let width = planes.shape.width;
    for c in 0..planes.samples.len() {
        let plane = colour::forward(planes, transform, c);
        let mut state = State::new(width);
        for row in plane.chunks_exact(width) {
            let mut left = Left::default();
            for (x, value) in row.iter().enumerate() {
                let (prediction, k) = state.predict(&left, x);
                let z = zigzag(value - prediction);
                let q = z >> k;
                if q < MAX_QUOTIENT {
                    bits.put(1, q + 1);
                    bits.put(z & ((1 << k) - 1), k);
                } else {
                    bits.put(0, MAX_QUOTIENT);
                    bits.put(z, ESCAPE_BITS);
                }
                state.update(&mut left, x, *value, z);
            }
            state.end_row();
        }
    }
    bits.finish()
}

/// Decodes what [`encode`] made.
pub(super) fn decode(bytes: &[u8], shape: &PlaneShape) -> Result<Planes, CodecError> {
    let (&code, body) = bytes.split_first().ok_or(CodecError::Truncated { what: "Rice header" })?;
    let transform = colour::Transform::from_code(code)
        .filter(|t| !t.is_colour() || shape.is_rgb)
        .ok_or(CodecError::Corrupt { what: "the colour transform does not fit the planes" })?;
    let mut bits = BitReader::new(body);
    let mut decoded = Vec::new();
    for (low, high) in colour::ranges(shape, transform) {
        let mut plane = vec![0; shape.width * shape.height];
        let mut state = State::new(shape.width);
        for row in plane.chunks_exact_mut(shape.width) {
            let mut left = Left::default();
            for (x, out) in row.iter_mut().enumerate() {
                let (prediction, k) = state.predict(&left, x);
                let q = bits.zeros(MAX_QUOTIENT);
                let z = if q < MAX_QUOTIENT {
                    bits.take(1);
                    q << k | bits.take(k)
                } else {
                    bits.take(ESCAPE_BITS)
                };
                let value = (prediction + unzigzag(z)).clamp(low, high);
                *out = value;
                state.update(&mut left, x, value, z);
            }
            state.end_row();
            // A forged size must not cost the time and memory of a true one.
            if bits.is_past_the_end() {
                return Err(CodecError::Truncated { what: "Rice codes" });
            }
        }
        decoded.push(plane);
    }
    bits.finish()?;
    colour::inverse(shape, transform, decoded)
}

fn zigzag(r: i32) -> u32 {
    ((r << 1) ^ (r >> 31)) as u32
}

fn unzigzag(z: u32) -> i32 {
    (z >> 1) as i32 ^ -((z & 1) as i32)
}

/// The row above and what it cost, padded by one at each side.
struct State {
    above: Vec<i32>,
    above_cost: Vec<u32>,
    is_first_row: bool,
}

/// What stands left of the current sample.
#[derive(Default)]
struct Left {
    value: i32,
    /// The row above's value left of the current sample.
    corner: i32,
    cost: u32,
}

impl State {
    fn new(width: usize) -> Self {
        Self { above: vec![0; width + 1], above_cost: vec![0; width + 2], is_first_row: true }
    }

    /// Prediction of the sample in column `x` and the Rice parameter of its residual.
    #[inline]
    fn predict(&self, left: &Left, x: usize) -> (i32, u32) {
        let n = self.above[x];
        let prediction = if x == 0 {
            n
        } else if self.is_first_row {
            left.value
        } else {
            let (low, high) = (left.value.min(n), left.value.max(n));
            (left.value + n - left.corner).clamp(low, high)
        };
        // Costs are zigzag residuals; the mean of W, N and NE, weighted 2:1:1.
        let mean = (2 * left.cost + self.above_cost[x] + self.above_cost[x + 1]) >> 2;
        let k = (32 - (mean * 3 / 4).leading_zeros()).saturating_sub(1).min(16);
        (prediction, k)
    }

    #[inline]
    fn update(&mut self, left: &mut Left, x: usize, value: i32, z: u32) {
        *left = Left { value, corner: self.above[x], cost: z };
        self.above[x] = value;
        self.above_cost[x] = z;
    }

    fn end_row(&mut self) {
        self.is_first_row = false;
        let n = self.above_cost.len();
        self.above_cost[n - 2] = self.above_cost[n - 3];
    }
}
