use super::*;
use std::cell::Cell;

thread_local! {
    static IS_PORTABLE: Cell<bool> = const { Cell::new(false) };
}

pub(super) fn is_portable() -> bool {
    IS_PORTABLE.get()
}

/// Runs `job` with the plain scalar form of every kernel.
pub(crate) fn portably<T>(job: impl FnOnce() -> T) -> T {
    IS_PORTABLE.set(true);
    let out = job();
    IS_PORTABLE.set(false);
    out
}

/// Small deterministic numbers of every size and sign.
fn numbers(seed: u64, n: usize) -> Vec<i32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as i32
    };
    (0..n).map(|_| (next() ^ next() << 9) >> (next() & 31)).collect()
}

/// Every operation on a pair of vectors, as bits.
struct Everything {
    a: [i32; 8],
    b: [i32; 8],
}

impl Kernel for Everything {
    type Output = Vec<i32>;

    #[inline(always)]
    fn run<L: ByteLanes>(self, l: L) -> Vec<i32> {
        let (a, b) = (l.load_i32(&self.a), l.load_i32(&self.b));
        let (f, g) = (l.mul(l.to_f32(a), l.splat(0.37)), l.to_f32(l.or(b, l.splat_i32(1))));
        let table: [i32; 64] = std::array::from_fn(|i| (i as i32) * 77 - 9);
        let words: [u16; 8] = std::array::from_fn(|i| self.a[i] as u16);
        let mask = l.gt(f, g);
        let table_of_pairs: [[i32; 2]; 256] =
            std::array::from_fn(|i| [i as i32 * -31 + 5, i as i32 * 1_000_003]);
        let pairs = l.look_up_pairs(&table_of_pairs, self.a.map(|a| a as usize));
        let mut all = Vec::new();
        let mut put = |value: L::I| {
            let mut out = [0; 8];
            l.store_i32(value, &mut out);
            all.extend_from_slice(&out);
        };
        for value in [
            l.add(f, g),
            l.sub(f, g),
            l.mul(f, g),
            l.div(f, g),
            l.add_exact_product(l.to_f32(l.sar::<20>(a)), l.to_f32(l.sar::<20>(b)), f),
            l.sqrt(l.abs(f)),
            l.min(f, g),
            l.max(f, g),
            l.round(l.mul(f, l.splat(0.5))),
            l.floor(f),
            l.shift_up(f, 3.5),
            l.select(mask, f, g),
            l.splat(-1.5),
            l.blend::<0b1010_0110>(f, g),
            l.push(f, 2.5),
            l.sum4([f, g, l.mul(f, g), l.sub(g, f)]),
        ] {
            put(l.bits(value));
        }
        for k in 0..8 {
            put(l.bits(l.lane(f, k)));
        }
        let eight = [f, g, l.mul(f, g), l.sub(g, f), l.add(f, g), l.min(f, g), l.abs(f), l.max(f, g)];
        l.transpose(eight).into_iter().for_each(|vector| put(l.bits(vector)));
        let clamped = l.max(l.min(f, l.splat(1e9)), l.splat(-1e9));
        for value in [
            mask,
            l.to_i32(clamped),
            l.bits(l.with_bits(a)),
            l.splat_i32(-7),
            l.add_i32(a, b),
            l.sub_i32(a, b),
            l.mul_i32(a, b),
            l.mul_high_u32(a, b),
            l.dot_i16(a, b),
            pairs.0,
            pairs.1,
            l.min_i32(a, b),
            l.max_i32(a, b),
            l.and(a, b),
            l.or(a, b),
            l.xor(a, b),
            l.gt_i32(a, b),
            l.eq_i32(a, l.and(a, b)),
            l.select_i32(l.sar::<31>(a), a, b),
            l.shl::<3>(a),
            l.shr::<5>(a),
            l.sar::<7>(a),
            l.shr_each(a, l.and(b, l.splat_i32(31))),
            l.shl_each(a, l.and(b, l.splat_i32(31))),
            l.shr_each(a, l.sar::<20>(b)),
            l.shl_each(a, l.sar::<20>(b)),
            l.splat_i32(l.sign_mask(a) as i32),
            l.look_up(&table, a),
            l.expand_u16(&words, l.sar::<31>(b)).0,
            l.splat_i32(l.expand_u16(&words, l.sar::<31>(b)).1 as i32),
        ] {
            put(value);
        }
        let (compressed, n_words) = l.compress_u16(a, l.sar::<31>(b));
        let n_free = 8 - n_words;
        put(l.load_i32(&std::array::from_fn(|k| if k < n_free { 0 } else { i32::from(compressed[k]) })));
        let mut written = table;
        // Few places, so that some lanes meet.
        l.put_each(&mut written, l.and(a, l.splat_i32(-4 * 16 - 1 - 8 - 4)), b);
        written.as_chunks().0.iter().for_each(|eight| put(l.load_i32(eight)));
        let mut floats = [0.0; 8];
        l.store(f, &mut floats);
        put(l.bits(l.load(&floats)));
        all
    }
}

#[test]
fn the_best_instructions_give_the_same_bits_as_the_plain_form() {
    let numbers = numbers(7, 16 * 2000);
    for pair in numbers.chunks_exact(16) {
        let (a, b) = (std::array::from_fn(|k| pair[k]), std::array::from_fn(|k| pair[8 + k]));
        assert_eq!(dispatch(Everything { a, b }), Everything { a, b }.run(Portable), "{a:?} {b:?}");
    }
}

/// Every operation on a pair of byte vectors.
struct EveryByte {
    a: [u8; 32],
    b: [u8; 32],
}

impl Kernel for EveryByte {
    type Output = Vec<u8>;

    #[inline(always)]
    fn run<L: ByteLanes>(self, l: L) -> Vec<u8> {
        let (a, b) = (l.load_u8(&self.a), l.load_u8(&self.b));
        let rows: [[u8; 32]; 16] = std::array::from_fn(|y| {
            std::array::from_fn(|x| self.a[(x + y) % 32].rotate_left(y as u32).wrapping_add(self.b[x]))
        });
        let columns = l.transpose_u8(rows.each_ref());
        assert!((0..512).all(|k| columns[k / 32][k % 32] == rows[k % 16][k / 32 + k % 32 / 16 * 16]));
        let mut all = vec![l.last_u8(a)];
        for value in [
            l.splat_u8(200),
            l.add_u8(a, b),
            l.sub_u8(a, b),
            l.add_capped_u8(a, b),
            l.min_u8(a, b),
            l.max_u8(a, b),
            l.average_u8(a, b),
            l.and_u8(a, b),
            l.gt_i8(a, b),
            l.eq_u8(a, l.and_u8(a, b)),
            l.select_u8(l.eq_u8(l.max_u8(a, b), a), a, b),
            l.shift_up_u8(a, 77),
            l.narrow_u8(l.widen_u8(b)),
            l.narrow_u8(l.widen_u8(a).map(|v| l.xor(v, l.splat_i32(1)))),
        ]
        .into_iter()
        .chain(l.interleave3_u8([a, b, l.sub_u8(a, b)]))
        .chain(l.deinterleave3_u8([a, b, l.sub_u8(a, b)]))
        {
            let mut out = [0; 32];
            l.store_u8(value, &mut out);
            all.extend_from_slice(&out);
        }
        all
    }
}

#[test]
fn bytes_are_the_same_too() {
    for pair in numbers(9, 64 * 500).chunks_exact(64) {
        let (a, b) = (std::array::from_fn(|k| pair[k] as u8), std::array::from_fn(|k| pair[32 + k] as u8));
        assert_eq!(dispatch(EveryByte { a, b }), EveryByte { a, b }.run(Portable), "{a:?} {b:?}");
    }
}

/// Every operation on a pair of word vectors.
struct EveryWord {
    a: [u16; 32],
    b: [u16; 32],
}

impl Kernel for EveryWord {
    type Output = Vec<u16>;

    #[inline(always)]
    fn run<L: WordLanes>(self, l: L) -> Vec<u16> {
        let (a, b) = (l.load_u16(&self.a), l.load_u16(&self.b));
        let rows: [[u16; 16]; 16] = std::array::from_fn(|y| {
            std::array::from_fn(|x| self.a[(x + y) % 32].rotate_left(y as u32).wrapping_add(self.b[2 * x]))
        });
        let mut all = l.transpose_u16(rows.each_ref()).as_flattened().to_vec();
        assert!((0..256).all(|k| all[k] == rows[k % 16][k / 16]), "columns are rows");
        all.push(l.last_u16(a));
        for value in [
            l.splat_u16(40_000),
            l.add_u16(a, b),
            l.sub_u16(a, b),
            l.add_capped_u16(a, b),
            l.min_u16(a, b),
            l.max_u16(a, b),
            l.average_u16(a, b),
            l.and_u16(a, b),
            l.xor_u16(a, b),
            l.double_u16(a),
            l.halve_u16(a),
            l.sign_u16(a),
            l.select_u16(l.sign_u16(b), a, b),
            l.shift_up_u16(a, 777),
            l.narrow_u16(l.widen_u16(b)),
            l.narrow_u16(l.widen_u16(a).map(|v| l.xor(v, l.splat_i32(1)))),
        ] {
            let mut out = [0; 32];
            l.store_u16(value, &mut out);
            all.extend_from_slice(&out);
        }
        all
    }
}

#[test]
fn words_are_the_same_too() {
    for pair in numbers(11, 64 * 500).chunks_exact(64) {
        let (a, b) = (std::array::from_fn(|k| pair[k] as u16), std::array::from_fn(|k| pair[32 + k] as u16));
        assert_eq!(dispatch(EveryWord { a, b }), EveryWord { a, b }.run(Portable), "{a:?} {b:?}");
    }
}
