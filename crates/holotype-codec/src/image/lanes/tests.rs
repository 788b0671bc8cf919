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

fn round_trip(planes: &Planes) -> Vec<u8> {
    let coded = encode(planes);
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
        assert!(Encode(&planes).run(Portable) == coded);
        assert!(Decode { bytes: &coded, shape: &planes.shape }.run(Portable).unwrap() == planes);
    }
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
    let coded = encode(&planes);
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
