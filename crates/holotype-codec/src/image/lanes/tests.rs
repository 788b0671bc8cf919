use super::*;
use crate::simd::Portable;

fn planes(width: usize, height: usize, maxes: &[u16], kind: u64) -> Planes {
    let mut state = kind + 1;
    let mut samples = Vec::new();
    for (c, max) in maxes.iter().enumerate() {
        let value = |i: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let (x, y, noise) = (i % width, i / width, (state >> 40) as usize);
            let value = match kind % 6 {
                0 => noise,
                1 => (x + 2 * y + 9 * c) & 0xFFF0,
                2 => x * y * (c + 3) / 7 + (noise & 7),
                3 if x > 40 => 9,
                3 => noise & 3,
                4 => (x * 300 + y * 77 + (noise & 0xFFFF)) >> (x % 16),
                _ => {
                    if noise % 9 == 0 {
                        noise
                    } else {
                        usize::from(*max)
                    }
                }
            };
            (value % (usize::from(*max) + 1)) as u16
        };
        samples.push((0..width * height).map(value).collect());
    }
    Planes { shape: PlaneShape { width, height, maxes: maxes.to_vec(), is_rgb: maxes.len() >= 3 }, samples }
}

/// A plane with long slopes, steps and a little noise, where most residuals are 0: for tables.
fn slopes(width: usize, height: usize, far: u16) -> Planes {
    let mut state = 7_u64;
    let mut value = |i: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (x, y, noise) = (i % width, i / width, (state >> 40) as usize);
        let far = if noise.is_multiple_of(97) { noise >> 7 & usize::from(far) } else { 0 };
        ((x / 9 + y / 5 + usize::from(noise.is_multiple_of(23)) + far) & 0xFFFF) as u16
    };
    let samples = vec![(0..width * height).map(&mut value).collect()];
    Planes { shape: PlaneShape { width, height, maxes: vec![65535], is_rgb: false }, samples }
}

/// By tables whatever that gives.
fn by_tables(planes: &Planes) -> Vec<u8> {
    struct Tables<'a>(&'a Planes);
    impl Kernel for Tables<'_> {
        type Output = Vec<u8>;
        fn run<L: WordLanes>(self, l: L) -> Vec<u8> {
            let mut out = vec![Colour::None as u8];
            for c in 0..self.0.samples.len() {
                encode::Plane::new(self.0, Colour::None, c)
                    .code_by_tables(l, 3, usize::MAX, &mut out)
                    .unwrap();
            }
            out
        }
    }
    let coded = dispatch(Tables(planes));
    assert!(Tables(planes).run(Portable) == coded);
    coded
}

#[test]
fn tables_take_what_bits_take() {
    for (width, height) in
        [(1, 1), (1, 70), (70, 1), (2, 33), (15, 64), (16, 2), (61, 31), (62, 32), (63, 33), (131, 65)]
    {
        for kind in 0..6 {
            for maxes in [&[1][..], &[65535], &[300, 65535]] {
                let planes = planes(width, height, maxes, kind);
                let coded = by_tables(&planes);
                assert!(decode(&coded, &planes.shape).unwrap() == planes, "{width} x {height}, {kind}");
                let plain = Decode { bytes: &coded, shape: &planes.shape }.run(Portable);
                assert!(plain.unwrap() == planes);
            }
        }
    }
    for width in 1..=80 {
        let planes = slopes(width, 34, 0xFFFF);
        assert!(decode(&by_tables(&planes), &planes.shape).unwrap() == planes, "{width}");
    }
}

#[test]
fn tables_are_taken_where_they_gain() {
    let planes = slopes(400, 300, 0x3F);
    let coded = round_trip(&planes);
    assert_eq!(coded[1], BY_TABLES);
    assert!(coded.len() < 120_000 / 6, "{}", coded.len());
    let noise = super::tests::planes(400, 300, &[65535], 0);
    assert_ne!(round_trip(&noise)[1], BY_TABLES);
}

#[test]
fn damaged_tables_are_errors_or_other_samples() {
    let planes = slopes(90, 70, 0xFFF);
    let good = by_tables(&planes);
    for n in 0..good.len() {
        assert!(decode(&good[..n], &planes.shape).is_err(), "cut at {n}");
    }
    assert!(decode(&[good.as_slice(), &[0, 0]].concat(), &planes.shape).is_err());
    for at in 0..good.len() {
        for mask in [1, 16, 128, 255] {
            let mut bad = good.clone();
            bad[at] ^= mask;
            let found =
                [decode(&bad, &planes.shape), Decode { bytes: &bad, shape: &planes.shape }.run(Portable)];
            assert!(found[0] == found[1], "byte {at}");
        }
    }
}

fn round_trip(planes: &Planes) -> Vec<u8> {
    let coded = encode(planes, UseOfTables::IfMuchSmaller, usize::MAX).unwrap();
    assert!(decode(&coded, &planes.shape).unwrap() == *planes, "{:?}", planes.shape);
    coded
}

#[test]
fn every_size_comes_back() {
    for (width, height) in
        [(1, 1), (1, 70), (70, 1), (2, 33), (15, 64), (16, 2), (61, 31), (62, 32), (63, 33), (131, 65)]
    {
        for maxes in [&[1][..], &[65535], &[300, 65535], &[65535; 3], &[255, 255, 255, 4095, 1]] {
            for kind in 0..6 {
                round_trip(&planes(width, height, maxes, kind));
            }
        }
    }
}

#[test]
fn widths_one_to_eighty() {
    for width in 1..=80 {
        for kind in [2, 4] {
            round_trip(&planes(width, 34, &[65535, 40_000, 65535, 255], kind));
        }
    }
}

#[test]
fn the_plain_form_writes_and_reads_the_same() {
    for (maxes, kind) in
        [(&[65535][..], 0), (&[65535; 3], 2), (&[4095, 7, 65535], 4), (&[65535], 5), (&[3], 3)]
    {
        let planes = planes(150, 70, maxes, kind);
        let coded = round_trip(&planes);
        let encode =
            Encode { planes: &planes, use_of_tables: UseOfTables::IfMuchSmaller, most_bytes: usize::MAX };
        assert!(encode.run(Portable) == Some(coded.clone()));
        assert!(Decode { bytes: &coded, shape: &planes.shape }.run(Portable).unwrap() == planes);
    }
}

#[test]
fn it_gives_up_only_what_takes_more() {
    let mut n_given_up = 0;
    for (maxes, kind) in [(&[65535][..], 4), (&[65535; 3], 2), (&[4095, 7, 65535], 4), (&[255], 5)] {
        let planes = planes(320, 200, maxes, kind);
        let whole = encode(&planes, UseOfTables::IfSmaller, usize::MAX).unwrap();
        let most = |n_bytes| encode(&planes, UseOfTables::IfSmaller, n_bytes);
        assert!(most(whole.len()).as_ref() == Some(&whole), "{maxes:?}, {kind}");
        // By bits nothing is known before the end.
        n_given_up += usize::from(most(whole.len() / 2).is_none());
    }
    assert!(n_given_up > 1, "{n_given_up}");
}

#[test]
fn damage_is_never_a_panic_and_cuts_are_found() {
    for kind in [2, 4] {
        let planes = planes(80, 40, &[65535, 255, 255], kind);
        let good = round_trip(&planes);
        for n in 0..good.len() {
            assert!(decode(&good[..n], &planes.shape).is_err(), "cut at {n}");
        }
        assert!(decode(&[good.as_slice(), &[0, 0]].concat(), &planes.shape).is_err());
        for at in 0..good.len().min(1200) {
            for mask in [1, 64, 255] {
                let mut bad = good.clone();
                bad[at] ^= mask;
                let _ = decode(&bad, &planes.shape);
            }
        }
    }
}

#[test]
fn samples_beyond_their_range_are_refused() {
    let planes = planes(40, 40, &[700], 2);
    let coded = encode(&planes, UseOfTables::IfSmaller, usize::MAX).unwrap();
    let narrow = PlaneShape { maxes: vec![100], ..planes.shape };
    assert!(matches!(decode(&coded, &narrow), Err(CodecError::Corrupt { .. })));
}

#[test]
fn planes_of_one_value_take_next_to_nothing() {
    let planes = Planes {
        shape: PlaneShape { width: 500, height: 400, maxes: vec![9], is_rgb: false },
        samples: vec![vec![0; 200_000]],
    };
    assert!(round_trip(&planes).len() < 60);
}
