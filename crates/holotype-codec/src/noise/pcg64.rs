/// PCG XSL RR 128/64 (O'Neill 2014), seeded as NumPy's `SeedSequence` does.
#[derive(Debug)]
pub(super) struct Pcg64 {
    state: u128,
    increment: u128,
    /// What is left of the last number of 64 bits when 32 were asked for.
    half: Option<u32>,
}

const MULTIPLIER: u128 = 0x2360_ED05_1FC6_5DA4_4385_DF64_9FCC_F645;

impl Pcg64 {
    pub(super) fn new(seed: u64) -> Self {
        let words = seed_sequence(seed);
        let wide = |k: usize| u128::from(words[k]) << 64 | u128::from(words[k + 1]);
        let mut pcg = Self { state: 0, increment: wide(2) << 1 | 1, half: None };
        pcg.step();
        pcg.state = pcg.state.wrapping_add(wide(0));
        pcg.step();
        pcg
    }

    fn step(&mut self) {
        self.state = self.state.wrapping_mul(MULTIPLIER).wrapping_add(self.increment);
    }

    pub(super) fn next_u64(&mut self) -> u64 {
        self.step();
        ((self.state >> 64) as u64 ^ self.state as u64).rotate_right((self.state >> 122) as u32)
    }

    /// Half a number, the lower first.
    pub(super) fn next_u32(&mut self) -> u32 {
        self.half.take().unwrap_or_else(|| {
            let bits = self.next_u64();
            self.half = Some((bits >> 32) as u32);
            bits as u32
        })
    }

    /// In `[0, 1)`, of 53 bits.
    pub(super) fn next_f64(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// In `[0, 1)`, of 24 bits.
    pub(super) fn next_f32(&mut self) -> f32 {
        (self.next_u32() >> 8) as f32 / (1_u32 << 24) as f32
    }
}

/// Four numbers of 64 bits from a seed: its digits hashed into a pool of four words, the pool hashed out.
fn seed_sequence(seed: u64) -> [u64; 4] {
    let mut constant = 0x43B0_D7E5_u32;
    let mut hash = |value: u32| {
        let value = value ^ constant;
        constant = constant.wrapping_mul(0x931E_8875);
        let value = value.wrapping_mul(constant);
        value ^ value >> 16
    };
    let mix = |x: u32, y: u32| {
        let mixed = x.wrapping_mul(0xCA01_F9DD).wrapping_sub(y.wrapping_mul(0x4973_F715));
        mixed ^ mixed >> 16
    };
    // A seed below 2³² has one digit; the rest of the pool is filled with zeros either way.
    let mut pool = [seed as u32, (seed >> 32) as u32, 0, 0].map(&mut hash);
    for source in 0..4 {
        for target in (0..4).filter(|target| *target != source) {
            pool[target] = mix(pool[target], hash(pool[source]));
        }
    }
    let mut constant = 0x8B51_F9DD_u32;
    let mut next = |k: usize| {
        let value = pool[k % 4] ^ constant;
        constant = constant.wrapping_mul(0x58F3_8DED);
        let value = value.wrapping_mul(constant);
        u64::from(value ^ value >> 16)
    };
    let words: [u64; 8] = std::array::from_fn(&mut next);
    std::array::from_fn(|k| words[2 * k + 1] << 32 | words[2 * k])
}
