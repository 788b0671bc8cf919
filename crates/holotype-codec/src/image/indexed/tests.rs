//! Every coder by itself: all types and shapes come back; nothing hostile panics.

use super::pixels::Pixels;
use super::{Patience, PixelCoder, code, decode};
use crate::simd::tests::portably;
use crate::{CodecError, SampleType, TileRef, TileShape, tile};

const CODERS: [PixelCoder; 5] =
    [PixelCoder::Runs, PixelCoder::Copies, PixelCoder::Palette, PixelCoder::Mixing, PixelCoder::Bulk];

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }
}

fn shape(width: u32, height: u32, n_channels: u16, sample: SampleType) -> TileShape {
    TileShape { width, height, n_channels, sample, is_rgb: n_channels >= 3 }
}

/// Kinds of content: noise, flat, two values, blobs of many labels, repeats over a ramp, dither.
fn content(kind: u64, shape: TileShape) -> Vec<u8> {
    let mut random = Random(kind + 3);
    let width = shape.width as usize;
    let mut out = Vec::new();
    for i in 0..shape.n_pixels() {
        let (x, y) = ((i % width) as u64, (i / width) as u64);
        let noise = random.next();
        let id = match kind {
            0 => noise << 31 ^ random.next(),
            1 => 5,
            2 => (x * x + 3 * y * y) / 40 % 2,
            3 => ((x + y * y / 30) / 5 * 37 + (y + x / 9) / 4) * 1_000_003,
            4 if y % 12 < 5 => 0x5af3 >> (x % 7 + y % 12) & 1,
            4 => (x + 2 * y) * 3,
            _ => noise % 3 * 50 + (x + y) / 8 % 3,
        };
        for c in 0..u64::from(shape.n_channels) {
            let value = id.wrapping_mul(1 + 0x1_0001_0101 * c).wrapping_add(c);
            let value = if shape.sample == SampleType::Bool { value & 1 } else { value };
            out.extend_from_slice(&value.to_le_bytes()[..shape.sample.n_bytes()]);
        }
    }
    out
}

fn encoded(coder: PixelCoder, shape: TileShape, samples: &[u8]) -> Option<Vec<u8>> {
    let rows: Vec<&[u8]> = samples.chunks_exact(shape.row_bytes()).collect();
    let tile = TileRef::new(shape, &rows).unwrap();
    code(coder, &Pixels::read(&tile)?, &shape, Patience::Limited, usize::MAX)
}

fn decoded(shape: TileShape, coded: &[u8]) -> Result<Vec<u8>, CodecError> {
    tile::tests::samples(shape, |out| decode(coded, out))
}

#[test]
fn copies_give_up_only_what_takes_more() {
    for kind in 0..6 {
        let shape = shape(130, 90, 3, SampleType::U8);
        let samples = content(kind, shape);
        let rows: Vec<&[u8]> = samples.chunks_exact(shape.row_bytes()).collect();
        let pixels = Pixels::read(&TileRef::new(shape, &rows).unwrap()).unwrap();
        let within = |most_bytes| code(PixelCoder::Copies, &pixels, &shape, Patience::Limited, most_bytes);
        let whole = within(usize::MAX).unwrap();
        assert_eq!(within(whole.len()).as_ref(), Some(&whole), "{kind}");
        if whole.len() > 200 {
            assert_eq!(within(whole.len() * 9 / 10), None, "{kind}");
        }
    }
}

#[test]
fn plain_instructions_give_the_same() {
    for (kind, n_channels) in (0..6).flat_map(|kind| [(kind, 1), (kind, 3)]) {
        let shape = shape(70, 50, n_channels, SampleType::U8);
        let samples = content(kind, shape);
        for coder in CODERS {
            let coded = encoded(coder, shape, &samples);
            assert_eq!(portably(|| encoded(coder, shape, &samples)), coded, "{coder:?} {kind}");
            if let Some(mut coded) = coded {
                assert_eq!(portably(|| decoded(shape, &coded)).unwrap(), samples, "{coder:?} {kind}");
                // What damage gives is the same as well.
                let at = coded.len() / 2;
                coded[at] ^= 4;
                assert_eq!(portably(|| decoded(shape, &coded)), decoded(shape, &coded), "{coder:?} {kind}");
            }
        }
    }
}

#[test]
fn every_coder_brings_every_type_and_shape_back() {
    let mut n_coded = [0; CODERS.len()];
    for sample in SampleType::ALL {
        for n_channels in (1..=8).filter(|n| usize::from(*n) * sample.n_bytes() <= 8) {
            for (width, height) in
                [(1, 1), (1, 2), (2, 1), (1, 40), (40, 1), (2, 17), (3, 9), (33, 21), (70, 50)]
            {
                let shape = shape(width, height, n_channels, sample);
                for kind in 0..6 {
                    let samples = content(kind, shape);
                    for (coder, n) in CODERS.into_iter().zip(&mut n_coded) {
                        if let Some(coded) = encoded(coder, shape, &samples) {
                            assert_eq!(
                                decoded(shape, &coded).unwrap(),
                                samples,
                                "{shape:?} {coder:?} {kind}"
                            );
                            assert_eq!(Some(coded), encoded(coder, shape, &samples), "deterministic");
                            *n += 1;
                        }
                    }
                }
            }
        }
    }
    assert!(n_coded.iter().all(|n| *n > 400), "{n_coded:?}");
}

#[test]
fn bulk_copies_of_many_literals_come_back_on_all_instructions() {
    // 4096 literals and more are coded in two halves.
    for (n_channels, width, height) in [(3, 130, 90), (4, 64, 64), (1, 71, 61), (2, 4100, 1)] {
        let shape = shape(width, height, n_channels, SampleType::U8);
        for kind in [0, 4, 5] {
            let samples = content(kind, shape);
            let coded = encoded(PixelCoder::Bulk, shape, &samples).unwrap();
            assert_eq!(coded[0], PixelCoder::Bulk as u8);
            assert_eq!(decoded(shape, &coded).unwrap(), samples, "{shape:?} {kind}");
            assert_eq!(portably(|| encoded(PixelCoder::Bulk, shape, &samples)).as_ref(), Some(&coded));
            assert_eq!(portably(|| decoded(shape, &coded)).unwrap(), samples, "{shape:?} {kind}");
        }
    }
}

#[test]
fn bulk_copies_split_what_is_longer_than_their_numbers() {
    // A flat area of more than 2¹⁸ pixels; rows so long that few distances can be told.
    for (width, height) in [(600, 500), (300_000, 3)] {
        let shape = shape(width, height, 3, SampleType::U8);
        let mut samples = vec![9; shape.row_bytes() * height as usize];
        let n = samples.len();
        for (i, byte) in samples[..n / 20].iter_mut().enumerate() {
            *byte = (i * i / 7) as u8;
        }
        samples.copy_within(..n / 20, n - n / 20);
        let coded = encoded(PixelCoder::Bulk, shape, &samples).unwrap();
        assert_eq!(decoded(shape, &coded).unwrap(), samples, "{shape:?}");
    }
}

#[test]
fn tiles_of_many_literals_are_coded_in_bulk() {
    let shape = shape(200, 120, 3, SampleType::U8);
    let coder = |every: usize| {
        let mut random = Random(1);
        let mut samples = vec![100; shape.row_bytes() * 120];
        for pixel in samples.chunks_exact_mut(3).step_by(every) {
            pixel.fill_with(|| random.next() as u8);
        }
        let coded = encoded(PixelCoder::Copies, shape, &samples).unwrap();
        assert_eq!(decoded(shape, &coded).unwrap(), samples, "{every}");
        coded[0]
    };
    assert_eq!(coder(1), PixelCoder::Bulk as u8);
    assert_eq!(coder(7), PixelCoder::Bulk as u8);
    assert_eq!(coder(13), PixelCoder::Copies as u8);
}

#[test]
fn damage_is_an_error_or_other_samples_and_never_a_panic() {
    for (n_channels, sample) in [(1, SampleType::U8), (4, SampleType::U8), (1, SampleType::U32)] {
        let shape = shape(23, 19, n_channels, sample);
        for kind in 0..6 {
            for coder in CODERS {
                let samples = content(kind, shape);
                let Some(good) = encoded(coder, shape, &samples) else { continue };
                // A cut stream of the binary coder may be that of another tile, never of the same one.
                let is_noticed = |bytes: &[u8]| match decoded(shape, bytes) {
                    Ok(other) => coder == PixelCoder::Mixing && other != samples,
                    Err(_) => true,
                };
                assert!((0..good.len()).all(|n| is_noticed(&good[..n])), "{coder:?} cut");
                for more in [&[0][..], &[0, 0], &[1, 2, 3, 4]] {
                    assert!(is_noticed(&[good.as_slice(), more].concat()), "{coder:?} grown");
                }
                for at in 0..good.len().min(400) {
                    for value in [1, 0x80, 0xff, 0x55] {
                        let mut bad = good.clone();
                        bad[at] ^= value;
                        drop(decoded(shape, &bad));
                    }
                }
            }
        }
    }
}

#[test]
fn random_bytes_never_panic() {
    let mut random = Random(11);
    for (n_channels, sample) in
        [(1, SampleType::Bool), (3, SampleType::U8), (2, SampleType::U16), (1, SampleType::F64)]
    {
        for (width, height) in [(1, 30), (40, 1), (31, 17)] {
            let shape = shape(width, height, n_channels, sample);
            for i in 0..3000 {
                let n = random.next() as usize % 90;
                let mut bytes: Vec<u8> = (0..n).map(|_| random.next() as u8).collect();
                if n > 4 {
                    bytes[0] = (i % 6) as u8;
                    bytes[1] %= 8;
                    // Few raw bits, so that the symbols are reached.
                    bytes[if i % 6 == 0 { 2 } else { 3 }] %= 8;
                }
                drop(decoded(shape, &bytes));
            }
        }
    }
}

#[test]
fn pixels_wider_than_eight_bytes_are_refused() {
    let shape = shape(4, 4, 3, SampleType::U32);
    for id in 0..=4 {
        assert!(decoded(shape, &[id, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0]).is_err());
    }
}
