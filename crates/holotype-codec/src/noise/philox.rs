//! Philox-4x32-10 (Salmon, Moraes, Dror, Shaw 2011) as PyTorch draws from it on CUDA. `docs/codecs/noise.md` §9.

use super::precise::Precise;

/// Four draws of 32 bits for a counter and a key.
pub(super) fn philox(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    let product = |a: u32, b: u32| {
        let product = u64::from(a) * u64::from(b);
        ((product >> 32) as u32, product as u32)
    };
    for _ in 0..10 {
        let [a, b, c, d] = counter;
        let (high_a, low_a) = product(a, 0xD251_1F53);
        let (high_c, low_c) = product(c, 0xCD9E_8D57);
        counter = [high_c ^ b ^ key[0], low_c, high_a ^ d ^ key[1], low_a];
        key = [key[0].wrapping_add(0x9E37_79B9), key[1].wrapping_add(0xBB67_AE85)];
    }
    counter
}

/// Threads of a CUDA kernel and what they draw.
#[derive(Debug)]
pub(super) struct Threads {
    pub(super) seed: u64,
    /// Draws that every thread made before, a multiple of 4.
    pub(super) offset: u64,
    pub(super) n_threads: u64,
}

impl Threads {
    /// Hands the four draws behind elements `e`, `e + n`, `e + 2n`, `e + 3n` of `n` threads to `make`, which turns them
    /// into elements.
    pub(super) fn fill(&self, out: &mut [f32], make: impl Fn([u32; 4]) -> [f32; 4]) {
        let Self { seed, offset, n_threads } = *self;
        let low_and_high = |bits: u64| [bits as u32, (bits >> 32) as u32];
        let n_threads = usize::try_from(n_threads).unwrap_or(usize::MAX).max(1);
        for (round, part) in out.chunks_mut(n_threads.saturating_mul(4)).enumerate() {
            let [low, high] = low_and_high((offset / 4).wrapping_add(round as u64));
            for thread in 0..n_threads.min(part.len()) {
                let [thread_low, thread_high] = low_and_high(thread as u64);
                let made = make(philox([low, high, thread_low, thread_high], low_and_high(seed)));
                for (element, made) in part.iter_mut().skip(thread).step_by(n_threads).zip(made) {
                    *element = made;
                }
            }
        }
    }
}

/// In `[0, 1)`: `(0, 1]` of the generator with 1 taken for 0.
pub(super) fn uniform(bits: u32) -> f32 {
    let value = bits as f32 / 4_294_967_296.0 + 0.5 / 4_294_967_296.0;
    if value >= 1.0 { 0.0 } else { value }
}

/// Two pairs of normal numbers.
pub(super) fn normal(precise: &Precise, [a, b, c, d]: [u32; 4]) -> [f32; 4] {
    let pair = |a: u32, b: u32| {
        const SCALE: f32 = 2.328_306_4e-10;
        const TURN: f32 = SCALE * std::f32::consts::TAU;
        let u = a as f32 * SCALE + SCALE / 2.0;
        let angle = (b as f32).mul_add(TURN, TURN / 2.0);
        let radius = (-2.0 * precise.log(f64::from(u)) as f32).sqrt();
        let (sin, cos) = precise.sin_cos(f64::from(angle));
        (radius * sin as f32, radius * cos as f32)
    };
    let ((first, second), (third, fourth)) = (pair(a, b), pair(c, d));
    [first, second, third, fourth]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_those_of_its_authors() {
        // The known answers that come with Random123: a counter and a key of zeros, of ones, of digits of π.
        for (counter, key, expected) in [
            ([0; 4], [0; 2], [0x6627_E8D5, 0xE169_C58D, 0xBC57_AC4C, 0x9B00_DBD8]),
            ([u32::MAX; 4], [u32::MAX; 2], [0x408F_276D, 0x41C8_3B0E, 0xA20B_C7C6, 0x6D54_51FD]),
            (
                [0x243F_6A88, 0x85A3_08D3, 0x1319_8A2E, 0x0370_7344],
                [0xA409_3822, 0x299F_31D0],
                [0xD16C_FE09, 0x94FD_CCEB, 0x5001_E420, 0x2412_6EA1],
            ),
        ] {
            assert_eq!(philox(counter, key), expected);
        }
    }

    #[test]
    fn a_round_of_few_threads_goes_on_with_the_counter() {
        let make = |draws: [u32; 4]| draws.map(|draw| draw as f32);
        let mut many = [0.0; 40];
        Threads { seed: 5, offset: 4, n_threads: 8 }.fill(&mut many, make);
        for (e, element) in many.iter().enumerate() {
            let draws = philox([1 + e as u32 / 32, 0, e as u32 % 8, 0], [5, 0]);
            assert_eq!(*element, draws[e / 8 % 4] as f32);
        }
    }
}
