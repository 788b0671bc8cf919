/// The Mersenne twister MT19937 (Matsumoto and Nishimura 1998), seeded by one number.
#[derive(Debug)]
pub(super) struct Mt19937 {
    state: [u32; N],
    at: usize,
}

const N: usize = 624;
const M: usize = 397;

impl Mt19937 {
    pub(super) fn new(seed: u32) -> Self {
        let mut state = [seed; N];
        for i in 1..N {
            let before = state[i - 1];
            state[i] = 1_812_433_253_u32.wrapping_mul(before ^ before >> 30).wrapping_add(i as u32);
        }
        Self { state, at: N }
    }

    fn twist(&mut self) {
        for i in 0..N {
            let bits = self.state[i] & 0x8000_0000 | self.state[(i + 1) % N] & 0x7FFF_FFFF;
            let odd = if bits & 1 == 1 { 0x9908_B0DF } else { 0 };
            self.state[i] = self.state[(i + M) % N] ^ bits >> 1 ^ odd;
        }
        self.at = 0;
    }

    pub(super) fn next_u32(&mut self) -> u32 {
        if self.at >= N {
            self.twist();
        }
        let mut bits = self.state[self.at % N];
        self.at += 1;
        bits ^= bits >> 11;
        bits ^= bits << 7 & 0x9D2C_5680;
        bits ^= bits << 15 & 0xEFC6_0000;
        bits ^ bits >> 18
    }

    /// In `[0, 1)`, of 53 bits, as NumPy draws it.
    pub(super) fn next_f64(&mut self) -> f64 {
        let (high, low) = (self.next_u32() >> 5, self.next_u32() >> 6);
        (u64::from(high) << 26 | u64::from(low)) as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ten_thousandth_number_is_that_of_the_c_plus_plus_standard() {
        let mut mt = Mt19937::new(5489);
        let last = (0..10_000).map(|_| mt.next_u32()).last();
        assert_eq!(last, Some(4_123_659_995));
    }
}
