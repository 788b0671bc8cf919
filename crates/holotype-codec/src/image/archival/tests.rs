use super::*;
use crate::simd::Portable;
use proptest::prelude::*;

fn encode(planes: &Planes, effort: Effort) -> Vec<u8> {
    super::encode(planes, effort, usize::MAX).unwrap()
}

const EFFORTS: [Effort; 2] = [Effort::Usual, Effort::Utmost];

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }
}

/// Planes of one kind: noise, a smooth picture, extremes only, few values, a ramp with outliers.
fn planes(kind: u64, width: usize, height: usize, maxes: &[u16], is_rgb: bool) -> Planes {
    let mut random = Random(kind + 11);
    let mut sample = |c: usize, max: u64, i: usize| {
        let (x, y) = ((i % width) as u64, (i / width) as u64);
        let value = match kind {
            0 => random.next() % (max + 1),
            1 => (x * x / 7 + y * 5 + 20 * c as u64 + random.next() % 3) * (max / 300 + 1),
            2 => (random.next() % 2) * max,
            3 => [0, max / 3, max][random.next() as usize % 3],
            _ => {
                if random.next().is_multiple_of(50) {
                    random.next()
                } else {
                    x + y
                }
            }
        };
        (value % (max + 1)) as u16
    };
    let samples = maxes
        .iter()
        .enumerate()
        .map(|(c, max)| (0..width * height).map(|i| sample(c, u64::from(*max), i)).collect())
        .collect();
    Planes { shape: PlaneShape { width, height, maxes: maxes.to_vec(), is_rgb }, samples }
}

#[test]
fn planes_come_back() {
    for effort in EFFORTS {
        for kind in 0..5 {
            for (width, height) in [(1, 1), (1, 40), (40, 1), (8, 8), (16, 3), (17, 16), (33, 20)] {
                for (maxes, is_rgb) in [
                    (&[255_u16][..], false),
                    (&[1], false),
                    (&[65535], false),
                    (&[255, 255, 255], true),
                    (&[65535, 40000, 65535, 1], true),
                    (&[9, 65535, 255, 255, 1000], false),
                ] {
                    let planes = planes(kind, width, height, maxes, is_rgb);
                    let coded = encode(&planes, effort);
                    assert_eq!(
                        decode(&coded, &planes.shape).as_ref(),
                        Ok(&planes),
                        "{kind} {width}x{height}"
                    );
                    assert_eq!(coded, encode(&planes, effort));
                }
            }
        }
    }
}

/// The bytes of one plane after `references`, with the plain form or the best instructions.
fn coded(
    plane: &[f32],
    width: usize,
    references: &[Plane],
    effort: Effort,
    is_plain: bool,
) -> (Vec<u8>, Plane) {
    let mut coder = RangeEncoder::within(usize::MAX, Vec::new());
    let mut out = Plane::new(width, plane.len() / width, -65535, 65535);
    for (y, row) in plane.chunks_exact(width).enumerate() {
        out.row_mut(y).copy_from_slice(row);
    }
    let job = Encoding { coder: &mut coder, plane: &mut out, references, effort };
    if is_plain {
        job.run(Portable)
    } else {
        simd::dispatch(job)
    }
    (coder.finish(), out)
}

/// The samples of one plane after `references`, with the plain form or the best instructions.
fn decoded(
    bytes: &[u8],
    [width, height]: [usize; 2],
    references: &[Plane],
    effort: Effort,
    is_plain: bool,
) -> Vec<i32> {
    let mut coder = RangeDecoder::new(bytes);
    let mut plane = Plane::new(width, height, -65535, 65535);
    let job = Decoding { coder: &mut coder, plane: &mut plane, references, effort };
    if is_plain {
        job.run(Portable)
    } else {
        simd::dispatch(job)
    }
    coder.finish().unwrap();
    plane.samples()
}

#[test]
fn the_best_instructions_give_the_same_bytes_and_samples_as_the_plain_form() {
    for effort in EFFORTS {
        for (kind, max) in [(0, 65535), (1, 255), (1, 65535), (2, 65535), (3, 200), (4, 4000)] {
            let planes = planes(kind, 61, 90, &[max; 3], false);
            let mut references = Vec::new();
            for samples in planes.samples {
                let plane: Vec<f32> = samples.iter().map(|s| f32::from(*s)).collect();
                let (plain, _) = coded(&plane, 61, &references, effort, true);
                let (best, done) = coded(&plane, 61, &references, effort, false);
                assert!(plain == best, "{effort:?} {kind} {max}");
                for is_plain in [true, false] {
                    let back = decoded(&best, [61, 90], &references, effort, is_plain);
                    assert!(back == done.samples(), "{effort:?} {kind} {max} {is_plain}");
                }
                references.push(done);
            }
        }
    }
}

#[test]
fn long_extremes_stay_finite() {
    // Square waves of the largest amplitude drive filters, fits and states to their bounds.
    for effort in EFFORTS {
        for period in [1, 2, 3, 17] {
            let (width, height) = (96, 200);
            let at = |i: usize| {
                if (i % width / period + i / width / period).is_multiple_of(2) { 0 } else { 65535 }
            };
            let samples = vec![(0..width * height).map(at).collect(), vec![9; width * height]];
            let shape = PlaneShape { width, height, maxes: vec![65535; 2], is_rgb: false };
            let planes = Planes { shape, samples };
            assert_eq!(decode(&encode(&planes, effort), &planes.shape), Ok(planes));
        }
    }
}

#[test]
fn differences_of_extremes_come_back() {
    // Seventeen bits: what a colour transform may make of sixteen.
    let mut random = Random(3);
    for effort in EFFORTS {
        let values: Vec<f32> =
            (0..70 * 70).map(|_| [-65535.0, 65535.0, 0.0][random.next() as usize % 3]).collect();
        let (bytes, _) = coded(&values, 70, &[], effort, false);
        let back = decoded(&bytes, [70, 70], &[], effort, false);
        assert!(back.iter().zip(&values).all(|(a, b)| *a as f32 == *b));
    }
}

#[test]
fn hostile_bytes_are_errors_or_samples() {
    let mut random = Random(5);
    for effort in EFFORTS {
        for (maxes, is_rgb) in [(&[255_u16, 255, 255][..], true), (&[65535, 60000], false)] {
            let planes = planes(1, 19, 12, maxes, is_rgb);
            let good = encode(&planes, effort);
            for n in 0..good.len() {
                assert!(decode(&good[..n], &planes.shape) != Ok(planes.clone()), "cut to {n}");
                let mut bad = good.clone();
                bad[n] ^= 1 << (random.next() % 8);
                drop(decode(&bad, &planes.shape));
            }
            for extra in [vec![0; 9], vec![1; 9], vec![0; 400]] {
                let grown = [good.as_slice(), &extra].concat();
                assert!(matches!(decode(&grown, &planes.shape), Err(CodecError::Corrupt { .. })));
            }
            for fill in 0..40 {
                let n = random.next() as usize % 900;
                let byte = |i: usize, r: u64| {
                    if fill < 2 {
                        [0, 255][fill]
                    } else if i < 2 {
                        r as u8 & 1
                    } else {
                        r as u8
                    }
                };
                let noise: Vec<u8> = (0..n).map(|i| byte(i, random.next())).collect();
                drop(decode(&noise, &planes.shape));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_planes_come_back(
        kind in 0_u64..5, width in 1_usize..40, height in 1_usize..24,
        maxes in proptest::collection::vec(1_u16.., 1..6), is_rgb: bool, utmost: bool,
    ) {
        let planes = planes(kind, width, height, &maxes, is_rgb && maxes.len() > 2);
        let effort = EFFORTS[usize::from(utmost)];
        prop_assert_eq!(decode(&encode(&planes, effort), &planes.shape), Ok(planes));
    }

    #[test]
    fn any_bytes_are_samples_or_errors(bytes in proptest::collection::vec(any::<u8>(), 0..300), first in 0_u8..2) {
        let shape = PlaneShape { width: 13, height: 9, maxes: vec![65535, 255, 7], is_rgb: true };
        let bytes = [&[first, first * 4, 1, 2], bytes.as_slice()].concat();
        drop(decode(&bytes, &shape));
    }
}
